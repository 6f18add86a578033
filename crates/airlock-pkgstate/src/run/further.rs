//! What happens beside what was asked for: packages that others need, and packages that others take the place of.

use super::action::{Action, ActionKind};
use super::command::Manager;
use super::transaction::{self, Change};
use super::yum::Order;
use super::{Machine, RunError, Session};
use crate::settings::Driver;

impl Session<'_> {
    /// Finds what happens beside the actions, as far as this machine can tell: of package files what they obsolete, of a
    /// package manager all that it says.
    pub fn look_further(&mut self, machine: &mut dyn Machine) {
        self.further = match self.driver {
            Driver::Rpm => self.displaced(machine),
            Driver::Yum => self.ask_manager(machine),
        };
    }

    /// Installed packages that package files which are here take away because they obsolete them.
    fn displaced(&self, machine: &mut dyn Machine) -> Vec<Action> {
        let mut found: Vec<Action> = Vec::new();
        let upgrades = self
            .actions
            .iter()
            // rpm --install leaves what is obsoleted.
            .filter(|action| super::rpm::is_installation(action) && !action.side_by_side);
        for action in upgrades {
            for installed in machine.displaces(action, &self.inventory) {
                let reason = format!("{} obsoletes it", action.spec());
                let gone = Action::removal(ActionKind::Remove, &installed, reason);
                let known = |one: &Action| one.is_removal() && one.spec() == gone.spec();
                if !self.actions.iter().chain(&found).any(known) {
                    found.push(gone);
                }
            }
        }
        found
    }

    /// Refuses when a package file, all of which are here now, takes away what must stay.
    pub(super) fn refuse_displaced(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        self.further = self.displaced(machine);
        self.hold_to_rules(machine)
    }

    /// What the manager adds to the request, and what it removes for it.
    fn ask_manager(&mut self, machine: &mut dyn Machine) -> Vec<Action> {
        let manager = machine.manager();
        let mut further: Vec<Action> = Vec::new();
        for (order, actions) in self.orders(manager) {
            match self.ask_about(manager, order, &actions, machine) {
                Ok(changes) => {
                    let reason = needed_by(&actions);
                    let more = changes
                        .iter()
                        .filter(|change| !change.is_one_of(&self.actions))
                        .map(|change| change.action(reason(change)));
                    further.extend(more);
                }
                Err(why) => {
                    let note = format!("{manager} does not say what it would do: {why}");
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
            }
        }
        further
    }

    /// Asks what the manager would do for these actions.
    pub(super) fn ask_about(
        &self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        machine: &mut dyn Machine,
    ) -> Result<Vec<Change>, String> {
        let request = self.request(manager, order, actions, machine);
        let ran = machine.ask(&transaction::question(manager, &request));
        transaction::read(manager, &ran).ok_or_else(|| transaction::refusal(&ran))
    }

    /// Whether a request may go to the manager: zypper knows no protected packages, and without autodep nothing but what
    /// was asked for is done.
    pub(super) fn may_request(
        &self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        machine: &mut dyn Machine,
    ) -> Result<(), String> {
        if manager != Manager::Zypper && self.settings.autodep {
            return Ok(());
        }
        let changes = self.ask_about(manager, order, actions, machine)?;
        let mut more = changes.iter().filter(|change| !change.is_one_of(actions));
        if !self.settings.autodep
            && let Some(change) = more.clone().next()
        {
            let spec = change.action(String::new()).spec();
            let does = match change.kind {
                ActionKind::Remove => "removed",
                _ => "installed",
            };
            return Err(format!("{spec} would be {does} too, and autodep is false"));
        }
        // What was looked at before, all together, is known; one by one the manager may choose otherwise.
        let unknown = more.find(|change| {
            change.kind == ActionKind::Remove
                && !change.is_one_of(&self.actions)
                && !change.is_one_of(&self.further)
        });
        match unknown {
            Some(change) => Err(format!(
                "{} would be removed, which was not foreseen",
                change.action(String::new()).spec()
            )),
            None => Ok(()),
        }
    }
}

/// The reason of a further action: what was asked for.
fn needed_by(actions: &[Action]) -> impl Fn(&Change) -> String {
    let mut names: Vec<String> = actions.iter().take(3).map(Action::spec).collect();
    if actions.len() > names.len() {
        names.push(format!("{} more", actions.len() - names.len()));
    }
    let names = names.join(", ");
    move |change| match change.kind {
        ActionKind::Remove => format!("it makes room for {names}"),
        _ => format!("needed by {names}"),
    }
}
