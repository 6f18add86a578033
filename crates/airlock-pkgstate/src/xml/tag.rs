//! Tags, attributes and references.

use super::read::Flawed;
use super::{Element, MOST_ATTRIBUTES, Place, XmlFlaw, is_character};

/// A start tag: its name and attributes.
pub(super) fn tag(raw: &str, start: usize, end: usize) -> Flawed<Element> {
    let inner = raw
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let inner = inner.unwrap_or_default();
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let name_end = inner
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(inner.len());
    let name = &inner[..name_end];
    let bad = |at: usize, why| {
        let element = name.chars().take(64).collect();
        (start + at, XmlFlaw::Tag { element, why })
    };
    if !is_name(name) {
        return Err(bad(0, "this is no name of an element"));
    }
    let mut element = Element {
        place: Place {
            start,
            tag_end: end,
            close: end,
            end,
            ..Place::default()
        },
        ..Element::new(name)
    };
    for attribute in attributes(&inner[name_end..]) {
        let at = 1 + name_end;
        let Raw {
            key, value, offset, ..
        } = attribute.map_err(|(offset, why)| bad(at + offset, why))?;
        if !is_name(key) {
            return Err(bad(at + offset, "an attribute without a proper name"));
        }
        if value.contains('<') {
            return Err(bad(at + offset, "a < inside a value; write it as &lt;"));
        }
        if element.attribute(key).is_some() {
            let (element, attribute) = (name.to_owned(), key.to_owned());
            return Err((start + at + offset, XmlFlaw::Twice { element, attribute }));
        }
        if element.attributes.len() >= MOST_ATTRIBUTES {
            let (what, limit) = ("attributes of an element", MOST_ATTRIBUTES);
            return Err((start, XmlFlaw::Limit { what, limit }));
        }
        let plain: String = normalized(value)
            .chars()
            .map(|c| if c.is_ascii_whitespace() { ' ' } else { c })
            .collect();
        let value = resolve(&plain, start + at + offset)?;
        element.attributes.push((key.to_owned(), value));
    }
    Ok(element)
}

/// An attribute as it is written.
pub(super) struct Raw<'t> {
    pub(super) key: &'t str,
    pub(super) value: &'t str,
    /// Where the key starts.
    pub(super) offset: usize,
    /// Where the value starts, behind its quote.
    pub(super) value_offset: usize,
}

/// The attributes of what follows a tag's name.
pub(super) fn attributes(
    rest: &str,
) -> impl Iterator<Item = Result<Raw<'_>, (usize, &'static str)>> {
    let mut at = 0;
    let mut broken = false;
    std::iter::from_fn(move || {
        let skip = |at: usize| rest.len() - rest[at..].trim_ascii_start().len();
        let start = skip(at);
        if broken || start == rest.len() {
            return None;
        }
        let mut step = || {
            if start == at {
                return Err((at, "no blank between two attributes"));
            }
            let length = rest[start..].find(|c: char| c == '=' || c.is_ascii_whitespace());
            let key_end = start + length.ok_or((start, "an attribute without a value"))?;
            let equals = skip(key_end);
            if !rest[equals..].starts_with('=') {
                return Err((start, "an attribute without a value"));
            }
            let opening = skip(equals + 1);
            let quote = rest[opening..].chars().next().unwrap_or_default();
            if quote != '"' && quote != '\'' {
                return Err((start, "a value without quotes"));
            }
            let value = &rest[opening + 1..];
            let length = value
                .find(quote)
                .ok_or((start, "a value that does not end"))?;
            at = opening + 1 + length + 1;
            Ok(Raw {
                key: &rest[start..key_end],
                value: &value[..length],
                offset: start,
                value_offset: opening + 1,
            })
        };
        let step = step();
        broken = step.is_err();
        Some(step)
    })
}

/// Names of elements and attributes: the letters that lists use, and whatever else lies beyond ASCII.
fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':' || !c.is_ascii();
    let goes_on = |c: char| starts(c) || c.is_ascii_digit() || c == '-' || c == '.';
    name.chars().next().is_some_and(starts) && name.chars().all(goes_on)
}

/// Line ends as XML gives them to programs.
pub(super) fn normalized(text: &str) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text.to_owned(),
    }
}

/// Text with its references resolved.
pub(super) fn resolve(raw: &str, start: usize) -> Flawed<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let reference = behind.split_once(';');
        let character = reference.and_then(|(name, _)| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => by_number(name).filter(|c| is_character(*c)),
        });
        let (Some(character), Some((_, behind))) = (character, reference) else {
            let reference = behind.chars().take(16).collect();
            return Err((start, XmlFlaw::Reference { reference }));
        };
        out.push(character);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn by_number(reference: &str) -> Option<char> {
    let digits = reference.strip_prefix('#')?;
    let code = match digits.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok()?
        }
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    char::from_u32(code)
}
