//! YUMng's commands: extra instances out, keys, then installations with everything that they need, through dnf, yum or zypper.

use std::collections::BTreeSet;

use super::action::{Action, ActionKind};
use super::command::{Command, Erased, Erasure, Manager};
use super::transaction;
use super::{Machine, RunError, Session};
use crate::decide::extra::ExtraPackage;
use crate::declared::{Entry, Instance};
use crate::safety::Protected;

/// So many requests are made one by one when they fail together; more are made in halves.
const MOST_ALONE: usize = 8;

/// What a manager is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Install,
    Upgrade,
    Downgrade,
    Reinstall,
}

impl Session<'_> {
    pub(super) fn install_with_manager(
        &mut self,
        machine: &mut dyn Machine,
    ) -> Result<(), RunError> {
        let keys = self.of_kind(|action| action.kind == ActionKind::ImportKey);
        self.import_keys(&keys, machine)?;
        let manager = machine.manager();
        let orders = self.orders(manager);
        for (order, actions) in &orders {
            self.manage(manager, *order, actions, false, machine)?;
        }
        // The old driver had the wrong list in its hands here and removed nothing.
        if self.settings.legacy_quirks || !self.removes_instances() {
            return Ok(());
        }
        let of_entry = |session: &Self, at: usize| -> Vec<(Order, Vec<Action>)> {
            let label = session.entry(at).map(Entry::label).unwrap_or_default();
            let own = orders.iter().map(|(order, actions)| {
                let own = actions.iter().filter(|action| action.entry == label);
                (*order, own.cloned().collect::<Vec<Action>>())
            });
            own.filter(|(_, actions)| !actions.is_empty()).collect()
        };
        self.settle_instances(
            machine,
            |session, at, machine| {
                let own = of_entry(session, at);
                match own.as_slice() {
                    [(_, actions)] => session.swap(manager, at, actions, machine),
                    _ => Ok(false),
                }
            },
            |session, at, machine| {
                let own = of_entry(session, at);
                own.iter().any(|(order, actions)| {
                    let specs: Vec<String> =
                        actions.iter().map(|action| spec(manager, action)).collect();
                    session.failed_for_extras(at, &specs)
                        && session
                            .may_request(manager, *order, actions, true, machine)
                            .is_ok()
                })
            },
            |session, at, machine| {
                for (order, actions) in of_entry(session, at) {
                    session.manage(manager, order, &actions, true, machine)?;
                }
                Ok(())
            },
        )
    }

    /// Puts one package in the place of the one extra instance that keeps it away, in one transaction, where dnf or yum would
    /// do that and nothing beside it.
    fn swap(
        &mut self,
        manager: Manager,
        at: usize,
        actions: &[Action],
        machine: &mut dyn Machine,
    ) -> Result<bool, RunError> {
        let extras = self.planned_extras(at);
        let ([gone], [action]) = (extras.as_slice(), actions) else {
            return Ok(false);
        };
        if manager == Manager::Zypper || action.kind == ActionKind::Reinstall {
            return Ok(false);
        }
        let options = self.options_for(manager, actions, machine);
        let command = Command::new(&manager.to_string(), options).and([
            "-y".to_owned(),
            "swap".to_owned(),
            gone.clone(),
            spec(manager, action),
        ]);
        let ran = machine.ask(&transaction::question(manager, &command));
        let changes = transaction::read(manager, &ran).unwrap_or_default();
        let asked = changes.iter().all(|change| change.is_one_of(&self.actions));
        if changes.is_empty() || !asked {
            return Ok(false);
        }
        self.stop_at(&format!("{manager} swap of {gone}"), machine)?;
        let ran = machine.run(&command);
        let succeeded = ran.succeeded();
        self.commands.push(ran);
        Ok(succeeded)
    }

    /// The installations by what the manager is told to do.
    pub(super) fn orders(&self, manager: Manager) -> Vec<(Order, Vec<Action>)> {
        let legacy = self.settings.legacy_quirks;
        let mut groups: Vec<(Order, Vec<Action>)> = Vec::new();
        for action in self.of_kind(super::rpm::is_installation) {
            let order = order(action.kind, manager, legacy);
            match groups.iter_mut().find(|(known, _)| *known == order) {
                Some((_, actions)) => actions.push(action),
                None => groups.push((order, vec![action])),
            }
        }
        groups
    }

    fn stop_at(&self, what: &str, machine: &mut dyn Machine) -> Result<(), RunError> {
        machine.step(what).map_err(RunError::Stopped)
    }

    fn manage(
        &mut self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        alone: bool,
        machine: &mut dyn Machine,
    ) -> Result<(), RunError> {
        let specs: Vec<String> = actions.iter().map(|action| spec(manager, action)).collect();
        self.stop_at(&format!("{manager} of {}", specs.join(", ")), machine)?;
        let succeeded = self.request_once(manager, order, actions, alone, machine);
        if !succeeded && actions.len() > MOST_ALONE {
            self.notes
                .push(format!("{manager} could not do all together; in halves"));
            let (first, second) = actions.split_at(actions.len() / 2);
            // A part is another question: what it takes away was not asked for all together.
            self.manage(manager, order, first, true, machine)?;
            return self.manage(manager, order, second, true, machine);
        }
        if !succeeded && actions.len() > 1 {
            self.notes
                .push(format!("{manager} could not do all together; one by one"));
            for action in actions {
                self.stop_at(&format!("{manager} of {}", spec(manager, action)), machine)?;
                self.request_once(manager, order, std::slice::from_ref(action), true, machine);
            }
        }
        Ok(())
    }

    /// One request, where it may be made. True when it was met.
    fn request_once(
        &mut self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        alone: bool,
        machine: &mut dyn Machine,
    ) -> bool {
        if let Err(why) = self.may_request(manager, order, actions, alone, machine) {
            let names: Vec<&str> = actions.iter().map(|action| action.name.as_str()).collect();
            let names = names.join(", ");
            self.notes.push(match actions.len() {
                1 => format!("{names} stays as it is: {why}"),
                _ => format!("{names}: not together: {why}"),
            });
            return false;
        }
        let ran = machine.run(&self.request(manager, order, actions, machine));
        let succeeded = ran.succeeded();
        self.commands.push(ran);
        succeeded
    }

    /// The command for these actions.
    pub(super) fn request(
        &self,
        manager: Manager,
        order: Order,
        actions: &[Action],
        machine: &dyn Machine,
    ) -> Command {
        let specs = actions.iter().map(|action| spec(manager, action));
        let options = self.options_for(manager, actions, machine);
        command(manager, order, options, specs.collect())
    }

    /// What must stay is named to dnf and yum, for something that comes in may obsolete it; and what is to stand side by side.
    fn options_for(
        &self,
        manager: Manager,
        actions: &[Action],
        machine: &dyn Machine,
    ) -> Vec<String> {
        if manager == Manager::Zypper {
            return Vec::new();
        }
        let mut options = vec![self.protecting(&machine.protected(), |_| false)];
        options.extend(self.keeping_beside(actions));
        options
    }

    /// Removes through the package manager, all together, then package by package; keys, which it does not know, through rpm.
    pub(super) fn remove_with_manager(
        &mut self,
        packages: &[ExtraPackage],
        machine: &mut dyn Machine,
    ) {
        let mut all: Vec<(String, Vec<Erased>)> = Vec::new();
        for package in packages {
            let erased = self.to_erase(package);
            if !erased.is_empty() {
                all.push((package.name.clone(), erased));
            }
        }
        let (keys, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(name, _)| name == crate::inventory::KEY);
        for (name, erased) in keys {
            self.remove_together(&[(name, erased)], machine);
        }
        // What keeps other instances cannot be protected from going with the rest; rpm takes nothing along by itself.
        let (whole, partly): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|(name, erased)| erased.len() == self.inventory.named(name).len());
        for others in [whole, partly] {
            if others.is_empty() || self.remove_together(&others, machine) || others.len() == 1 {
                continue;
            }
            self.notes
                .push("removing all together failed; one by one".to_owned());
            for one in others {
                self.remove_together(&[one], machine);
            }
        }
    }

    fn remove_together(
        &mut self,
        packages: &[(String, Vec<Erased>)],
        machine: &mut dyn Machine,
    ) -> bool {
        let manager = machine.manager();
        let erased: Vec<Erased> = packages.iter().flat_map(|(_, all)| all.clone()).collect();
        let specs = erased.iter().map(Erased::spec);
        let key = packages
            .iter()
            .any(|(name, _)| name == crate::inventory::KEY);
        let stays =
            |(name, all): &(String, Vec<Erased>)| all.len() < self.inventory.named(name).len();
        let partly = packages.iter().any(stays);
        let command = match manager {
            // zypper takes along what needs a package; rpm says no instead.
            Manager::Zypper => Command::new("rpm", ["--erase"]).and(specs),
            _ if key => Command::new("rpm", ["--erase", "--allmatches"]).and(specs),
            _ if partly => Command::new("rpm", ["--erase"]).and(specs),
            Manager::Dnf | Manager::Yum => {
                Command::new(&manager.to_string(), self.only_these(&erased, machine))
                    .and(["-y", "remove"])
                    .and(specs)
            }
        };
        let ran = machine.run(&command);
        let failed = !ran.succeeded();
        self.erasures_ran.push(ran);
        if !failed {
            let names = packages.iter();
            self.modified
                .extend(names.map(|(name, _)| format!("Package:{name}")));
        }
        self.erasures.push(Erasure {
            packages: erased,
            flags: Vec::new(),
            failed,
        });
        !failed
    }

    /// Options by which nothing else goes with packages all of whose instances go: every other installed one is protected,
    /// and what was only needed by it is left.
    fn only_these(&self, erased: &[Erased], machine: &dyn Machine) -> Vec<String> {
        let removed: BTreeSet<&str> = erased.iter().map(|one| one.name.as_str()).collect();
        vec![
            "--setopt=clean_requirements_on_remove=False".to_owned(),
            self.protecting(&machine.protected(), |name| !removed.contains(name)),
        ]
    }

    /// The option that protects what must stay, and the installed packages that are chosen.
    fn protecting(&self, protected: &Protected, more: impl Fn(&str) -> bool) -> String {
        let installed = self.inventory.packages().iter();
        let installed = installed.filter(|package| !package.is_key());
        let mut names: BTreeSet<&str> = installed
            .map(|package| package.name.as_str())
            .filter(|name| more(name) || protected.names_it(name))
            .collect();
        let literal = protected.names.iter().map(|(name, _)| name.as_str());
        names.extend(literal.filter(|name| more(name) || !self.removes(name)));
        let fit = |name: &&str| !name.contains([',', ' ', '*', '?', '[']);
        let names: Vec<&str> = names.into_iter().filter(fit).collect();
        format!("--setopt=protected_packages={}", names.join(","))
    }

    /// The options by which dnf and yum put beside each other what is to stand so here, as many as are written down: their own
    /// limit knows nothing of what is declared. The list may take the place of theirs.
    fn keeping_beside(&self, actions: &[Action]) -> Vec<String> {
        if !actions.iter().any(|action| action.side_by_side) {
            return Vec::new();
        }
        let listed = &self.settings.installonly;
        let own = [
            "installonlypkg(kernel)",
            "installonlypkg(kernel-module)",
            "installonlypkg(vm)",
        ];
        let fit = |name: &&str| !name.contains([',', ' ']);
        let names = listed.iter().map(String::as_str).chain(own).filter(fit);
        let names = names.collect::<Vec<_>>().join(",");
        let mut options = vec![format!("--setopt=installonlypkgs={names}")];
        if self.pins_what_stands_beside(actions) {
            options.push("--setopt=installonly_limit=0".to_owned());
        }
        options
    }

    /// The versions that stand side by side are written down; of the newest one there is always one more.
    fn pins_what_stands_beside(&self, actions: &[Action]) -> bool {
        let apart = actions.iter().filter(|action| action.side_by_side);
        let mut labels = apart.map(|action| action.entry.as_str());
        labels.all(|label| {
            let mut entries = self.configuration.entries.iter();
            entries.any(|entry| {
                let instances = entry.instances();
                let is_pinned = |one: &Instance| {
                    one.attribute("version")
                        .is_some_and(|version| !matches!(version, "" | "any" | "auto"))
                };
                entry.label() == label
                    && entry.attribute("version") != Some("auto")
                    && !instances.is_empty()
                    && instances.iter().all(is_pinned)
            })
        })
    }

    fn removes(&self, name: &str) -> bool {
        let mut actions = self.actions.iter();
        actions.any(|action| action.is_removal() && action.name == name)
    }
}

