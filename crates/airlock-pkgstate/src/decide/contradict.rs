//! Entries of one name that cannot be good together, by the rules of the driver that reads them.

use std::collections::{BTreeMap, HashMap};

use super::matching::{instances, truth};
use super::{Context, Examined, rpm, yum};
use crate::declared::{Configuration, Entry, Instance, Parts, contradiction};
use crate::inventory::KEY;
use crate::settings::Driver;

/// The names whose entries contradict each other, each with the reason. What was found says which version `auto` is.
pub fn find<'e>(
    entries: impl Iterator<Item = (&'e Entry, &'e Examined)>,
    context: &Context<'_>,
) -> BTreeMap<String, String> {
    let mut named: BTreeMap<&str, Vec<Vec<Parts>>> = BTreeMap::new();
    for (entry, examined) in entries {
        if is_judged(entry, context) {
            let declared = declared(entry, examined, context.driver);
            if !declared.is_empty() {
                named.entry(entry.name()).or_default().push(declared);
            }
        }
    }
    named
        .into_iter()
        .filter(|(_, declared)| declared.len() > 1)
        .filter_map(|(name, declared)| {
            let why = contradiction(declared.iter().map(Vec::as_slice))?;
            Some((name.to_owned(), format!("Package:{name} is declared {why}")))
        })
        .collect()
}

/// Another entry may make this one bad: its versions count.
fn is_judged(entry: &Entry, context: &Context<'_>) -> bool {
    let settings = context.settings;
    let name = entry.name();
    let checked = || {
        settings.pkg_checks
            && entry
                .attribute("pkg_checks")
                .is_none_or(|word| truth(word, settings.legacy_quirks))
    };
    // Of these several versions may be there. What is not installed yet may be one of them.
    let side_by_side = || {
        let installed = context.inventory.named(name);
        settings.installonly.iter().any(|one| one == name)
            || match context.driver {
                Driver::Rpm => rpm::is_installonly(entry, context, &installed),
                Driver::Yum => installed.is_empty() || yum::is_installonly(context, &installed),
            }
    };
    entry.is_package(context.driver.handles())
        && entry.attribute("group").is_none()
        && entry.attribute("failure").is_none()
        && name != KEY
        && checked()
        && !side_by_side()
}

/// What entries declare, by name, of names that several entries have and of keys: what one of them does not name may be another
/// one's.
pub fn declared_together(
    configuration: &Configuration,
    driver: Driver,
) -> HashMap<String, Vec<Parts>> {
    let entries = configuration.entries.iter();
    let packages = entries.filter(|entry| {
        (entry.is_package(driver.handles()) || entry.is_failed_package())
            && entry.attribute("group").is_none()
    });
    let mut named: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in packages {
        named.entry(entry.name()).or_default().push(entry);
    }
    let several = named
        .into_iter()
        .filter(|(name, entries)| entries.len() > 1 || *name == KEY);
    several
        .map(|(name, entries)| {
            let all = entries.into_iter().flat_map(|entry| {
                let written = entry.instances();
                match written.is_empty() {
                    true => vec![Parts::of(&entry.element)],
                    false => written.iter().map(|one| Parts::of(&one.element)).collect(),
                }
            });
            (name.to_owned(), all.collect())
        })
        .collect()
}

fn declared(entry: &Entry, examined: &Examined, driver: Driver) -> Vec<Parts> {
    match driver {
        // It may have stopped at the first instance that it could not look at.
        Driver::Rpm => {
            let instances = instances(entry, true).unwrap_or_default();
            instances.iter().map(of_rpm).collect()
        }
        Driver::Yum => {
            let instances = examined.instances.iter();
            instances
                .map(|status| Parts::of(&status.instance.element))
                .collect()
        }
    }
}

/// To RPMng an instance without an epoch has the epoch 0, and `any` any; the old style does not compare
/// epochs.
fn of_rpm(instance: &Instance) -> Parts {
    let mut parts = Parts::of(&instance.element);
    if instance.is_old_style() || instance.attribute("version") == Some("any") {
        parts.epoch = None;
    } else {
        let epoch = parts.epoch.as_deref().unwrap_or("0");
        let number = epoch.trim().trim_start_matches('0');
        parts.epoch = Some(if number.is_empty() { "0" } else { number }.to_owned());
    }
    if instance.attribute("version") == Some("any") {
        parts.release = None;
    }
    parts
}
