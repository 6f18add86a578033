//! Which package a fragment of filelists or other speaks of.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::error::Flaw;
use crate::primary::epoch;
use crate::text::{attribute, syntax};

/// Checksum, name, version and architecture of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Checksum of the package file.
    pub pkgid: String,
    /// Name.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Epoch; 0 when there is none.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
}

/// Walks through a package element and picks up its identity.
#[derive(Default)]
pub(crate) struct Walk {
    identity: Identity,
    /// Open elements; what is closed in itself does not count.
    pub(crate) depth: usize,
}

impl Walk {
    /// The next event that is not about the identity. The caller counts `depth` up for start tags
    /// that it does not read to their end.
    pub(crate) fn next<'a>(
        &mut self,
        reader: &mut Reader<&'a [u8]>,
    ) -> Result<Option<Event<'a>>, Flaw> {
        loop {
            let event = reader.read_event().map_err(|error| syntax(&error))?;
            let (tag, empty) = match &event {
                Event::Start(tag) => (tag, false),
                Event::Empty(tag) => (tag, true),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    continue;
                }
                Event::Eof => return Ok(None),
                _ => continue,
            };
            let name = tag.name();
            match (self.depth, name.as_ref()) {
                (0, "package") => {
                    let text = |name| -> Result<String, Flaw> {
                        Ok(attribute(tag, name)?.unwrap_or_default().trim().to_owned())
                    };
                    self.identity.pkgid = text("pkgid")?;
                    self.identity.name = text("name")?;
                    self.identity.arch = text("arch")?;
                    self.depth += usize::from(!empty);
                }
                (1, "version") => {
                    self.identity.epoch = epoch(attribute(tag, "epoch")?.as_deref())?;
                    self.identity.version = attribute(tag, "ver")?.unwrap_or_default().into_owned();
                    self.identity.release = attribute(tag, "rel")?.unwrap_or_default().into_owned();
                    self.depth += usize::from(!empty);
                }
                _ if empty => {}
                _ => return Ok(Some(event)),
            }
        }
    }

    pub(crate) fn finish(self) -> Result<Identity, Flaw> {
        if self.identity.pkgid.is_empty() {
            return Err(Flaw::MissingAttribute {
                attribute: "pkgid",
                element: "package",
            });
        }
        Ok(self.identity)
    }
}
