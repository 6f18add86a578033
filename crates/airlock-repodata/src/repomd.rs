//! `repomd.xml`: what a repository consists of.
//!
//! Reading is strict about everything that decides what is fetched and believed (locations,
//! checksums, sizes) and keeps what it does not know, so that a mirror can carry it along.

mod read;
mod write;

use crate::checksum::Checksum;
use crate::error::Result;
use crate::limits::Limits;

const FILE: &str = "repomd.xml";
const NAMESPACE: &str = "http://linux.duke.edu/metadata/repo";

/// A whole `repomd.xml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repomd {
    /// Revision as the maker wrote it: mostly seconds since 1970, but any text is allowed.
    pub revision: Option<String>,
    /// Tags that describe the repository.
    pub tags: Tags,
    /// The files, in order.
    pub records: Vec<Record>,
    /// Elements that are not known, as XML that is complete in itself.
    pub unknown: Vec<String>,
}

/// Tags of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    /// What the content is (`binary-x86_64` …).
    pub content: Vec<String>,
    /// What the repository is called.
    pub repo: Vec<String>,
    /// Distributions that it is for.
    pub distro: Vec<Distro>,
}

impl Tags {
    /// True when there is no tag.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.repo.is_empty() && self.distro.is_empty()
    }
}

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distro {
    /// Name in the Common Platform Enumeration.
    pub cpeid: Option<String>,
    /// Name for people.
    pub name: String,
}

/// One file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Type: `primary`, `updateinfo`, `primary_db` … or anything else.
    pub kind: String,
    /// Checksum of the file as stored.
    pub checksum: Checksum,
    /// Checksum of the file when opened.
    pub open_checksum: Option<Checksum>,
    /// Checksum of a zchunk file's header.
    pub header_checksum: Option<Checksum>,
    /// Location below the repository, checked to stay there.
    pub href: String,
    /// `xml:base` of the location: an `http(s)` or `ftp` URL. Whether another server is trusted is
    /// for the caller to say.
    pub base: Option<String>,
    /// Seconds since 1970; fractions are dropped.
    pub timestamp: Option<i64>,
    /// Bytes as stored.
    pub size: Option<u64>,
    /// Bytes when opened.
    pub open_size: Option<u64>,
    /// Bytes of a zchunk file's header.
    pub header_size: Option<u64>,
    /// Version of the schema in SQLite files.
    pub database_version: Option<u32>,
    /// Elements that are not known, as XML that is complete in itself.
    pub unknown: Vec<String>,
}

impl Record {
    /// A record with what every record needs.
    pub fn new(kind: &str, checksum: Checksum, href: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            checksum,
            open_checksum: None,
            header_checksum: None,
            href: href.to_owned(),
            base: None,
            timestamp: None,
            size: None,
            open_size: None,
            header_size: None,
            database_version: None,
            unknown: Vec::new(),
        }
    }
}

impl Repomd {
    /// Reads a `repomd.xml`.
    ///
    /// # Errors
    /// [`crate::Error::BadRepository`] with file and line: no primary, a known type twice, a record
    /// without checksum or location, unknown checksum types, numbers that are none, locations that
    /// leave the repository.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        read::parse(bytes, &Limits::default())
    }

    /// The record of a type.
    pub fn record(&self, kind: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.kind == kind)
    }

    /// Revision as a number, where it is one.
    pub fn revision_number(&self) -> Option<u64> {
        self.revision.as_deref()?.trim().parse().ok()
    }

    /// The file, as createrepo_c would write it.
    pub fn to_xml(&self) -> Vec<u8> {
        write::write(self)
    }
}
