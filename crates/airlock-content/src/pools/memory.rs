//! The pools used last, in memory until the server is idle.

use std::sync::{Arc, Mutex, PoisonError};

use airlock_model::Attachment;

use super::LoadedPool;

/// Pools kept.
const MOST: usize = 2;
/// A second pool is kept only while both are no larger than this, in bytes as stored.
const MOST_BYTES: usize = 96 << 20;

/// A pool under its name, with its bytes as stored.
type Entry = (String, Arc<LoadedPool>, usize);

/// Pools used lately, the last one at the end.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Vec<Entry>>);

impl Recent {
    /// A pool that is still there.
    pub(super) fn find(&self, name: &str) -> Option<Arc<LoadedPool>> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = list.iter().position(|entry| entry.0 == name)?;
        let entry = list.remove(place);
        let found = Arc::clone(&entry.1);
        list.push(entry);
        Some(found)
    }

    pub(super) fn add(&self, name: String, pool: Arc<LoadedPool>, size: usize) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|entry| entry.0 != name);
        list.push((name, pool, size));
        let bytes = |list: &[Entry]| list.iter().map(|entry| entry.2).sum::<usize>();
        while list.len() > 1 && (list.len() > MOST || bytes(&list) > MOST_BYTES) {
            list.remove(0);
        }
    }

    /// Gives the memory back; who uses a pool keeps it.
    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// What a pool is found by here: its module documents belong to it, beside its packages.
pub(super) fn name(key: &str, attachments: &[&Attachment]) -> String {
    let mut name = key.to_owned();
    for attachment in attachments {
        name.push(' ');
        name.push_str(&attachment.sha256);
    }
    name
}
