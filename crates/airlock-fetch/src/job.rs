//! What to download, and what came of it.

use std::path::{Path, PathBuf};

use tokio::sync::watch;
use url::Url;

use crate::digest::Checksum;
use crate::part::HeldFile;
use crate::sink::Arrived;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path below the upstream, as its metadata has it.
    Relative(String),
    /// A URL of its own (`xml:base`). Credentials are sent only where it is at a base's host and port; a
    /// `file:` URL must be below a local base.
    Absolute(Url),
}

impl From<&str> for Location {
    fn from(path: &str) -> Self {
        Self::Relative(path.to_owned())
    }
}

/// One file to download.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where it is.
    pub location: Location,
    /// Its size in bytes by the metadata.
    pub size: Option<u64>,
    /// Its checksum by the metadata. Without one it is neither verified nor resumed after a restart.
    pub checksum: Option<Checksum>,
    /// Bytes at most, where the size is not known.
    pub limit: u64,
    /// The folder to put it in. Parts and finished files have names of their own there; for links
    /// instead of copies it must be on the file system of the upstream's folder.
    pub folder: PathBuf,
    /// Told how much is there while it comes; see [`Job::followed`].
    pub follow: Option<watch::Sender<Arrived>>,
}

impl Job {
    /// A job for a path below the upstream, with a limit of 64 GiB.
    #[must_use]
    pub fn new(path: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self {
            location: Location::Relative(path.into()),
            size: None,
            checksum: None,
            limit: 64 << 30,
            folder: folder.into(),
            follow: None,
        }
    }

    /// The same with the size that the metadata says.
    #[must_use]
    pub fn size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// The same with the checksum that the metadata says.
    #[must_use]
    pub fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = Some(checksum);
        self
    }

    /// The same with a limit in bytes.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// The same, to be read along while it comes. The bytes go to the disk without waiting for more, so this is for
    /// downloads that somebody waits for. Files of local upstreams are not shown: they are there at once.
    #[must_use]
    pub fn followed(mut self, follow: watch::Sender<Arrived>) -> Self {
        self.follow = Some(follow);
        self
    }

    /// The most bytes this file may have.
    pub(crate) fn most(&self) -> u64 {
        self.size.unwrap_or(self.limit)
    }
}

/// How the bytes got into the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Placed {
    /// Received over the network.
    Received,
    /// The local file's blocks are shared; later changes do not touch ours.
    Reflinked,
    /// The local file has a second name.
    HardLinked,
    /// The local file was copied.
    Copied,
}

/// A verified file. It is removed when this is dropped; [`Downloaded::keep`] prevents that. It was not
/// synced to disk: whoever stores it for good does that.
#[derive(Debug)]
pub struct Downloaded {
    pub(crate) file: HeldFile,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// Size in bytes.
    pub size: u64,
    /// Whether there was a checksum to verify (it was right then).
    pub verified: bool,
    /// How it got here.
    pub placed: Placed,
    /// Bytes that an earlier, interrupted try had left and that did not have to come again.
    pub resumed_from: u64,
}

impl Downloaded {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.0
    }

    /// Where it is; from now on it is the caller's to move or remove.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.file.keep()
    }

    /// The SHA-256 in hex.
    #[must_use]
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}
