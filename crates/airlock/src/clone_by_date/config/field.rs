//! Reading one value of the file as what it has to be; every mistake names the key and the value.

use std::collections::BTreeMap;

use super::json::Json;
use super::values::{self, Wrong};

/// A mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `channels[0].el9-base.label`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub why: String,
    /// What to write instead.
    pub hint: String,
}

impl Mistake {
    /// A mistake at a key.
    pub fn at(key: &str, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            why: why.into(),
            hint: hint.into(),
        }
    }

    /// A value that is wrong, at its key.
    pub fn of(key: &str, wrong: Wrong) -> Self {
        Self::at(key, wrong.why, wrong.hint)
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.why)
        } else {
            write!(f, "{}: {}", self.key, self.why)
        }
    }
}

/// A text; `null` is as good as none.
pub fn text<'a>(key: &str, value: &'a Json) -> Result<Option<&'a str>, Mistake> {
    match value {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text)),
        other => Err(Mistake::at(
            key,
            format!("{} is no text", other.shown()),
            "write it in double quotes",
        )),
    }
}

/// A text that nobody may see.
pub fn secret(key: &str, value: &Json) -> Result<Option<String>, Mistake> {
    match value {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text.clone())),
        _ => Err(Mistake::at(
            key,
            "the value (not shown) is no text",
            "write it in double quotes",
        )),
    }
}

/// A text that is not empty, without white space around it.
pub fn name(key: &str, value: &Json) -> Result<Option<String>, Mistake> {
    let Some(found) = text(key, value)? else {
        return Ok(None);
    };
    let found = found.trim();
    if found.is_empty() {
        return Err(Mistake::at(
            key,
            "\"\" is empty",
            "write something, or leave the key out",
        ));
    }
    Ok(Some(found.to_owned()))
}

/// `true` or `false`.
pub fn flag(key: &str, value: &Json) -> Result<Option<bool>, Mistake> {
    match value {
        Json::Null => Ok(None),
        Json::Bool(value) => Ok(Some(*value)),
        other => Err(Mistake::at(
            key,
            format!("{} is neither true nor false", other.shown()),
            "write true or false, without quotes",
        )),
    }
}

/// A text that is read by `read`.
pub fn parsed<T>(
    key: &str,
    value: &Json,
    read: impl Fn(&str) -> Result<T, Wrong>,
) -> Result<Option<T>, Mistake> {
    text(key, value)?
        .map(|text| read(text).map_err(|wrong| Mistake::of(key, wrong)))
        .transpose()
}

/// A word of a set.
pub fn word<T: std::str::FromStr<Err = String>>(
    key: &str,
    value: &Json,
) -> Result<Option<T>, Mistake> {
    parsed(key, value, |text| {
        text.trim()
            .parse()
            .map_err(|why: String| Wrong::new(why, "write one of them in double quotes"))
    })
}

/// A list of texts, at least one, each read by `read`.
pub fn list<T>(
    key: &str,
    value: &Json,
    read: impl Fn(&str) -> Result<T, Wrong>,
) -> Result<Vec<T>, Mistake> {
    let Json::List(items) = value else {
        return Err(Mistake::at(
            key,
            format!("{} is no list", value.shown()),
            "write a list of texts: [\"first\", \"second\"]",
        ));
    };
    if items.is_empty() {
        return Err(Mistake::at(
            key,
            "[] is empty",
            "name at least one, or leave the key out",
        ));
    }
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let key = format!("{key}[{index}]");
        match parsed(&key, item, &read)? {
            Some(item) => found.push(item),
            None => {
                return Err(Mistake::at(&key, "null is no text", "leave the item out"));
            }
        }
    }
    Ok(found)
}

/// Members of an object, with their names trimmed; those that begin with `_` are remarks. A name that comes twice is a
/// mistake.
pub fn members<'a>(
    key: &str,
    value: &'a Json,
    what: &str,
) -> Result<Vec<(&'a str, &'a Json)>, Mistake> {
    let Json::Object(all) = value else {
        return Err(Mistake::at(
            key,
            format!("{} is no object", value.shown()),
            format!("write {what} in braces: {{\"name\": …}}"),
        ));
    };
    let mut found: Vec<(&str, &Json)> = Vec::new();
    for (name, value) in all {
        let name = name.trim();
        if name.starts_with('_') {
            continue;
        }
        if found.iter().any(|(known, _)| *known == name) {
            return Err(Mistake::at(
                &below(key, name),
                format!("stands twice, the second time with {}", value.shown()),
                "keep one of them",
            ));
        }
        found.push((name, value));
    }
    Ok(found)
}

/// The key of a member.
pub fn below(key: &str, name: &str) -> String {
    let name: String = name.chars().take(80).collect();
    if key.is_empty() {
        name
    } else {
        format!("{key}.{name}")
    }
}

/// `{"ALL": ["a.*"], "LABEL": ["b"]}`: expressions by destination.
pub fn expressions(key: &str, value: &Json) -> Result<BTreeMap<String, Vec<String>>, Mistake> {
    let mut found = BTreeMap::new();
    let what = "lists of expressions by destination label or ALL";
    for (name, list_of_them) in members(key, value, what)? {
        let key = below(key, name);
        if name != ALL {
            values::label(name).map_err(|wrong| Mistake::of(&key, wrong))?;
        }
        // Of old, one that names nothing was none.
        if list_of_them.is_empty() {
            continue;
        }
        let all = list(&key, list_of_them, values::expression)?;
        found.insert(name.to_owned(), all);
    }
    Ok(found)
}

/// The name that stands for every destination.
pub const ALL: &str = "ALL";
