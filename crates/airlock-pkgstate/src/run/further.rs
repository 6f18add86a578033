//! What happens beside what was asked for: packages that others need, and packages that others take the place of.

use std::collections::BTreeSet;

use super::action::{Action, ActionKind};
use super::command::Manager;
use super::transaction::{self, Change};
use super::yum::Order;
use super::{Machine, RunError, Session};
use crate::declared::Entry;
use crate::settings::Driver;

impl Session<'_> {
    /// Finds what happens beside the actions, as far as this machine can tell: of package files what they obsolete, of a
    /// package manager all that it says.
    pub fn look_further(&mut self, machine: &mut dyn Machine) {
        self.further = match self.driver {
            Driver::Rpm => self.displaced(machine),
            Driver::Yum => self.ask_manager(machine),
        };
        // What was declined, or is not on the list, may change all the same because something else needs it.
        let left: BTreeSet<&str> = self
            .left
            .iter()
            .filter_map(|at| self.entry(*at))
            .flat_map(Entry::package_names)
            .collect();
        let touched = self
            .further
            .iter()
            .filter(|action| left.contains(action.name.as_str()));
        let notes: Vec<String> = touched
            .map(|action| {
                format!(
                    "{} changes although it was left alone: {}",
                    action.spec(),
                    action.reason
                )
            })
            .collect();
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
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

    /// What the manager adds to the requests, and what it removes for them. Requests that it cannot meet together are asked
    /// about in halves: an entry that is in no repository must not hide what the others do.
    fn ask_manager(&mut self, machine: &mut dyn Machine) -> Vec<Action> {
        let manager = machine.manager();
        let mut further: Vec<Action> = Vec::new();
        self.foreseen = true;
        let mut failures = 0;
        let mut left = self.orders(manager);
        left.reverse();
        while let Some((order, mut actions)) = left.pop() {
            match self.ask_about(manager, order, &actions, machine) {
                Ok(changes) => {
                    let reason = needed_by(&actions);
                    let more = changes
                        .iter()
                        .filter(|change| !change.is_one_of(&self.actions))
                        .map(|change| change.action(reason(change)));
                    for action in more {
                        if !further.iter().any(|known| is_same(known, &action)) {
                            further.push(action);
                        }
                    }
                }
                Err(why) => {
                    self.foreseen = false;
                    failures += 1;
                    if actions.len() > 1 && failures < MOST_FAILURES {
                        let second = actions.split_off(actions.len() / 2);
                        left.push((order, second));
                        left.push((order, actions));
                        continue;
                    }
                    if !self.notes.contains(&why) {
                        self.notes.push(why);
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
        let Some(changes) = transaction::read(manager, &ran) else {
            let why = transaction::refusal(&ran);
            return Err(format!("{manager} does not say what it would do: {why}"));
        };
        let replaces = |change: &&Change| {
            matches!(change.kind, ActionKind::Upgrade | ActionKind::Downgrade)
                && actions
                    .iter()
                    .any(|action| action.side_by_side && action.name == change.name)
        };
        if let Some(change) = changes.iter().find(replaces) {
            let list = match manager {
                Manager::Zypper => "multiversion of zypp.conf",
                Manager::Dnf | Manager::Yum => "installonlypkgs of its configuration",
            };
            return Err(format!(
                "{manager} would put {} in the place of what is there and not beside it; name {} in {list}",
                change.action(String::new()).spec(),
                change.name
            ));
        }
        Ok(changes)
    }

    /// Whether a request may go to the manager. What it does beside the request was looked at, or is asked now: one by one it
    /// may choose otherwise than for all together, zypper knows no protected packages, and without autodep nothing but what
    /// was asked for is done.
    pub(super) fn may_request(
        &mut self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        alone: bool,
        machine: &mut dyn Machine,
    ) -> Result<(), String> {
        if manager != Manager::Zypper && self.settings.autodep && self.foreseen && !alone {
            return Ok(());
        }
        let changes = self.ask_about(manager, order, actions, machine)?;
        let more = changes.iter().filter(|change| !change.is_one_of(actions));
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
        let reason = needed_by(actions);
        let known = self.planned.as_ref().unwrap_or(&self.further);
        let unknown: Vec<Action> = more
            .filter(|change| !change.is_one_of(&self.actions))
            .map(|change| change.action(reason(change)))
            .filter(|action| takes_away(action) && !known.iter().any(|one| is_same(one, action)))
            .collect();
        let Some(first) = unknown.first() else {
            return Ok(());
        };
        if self.foreseen || self.planned.is_some() {
            return Err(format!("{}, which was not foreseen", would(first)));
        }
        let beside: Vec<Action> = self.further.iter().chain(&unknown).cloned().collect();
        let refusals = self.refusals(&beside, machine);
        if refusals.is_empty() {
            self.further = beside;
            return Ok(());
        }
        let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Err(texts.join("; "))
    }

    /// Nothing goes, and nothing goes back, of which the plan that is carried out does not speak.
    pub(super) fn hold_to_plan(&self) -> Result<(), RunError> {
        let Some(planned) = &self.planned else {
            return Ok(());
        };
        let unknown: Vec<String> = self
            .further
            .iter()
            .filter(|action| takes_away(action))
            .filter(|action| !planned.iter().any(|one| is_same(one, action)))
            .map(would)
            .collect();
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(RunError::Stale(format!(
                "{}, of which the plan does not speak; nothing was done: make a new plan and look at it",
                unknown.join(", ")
            ))),
        }
    }
}

/// So many questions may fail before no more halves are asked about: where nothing can be met, each would fail.
const MOST_FAILURES: usize = 24;

fn takes_away(action: &Action) -> bool {
    action.is_removal() || action.kind == ActionKind::Downgrade
}

fn would(action: &Action) -> String {
    match action.is_removal() {
        true => format!("{} would be removed", action.spec()),
        false => format!("{} would come in the place of a newer one", action.spec()),
    }
}

/// The same is done to the same package. A package without epoch has the epoch 0.
fn is_same(one: &Action, other: &Action) -> bool {
    one.is_removal() == other.is_removal()
        && one.name == other.name
        && one.arch == other.arch
        && one.version == other.version
        && one.release == other.release
        && epoch(one) == epoch(other)
}

/// The epoch as numbers are compared, 0 when there is none.
pub(super) fn epoch(action: &Action) -> &str {
    action.epoch.as_deref().unwrap_or("0")
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
