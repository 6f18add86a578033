//! Bytes to lines: encoding, ends of lines, white space.

use std::sync::Arc;

use crate::{Error, Place, Result, Warning};

/// White space as Python's `str.strip` knows it.
pub(crate) fn blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Text without white space at both ends.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(blank)
}

/// The place of a line, counted from 0.
pub(crate) fn place(file: &Arc<str>, index: usize) -> Place {
    Place {
        file: Arc::clone(file),
        line: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
    }
}

/// The text of a file; a byte order mark is dropped and reported.
pub(crate) fn text<'a>(
    file: &Arc<str>,
    bytes: &'a [u8],
    most: usize,
    warnings: &mut Vec<Warning>,
) -> Result<&'a str> {
    if bytes.len() > most {
        return Err(Error::TooLong {
            file: Arc::clone(file),
            bytes: bytes.len(),
            most,
        });
    }
    let before = |at: usize| bytes.iter().take(at).filter(|&&b| b == b'\n').count();
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(Error::Nul {
            place: place(file, before(at)),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Error::Encoding {
        place: place(file, before(error.valid_up_to())),
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            warnings.push(Warning::ByteOrderMark {
                place: place(file, 0),
            });
            rest
        }
        None => text,
    })
}

/// The lines: ended by LF, CRLF or CR, as Python's universal newlines.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest?;
        if now.is_empty() {
            rest = None;
            return None;
        }
        match now.find(['\n', '\r']) {
            None => {
                rest = None;
                Some(now)
            }
            Some(at) => {
                let (line, after) = now.split_at(at);
                let after = after
                    .strip_prefix("\r\n")
                    .or_else(|| after.get(1..))
                    .unwrap_or("");
                rest = Some(after);
                Some(line)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn all_three_ends_of_lines_count() {
        let lines: Vec<&str> = split("a\nb\r\nc\rd\n\ne").collect();
        assert_eq!(lines, ["a", "b", "c", "d", "", "e"]);
        assert_eq!(split("").count(), 0);
        assert_eq!(split("a\n").count(), 1);
    }
}
