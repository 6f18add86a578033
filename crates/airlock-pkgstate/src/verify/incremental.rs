//! What was verified before, so that only what changed since is read again.
//!
//! A file whose inode, time of change (`ctime`), size and device are those of the last time, and whose package asks for
//! the same digest, has the content that was read then: the kernel sets `ctime` with every change of content, and no
//! program can set it back. Attributes are compared each time all the same.
//!
//! The file that remembers is bytes in little-endian order: magic, number of entries, entries of six 64-bit numbers
//! (hash of the path, device, inode, time of change in nanoseconds, size, hash of the digest), and a checksum. One that
//! does not fit is ignored: everything is read then.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use xxhash_rust::xxh3::xxh3_64;

use super::dependency::path_hash;
use super::{Error, Result};

const MAGIC: &[u8; 16] = b"airlock-verify 1";
const ENTRY: usize = 48;
/// A larger file is none of ours: room for twenty million files.
const LARGEST: u64 = 1 << 30;
/// A file that changed this short a time before it was read may change again within the same tick.
const FRESH: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    device: u64,
    inode: u64,
    changed: i64,
    size: u64,
    digest: u64,
}

/// What was verified before, and what is verified now.
#[derive(Debug)]
pub struct Known {
    before: HashMap<u64, Entry>,
    now: Mutex<Vec<(u64, Entry)>>,
    /// Nanoseconds since 1970; what changed later is not remembered.
    started: i64,
}

impl Known {
    /// Reads what was remembered; nothing when there is no such file, or it does not fit.
    pub fn load(path: &Path) -> Self {
        let fits = fs::metadata(path)
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
        let bytes = match fits {
            true => fs::read(path).unwrap_or_default(),
            false => Vec::new(),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            before: parse(&bytes).unwrap_or_default(),
            now: Mutex::new(Vec::new()),
            started: now.saturating_sub(FRESH).as_nanos() as i64,
        }
    }

    /// How many files were remembered.
    pub fn len(&self) -> usize {
        self.before.len()
    }

    /// True when nothing was remembered.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    pub(super) fn is_unchanged(&self, path: &[u8], digest: &[u8], status: &Stat) -> bool {
        let hash = path_hash(path);
        let entry = Entry::new(digest, status);
        if self.before.get(&hash) != Some(&entry) {
            return false;
        }
        self.keep(hash, entry);
        true
    }

    /// The file was read and is good.
    pub(super) fn remember(&self, path: &[u8], digest: &[u8], status: &Stat) {
        let entry = Entry::new(digest, status);
        if entry.changed < self.started {
            self.keep(path_hash(path), entry);
        }
    }

    fn keep(&self, hash: u64, entry: Entry) {
        if let Ok(mut now) = self.now.lock() {
            now.push((hash, entry));
        }
    }

    /// Forgets what this pass found, for a pass that begins anew.
    pub(super) fn restart(&self) {
        if let Ok(mut now) = self.now.lock() {
            now.clear();
        }
    }

    /// Writes down what is good now. `keep_others` keeps what was remembered of files that were not looked at.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn save(&self, path: &Path, keep_others: bool) -> Result<()> {
        let now = match self.now.lock() {
            Ok(now) => now.clone(),
            Err(_) => return Err(Error::Worker),
        };
        let mut entries: Vec<(u64, Entry)> = match keep_others {
            true => {
                let mut all = self.before.clone();
                all.extend(now);
                all.into_iter().collect()
            }
            false => now,
        };
        entries.sort_unstable_by_key(|(hash, _)| *hash);
        entries.dedup_by_key(|(hash, _)| *hash);
        let mut bytes = Vec::with_capacity(MAGIC.len() + 16 + entries.len() * ENTRY);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
        for (hash, entry) in entries {
            for number in [
                hash,
                entry.device,
                entry.inode,
                entry.changed as u64,
                entry.size,
                entry.digest,
            ] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        let sum = xxh3_64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        write(path, &bytes).map_err(|source| Error::State {
            path: path.to_owned(),
            source,
        })
    }
}

impl Entry {
    fn new(digest: &[u8], status: &Stat) -> Self {
        Self {
            device: status.st_dev,
            inode: status.st_ino,
            changed: status
                .st_ctime
                .saturating_mul(1_000_000_000)
                .saturating_add(status.st_ctime_nsec as i64),
            size: status.st_size as u64,
            digest: xxh3_64(digest),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<u64, Entry>> {
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    let rest = content.strip_prefix(MAGIC)?;
    if xxh3_64(content).to_le_bytes() != *sum {
        return None;
    }
    let (count, rest) = rest.split_at_checked(8)?;
    let count = u64::from_le_bytes(count.try_into().ok()?);
    if rest.len() as u64 != count.checked_mul(ENTRY as u64)? {
        return None;
    }
    let mut entries = HashMap::with_capacity(rest.len() / ENTRY);
    for entry in rest.chunks_exact(ENTRY) {
        let number = |at: usize| {
            entry
                .get(at * 8..at * 8 + 8)
                .and_then(|eight| eight.try_into().ok())
                .map_or(0, u64::from_le_bytes)
        };
        entries.insert(
            number(0),
            Entry {
                device: number(1),
                inode: number(2),
                changed: number(3) as i64,
                size: number(4),
                digest: number(5),
            },
        );
    }
    Some(entries)
}

/// Writes a whole file or none: under another name first, for the owner alone.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = Path::new(&name);
    let _ = fs::remove_file(temporary);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(temporary);
    }
    written
}
