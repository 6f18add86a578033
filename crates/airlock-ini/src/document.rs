//! A file that was read: sections with their options.

use std::fmt;
use std::sync::Arc;

use crate::Warning;

/// Where a value stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file as the caller named it.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}", self.file, self.line)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

/// One option with its value. `Debug` leaves the value out: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, in lower case where the dialect says so.
    pub name: String,
    /// What it means: after `%(name)s` and quotes. `None` for a name alone.
    pub value: Option<String>,
    /// What stands in the file, lines joined, white space at both ends cut.
    pub raw: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// It comes from the section `DEFAULT`.
    pub inherited: bool,
}

impl fmt::Debug for Entry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Entry")
            .field("name", &self.name)
            .field("place", &self.place)
            .field("inherited", &self.inherited)
            .finish_non_exhaustive()
    }
}

/// One section. Its own options come first, in the order of the file, then those of `DEFAULT` that it does not have itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The text between the brackets.
    pub name: String,
    /// Where its first header stands.
    pub place: Place,
    /// The options, each name once.
    pub entries: Vec<Entry>,
}

impl Section {
    /// The option of that name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of that name; `None` also for a name without value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entry(name).and_then(|entry| entry.value.as_deref())
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name it was read under.
    pub name: Arc<str>,
    /// Its sections in the order of their first headers, each name once, without `DEFAULT`.
    pub sections: Vec<Section>,
    /// The options of `DEFAULT`; they are in every section too.
    pub defaults: Vec<Entry>,
    /// What was read although it looks like a mistake.
    pub warnings: Vec<Warning>,
}

impl File {
    /// The section of that name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The value of an option of a section.
    #[must_use]
    pub fn value(&self, section: &str, name: &str) -> Option<&str> {
        self.section(section).and_then(|found| found.value(name))
    }
}
