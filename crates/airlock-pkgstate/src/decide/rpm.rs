//! RPMng: declared instances against installed packages of the same architecture, then rpm's own verification.

use super::extra::ExtraPackage;
use super::matching::{
    accepts, declared_epoch, doubled_arch, instances, is_declared, order, truth,
};
use super::{Checker, Code, Context, Examined, InstanceStatus, Omit, RPM_FLAGS, fix};
use crate::declared::{Entry, Instance};
use crate::evra::{Evra, Form};
use crate::inventory::{Installed, KEY, SignatureTag};
use crate::settings::{InstallonlyTest, words};

/// Examines one package entry.
pub fn examine(entry: &Entry, context: &Context<'_>, checker: &mut dyn Checker) -> Examined {
    let checks = context.settings.pkg_checks
        && entry
            .attribute("pkg_checks")
            .is_none_or(|word| truth(word, context.settings.legacy_quirks));
    let instances = match instances(entry, checks) {
        Ok(instances) => instances,
        Err(note) => return Examined::unusable(note),
    };
    let mut examined = Examined::default();
    note_ignored(entry, &instances, &mut examined);
    let installed = context.inventory.named(entry.name());
    if installed.is_empty() && !context.settings.legacy_quirks {
        for instance in &instances {
            if let Err(note) = declared_epoch(instance) {
                return Examined::unusable(format!("{}: {note}", entry.label()));
            }
        }
    }
    if installed.is_empty() {
        none_installed(instances, &mut examined);
        return examined;
    }
    if !checks {
        examined.good = true;
        return examined;
    }
    for instance in &instances {
        if let Err(note) = declared_epoch(instance) {
            return Examined::unusable(format!("{}: {note}", entry.label()));
        }
    }
    let mut run = Run {
        entry,
        context,
        checker,
        installed: &installed,
        codes: Vec::new(),
        doubles: Vec::new(),
        failed: None,
        examined,
    };
    let side_by_side = is_installonly(entry, context, &installed);
    if !side_by_side && let Some(arch) = doubled_arch(&instances) {
        run.examined.notes.push(format!(
            "{}: several instances of {arch} are declared, and they would replace each other; put the name into installonlypackages",
            entry.label()
        ));
    }
    let mut statuses: Vec<InstanceStatus> = Vec::new();
    for instance in instances {
        let mut status = InstanceStatus::new(instance);
        status.installed = Some(false);
        status.version_fail = Some(false);
        match side_by_side {
            true => run.side_by_side(&mut status),
            false => run.normal(&mut status),
        }
        statuses.push(status);
        if run.failed.is_some() {
            break;
        }
    }
    run.finish(statuses)
}

/// What stands on an entry with instances and is read on instances only.
fn note_ignored(entry: &Entry, instances: &[Instance], examined: &mut Examined) {
    let new_style = instances.iter().any(|instance| !instance.is_old_style());
    for name in ["pkg_verify", "verify_flags"] {
        if new_style && entry.attribute(name).is_some() {
            examined.notes.push(format!(
                "{}: RPMng reads {name} on instances only; write it there",
                entry.label()
            ));
        }
    }
}

fn none_installed(instances: Vec<Instance>, examined: &mut Examined) {
    examined.absent = true;
    examined.none_installed = true;
    examined.version = declared_versions(&instances);
    let codes = instances
        .iter()
        .map(|instance| Code::Install(instance.evra()));
    examined.codes = Some(codes.collect());
    examined.instances = instances
        .into_iter()
        .map(|instance| InstanceStatus {
            installed: Some(false),
            ..InstanceStatus::new(instance)
        })
        .collect();
}

/// `(EVRA) (EVRA) ` of the instances that are written as such.
fn declared_versions(instances: &[Instance]) -> Option<String> {
    let text: String = instances
        .iter()
        .filter(|instance| !instance.is_old_style())
        .map(|instance| format!("({}) ", instance.evra().shown(Form::Later)))
        .collect();
    (!text.is_empty()).then_some(text)
}

pub(super) fn is_installonly(
    entry: &Entry,
    context: &Context<'_>,
    installed: &[&Installed],
) -> bool {
    let list = &context.settings.installonly;
    let by_name = || list.iter().any(|name| name == entry.name());
    if context.settings.installonly_test == InstallonlyTest::Name {
        return by_name();
    }
    // What keys provide never names them, so that the rule by provides made them normal packages.
    if entry.name() == KEY && !context.settings.legacy_quirks {
        return true;
    }
    let newest = installed.iter().max_by(|one, other| order(one, other));
    newest.is_some_and(|newest| newest.provides.iter().any(|what| list.contains(what)))
}

struct Run<'r, 'c> {
    entry: &'r Entry,
    context: &'r Context<'c>,
    checker: &'r mut dyn Checker,
    installed: &'r [&'r Installed],
    codes: Vec<Code>,
    /// Others beside the declared one of the same architecture.
    doubles: Vec<Evra>,
    /// Why nothing more is looked at: the entry is bad and gets the generic question.
    failed: Option<String>,
    examined: Examined,
}

