//! Channel versions, the current pointer and its history, publications.

use airlock_model::{
    Attachment, ChannelId, ChannelLabel, Instant, OrgId, TaskId, VersionInfo, VersionKind,
    VersionNumber,
};
use roaring::RoaringTreemap;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::{Db, Error, Result, Tx, sets};

/// A version to be inserted.
#[derive(Debug, Clone, Copy)]
pub struct NewVersionRow<'a> {
    /// The channel.
    pub channel: ChannelId,
    /// Its owner.
    pub org: OrgId,
    /// The number, from [`next_number`].
    pub number: VersionNumber,
    /// When it becomes current.
    pub instant: Instant,
    /// What made it.
    pub kind: VersionKind,
    /// A line about it.
    pub note: &'a str,
    /// The upstream's revision.
    pub upstream_revision: Option<&'a str>,
    /// Who made it.
    pub principal: &'a str,
    /// Why.
    pub cause: &'a str,
    /// The request.
    pub request_id: &'a str,
    /// The task.
    pub task: Option<TaskId>,
    /// Decides after a failed commit whether it happened.
    pub operation_id: &'a str,
    /// The plan that it was made by.
    pub plan_digest: Option<&'a str>,
    /// Digest of its content.
    pub content_digest: &'a str,
    /// Its records.
    pub records: &'a RoaringTreemap,
    /// Its erratum revisions.
    pub errata: &'a RoaringTreemap,
    /// Its files carried along.
    pub attachments: &'a [Attachment],
    /// Packages added against the version before.
    pub added: u64,
    /// Packages removed against the version before.
    pub removed: u64,
}

