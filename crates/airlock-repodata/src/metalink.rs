//! Metalinks: where a `repomd.xml` can be fetched, and which bytes it has to have.
//!
//! Format 3.0 as mirror managers of distributions write it, and 4.0 (RFC 5854).

use crate::checksum::Checksum;
use crate::document::{self, DocumentType, Node, tree};
use crate::error::{Error, Flaw, Result};
use crate::limits::Limits;
use crate::text::{push_attribute, push_text};

const FILE: &str = "metalink";
/// Mirrors that are kept, the best ones.
pub const MOST_MIRRORS: usize = 50;
/// Bytes of a metalink.
const LARGEST: usize = 4 << 20;

/// One file of a metalink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metalink {
    /// Name of the file (`repomd.xml`).
    pub name: String,
    /// Bytes.
    pub size: Option<u64>,
    /// When the file was made, seconds since 1970.
    pub timestamp: Option<i64>,
    /// Checksums that the file can have; of one of these the strongest type counts. Never empty.
    pub checksums: Vec<Checksum>,
    /// Older states of the file that are also accepted: mirrors lag behind.
    pub alternates: Vec<Alternate>,
    /// Mirrors, best first.
    pub mirrors: Vec<Mirror>,
}

/// An older state of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alternate {
    /// Bytes.
    pub size: Option<u64>,
    /// When it was made, seconds since 1970.
    pub timestamp: Option<i64>,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
}

/// One place to fetch the file from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mirror {
    /// URL of the file itself: `http`, `https` or `ftp`.
    pub url: String,
    /// Higher is better, 0 to 100.
    pub preference: u32,
    /// Country.
    pub location: Option<String>,
}

impl Mirror {
    /// URL of the repository, when the file is its `repodata/repomd.xml`.
    pub fn repository(&self) -> Option<&str> {
        self.url.strip_suffix("repodata/repomd.xml")
    }
}

impl Metalink {
    /// Reads the file of this name, or the first one when the name is empty.
    ///
    /// # Errors
    /// [`Error::BadRepository`] for what is not well-formed, has no such file, no checksum of a
    /// known type or no mirror.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        let limits = Limits {
            max_document: LARGEST,
            ..Limits::default()
        };
        let text = document::text(FILE, bytes, &limits)?;
        let (start, end) = document::root(FILE, &text, &limits, DocumentType::Refused)?;
        let bad = |offset, why| Error::at(FILE, text.as_bytes(), start + offset, why);
        let root = tree(&text[start..end]).map_err(|why| bad(0, why))?;
        if root.name != "metalink" {
            let found = root.name.chars().take(64).collect();
            let expected = "metalink";
            return Err(bad(0, Flaw::RootElement { expected, found }));
        }
        // In 4.0 files stand directly below the root.
        let list = root.child("files").unwrap_or(&root);
        let mut files = list.all("file");
        let file = files
            .find(|file| name.is_empty() || file.attribute("name") == Some(name))
            .ok_or_else(|| {
                bad(
                    0,
                    Flaw::MissingElement {
                        element: "file",
                        parent: "metalink",
                    },
                )
            })?;
        read_file(file).map_err(|why| bad(file.offset, why))
    }

    /// The metalink in format 3.0, which all clients read.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut out = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\" type=\"dynamic\" xmlns:mm0=\"http://fedorahosted.org/mirrormanager\">\n <files>\n  <file name=\"".to_vec();
        push_attribute(&mut out, &self.name);
        out.extend_from_slice(b"\">\n");
        write_state(&mut out, self.timestamp, self.size, &self.checksums);
        if !self.alternates.is_empty() {
            out.extend_from_slice(b"   <mm0:alternates>\n");
            for alternate in &self.alternates {
                out.extend_from_slice(b"    <mm0:alternate>\n");
                write_state(
                    &mut out,
                    alternate.timestamp,
                    alternate.size,
                    &alternate.checksums,
                );
                out.extend_from_slice(b"    </mm0:alternate>\n");
            }
            out.extend_from_slice(b"   </mm0:alternates>\n");
        }
        out.extend_from_slice(b"   <resources maxconnections=\"1\">\n");
        for mirror in &self.mirrors {
            let protocol = mirror
                .url
                .split_once(':')
                .map_or("http", |(scheme, _)| scheme);
            out.extend_from_slice(
                format!("    <url protocol=\"{protocol}\" type=\"{protocol}\"").as_bytes(),
            );
            if let Some(location) = &mirror.location {
                out.extend_from_slice(b" location=\"");
                push_attribute(&mut out, location);
                out.push(b'"');
            }
            out.extend_from_slice(format!(" preference=\"{}\">", mirror.preference).as_bytes());
            push_text(&mut out, &mirror.url);
            out.extend_from_slice(b"</url>\n");
        }
        out.extend_from_slice(b"   </resources>\n  </file>\n </files>\n</metalink>\n");
        out
    }
}

