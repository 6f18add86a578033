//! Packs and records.

use std::collections::HashMap;

use airlock_model::{Instant, OrgId, UpstreamId};
use roaring::RoaringTreemap;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::dialect::Dialect;
use crate::package_files::FileKey;
use crate::{Attempts, Db, Error, Result, Tx};

/// A pack to be inserted.
#[derive(Debug, Clone, Copy)]
pub struct NewPackRow<'a> {
    /// Its owner.
    pub org: OrgId,
    /// The source; none for own, verified records.
    pub upstream: Option<UpstreamId>,
    /// Id of its first record.
    pub first_record: u64,
    /// Records in it.
    pub records: u64,
    /// SHA-256 of its blob.
    pub sha256: &'a str,
    /// Bytes of its blob.
    pub size: u64,
    /// When it was made.
    pub created: Instant,
}

/// A pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRow {
    /// The source; none for own records.
    pub upstream: Option<UpstreamId>,
    /// Id of its first record.
    pub first_record: u64,
    /// Records in it.
    pub records: u64,
    /// SHA-256 of its blob.
    pub sha256: String,
}

/// A record to be inserted.
#[derive(Debug, Clone, Copy)]
pub struct RecordRow<'a> {
    /// Its id, out of a reserved run.
    pub id: u64,
    /// Its owner.
    pub org: OrgId,
    /// The source; none for own records.
    pub upstream: Option<UpstreamId>,
    /// Checksum type of the package.
    pub checksum_type: &'a str,
    /// Checksum of the package.
    pub checksum: &'a str,
    /// Name.
    pub name: &'a str,
    /// Epoch.
    pub epoch: u64,
    /// Version.
    pub version: &'a str,
    /// Release.
    pub release: &'a str,
    /// Architecture.
    pub arch: &'a str,
    /// Bytes of the package.
    pub size: u64,
    /// Served file name.
    pub file_name: &'a str,
    /// Location at the source.
    pub href: Option<&'a str>,
    /// Build time in seconds since 1970.
    pub build_time: i64,
}

/// A record that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRecord {
    /// Its id.
    pub id: u64,
    /// The source; none for own records.
    pub upstream: Option<UpstreamId>,
    /// Checksum type.
    pub checksum_type: String,
    /// Checksum.
    pub checksum: String,
    /// Name.
    pub name: String,
    /// Epoch.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// Bytes.
    pub size: u64,
    /// Served file name.
    pub file_name: String,
    /// Location at the source.
    pub href: Option<String>,
}

impl FoundRecord {
    /// `name-[epoch:]version-release.arch`; the epoch only when it is not 0.
    #[must_use]
    pub fn nevra(&self) -> String {
        if self.epoch == 0 {
            format!(
                "{}-{}-{}.{}",
                self.name, self.version, self.release, self.arch
            )
        } else {
            self.nevra_with_epoch()
        }
    }

    /// `name-epoch:version-release.arch`.
    #[must_use]
    pub fn nevra_with_epoch(&self) -> String {
        format!(
            "{}-{}:{}-{}.{}",
            self.name, self.epoch, self.version, self.release, self.arch
        )
    }
}

fn narrow(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::bad("number", number))
}

fn widen(row: &AnyRow, column: usize) -> Result<u64> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| Error::bad("number", value))
}

/// Reserves a run of record ids; returns the first.
pub async fn reserve(tx: &mut Tx, count: usize) -> Result<u64> {
    let count = narrow(count as u64)?;
    let row = sqlx::query(
        "INSERT INTO server_setting (name, value) VALUES ('last_record', CAST($1 AS TEXT)) ON CONFLICT (name) DO UPDATE SET \
         value = CAST(CAST(server_setting.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT) RETURNING CAST(value AS BIGINT)",
    )
    .bind(count)
    .fetch_one(&mut *tx.inner)
    .await?;
    Ok(widen(&row, 0)? + 1 - count.unsigned_abs())
}

