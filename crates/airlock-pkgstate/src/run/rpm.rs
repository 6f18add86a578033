//! RPMng's commands: packages side by side in, keys, the rest, extra instances out; each kind in one transaction, then one by
//! one when that fails.

use super::action::{Action, ActionKind};
use super::command::{Command, Erased, Erasure};
use super::{Machine, Obtained, RunError, Session};
use crate::decide::extra::ExtraPackage;
use crate::declared::Entry;

/// Options of every installation.
const OPTIONS: [&str; 3] = ["--quiet", "--oldpackage", "--replacepkgs"];

impl Session<'_> {
    pub(super) fn install_with_rpm(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        // Before anything is changed all files are here, so that it is known what they take away.
        let keys = self.of_kind(|action| action.kind == ActionKind::ImportKey);
        let installations = self.of_kind(is_installation);
        // Packages that need a good signature are judged by the keys of this run too.
        if self.settings.require_signatures && !keys.is_empty() {
            for action in &installations {
                machine.bring(action);
            }
            self.refuse_displaced(machine)?;
            self.import_keys(&keys, machine)?;
        }
        let mut files: Vec<(Action, String)> = Vec::new();
        for action in installations {
            match machine.obtain(&action) {
                Obtained::File(file) | Obtained::Absent(file) => files.push((action, file)),
                Obtained::Refused(why) => self.notes.push(format!("{}: {why}", action.entry)),
            }
        }
        self.refuse_displaced(machine)?;
        let legacy = self.settings.legacy_quirks;
        if legacy {
            self.remove_all_instances(machine)?;
        }
        let of = |beside: bool| -> Vec<String> {
            let wanted = files
                .iter()
                .filter(|(action, _)| action.side_by_side == beside);
            wanted.map(|(_, file)| file.clone()).collect()
        };
        self.install_files("--install", of(true), machine)?;
        if !self.settings.require_signatures {
            self.import_keys(&keys, machine)?;
        }
        self.install_files("--upgrade", of(false), machine)?;
        if legacy || !self.removes_instances() {
            return Ok(());
        }
        let of_entry = |session: &Self, at: usize| -> Vec<(bool, String)> {
            let label = session.entry(at).map(Entry::label).unwrap_or_default();
            let own = files.iter().filter(|(action, _)| action.entry == label);
            own.map(|(action, file)| (action.side_by_side, file.clone()))
                .collect()
        };
        self.settle_instances(
            machine,
            |_, _, _| Ok(false),
            |session, at, _| {
                let mut own = of_entry(session, at).into_iter();
                own.any(|(_, file)| session.failed_for_extras(at, &[file]))
            },
            |session, at, machine| {
                for (beside, file) in of_entry(session, at) {
                    let mode = if beside { "--install" } else { "--upgrade" };
                    session.install_files(mode, vec![file], machine)?;
                }
                Ok(())
            },
        )
    }

    pub(super) fn of_kind(&self, wanted: impl Fn(&Action) -> bool) -> Vec<Action> {
        self.actions
            .iter()
            .filter(|action| wanted(action))
            .cloned()
            .collect()
    }

    /// The old driver took the extra instances of all entries, whatever was answered, before it installed anything.
    fn remove_all_instances(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        if !self.removes_instances() {
            return Ok(());
        }
        let all: Vec<usize> = (0..self.now.len()).collect();
        self.remove_instances_of(&all, machine)
    }

    fn step(&self, what: &str, machine: &mut dyn Machine) -> Result<(), RunError> {
        machine.step(what).map_err(RunError::Stopped)
    }

    /// `rpm --install` or `--upgrade` of files: all at once, then one by one.
    fn install_files(
        &mut self,
        mode: &str,
        files: Vec<String>,
        machine: &mut dyn Machine,
    ) -> Result<(), RunError> {
        if files.is_empty() {
            return Ok(());
        }
        self.step(&format!("rpm {mode}"), machine)?;
        let command = || Command::new("rpm", [mode]).and(OPTIONS);
        let ran = machine.run(&command().and(files.clone()));
        let succeeded = ran.succeeded();
        self.commands.push(ran);
        if !succeeded {
            self.notes.push(format!(
                "rpm {mode} of all packages together failed; one by one"
            ));
            for file in files {
                self.step(&format!("rpm {mode} {file}"), machine)?;
                let ran = machine.run(&command().and([file]));
                self.commands.push(ran);
            }
        }
        Ok(())
    }

    pub(super) fn import_keys(
        &mut self,
        actions: &[Action],
        machine: &mut dyn Machine,
    ) -> Result<(), RunError> {
        for action in actions {
            match machine.obtain(action) {
                Obtained::File(file) | Obtained::Absent(file) => {
                    self.step("rpm --import", machine)?;
                    let ran = machine.run(&Command::new("rpm", ["--import"]).and([file]));
                    self.commands.push(ran);
                }
                Obtained::Refused(why) => {
                    self.notes.push(format!("{}: {why}", action.entry));
                }
            }
        }
        if !actions.is_empty() {
            self.refresh(machine)?;
        }
        Ok(())
    }

    pub(super) fn remove_extra(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        let packages = self.to_remove.clone();
        self.step("remove extra packages", machine)?;
        match self.driver {
            crate::settings::Driver::Rpm => self.erase(&packages, machine),
            crate::settings::Driver::Yum => self.remove_with_manager(&packages, machine),
        }
        Ok(())
    }

    /// `rpm --erase` of everything at once; when dependencies forbid it, package by package.
    pub(super) fn erase(&mut self, packages: &[ExtraPackage], machine: &mut dyn Machine) {
        let all: Vec<Vec<Erased>> = packages
            .iter()
            .map(|package| self.to_erase(package))
            .collect();
        let together: Vec<Erased> = all.iter().flatten().cloned().collect();
        if together.is_empty() && !self.settings.legacy_quirks {
            return;
        }
        if self.erase_packages(&together, machine) {
            for (package, erased) in packages.iter().zip(&all) {
                // The old driver counted keys as removed although it left them.
                if !erased.is_empty() || self.settings.legacy_quirks {
                    self.modified.push(format!("Package:{}", package.name));
                }
            }
            return;
        }
        self.notes
            .push("removing all together failed; one by one".to_owned());
        for (package, erased) in packages.iter().zip(&all) {
            let mut modified = false;
            for one in erased {
                modified |= self.erase_packages(std::slice::from_ref(one), machine);
            }
            if modified {
                self.modified.push(format!("Package:{}", package.name));
            }
        }
    }

    pub(super) fn to_erase(&self, package: &ExtraPackage) -> Vec<Erased> {
        // Only what an action names: nothing else was looked at by the safety rules.
        let planned = |installed: &crate::inventory::Installed| {
            let spec = installed.spec();
            self.actions
                .iter()
                .any(|action| action.is_removal() && action.spec() == spec)
        };
        package
            .instances
            .iter()
            .filter(|installed| planned(installed))
            .map(|installed| Erased {
                name: installed.name.clone(),
                epoch: installed.epoch,
                version: installed.version.clone(),
                release: installed.release.clone(),
                arch: installed.arch.clone(),
            })
            .collect()
    }

    fn erase_packages(&mut self, packages: &[Erased], machine: &mut dyn Machine) -> bool {
        let flags = self.settings.erase_flags.clone();
        let mut failed = false;
        if !packages.is_empty() {
            let known = ["noscripts", "notriggers", "nodeps", "allmatches"];
            let words = flags
                .iter()
                .filter(|flag| known.contains(&flag.as_str()))
                .map(|flag| format!("--{flag}"));
            let command = Command::new("rpm", ["--erase"])
                .and(words)
                .and(packages.iter().map(Erased::spec));
            let ran = machine.run(&command);
            failed = !ran.succeeded();
            self.erasures_ran.push(ran);
        }
        self.erasures.push(Erasure {
            packages: packages.to_vec(),
            flags,
            failed,
        });
        !failed
    }
}

impl Erased {
    /// `NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`.
    pub fn spec(&self) -> String {
        let epoch = self
            .epoch
            .map(|epoch| format!("{epoch}:"))
            .unwrap_or_default();
        let arch = self
            .arch
            .as_ref()
            .map(|arch| format!(".{arch}"))
            .unwrap_or_default();
        format!(
            "{}-{epoch}{}-{}{arch}",
            self.name, self.version, self.release
        )
    }
}

/// A package comes in, for whatever reason.
pub(super) fn is_installation(action: &Action) -> bool {
    matches!(
        action.kind,
        ActionKind::Install | ActionKind::Upgrade | ActionKind::Downgrade | ActionKind::Reinstall
    )
}
