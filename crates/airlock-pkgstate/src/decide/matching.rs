//! Declared instances beside installed packages: which is which, by equality of texts; only epochs are numbers.

use std::cmp::Ordering;

use airlock_rpm::EvrRef;

use crate::declared::{Entry, Instance};
use crate::inventory::Installed;

/// The instances of an entry; one without any is its own instance, with its version split.
pub(super) fn instances(entry: &Entry, checks: bool) -> Result<Vec<Instance>, String> {
    let written = entry.instances();
    if !written.is_empty() {
        return Ok(written);
    }
    let mut instance = Instance::of_old_style(entry);
    if checks {
        match entry.attribute("version").unwrap_or_default() {
            "any" => {
                instance.element.set("version", "any");
                instance.element.set("release", "any");
            }
            "auto" => {
                return Err(format!(
                    "{}: version='auto' names no version; RPMng cannot find one",
                    entry.label()
                ));
            }
            version => {
                let mut parts = version.split('-');
                let (Some(version), Some(release), None) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    return Err(format!(
                        "{}: version='{version}' is not VERSION-RELEASE",
                        entry.label()
                    ));
                };
                let (version, release) = (version.to_owned(), release.to_owned());
                instance.element.set("version", version);
                instance.element.set("release", release);
            }
        }
    }
    Ok(vec![instance])
}

/// An architecture that two instances are declared for.
pub(super) fn doubled_arch(instances: &[Instance]) -> Option<&str> {
    let mut seen: Vec<&str> = Vec::new();
    let archs = instances.iter().filter_map(|one| one.attribute("arch"));
    for arch in archs {
        if seen.contains(&arch) {
            return Some(arch);
        }
        seen.push(arch);
    }
    None
}

/// The word of a package or instance: the old client compared it exactly.
pub(super) fn truth(word: &str, legacy: bool) -> bool {
    match legacy {
        true => word == "true",
        false => word.trim().eq_ignore_ascii_case("true"),
    }
}

/// Its epoch, version and release, to be ordered.
pub(super) fn evr(package: &Installed) -> EvrRef<'_> {
    EvrRef::new(
        package.epoch,
        &package.version,
        Some(package.release.as_str()),
    )
}

/// Which of two is newer.
pub(super) fn order(one: &Installed, other: &Installed) -> Ordering {
    evr(one).cmp(&evr(other))
}

/// The epoch of an instance, when it has one.
pub(super) fn declared_epoch(instance: &Instance) -> Result<Option<u32>, String> {
    match instance.attribute("epoch") {
        None => Ok(None),
        Some(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| format!("epoch='{text}' is no number")),
    }
}

/// Whether an installed package is what an instance declares.
pub(super) fn is_declared(instance: &Instance, package: &Installed) -> bool {
    let same = instance.attribute("version") == Some(package.version.as_str())
        && instance.attribute("release") == Some(package.release.as_str());
    if instance.is_old_style() {
        return same;
    }
    let epoch = declared_epoch(instance).unwrap_or(None);
    same && epoch.unwrap_or(0) == package.epoch.unwrap_or(0)
        && instance.attribute("arch") == package.arch.as_deref()
}

/// The same, or any version is taken.
pub(super) fn accepts(instance: &Instance, package: &Installed) -> bool {
    instance.attribute("version") == Some("any") || is_declared(instance, package)
}
