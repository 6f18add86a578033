//! Values of TOML as attributes have them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::pkgmgr::words::BOOLEANS;
use crate::xml::{Node, is_character};

/// A flaw at an offset.
pub(super) type Flawed<T> = Result<T, (usize, String)>;

/// Attributes whose values are lists, and what stands between them in XML.
const LISTS: [(&str, &str); 3] = [("verify_flags", ","), ("multiarch", " "), ("srcs", " ")];

/// A key and its value, with the offset of the key.
pub(super) struct Field<'v, 't> {
    pub(super) key: &'v str,
    pub(super) at: usize,
    pub(super) value: &'v DeValue<'t>,
}

/// The fields of a table in the order of the file.
pub(super) fn fields<'v, 't>(table: &'v DeTable<'t>) -> Vec<Field<'v, 't>> {
    let mut fields: Vec<Field<'_, '_>> = table
        .iter()
        .map(|(key, value)| Field {
            key: key.get_ref().as_ref(),
            at: key.span().start,
            value: value.get_ref(),
        })
        .collect();
    fields.sort_by_key(|field| field.at);
    fields
}

/// Whether a key can be the name of an attribute.
pub(super) fn is_attribute_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let goes_on = |c: char| starts(c) || c.is_ascii_digit() || "-.:".contains(c);
    name.starts_with(starts) && name.chars().all(goes_on)
}

pub(super) fn attribute_name(field: &Field<'_, '_>) -> Flawed<()> {
    match is_attribute_name(field.key) {
        true => Ok(()),
        false => Err((
            field.at,
            format!("{:?} is no name of an attribute", field.key),
        )),
    }
}

/// A value as an attribute has it.
pub(super) fn plain(field: &Field<'_, '_>, key: &str) -> Flawed<String> {
    match field.value {
        DeValue::Boolean(value) if BOOLEANS.contains(&key) => Ok(value.to_string()),
        DeValue::Integer(_) if ["priority", "epoch"].contains(&key) => integer(field.value)
            .map(|number| number.to_string())
            .ok_or_else(|| (field.at, format!("{key} is no number that fits"))),
        DeValue::Array(values) => {
            let list = LISTS.iter().find(|(name, _)| *name == key);
            let (_, between) =
                list.ok_or_else(|| (field.at, format!("{key} is one text, no list")))?;
            let mut words = Vec::new();
            for value in values.iter() {
                let at = value.span().start;
                let word = value.get_ref().as_str();
                let word =
                    word.filter(|word| !word.is_empty() && !word.contains([',', ' ', '\t', '\n']));
                words.push(word.ok_or((at, format!("{key} is a list of single words")))?);
            }
            Ok(words.join(between))
        }
        _ => string(field),
    }
}

pub(super) fn string(field: &Field<'_, '_>) -> Flawed<String> {
    let text = field.value.as_str();
    let text = text.ok_or_else(|| (field.at, format!("{} is a text in quotes", field.key)))?;
    match text.chars().find(|c| !is_character(*c)) {
        None => Ok(text.to_owned()),
        Some(c) => Err((
            field.at,
            format!("the character U+{:04X} cannot be used", u32::from(c)),
        )),
    }
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The tables of an array of tables, each with the offset of its first key.
pub(super) fn tables<'v, 't>(field: &Field<'v, 't>) -> Flawed<Vec<(&'v DeTable<'t>, usize)>> {
    let bad = || {
        let key = field.key;
        (
            field.at,
            format!("{key} is a list of tables: write [[{key}]], or {key} = [ {{ … }} ]"),
        )
    };
    let list = field.value.as_array().ok_or_else(bad)?;
    let table = |value: &'v Spanned<DeValue<'t>>| {
        let table = value.get_ref().as_table().ok_or_else(bad)?;
        let first = table.iter().map(|(key, _)| key.span().start).min();
        Ok((table, first.unwrap_or(value.span().start)))
    };
    list.iter().map(table).collect()
}

/// The items of a list, each as a field of the same key; a value that is no list is one item.
pub(super) fn list<'v, 't>(field: &Field<'v, 't>) -> Vec<Field<'v, 't>> {
    let item = |value: &'v Spanned<DeValue<'t>>| Field {
        key: field.key,
        at: value.span().start,
        value: value.get_ref(),
    };
    match field.value {
        DeValue::Array(list) => list.iter().map(item).collect(),
        value => vec![Field { value, ..*field }],
    }
}

/// A text, or a list of them.
pub(super) fn texts(field: &Field<'_, '_>) -> Flawed<Vec<String>> {
    let bad = || {
        (
            field.at,
            format!("{} is a list of texts in quotes", field.key),
        )
    };
    let list = match field.value {
        DeValue::Array(list) => list,
        _ => return string(field).map(|text| vec![text]),
    };
    let text = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
    let texts: Option<Vec<String>> = list.iter().map(text).collect();
    let texts = texts.ok_or_else(bad)?;
    match texts.iter().all(|text| text.chars().all(is_character)) {
        true => Ok(texts),
        false => Err(bad()),
    }
}

pub(super) fn comments(field: &Field<'_, '_>) -> Flawed<Vec<Node>> {
    let texts = texts(field)?;
    let is_wrong = |text: &String| text.contains("--") || text.ends_with('-');
    match texts.iter().any(is_wrong) {
        true => Err((
            field.at,
            "a comment cannot hold -- or end with -".to_owned(),
        )),
        false => Ok(texts.into_iter().map(Node::Comment).collect()),
    }
}
