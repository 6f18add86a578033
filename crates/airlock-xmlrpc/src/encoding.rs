//! Bytes to text: the encoding that the XML declaration names.

use std::borrow::Cow;

use crate::{Error, Result};

/// How far the declaration is looked for.
const DECLARATION: usize = 200;

/// The characters of windows-1252 from 0x80 to 0x9f; the rest is ISO-8859-1.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a message.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(Error::Encoding);
    }
    let single = |of: fn(u8) -> char| Ok(Cow::Owned(bytes.iter().map(|&byte| of(byte)).collect()));
    match declared(bytes).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| Error::Bytes {
                at: error.valid_up_to(),
            }),
        Some("iso-8859-1" | "iso8859-1" | "latin1" | "latin-1") => single(char::from),
        Some("windows-1252" | "cp1252") => single(|byte| match byte {
            0x80..=0x9f => WINDOWS
                .get(usize::from(byte - 0x80))
                .copied()
                .unwrap_or('\u{fffd}'),
            _ => char::from(byte),
        }),
        Some(_) => Err(Error::Encoding),
    }
}

/// The encoding that `<?xml … encoding="…"?>` names, in lower case.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(DECLARATION))?;
    let head = head.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let head = String::from_utf8_lossy(head.get(..end)?).to_lowercase();
    let (_, after) = head.split_once("encoding")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = after.get(1..)?.split_once(quote)?;
    Some(name.trim().to_owned())
}