/// dnf's install goes up and down and puts kernels beside each other; yum has a word for each way.
fn order(kind: ActionKind, manager: Manager, legacy: bool) -> Order {
    match (kind, manager) {
        (ActionKind::Reinstall, _) => Order::Reinstall,
        (ActionKind::Downgrade, _) if legacy => Order::Upgrade,
        (ActionKind::Downgrade, Manager::Yum) => Order::Downgrade,
        _ => Order::Install,
    }
}

fn command(manager: Manager, order: Order, options: Vec<String>, specs: Vec<String>) -> Command {
    let program = manager.to_string();
    match manager {
        Manager::Dnf | Manager::Yum => {
            let word = match order {
                Order::Install => "install",
                Order::Upgrade => "upgrade",
                Order::Downgrade => "downgrade",
                Order::Reinstall => "reinstall",
            };
            Command::new(&program, options).and(["-y", word]).and(specs)
        }
        Manager::Zypper => {
            let words: &[&str] = match order {
                Order::Install | Order::Upgrade | Order::Downgrade => {
                    &["--non-interactive", "install", "--oldpackage"]
                }
                Order::Reinstall => &["--non-interactive", "install", "--force"],
            };
            Command::new(&program, words.iter().copied()).and(specs)
        }
    }
}

fn spec(manager: Manager, action: &Action) -> String {
    match manager {
        Manager::Dnf | Manager::Yum => action.spec(),
        Manager::Zypper => zypper_spec(
            &action.name,
            action.epoch.as_deref(),
            action.version.as_deref(),
            action.release.as_deref(),
            action.arch.as_deref(),
        ),
    }
}

/// `NAME[.ARCH][=[EPOCH:]VERSION[-RELEASE]]`.
fn zypper_spec(
    name: &str,
    epoch: Option<&str>,
    version: Option<&str>,
    release: Option<&str>,
    arch: Option<&str>,
) -> String {
    let mut spec = name.to_owned();
    if let Some(arch) = arch {
        spec.push('.');
        spec.push_str(arch);
    }
    if let Some(version) = version {
        spec.push('=');
        if let Some(epoch) = epoch {
            spec.push_str(epoch);
            spec.push(':');
        }
        spec.push_str(version);
        if let Some(release) = release {
            spec.push('-');
            spec.push_str(release);
        }
    }
    spec
}
