//! What a fragment of `other.xml` says.

use std::borrow::Cow;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::error::{Error, Flaw, Result};
use crate::identity::{Identity, Walk};
use crate::text::{attribute, content};

const FILE: &str = "other.xml";

/// One entry of a changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChange<'a> {
    /// Who and which version.
    pub author: Cow<'a, str>,
    /// Seconds since 1970; may be negative, 0 when it is no number.
    pub date: i64,
    /// What changed.
    pub text: Cow<'a, str>,
}

/// The changelog of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChanges<'a> {
    /// Which package.
    pub identity: Identity,
    /// Entries in the file's order: createrepo_c writes the oldest first.
    pub changes: Vec<ListedChange<'a>>,
}

/// Reads an other fragment.
///
/// # Errors
/// [`Error::BadRepository`] for what is not well-formed or has no package id.
pub fn parse(fragment: &[u8]) -> Result<PackageChanges<'_>> {
    let bad = |offset, why| Error::at(FILE, fragment, offset, why);
    let text =
        std::str::from_utf8(fragment).map_err(|error| bad(error.valid_up_to(), Flaw::BadText))?;
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut walk = Walk::default();
    let mut changes = Vec::new();
    loop {
        let offset = reader.buffer_position() as usize;
        let event = walk.next(&mut reader).map_err(|why| bad(offset, why))?;
        let Some(event) = event else { break };
        if let Event::Start(tag) = event {
            if walk.depth == 1 && tag.name().as_ref() == "changelog" {
                let author = attribute(&tag, "author").map_err(|why| bad(offset, why))?;
                let date = attribute(&tag, "date").map_err(|why| bad(offset, why))?;
                changes.push(ListedChange {
                    author: author.unwrap_or_default(),
                    date: date.and_then(|text| text.trim().parse().ok()).unwrap_or(0),
                    text: content(&mut reader, &tag).map_err(|why| bad(offset, why))?,
                });
            } else {
                walk.depth += 1;
            }
        }
    }
    let identity = walk.finish().map_err(|why| bad(0, why))?;
    Ok(PackageChanges { identity, changes })
}
