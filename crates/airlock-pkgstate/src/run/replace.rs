//! Extra instances of declared packages: they go when what is declared is there, so that nothing is lost for a package that
//! could not come. Where they are in its way they go first, and it is tried once more.

use super::{Machine, RunError, Session};
use crate::decide::InstanceStatus;
use crate::inventory::Installed;

/// What rpm says when a package has the file of another one.
const IN_THE_WAY: &str = "conflicts with file";

impl Session<'_> {
    /// Takes the extra instances of the chosen entries away. `retry` says whether those of an entry are in the way of what it
    /// declares; `again` tries the entry once more.
    pub(super) fn settle_instances(
        &mut self,
        machine: &mut dyn Machine,
        is_in_the_way: impl Fn(&Self, usize, &mut dyn Machine) -> bool,
        erase: impl Fn(&mut Self, &[usize], &mut dyn Machine) -> Result<(), RunError>,
        again: impl Fn(&mut Self, usize, &mut dyn Machine) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let has_extra = |session: &Self, at: &usize| {
            session.now.get(*at).is_some_and(|one| one.extra.is_some())
        };
        let chosen: Vec<usize> = self
            .to_install
            .iter()
            .copied()
            .filter(|at| has_extra(self, at))
            .collect();
        if chosen.is_empty() {
            return Ok(());
        }
        self.refresh(machine)?;
        self.reexamine(&chosen, machine);
        let (there, not): (Vec<usize>, Vec<usize>) = chosen
            .into_iter()
            .filter(|at| has_extra(self, at))
            .partition(|at| self.is_there(*at));
        erase(self, &there, machine)?;
        for at in not {
            if !is_in_the_way(self, at, machine) {
                self.keep_instances(at);
                continue;
            }
            erase(self, &[at], machine)?;
            self.refresh(machine)?;
            again(self, at, machine)?;
        }
        Ok(())
    }

    /// Every instance of an entry is there in its version.
    fn is_there(&self, at: usize) -> bool {
        let is_there = |status: &InstanceStatus| {
            status.installed != Some(false) && status.version_fail != Some(true)
        };
        let examined = self.now.get(at);
        examined.is_some_and(|examined| examined.instances.iter().all(is_there))
    }

    /// The last command that named this failed because of files of what is installed.
    pub(super) fn failed_for_files(&self, argument: &str) -> bool {
        let mut commands = self.commands.iter().rev();
        let last = commands.find(|ran| ran.arguments.iter().any(|one| one == argument));
        last.is_some_and(|ran| !ran.succeeded() && ran.output.contains(IN_THE_WAY))
    }

    /// Says that extra instances stay because nothing came in their place.
    fn keep_instances(&mut self, at: usize) {
        let examined = self.now.get(at);
        let Some(extra) = examined.and_then(|examined| examined.extra.as_ref()) else {
            return;
        };
        let planned = |installed: &&Installed| {
            let spec = installed.spec();
            let mut actions = self.actions.iter();
            actions.any(|action| action.is_removal() && action.spec() == spec)
        };
        let specs: Vec<String> = extra
            .instances
            .iter()
            .filter(planned)
            .map(Installed::spec)
            .collect();
        if !specs.is_empty() {
            self.notes.push(format!(
                "{} stays: what is declared in its place is not there",
                specs.join(", ")
            ));
        }
    }
}
