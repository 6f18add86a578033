//! What is installed and was never declared: extra instances of declared packages, and extra packages.

use std::collections::{HashMap, HashSet};

use super::Context;
use crate::declared::{Configuration, Entry};
use crate::evra::{Evra, Part};
use crate::inventory::Installed;
use crate::settings::Driver;
use crate::xml::Element;

/// A package with instances that should not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraPackage {
    /// Its name.
    pub name: String,
    /// The driver that found it.
    pub driver: Driver,
    /// The instances, in the order of the database.
    pub instances: Vec<Installed>,
}

impl ExtraPackage {
    /// As the report has it. Extra packages of YUMng carry no name on their instances, extra instances do.
    pub fn element(&self, named: bool) -> Element {
        let mut package = Element::new("Package")
            .with("name", &self.name)
            .with("type", self.driver.package_type());
        for installed in &self.instances {
            package.push(self.instance(installed, named));
        }
        package
    }

    fn instance(&self, installed: &Installed, named: bool) -> Element {
        let mut element = Element::new("Instance");
        match self.driver {
            Driver::Rpm => {
                element.set("version", &installed.version);
                element.set("release", &installed.release);
                if let Some(epoch) = installed.epoch {
                    element.set("epoch", epoch.to_string());
                }
                if let Some(arch) = &installed.arch {
                    element.set("arch", arch);
                }
            }
            Driver::Yum => {
                element.set("epoch", installed.epoch.unwrap_or(0).to_string());
                if named {
                    element.set("name", &installed.name);
                }
                element.set("version", &installed.version);
                element.set("release", &installed.release);
                element.set("arch", installed.arch.as_deref().unwrap_or("noarch"));
            }
        }
        element
    }

    /// What a prompt shows of an instance: what has no value is absent, because the report leaves it out.
    pub fn evra(installed: &Installed) -> Evra {
        let mut evra = installed.evra();
        for part in [&mut evra.epoch, &mut evra.arch] {
            if *part == Part::Null {
                *part = Part::Absent;
            }
        }
        evra
    }
}

/// Installed packages that no entry of this driver names.
pub fn packages(configuration: &Configuration, context: &Context<'_>) -> Vec<ExtraPackage> {
    let declared: HashSet<&str> = configuration
        .entries
        .iter()
        .filter(|entry| {
            entry.is_package(context.driver.handles())
                // The server means it and could not say more of it.
                || (entry.is_failed_package() && !context.settings.legacy_quirks)
                || (context.driver == Driver::Yum && entry.is_ignored_path())
        })
        .flat_map(Entry::package_names)
        .collect();
    let mut found: Vec<ExtraPackage> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for package in context.inventory.packages() {
        let name = package.name.as_str();
        if declared.contains(name) || !seen.insert(name) {
            continue;
        }
        found.push(ExtraPackage {
            name: name.to_owned(),
            driver: context.driver,
            instances: context.inventory.named(name).into_iter().cloned().collect(),
        });
    }
    found
}

/// Packages by which YUMng finds a declared name that is no package's, each with such a name. They are extra as they always
/// were, but taken away they would make the entry bad, and come again with the next run.
pub fn providers(configuration: &Configuration, context: &Context<'_>) -> HashMap<String, String> {
    if context.driver != Driver::Yum || context.settings.legacy_quirks {
        return HashMap::new();
    }
    let entries = configuration.entries.iter();
    let missing: HashSet<&str> = entries
        .filter(|entry| entry.is_package(context.driver.handles()))
        .flat_map(Entry::package_names)
        .filter(|name| context.inventory.named(name).is_empty())
        .collect();
    let packages = context.inventory.packages().iter();
    packages
        .filter_map(|package| {
            let mut provides = package.provides.iter();
            let what = provides.find(|what| missing.contains(what.as_str()))?;
            Some((package.name.clone(), what.clone()))
        })
        .collect()
}
