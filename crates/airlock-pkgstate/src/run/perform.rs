//! Carrying out: the actions of one driver, then another look, then what was pushed aside, then extra packages.

use std::collections::BTreeSet;

use super::{Machine, Remove, RunError, Session};
use crate::decide::Context;
use crate::declared::Entry;
use crate::settings::Driver;

impl Session<'_> {
    /// Carries out the actions.
    ///
    /// # Errors
    /// [`RunError::Inventory`] and [`RunError::Stopped`].
    pub fn perform(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        self.performed = true;
        let context = self.context(false);
        let fixing: Vec<usize> = self
            .to_install
            .iter()
            .filter(|at| self.is_ours(**at) && self.can_install(**at, &context))
            .copied()
            .collect();
        if !fixing.is_empty() {
            self.install(&fixing, machine)?;
            self.again_for_bundles(machine)?;
        }
        if !self.to_remove.is_empty() {
            self.remove_extra(machine)?;
        }
        self.refresh(machine)?;
        let again: Vec<usize> =
            match self.options.kevlar && !self.modified.is_empty() && !self.options.dry_run {
                true => (0..self.now.len()).collect(),
                false => self.with_other_packages(),
            };
        self.reexamine(&again, machine);
        self.extra = self.find_extra();
        Ok(())
    }

    /// Entries whose packages changed since they were examined: what was found then says nothing any more.
    fn with_other_packages(&self) -> Vec<usize> {
        (0..self.now.len())
            .filter(|at| self.is_ours(*at))
            .filter(|at| self.looked_at.get(*at) != Some(&self.numbers(*at)))
            .collect()
    }

    pub(super) fn can_install(&self, at: usize, context: &Context<'_>) -> bool {
        self.entry(at)
            .is_some_and(|entry| crate::decide::required::to_install(entry, context).is_ok())
    }

    /// Puts entries right and looks at them again.
    fn install(&mut self, fixing: &[usize], machine: &mut dyn Machine) -> Result<(), RunError> {
        match self.driver {
            Driver::Rpm => self.install_with_rpm(machine)?,
            Driver::Yum => self.install_with_manager(machine)?,
        }
        self.refresh(machine)?;
        // The old client left this out with -k, and reported as bad what it had put right.
        if !(self.settings.legacy_quirks && self.options.kevlar) {
            self.reexamine(fixing, machine);
            for at in fixing {
                let good = self.now.get(*at).is_some_and(|examined| examined.good);
                if let (true, Some(entry)) = (good, self.entry(*at)) {
                    self.modified.push(entry.label());
                }
            }
        }
        Ok(())
    }

    /// What stands in one bundle with something that changed may have been changed by that. Nothing more is done when an
    /// operator answers.
    fn again_for_bundles(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        let changed: BTreeSet<usize> = self
            .configuration
            .entries
            .iter()
            .filter(|entry| self.modified.contains(&entry.label()))
            .map(|entry| entry.structure)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let beside: Vec<usize> = (0..self.now.len())
            .filter(|at| {
                self.entry(*at)
                    .is_some_and(|entry| changed.contains(&entry.structure))
                    && self.is_ours(*at)
            })
            .collect();
        self.reexamine(&beside, machine);
        if self.options.interactive {
            return Ok(());
        }
        let context = self.context(false);
        let clobbered: Vec<usize> = beside
            .into_iter()
            .filter(|at| {
                self.now.get(*at).is_some_and(|examined| !examined.good)
                    && !self.left.contains(at)
                    // What was tried and did not help is not tried again in the same run.
                    && (self.settings.legacy_quirks || !self.to_install.contains(at))
                    && self.can_install(*at, &context)
            })
            .collect();
        if clobbered.is_empty() {
            return Ok(());
        }
        let first = std::mem::take(&mut self.actions);
        let removals = std::mem::take(&mut self.to_remove);
        let selected = std::mem::replace(&mut self.to_install, clobbered.clone());
        // What nobody saw in a plan takes nothing away.
        let planned = self.planned.clone();
        let further = std::mem::take(&mut self.further);
        if !self.settings.legacy_quirks {
            self.planned.get_or_insert_default();
        }
        self.plan(machine);
        if !self.settings.legacy_quirks {
            self.actions.retain(|action| !action.is_removal());
        }
        let outcome = match self.ensure_safe(machine) {
            Ok(()) => self.install(&clobbered, machine),
            // What was done before stands; the rest of the run goes on.
            Err(RunError::Stale(why)) => {
                // Here it is the first pass that spoke of nothing of the kind.
                let why = why.split(", of which").next().unwrap_or_default();
                self.leave(&clobbered, why);
                Ok(())
            }
            Err(RunError::Refused(refusals)) => {
                let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                self.leave(&clobbered, &texts.join("; "));
                Ok(())
            }
            Err(other) => Err(other),
        };
        let further = std::mem::replace(&mut self.further, further);
        if !self.actions.is_empty() {
            self.further.extend(further);
        }
        self.planned = planned;
        let second = std::mem::replace(&mut self.actions, first);
        self.actions.extend(second);
        self.to_remove = removals;
        self.to_install = selected;
        outcome
    }

    /// Entries that stay bad, and why.
    fn leave(&mut self, places: &[usize], why: &str) {
        let entries = places.iter().filter_map(|at| self.entry(*at));
        let labels: Vec<String> = entries.map(Entry::label).collect();
        self.notes.push(format!(
            "{} became bad with what was done and stays so: {why}",
            labels.join(", ")
        ));
        self.actions.clear();
    }

    pub(super) fn removes_instances(&self) -> bool {
        // A plan may hold removals that the options of this run do not speak of.
        let planned = self
            .actions
            .iter()
            .any(|action| action.kind == super::action::ActionKind::RemoveInstance);
        match self.options.remove {
            Remove::Packages => true,
            Remove::CapitalPackages | Remove::Nothing => planned,
        }
    }
}
