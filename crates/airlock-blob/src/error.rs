//! What can go wrong with blobs.

use std::path::PathBuf;

/// Result of the blob store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the blob store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system failed.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried: `writing`, `renaming` …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not what they should be.
    #[error("{path} has the SHA-256 {actual}, expected {expected}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A text that is no SHA-256 in lower-case hex.
    #[error("\"{0}\" is no SHA-256 in lower-case hex")]
    NoDigest(String),
    /// A fault put in by a test.
    #[error(transparent)]
    Injected(#[from] airlock_model::Fault),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            what,
            path: path.into(),
            source,
        }
    }

    /// Whether the disk is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(source.raw_os_error(), Some(libc_enospc::ENOSPC | libc_enospc::EDQUOT)))
    }
}

mod libc_enospc {
    pub const ENOSPC: i32 = 28;
    pub const EDQUOT: i32 = 122;
}
