//! The store: names, adoption of files, lists, removal.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use airlock_model::Faults;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::writer::BlobWriter;
use crate::{Error, Result, durable};

/// A blob that is in the store for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A blob found by walking the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// When it was written or last taken up again, in microseconds since 1970.
    pub modified_us: i64,
}

/// Room on the store's file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub total: u64,
    /// Free for the server's user.
    pub free: u64,
}

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    blobs: PathBuf,
    temp: PathBuf,
    /// Which of the 256 folders `ab` are known to be durable themselves. A folder that is merely there may have been
    /// made by a try whose sync failed.
    durable: [AtomicBool; 256],
    /// Held while a blob is taken up, and while one is looked at and removed for its age: without it a collection
    /// could remove what was taken up between its two steps.
    taking: Mutex<()>,
    faults: Faults,
}

impl BlobStore {
    /// Opens (and where needed makes) the store below a data folder: `blobs/` and `tmp/`.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn open(data: &Path) -> Result<Self> {
        Self::open_with(data, Faults::default())
    }

    /// The same with faults on order, for tests.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(data: &Path, faults: Faults) -> Result<Self> {
        let folders = Folders {
            blobs: data.join("blobs"),
            temp: data.join("tmp"),
            durable: std::array::from_fn(|_| AtomicBool::new(false)),
            taking: Mutex::new(()),
            faults,
        };
        for folder in [&folders.blobs, &folders.temp] {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("making", folder, e))?;
        }
        durable::sync_folder(&folders.faults, data)?;
        Ok(Self(Arc::new(folders)))
    }

    /// The folder for temporary files, on the store's own file system.
    #[must_use]
    pub fn temp_dir(&self) -> &Path {
        &self.0.temp
    }

    /// Where a blob lies (or would lie).
    ///
    /// # Errors
    /// [`Error::NoDigest`] for anything but 64 hex digits: no other text ever becomes a path.
    pub fn path(&self, sha256: &str) -> Result<PathBuf> {
        if sha256.len() != 64
            || !sha256
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(Error::NoDigest(sha256.chars().take(80).collect()));
        }
        let (folder, name) = sha256.split_at(2);
        Ok(self.0.blobs.join(folder).join(name))
    }

    /// Where a blob lies, its folder being there and durable.
    pub(crate) fn prepared_path(&self, sha256: &str) -> Result<PathBuf> {
        let path = self.path(sha256)?;
        let known = sha256
            .get(..2)
            .and_then(|prefix| usize::from_str_radix(prefix, 16).ok())
            .and_then(|place| self.0.durable.get(place));
        if let Some(folder) = path.parent() {
            let made = !folder.is_dir();
            if made {
                std::fs::create_dir_all(folder).map_err(|e| Error::io("making", folder, e))?;
            }
            if made || known.is_none_or(|known| !known.load(Ordering::Acquire)) {
                durable::sync_folder(self.faults(), &self.0.blobs)?;
                if let Some(known) = known {
                    known.store(true, Ordering::Release);
                }
            }
        }
        Ok(path)
    }

    pub(crate) fn sync_folder_of(&self, path: &Path) -> Result<()> {
        path.parent()
            .map_or(Ok(()), |folder| durable::sync_folder(self.faults(), folder))
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn temp_file(&self) -> Result<NamedTempFile> {
        self.faults().step("make file")?;
        tempfile::Builder::new()
            .prefix("blob-")
            .tempfile_in(&self.0.temp)
            .map_err(|e| Error::io("making a file in", &self.0.temp, e))
    }

    /// Begins a blob.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn writer(&self) -> Result<BlobWriter> {
        BlobWriter::new(self.clone())
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// [`Error::NoDigest`], and what the disk says.
    pub fn exists(&self, sha256: &str) -> Result<bool> {
        let path = self.path(sha256)?;
        path.try_exists()
            .map_err(|e| Error::io("looking at", path, e))
    }

    /// Marks a blob that is there as taken up now, so that a collection takes it for young. Says whether it is there.
    pub(crate) fn take_up(&self, sha256: &str) -> Result<bool> {
        let path = self.path(sha256)?;
        let _taking = self.0.taking.lock().unwrap_or_else(PoisonError::into_inner);
        // Reading is enough for the owner to set times, and a hard link to a read-only file gives no more.
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Error::io("opening", path, e)),
        };
        // The age of a blob is its ctime: writing back the mtime it has renews that, and leaves the mtime of an
        // upstream's file alone where the blob is a hard link to it.
        let modified = file
            .metadata()
            .and_then(|data| data.modified())
            .map_err(|e| Error::io("looking at", &path, e))?;
        file.set_times(FileTimes::new().set_modified(modified))
            .map_err(|e| Error::io("touching", path, e))?;
        Ok(true)
    }

    /// Marks a blob as taken up now.
    ///
    /// # Errors
    /// When it is not there.
    pub fn touch(&self, sha256: &str) -> Result<()> {
        if self.take_up(sha256)? {
            return Ok(());
        }
        let path = self.path(sha256)?;
        Err(Error::io(
            "touching",
            path,
            std::io::ErrorKind::NotFound.into(),
        ))
    }

    /// Takes files with known SHA-256 into the store by renaming; syncs each file, and each folder once. A file whose
    /// bytes are shared with an upstream's (a hard link) keeps sharing them.
    ///
    /// # Errors
    /// What the disk says; files not taken yet stay where they are.
    pub fn adopt_many(&self, files: &[(PathBuf, String)]) -> Result<Vec<Stored>> {
        let mut stored = Vec::with_capacity(files.len());
        let mut folders = BTreeSet::new();
        for (path, sha256) in files {
            let file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
            let size = file
                .metadata()
                .map_err(|e| Error::io("looking at", path, e))?
                .len();
            if self.take_up(sha256)? {
                // It may be there by a try whose sync failed, so its folder is synced all the same.
                let target = self.prepared_path(sha256)?;
                folders.extend(target.parent().map(Path::to_owned));
                durable::remove(self.faults(), path)?;
            } else {
                durable::sync_file(self.faults(), &file, path)?;
                let target = self.prepared_path(sha256)?;
                durable::rename(self.faults(), path, &target)?;
                // rename() leaves both names when they are links to one file.
                if path.exists() {
                    durable::remove(self.faults(), path)?;
                }
                self.take_up(sha256)?;
                folders.extend(target.parent().map(Path::to_owned));
            }
            stored.push(Stored {
                sha256: sha256.clone(),
                size,
            });
        }
        for folder in folders {
            durable::sync_folder(self.faults(), &folder)?;
        }
        Ok(stored)
    }

    /// Copies a file into the store; the file stays where it is.
    ///
    /// # Errors
    /// What the disk says.
    pub fn adopt_copy(&self, path: &Path) -> Result<Stored> {
        let mut file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
        let mut writer = self.writer()?;
        std::io::copy(&mut file, &mut writer).map_err(|e| Error::io("copying", path, e))?;
        writer.finish(None)
    }

    /// Copies the blob of another store, in place of whatever lies under its name here.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the other store's file is not what its name says, and what the disk says; what lies
    /// here stays then.
    pub fn copy_over(&self, from: &Self, sha256: &str) -> Result<Stored> {
        let path = from.path(sha256)?;
        let mut file = File::open(&path).map_err(|e| Error::io("opening", &path, e))?;
        let mut writer = self.writer()?.over();
        std::io::copy(&mut file, &mut writer).map_err(|e| Error::io("copying", path, e))?;
        writer.finish(Some(sha256))
    }

    /// SHA-256 and size of any file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hash_file(&self, path: &Path) -> Result<(String, u64)> {
        let mut file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0_u64;
        loop {
            let read = file
                .read(&mut buffer)
                .map_err(|e| Error::io("reading", path, e))?;
            if read == 0 {
                return Ok((hex::encode(hasher.finalize()), size));
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
            size += read as u64;
        }
    }

    /// Whether a blob has the bytes that its name says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verify(&self, sha256: &str) -> Result<bool> {
        Ok(self.hash_file(&self.path(sha256)?)?.0 == sha256)
    }

    /// Removes a blob. Says whether it was there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn delete(&self, sha256: &str) -> Result<bool> {
        durable::remove(self.faults(), &self.path(sha256)?)
    }

    /// Whether a blob was last taken up before `cutoff_us`; one that is not there counts as old.
    ///
    /// # Errors
    /// What the disk says.
    pub fn is_older(&self, sha256: &str, cutoff_us: i64) -> Result<bool> {
        let path = self.path(sha256)?;
        match std::fs::metadata(&path) {
            Ok(data) => Ok(modified_us(&data) < cutoff_us),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(e) => Err(Error::io("looking at", path, e)),
        }
    }

    /// Removes a blob unless it was taken up at or after `cutoff_us`. Says whether it is gone.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove_if_older(&self, sha256: &str, cutoff_us: i64) -> Result<bool> {
        let path = self.path(sha256)?;
        let _taking = self.0.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_older(sha256, cutoff_us)? {
            return Ok(false);
        }
        durable::remove(self.faults(), &path)?;
        Ok(true)
    }

    /// All blobs, by name.
    ///
    /// # Errors
    /// What the disk says.
    pub fn list(&self) -> Result<Vec<ListedBlob>> {
        let mut list = Vec::new();
        for folder in read_dir(&self.0.blobs)? {
            let Some(prefix) = folder.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            for entry in read_dir(&folder.path())? {
                let Some(name) = entry
                    .file_name()
                    .to_str()
                    .map(|rest| format!("{prefix}{rest}"))
                else {
                    continue;
                };
                if self.path(&name).is_err() {
                    continue;
                }
                match entry.metadata() {
                    Ok(data) => list.push(ListedBlob {
                        sha256: name,
                        size: data.len(),
                        modified_us: modified_us(&data),
                    }),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => return Err(Error::io("looking at", entry.path(), e)),
                }
            }
        }
        list.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        Ok(list)
    }

    /// Removes temporary files not written since `cutoff_us`. Returns how many.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove_old_temp(&self, cutoff_us: i64) -> Result<u64> {
        let mut removed = 0;
        for entry in read_dir(&self.0.temp)? {
            let Ok(data) = entry.metadata() else { continue };
            if modified_us(&data) >= cutoff_us {
                continue;
            }
            if data.is_dir() {
                std::fs::remove_dir_all(entry.path())
                    .map_err(|e| Error::io("removing", entry.path(), e))?;
            } else {
                durable::remove(self.faults(), &entry.path())?;
            }
            removed += 1;
        }
        Ok(removed)
    }

    /// Room on the store's file system.
    ///
    /// # Errors
    /// What the system says.
    pub fn space(&self) -> Result<Space> {
        let data = rustix::fs::statvfs(&self.0.blobs)
            .map_err(|e| Error::io("looking at", &self.0.blobs, e.into()))?;
        Ok(Space {
            total: data.f_blocks.saturating_mul(data.f_frsize),
            free: data.f_bavail.saturating_mul(data.f_frsize),
        })
    }
}

fn read_dir(folder: &Path) -> Result<Vec<std::fs::DirEntry>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(e) => return Err(Error::io("listing", folder, e)),
    };
    entries
        .collect::<Result<_, _>>()
        .map_err(|e| Error::io("listing", folder, e))
}

fn modified_us(data: &std::fs::Metadata) -> i64 {
    data.ctime()
        .saturating_mul(1_000_000)
        .saturating_add(data.ctime_nsec() / 1_000)
}