/// Inserts a pack.
pub async fn insert_pack(tx: &mut Tx, pack: &NewPackRow<'_>) -> Result<()> {
    sqlx::query("INSERT INTO pack (org_id, upstream_id, first_record, records, sha256, size, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(pack.org.0)
        .bind(pack.upstream.map(|u| u.0))
        .bind(narrow(pack.first_record)?)
        .bind(narrow(pack.records)?)
        .bind(pack.sha256)
        .bind(narrow(pack.size)?)
        .bind(pack.created.0)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Inserts records in mass.
pub async fn insert_records(tx: &mut Tx, rows: &[RecordRow<'_>]) -> Result<()> {
    const COLUMNS: usize = 14;
    for group in rows.chunks(Dialect::rows_at_once(COLUMNS).min(500)) {
        let text = format!(
            "INSERT INTO record (id, org_id, upstream_id, checksum_type, checksum, name, epoch, version, release, arch, size, file_name, href, \
             build_time) VALUES {}",
            tx.dialect.values(group.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for row in group {
            query = query
                .bind(narrow(row.id)?)
                .bind(row.org.0)
                .bind(row.upstream.map(|u| u.0))
                .bind(row.checksum_type)
                .bind(row.checksum)
                .bind(row.name)
                .bind(narrow(row.epoch)?)
                .bind(row.version)
                .bind(row.release)
                .bind(row.arch)
                .bind(narrow(row.size)?)
                .bind(row.file_name)
                .bind(row.href)
                .bind(row.build_time);
        }
        query.execute(&mut *tx.inner).await?;
    }
    Ok(())
}

fn pack(row: &AnyRow) -> Result<PackRow> {
    Ok(PackRow {
        upstream: row.try_get::<Option<i64>, _>(0)?.map(UpstreamId),
        first_record: widen(row, 1)?,
        records: widen(row, 2)?,
        sha256: row.try_get(3)?,
    })
}

const PACK: &str = "SELECT upstream_id, first_record, records, sha256 FROM pack";

/// The packs that hold records of a set, in record order.
pub async fn packs_covering(db: &Db, records: &RoaringTreemap) -> Result<Vec<PackRow>> {
    let (Some(first), Some(last)) = (records.min(), records.max()) else {
        return Ok(Vec::new());
    };
    let text = format!(
        "{PACK} WHERE first_record <= $1 AND first_record + records > $2 ORDER BY first_record"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(narrow(last)?)
        .bind(narrow(first)?)
        .fetch_all(db.reader())
        .await?;
    let mut packs = Vec::new();
    for row in &rows {
        let pack = pack(row)?;
        if records.range_cardinality(pack.first_record..pack.first_record + pack.records) > 0 {
            packs.push(pack);
        }
    }
    Ok(packs)
}

/// Whether every record of a set has a pack, seen from inside a change.
pub async fn all_exist(tx: &mut Tx, records: &RoaringTreemap) -> Result<bool> {
    let (Some(first), Some(last)) = (records.min(), records.max()) else {
        return Ok(true);
    };
    let text = format!("{PACK} WHERE first_record <= $1 AND first_record + records > $2");
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(narrow(last)?)
        .bind(narrow(first)?)
        .fetch_all(&mut *tx.inner)
        .await?;
    let mut found = 0;
    for row in &rows {
        let pack = pack(row)?;
        found += records.range_cardinality(pack.first_record..pack.first_record + pack.records);
    }
    Ok(found == records.len())
}

/// An upstream's packs, oldest first.
pub async fn packs_of_upstream(db: &Db, org: OrgId, upstream: UpstreamId) -> Result<Vec<PackRow>> {
    let text = format!("{PACK} WHERE org_id = $1 AND upstream_id = $2 ORDER BY first_record");
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(upstream.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(pack).collect()
}

/// All packs.
pub async fn all_packs(db: &Db) -> Result<Vec<PackRow>> {
    let rows = sqlx::query(AssertSqlSafe(format!("{PACK} ORDER BY first_record")))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(pack).collect()
}

/// Runs (first id, length) of an organization's own records.
pub async fn own_packs(db: &Db, org: OrgId) -> Result<Vec<(u64, u64)>> {
    let rows = sqlx::query("SELECT first_record, records FROM pack WHERE org_id = $1 AND upstream_id IS NULL ORDER BY first_record")
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok((widen(row, 0)?, widen(row, 1)?)))
        .collect()
}

/// Forgets packs by the SHA-256 of their blobs, with their records.
pub async fn forget_packs(db: &Db, sha256s: &[&str]) -> Result<()> {
    let mut attempts = Attempts::default();
    loop {
        match try_forget_packs(db, sha256s).await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}

async fn try_forget_packs(db: &Db, sha256s: &[&str]) -> Result<()> {
    let mut tx = db.begin().await?;
    for sha256 in sha256s {
        let rows = sqlx::query("SELECT first_record, records FROM pack WHERE sha256 = $1")
            .bind(*sha256)
            .fetch_all(&mut *tx.inner)
            .await?;
        for row in &rows {
            let (first, count): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            sqlx::query("DELETE FROM record WHERE id >= $1 AND id < $2")
                .bind(first)
                .bind(first + count)
                .execute(&mut *tx.inner)
                .await?;
        }
        if !rows.is_empty() {
            sqlx::query("DELETE FROM pack WHERE sha256 = $1")
                .bind(*sha256)
                .execute(&mut *tx.inner)
                .await?;
        }
    }
    tx.commit().await
}

const FOUND: &str = "SELECT id, upstream_id, checksum_type, checksum, name, epoch, version, release, arch, size, file_name, href FROM record";

fn found(row: &AnyRow) -> Result<FoundRecord> {
    Ok(FoundRecord {
        id: widen(row, 0)?,
        upstream: row.try_get::<Option<i64>, _>(1)?.map(UpstreamId),
        checksum_type: row.try_get(2)?,
        checksum: row.try_get(3)?,
        name: row.try_get(4)?,
        epoch: widen(row, 5)?,
        version: row.try_get(6)?,
        release: row.try_get(7)?,
        arch: row.try_get(8)?,
        size: widen(row, 9)?,
        file_name: row.try_get(10)?,
        href: row.try_get(11)?,
    })
}

/// Records of a file name.
pub async fn by_file_name(db: &Db, org: OrgId, file_name: &str) -> Result<Vec<FoundRecord>> {
    let text = format!("{FOUND} WHERE file_name = $1 AND org_id = $2 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(file_name)
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(found).collect()
}

/// Records of one package that an upstream of a living channel describes, newest first: where its file can be had.
pub async fn sources_of(db: &Db, org: OrgId, key: &FileKey) -> Result<Vec<FoundRecord>> {
    let text = format!(
        "{FOUND} WHERE checksum = $1 AND checksum_type = $2 AND org_id = $3 AND href IS NOT NULL \
         AND upstream_id IN (SELECT id FROM channel_upstream) ORDER BY id DESC"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(key.1.as_str())
        .bind(key.0.as_str())
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(found).collect()
}

/// Records of a package name.
pub async fn by_name(db: &Db, org: OrgId, name: &str) -> Result<Vec<FoundRecord>> {
    let text = format!("{FOUND} WHERE name = $1 AND org_id = $2 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(name)
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(found).collect()
}

/// Other records of the packages of a set, each with the record of the set: what other sources, or the same one earlier,
/// said of the same file.
pub async fn same_packages(db: &Db, org: OrgId, set: &RoaringTreemap) -> Result<Vec<(u64, u64)>> {
    let ids: Vec<u64> = set.iter().collect();
    let mut found = Vec::new();
    for group in ids.chunks(2_000) {
        let list: Vec<String> = group.iter().map(ToString::to_string).collect();
        let text = format!(
            "SELECT other.id, asked.id FROM record asked JOIN record other ON other.checksum = asked.checksum \
             AND other.checksum_type = asked.checksum_type AND other.org_id = asked.org_id AND other.id <> asked.id \
             WHERE asked.org_id = {} AND asked.id IN ({})",
            org.0,
            list.join(",")
        );
        let rows = sqlx::query(AssertSqlSafe(text))
            .persistent(false)
            .fetch_all(db.reader())
            .await?;
        for row in &rows {
            found.push((widen(row, 0)?, widen(row, 1)?));
        }
    }
    Ok(found)
}

/// The upstream of a record; none for own records and unknown ids.
pub async fn upstream_of(db: &Db, record: u64) -> Result<Option<UpstreamId>> {
    let row = sqlx::query("SELECT upstream_id FROM record WHERE id = $1")
        .bind(narrow(record)?)
        .fetch_optional(db.reader())
        .await?;
    Ok(row
        .map(|r| r.try_get::<Option<i64>, _>(0))
        .transpose()?
        .flatten()
        .map(UpstreamId))
}

/// Own records of packages, by checksum.
pub async fn own_by_checksum(
    db: &Db,
    org: OrgId,
    keys: impl Iterator<Item = FileKey>,
) -> Result<HashMap<FileKey, u64>> {
    let keys: std::collections::HashSet<FileKey> = keys.collect();
    let list: Vec<&FileKey> = keys.iter().collect();
    let mut own = HashMap::new();
    for group in list.chunks(500) {
        let text = format!(
            "SELECT id, checksum_type, checksum FROM record WHERE checksum IN {} AND upstream_id IS NULL AND org_id = {}",
            db.dialect().values(1, group.len()),
            org.0
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (_, checksum) in group {
            query = query.bind(checksum.as_str());
        }
        for row in query.fetch_all(db.reader()).await? {
            let key: FileKey = (row.try_get(1)?, row.try_get(2)?);
            if keys.contains(&key) {
                own.insert(key, widen(&row, 0)?);
            }
        }
    }
    Ok(own)
}
