//! Channels with their upstreams and keys.

use airlock_model::{
    Access, Channel, ChannelId, ChannelLabel, ChannelUpstream, Compression, Gate, Instant,
    MetadataMode, OrgId, PackageFilter, Policy, SignaturePolicy, UpstreamId, UpstreamSettings,
};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{Db, Error, Result, Tx};

/// The settings of a channel as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelWrite {
    /// Name for people.
    pub name: String,
    /// One line about it.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Architecture, or empty.
    pub arch: String,
    /// Checksum type of metadata.
    pub checksum: String,
    /// Base channel.
    pub parent: Option<ChannelId>,
    /// The channel that it is a clone of; once it has content, that stays.
    pub cloned_from: Option<ChannelId>,
    /// What keeps a version with broken packages from being published.
    pub gate: Gate,
    /// When package files are brought here.
    pub policy: Policy,
    /// What happens on bad signatures; none for the default.
    pub signatures: Option<SignaturePolicy>,
    /// Who may download.
    pub access: Access,
    /// Whose metadata is served.
    pub metadata: MetadataMode,
    /// Compression of own metadata.
    pub compression: Compression,
    /// Whether own metadata is signed.
    pub sign_metadata: bool,
    /// What is taken of upstreams.
    pub filter: PackageFilter,
    /// When it syncs by itself.
    pub schedule: Option<String>,
    /// When that comes due next.
    pub next_sync: Option<Instant>,
}

/// An upstream as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWrite {
    /// URL.
    pub url: String,
    /// How it is reached, secrets included; `***` stands for the stored one (see [`replace_upstreams`]).
    pub settings: UpstreamSettings,
}

/// A key as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWrite {
    /// Fingerprint in hex.
    pub fingerprint: String,
    /// Armored public key.
    pub armored: String,
}

/// What the last good sync left of an upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamState {
    /// SHA-256 of `repomd.xml`.
    pub last_repomd_sha256: Option<String>,
    /// Digest of the channel settings that the sync was made under.
    pub last_settings_digest: Option<String>,
    /// Revision text.
    pub last_revision: Option<String>,
    /// Newest timestamp in `repomd.xml`.
    pub last_timestamp: Option<i64>,
    /// `ETag` of `repomd.xml`.
    pub last_etag: Option<String>,
    /// `Last-Modified` of `repomd.xml`.
    pub last_modified: Option<String>,
    /// When.
    pub last_synced: Option<Instant>,
}

const MASK: &str = "***";

const COLUMNS: &str = "c.id, c.org_id, c.label, c.name, c.summary, c.arch, c.checksum, p.label, c.policy, c.signatures, c.access, \
     c.metadata, c.compression, c.sign_metadata, c.filter, c.schedule, c.next_sync_us, c.current_number, c.created_us, \
     c.deleted_us, v.packages, v.errata, c.description, c.gate, o.label";
const FROM: &str = "FROM channel c LEFT JOIN channel p ON p.id = c.parent_id LEFT JOIN channel o ON o.id = c.cloned_from_id \
     LEFT JOIN version v ON v.channel_id = c.id AND v.number = c.current_number";

fn word<T: std::str::FromStr>(what: &'static str, text: String) -> Result<T> {
    text.parse().map_err(|_| Error::bad(what, text))
}

fn label(text: String) -> Result<ChannelLabel> {
    ChannelLabel::new(text).map_err(|e| Error::bad("channel label", e))
}

fn count(row: &AnyRow, column: usize) -> Result<u64> {
    let value: Option<i64> = row.try_get(column)?;
    Ok(value.and_then(|v| u64::try_from(v).ok()).unwrap_or(0))
}

