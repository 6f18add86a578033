//! The steps that make a blob durable, each a place where a test can make it fail.
//!
//! The order is what matters: file content to disk, rename, folder to disk. A crash between two steps leaves a
//! temporary file, or a whole blob that nothing refers to yet.

use std::fs::File;
use std::path::Path;

use airlock_model::Faults;

use crate::{Error, Result};

/// Brings a file's content to disk.
pub(crate) fn sync_file(faults: &Faults, file: &File, path: &Path) -> Result<()> {
    faults.step("sync file")?;
    file.sync_data().map_err(|e| Error::io("syncing", path, e))
}

/// Renames; an existing target (the same blob) is replaced by equal bytes.
pub(crate) fn rename(faults: &Faults, from: &Path, to: &Path) -> Result<()> {
    faults.step("rename")?;
    std::fs::rename(from, to).map_err(|e| Error::io("renaming", from, e))
}

/// Brings a folder's entries to disk.
pub(crate) fn sync_folder(faults: &Faults, folder: &Path) -> Result<()> {
    faults.step("sync folder")?;
    let file = File::open(folder).map_err(|e| Error::io("opening", folder, e))?;
    file.sync_all().map_err(|e| Error::io("syncing", folder, e))
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove(faults: &Faults, path: &Path) -> Result<bool> {
    faults.step("remove")?;
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io("removing", path, e)),
    }
}
