//! What can go wrong with lists, and with the packages that they are made of.

use std::io;
use std::path::PathBuf;

use super::list::ListError;
use super::native::{NativeError, ResolveError};
use crate::declared::DeclaredError;
use crate::xml::XmlError;

/// The result of the functions here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the pkgmgr tools.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is no XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A file is no list.
    #[error(transparent)]
    List(#[from] ListError),
    /// A file cannot be read or written.
    #[error("{}: {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A pattern of folders that cannot be one.
    #[error(
        "--rpmdirs: {pattern:?} is no pattern: {why}; escape a bracket that is meant as itself as [[]"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The library's reason.
        why: String,
    },
    /// No folder fits.
    #[error("--rpmdirs: {pattern:?}: there is no such folder; check the path")]
    NoFolder {
        /// The pattern.
        pattern: String,
    },
    /// What fits are no folders.
    #[error("--rpmdirs: {pattern:?}: that is a file; name the folder that it lies in")]
    OnlyFiles {
        /// The pattern.
        pattern: String,
    },
    /// Package files that cannot be read; nothing was made, since it would lack them.
    #[error(
        "{} of the package files cannot be read: {}; mend or remove them and start again",
        flaws.len(),
        flaws.join("; ")
    )]
    Packages {
        /// File and reason, each.
        flaws: Vec<String>,
    },
    /// A repository's address that is none.
    #[error(
        "--yumrepos: {url:?}: {why}; give an address as http://host/repo/, https://… or file:///folder/"
    )]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// A repository cannot be fetched.
    #[error("--yumrepos: {source}")]
    Fetch {
        /// The address that was asked for, as far as it is known.
        url: String,
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// The reason.
        #[source]
        source: Box<airlock_fetch::Error>,
    },
    /// A repository's metadata cannot be used.
    #[error("--yumrepos: {url}: {source}")]
    Repository {
        /// The repository.
        url: String,
        /// The reason.
        source: airlock_repodata::Error,
    },
    /// A date that is none.
    #[error(
        "--{option}: {text:?} is no date; write 2026-03-31, or an instant like 2026-03-31T18:00:00Z"
    )]
    Date {
        /// `startdate` or `enddate`.
        option: &'static str,
        /// As it was given.
        text: String,
    },
    /// An attribute of a list that has to be a number.
    #[error(
        "{file}:{line}: <Instance> of {package}: the epoch {found:?} is no number; mend it first"
    )]
    Epoch {
        /// The list.
        file: String,
        /// Where.
        line: u32,
        /// The package.
        package: String,
        /// What stands there.
        found: String,
    },
    /// A file in the native form that cannot be read.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// Something has to be looked up before a list in the native form can be used.
    #[error("{file}: {source}")]
    Resolve {
        /// The file.
        file: String,
        /// What is not known.
        source: ResolveError,
    },
    /// Slips in a list by which packages would not count as declared.
    #[error(transparent)]
    Declared(#[from] DeclaredError),
    /// Something cannot run here.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>, action: &'static str, source: io::Error) -> Self {
        Self::File {
            path: path.into(),
            action,
            source,
        }
    }
}