fn channel(row: &AnyRow) -> Result<Channel> {
    let signatures: Option<String> = row.try_get(9)?;
    let filter: String = row.try_get(14)?;
    let parent: Option<String> = row.try_get(7)?;
    let cloned_from: Option<String> = row.try_get(24)?;
    Ok(Channel {
        id: ChannelId(row.try_get(0)?),
        org: OrgId(row.try_get(1)?),
        label: label(row.try_get(2)?)?,
        name: row.try_get(3)?,
        summary: row.try_get(4)?,
        description: row.try_get(22)?,
        arch: row.try_get(5)?,
        checksum: row.try_get(6)?,
        parent: parent.map(label).transpose()?,
        cloned_from: cloned_from.map(label).transpose()?,
        gate: word("gate", row.try_get(23)?)?,
        upstreams: Vec::new(),
        policy: word("policy", row.try_get(8)?)?,
        signatures: signatures
            .map(|s| word("signature policy", s))
            .transpose()?,
        access: word("access", row.try_get(10)?)?,
        metadata: word("metadata mode", row.try_get(11)?)?,
        compression: word("compression", row.try_get(12)?)?,
        sign_metadata: row.try_get::<i64, _>(13)? != 0,
        filter: serde_json::from_str(&filter).map_err(|e| Error::bad("package filter", e))?,
        keys: Vec::new(),
        schedule: row.try_get(15)?,
        next_sync: row.try_get::<Option<i64>, _>(16)?.map(Instant),
        last_sync: None,
        current: row.try_get(17)?,
        created: Instant(row.try_get(18)?),
        deleted: row.try_get::<Option<i64>, _>(19)?.map(Instant),
        packages: count(row, 20)?,
        errata: count(row, 21)?,
    })
}

/// A proxy's URL without its user and password.
fn masked(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        None => proxy.to_owned(),
        Some((before, host)) => {
            let scheme = before.find("://").map_or(0, |at| at + 3);
            format!("{}{MASK}@{host}", &before[..scheme])
        }
    }
}

/// Puts stored secrets in the place of `***`. Says no for an upstream that is reached in another way than the one they
/// were stored for: whoever may set it must not learn them by sending them elsewhere.
fn keep_secrets(settings: &mut UpstreamSettings, old: Option<&UpstreamSettings>) -> bool {
    let is_mask = |secret: &Option<String>| secret.as_deref() == Some(MASK);
    let proxy_masked = settings.proxy.as_deref().is_some_and(|proxy| {
        proxy
            .rsplit_once('@')
            .is_some_and(|(before, _)| before.ends_with(MASK))
    });
    if !is_mask(&settings.password) && !is_mask(&settings.token) && !proxy_masked {
        return true;
    }
    let Some(old) = old else {
        return false;
    };
    let shown = old.proxy.as_deref().map(masked);
    if (settings.proxy != old.proxy && settings.proxy != shown)
        || settings.ca != old.ca
        || settings.insecure != old.insecure
    {
        return false;
    }
    settings.proxy.clone_from(&old.proxy);
    if is_mask(&settings.password) {
        settings.password.clone_from(&old.password);
    }
    if is_mask(&settings.token) {
        settings.token.clone_from(&old.token);
    }
    true
}

fn upstream(row: &AnyRow, secrets: bool) -> Result<ChannelUpstream> {
    let text: String = row.try_get(2)?;
    let mut settings: UpstreamSettings =
        serde_json::from_str(&text).map_err(|e| Error::bad("upstream settings", e))?;
    if !secrets {
        for secret in [&mut settings.password, &mut settings.token] {
            if secret.is_some() {
                *secret = Some(MASK.to_owned());
            }
        }
        settings.proxy = settings.proxy.as_deref().map(masked);
    }
    Ok(ChannelUpstream {
        id: UpstreamId(row.try_get(0)?),
        url: row.try_get(1)?,
        settings,
        last_revision: row.try_get(3)?,
        last_synced: row.try_get::<Option<i64>, _>(4)?.map(Instant),
    })
}

async fn complete(db: &Db, mut channel: Channel) -> Result<Channel> {
    let rows = sqlx::query("SELECT id, url, settings, last_revision, last_synced_us FROM channel_upstream WHERE channel_id = $1 ORDER BY position")
        .bind(channel.id.0)
        .fetch_all(db.reader())
        .await?;
    channel.upstreams = rows
        .iter()
        .map(|row| upstream(row, false))
        .collect::<Result<_>>()?;
    let rows =
        sqlx::query("SELECT fingerprint FROM channel_key WHERE channel_id = $1 ORDER BY position")
            .bind(channel.id.0)
            .fetch_all(db.reader())
            .await?;
    channel.keys = rows
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<_>>()?;
    Ok(channel)
}

