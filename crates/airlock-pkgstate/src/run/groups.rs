//! Groups of yum (`<Package group='web' choose='default'/>`, since Bcfg2 1.3): the package manager says what is in them, and
//! each package is an instance of the entry.

use std::collections::{HashMap, HashSet};

use super::Machine;
use crate::declared::Configuration;
use crate::pkgmgr::words::CHOICES;
use crate::settings::Driver;

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
    /// The packages that a word of `choose` means.
    fn chosen(&self, choose: &str) -> Vec<String> {
        let mut chosen = self.mandatory.clone();
        if matches!(choose, "default" | "optional" | "all") {
            chosen.extend(self.default.iter().cloned());
        }
        if matches!(choose, "optional" | "all") {
            chosen.extend(self.optional.iter().cloned());
        }
        let mut seen = HashSet::new();
        chosen.retain(|name| seen.insert(name.clone()));
        chosen
    }
}

/// Finds out what the groups among the entries stand for. Entries whose group is not known are bad; why stands in the answer.
/// The old driver took a word of `choose` that it did not know for `mandatory`, and the other packages were extra.
pub fn resolve(configuration: &mut Configuration, machine: &mut dyn Machine) -> Vec<String> {
    let mut notes = Vec::new();
    // What stands in the list by itself is declared there.
    let own: HashSet<String> = configuration
        .entries
        .iter()
        .filter(|entry| entry.is_package(Driver::Yum.handles()))
        .filter(|entry| entry.attribute("group").is_none())
        .map(|entry| entry.name().to_owned())
        .collect();
    let mut known: HashMap<String, Result<Group, String>> = HashMap::new();
    for entry in &mut configuration.entries {
        let Some(group) = entry.element.attribute("group").map(str::to_owned) else {
            continue;
        };
        if !entry.is_package(Driver::Yum.handles()) {
            continue;
        }
        let choose = entry.attribute("choose").unwrap_or("default").to_owned();
        if !CHOICES.contains(&choose.as_str()) {
            notes.push(format!(
                "{}: choose={choose:?} is not one of {}",
                entry.label(),
                CHOICES.join(", ")
            ));
            continue;
        }
        let found = known
            .entry(group.clone())
            .or_insert_with(|| machine.group(&group));
        match found {
            Ok(found) => {
                let mut packages = found.chosen(&choose);
                if packages.is_empty() {
                    notes.push(format!(
                        "{}: the group has no packages (choose={choose:?})",
                        entry.label()
                    ));
                }
                packages.retain(|name| !own.contains(name));
                entry.packages = Some(packages);
            }
            Err(why) => notes.push(format!("{}: {why}", entry.label())),
        }
    }
    notes
}
