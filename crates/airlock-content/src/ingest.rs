//! Reading an upstream's primary, filelists and other into a pack.
//!
//! The three files are read side by side, each opened on one thread and cut into packages on another, and never held
//! whole. A package that this upstream described before is only compared with what it said then; new ones are spooled
//! into a pack. When an upstream says something new about a known package, a second pass takes just those packages:
//! its old record stays as it is, since versions that list it never change.

mod known;
mod pass;

pub use known::{KnownRecords, RecordKey};
pub use pass::{IngestInput, MetadataPath};

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::Error;
use crate::pack::{RecordInfo, assemble};
use pass::{Selection, run_pass};

/// A record of the upstream's present list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Described before in the same words: the stored record.
    Known(u64),
    /// Position in the first new pack.
    New(u32),
    /// Position in the second new pack (packages whose description changed).
    Changed(u32),
}

/// A pack that was written to a file but is not in the store yet.
#[derive(Debug)]
pub struct NewPack {
    /// Records of it, in pack order.
    pub rows: Vec<NewRecord>,
}

/// A record that is new here.
#[derive(Debug, Clone, Default)]
pub struct NewRecord {
    /// Checksum type.
    pub checksum_type: String,
    /// Checksum, lower-case hex.
    pub checksum: String,
    /// Name.
    pub name: String,
    /// Epoch.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// Bytes of the file.
    pub size: u64,
    /// Build time.
    pub build_time: i64,
    /// Served file name.
    pub file_name: String,
    /// Location as the upstream said.
    pub href: String,
}

impl NewRecord {
    /// The record as the pack index stores it.
    #[must_use]
    pub fn info(&self) -> RecordInfo<'_> {
        RecordInfo {
            checksum_type: &self.checksum_type,
            checksum: &self.checksum,
            name: &self.name,
            epoch: self.epoch,
            version: &self.version,
            release: &self.release,
            arch: &self.arch,
            size: self.size,
            build_time: self.build_time,
            file_name: &self.file_name,
            href: &self.href,
            hashes: [0; 3],
            lengths: [0; 3],
        }
    }
}

/// What an upstream lists now.
#[derive(Debug)]
pub struct Ingested {
    /// Every package of primary, in its order.
    pub listed: Vec<Listed>,
    /// Packages not described before.
    pub new: NewPack,
    /// Packages described in other words than before.
    pub changed: NewPack,
    /// Things worth a warning: doubled packages, files about unknown packages.
    pub warnings: Vec<String>,
}

/// Reads the three files. Packs are written to `new_out` and `changed_out` (nothing is written to the second when no
/// description changed, and to neither when all is known).
///
/// # Errors
/// When a file cannot be read, is not the metadata it should be, or the files do not belong together.
pub fn ingest(
    input: &IngestInput<'_>,
    known: &KnownRecords,
    scratch: &Path,
    new_out: &mut dyn std::io::Write,
    changed_out: &mut dyn std::io::Write,
) -> Result<Ingested, Error> {
    let first = run_pass(input, Selection::NotIn(known), scratch)?;
    let mut warnings = first.warnings;
    let mut listed = first.listed;
    let rows = first.rows;
    if !rows.is_empty() {
        assemble(
            first.parts,
            |position| {
                rows.get(position)
                    .map_or_else(RecordInfo::default, NewRecord::info)
            },
            scratch,
            new_out,
        )
        .map_err(|e| Error::ingest(input.upstream, e))?;
    }
    let mut changed_rows = Vec::new();
    if !first.changed.is_empty() {
        let wanted: HashSet<RecordKey> = first.changed;
        let second = run_pass(input, Selection::Only(&wanted), scratch)?;
        changed_rows = second.rows;
        assemble(
            second.parts,
            |position| {
                changed_rows
                    .get(position)
                    .map_or_else(RecordInfo::default, NewRecord::info)
            },
            scratch,
            changed_out,
        )
        .map_err(|e| Error::ingest(input.upstream, e))?;
        let places: HashMap<u64, u32> = changed_rows
            .iter()
            .enumerate()
            .filter_map(|(position, row)| {
                let key = RecordKey::new(&row.checksum_type, &row.checksum)?;
                Some((known.get(&key)?.record, u32::try_from(position).ok()?))
            })
            .collect();
        for entry in &mut listed {
            if let Listed::Known(record) = entry
                && let Some(position) = places.get(record)
            {
                *entry = Listed::Changed(*position);
            }
        }
    }
    warnings.truncate(20);
    Ok(Ingested {
        listed,
        new: NewPack { rows },
        changed: NewPack { rows: changed_rows },
        warnings,
    })
}
