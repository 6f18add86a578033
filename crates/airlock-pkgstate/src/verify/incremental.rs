//! What was verified before, so that only what changed since is read again.
//!
//! A file whose inode, time of change (`ctime`), size and device are those of the last time, and whose package asks for
//! the same digest and capabilities, has the content and the capabilities that were read then: the kernel sets `ctime`
//! with every change of either, and no program can set it back. All else is compared each time.
//!
//! The file that remembers is bytes in little-endian order: magic, number of entries, entries of six 64-bit numbers
//! (hash of the path, device, inode, time of change in nanoseconds, size, hash of what the package asks for), and a checksum. One that
//! does not fit is ignored: everything is read then.

use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasherDefault;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::dependency::{AsIs, path_hash};
use super::{Error, Result};

const MAGIC: &[u8; 16] = b"airlock-verify 1";
const ENTRY: usize = 48;
/// A larger file is none of ours: room for twenty million files.
const LARGEST: u64 = 1 << 30;
/// A file that changed this short a time before it was read may change again within the same tick.
const FRESH: Duration = Duration::from_secs(2);

/// What a package asks of a file: digest and capabilities, as in the header.
pub(super) type Asked<'a> = (&'a [u8], &'a [u8]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    device: u64,
    inode: u64,
    changed: i64,
    size: u64,
    asked: u64,
}

/// Entries by hash of the path.
type Entries = HashMap<u64, Entry, BuildHasherDefault<AsIs>>;

#[derive(Debug, Default)]
struct Now {
    entries: Vec<(u64, Entry)>,
    /// Those of them that are as before.
    unchanged: usize,
}

/// What was verified before, and what is verified now.
#[derive(Debug)]
pub struct Known {
    before: Entries,
    now: Mutex<Now>,
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
            now: Mutex::new(Now::default()),
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

    /// True for a file that was good and did not change since. `asked` is what its package asks for.
    pub(super) fn is_unchanged(&self, path: &[u8], asked: Asked<'_>, status: &Stat) -> bool {
        let hash = path_hash(path);
        let entry = Entry::new(asked, status);
        if self.before.get(&hash) != Some(&entry) {
            return false;
        }
        if let Ok(mut now) = self.now.lock() {
            now.entries.push((hash, entry));
            now.unchanged += 1;
        }
        true
    }

    /// The file was read and is good.
    pub(super) fn remember(&self, path: &[u8], asked: Asked<'_>, status: &Stat) {
        let entry = Entry::new(asked, status);
        if entry.changed < self.started
            && let Ok(mut now) = self.now.lock()
        {
            now.entries.push((path_hash(path), entry));
        }
    }

    /// Forgets what this pass found, for a pass that begins anew.
    pub(super) fn restart(&self) {
        if let Ok(mut now) = self.now.lock() {
            *now = Now::default();
        }
    }

    /// Writes down what is good now. `keep_others` keeps what was remembered of files that were not looked at.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn save(&self, path: &Path, keep_others: bool) -> Result<()> {
        let mut now = self.now.lock().map_err(|_| Error::Worker)?;
        let mut entries = std::mem::take(&mut now.entries);
        // Files of several packages are counted once for each.
        let new = entries.len() - now.unchanged;
        drop(now);
        if keep_others {
            entries.extend(self.before.iter().map(|(hash, entry)| (*hash, *entry)));
        }
        entries.sort_unstable_by_key(|(hash, _)| *hash);
        entries.dedup_by_key(|(hash, _)| *hash);
        if new == 0 && entries.len() == self.before.len() {
            return Ok(());
        }
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
                entry.asked,
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
    fn new((digest, capabilities): Asked<'_>, status: &Stat) -> Self {
        Self {
            device: status.st_dev,
            inode: status.st_ino,
            changed: status
                .st_ctime
                .saturating_mul(1_000_000_000)
                .saturating_add(status.st_ctime_nsec as i64),
            size: status.st_size as u64,
            asked: xxh3_64_with_seed(digest, xxh3_64(capabilities)),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Entries> {
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
    let mut entries = Entries::with_capacity_and_hasher(rest.len() / ENTRY, Default::default());
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
                asked: number(5),
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
