//! Pools as files in `DATA/cache/pools`, the least used ones removed. Nothing here can fail: a file that cannot be
//! written, read or understood means that the pool is made again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use airlock_solve::Pool;
use sha2::Digest as _;

use super::Source;
use crate::{Content, Error, Result};

/// Bytes of all kept pools.
const MOST_BYTES: u64 = 512 << 20;
/// A file that is being written for longer was left behind by a process that died.
const LONGEST_WRITE: Duration = Duration::from_secs(3_600);
/// The end of a kept pool's name.
const ENDING: &str = ".pool";

/// Digest of everything that a pool is made of: the release, since another one may read metadata otherwise, and each
/// part's label, packs and records.
pub(super) fn key(sources: &[Source]) -> Result<String> {
    let mut hasher = sha2::Sha256::new();
    hasher.update(concat!("airlock ", env!("CARGO_PKG_VERSION"), "\n"));
    for Source { part, packs } in sources {
        hasher.update((part.label.len() as u64).to_le_bytes());
        hasher.update(&part.label);
        hasher.update((packs.len() as u64).to_le_bytes());
        for pack in packs {
            // Ids alone would not do: a restored database gives them out again.
            hasher.update(&pack.sha256);
            hasher.update(pack.first_record.to_le_bytes());
        }
        let mut records = Vec::with_capacity(part.records.serialized_size());
        part.records
            .serialize_into(&mut records)
            .map_err(|error| Error::io("writing down which records a pool holds", error))?;
        hasher.update((records.len() as u64).to_le_bytes());
        hasher.update(&records);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// The folder of kept pools.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(content: &Content) -> Self {
        Self(content.settings().data.join("cache/pools"))
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(format!("{key}{ENDING}"))
    }

    /// A kept pool and its bytes as stored.
    pub(super) fn read(&self, key: &str) -> Option<(Pool, usize)> {
        let path = self.path(key);
        let bytes = std::fs::read(&path).ok()?;
        match Pool::read(&bytes) {
            Ok(pool) => {
                // When it was used last decides how long it is kept.
                if let Ok(file) = std::fs::File::options().append(true).open(&path) {
                    let _ = file.set_modified(SystemTime::now());
                }
                Some((pool, bytes.len()))
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a kept pool is damaged; it is made again");
                let _ = std::fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps a pool, if there is room.
    pub(super) fn write(&self, content: &Content, key: &str, bytes: &[u8]) {
        if bytes.len() as u64 > MOST_BYTES {
            return;
        }
        let written = content
            .check_space("a pool", bytes.len() as u64)
            .and_then(|()| {
                self.try_write(key, bytes)
                    .map_err(|error| Error::io(self.0.display().to_string(), error))
            });
        if let Err(error) = written {
            tracing::debug!(%error, "a pool is not kept");
        }
    }

    fn try_write(&self, key: &str, bytes: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        // The new one counts, too, so that there is never more than the bound.
        self.remove_least_used(bytes.len() as u64);
        // Visible only when whole; not synced, since its digest tells what a crash left of it.
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(bytes)?;
        file.persist(self.path(key))?;
        Ok(())
    }

    fn remove_least_used(&self, need: u64) {
        let mut list = list(&self.0);
        list.sort_by_key(|file| file.used);
        let mut total: u64 = need + list.iter().map(|file| file.size).sum::<u64>();
        let now = SystemTime::now();
        for file in list {
            let left_behind = !file.whole
                && now
                    .duration_since(file.used)
                    .is_ok_and(|age| age > LONGEST_WRITE);
            if left_behind || (file.whole && total > MOST_BYTES) {
                total -= file.size;
                let _ = std::fs::remove_file(&file.path);
            }
        }
    }
}

/// A file of the folder.
struct Kept {
    path: PathBuf,
    size: u64,
    used: SystemTime,
    /// False for one that is being written, or was left behind.
    whole: bool,
}

fn list(folder: &Path) -> Vec<Kept> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some(Kept {
                path: entry.path(),
                size: metadata.len(),
                used: metadata.modified().ok()?,
                whole: entry.file_name().to_string_lossy().ends_with(ENDING),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_pools_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Folder(folder.path().to_owned());
        let age = |name: &str, size: u64, seconds: u64| {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_len(size).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(seconds))
                .unwrap();
        };
        age("old.pool", 300 << 20, 9_000);
        age("new.pool", 200 << 20, 10);
        age(".tmpold", 1, 9_000);
        age(".tmpnew", 1, 10);
        let names = || {
            let mut names: Vec<String> = list(folder.path())
                .iter()
                .map(|file| {
                    file.path
                        .file_name()
                        .unwrap()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect();
            names.sort();
            names
        };
        kept.remove_least_used(1 << 20);
        assert_eq!(names(), [".tmpnew", "new.pool", "old.pool"]);
        kept.try_write("key", &vec![0; 100 << 20]).unwrap();
        assert_eq!(names(), [".tmpnew", "key.pool", "new.pool"]);
        // No pool: made again, and out of the way.
        assert!(kept.read("key").is_none());
        assert_eq!(names(), [".tmpnew", "new.pool"]);
    }
}
