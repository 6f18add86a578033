//! The domain's handle: database, blobs, downloads, clock, and small caches.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use airlock_blob::BlobStore;
use airlock_db::Db;
use airlock_fetch::Fetcher;
use airlock_model::{Clock, Instant};

use crate::pack::{PackIndex, PackReader};
use crate::{Error, Result};

/// Settings of the content domain.
#[derive(Debug, Clone)]
pub struct ContentSettings {
    /// The data folder; scratch files go below it so that renames stay on one file system.
    pub data: PathBuf,
    /// Folders that channels created over the network may mirror from by `file://`.
    pub file_upstream_roots: Vec<PathBuf>,
    /// Folders that channels set over the network may name certificates, keys and authorities from.
    pub upstream_pem_roots: Vec<PathBuf>,
    /// Share of the file system that downloads leave free, in percent.
    pub min_free_percent: u8,
    /// Zone in which a bare date ends.
    pub zone: jiff::tz::TimeZone,
    /// Downloads of packages side by side.
    pub parallel_downloads: usize,
}

impl ContentSettings {
    /// Settings for a data folder, everything else by default.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            file_upstream_roots: Vec::new(),
            upstream_pem_roots: Vec::new(),
            min_free_percent: 5,
            zone: jiff::tz::TimeZone::UTC,
            parallel_downloads: 8,
        }
    }
}

/// The content domain. Cheap to clone.
#[derive(Clone)]
pub struct Content(Arc<Inner>);

struct Inner {
    db: Db,
    blobs: BlobStore,
    fetcher: Fetcher,
    fetcher_for_clients: Fetcher,
    clock: Arc<dyn Clock>,
    settings: ContentSettings,
    indexes: Mutex<HashMap<String, (Arc<PackIndex>, u64)>>,
    turn: std::sync::atomic::AtomicU64,
    pub(crate) versions: crate::resolve::VersionCache,
    pub(crate) fetching: crate::on_demand::Fetching,
    pools: crate::pools::Recent,
    last_plan: crate::clone::LastPlan,
    building: tokio::sync::Mutex<()>,
    collecting: tokio::sync::RwLock<()>,
    reading_plan: Arc<tokio::sync::Mutex<()>>,
}

/// Bytes of pack indexes kept between requests.
const INDEX_CACHE_BYTES: usize = 24 << 20;

impl Content {
    /// Opens the domain over its resources.
    #[must_use]
    pub fn new(
        db: Db,
        blobs: BlobStore,
        fetcher: Fetcher,
        clock: Arc<dyn Clock>,
        settings: ContentSettings,
    ) -> Self {
        Self(Arc::new(Inner {
            db,
            blobs,
            fetcher_for_clients: fetcher.for_clients(),
            fetcher,
            clock,
            settings,
            indexes: Mutex::default(),
            turn: std::sync::atomic::AtomicU64::new(0),
            versions: crate::resolve::VersionCache::default(),
            fetching: crate::on_demand::Fetching::default(),
            pools: crate::pools::Recent::default(),
            last_plan: crate::clone::LastPlan::default(),
            building: tokio::sync::Mutex::new(()),
            collecting: tokio::sync::RwLock::new(()),
            reading_plan: Arc::default(),
        }))
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The blob store.
    #[must_use]
    pub fn blobs(&self) -> &BlobStore {
        &self.0.blobs
    }

    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.0.fetcher
    }

    /// For downloads that a client waits for.
    pub(crate) fn fetcher_for_clients(&self) -> &Fetcher {
        &self.0.fetcher_for_clients
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ContentSettings {
        &self.0.settings
    }

    /// The present instant by the server's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn version_cache(&self) -> &crate::resolve::VersionCache {
        &self.0.versions
    }

    pub(crate) fn fetching(&self) -> &crate::on_demand::Fetching {
        &self.0.fetching
    }

    pub(crate) fn recent_pools(&self) -> &crate::pools::Recent {
        &self.0.pools
    }

    pub(crate) fn last_plan(&self) -> &crate::clone::LastPlan {
        &self.0.last_plan
    }

    /// Held while dropped metadata is made again, so that a hundred clients cause one rebuild.
    pub(crate) fn building(&self) -> &tokio::sync::Mutex<()> {
        &self.0.building
    }

    /// Held while package files are taken up together with their rows: looked up and touched, or adopted and
    /// remembered. Garbage collection judges, forgets and removes while nobody holds it, so that no row is forgotten
    /// of a file that stays.
    pub(crate) async fn taking_up(&self) -> tokio::sync::RwLockReadGuard<'_, ()> {
        self.0.collecting.read().await
    }

    /// The other side of [`Self::taking_up`].
    pub(crate) async fn collecting(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.0.collecting.write().await
    }

    /// Held while a clone's plan is read, which may take several times its bytes of memory. It goes along with the thread
    /// that reads, since that does not end when nobody waits for it any more.
    pub(crate) async fn reading_plan(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.0.reading_plan).lock_owned().await
    }

    /// The folder for temporary files, on the blob store's file system.
    pub(crate) fn scratch(&self) -> &Path {
        self.0.blobs.temp_dir()
    }

    /// The index of a pack, from the cache or the store.
    pub(crate) fn pack_index(&self, sha256: &str) -> Result<Arc<PackIndex>> {
        let turn = self
            .0
            .turn
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        {
            let mut cache = self
                .0
                .indexes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((index, last)) = cache.get_mut(sha256) {
                *last = turn;
                return Ok(Arc::clone(index));
            }
        }
        let index = Arc::clone(PackReader::open(&self.0.blobs.path(sha256)?)?.index());
        let mut cache = self
            .0
            .indexes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cache.insert(sha256.to_owned(), (Arc::clone(&index), turn));
        while cache
            .values()
            .map(|(index, _)| index.memory())
            .sum::<usize>()
            > INDEX_CACHE_BYTES
            && cache.len() > 1
        {
            let Some(oldest) = cache
                .iter()
                .min_by_key(|(_, (_, last))| *last)
                .map(|(key, _)| key.clone())
            else {
                break;
            };
            cache.remove(&oldest);
        }
        Ok(index)
    }

    /// Gives back the memory of caches; the server calls it when it has been idle. A plan stays for some minutes.
    pub fn trim_caches(&self) {
        self.0
            .indexes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.0.versions.clear();
        self.0.pools.clear();
        self.drop_stale_plan();
    }

    /// Runs work that computes or waits for the disk on a thread of its own.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let content = self.clone();
        tokio::task::spawn_blocking(move || work(&content))
            .await
            .unwrap_or_else(|_| Err(Error::worker_panicked(what)))
    }
}
