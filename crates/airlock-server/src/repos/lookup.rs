//! What was looked up in the last second: versions by their name, files by their path, callers by their token.
//!
//! One process answers thousands of requests a second for a handful of files; the database is asked once a second for
//! each. A change made through this process is seen at once (`forget`), one made by another replica within a second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use airlock_content::ResolvedVersion;

use super::answer::Ready;
use crate::principal::Caller;

const LIFE: Duration = Duration::from_secs(1);
/// Files remembered (each holds an open file).
const MOST_FILES: usize = 256;
const MOST_VERSIONS: usize = 1_024;
const MOST_CALLERS: usize = 1_024;

/// The memory.
#[derive(Debug, Default)]
pub struct Lookup {
    generation: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    born: Option<Instant>,
    generation: u64,
    files: usize,
    versions: HashMap<String, Entry>,
    callers: HashMap<String, Option<Arc<Caller>>>,
}

#[derive(Debug)]
struct Entry {
    version: Arc<ResolvedVersion>,
    files: HashMap<String, Ready>,
}

/// When a look-up began; what it found is dropped if something changed meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Began(u64);

impl Lookup {
    /// Forgets everything. Called after every change made through this process.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Call before asking the database.
    #[must_use]
    pub fn begin(&self) -> Began {
        Began(self.generation.load(Ordering::SeqCst))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        let generation = self.generation.load(Ordering::SeqCst);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation || known.born.is_none_or(|born| born.elapsed() > LIFE) {
            *known = Known {
                born: Some(Instant::now()),
                generation,
                ..Known::default()
            };
        }
        work(&mut known)
    }

    /// The version of that name.
    #[must_use]
    pub fn version(&self, label_at: &str) -> Option<Arc<ResolvedVersion>> {
        self.with(|known| {
            known
                .versions
                .get(label_at)
                .map(|entry| Arc::clone(&entry.version))
        })
    }

    /// Remembers a version.
    pub fn keep_version(&self, began: Began, label_at: &str, version: &Arc<ResolvedVersion>) {
        self.with(|known| {
            if known.generation == began.0 && known.versions.len() < MOST_VERSIONS {
                let entry = Entry {
                    version: Arc::clone(version),
                    files: HashMap::new(),
                };
                known.versions.insert(label_at.to_owned(), entry);
            }
        });
    }

    /// The file of that version.
    #[must_use]
    pub fn file(&self, label_at: &str, path: &str) -> Option<Ready> {
        self.with(|known| known.versions.get(label_at)?.files.get(path).cloned())
    }

    /// Remembers a file.
    pub fn keep_file(&self, began: Began, label_at: &str, path: &str, file: &Ready) {
        self.with(|known| {
            if known.generation != began.0 || known.files >= MOST_FILES {
                return;
            }
            if let Some(entry) = known.versions.get_mut(label_at) {
                entry.files.insert(path.to_owned(), file.clone());
                known.files += 1;
            }
        });
    }

    /// The caller behind a token's hash: none when it was not looked up, an inner none when nobody has it.
    #[must_use]
    pub fn caller(&self, hash: &str) -> Option<Option<Arc<Caller>>> {
        self.with(|known| known.callers.get(hash).cloned())
    }

    /// Remembers who has a token.
    pub fn keep_caller(&self, began: Began, hash: &str, caller: Option<&Arc<Caller>>) {
        self.with(|known| {
            if known.generation == began.0 && known.callers.len() < MOST_CALLERS {
                known.callers.insert(hash.to_owned(), caller.cloned());
            }
        });
    }
}
