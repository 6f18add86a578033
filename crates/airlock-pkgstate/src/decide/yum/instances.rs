//! The instances of an entry: as written, of `version='auto'`, of a group, and what each of them declares.

use super::arch;
use crate::decide::{Checker, Context, Examined, is_newer};
use crate::declared::{Entry, Instance};
use crate::inventory::Installed;
use crate::xml::Element;

/// The instances of an entry. `auto` becomes the newest version of each installed architecture, one without instances is its
/// own.
pub(super) fn instances(
    entry: &Entry,
    context: &Context<'_>,
    checker: &mut dyn Checker,
    examined: &mut Examined,
) -> Vec<Instance> {
    if let Some(packages) = &entry.packages {
        return of_packages(entry, packages, context, checker, examined);
    }
    let mut written = entry.instances();
    if entry.attribute("version") == Some("auto") {
        let installed = context.inventory.named(entry.name());
        if installed.is_empty() {
            examined.version = Some("any".into());
            let mut instance = Instance::of_old_style(entry);
            instance.element.set("version", "any");
            if written.is_empty() {
                return vec![instance];
            }
            return written;
        }
        let newest = checker.newest(entry.name());
        if newest.is_none() {
            examined.notes.push(not_asked(entry));
        }
        let newest = newest.unwrap_or_default();
        written.extend(auto(entry, entry.name(), &installed, &newest));
    }
    if written.is_empty() {
        let mut instance = Instance::of_old_style(entry);
        split_version(&mut instance, context.settings.legacy_quirks);
        return vec![instance];
    }
    written
}

/// `version='1.0-1'` of an entry without instances means version and release; the old driver never found such a version.
fn split_version(instance: &mut Instance, legacy: bool) {
    if legacy || instance.attribute("release").is_some() {
        return;
    }
    let Some(version) = instance.attribute("version") else {
        return;
    };
    if let Some((version, release)) = version.split_once('-') {
        let (version, release) = (version.to_owned(), release.to_owned());
        instance.element.set("version", version);
        instance.element.set("release", release);
    }
}

/// The packages of a group: each there, in the newest version of each installed architecture.
fn of_packages(
    entry: &Entry,
    packages: &[String],
    context: &Context<'_>,
    checker: &mut dyn Checker,
    examined: &mut Examined,
) -> Vec<Instance> {
    let mut all = Vec::new();
    let mut unknown = false;
    for name in packages {
        let installed = context.inventory.named(name);
        if installed.is_empty() {
            let element = Element::new("Package").with("name", name.as_str());
            all.push(Instance { element });
            continue;
        }
        let newest = checker.newest(name);
        unknown |= newest.is_none();
        all.extend(auto(entry, name, &installed, &newest.unwrap_or_default()));
    }
    if unknown {
        examined.notes.push(not_asked(entry));
    }
    all
}

fn not_asked(entry: &Entry) -> String {
    format!(
        "{}: the repositories could not be asked for the newest version; what is installed is taken for it",
        entry.label()
    )
}

fn auto(
    entry: &Entry,
    name: &str,
    installed: &[&Installed],
    newest: &[Installed],
) -> Vec<Instance> {
    let mut made: Vec<Instance> = Vec::new();
    for package in installed {
        let offered = newest
            .iter()
            .find(|offer| offer.arch == package.arch && is_newer(offer, package));
        let wanted = offered.unwrap_or(package);
        let mut element = Element::new("Instance")
            .with("name", name)
            .with("version", &wanted.version);
        if let Some(arch) = &wanted.arch {
            element.set("arch", arch);
        }
        element.set("release", &wanted.release);
        element.set("epoch", wanted.epoch.unwrap_or(0).to_string());
        for carried in ["verify_flags", "verify"] {
            if let Some(value) = entry.attribute(carried) {
                element.set(carried, value);
            }
        }
        // One for each architecture: the last installed one counts.
        made.retain(|one| one.attribute("arch") != wanted.arch.as_deref());
        made.push(Instance { element });
    }
    made
}

/// What an instance declares; what it leaves out or calls `any` is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) epoch: Option<String>,
    pub(super) version: Option<String>,
    pub(super) release: Option<String>,
    pub(super) arch: Option<String>,
}

impl Wanted {
    pub(super) fn of(instance: &Instance) -> Self {
        let part = |name: &str| {
            instance
                .attribute(name)
                .filter(|value| !value.is_empty() && *value != "any")
                .map(str::to_owned)
        };
        Self {
            epoch: part("epoch"),
            version: part("version"),
            release: part("release"),
            arch: part("arch"),
        }
    }

    pub(super) fn fits(&self, package: &Installed) -> bool {
        let epoch = package.epoch.unwrap_or(0).to_string();
        let same = |wanted: &Option<String>, have: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == have)
        };
        same(&self.epoch, Some(&epoch))
            && same(&self.version, Some(&package.version))
            && same(&self.release, Some(&package.release))
            && same(&self.arch, arch(package))
    }

    /// The package provides the name in the declared version; an absent epoch is 0.
    pub(super) fn is_provided(&self, name: &str, package: &Installed) -> bool {
        let Some(version) = &self.version else {
            return true;
        };
        let zero = |epoch: Option<&str>| epoch.unwrap_or("0").to_owned();
        package.provided(name).any(|provided| {
            let (epoch, rest) = match provided.split_once(':') {
                Some((epoch, rest)) => (Some(epoch), rest),
                None => (None, provided),
            };
            let (have, release) = match rest.split_once('-') {
                Some((have, release)) => (have, Some(release)),
                None => (rest, None),
            };
            let wanted = self.release.as_deref();
            zero(self.epoch.as_deref()) == zero(epoch)
                && have == version
                // Without a release on one side all of them are meant.
                && (wanted.is_none() || release.is_none() || wanted == release)
        })
    }

    pub(super) fn shown(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "any".into());
        format!(
            "{}:{}-{}.{}",
            part(&self.epoch),
            part(&self.version),
            part(&self.release),
            part(&self.arch)
        )
    }
}
