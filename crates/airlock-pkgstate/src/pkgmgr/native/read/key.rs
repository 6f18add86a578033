//! Sets and keys, which XML does not have.

use toml::de::{DeTable, DeValue};

use super::super::value::{Field, Flawed, fields, integer, string};
use super::super::{KEY, SET};
use super::{Comments, Reader, unknown};
use crate::xml::Element;

/// What a `[[key]]` knows.
const KNOWN: [&str; 8] = [
    "fingerprint",
    "file",
    "created",
    "until",
    "comment",
    "end_comment",
    "type",
    "uri",
];

impl Reader<'_> {
    pub(super) fn set(&mut self, field: &Field<'_, '_>) -> Option<Element> {
        let Some(table) = field.value.as_table() else {
            self.flaw(field.at, "a set is { running = true, newest = N }");
            return None;
        };
        let mut set = self.element(SET, field.at);
        let before = self.flaws.len();
        for field in fields(table) {
            match (field.key, field.value) {
                ("running", DeValue::Boolean(running)) => set.set("running", running.to_string()),
                ("newest", value) => match integer(value) {
                    Some(newest @ 1..=100) => set.set("newest", newest.to_string()),
                    _ => self.flaw(field.at, "newest is a number from 1 to 100"),
                },
                _ => self.flaw(field.at, "a set knows running = true and newest = N"),
            }
        }
        let is_empty =
            set.attribute("running") != Some("true") && set.attribute("newest").is_none();
        if is_empty && self.flaws.len() == before {
            let why = "an empty set would remove everything; say newest = N";
            self.flaw(field.at, why);
        }
        Some(set)
    }

    pub(super) fn key(&mut self, table: &DeTable<'_>, at: usize, own: &mut Comments) -> Element {
        let mut key = self.element(KEY, at);
        let before = self.flaws.len();
        for field in fields(table) {
            let value = match field.key {
                _ if self.comment(own, &field) => continue,
                "fingerprint" => fingerprint(&field),
                "file" | "type" | "uri" => string(&field),
                "created" => created(&field),
                "until" => until(&field),
                other => Err((field.at, unknown(other, KNOWN))),
            };
            if let Some(value) = self.keep(value) {
                key.set(field.key, value);
            }
        }
        if key.attribute("fingerprint").is_none() && self.flaws.len() == before {
            self.flaw(at, "a key needs its fingerprint");
        }
        key
    }
}

fn fingerprint(field: &Field<'_, '_>) -> Flawed<String> {
    let text: String = string(field)?.split_whitespace().collect();
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || ![40, 64].contains(&text.len()) {
        let why = "a fingerprint has 40 hexadecimal digits (64 for keys of version 6); gpg --show-keys FILE shows it";
        return Err((field.at, why.to_owned()));
    }
    Ok(text.to_ascii_uppercase())
}

fn created(field: &Field<'_, '_>) -> Flawed<String> {
    let text = string(field)?;
    if text.len() != 8 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        let why =
            "created is what rpm shows as the release of a key: 8 hexadecimal digits in lower case";
        return Err((field.at, why.to_owned()));
    }
    Ok(text)
}

fn until(field: &Field<'_, '_>) -> Flawed<String> {
    let text = match field.value.as_datetime() {
        Some(date) => date.to_string(),
        None => string(field)?,
    };
    if text.parse::<jiff::civil::Date>().is_err() || text.len() != 10 {
        let why = "until is the last day, as 2027-03-31";
        return Err((field.at, why.to_owned()));
    }
    Ok(text)
}
