//! The location of a package, taken out of its fragment and put back.
//!
//! Stored fragments know no location: it belongs to the publication. In its place stands
//! [`LOCATION_PLACEHOLDER`], exactly once.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::FILE;
use crate::error::{Error, Flaw, Result};
use crate::text::{attribute, push_attribute, raw_attribute, resolve, syntax};

/// What stands in a stored fragment where the location goes.
pub const LOCATION_PLACEHOLDER: &[u8] = b"<location href=\"@\"/>";

/// Where a package lies, as its source said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// The `href`, unchecked.
    pub href: String,
    /// The `xml:base`, unchecked.
    pub base: Option<String>,
}

/// Appends the fragment with the placeholder instead of its location, and gives the location.
/// When a package has several, the last one counts, as for createrepo_c.
///
/// # Errors
/// [`Error::BadRepository`] when there is no location or the fragment is not well-formed.
pub fn strip_location(fragment: &[u8], out: &mut Vec<u8>) -> Result<Location> {
    let bad = |offset, why| Error::at(FILE, fragment, offset, why);
    let mut copied = 0;
    let mut location = None;
    for (start, end, found) in locations(fragment)? {
        out.extend_from_slice(&fragment[copied..start]);
        if location.is_none() {
            out.extend_from_slice(LOCATION_PLACEHOLDER);
        }
        location = Some(found);
        copied = end;
    }
    out.extend_from_slice(&fragment[copied..]);
    location.ok_or_else(|| {
        bad(
            0,
            Flaw::MissingElement {
                element: "location",
                parent: "package",
            },
        )
    })
}

/// Searchers are made once; making them costs more than searching a fragment.
static FINDERS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| {
    [
        Finder::new("<location"),
        Finder::new("<!"),
        Finder::new("<?"),
    ]
});

/// Start, end and value of each location of a package.
fn locations(fragment: &[u8]) -> Result<Vec<(usize, usize, Location)>> {
    // Nearly always there is one, closed in itself, and nothing that could hide another.
    let [location_start, bang, question] = &*FINDERS;
    let mut hits = location_start.find_iter(fragment);
    if let (Some(start), None) = (hits.next(), hits.next())
        && let Some(length) = memchr::memchr(b'>', &fragment[start..])
        && let Some(attributes) = fragment.get(start + 9..start + length)
        && let Some(attributes) = attributes.strip_suffix(b"/")
        && attributes.first().is_some_and(u8::is_ascii_whitespace)
        && bang.find(fragment).is_none()
        && question.find(fragment).is_none()
        && memchr::memmem::rfind(&fragment[..start], b"<format").is_none()
        && let Ok(attributes) = std::str::from_utf8(attributes)
        && let (Some(href), base) = (
            raw_attribute(attributes, "href"),
            raw_attribute(attributes, "xml:base"),
        )
    {
        let bad = |why| Error::at(FILE, fragment, start, why);
        let value = Location {
            href: resolve(href).map_err(bad)?.into_owned(),
            base: match base.filter(|base| !base.is_empty()) {
                Some(base) => Some(resolve(base).map_err(bad)?.into_owned()),
                None => None,
            },
        };
        return Ok(vec![(start, start + length + 1, value)]);
    }
    slow_locations(fragment)
}

fn name_is_location(name: &str) -> bool {
    name == "location"
}

fn slow_locations(fragment: &[u8]) -> Result<Vec<(usize, usize, Location)>> {
    let bad = |offset, why| Error::at(FILE, fragment, offset, why);
    let text =
        std::str::from_utf8(fragment).map_err(|error| bad(error.valid_up_to(), Flaw::BadText))?;
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut depth = 0_usize;
    let mut found = Vec::new();
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader
            .read_event()
            .map_err(|error| bad(start, syntax(&error)))?;
        match event {
            Event::Start(tag) => {
                if depth == 1 && name_is_location(tag.name().as_ref()) {
                    let value = location(&tag).map_err(|why| bad(start, why))?;
                    reader
                        .read_to_end(tag.name())
                        .map_err(|error| bad(start, syntax(&error)))?;
                    found.push((start, reader.buffer_position() as usize, value));
                } else {
                    depth += 1;
                }
            }
            Event::Empty(tag) if depth == 1 && name_is_location(tag.name().as_ref()) => {
                let value = location(&tag).map_err(|why| bad(start, why))?;
                found.push((start, reader.buffer_position() as usize, value));
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

fn location(tag: &quick_xml::events::BytesStart<'_>) -> std::result::Result<Location, Flaw> {
    Ok(Location {
        href: attribute(tag, "href")?.unwrap_or_default().into_owned(),
        base: attribute(tag, "xml:base")?
            .map(|base| base.into_owned())
            .filter(|base| !base.is_empty()),
    })
}

/// Appends a stored fragment with a location in place of the placeholder.
///
/// # Errors
/// [`Flaw::NotCanonical`] when there is no placeholder.
pub fn with_location(canonical: &[u8], href: &str, out: &mut Vec<u8>) -> Result<()> {
    let at = memchr::memmem::find(canonical, LOCATION_PLACEHOLDER)
        .ok_or_else(|| Error::at(FILE, canonical, 0, Flaw::NotCanonical))?;
    out.extend_from_slice(&canonical[..at]);
    out.extend_from_slice(b"<location href=\"");
    push_attribute(out, href);
    out.extend_from_slice(b"\"/>");
    out.extend_from_slice(&canonical[at + LOCATION_PLACEHOLDER.len()..]);
    Ok(())
}