async fn select(db: &Db, condition: &str, binds: Vec<Bind>) -> Result<Vec<Channel>> {
    let text = format!("SELECT {COLUMNS} {FROM} WHERE {condition}");
    let mut query = sqlx::query(AssertSqlSafe(text));
    for bind in binds {
        query = match bind {
            Bind::Text(text) => query.bind(text),
            Bind::Number(number) => query.bind(number),
        };
    }
    let mut list = Vec::new();
    for row in query.fetch_all(db.reader()).await? {
        list.push(complete(db, channel(&row)?).await?);
    }
    // Ordered here: a PostgreSQL database may order texts by a language.
    list.sort_by(|a, b| (a.label.as_str(), a.id.0).cmp(&(b.label.as_str(), b.id.0)));
    Ok(list)
}

enum Bind {
    Text(String),
    Number(i64),
}

/// The living channel of a label, whatever its organization.
pub async fn find_live(db: &Db, label: &ChannelLabel) -> Result<Option<Channel>> {
    Ok(
        select(db, "c.live_label = $1", vec![Bind::Text(label.to_string())])
            .await?
            .pop(),
    )
}

/// A channel by id, living or deleted.
pub async fn find_by_id(db: &Db, id: ChannelId) -> Result<Option<Channel>> {
    Ok(select(db, "c.id = $1", vec![Bind::Number(id.0)])
        .await?
        .pop())
}

/// The living channels of an organization, by label.
pub async fn list(db: &Db, org: OrgId) -> Result<Vec<Channel>> {
    select(
        db,
        "c.org_id = $1 AND c.deleted_us IS NULL",
        vec![Bind::Number(org.0)],
    )
    .await
}

/// All living channels, by label.
pub async fn all(db: &Db) -> Result<Vec<Channel>> {
    select(db, "c.deleted_us IS NULL", Vec::new()).await
}

/// The living channels whose schedule came due.
pub async fn due(db: &Db, now: Instant) -> Result<Vec<Channel>> {
    select(
        db,
        "c.deleted_us IS NULL AND c.next_sync_us <= $1",
        vec![Bind::Number(now.0)],
    )
    .await
}

/// Sets when a channel's schedule comes due next.
pub async fn set_next_sync(tx: &mut Tx, id: ChannelId, next: Option<Instant>) -> Result<()> {
    sqlx::query("UPDATE channel SET next_sync_us = $1 WHERE id = $2")
        .bind(next.map(|n| n.0))
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Ids of all channels, deleted ones that can still come back included.
pub async fn all_ids(db: &Db) -> Result<Vec<ChannelId>> {
    let rows = sqlx::query("SELECT id FROM channel ORDER BY id")
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok(ChannelId(row.try_get(0)?)))
        .collect()
}

/// Ids of all upstreams.
pub async fn all_upstream_ids(db: &Db) -> Result<Vec<UpstreamId>> {
    let rows = sqlx::query("SELECT id FROM channel_upstream")
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok(UpstreamId(row.try_get(0)?)))
        .collect()
}

async fn labels(db: &Db, text: &'static str, id: ChannelId) -> Result<Vec<ChannelLabel>> {
    let rows = sqlx::query(text).bind(id.0).fetch_all(db.reader()).await?;
    let mut list: Vec<ChannelLabel> = rows
        .iter()
        .map(|row| label(row.try_get(0)?))
        .collect::<Result<_>>()?;
    list.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    Ok(list)
}

/// Labels of a channel's living children.
pub async fn children(db: &Db, id: ChannelId) -> Result<Vec<ChannelLabel>> {
    labels(
        db,
        "SELECT label FROM channel WHERE parent_id = $1 AND deleted_us IS NULL",
        id,
    )
    .await
}

/// Labels of a channel's living clones.
pub async fn clones(db: &Db, id: ChannelId) -> Result<Vec<ChannelLabel>> {
    labels(
        db,
        "SELECT label FROM channel WHERE cloned_from_id = $1 AND deleted_us IS NULL",
        id,
    )
    .await
}

