//! Groups of yum (`<Package group='web' choose='default'/>`, since Bcfg2 1.3): the package manager says what is in them, and
//! each package becomes an instance of the entry.

use std::collections::HashSet;

use super::Machine;
use crate::declared::{Configuration, Entry};
use crate::settings::Driver;
use crate::xml::Element;

/// What is in a group, by how much each package belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Without these it is not the group.
    pub mandatory: Vec<String>,
    /// These come unless somebody says otherwise.
    pub default: Vec<String>,
    /// These may come.
    pub optional: Vec<String>,
}

impl Group {
    /// The packages that a word of `choose` means. What the old driver did not know meant the mandatory ones.
    fn chosen(self, choose: &str) -> Vec<String> {
        let mut chosen = self.mandatory;
        if matches!(choose, "default" | "optional" | "all") {
            chosen.extend(self.default);
        }
        if matches!(choose, "optional" | "all") {
            chosen.extend(self.optional);
        }
        let mut seen = HashSet::new();
        chosen.retain(|name| seen.insert(name.clone()));
        chosen
    }
}

/// Puts the packages of groups into their entries. Entries whose group is not known stay as they are and are bad; why stands
/// in the answer.
pub fn resolve(configuration: &mut Configuration, machine: &mut dyn Machine) -> Vec<String> {
    let mut notes = Vec::new();
    // What stands in the list by itself is declared there.
    let own: HashSet<String> = configuration
        .entries
        .iter()
        .filter(|entry| entry.is_package(Driver::Yum.handles()))
        .map(|entry| entry.name().to_owned())
        .collect();
    for entry in &mut configuration.entries {
        let Some(group) = entry.element.attribute("group").map(str::to_owned) else {
            continue;
        };
        if entry.tag() != "Package" || entry.is_resolved_group() {
            continue;
        }
        let choose = entry.attribute("choose").unwrap_or("default").to_owned();
        match machine.group(&group) {
            Ok(found) => {
                let mut packages = found.chosen(&choose);
                packages.retain(|name| !own.contains(name));
                put(entry, packages, &group, &mut notes);
            }
            Err(why) => notes.push(format!("{}: {why}", entry.label())),
        }
    }
    notes
}

fn put(entry: &mut Entry, packages: Vec<String>, group: &str, notes: &mut Vec<String>) {
    if packages.is_empty() {
        notes.push(format!(
            "{}: {group} has no packages that are not declared by themselves",
            entry.label()
        ));
    }
    for name in packages {
        let package = Element::new("Package").with("name", name);
        entry.element.push(package.with("type", "yum"));
    }
}
