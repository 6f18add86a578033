//! How far a set of downloads is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was transferred so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Bytes received (or read from a local upstream); bytes that had to come twice count twice.
    pub bytes: u64,
    /// Files finished and verified.
    pub files: u64,
}

type Listener = dyn Fn(Transferred) + Send + Sync;

/// Counts bytes and files of any number of downloads. Clones share the counts.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    bytes: AtomicU64,
    files: AtomicU64,
    listener: Option<Box<Listener>>,
}

impl Progress {
    /// Counts only; read with [`Progress::transferred`].
    #[must_use]
    pub fn silent() -> Self {
        Self::build(None)
    }

    /// Counts, and calls `listener` after every change; it is called often and must be quick.
    #[must_use]
    pub fn new(listener: impl Fn(Transferred) + Send + Sync + 'static) -> Self {
        Self::build(Some(Box::new(listener)))
    }

    fn build(listener: Option<Box<Listener>>) -> Self {
        Self(Arc::new(Inner {
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            listener,
        }))
    }

    /// The counts now.
    #[must_use]
    pub fn transferred(&self) -> Transferred {
        Transferred {
            bytes: self.0.bytes.load(Ordering::Relaxed),
            files: self.0.files.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    pub(crate) fn add_file(&self) {
        self.0.files.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        if let Some(listener) = &self.0.listener {
            listener(self.transferred());
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::silent()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transferred().fmt(out)
    }
}
