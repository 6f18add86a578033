//! What can go wrong with a database of installed packages.

use std::io;
use std::path::PathBuf;

use super::Kind;

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong while a database of installed packages is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no database where one is looked for.
    #[error(
        "no database of installed packages in {}; name its folder with --dbpath",
        list(looked)
    )]
    NotFound {
        /// The folders that were looked into.
        looked: Vec<PathBuf>,
    },
    /// The operating system refuses.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a sound database of its kind.
    #[error(
        "the {kind} database {} is damaged at byte {at}: {why}; `rpm --rebuilddb` may mend it, after a copy was made",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which kind of database it was read as.
        kind: Kind,
        /// Byte offset of the page or record.
        at: u64,
        /// What does not fit.
        why: &'static str,
    },
    /// The file is a database that nobody here can read.
    #[error("the database {} cannot be read: {why}", path.display())]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What is not supported.
        why: &'static str,
    },
    /// The database went on changing while it was read.
    #[error("{} is being changed ({why}); try again when the transaction is over", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
        /// What was seen.
        why: &'static str,
    },
    /// One record holds no header that can be trusted to be read.
    #[error("package {number} of the database {} cannot be read: {}", path.display(), source.flaw())]
    Record {
        /// Which file.
        path: PathBuf,
        /// Number of the record.
        number: u32,
        /// What is wrong with the header.
        source: crate::Error,
    },
    /// There is no package of that number.
    #[error("the database {} holds no package number {number}", path.display())]
    NoSuchNumber {
        /// Which file.
        path: PathBuf,
        /// The number asked for.
        number: u32,
    },
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    names.join(", ")
}