impl Run<'_, '_> {
    /// Packages that are installed and removed, never upgraded.
    fn side_by_side(&mut self, status: &mut InstanceStatus) {
        for package in self.installed {
            if accepts(&status.instance, package) {
                status.installed = Some(true);
                self.verify(status, package);
            }
        }
        if status.installed == Some(false) {
            self.codes.push(Code::Install(status.instance.evra()));
            self.examined.absent = true;
        }
    }

    /// Packages of which one of each architecture is installed.
    fn normal(&mut self, status: &mut InstanceStatus) {
        let arch = status.instance.attribute("arch").map(str::to_owned);
        let candidates: Vec<&Installed> = self
            .installed
            .iter()
            .filter(|package| arch.is_none() || package.arch == arch)
            .copied()
            .collect();
        match candidates.as_slice() {
            [] => self.codes.push(Code::Install(status.instance.evra())),
            [package] => {
                if accepts(&status.instance, package) {
                    status.installed = Some(true);
                    self.verify(status, package);
                } else {
                    self.wrong(status, package);
                }
            }
            several => {
                self.examined.notes.push(format!(
                    "several instances of {} are installed with the same architecture",
                    self.entry.name()
                ));
                if !self.context.settings.legacy_quirks {
                    self.several(status, several);
                }
            }
        }
    }

    fn wrong(&mut self, status: &mut InstanceStatus, package: &Installed) {
        status.version_fail = Some(true);
        status.have = Some(package.clone());
        self.codes.push(Code::Upgrade {
            have: package.evra(),
            want: status.instance.evra(),
        });
    }

    /// More than one of an architecture, as an interrupted upgrade leaves it. Upgrading to the declared one takes the others
    /// out; what the prompt shows is the others when the declared one is among them, else the declared one.
    fn several(&mut self, status: &mut InstanceStatus, candidates: &[&Installed]) {
        let mut archs: Vec<&Option<String>> = Vec::new();
        for package in candidates {
            if !archs.contains(&&package.arch) {
                archs.push(&package.arch);
            }
        }
        let mut doubled = false;
        for arch in archs {
            let group: Vec<&Installed> = candidates
                .iter()
                .filter(|package| package.arch == *arch)
                .copied()
                .collect();
            let declared = group
                .iter()
                .filter(|package| accepts(&status.instance, package))
                .max_by(|one, other| order(one, other));
            match (declared, group.as_slice()) {
                (Some(declared), [_]) => {
                    status.installed = Some(true);
                    self.verify(status, declared);
                }
                (None, [one]) => self.wrong(status, one),
                (Some(declared), _) => {
                    doubled = true;
                    for other in group.iter().filter(|other| other.number != declared.number) {
                        self.doubles.push(ExtraPackage::evra(other));
                    }
                }
                (None, _) => {
                    doubled = true;
                    self.codes.push(Code::Install(status.instance.evra()));
                }
            }
        }
        if doubled || status.version_fail == Some(true) {
            status.installed = Some(false);
        }
    }

    fn verify(&mut self, status: &mut InstanceStatus, package: &Installed) {
        status.matched.push(package.number);
        let settings = self.context.settings;
        let legacy = settings.legacy_quirks;
        let instance = &status.instance;
        let wanted = settings.pkg_verify
            && instance
                .attribute("pkg_verify")
                .is_none_or(|word| truth(word, legacy));
        if !wanted {
            return;
        }
        let mut omit = self.omit(instance);
        if let Err(why) = self.signature(package, &mut omit) {
            self.failed = Some(why);
            return;
        }
        if self.context.quick {
            omit.add("nomd5");
            if self.context.prelink {
                omit.add("nosize");
            }
        }
        let off = instance
            .attribute("verify")
            .is_some_and(|word| match legacy {
                true => word == "false",
                false => word.trim().eq_ignore_ascii_case("false"),
            });
        if off {
            return;
        }
        match self.checker.check(package, &omit) {
            Ok(verdict) => {
                self.examined.notes.extend(verdict.notes.iter().cloned());
                let verdicts = status.verdicts.get_or_insert_default();
                if !verdict.is_clean() {
                    verdicts.push(verdict);
                }
            }
            Err(why) => self.failed = Some(format!("{}: {why}", package.spec())),
        }
    }

    fn omit(&mut self, instance: &Instance) -> Omit {
        let settings = self.context.settings;
        let own = instance.attribute("verify_flags").unwrap_or_default();
        let own: Vec<String> = match settings.legacy_quirks {
            true => own.split(',').map(str::to_owned).collect(),
            false => words(own),
        };
        // What is wrong with the settings' own is told once, with the settings.
        for word in &own {
            let word = word.trim();
            if !word.is_empty() && !RPM_FLAGS.contains(&word) {
                self.examined.notes.push(format!(
                    "{}: verify_flags has no {word}; it does nothing",
                    self.entry.label()
                ));
            }
        }
        Omit::new(own.into_iter().chain(settings.verify_flags.iter().cloned()))
    }

