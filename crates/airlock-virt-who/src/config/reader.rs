//! Takes options out of a section one by one, and tells what is wrong with them.

use std::collections::BTreeSet;

use super::origin::{Origin, RawSection, RawValue, Told};
use super::words::{list, without_remark};
use crate::backend::Level;
use crate::settings::boolean;

/// Reads one section.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    section: &'a RawSection,
    used: BTreeSet<&'a str>,
    told: Vec<Told>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(section: &'a RawSection) -> Self {
        Self {
            section,
            used: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    /// The option as it stands.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let (name, value) = self.section.values.get_key_value(name)?;
        self.used.insert(name);
        Some(value)
    }

    /// Whether the option is there, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.section.values.contains_key(name)
    }

    pub(crate) fn tell(&mut self, level: Level, origin: &Origin, text: impl Into<String>) {
        self.told.push(Told {
            level,
            section: Some(self.section.name.clone()),
            origin: Some(origin.clone()).filter(|origin| *origin != Origin::BuiltIn),
            text: text.into(),
        });
    }

    /// About the section as a whole.
    pub(crate) fn complain(&mut self, level: Level, text: impl Into<String>) {
        let origin = self.section.origin.clone();
        self.tell(level, &origin, text);
    }

    /// A text that is not empty; an empty one is told.
    pub(crate) fn text(&mut self, name: &str) -> Option<RawValue> {
        let value = self.take(name)?;
        if value.text.is_empty() {
            self.tell(
                Level::Warning,
                &value.origin,
                format!("\"{name}\" cannot be empty and has no default value"),
            );
            return None;
        }
        Some(value.clone())
    }

    /// A value without the remark behind it.
    fn plain(&mut self, name: &str, value: &RawValue) -> RawValue {
        let (text, cut) = without_remark(&value.text);
        if cut {
            self.tell(
                Level::Warning,
                &value.origin,
                format!("\"{name}\": the remark behind the value is not part of it; put it on a line of its own"),
            );
        }
        RawValue {
            text: text.trim().to_owned(),
            origin: value.origin.clone(),
        }
    }

    /// One of some fixed words, a number or an address: never with a remark.
    pub(crate) fn fixed(&mut self, name: &str) -> Option<RawValue> {
        let value = self.take(name)?;
        Some(self.plain(name, value)).filter(|value| !value.text.is_empty())
    }

    /// A boolean; another word is told and the default stands.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.take(name) else {
            return default;
        };
        let plain = self.plain(name, value);
        boolean(&plain.text).unwrap_or_else(|| {
            let word = if default { "True" } else { "False" };
            self.tell(
                Level::Warning,
                &value.origin,
                format!(
                    "{name} must be a valid boolean, using default: {word}. See man virt-who-config for more info"
                ),
            );
            default
        })
    }

    /// A list; an empty one is told and counts as absent, one that cannot be read is an error.
    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.take(name)?;
        let plain = self.plain(name, value);
        match list(&plain.text) {
            Ok(items) if items.is_empty() => {
                self.tell(
                    Level::Warning,
                    &value.origin,
                    if name.starts_with("filter_") {
                        format!("\"{name}\" is empty and counts as not set; virt-who would report no host at all")
                    } else {
                        format!("\"{name}\" is empty and counts as not set")
                    },
                );
                None
            }
            Ok(items) => Some(items),
            Err(error) => {
                self.tell(
                    Level::Error,
                    &value.origin,
                    format!("\"{name}\" cannot be read as a list: {error}"),
                );
                None
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.section.name
    }

    /// Names the options that nobody asked for, and ends.
    pub(crate) fn finish(mut self) -> Vec<Told> {
        let unknown: Vec<(&String, &RawValue)> = self
            .section
            .values
            .iter()
            .filter(|(name, _)| !self.used.contains(name.as_str()))
            .collect();
        for (name, value) in unknown {
            self.tell(
                Level::Warning,
                &value.origin,
                format!("Ignoring unknown configuration option \"{name}\""),
            );
        }
        self.told
    }
}
