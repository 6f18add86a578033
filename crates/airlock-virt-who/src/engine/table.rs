//! The table between sources and destinations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::backend::Changes;
use crate::inventory::{Digest, Inventory};

/// What the table has of a source.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// What it has; `None` until it was read whole.
    pub inventory: Option<Arc<Inventory>>,
    /// Goes up with each change.
    pub revision: u64,
    /// How often it was asked for everything.
    pub full_reads: u64,
    /// The digest of the last full read.
    pub whole: Option<Digest>,
    /// Why it cannot be read at present.
    pub error: Option<String>,
}

/// All sources.
#[derive(Debug)]
pub struct Table {
    sources: Mutex<BTreeMap<String, Health>>,
    changed: watch::Sender<u64>,
    /// Sources whose reports are held back: they are read whole each interval.
    doubted: Mutex<BTreeMap<String, usize>>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            sources: Mutex::new(BTreeMap::new()),
            changed: watch::Sender::new(0),
            doubted: Mutex::new(BTreeMap::new()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Table {
    /// Hears of changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// A source that will be read.
    pub fn expect(&self, source: &str) {
        locked(&self.sources).entry(source.to_owned()).or_default();
    }

    /// A source that is gone.
    pub fn remove(&self, source: &str) {
        locked(&self.sources).remove(source);
        locked(&self.doubted).remove(source);
        self.tell();
    }

    /// What there is of a source.
    #[must_use]
    pub fn health(&self, source: &str) -> Health {
        locked(&self.sources)
            .get(source)
            .cloned()
            .unwrap_or_default()
    }

    /// It was read whole; `anew` when the source was asked for everything.
    pub fn put(&self, source: &str, inventory: Inventory, anew: bool) {
        let whole = inventory.whole();
        {
            let mut sources = locked(&self.sources);
            let health = sources.entry(source.to_owned()).or_default();
            if health.whole != Some(whole) || health.inventory.is_none() {
                health.revision += 1;
            }
            health.full_reads += u64::from(anew);
            health.whole = Some(whole);
            health.error = None;
            health.inventory = Some(Arc::new(inventory));
        }
        self.tell();
    }

    /// Changes that a watch heard of, after the filter. False when they cannot be put in, so that the source has to be read
    /// whole.
    #[must_use]
    pub fn change(
        &self,
        source: &str,
        changes: Changes,
        kept: impl Fn(&crate::model::Hypervisor) -> bool,
    ) -> bool {
        {
            let mut sources = locked(&self.sources);
            let Some(health) = sources.get_mut(source) else {
                return false;
            };
            let Some(inventory) = &mut health.inventory else {
                return false;
            };
            // Also when the changes break off half way: the whole read that follows is another revision then.
            health.whole = None;
            // Copied only when a destination is reading it at this moment.
            let inventory = Arc::make_mut(inventory);
            for id in &changes.removed {
                if !inventory.remove(id) {
                    return false;
                }
            }
            for host in changes.changed {
                let done = if kept(&host) {
                    inventory.replace(host)
                } else {
                    inventory.remove(&host.id)
                };
                if !done {
                    return false;
                }
            }
            health.revision += 1;
            health.error = None;
        }
        self.tell();
        true
    }

    /// It cannot be read.
    pub fn fail(&self, source: &str, error: &str) {
        locked(&self.sources)
            .entry(source.to_owned())
            .or_default()
            .error = Some(error.to_owned());
        self.tell();
    }

    /// A destination holds the source's report back, or no longer.
    pub fn doubt(&self, source: &str, on: bool) {
        let mut doubted = locked(&self.doubted);
        let count = doubted.entry(source.to_owned()).or_default();
        *count = if on {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
    }

    /// Whether somebody holds the source's report back.
    #[must_use]
    pub fn doubted(&self, source: &str) -> bool {
        locked(&self.doubted)
            .get(source)
            .is_some_and(|&count| count > 0)
    }
}
