//! Packs: immutable files of metadata fragments for a run of records.
//!
//! A pack holds the three fragments (primary, filelists, other) of each of its records in blocks; a block is one zstd
//! frame, so that publication can copy whole frames into a metadata file ([`crate::publication`]). Its index also
//! holds what mass work needs of a record, so that nobody reads 60,000 database rows to list or publish a version.
//!
//! Layout: `ALPACK1\n`, frames, one zstd frame with the index text, then the index's offset, length and opened length (u64, little
//! endian) and `ALPKEND\n`. The index text has a line a block (`b part offset stored open first records`) and a line
//! a record (tab-separated, see [`RecordInfo`]).

mod index;
mod reader;
mod writer;

pub use index::{Block, PackIndex, RecordInfo};
pub use reader::{BlockOpener, OpenBlock, PackReader};
pub use writer::{PartSpool, SpooledPart, assemble};

use std::path::PathBuf;

/// One of the three fragments of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `primary.xml`.
    Primary,
    /// `filelists.xml`.
    Filelists,
    /// `other.xml`.
    Other,
}

impl Part {
    /// All three, in the order of storage.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Filelists, Self::Other];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn position(self) -> usize {
        match self {
            Self::Primary => 0,
            Self::Filelists => 1,
            Self::Other => 2,
        }
    }

    /// Records of one block: enough for a good ratio, few enough that a change re-encodes little. Sixteen packages'
    /// filelists are 170 kB on average and compress within 2 % of 128 packages'; of `other`, which few clients ask for,
    /// 32 compress within 6 %; primary would lose 10 % with 64 and 26 % with 16, and is encoded anew anyway.
    #[must_use]
    pub const fn records_per_block(self) -> usize {
        match self {
            Self::Filelists => 16,
            Self::Other => 32,
            Self::Primary => 128,
        }
    }

    /// Type in `repomd.xml` and stem of the file name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Filelists => "filelists",
            Self::Other => "other",
        }
    }
}

/// Opened bytes after which a block is closed whatever it holds, to bound memory while reading.
pub const BLOCK_BYTES: usize = 4 << 20;
/// zstd level of blocks: 3 is within 15 % of 9 on primary and five times as fast (performance-baselines, section 2).
pub const BLOCK_LEVEL: i32 = 3;

/// What can be wrong with a pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Reading or writing failed.
    #[error("pack {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what was written.
    #[error("pack {path} is damaged: {why}; run airlock fsck --deep")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
    /// A record of primary has no fragment in another part.
    #[error("package {checksum} stands in primary but not in {part}")]
    Missing {
        /// The package's checksum.
        checksum: String,
        /// `filelists` or `other`.
        part: &'static str,
    },
    /// More records or bytes than a pack can number.
    #[error("a pack of {0} records is more than can be numbered")]
    TooLarge(usize),
}

/// Hash of a fragment, to see whether an upstream changed what it says; not a proof against an enemy, since each
/// upstream is only ever compared with itself.
#[must_use]
pub fn fragment_hash(fragment: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(fragment)
}

#[cfg(test)]
mod tests;
