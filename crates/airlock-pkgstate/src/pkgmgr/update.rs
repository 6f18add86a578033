//! A list brought to the newest packages that there are: what `pkgmgr_update.py` did.
//!
//! Bcfg2 reference, section 7. Of each `Package` whose versions do not stand side by side, each `Instance` that is older
//! than the newest package of its name and architecture gets that one's epoch, version, release and file. Nothing is ever
//! made older: an absent epoch is 0 (section 8, number 15). Instances that ask for any version, or for none, stay.

mod alternate;
mod write;

use std::collections::HashMap;

use airlock_rpm::EvrRef;

pub use alternate::{Ignores, Taking};
pub use write::{edited, serialized};

use super::INSTALL_ONLY;
use super::available::{Available, Packages};
use super::error::{Error, Result};
use crate::xml::{Document, Element};
use alternate::Alternates;

/// One instance that gets newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the package.
    pub package: String,
    /// Line of the instance.
    pub line: u32,
    /// `[EPOCH:]VERSION-RELEASE.ARCH` as the list has it.
    pub from: String,
    /// The same of the newest.
    pub to: String,
    /// The attributes that get other values.
    pub attributes: Vec<(String, String)>,
    /// `Ignore` elements that the package gets with it.
    pub ignores: Vec<Ignores>,
    /// Where the instance starts in the document's text.
    start: usize,
    /// Where its package starts.
    package_start: usize,
}

/// What an update does to a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Instance by instance, in the order of the document.
    pub changes: Vec<Change>,
}

/// The newest package of each name and architecture; of equal ones the last.
struct Newest<'p>(HashMap<(&'p str, &'p str), &'p Available>);

impl<'p> Newest<'p> {
    fn new(packages: &'p Packages) -> Self {
        let mut newest: HashMap<(&str, &str), &Available> = HashMap::new();
        for package in &packages.all {
            let of = newest
                .entry((&package.name, &package.arch))
                .or_insert(package);
            if package.compare(of).is_ge() {
                *of = package;
            }
        }
        Self(newest)
    }
}

/// Finds what gets newer. `alternate` is a list to take `Ignore` elements from, for packages that have none.
///
/// # Errors
/// [`Error::Epoch`]: an epoch in the list that is no number.
pub fn plan(
    document: &Document,
    packages: &Packages,
    alternate: Option<&Document>,
    taking: Taking,
) -> Result<Plan> {
    let newest = Newest::new(packages);
    let mut alternates = Alternates::new(alternate, taking);
    let mut changes = Vec::new();
    for package in document
        .root
        .walk()
        .filter(|element| element.name == "Package")
    {
        let Some(name) = package.attribute("name") else {
            continue;
        };
        if INSTALL_ONLY.contains(&name) {
            continue;
        }
        let mut has_ignores = package.walk().any(|inner| inner.name == "Ignore");
        for instance in package.all("Instance") {
            let arch = instance.attribute("arch").unwrap_or_default();
            let Some(newest) = newest.0.get(&(name, arch)) else {
                continue;
            };
            if !is_older(document, name, instance, newest)? {
                continue;
            }
            let ignores = match has_ignores {
                true => Vec::new(),
                false => alternates.take(name),
            };
            has_ignores |= !ignores.is_empty();
            changes.push(Change {
                package: name.to_owned(),
                line: instance.place.line,
                from: evra(instance),
                to: newest.evra(),
                attributes: attributes(instance, newest),
                ignores,
                start: instance.place.start,
                package_start: package.place.start,
            });
        }
    }
    Ok(Plan { changes })
}

fn is_older(
    document: &Document,
    package: &str,
    instance: &Element,
    newest: &Available,
) -> Result<bool> {
    let part = |name| instance.attribute(name).filter(|text| !text.is_empty());
    let (Some(version), Some(release)) = (part("version"), part("release")) else {
        return Ok(false);
    };
    // Words that stand for whatever there is.
    if ["any", "auto"].contains(&version) {
        return Ok(false);
    }
    let epoch = match part("epoch").map(str::trim) {
        None | Some("" | "None" | "*") => None,
        Some(text) => Some(text.parse().map_err(|_| Error::Epoch {
            file: document.file.clone(),
            line: instance.place.line,
            package: package.to_owned(),
            found: text.to_owned(),
        })?),
    };
    Ok(EvrRef::new(epoch, version, Some(release)) < newest.evr())
}

/// The epoch is written only when the newest has one, and a file only where the instance names one.
fn attributes(instance: &Element, newest: &Available) -> Vec<(String, String)> {
    let epoch = newest.epoch.map(|epoch| epoch.to_string());
    let file = instance
        .attribute("simplefile")
        .filter(|file| !file.is_empty())
        .map(|_| newest.file.clone());
    [
        ("epoch", epoch),
        ("version", Some(newest.version.clone())),
        ("release", Some(newest.release.clone())),
        ("simplefile", file),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .filter(|(name, value)| instance.attribute(name) != Some(value))
    .collect()
}

fn evra(instance: &Element) -> String {
    let part = |name| instance.attribute(name).unwrap_or("*");
    let rest = format!("{}-{}.{}", part("version"), part("release"), part("arch"));
    match instance.attribute("epoch").filter(|epoch| *epoch != "*") {
        Some(epoch) => format!("{epoch}:{rest}"),
        None => rest,
    }
}
