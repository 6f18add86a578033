//! Where values come from, and messages about them.

use std::collections::BTreeMap;
use std::fmt;

use airlock_ini::Place;

use crate::backend::Level;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    File(Place),
    /// `[defaults]` of the main file.
    Defaults(Place),
    /// A variable of the environment.
    Environment(String),
    /// A word of the command line.
    CommandLine(String),
    /// Nobody said it.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => write!(out, "{place}"),
            Self::Defaults(place) => write!(out, "{place} [defaults]"),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::CommandLine(word) => write!(out, "command line {word}"),
            Self::BuiltIn => out.write_str("default"),
        }
    }
}

/// A value before anybody looked at it. `Debug` leaves the text out: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct RawValue {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl fmt::Debug for RawValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RawValue({})", self.origin)
    }
}

/// A section before anybody looked at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSection {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub origin: Origin,
    /// Its options.
    pub values: BTreeMap<String, RawValue>,
}

impl RawSection {
    /// A section without options.
    #[must_use]
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self {
            name: name.into(),
            origin,
            values: BTreeMap::new(),
        }
    }

    /// Sets an option.
    pub fn set(&mut self, name: &str, text: impl Into<String>, origin: Origin) {
        self.values.insert(
            name.to_owned(),
            RawValue {
                text: text.into(),
                origin,
            },
        );
    }
}

/// Something that the administrator should know about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How serious.
    pub level: Level,
    /// The section, if it is about one.
    pub section: Option<String>,
    /// Where, if there is a place.
    pub origin: Option<Origin>,
    /// The text; virt-who's where it had one.
    pub text: String,
}

impl Told {
    /// About no section in particular.
    #[must_use]
    pub fn general(level: Level, origin: Option<Origin>, text: impl Into<String>) -> Self {
        Self {
            level,
            section: None,
            origin,
            text: text.into(),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = self
            .origin
            .as_ref()
            .filter(|origin| **origin != Origin::BuiltIn)
        {
            write!(out, "{origin}: ")?;
        }
        if let Some(section) = &self.section {
            write!(out, "[{section}] ")?;
        }
        out.write_str(&self.text)
    }
}
