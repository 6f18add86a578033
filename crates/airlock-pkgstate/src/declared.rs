//! The declared state as a machine receives it: bound entries in bundles.
//!
//! A configuration holds entries of every kind that a Bcfg2 server knows; here `Package` and `Path` entries mean something,
//! the others are carried along and named. Nothing is bound here: that is the server's work, or that of [`crate::xml`]'s
//! neighbours for package lists.

mod check;
mod list;
mod read;
mod twice;

pub(crate) use check::ADDED;
pub use check::{OTHER_ENTRIES, check_entries};
pub use list::check_list;
pub use read::{DeclaredError, configuration_of, parse_configuration};
pub(crate) use twice::suspicious;
pub use twice::{Parts, contradiction};

use crate::evra::{Evra, Part};
use crate::xml::Element;

/// Everything that is declared for a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The server's revision.
    pub revision: Option<String>,
    /// Bundles and independent parts, in order.
    pub structures: Vec<Structure>,
    /// All entries, in order.
    pub entries: Vec<Entry>,
}

impl Configuration {
    /// A group of yum, for a driver of these types, of which it is not known what it stands for.
    pub fn unknown_group(&self, types: &[&str]) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.is_package(types) && entry.is_unknown_group())
    }
}

/// A bundle, or the part of entries that belong to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// `Bundle` or `Independent`.
    pub tag: String,
    /// The bundle's name.
    pub name: Option<String>,
}

/// One declared entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The element as it came.
    pub element: Element,
    /// Its place in [`Configuration::structures`].
    pub structure: usize,
    /// Of a group of yum: the packages that it stands for, once that is known ([`crate::run::groups`]).
    pub packages: Option<Vec<String>>,
}

impl Entry {
    /// The tag, `Package` or `Path` mostly.
    pub fn tag(&self) -> &str {
        &self.element.name
    }

    /// The name, as messages show it.
    pub fn name(&self) -> &str {
        self.element.attribute("name").unwrap_or("None")
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.element.attribute(name)
    }

    /// `TAG:NAME`, which is how reports and decision lists name an entry.
    pub fn label(&self) -> String {
        format!("{}:{}", self.tag(), self.name())
    }

    /// A package of one of these types.
    pub fn is_package(&self, types: &[&str]) -> bool {
        self.tag() == "Package"
            && self
                .attribute("type")
                .is_some_and(|kind| types.contains(&kind))
    }

    /// A package of which the server could not find out what is meant.
    pub fn is_failed_package(&self) -> bool {
        self.tag() == "Package" && self.attribute("failure").is_some()
    }

    /// A path whose changes do not matter.
    pub fn is_ignored_path(&self) -> bool {
        self.tag() == "Path" && self.attribute("type") == Some("ignore")
    }

    /// The instances that are written down.
    pub fn instances(&self) -> Vec<Instance> {
        self.element
            .elements()
            .filter(|child| matches!(child.name.as_str(), "Instance" | "Package"))
            .map(|child| Instance {
                element: child.clone(),
            })
            .collect()
    }

    /// A group of yum of which it is not known what it stands for.
    pub fn is_unknown_group(&self) -> bool {
        self.attribute("group").is_some() && self.packages.is_none()
    }

    /// The package that an instance of it is about.
    pub fn package_of<'e>(&'e self, instance: &'e Instance) -> &'e str {
        match self.packages {
            Some(_) => instance.attribute("name").unwrap_or(self.name()),
            None => self.name(),
        }
    }

    /// The packages that it declares: of a group those in it.
    pub fn package_names(&self) -> Vec<&str> {
        match &self.packages {
            Some(packages) => packages.iter().map(String::as_str).collect(),
            None => vec![self.name()],
        }
    }

    /// Paths that its `Ignore` children name.
    pub fn ignores(&self) -> impl Iterator<Item = &str> {
        ignores(&self.element)
    }
}

fn ignores(element: &Element) -> impl Iterator<Item = &str> {
    element
        .all("Ignore")
        .filter_map(|ignore| ignore.attribute("name"))
}

/// One declared instance of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `Instance`, or `Package` for the one that stands for an entry without instances.
    pub element: Element,
}

impl Instance {
    /// The instance that an entry without any stands for: all its attributes.
    pub fn of_old_style(entry: &Entry) -> Self {
        let mut element = Element::new("Package");
        element.attributes.clone_from(&entry.element.attributes);
        element.place = entry.element.place;
        Self { element }
    }

    /// It stands for an entry without instances.
    pub fn is_old_style(&self) -> bool {
        self.element.name == "Package"
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.element.attribute(name)
    }

    /// Paths that its `Ignore` children name.
    pub fn ignores(&self) -> impl Iterator<Item = &str> {
        ignores(&self.element)
    }

    /// What it declares.
    pub fn evra(&self) -> Evra {
        Evra {
            epoch: Part::declared(self.attribute("epoch")),
            version: Part::declared(self.attribute("version")),
            release: Part::declared(self.attribute("release")),
            arch: Part::declared(self.attribute("arch")),
        }
    }
}
