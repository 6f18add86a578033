//! One run at a time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use airlock_pkgstate::verify::Root;
use anyhow::Context as _;
use rustix::fs::FlockOperation;

/// Takes the lock of a run; it is given back when the file is closed, however the program ends.
pub fn take(root: &Path, lockfile: &str) -> anyhow::Result<File> {
    let (folder, name) = lockfile.rsplit_once('/').unwrap_or(("/", lockfile));
    let folder = Root::open(root)
        .and_then(|root| root.make_folder(folder))
        .with_context(|| format!("cannot make {folder} for the lock"))?;
    let path = folder.join(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(&path)
        .with_context(|| format!("cannot open the lock {}", path.display()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => anyhow::bail!(
            "another run holds {}; wait for it, or give -O when that is meant",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