/// Inserts a channel; none when a living one has the label.
pub async fn insert(
    tx: &mut Tx,
    org: OrgId,
    label: &ChannelLabel,
    write: &ChannelWrite,
    now: Instant,
) -> Result<Option<ChannelId>> {
    let row = sqlx::query(
        "INSERT INTO channel (org_id, label, name, summary, arch, checksum, parent_id, policy, signatures, access, metadata, compression, \
         sign_metadata, filter, schedule, next_sync_us, created_us, live_label, description, gate, cloned_from_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) ON CONFLICT (live_label) DO NOTHING RETURNING id",
    )
    .bind(org.0)
    .bind(label.as_str())
    .bind(&*write.name)
    .bind(&*write.summary)
    .bind(&*write.arch)
    .bind(&*write.checksum)
    .bind(write.parent.map(|p| p.0))
    .bind(write.policy.as_str())
    .bind(write.signatures.map(SignaturePolicy::as_str))
    .bind(write.access.as_str())
    .bind(write.metadata.as_str())
    .bind(write.compression.as_str())
    .bind(i64::from(write.sign_metadata))
    .bind(json(&write.filter))
    .bind(write.schedule.as_deref())
    .bind(write.next_sync.map(|n| n.0))
    .bind(now.0)
    .bind(label.as_str())
    .bind(&*write.description)
    .bind(write.gate.as_str())
    .bind(write.cloned_from.map(|c| c.0))
    .fetch_optional(&mut *tx.inner)
    .await?;
    Ok(row.map(|r| r.try_get(0).map(ChannelId)).transpose()?)
}

