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
        "no database of installed packages in {}{}; name its folder with --dbpath",
        list(looked),
        emptied(empty)
    )]
    NotFound {
        /// The folders that were looked into.
        looked: Vec<PathBuf>,
        /// Files in them that are called as a database, and are empty.
        empty: Vec<PathBuf>,
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
        "the {kind} database of installed packages {} is damaged at byte {at}: {why}; copy its folder, then try \
         `rpm --rebuilddb`; where that does not mend it, take the folder from a backup (--dbpath reads a copy without \
         putting it back)",
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
    #[error(
        "record {number} of the database of installed packages {} is damaged: {}; copy the folder of the database, then \
         `rpm --rebuilddb` leaves the record out, and its package can be installed again; or take the folder from a backup \
         (--dbpath reads a copy without putting it back)",
        path.display(),
        flaw.flaw()
    )]
    Record {
        /// Which file.
        path: PathBuf,
        /// Number of the record.
        number: u32,
        /// What is wrong with the header. Not a cause to be shown: it has advice for files that can be fetched again.
        flaw: crate::Error,
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

fn emptied(files: &[PathBuf]) -> String {
    match files {
        [] => String::new(),
        [one] => format!(" ({} is empty: take it from a backup)", one.display()),
        more => format!(" ({} are empty: take them from a backup)", list(more)),
    }
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    names.join(", ")
}
