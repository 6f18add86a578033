//! YUMng: declared instances against the package database by the attributes that they give, files as yum verifies them.

mod files;
mod instances;

use self::instances::{Wanted, instances};
use super::extra::ExtraPackage;
use super::{Checker, Code, Context, Examined, InstanceStatus, fix};
use crate::declared::{Entry, Instance};
use crate::evra::{Evra, Part};
use crate::inventory::{Installed, KEY};
use crate::settings::Release;

pub use self::files::yum_word;

/// Examines one package entry.
pub fn examine(entry: &Entry, context: &Context<'_>, checker: &mut dyn Checker) -> Examined {
    let mut examined = Examined::default();
    let instances = instances(entry, context, checker, &mut examined);
    let own_archs = instances.iter().filter_map(|instance| {
        let package = entry.package_of(instance).to_owned();
        Some((package, Wanted::of(instance).arch?))
    });
    let mut look = Look {
        own_archs: own_archs.collect(),
        installed: context.inventory.named(entry.name()),
        group: entry.packages.is_some(),
        capability: false,
        side_by_side: false,
        entry,
        context,
        checker,
        codes: Vec::new(),
        repairs: Vec::new(),
        good: true,
        examined,
    };
    look.find_capability();
    look.side_by_side = is_installonly(context, &look.installed);
    let mut seen: Vec<(String, Wanted)> = Vec::new();
    let mut statuses = Vec::new();
    for instance in instances {
        let one = (
            entry.package_of(&instance).to_owned(),
            Wanted::of(&instance),
        );
        if !seen.contains(&one) {
            statuses.push(look.instance(instance, &one.0, &one.1));
            seen.push(one);
        }
    }
    look.finish(statuses)
}

/// One entry while it is looked at.
struct Look<'l, 'c> {
    entry: &'l Entry,
    context: &'l Context<'c>,
    checker: &'l mut dyn Checker,
    /// What is installed of the package that is looked at now.
    installed: Vec<&'l Installed>,
    /// Packages and architectures that instances are declared for.
    own_archs: Vec<(String, String)>,
    /// It is a group; each of its packages has its own name.
    group: bool,
    /// The name is no package's; what is installed provides it.
    capability: bool,
    side_by_side: bool,
    codes: Vec<Code>,
    /// What is asked about files comes behind the versions.
    repairs: Vec<Code>,
    good: bool,
    examined: Examined,
}

impl Look<'_, '_> {
    fn find_capability(&mut self) {
        if !self.installed.is_empty() || self.group {
            return;
        }
        let name = self.entry.name();
        self.installed = self.context.inventory.providing(name);
        self.capability = !self.installed.is_empty();
        if self.capability {
            let by: Vec<String> = self.installed.iter().map(|one| one.spec()).collect();
            let note = format!("{name} is provided by {}", by.join(", "));
            self.examined.notes.push(note);
        }
    }

    /// A switch of the package: on unless it says something else than true.
    fn is_on(&self, name: &str) -> bool {
        self.entry
            .attribute(name)
            .is_none_or(|word| word.trim().eq_ignore_ascii_case("true"))
    }

    fn is_key(&self) -> bool {
        self.entry.name() == KEY
    }

    fn instance(&mut self, instance: Instance, package: &str, wanted: &Wanted) -> InstanceStatus {
        if self.group {
            self.installed = self.context.inventory.named(package);
            self.side_by_side = is_installonly(self.context, &self.installed);
        }
        note_actions(&instance, &mut self.examined);
        let mut status = InstanceStatus::new(instance);
        status.installed = Some(true);
        status.version_fail = Some(false);
        status.verify_fail = Some(false);
        status.verdicts = Some(Vec::new());
        self.look_at(&mut status, package, wanted);
        status
    }

