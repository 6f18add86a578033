//! The steps that make a blob durable, each a place where a test can make it fail.
//!
//! The order is what matters: file content to disk, rename, folder to disk. A crash between two steps leaves a
//! temporary file, or a whole blob that nothing refers to yet.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Error, Result};

/// Counts down at each step; at zero the step fails. Negative: never. Only tests set it.
static FAIL_AT: AtomicI64 = AtomicI64::new(-1);

/// Makes the `n`-th step from now fail (1 is the next); 0 or less takes the fault away. For tests of crashes: the
/// counter is shared by the process.
pub fn fail_at_step(n: i64) {
    FAIL_AT.store(if n <= 0 { -1 } else { n }, Ordering::SeqCst);
}

fn step(name: &'static str) -> Result<()> {
    if FAIL_AT.load(Ordering::Relaxed) < 0 {
        return Ok(());
    }
    if FAIL_AT.fetch_sub(1, Ordering::SeqCst) == 1 {
        FAIL_AT.store(-1, Ordering::SeqCst);
        return Err(Error::Injected(name));
    }
    Ok(())
}

/// Brings a file's content to disk.
pub(crate) fn sync_file(file: &File, path: &Path) -> Result<()> {
    step("sync file")?;
    file.sync_data().map_err(|e| Error::io("syncing", path, e))
}

/// Renames; an existing target (the same blob) is replaced by equal bytes.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    step("rename")?;
    std::fs::rename(from, to).map_err(|e| Error::io("renaming", from, e))
}

/// Brings a folder's entries to disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    step("sync folder")?;
    let file = File::open(folder).map_err(|e| Error::io("opening", folder, e))?;
    file.sync_all().map_err(|e| Error::io("syncing", folder, e))
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove(path: &Path) -> Result<bool> {
    step("remove")?;
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io("removing", path, e)),
    }
}
