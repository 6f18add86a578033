//! Files seen here: which blob has the checksum that a source gives a package.

use std::collections::{BTreeMap, HashMap, HashSet};

use airlock_model::{Instant, OrgId};
use sqlx::{AssertSqlSafe, Row as _};

use crate::dialect::Dialect;
use crate::{Attempts, Db, Result};

/// Checksum type and checksum of a package.
pub type FileKey = (String, String);

/// A file that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// By which it is known.
    pub key: FileKey,
    /// SHA-256 of its blob.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// Remembers files.
pub async fn remember(db: &Db, org: OrgId, files: &[SeenFile], now: Instant) -> Result<()> {
    let mut attempts = Attempts::default();
    loop {
        match try_remember(db, org, files, now).await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}

async fn try_remember(db: &Db, org: OrgId, files: &[SeenFile], now: Instant) -> Result<()> {
    const COLUMNS: usize = 6;
    if files.is_empty() {
        return Ok(());
    }
    // A statement must not name a row twice. In order, so that two syncs that see the same files never wait for each
    // other.
    let mut distinct: BTreeMap<&FileKey, &SeenFile> = BTreeMap::new();
    for file in files {
        distinct.insert(&file.key, file);
    }
    let files: Vec<&SeenFile> = distinct.into_values().collect();
    let mut tx = db.begin().await?;
    for group in files.chunks(Dialect::rows_at_once(COLUMNS).min(500)) {
        let text = format!(
            "INSERT INTO package_file (org_id, checksum_type, checksum, sha256, size, seen_us) VALUES {} \
             ON CONFLICT (org_id, checksum_type, checksum) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size",
            tx.dialect.values(group.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for file in group {
            query = query
                .bind(org.0)
                .bind(file.key.0.as_str())
                .bind(file.key.1.as_str())
                .bind(file.sha256.as_str())
                .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
                .bind(now.0);
        }
        query.execute(&mut *tx.inner).await?;
    }
    tx.commit().await
}

/// The blobs of packages, where they were seen.
pub async fn lookup(
    db: &Db,
    org: OrgId,
    keys: impl Iterator<Item = FileKey>,
) -> Result<HashMap<FileKey, String>> {
    let keys: HashSet<FileKey> = keys.collect();
    let list: Vec<&FileKey> = keys.iter().collect();
    let mut held = HashMap::new();
    for group in list.chunks(500) {
        let text = format!(
            "SELECT checksum_type, checksum, sha256 FROM package_file WHERE org_id = {} AND checksum IN {}",
            org.0,
            db.dialect().values(1, group.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (_, checksum) in group {
            query = query.bind(checksum.as_str());
        }
        for row in query.fetch_all(db.reader()).await? {
            let key: FileKey = (row.try_get(0)?, row.try_get(1)?);
            if keys.contains(&key) {
                held.insert(key, row.try_get(2)?);
            }
        }
    }
    Ok(held)
}

/// Keys of every file seen in an organization.
pub async fn all_keys(db: &Db, org: OrgId) -> Result<HashSet<FileKey>> {
    let rows = sqlx::query("SELECT checksum_type, checksum FROM package_file WHERE org_id = $1")
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Every file seen, with its blob.
pub async fn all(db: &Db) -> Result<Vec<(FileKey, String)>> {
    let rows = sqlx::query("SELECT checksum_type, checksum, sha256 FROM package_file")
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)))
        .collect()
}

/// Bytes of every blob that rows tell the size of: package files and packs.
pub async fn sizes(db: &Db) -> Result<Vec<(String, u64)>> {
    let text = "SELECT sha256, size FROM package_file UNION SELECT sha256, size FROM pack";
    let rows = sqlx::query(text).fetch_all(db.reader()).await?;
    rows.iter()
        .map(|row| {
            let size: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, size.unsigned_abs()))
        })
        .collect()
}

/// Forgets files by the SHA-256 of their blobs.
pub async fn forget(db: &Db, sha256s: &[&str]) -> Result<()> {
    let mut attempts = Attempts::default();
    loop {
        match try_forget(db, sha256s).await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}

async fn try_forget(db: &Db, sha256s: &[&str]) -> Result<()> {
    if sha256s.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for group in sha256s.chunks(500) {
        let text = format!(
            "DELETE FROM package_file WHERE sha256 IN {}",
            tx.dialect.values(1, group.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for sha256 in group {
            query = query.bind(*sha256);
        }
        query.execute(&mut *tx.inner).await?;
    }
    tx.commit().await
}