    fn look_at(&mut self, status: &mut InstanceStatus, package: &str, wanted: &Wanted) {
        let is_here =
            |one: &&Installed| wanted.arch.is_none() || arch(one) == wanted.arch.as_deref();
        let here: Vec<&Installed> = self.installed.iter().copied().filter(is_here).collect();
        if here.is_empty() {
            self.examined.absent = true;
            status.installed = Some(false);
            self.good = false;
            let code = Code::Install(self.shown(package, status.instance.evra()));
            self.codes.push(code);
            return;
        }
        if !(self.context.settings.pkg_checks && self.is_on("pkg_checks")) {
            return;
        }
        if self.is_key() && (wanted.version.is_none() || wanted.release.is_none()) {
            let name = self.entry.name();
            let note = format!("{name} without version and release is not checked");
            self.examined.notes.push(note);
            return;
        }
        let found: Vec<&Installed> = self
            .installed
            .iter()
            .copied()
            .filter(|one| self.is_found(wanted, one))
            .collect();
        let Some(first) = found.first() else {
            self.another_version(status, package, wanted, here.first().copied());
            return;
        };
        status.matched = found.iter().map(|package| package.number).collect();
        if let Some(have) = self.left_behind(package, wanted, &here, &found) {
            self.good = false;
            status.version_fail = Some(true);
            status.have = Some(have.clone());
            let code = self.upgrade(package, have, status);
            self.codes.push(code);
            self.examined.version = Some(wanted.shown());
            return;
        }
        self.verify(status, package, first);
    }

    fn is_found(&self, wanted: &Wanted, package: &Installed) -> bool {
        match self.capability {
            // Since 1.3 the version of what is provided counts.
            true if self.context.settings.release >= Release::V1_3 => {
                wanted.is_provided(self.entry.name(), package)
            }
            true => true,
            false => wanted.fits(package),
        }
    }

    fn another_version(
        &mut self,
        status: &mut InstanceStatus,
        package: &str,
        wanted: &Wanted,
        have: Option<&Installed>,
    ) {
        self.good = false;
        status.version_fail = Some(true);
        if let Some(first) = self.installed.first() {
            self.examined.current_version = Some(format!(
                "{}-{}.{}",
                first.version,
                first.release,
                first.arch.as_deref().unwrap_or("None")
            ));
        }
        self.examined.version = Some(wanted.shown());
        if self.side_by_side {
            // It comes beside what is there.
            let code = Code::Install(self.shown(package, status.instance.evra()));
            self.codes.push(code);
        } else if let Some(have) = have {
            let code = self.upgrade(package, have, status);
            self.codes.push(code);
        }
        status.have = have.cloned();
        status.beside = self.side_by_side;
    }

    /// An upgrade of one architecture alone leaves the others behind, and an instance without one is meant for all.
    fn left_behind<'i>(
        &self,
        package: &str,
        wanted: &Wanted,
        here: &[&'i Installed],
        found: &[&Installed],
    ) -> Option<&'i Installed> {
        let legacy = self.context.settings.legacy_quirks;
        if wanted.arch.is_some() || legacy || self.capability || self.is_key() || self.side_by_side
        {
            return None;
        }
        let is_own = |have: &Installed| {
            let mut own = self.own_archs.iter();
            own.any(|(name, own)| *name == package && arch(have) == Some(own.as_str()))
        };
        let has_twin = |have: &Installed| found.iter().any(|one| one.arch == have.arch);
        let mut here = here.iter().copied();
        here.find(|have| !is_own(have) && !has_twin(have))
    }

    fn verify(&mut self, status: &mut InstanceStatus, package: &str, installed: &Installed) {
        let settings = self.context.settings;
        let own = status.instance.attribute("pkg_verify");
        let own = own.is_none_or(|word| word.trim().eq_ignore_ascii_case("true"));
        let wanted = settings.pkg_verify && self.is_on("pkg_verify") && !self.is_key() && own;
        if self.context.quick || !wanted {
            return;
        }
        let instance = &status.instance;
        match files::verify(self.entry, instance, installed, self.context, self.checker) {
            Ok(verdict) if verdict.is_clean() => {}
            Ok(verdict) => {
                self.good = false;
                status.verify_fail = Some(true);
                status.verdicts = Some(vec![verdict]);
                let config =
                    !settings.legacy_quirks && fix::only_config(self.entry, status, self.context);
                let evra = self.shown(package, status.instance.evra());
                self.repairs.push(match config {
                    true => Code::Config(evra),
                    false => Code::Reinstall(evra),
                });
            }
            Err(why) => {
                self.good = false;
                let note = format!("{}: {why}", installed.spec());
                self.examined.notes.insert(0, note);
            }
        }
    }

    fn upgrade(&self, package: &str, have: &Installed, status: &InstanceStatus) -> Code {
        Code::Upgrade {
            have: self.shown(package, have.evra()),
            want: self.shown(package, status.instance.evra()),
        }
    }

    /// What a prompt shows: of a group's packages their names too.
    fn shown(&self, package: &str, mut evra: Evra) -> Evra {
        if self.group {
            let version = match &evra.version {
                Part::Text(version) => format!("{package}-{version}"),
                _ => package.to_owned(),
            };
            evra.version = Part::Text(version);
        }
        evra
    }

    fn finish(mut self, statuses: Vec<InstanceStatus>) -> Examined {
        let legacy = self.context.settings.legacy_quirks;
        self.codes.append(&mut self.repairs);
        let apart = self.side_by_side && !self.context.kevlar;
        let extra = match self.group || self.capability || apart {
            true => Vec::new(),
            false => {
                let mut extra = extra(&statuses, &self.installed, legacy);
                extra.retain(|package| {
                    let own = statuses.iter().map(|status| &status.instance);
                    !self
                        .context
                        .declares_elsewhere(package, self.side_by_side, own)
                });
                extra
            }
        };
        if !extra.is_empty() {
            self.good = false;
            // What is replaced by another version is not removed besides.
            let gone = extra
                .iter()
                .filter(|package| !is_replaced(&statuses, package));
            let codes = gone.map(|package| Code::Delete(ExtraPackage::evra(package)));
            self.codes.extend(codes);
            self.examined.extra = Some(ExtraPackage {
                name: self.entry.name().to_owned(),
                driver: self.context.driver,
                instances: extra,
            });
        }
        self.examined.good = self.good;
        // The old YUMng asked the same question about everything.
        if !self.good && !legacy && !self.codes.is_empty() {
            self.examined.none_installed = match self.group {
                true => statuses.iter().all(|one| one.installed == Some(false)),
                false => self.installed.is_empty(),
            };
            self.examined.codes = Some(self.codes);
        }
        self.examined.instances = statuses;
        self.examined
    }
}

