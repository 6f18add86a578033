//! Extra instances of declared packages: they go when what is declared is there, so that nothing is lost for a package that
//! could not come. Where they, and nothing else, are in its way they go first, and it is tried once more.

use super::command::Ran;
use super::{Machine, RunError, Session};
use crate::decide::InstanceStatus;
use crate::decide::extra::ExtraPackage;
use crate::inventory::Installed;
use crate::settings::Driver;

/// What rpm says when a package has the file of another one, which it names behind this.
const IN_THE_WAY: &str = " conflicts with file from package ";

impl Session<'_> {
    /// Takes the extra instances of the chosen entries away. `swap` puts what an entry declares in the place of its extra
    /// instances in one step, where it can; `is_in_the_way` says whether they alone keep it away; `again` tries it once more.
    pub(super) fn settle_instances(
        &mut self,
        machine: &mut dyn Machine,
        swap: impl Fn(&mut Self, usize, &mut dyn Machine) -> Result<bool, RunError>,
        is_in_the_way: impl Fn(&mut Self, usize, &mut dyn Machine) -> bool,
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
        self.remove_instances_of(&there, machine)?;
        for at in not {
            if swap(self, at, machine)? {
                continue;
            }
            if !is_in_the_way(self, at, machine) {
                self.keep_instances(at);
                continue;
            }
            let gone = self.planned_extras(at);
            self.remove_instances_of(&[at], machine)?;
            self.refresh(machine)?;
            again(self, at, machine)?;
            self.refresh(machine)?;
            self.reexamine(&[at], machine);
            if !self.is_there(at) {
                self.notes.push(format!(
                    "{} was in the way and went, and what is declared could not be installed all the same",
                    gone.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Removes the extra instances of entries, by whatever the driver works with.
    pub(super) fn remove_instances_of(
        &mut self,
        places: &[usize],
        machine: &mut dyn Machine,
    ) -> Result<(), RunError> {
        let extra = places
            .iter()
            .filter_map(|at| self.now.get(*at)?.extra.clone());
        let packages: Vec<ExtraPackage> = extra.collect();
        if packages.is_empty() {
            return Ok(());
        }
        machine
            .step("remove extra instances")
            .map_err(RunError::Stopped)?;
        match self.driver {
            Driver::Rpm => self.erase(&packages, machine),
            Driver::Yum => self.remove_with_manager(&packages, machine),
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

    /// The last command that asked for these alone failed because of files of the extra instances of an entry, and of nothing
    /// else.
    pub(super) fn failed_for_extras(&self, at: usize, wanted: &[String]) -> bool {
        let is_alone = |ran: &&Ran| {
            let words = ["install", "upgrade", "downgrade", "reinstall"];
            let arguments = ran.command.arguments.iter();
            let named =
                arguments.filter(|one| !one.starts_with('-') && !words.contains(&one.as_str()));
            named.eq(wanted)
        };
        let Some(last) = self.commands.iter().rev().find(is_alone) else {
            return false;
        };
        let extras = self.planned_extras(at);
        let lines = last.output.lines();
        let mut holders = lines
            .filter_map(|line| Some(line.split_once(IN_THE_WAY)?.1.trim()))
            .peekable();
        !last.succeeded()
            && !last.output.contains(" is needed by ")
            && holders.peek().is_some()
            && holders.all(|holder| extras.iter().any(|extra| is_same(extra, holder)))
    }

    /// The extra instances of an entry that are to go.
    pub(super) fn planned_extras(&self, at: usize) -> Vec<String> {
        let examined = self.now.get(at);
        let Some(extra) = examined.and_then(|examined| examined.extra.as_ref()) else {
            return Vec::new();
        };
        let specs = extra.instances.iter().map(Installed::spec);
        let planned = |spec: &String| {
            let mut actions = self.actions.iter();
            actions.any(|action| action.is_removal() && action.spec() == *spec)
        };
        specs.filter(planned).collect()
    }

    /// Says that extra instances stay because nothing came in their place.
    fn keep_instances(&mut self, at: usize) {
        let specs = self.planned_extras(at);
        if !specs.is_empty() {
            self.notes.push(format!(
                "{} stays: what is declared in its place is not there",
                specs.join(", ")
            ));
        }
    }
}

/// rpm leaves the epoch out of some of its messages.
fn is_same(spec: &str, shown: &str) -> bool {
    let without_epoch = |text: &str| match text.split_once(':') {
        Some((before, rest)) => {
            let name = before.trim_end_matches(|one: char| one.is_ascii_digit());
            format!("{name}{rest}")
        }
        None => text.to_owned(),
    };
    without_epoch(spec) == without_epoch(shown)
}