    /// Whether signatures can be checked. A key that is not imported leaves the check out, with a note; only the old
    /// driver looked at one kind of signature and gave up at another.
    fn signature(&mut self, package: &Installed, omit: &mut Omit) -> Result<(), String> {
        if package.is_key() || omit.has("nosignature") {
            return Ok(());
        }
        let legacy = self.context.settings.legacy_quirks;
        let inventory = self.context.inventory;
        let note = |key: &str| {
            format!(
                "package {} {} is signed with key {key}, which is not imported; its signature is not checked",
                package.name,
                package.evra().shown(Form::Later)
            )
        };
        if legacy {
            let mut looked = package
                .signatures
                .iter()
                .filter(|signature| signature.tag == SignatureTag::Gpg);
            if let Some(signature) = looked.next() {
                if !inventory.has_key(&signature.key) {
                    self.examined.notes.push(note(&signature.key));
                    omit.add("nosignature");
                    omit.add("nodigest");
                }
                return Ok(());
            }
            let raised = package.signatures.iter().find(|signature| {
                matches!(
                    signature.tag,
                    SignatureTag::RsaHeader | SignatureTag::DsaHeader
                ) && !inventory.has_key(&signature.key)
            });
            return match raised {
                Some(signature) => Err(format!("{}: no public key", note(&signature.key))),
                None => Ok(()),
            };
        }
        let known = package
            .signatures
            .iter()
            .any(|signature| inventory.has_key(&signature.key));
        if let (false, Some(signature)) = (known, package.signatures.first()) {
            self.examined.notes.push(note(&signature.key));
            omit.add("nosignature");
        }
        Ok(())
    }

    fn finish(mut self, mut statuses: Vec<InstanceStatus>) -> Examined {
        if let Some(why) = self.failed {
            self.examined.notes.insert(0, why);
            self.examined.instances = statuses;
            return self.examined;
        }
        let mut good = true;
        for status in &mut statuses {
            let fails = status.verdicts.iter().flatten().any(|verdict| {
                !verdict.header.is_empty()
                    || !verdict.dependencies.is_empty()
                    || verdict.files.iter().any(|file| {
                        self.context
                            .counts(&file.path, self.entry, &status.instance)
                    })
            });
            status.verify_fail = Some(fails);
            if fails {
                let config = !self.context.settings.legacy_quirks
                    && fix::only_config(self.entry, status, self.context);
                self.codes.push(match config {
                    true => Code::Config(status.instance.evra()),
                    false => Code::Reinstall(status.instance.evra()),
                });
            }
            good &= status.is_good();
        }
        self.codes.extend(self.doubles.drain(..).map(Code::Delete));
        let extra = self.extra(&statuses);
        self.codes.extend(
            extra
                .iter()
                .map(|installed| Code::Delete(ExtraPackage::evra(installed))),
        );
        if !extra.is_empty() {
            good = false;
            self.examined.extra = Some(ExtraPackage {
                name: self.entry.name().to_owned(),
                driver: self.context.driver,
                instances: extra,
            });
        }
        self.examined.good = good;
        if !good {
            self.examined.codes = Some(self.codes);
            let declared: Vec<Instance> = statuses
                .iter()
                .map(|status| status.instance.clone())
                .collect();
            self.examined.version = declared_versions(&declared);
            let current = self
                .installed
                .iter()
                .map(|installed| format!("({}) ", installed.evra().shown(Form::Later)));
            self.examined.current_version = Some(current.collect());
        }
        self.examined.instances = statuses;
        self.examined
    }

    /// Installed instances that no declared one stands for: for packages side by side by version, else by architecture.
    fn extra(&self, statuses: &[InstanceStatus]) -> Vec<Installed> {
        let settings = self.context.settings;
        let by_version = settings
            .installonly
            .iter()
            .any(|name| name == self.entry.name());
        let known = |package: &Installed| {
            statuses.iter().any(|status| {
                let instance = &status.instance;
                match by_version {
                    // An instance that takes any version has no extra ones; the old driver took all for extra.
                    true => {
                        is_declared(instance, package)
                            || (!settings.legacy_quirks && accepts(instance, package))
                    }
                    false => {
                        instance.is_old_style()
                            || instance.attribute("arch") == package.arch.as_deref()
                    }
                }
            })
        };
        self.installed
            .iter()
            .filter(|package| !known(package))
            .filter(|package| {
                let own = statuses.iter().map(|status| &status.instance);
                !self.context.declares_elsewhere(package, by_version, own)
            })
            .map(|package| (*package).clone())
            .collect()
    }
}
