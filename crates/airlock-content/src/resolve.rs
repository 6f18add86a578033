//! From `LABEL`, `LABEL@7`, `LABEL@2026-06-01` to a version.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use airlock_model::{
    Access, Channel, ChannelLabel, Instant, OrgId, VersionNumber, VersionSelector,
};
use roaring::RoaringTreemap;

use crate::publication::PublishedFiles;
use crate::{Content, Error, Result};

/// A version that a client reads.
#[derive(Debug, Clone)]
pub struct ResolvedVersion {
    /// The channel.
    pub channel: Arc<Channel>,
    /// The version.
    pub number: VersionNumber,
    /// Whether the URL names this version for ever (by number, or by an instant that is past).
    pub pinned: bool,
    /// Its published files.
    pub published: Arc<PublishedVersion>,
}

impl ResolvedVersion {
    /// Who may download it.
    #[must_use]
    pub fn access(&self) -> Access {
        self.channel.access
    }

    /// Its owner.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.channel.org
    }

    /// Its channel's label.
    #[must_use]
    pub fn label(&self) -> &ChannelLabel {
        &self.channel.label
    }
}

/// What is kept in memory of a version that clients read.
#[derive(Debug)]
pub struct PublishedVersion {
    /// `own` or `verbatim`.
    pub mode: String,
    /// `repomd.xml`.
    pub repomd: bytes::Bytes,
    /// `repomd.xml.asc`.
    pub repomd_asc: Option<bytes::Bytes>,
    /// Its files.
    pub files: PublishedFiles,
    /// Its records.
    pub records: RoaringTreemap,
    /// When it became current.
    pub instant: Instant,
    /// The encoder of its files.
    pub encoder: String,
    /// The signature of a version that was made before its channel signed, once somebody asked for it: signing takes
    /// milliseconds, and anybody may ask.
    pub(crate) later_asc: tokio::sync::OnceCell<bytes::Bytes>,
}

/// Versions and channels read lately.
#[derive(Debug, Default)]
pub(crate) struct VersionCache {
    versions: Mutex<HashMap<(i64, VersionNumber), Arc<PublishedVersion>>>,
    channels: Mutex<HashMap<String, (u64, Arc<Channel>)>>,
    generation: std::sync::atomic::AtomicU64,
}

/// Versions kept; a version of 60,000 packages takes some ten kilobytes.
const VERSIONS_KEPT: usize = 256;

impl VersionCache {
    pub(crate) fn clear(&self) {
        self.generation
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// Splits `LABEL[@WHAT]`.
#[must_use]
pub fn split_label(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((label, what)) => (label, Some(what)),
        None => (text, None),
    }
}

impl Content {
    /// Finds the version that `LABEL`, `LABEL@N` or `LABEL@INSTANT` means, over all organizations: who may read it is
    /// for the face to check by [`ResolvedVersion::access`] and [`ResolvedVersion::org`].
    ///
    /// # Errors
    /// Kind `NotFound` for unknown channels and versions and for instants in the future, `Invalid` for nonsense.
    pub async fn resolve(&self, text: &str) -> Result<ResolvedVersion> {
        let (label, what) = split_label(text);
        let selector = match what {
            None => VersionSelector::Current,
            Some(what) => VersionSelector::parse(what, &self.settings().zone)?,
        };
        let channel = self.served_channel(label).await?;
        let now = self.now();
        let pinned = match selector {
            VersionSelector::Current => false,
            VersionSelector::Number(_) => true,
            VersionSelector::At(at) => at < now,
            VersionSelector::EndOf { end, .. } => end <= now,
        };
        let number = self.version_number(&channel, selector).await?;
        let published = self.published(&channel, number).await?;
        Ok(ResolvedVersion {
            channel,
            number,
            pinned,
            published,
        })
    }

    /// A living channel of any organization, from the cache when nothing was changed since.
    async fn served_channel(&self, label: &str) -> Result<Arc<Channel>> {
        let cache = self.version_cache();
        let generation = cache.generation.load(std::sync::atomic::Ordering::SeqCst);
        if let Some((made, channel)) = cache
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(label)
            && *made == generation
            && self.db().is_exclusive()
        {
            return Ok(Arc::clone(channel));
        }
        let label = ChannelLabel::new(label).map_err(|_| Error::no_channel(&label))?;
        let channel = airlock_db::channels::find_live(self.db(), &label)
            .await?
            .ok_or_else(|| Error::no_channel(&label))?;
        let channel = Arc::new(channel);
        cache
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(label.to_string(), (generation, Arc::clone(&channel)));
        Ok(channel)
    }

    /// What is published of a version.
    pub(crate) async fn published(
        &self,
        channel: &Channel,
        number: VersionNumber,
    ) -> Result<Arc<PublishedVersion>> {
        let cache = self.version_cache();
        let key = (channel.id.0, number);
        if let Some(version) = cache
            .versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(version));
        }
        let missing = || Error::damaged(format!("{}@{number} has no publication", channel.label));
        let row = airlock_db::versions::publication(self.db(), channel.id, number)
            .await?
            .ok_or_else(missing)?;
        let content = airlock_db::versions::content(self.db(), channel.id, number)
            .await?
            .ok_or_else(missing)?;
        let instant = airlock_db::versions::instant(self.db(), channel.id, number)
            .await?
            .ok_or_else(missing)?;
        let version = Arc::new(PublishedVersion {
            mode: row.mode,
            repomd: row.repomd.into(),
            repomd_asc: row.repomd_asc.map(Into::into),
            files: PublishedFiles::read(&row.files)?,
            records: content.records,
            instant,
            encoder: row.encoder,
            later_asc: tokio::sync::OnceCell::new(),
        });
        let mut versions = cache
            .versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if versions.len() >= VERSIONS_KEPT {
            // Any one: who asks for what never was must not empty it.
            let one = versions.keys().next().cloned();
            one.and_then(|one| versions.remove(&one));
        }
        versions.insert(key, Arc::clone(&version));
        Ok(version)
    }
}
