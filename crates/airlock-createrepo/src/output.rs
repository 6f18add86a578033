//! The output folder: one run at a time, and a switch that leaves the old or the new metadata, whatever happens.
//!
//! As for createrepo_c the folder `.repodata` is both the place where new metadata grows and the lock. Ours holds a
//! marker and is locked (`flock`) while a run lives, so that what a killed run left behind is told apart from a run
//! that is going on, also from one of createrepo_c, which is never disturbed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

use crate::error::{Error, Result};
use crate::parallel;
use crate::reporter::Reporter;

/// Name of the marker file.
pub(crate) const MARKER: &str = ".airlock-createrepo";

/// The lock of an output folder.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Where new metadata grows.
    pub(crate) temporary: PathBuf,
    /// Where it will be.
    pub(crate) target: PathBuf,
    _held: File,
    switched: bool,
}

impl Lock {
    /// Takes the lock of a folder.
    pub(crate) fn take(output: &Path) -> Result<Self> {
        let temporary = output.join(".repodata");
        let held = match make(output, &temporary)? {
            Some(held) => held,
            None => take_over(&temporary)?.ok_or_else(|| Error::Locked {
                path: temporary.clone(),
            })?,
        };
        Ok(Self {
            temporary,
            target: output.join("repodata"),
            _held: held,
            switched: false,
        })
    }

    /// Publishes what has grown.
    pub(crate) fn switch(mut self, reporter: &dyn Reporter) -> Result<()> {
        sync_files(&self.temporary)?;
        sync(&self.temporary)?;
        reporter.detail("Switching to the new metadata");
        let held = match self.target.exists() {
            true => Some(self.exchange()?),
            false => {
                fs::rename(&self.temporary, &self.target).map_err(Error::io(&self.target))?;
                None
            }
        };
        self.switched = true;
        reporter.detail("Switched, removing what is left of the old metadata");
        let _ = fs::remove_file(self.target.join(MARKER));
        if let Some(parent) = self.target.parent() {
            sync(parent)?;
        }
        if held.is_some() {
            reporter.detail("The switch is durable");
            fs::remove_dir_all(&self.temporary).map_err(Error::io(&self.temporary))?;
        }
        Ok(())
    }

    fn exchange(&self) -> Result<File> {
        // The old folder becomes the lock for as long as it takes to remove it.
        let old = File::open(&self.target).map_err(Error::io(&self.target))?;
        let _ = flock(&old, FlockOperation::NonBlockingLockExclusive);
        let marker = self.target.join(MARKER);
        fs::write(&marker, b"").map_err(Error::io(&marker))?;
        match renameat_with(
            CWD,
            &self.temporary,
            CWD,
            &self.target,
            RenameFlags::EXCHANGE,
        ) {
            Ok(()) => Ok(old),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                // A file system that cannot exchange (some network ones): two steps, as createrepo_c does it.
                let aside = self
                    .target
                    .with_file_name(format!("repodata.old.{}", std::process::id()));
                fs::rename(&self.target, &aside).map_err(Error::io(&aside))?;
                fs::rename(&self.temporary, &self.target).map_err(Error::io(&self.target))?;
                fs::rename(&aside, &self.temporary).map_err(Error::io(&self.temporary))?;
                Ok(old)
            }
            Err(error) => Err(Error::io(&self.target)(error.into())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.switched {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// Makes the folder, locked and marked from the first moment that it can be seen. `None` when there is one.
fn make(output: &Path, temporary: &Path) -> Result<Option<File>> {
    let mut random = 0;
    let fresh = loop {
        let fresh = output.join(format!(".repodata.{}.{random}", std::process::id()));
        match fs::create_dir(&fresh) {
            Ok(()) => break fresh,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => random += 1,
            Err(error) => return Err(Error::io(&fresh)(error)),
        }
    };
    let marker = fresh.join(MARKER);
    let made = File::open(&fresh)
        .and_then(|held| {
            flock(&held, FlockOperation::NonBlockingLockExclusive)?;
            fs::write(&marker, b"")?;
            Ok(held)
        })
        .map_err(Error::io(&fresh));
    let renamed = made.and_then(|held| {
        match renameat_with(CWD, &fresh, CWD, temporary, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Some(held)),
            Err(rustix::io::Errno::EXIST) => Ok(None),
            // Without that flag: an empty folder may be replaced, one with a marker never is.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !temporary.exists() => {
                fs::rename(&fresh, temporary).map_err(Error::io(temporary))?;
                Ok(Some(held))
            }
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => Ok(None),
            Err(error) => Err(Error::io(temporary)(error.into())),
        }
    });
    if !matches!(renamed, Ok(Some(_))) {
        let _ = fs::remove_dir_all(&fresh);
    }
    renamed
}

/// Takes what a killed run of ours left behind. `None` when it is somebody's.
fn take_over(temporary: &Path) -> Result<Option<File>> {
    let Ok(held) = File::open(temporary) else {
        return Ok(None);
    };
    if !temporary.join(MARKER).exists()
        || flock(&held, FlockOperation::NonBlockingLockExclusive).is_err()
    {
        return Ok(None);
    }
    // Between opening and locking it may have become somebody's published folder.
    let same =
        |one: &fs::Metadata, two: &fs::Metadata| (one.dev(), one.ino()) == (two.dev(), two.ino());
    let still = match (held.metadata(), fs::metadata(temporary)) {
        (Ok(opened), Ok(there)) => same(&opened, &there),
        _ => false,
    };
    if !still {
        return Ok(None);
    }
    for entry in fs::read_dir(temporary).map_err(Error::io(temporary))? {
        let entry = entry.map_err(Error::io(temporary))?;
        if entry.file_name() == MARKER {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io(&path))?;
        let removed = match kind.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.map_err(Error::io(&path))?;
    }
    Ok(Some(held))
}

/// Makes the files in a folder durable, all at once, so that the file system can do it in one go. Files that have
/// another name as well were there before.
fn sync_files(folder: &Path) -> Result<()> {
    let mut fresh = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let metadata = fs::symlink_metadata(&path).map_err(Error::io(&path))?;
        if metadata.is_file() && metadata.nlink() == 1 {
            fresh.push(path);
        }
    }
    parallel::map(
        fresh.len(),
        &fresh,
        || (),
        |(), path| {
            File::open(path)
                .and_then(|file| file.sync_data())
                .map_err(Error::io(path))
        },
    )
    .into_iter()
    .collect()
}

/// Makes the entries of a folder durable.
pub(crate) fn sync(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io(folder))
}
