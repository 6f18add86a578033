//! Character encodings of metadata files.
//!
//! Nearly everything is UTF-8. A byte order mark or the XML declaration can say otherwise; what is
//! read is turned into UTF-8 on the way, and encodings that nobody uses are refused by name.

use std::borrow::Cow;

use crate::error::Flaw;

/// Bytes of a file's start that are enough to tell its encoding.
pub(crate) const SNIFF: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Latin1,
    Latin9,
    Utf16 { big: bool },
}

/// Encoding of a file that starts so, and the length of its byte order mark.
pub(crate) fn detect(start: &[u8]) -> Result<(Encoding, usize), Flaw> {
    match start {
        [0xef, 0xbb, 0xbf, ..] => return Ok((Encoding::Utf8, 3)),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err(Flaw::Encoding {
                name: "UTF-32".to_owned(),
            });
        }
        [0xff, 0xfe, ..] => return Ok((Encoding::Utf16 { big: false }, 2)),
        [0xfe, 0xff, ..] => return Ok((Encoding::Utf16 { big: true }, 2)),
        [b'<', 0, ..] => return Ok((Encoding::Utf16 { big: false }, 0)),
        [0, b'<', ..] => return Ok((Encoding::Utf16 { big: true }, 0)),
        _ => {}
    }
    let Some(name) = declared(start) else {
        return Ok((Encoding::Utf8, 0));
    };
    let encoding = match name.to_ascii_lowercase().as_str() {
        // The bytes of US-ASCII are UTF-8 if they keep the promise, and are checked as such.
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Encoding::Utf8,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" => Encoding::Latin1,
        "iso-8859-15" | "iso8859-15" | "iso_8859-15" | "latin9" | "latin-9" => Encoding::Latin9,
        _ => return Err(Flaw::Encoding { name }),
    };
    Ok((encoding, 0))
}

/// Encoding named in the XML declaration.
fn declared(start: &[u8]) -> Option<String> {
    let start = &start[..start.len().min(SNIFF)];
    if !start.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &start[..memchr::memmem::find(start, b"?>")?];
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let rest = declaration[at + 8..]
        .trim_ascii_start()
        .strip_prefix(b"=")?;
    let (quote, rest) = rest.trim_ascii_start().split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let name = &rest[..memchr::memchr(*quote, rest)?];
    Some(name.iter().take(64).map(|byte| char::from(*byte)).collect())
}

/// Turns bytes that come in pieces into UTF-8.
#[derive(Debug)]
pub(crate) struct Transcoder {
    encoding: Encoding,
    odd: Option<u8>,
    high: Option<u16>,
}

impl Transcoder {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            odd: None,
            high: None,
        }
    }

    /// Appends the next piece as UTF-8. UTF-8 itself goes through unchecked.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Flaw> {
        match self.encoding {
            Encoding::Utf8 => out.extend_from_slice(piece),
            Encoding::Latin1 => extend(out, piece.iter().map(|byte| char::from(*byte))),
            Encoding::Latin9 => extend(out, piece.iter().map(|byte| latin9(*byte))),
            Encoding::Utf16 { big } => {
                for byte in piece {
                    let Some(first) = self.odd.take() else {
                        self.odd = Some(*byte);
                        continue;
                    };
                    let unit = match big {
                        true => u16::from_be_bytes([first, *byte]),
                        false => u16::from_le_bytes([first, *byte]),
                    };
                    self.unit(unit, out)?;
                }
            }
        }
        Ok(())
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) -> Result<(), Flaw> {
        let pair = match (self.high.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                return Ok(());
            }
            (None, _) => [unit, 0],
            (Some(high), _) => [high, unit],
        };
        let used = if pair[0] & 0xfc00 == 0xd800 { 2 } else { 1 };
        let mut decoded = char::decode_utf16(pair.into_iter().take(used));
        match decoded.next() {
            Some(Ok(character)) => {
                extend(out, std::iter::once(character));
                Ok(())
            }
            _ => Err(Flaw::BadText),
        }
    }

    /// Complains about half a character at the end.
    pub(crate) fn finish(&self) -> Result<(), Flaw> {
        if self.odd.is_some() || self.high.is_some() {
            Err(Flaw::BadText)
        } else {
            Ok(())
        }
    }
}

fn extend(out: &mut Vec<u8>, characters: impl Iterator<Item = char>) {
    let mut buffer = [0; 4];
    for character in characters {
        out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
}

fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

/// A whole document as text, without byte order mark.
pub(crate) fn to_text(bytes: &[u8]) -> Result<Cow<'_, str>, Flaw> {
    let (encoding, mark) = detect(bytes)?;
    let bytes = &bytes[mark..];
    if encoding == Encoding::Utf8 {
        return std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| Flaw::BadText);
    }
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut transcoder = Transcoder::new(encoding);
    transcoder.push(bytes, &mut out)?;
    transcoder.finish()?;
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| Flaw::BadText)
}

#[cfg(test)]
mod tests {
    use super::to_text;
    use crate::error::Flaw;

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark
            .then_some(0xfeff)
            .into_iter()
            .chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn encodings_become_text() {
        let text = "<?xml version='1.0'?><a>žluťoučký 🦀</a>";
        assert_eq!(to_text(text.as_bytes()).unwrap(), text);
        assert_eq!(to_text(format!("\u{feff}{text}").as_bytes()).unwrap(), text);
        for big in [true, false] {
            for mark in [true, false] {
                assert_eq!(to_text(&utf16(text, big, mark)).unwrap(), text);
            }
        }
        assert_eq!(
            to_text(b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>caf\xe9</a>").unwrap(),
            "<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>café</a>"
        );
        assert!(
            to_text(b"<?xml encoding=\"iso-8859-15\"?>\xa4")
                .unwrap()
                .ends_with('€')
        );
    }

    #[test]
    fn broken_text_is_refused() {
        assert_eq!(to_text(b"<a>\xff</a>"), Err(Flaw::BadText));
        assert_eq!(to_text(&[0xff, 0xfe, b'<']), Err(Flaw::BadText));
        assert_eq!(to_text(&[0xff, 0xfe, 0x00, 0xdc]), Err(Flaw::BadText));
        assert!(matches!(
            to_text(b"<?xml version='1.0' encoding='EBCDIC'?><a/>"),
            Err(Flaw::Encoding { name }) if name == "EBCDIC"
        ));
    }
}
