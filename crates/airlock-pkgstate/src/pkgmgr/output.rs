//! Writing a result: whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::error::{Error, Result};

/// Writes a file. A plain file is replaced in one step and keeps its mode, so that nobody ever reads half of it and a full
/// disk leaves the old one; anything else (`/dev/null`, a pipe) is written into.
///
/// # Errors
/// [`Error::File`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::file(path, "cannot write", error);
    // Through a link it is its target that is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let about = std::fs::metadata(&target);
    if about.as_ref().is_ok_and(|about| !about.is_file()) {
        let mut file = OpenOptions::new()
            .write(true)
            .open(&target)
            .map_err(failed)?;
        return file.write_all(bytes).map_err(failed);
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".airlock-");
    let mut file = match about {
        Ok(about) => {
            let file = builder.tempfile_in(folder).map_err(failed)?;
            let set = file.as_file().set_permissions(about.permissions());
            set.map_err(failed)?;
            file
        }
        // A new file gets the mode that the user's mask leaves.
        Err(_) => builder
            .make_in(folder, |path| File::create_new(path))
            .map_err(failed)?,
    };
    file.as_file_mut().write_all(bytes).map_err(failed)?;
    file.as_file_mut().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}