/// Says what a channel that got its first content is a clone of.
pub async fn set_cloned_from(tx: &mut Tx, id: ChannelId, source: ChannelId) -> Result<()> {
    sqlx::query("UPDATE channel SET cloned_from_id = $1 WHERE id = $2")
        .bind(source.0)
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Writes a channel's settings.
pub async fn update(tx: &mut Tx, id: ChannelId, write: &ChannelWrite) -> Result<()> {
    sqlx::query(
        "UPDATE channel SET name = $1, summary = $2, arch = $3, checksum = $4, parent_id = $5, policy = $6, signatures = $7, access = $8, \
         metadata = $9, compression = $10, sign_metadata = $11, filter = $12, schedule = $13, next_sync_us = $14, description = $15, gate = $16 WHERE id = $17",
    )
    .bind(&*write.name)
    .bind(&*write.summary)
    .bind(&*write.arch)
    .bind(&*write.checksum)
    .bind(write.parent.map(|p| p.0))
    .bind(write.policy.as_str())
    .bind(write.signatures.map(SignaturePolicy::as_str))
    .bind(write.access.as_str())
    .bind(write.metadata.as_str())
    .bind(write.compression.as_str())
    .bind(i64::from(write.sign_metadata))
    .bind(json(&write.filter))
    .bind(write.schedule.as_deref())
    .bind(write.next_sync.map(|n| n.0))
    .bind(&*write.description)
    .bind(write.gate.as_str())
    .bind(id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// JSON of a plain struct, which always has one.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Replaces a channel's upstreams; one whose URL stays keeps its id and with it its memory. A secret given as `***` is the
/// stored one while URL, proxy, CA and `insecure` stay; otherwise the URL comes back, and nothing must be committed.
pub async fn replace_upstreams(
    tx: &mut Tx,
    org: OrgId,
    channel: ChannelId,
    list: &[UpstreamWrite],
) -> Result<Option<String>> {
    let rows = sqlx::query(
        "SELECT id, url, settings FROM channel_upstream WHERE channel_id = $1 ORDER BY position",
    )
    .bind(channel.0)
    .fetch_all(&mut *tx.inner)
    .await?;
    let mut present: Vec<(i64, String, UpstreamSettings)> = Vec::new();
    for row in &rows {
        let text: String = row.try_get(2)?;
        present.push((
            row.try_get(0)?,
            row.try_get(1)?,
            serde_json::from_str(&text).unwrap_or_default(),
        ));
    }
    for (position, wish) in (0_i64..).zip(list) {
        let mut settings = wish.settings.clone();
        let old = present
            .iter()
            .position(|(_, url, _)| *url == wish.url)
            .map(|place| present.remove(place));
        if !keep_secrets(&mut settings, old.as_ref().map(|(_, _, old)| old)) {
            return Ok(Some(wish.url.clone()));
        }
        match old {
            Some((id, _, _)) => {
                sqlx::query(
                    "UPDATE channel_upstream SET position = $1, settings = $2 WHERE id = $3",
                )
                .bind(position)
                .bind(json(&settings))
                .bind(id)
                .execute(&mut *tx.inner)
                .await?;
            }
            None => {
                sqlx::query("INSERT INTO channel_upstream (org_id, channel_id, position, url, settings) VALUES ($1, $2, $3, $4, $5)")
                    .bind(org.0)
                    .bind(channel.0)
                    .bind(position)
                    .bind(&*wish.url)
                    .bind(json(&settings))
                    .execute(&mut *tx.inner)
                    .await?;
            }
        }
    }
    for (id, _, _) in present {
        sqlx::query("DELETE FROM channel_upstream WHERE id = $1")
            .bind(id)
            .execute(&mut *tx.inner)
            .await?;
    }
    Ok(None)
}

/// Replaces a channel's keys.
pub async fn replace_keys(
    tx: &mut Tx,
    org: OrgId,
    channel: ChannelId,
    list: &[KeyWrite],
) -> Result<()> {
    sqlx::query("DELETE FROM channel_key WHERE channel_id = $1")
        .bind(channel.0)
        .execute(&mut *tx.inner)
        .await?;
    for (position, key) in (0_i64..).zip(list) {
        sqlx::query("INSERT INTO channel_key (org_id, channel_id, position, fingerprint, armored) VALUES ($1, $2, $3, $4, $5)")
            .bind(org.0)
            .bind(channel.0)
            .bind(position)
            .bind(&*key.fingerprint)
            .bind(&*key.armored)
            .execute(&mut *tx.inner)
            .await?;
    }
    Ok(())
}

/// A channel's armored keys.
pub async fn keys(db: &Db, channel: ChannelId) -> Result<Vec<String>> {
    let rows =
        sqlx::query("SELECT armored FROM channel_key WHERE channel_id = $1 ORDER BY position")
            .bind(channel.0)
            .fetch_all(db.reader())
            .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// What the last syncs left of a channel's upstreams.
pub async fn upstream_states(
    db: &Db,
    channel: ChannelId,
) -> Result<Vec<(UpstreamId, UpstreamState)>> {
    let rows = sqlx::query(
        "SELECT id, last_repomd_sha256, last_settings_digest, last_revision, last_timestamp, last_etag, last_modified, last_synced_us \
         FROM channel_upstream WHERE channel_id = $1 ORDER BY position",
    )
    .bind(channel.0)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| {
            let state = UpstreamState {
                last_repomd_sha256: row.try_get(1)?,
                last_settings_digest: row.try_get(2)?,
                last_revision: row.try_get(3)?,
                last_timestamp: row.try_get(4)?,
                last_etag: row.try_get(5)?,
                last_modified: row.try_get(6)?,
                last_synced: row.try_get::<Option<i64>, _>(7)?.map(Instant),
            };
            Ok((UpstreamId(row.try_get(0)?), state))
        })
        .collect()
}

/// Writes what a good sync leaves.
pub async fn set_upstream_state(tx: &mut Tx, id: UpstreamId, state: &UpstreamState) -> Result<()> {
    sqlx::query(
        "UPDATE channel_upstream SET last_repomd_sha256 = $1, last_settings_digest = $2, last_revision = $3, last_timestamp = $4, \
         last_etag = $5, last_modified = $6, last_synced_us = $7 WHERE id = $8",
    )
    .bind(state.last_repomd_sha256.as_deref())
    .bind(state.last_settings_digest.as_deref())
    .bind(state.last_revision.as_deref())
    .bind(state.last_timestamp)
    .bind(state.last_etag.as_deref())
    .bind(state.last_modified.as_deref())
    .bind(state.last_synced.map(|i| i.0))
    .bind(id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// An upstream with its secrets, for reaching it; none when it was removed from its channel.
pub async fn upstream_with_secrets(db: &Db, id: UpstreamId) -> Result<Option<ChannelUpstream>> {
    let row = sqlx::query("SELECT id, url, settings, last_revision, last_synced_us FROM channel_upstream WHERE id = $1").bind(id.0).fetch_optional(db.reader()).await?;
    row.map(|row| upstream(&row, true)).transpose()
}

/// The number of a channel's current version, read (and on PostgreSQL locked) inside a change.
pub async fn current_number(tx: &mut Tx, id: ChannelId) -> Result<Option<i64>> {
    let text = format!(
        "SELECT current_number FROM channel WHERE id = $1 AND deleted_us IS NULL{}",
        tx.dialect.for_update()
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(id.0)
        .fetch_one(&mut *tx.inner)
        .await?;
    Ok(row.try_get(0)?)
}

/// Marks a channel deleted; its label is free from now on.
pub async fn mark_deleted(tx: &mut Tx, id: ChannelId, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE channel SET deleted_us = $1, live_label = NULL, next_sync_us = NULL WHERE id = $2",
    )
    .bind(now.0)
    .bind(id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// The channels of a label that were deleted, not before `since`; that which was deleted last first.
pub async fn deleted(
    tx: &mut Tx,
    org: OrgId,
    label: &ChannelLabel,
    since: Instant,
) -> Result<Vec<ChannelId>> {
    let rows = sqlx::query("SELECT id FROM channel WHERE org_id = $1 AND label = $2 AND deleted_us >= $3 ORDER BY deleted_us DESC, id DESC")
        .bind(org.0)
        .bind(label.as_str())
        .bind(since.0)
        .fetch_all(&mut *tx.inner)
        .await?;
    rows.iter()
        .map(|row| Ok(ChannelId(row.try_get(0)?)))
        .collect()
}

/// The parent of a channel, deleted or not, when that parent is deleted.
pub async fn deleted_parent(tx: &mut Tx, id: ChannelId) -> Result<Option<String>> {
    let row = sqlx::query("SELECT p.label FROM channel c JOIN channel p ON p.id = c.parent_id WHERE c.id = $1 AND p.deleted_us IS NOT NULL")
        .bind(id.0)
        .fetch_optional(&mut *tx.inner)
        .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// Takes a deletion back; `next_sync` is when its schedule comes due again.
pub async fn undelete(
    tx: &mut Tx,
    id: ChannelId,
    label: &ChannelLabel,
    next_sync: Option<Instant>,
) -> Result<()> {
    sqlx::query(
        "UPDATE channel SET deleted_us = NULL, live_label = $1, next_sync_us = $2 WHERE id = $3",
    )
    .bind(label.as_str())
    .bind(next_sync.map(|at| at.0))
    .bind(id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// Removes channels deleted before an instant for good, with their versions. Returns how many.
pub async fn purge_deleted(db: &Db, before: Instant) -> Result<u64> {
    let mut tx = db.begin().await?;
    let rows = sqlx::query("SELECT id FROM channel WHERE deleted_us < $1")
        .bind(before.0)
        .fetch_all(&mut *tx.inner)
        .await?;
    for row in &rows {
        let id: i64 = row.try_get(0)?;
        for text in [
            "DELETE FROM publication WHERE channel_id = $1",
            "DELETE FROM current_move WHERE channel_id = $1",
            "DELETE FROM version WHERE channel_id = $1",
            "DELETE FROM channel_upstream WHERE channel_id = $1",
            "DELETE FROM channel_key WHERE channel_id = $1",
            "UPDATE channel SET parent_id = NULL WHERE parent_id = $1",
            "UPDATE channel SET cloned_from_id = NULL WHERE cloned_from_id = $1",
            "DELETE FROM channel WHERE id = $1",
        ] {
            sqlx::query(text).bind(id).execute(&mut *tx.inner).await?;
        }
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}
