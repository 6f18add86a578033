//! Compressed files: opened by their magic bytes, with limits, and written.
//!
//! The name of a file says nothing: servers rename, and members of one format can follow each
//! other. What is opened is bounded in size and in its ratio to what is stored ([`Limits`]).

mod ahead;
mod gzip;
mod open;
mod write;
mod zchunk;

use std::fmt;

pub use ahead::ReadAhead;
pub use open::{Opened, open, open_path};
pub use write::Writer;

#[cfg(doc)]
use crate::Limits;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Not at all.
    Plain,
    /// gzip, several members allowed.
    Gz,
    /// xz, several streams allowed.
    Xz,
    /// bzip2, several streams allowed.
    Bz2,
    /// Zstandard, several frames and skippable frames allowed.
    Zstd,
    /// zchunk: Zstandard in chunks with an index, so that a client fetches only what changed.
    Zchunk,
}

impl Format {
    /// The format that starts with these bytes; six are enough. What is not known is plain.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gz,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bz2,
            // A file can begin with a skippable frame.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0, b'Z', b'C', b'K', b'1', ..] => Self::Zchunk,
            _ => Self::Plain,
        }
    }

    /// Usual ending of file names, with its dot; empty for plain files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gz => ".gz",
            Self::Xz => ".xz",
            Self::Bz2 => ".bz2",
            Self::Zstd => ".zst",
            Self::Zchunk => ".zck",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gz => "gzip",
            Self::Xz => "xz",
            Self::Bz2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Zchunk => "zchunk",
        })
    }
}
