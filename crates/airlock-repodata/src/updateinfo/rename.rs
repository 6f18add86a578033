//! Another name for an advisory; everything else stays as it is, byte by byte.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::FILE;
use crate::error::{Error, Flaw, Result};
use crate::text::{push_text, syntax};

/// An `<update>` element with another name in its `<id>`.
///
/// # Errors
/// [`Error::BadRepository`] when the element is not well-formed or has no `<id>`.
pub fn with_id(update: &[u8], id: &str) -> Result<Vec<u8>> {
    let bad = |offset: u64, why| Error::at(FILE, update, usize::try_from(offset).unwrap_or(0), why);
    let mut reader = Reader::from_reader(update);
    let mut depth = 0_usize;
    loop {
        let before = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|error| bad(before, syntax(&error)))?;
        let (start, end) = match event {
            Event::Start(tag) if depth == 1 && tag.name().as_ref() == "id" => {
                let from = reader.buffer_position();
                let span = reader
                    .read_to_end(tag.name())
                    .map_err(|error| bad(from, syntax(&error)))?;
                (span.start, span.end)
            }
            Event::Empty(tag) if depth == 1 && tag.name().as_ref() == "id" => {
                let mut out = update[..to_place(before)].to_vec();
                out.extend_from_slice(b"<id>");
                push_text(&mut out, id);
                out.extend_from_slice(b"</id>");
                out.extend_from_slice(&update[to_place(reader.buffer_position())..]);
                return Ok(out);
            }
            Event::Start(_) => {
                depth += 1;
                continue;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Event::Eof => {
                return Err(bad(
                    0,
                    Flaw::MissingElement {
                        element: "id",
                        parent: "update",
                    },
                ));
            }
            _ => continue,
        };
        let mut out = update[..to_place(start)].to_vec();
        push_text(&mut out, id);
        out.extend_from_slice(&update[to_place(end)..]);
        return Ok(out);
    }
}

fn to_place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::with_id;

    #[test]
    fn only_the_name_changes() {
        let renamed = |update: &str| {
            let bytes = with_id(update.as_bytes(), "CL-A&B").unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(
            renamed(
                "<update type='x'>\n <!-- <id>no</id> --><a><id>no</id></a><id>RHBA-1</id><title>t</title>\n</update>"
            ),
            "<update type='x'>\n <!-- <id>no</id> --><a><id>no</id></a><id>CL-A&amp;B</id><title>t</title>\n</update>"
        );
        assert_eq!(
            renamed("<update><id/><x/></update>"),
            "<update><id>CL-A&amp;B</id><x/></update>"
        );
        for bad in [
            "<update></update>",
            "<update><id>x</update>",
            "<update><id>",
        ] {
            assert!(with_id(bad.as_bytes(), "x").is_err(), "{bad}");
        }
    }
}
