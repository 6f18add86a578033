//! airlock createrepo: repository metadata for a plain folder of RPM files.
//!
//! The result means the same as createrepo_c's. What makes it fast: every file is read once, its header is parsed out
//! of the bytes that are hashed, two files at a time; metadata is compressed in independent blocks whose bounds depend on the names of the
//! packages only; an index of these blocks ([`cache`]) lets a later run take over what did not change.
//!
//! | module | holds |
//! |---|---|
//! | [`options`], [`cli`] | what can be asked for; the command line of createrepo_c |
//! | [`run`](run()) | one run from lock to switch |
//! | `walk`, `read`, `previous` | which packages there are; reading them; what an earlier run knew |
//! | `checksum` | checksums |
//! | `duplicates` | packages that are there more than once |
//! | `blocks`, `write`, `output` | metadata in blocks; its files; the folder that is switched |
#![deny(clippy::print_stdout)]

mod blocks;
pub mod cache;
mod checksum;
pub mod cli;
mod duplicates;
pub mod error;
mod glob;
pub mod options;
mod output;
mod parallel;
mod previous;
mod read;
pub mod reporter;
mod retain;
mod run;
mod walk;
mod write;

pub use checksum::ChecksumKind;
pub use error::{Error, Result};
pub use options::{Compression, Duplicates, Options, Retain};
pub use reporter::{Quiet, Reporter};
pub use run::{Outcome, run};