/// An installed package in whose place another version comes. An instance that names no architecture is meant for all that
/// are installed.
pub fn is_replaced(statuses: &[InstanceStatus], package: &Installed) -> bool {
    statuses.iter().any(|status| {
        status.version_fail == Some(true)
            && status.have.as_ref().is_some_and(|have| {
                have.number == package.number || Wanted::of(&status.instance).arch.is_none()
            })
    })
}

/// Instances of YUMng have no actions of their own; who writes one should hear that it does nothing.
fn note_actions(instance: &Instance, examined: &mut Examined) {
    if instance.is_old_style() {
        return;
    }
    let names = [
        "installed_action",
        "install_action",
        "version_fail_action",
        "verify_fail_action",
        "install_missing",
        "fix_version",
        "reinstall_broken",
    ];
    for name in names {
        if instance.attribute(name).is_some() {
            examined.notes.push(format!(
                "{name} of an instance does nothing in YUMng; set it in the section of the driver"
            ));
        }
    }
}

/// Keys have no architecture; yum says noarch of them.
fn arch(package: &Installed) -> Option<&str> {
    package.arch.as_deref().or(Some("noarch"))
}

/// By name or by what the first one provides: the settings' names, and what packages say of themselves (dnf, zypper).
pub(super) fn is_installonly(context: &Context<'_>, installed: &[&Installed]) -> bool {
    let says =
        |what: &String| what.starts_with("installonlypkg(") || what.starts_with("multiversion(");
    installed.first().is_some_and(|first| {
        first.provides.iter().any(says)
            || context
                .settings
                .installonly
                .iter()
                .any(|name| *name == first.name || first.provides.contains(name))
    })
}

/// Installed packages that no instance stands for. An instance stands for all that fit what it says, so one without an
/// architecture for every architecture. The old driver let each instance take the first that fits alone.
fn extra(statuses: &[InstanceStatus], installed: &[&Installed], legacy: bool) -> Vec<Installed> {
    let mut taken: Vec<u32> = Vec::new();
    for status in statuses {
        let wanted = Wanted::of(&status.instance);
        let fitting = installed
            .iter()
            .filter(|package| wanted.fits(package) && !taken.contains(&package.number))
            .map(|package| package.number);
        let most = if legacy { 1 } else { usize::MAX };
        let fitting: Vec<u32> = fitting.take(most).collect();
        taken.extend(fitting);
    }
    installed
        .iter()
        .filter(|package| !taken.contains(&package.number))
        .map(|package| (*package).clone())
        .collect()
}
