//! What can go wrong as a whole. A package that cannot be read is a warning, not an error.

use std::io;
use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why no metadata was made. What was published before is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder to index is not there.
    #[error("Directory {} must exist", path.display())]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The output folder is not there.
    #[error("Specified outputdir \"{}\" doesn't exist", path.display())]
    NoOutput {
        /// The folder asked for.
        path: PathBuf,
    },
    /// A file named by an option is not there or is no regular file.
    #[error("{what} \"{}\" doesn't exist or is not a regular file", path.display())]
    NoFile {
        /// Which option's file.
        what: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// Metadata named by `--update-md-path` cannot be used.
    #[error("--update-md-path {}: no usable metadata there: {why}", path.display())]
    UpdatePath {
        /// The path given.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        why: Box<Error>,
    },
    /// Another run works on the same output folder.
    #[error(
        "Temporary repodata directory {} already exists! (Another createrepo process is running?) \
         Remove it when none is",
        path.display()
    )]
    Locked {
        /// The folder that is the lock.
        path: PathBuf,
    },
    /// The value of an option makes no sense.
    #[error("{option}: \"{value}\" is not possible: {why}")]
    Option {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
        /// Why not, or what is possible.
        why: &'static str,
    },
    /// Additional metadata that should be carried along is gone.
    #[error(
        "{}: named in the old repomd.xml, but it cannot be carried along; \
         --discard-additional-metadata goes on without it: {source}",
        path.display()
    )]
    Additional {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// A metadata file does not have the checksum that `repomd.xml` says.
    #[error("{}: it is not the file that repomd.xml names (size or checksum differ)", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A metadata file that cannot be read as such.
    #[error("{}: {source}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: airlock_repodata::Error,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn metadata(path: &Path) -> impl FnOnce(airlock_repodata::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Metadata { path, source }
    }
}
