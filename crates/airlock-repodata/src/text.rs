//! Text and attributes as quick-xml gives them, and text as XML wants it.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::error::Flaw;
use crate::scan::{character, is_xml_character};

/// A syntax error of quick-xml in our words.
pub(crate) fn syntax(error: &quick_xml::Error) -> Flaw {
    use quick_xml::Error as E;
    let why = match error {
        E::Syntax(_) => "a tag, comment or section that does not end",
        E::IllFormed(_) => "tags that do not fit each other",
        E::InvalidAttr(_) => "a broken attribute",
        E::Escape(_) => "a broken reference",
        E::Namespace(_) => "a broken namespace",
        _ => "it cannot be read",
    };
    Flaw::Syntax { why }
}

/// Local name of a qualified name.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The value of an attribute by its full name, references resolved.
pub(crate) fn attribute(
    tag: &BytesStart<'_>,
    name: &str,
) -> Result<Option<Cow<'static, str>>, Flaw> {
    match raw_attribute(tag.attributes_raw(), name) {
        None => Ok(None),
        Some(raw) => Ok(Some(Cow::Owned(resolve(raw)?.into_owned()))),
    }
}

/// The value of an attribute as it is written, out of what follows a tag's name. Tags here were
/// checked by the scanner before, so that nothing has to be said about broken ones.
pub(crate) fn raw_attribute<'t>(rest: &'t str, name: &str) -> Option<&'t str> {
    attributes(rest)
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Names and values as they are written, out of what follows a tag's name.
pub(crate) fn attributes(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (key, behind) = rest.split_at_checked(memchr::memchr(b'=', rest.as_bytes())?)?;
        let behind = behind[1..].trim_start();
        let quote = *behind
            .as_bytes()
            .first()
            .filter(|byte| matches!(byte, b'"' | b'\''))?;
        let value = &behind[1..];
        let end = memchr::memchr(quote, value.as_bytes())?;
        rest = &value[end + 1..];
        Some((key.trim(), &value[..end]))
    })
}

/// Text with its references resolved.
pub(crate) fn resolve(raw: &str) -> Result<Cow<'_, str>, Flaw> {
    let Some(first) = memchr::memchr(b'&', raw.as_bytes()) else {
        return Ok(Cow::Borrowed(raw));
    };
    let mut text = String::with_capacity(raw.len());
    text.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(reference) = rest.strip_prefix('&') {
        let end = memchr::memchr(b';', reference.as_bytes()).ok_or_else(|| undefined(rest))?;
        match &reference[..end] {
            "amp" => text.push('&'),
            "lt" => text.push('<'),
            "gt" => text.push('>'),
            "quot" => text.push('"'),
            "apos" => text.push('\''),
            other => {
                let code = other
                    .strip_prefix('#')
                    .and_then(|digits| character(digits.as_bytes()));
                let code = code.ok_or_else(|| undefined(rest))?;
                // References to characters that XML does not have stand for nothing.
                text.extend(
                    Some(code)
                        .filter(|code| is_xml_character(*code))
                        .and_then(char::from_u32),
                );
            }
        }
        let behind = &reference[end + 1..];
        let next = memchr::memchr(b'&', behind.as_bytes()).unwrap_or(behind.len());
        text.push_str(&behind[..next]);
        rest = &behind[next..];
    }
    Ok(Cow::Owned(text))
}

/// The text without characters that XML does not allow: as it is once written.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter(|character| is_xml_character(u32::from(*character)))
        .collect()
}

fn undefined(rest: &str) -> Flaw {
    Flaw::Entity {
        text: rest.chars().take(16).collect(),
    }
}

/// Text of the element whose start tag was just read: own text and CDATA, without that of elements
/// inside it.
pub(crate) fn content<'a>(
    reader: &mut Reader<&'a [u8]>,
    tag: &BytesStart<'_>,
) -> Result<Cow<'a, str>, Flaw> {
    let raw = reader
        .read_text(tag.name())
        .map_err(|error| syntax(&error))?
        .into_inner();
    match raw {
        Cow::Borrowed(raw) => inner_text(raw),
        Cow::Owned(raw) => inner_text(&raw).map(|text| Cow::Owned(text.into_owned())),
    }
}

pub(crate) fn inner_text(raw: &str) -> Result<Cow<'_, str>, Flaw> {
    if memchr::memchr(b'<', raw.as_bytes()).is_none() {
        return resolve(raw);
    }
    let mut reader = Reader::from_reader(raw.as_bytes());
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|error| syntax(&error))? {
            Event::Text(piece) => text.push_str(&piece.into_inner()),
            Event::GeneralRef(reference) => {
                text.push_str(&resolve(&format!("&{};", reference.into_inner()))?);
            }
            Event::CData(piece) => text.push_str(&piece.into_inner()),
            Event::Start(tag) => {
                reader
                    .read_to_end(tag.name())
                    .map_err(|error| syntax(&error))?;
            }
            Event::Eof => return Ok(Cow::Owned(text)),
            _ => {}
        }
    }
}

/// Appends text with what XML reserves escaped and what it does not allow left out.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_escaped(out, text, false);
}

/// Appends the value of an attribute in double quotes (without the quotes).
pub fn push_attribute(out: &mut Vec<u8>, value: &str) {
    push_escaped(out, value, true);
}

fn push_escaped(out: &mut Vec<u8>, text: &str, attribute: bool) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (replacement, length): (&[u8], usize) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'"' if attribute => (b"&quot;", 1),
            // As themselves they would come back as spaces.
            b'\n' if attribute => (b"&#10;", 1),
            b'\t' if attribute => (b"&#9;", 1),
            // As itself it would come back as a line feed.
            b'\r' => (b"&#13;", 1),
            b'\n' | b'\t' => {
                at += 1;
                continue;
            }
            0..=0x1f => (b"", 1),
            0xef if matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) => (b"", 3),
            _ => {
                at += 1;
                continue;
            }
        };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(replacement);
        at += length;
        copied = at;
    }
    out.extend_from_slice(&bytes[copied..]);
}

#[cfg(test)]
mod tests {
    use super::{push_attribute, push_text, resolve};

    fn written(text: &str) -> (String, String) {
        let (mut plain, mut attribute) = (Vec::new(), Vec::new());
        push_text(&mut plain, text);
        push_attribute(&mut attribute, text);
        (
            String::from_utf8(plain).unwrap(),
            String::from_utf8(attribute).unwrap(),
        )
    }

    #[test]
    fn what_is_written_comes_back() {
        for text in ["", "a", "<&>\"'", "tab\tline\nreturn\r", "žluť 🦀", "&amp;"] {
            let (plain, attribute) = written(text);
            assert_eq!(resolve(&plain).unwrap(), text);
            assert_eq!(resolve(&attribute).unwrap(), text);
        }
    }

    #[test]
    fn illegal_characters_are_left_out() {
        let (plain, attribute) = written("a\0b\x1f\u{fffe}c\u{ffff}");
        assert_eq!(plain, "abc");
        assert_eq!(attribute, "abc");
        assert_eq!(resolve("a&#0;b&#x1F;c").unwrap(), "abc");
        assert!(resolve("&nbsp;").is_err());
        assert!(resolve("& ").is_err());
    }
}
