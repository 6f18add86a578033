//! What a fragment of `filelists.xml` or `filelists-ext.xml` says.

use std::borrow::Cow;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::error::{Error, Flaw, Result};
use crate::identity::{Identity, Walk};
use crate::primary::FileKind;
use crate::text::{attribute, content};

const FILE: &str = "filelists.xml";

/// One path of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile<'a> {
    /// Whole path.
    pub path: Cow<'a, str>,
    /// What it is.
    pub kind: FileKind,
    /// Digest of the content in hexadecimal (only in `filelists-ext.xml`).
    pub digest: Option<Cow<'a, str>>,
}

/// All paths of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFiles<'a> {
    /// Which package.
    pub identity: Identity,
    /// Its paths in order.
    pub files: Vec<ListedFile<'a>>,
}

/// Reads a filelists fragment.
///
/// # Errors
/// [`Error::BadRepository`] for what is not well-formed or has no package id.
pub fn parse(fragment: &[u8]) -> Result<PackageFiles<'_>> {
    let mut files = Vec::new();
    let identity = for_each(fragment, |file| files.push(file))?;
    Ok(PackageFiles { identity, files })
}

/// Gives each path to `take` without keeping them, and says which package it was.
///
/// # Errors
/// As for [`parse`].
pub fn for_each<'a>(fragment: &'a [u8], mut take: impl FnMut(ListedFile<'a>)) -> Result<Identity> {
    let bad = |offset, why| Error::at(FILE, fragment, offset, why);
    let text =
        std::str::from_utf8(fragment).map_err(|error| bad(error.valid_up_to(), Flaw::BadText))?;
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut walk = Walk::default();
    loop {
        let offset = reader.buffer_position() as usize;
        let event = walk.next(&mut reader).map_err(|why| bad(offset, why))?;
        let Some(event) = event else { break };
        if let Event::Start(tag) = event {
            let is_file = walk.depth == 1 && tag.name().as_ref() == "file";
            if !is_file {
                walk.depth += 1;
                continue;
            }
            let mut file = || -> std::result::Result<ListedFile<'a>, Flaw> {
                Ok(ListedFile {
                    kind: FileKind::new(attribute(&tag, "type")?.as_deref()),
                    digest: attribute(&tag, "hash")?.filter(|digest| !digest.is_empty()),
                    path: content(&mut reader, &tag)?,
                })
            };
            take(file().map_err(|why| bad(offset, why))?);
        }
    }
    walk.finish().map_err(|why| bad(0, why))
}