/// What a version holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContentRow {
    /// Its records.
    pub records: RoaringTreemap,
    /// Its erratum revisions.
    pub errata: RoaringTreemap,
    /// Its files carried along.
    pub attachments: Vec<Attachment>,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationRow {
    /// `own` or `verbatim`.
    pub mode: String,
    /// The encoder that made its files.
    pub encoder: String,
    /// `repomd.xml`.
    pub repomd: Vec<u8>,
    /// `repomd.xml.asc`.
    pub repomd_asc: Option<Vec<u8>>,
    /// Its file list, in the domain's form.
    pub files: String,
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The next number of a label; numbers of a deleted channel are never given out again.
pub async fn next_number(tx: &mut Tx, label: &ChannelLabel) -> Result<VersionNumber> {
    let row = sqlx::query(
        "INSERT INTO label_number (label, last_number) VALUES ($1, 1) ON CONFLICT (label) DO UPDATE SET last_number = label_number.last_number + 1 \
         RETURNING last_number",
    )
    .bind(label.as_str())
    .fetch_one(&mut *tx.inner)
    .await?;
    Ok(row.try_get(0)?)
}

/// Inserts a version. Its sets are stored as the difference to the nearest version that is stored whole.
pub async fn insert(tx: &mut Tx, row: &NewVersionRow<'_>) -> Result<()> {
    let base = sqlx::query(
        "SELECT number, record_set, erratum_set FROM version WHERE channel_id = $1 AND base_number IS NULL ORDER BY number DESC LIMIT 1",
    )
    .bind(row.channel.0)
    .fetch_optional(&mut *tx.inner)
    .await?;
    let mut stored = (None, sets::pack(row.records), sets::pack(row.errata));
    if let Some(base) = base {
        let number: i64 = base.try_get(0)?;
        if row.number - number < sets::WHOLE_EVERY {
            let records = sets::open(&base.try_get::<Vec<u8>, _>(1)?)? ^ row.records;
            let errata = sets::open(&base.try_get::<Vec<u8>, _>(2)?)? ^ row.errata;
            stored = (Some(number), sets::pack(&records), sets::pack(&errata));
        }
    }
    let (base_number, record_set, erratum_set) = stored;
    sqlx::query(
        "INSERT INTO version (channel_id, number, org_id, instant_us, kind, note, upstream_revision, principal, cause, request_id, task_id, \
         operation_id, plan_digest, content_digest, base_number, record_set, erratum_set, attachments, packages, errata, added, removed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind(row.channel.0)
    .bind(row.number)
    .bind(row.org.0)
    .bind(row.instant.0)
    .bind(row.kind.as_str())
    .bind(row.note)
    .bind(row.upstream_revision)
    .bind(row.principal)
    .bind(row.cause)
    .bind(row.request_id)
    .bind(row.task.map(|t| t.0))
    .bind(row.operation_id)
    .bind(row.plan_digest)
    .bind(row.content_digest)
    .bind(base_number)
    .bind(record_set)
    .bind(erratum_set)
    .bind(serde_json::to_string(row.attachments).unwrap_or_default())
    .bind(signed(row.records.len()))
    .bind(signed(row.errata.len()))
    .bind(signed(row.added))
    .bind(signed(row.removed))
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// What a version holds.
pub async fn content(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<ContentRow>> {
    let row = sqlx::query(
        "SELECT v.record_set, v.erratum_set, v.attachments, b.record_set, b.erratum_set, v.base_number FROM version v \
         LEFT JOIN version b ON b.channel_id = v.channel_id AND b.number = v.base_number WHERE v.channel_id = $1 AND v.number = $2",
    )
    .bind(channel.0)
    .bind(number)
    .fetch_optional(db.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut records = sets::open(&row.try_get::<Vec<u8>, _>(0)?)?;
    let mut errata = sets::open(&row.try_get::<Vec<u8>, _>(1)?)?;
    if row.try_get::<Option<i64>, _>(5)?.is_some() {
        let missing = || Error::bad("version", format!("{channel}@{number} without its base"));
        records ^= sets::open(&row.try_get::<Option<Vec<u8>>, _>(3)?.ok_or_else(missing)?)?;
        errata ^= sets::open(&row.try_get::<Option<Vec<u8>>, _>(4)?.ok_or_else(missing)?)?;
    }
    let attachments: String = row.try_get(2)?;
    Ok(Some(ContentRow {
        records,
        errata,
        attachments: serde_json::from_str(&attachments)
            .map_err(|e| Error::bad("attachment list", e))?,
    }))
}

/// All versions of a channel, oldest first. `current` and `held` are for the caller to fill in.
pub async fn list(db: &Db, channel: ChannelId) -> Result<Vec<VersionInfo>> {
    let rows = sqlx::query(
        "SELECT number, instant_us, kind, upstream_revision, principal, task_id, request_id, note, plan_digest, content_digest, packages, errata, \
         added, removed FROM version WHERE channel_id = $1 ORDER BY number",
    )
    .bind(channel.0)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(info).collect()
}

fn info(row: &AnyRow) -> Result<VersionInfo> {
    let kind: String = row.try_get(2)?;
    let number =
        |column: usize| -> Result<u64> { Ok(row.try_get::<i64, _>(column)?.unsigned_abs()) };
    Ok(VersionInfo {
        number: row.try_get(0)?,
        instant: Instant(row.try_get(1)?),
        kind: VersionKind::from_word(&kind).ok_or_else(|| Error::bad("version kind", kind))?,
        current: false,
        upstream_revision: row.try_get(3)?,
        principal: row.try_get(4)?,
        task: row.try_get(5)?,
        request_id: row.try_get(6)?,
        note: row.try_get(7)?,
        plan_digest: row.try_get(8)?,
        content_digest: row.try_get(9)?,
        packages: number(10)?,
        errata: number(11)?,
        added: number(12)?,
        removed: number(13)?,
        held: None,
    })
}

async fn one(
    db: &Db,
    text: &'static str,
    channel: ChannelId,
    number: Option<i64>,
) -> Result<Option<AnyRow>> {
    let mut query = sqlx::query(text).bind(channel.0);
    if let Some(number) = number {
        query = query.bind(number);
    }
    Ok(query.fetch_optional(db.reader()).await?)
}

/// Numbers of a channel's versions, rising.
pub async fn numbers(db: &Db, channel: ChannelId) -> Result<Vec<VersionNumber>> {
    let rows = sqlx::query("SELECT number FROM version WHERE channel_id = $1 ORDER BY number")
        .bind(channel.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// How many versions a channel has.
pub async fn count(db: &Db, channel: ChannelId) -> Result<u64> {
    Ok(numbers(db, channel).await?.len() as u64)
}

/// Digests of the plans that versions were made by.
pub async fn plan_digests(db: &Db) -> Result<Vec<String>> {
    let rows =
        sqlx::query("SELECT DISTINCT plan_digest FROM version WHERE plan_digest IS NOT NULL")
            .fetch_all(db.reader())
            .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The versions of a channel that were made by a plan, with its digest.
pub async fn planned(db: &Db, channel: ChannelId) -> Result<Vec<(VersionNumber, String)>> {
    let rows = sqlx::query(
        "SELECT number, plan_digest FROM version WHERE channel_id = $1 AND plan_digest IS NOT NULL ORDER BY number",
    )
    .bind(channel.0)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Whether a channel has a version.
pub async fn exists(db: &Db, channel: ChannelId, number: VersionNumber) -> Result<bool> {
    Ok(instant(db, channel, number).await?.is_some())
}

/// When a version became current.
pub async fn instant(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<Instant>> {
    let row = one(
        db,
        "SELECT instant_us FROM version WHERE channel_id = $1 AND number = $2",
        channel,
        Some(number),
    )
    .await?;
    Ok(row.map(|r| r.try_get(0).map(Instant)).transpose()?)
}

/// How a version came about.
pub async fn kind(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<VersionKind>> {
    Ok(origin(db, channel, number).await?.map(|(kind, _)| kind))
}

/// How a version came about, and the note about it for a person.
pub async fn origin(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<(VersionKind, String)>> {
    let row = one(
        db,
        "SELECT kind, note FROM version WHERE channel_id = $1 AND number = $2",
        channel,
        Some(number),
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind: String = row.try_get(0)?;
    match VersionKind::from_word(&kind) {
        Some(kind) => Ok(Some((kind, row.try_get(1)?))),
        None => Err(Error::bad("version kind", kind)),
    }
}

/// The newest version of a channel that came about in one way.
pub async fn last_of_kind(
    db: &Db,
    channel: ChannelId,
    kind: VersionKind,
) -> Result<Option<VersionNumber>> {
    let row = sqlx::query(
        "SELECT number FROM version WHERE channel_id = $1 AND kind = $2 ORDER BY number DESC LIMIT 1",
    )
    .bind(channel.0)
    .bind(kind.as_str())
    .fetch_optional(db.reader())
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Digest of a version's content.
pub async fn content_digest(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<String>> {
    let row = one(
        db,
        "SELECT content_digest FROM version WHERE channel_id = $1 AND number = $2",
        channel,
        Some(number),
    )
    .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// The version whose number is nearest to one that does not exist.
pub async fn nearest_number(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<(VersionNumber, Instant)>> {
    let row = sqlx::query("SELECT number, instant_us FROM version WHERE channel_id = $1 ORDER BY CASE WHEN number > $2 THEN number - $3 ELSE $4 - number END LIMIT 1")
        .bind(channel.0)
        .bind(number)
        .bind(number)
        .bind(number)
        .fetch_optional(db.reader())
        .await?;
    pair(row)
}

fn pair(row: Option<AnyRow>) -> Result<Option<(VersionNumber, Instant)>> {
    row.map(|r| Ok((r.try_get(0)?, Instant(r.try_get(1)?))))
        .transpose()
}

/// The version that was current at an instant.
pub async fn number_at(db: &Db, channel: ChannelId, at: Instant) -> Result<Option<VersionNumber>> {
    let row = one(
        db,
        "SELECT number FROM current_move WHERE channel_id = $1 AND instant_us <= $2 ORDER BY instant_us DESC, id DESC LIMIT 1",
        channel,
        Some(at.0),
    )
    .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// The first version that was current, and since when.
pub async fn first_move(db: &Db, channel: ChannelId) -> Result<Option<(VersionNumber, Instant)>> {
    pair(one(db, "SELECT number, instant_us FROM current_move WHERE channel_id = $1 ORDER BY instant_us, id LIMIT 1", channel, None).await?)
}

/// The version that the history ends at.
pub async fn last_move(db: &Db, channel: ChannelId) -> Result<Option<VersionNumber>> {
    let row = one(db, "SELECT number FROM current_move WHERE channel_id = $1 ORDER BY instant_us DESC, id DESC LIMIT 1", channel, None).await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// The versions that were current last and since when, newest first.
pub async fn recent_current(
    db: &Db,
    channel: ChannelId,
    most: usize,
) -> Result<Vec<(VersionNumber, Instant)>> {
    let rows = sqlx::query("SELECT number, instant_us FROM current_move WHERE channel_id = $1 ORDER BY instant_us DESC, id DESC LIMIT $2")
        .bind(channel.0)
        .bind(signed(most as u64))
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, Instant(row.try_get(1)?))))
        .collect()
}

/// The last instant of a channel's versions, seen from inside a change.
pub async fn last_instant(tx: &mut Tx, channel: ChannelId) -> Result<Option<Instant>> {
    let row = sqlx::query("SELECT MAX(instant_us) FROM version WHERE channel_id = $1")
        .bind(channel.0)
        .fetch_one(&mut *tx.inner)
        .await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.map(Instant))
}

/// Makes a version current and writes the move down.
pub async fn set_current(
    tx: &mut Tx,
    org: OrgId,
    channel: ChannelId,
    number: VersionNumber,
    instant: Instant,
    principal: &str,
    request_id: &str,
) -> Result<()> {
    sqlx::query("UPDATE channel SET current_number = $1 WHERE id = $2")
        .bind(number)
        .bind(channel.0)
        .execute(&mut *tx.inner)
        .await?;
    sqlx::query("INSERT INTO current_move (org_id, channel_id, number, instant_us, principal, request_id) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(org.0)
        .bind(channel.0)
        .bind(number)
        .bind(instant.0)
        .bind(principal)
        .bind(request_id)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// The version that an operation made in a channel: decides after a failed commit.
pub async fn by_operation(
    db: &Db,
    channel: ChannelId,
    operation_id: &str,
) -> Result<Option<VersionNumber>> {
    let row = sqlx::query("SELECT number FROM version WHERE operation_id = $1 AND channel_id = $2")
        .bind(operation_id)
        .bind(channel.0)
        .fetch_optional(db.reader())
        .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// Inserts a version's publication.
pub async fn insert_publication(
    tx: &mut Tx,
    org: OrgId,
    channel: ChannelId,
    number: VersionNumber,
    row: &PublicationRow,
) -> Result<()> {
    sqlx::query("INSERT INTO publication (channel_id, number, org_id, mode, encoder, repomd, repomd_asc, files) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(channel.0)
        .bind(number)
        .bind(org.0)
        .bind(&*row.mode)
        .bind(&*row.encoder)
        .bind(row.repomd.as_slice())
        .bind(row.repomd_asc.as_deref())
        .bind(&*row.files)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// A version's publication.
pub async fn publication(
    db: &Db,
    channel: ChannelId,
    number: VersionNumber,
) -> Result<Option<PublicationRow>> {
    let row = one(db, "SELECT mode, encoder, repomd, repomd_asc, files FROM publication WHERE channel_id = $1 AND number = $2", channel, Some(number)).await?;
    row.map(|r| {
        Ok(PublicationRow {
            mode: r.try_get(0)?,
            encoder: r.try_get(1)?,
            repomd: r.try_get(2)?,
            repomd_asc: r.try_get(3)?,
            files: r.try_get(4)?,
        })
    })
    .transpose()
}
