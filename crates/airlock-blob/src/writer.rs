//! Writing a blob whose name is known only at its end.

use std::io::Write;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::store::Stored;
use crate::{BlobStore, Error, Result, durable};

/// A blob in the making; dropped unfinished it leaves nothing.
pub struct BlobWriter {
    store: BlobStore,
    file: std::io::BufWriter<NamedTempFile>,
    hasher: Sha256,
    size: u64,
    over: bool,
}

impl BlobWriter {
    pub(crate) fn new(store: BlobStore) -> Result<Self> {
        let file = store.temp_file()?;
        Ok(Self {
            store,
            file: std::io::BufWriter::with_capacity(1 << 18, file),
            hasher: Sha256::new(),
            size: 0,
            over: false,
        })
    }

    /// A writer whose blob takes the place of a file that lies under its name already.
    pub(crate) fn over(mut self) -> Self {
        self.over = true;
        self
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes the blob visible and durable; with `expected`, only when it has that SHA-256.
    ///
    /// # Errors
    /// [`Error::Mismatch`], and what the disk says; nothing is visible then.
    pub fn finish(self, expected: Option<&str>) -> Result<Stored> {
        let sha256 = hex::encode(self.hasher.finalize());
        let file = self.file.into_inner().map_err(|e| {
            let path = self.store.temp_dir().to_owned();
            Error::io("writing", path, e.into_error())
        })?;
        if let Some(expected) = expected
            && expected != sha256
        {
            return Err(Error::Mismatch {
                path: file.path().to_owned(),
                expected: expected.to_owned(),
                actual: sha256,
            });
        }
        let stored = Stored {
            sha256,
            size: self.size,
        };
        // What lies there now is known to be of no use when it is to be replaced.
        if !self.over && self.store.take_up(&stored.sha256)? {
            // It may be there by a try whose sync failed, or by one that is about to sync: nobody is told before.
            let target = self.store.prepared_path(&stored.sha256)?;
            self.store.sync_folder_of(&target)?;
            return Ok(stored);
        }
        durable::sync_file(self.store.faults(), file.as_file(), file.path())?;
        let target = self.store.prepared_path(&stored.sha256)?;
        let path = file.into_temp_path();
        durable::rename(self.store.faults(), &path, &target)?;
        // Renamed away: there is nothing left to remove.
        let _ = path.keep();
        self.store.sync_folder_of(&target)?;
        Ok(stored)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