fn write_state(
    out: &mut Vec<u8>,
    timestamp: Option<i64>,
    size: Option<u64>,
    checksums: &[Checksum],
) {
    if let Some(timestamp) = timestamp {
        out.extend_from_slice(
            format!("   <mm0:timestamp>{timestamp}</mm0:timestamp>\n").as_bytes(),
        );
    }
    if let Some(size) = size {
        out.extend_from_slice(format!("   <size>{size}</size>\n").as_bytes());
    }
    out.extend_from_slice(b"   <verification>\n");
    for checksum in checksums {
        out.extend_from_slice(
            format!(
                "    <hash type=\"{}\">{}</hash>\n",
                checksum.kind, checksum.value
            )
            .as_bytes(),
        );
    }
    out.extend_from_slice(b"   </verification>\n");
}

fn read_file(file: &Node<'_>) -> std::result::Result<Metalink, Flaw> {
    let state = read_state(file);
    if state.checksums.is_empty() {
        return Err(Flaw::MissingElement {
            element: "hash of a known type",
            parent: "file",
        });
    }
    let alternates = file
        .all("alternates")
        .flat_map(|list| list.all("alternate"));
    let resources = file.child("resources").unwrap_or(file);
    let mut mirrors: Vec<Mirror> = resources.all("url").filter_map(read_mirror).collect();
    mirrors.sort_by_key(|mirror| std::cmp::Reverse(mirror.preference));
    mirrors.truncate(MOST_MIRRORS);
    if mirrors.is_empty() {
        return Err(Flaw::MissingElement {
            element: "url (http, https or ftp)",
            parent: "file",
        });
    }
    Ok(Metalink {
        name: file.attribute("name").unwrap_or_default().to_owned(),
        size: state.size,
        timestamp: state.timestamp,
        checksums: state.checksums,
        alternates: alternates
            .map(read_state)
            .filter(|alternate| !alternate.checksums.is_empty())
            .take(MOST_MIRRORS)
            .collect(),
        mirrors,
    })
}

fn read_state(node: &Node<'_>) -> Alternate {
    let hashes = node.child("verification").unwrap_or(node);
    let number = |name| node.child(name).map(|child| child.trimmed());
    Alternate {
        size: number("size").and_then(|text| text.parse().ok()),
        timestamp: number("timestamp").and_then(|text| text.parse().ok()),
        checksums: hashes
            .all("hash")
            .filter_map(|hash| {
                Checksum::new(hash.attribute("type").unwrap_or_default(), hash.trimmed()).ok()
            })
            .collect(),
    }
}

fn read_mirror(node: &Node<'_>) -> Option<Mirror> {
    let url = node.trimmed();
    if !crate::mirrorlist::is_fetchable(url) {
        return None;
    }
    let number = |name| {
        node.attribute(name)
            .and_then(|text| text.trim().parse::<u32>().ok())
    };
    let preference = match number("preference") {
        Some(preference) => preference.min(100),
        // 4.0 counts from 1 (best) upwards.
        None => {
            number("priority").map_or(0, |priority| 101_u32.saturating_sub(priority.clamp(1, 101)))
        }
    };
    Some(Mirror {
        url: url.to_owned(),
        preference,
        location: node.some_attribute("location"),
    })
}
