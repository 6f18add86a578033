//! Errata and their immutable revisions.

use std::collections::HashMap;

use airlock_model::{ErratumRevisionId, ErratumRow, Instant, OrgId};
use roaring::RoaringTreemap;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{Attempts, Db, Error, Result, Tx};

/// A revision as read from an upstream.
#[derive(Debug, Clone, Copy)]
pub struct NewRevision<'a> {
    /// Advisory name.
    pub advisory: &'a str,
    /// SHA-256 of the fragment.
    pub digest: &'a str,
    /// `security`, `bugfix` …
    pub kind: &'a str,
    /// Severity, or empty.
    pub severity: &'a str,
    /// Title.
    pub title: &'a str,
    /// Issue date, µs since 1970.
    pub issued_us: Option<i64>,
    /// Date of the last change, µs since 1970.
    pub updated_us: Option<i64>,
    /// CVE names.
    pub cves: &'a [String],
    /// File names of its packages.
    pub packages: &'a [String],
    /// The `<update>` element.
    pub fragment: &'a [u8],
}

/// What tells revisions apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionIdentity {
    /// Its id.
    pub id: ErratumRevisionId,
    /// Advisory name.
    pub advisory: String,
    /// SHA-256 of the fragment.
    pub digest: String,
    /// CVE names.
    pub cves: Vec<String>,
}

pub(crate) fn lines(text: String) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Makes sure that revisions exist; returns their ids in order. Known ones cost a look-up, no write.
pub async fn ensure_revisions(
    db: &Db,
    org: OrgId,
    list: &[NewRevision<'_>],
    now: Instant,
) -> Result<Vec<ErratumRevisionId>> {
    let mut attempts = Attempts::default();
    loop {
        match try_ensure_revisions(db, org, list, now).await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}

async fn try_ensure_revisions(
    db: &Db,
    org: OrgId,
    list: &[NewRevision<'_>],
    now: Instant,
) -> Result<Vec<ErratumRevisionId>> {
    let mut known: HashMap<(String, String), i64> = HashMap::new();
    for group in list.chunks(500) {
        let text = format!(
            "SELECT e.advisory, r.digest, r.id FROM erratum e JOIN erratum_revision r ON r.erratum_id = e.id \
             WHERE e.org_id = {} AND e.original_id IS NULL AND e.advisory IN {}",
            org.0,
            db.dialect().values(1, group.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for revision in group {
            query = query.bind(revision.advisory);
        }
        for row in query.fetch_all(db.reader()).await? {
            known.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
        }
    }
    let key = |r: &NewRevision<'_>| (r.advisory.to_owned(), r.digest.to_owned());
    if list.iter().any(|r| !known.contains_key(&key(r))) {
        // In order and each once, so that two syncs that bring the same errata never wait for each other.
        let missing: std::collections::BTreeMap<(&str, &str), &NewRevision<'_>> = list
            .iter()
            .filter(|r| !known.contains_key(&key(r)))
            .map(|r| ((r.advisory, r.digest), r))
            .collect();
        let mut tx = db.begin().await?;
        for revision in missing.into_values() {
            let id = insert(&mut tx, org, revision, now).await?;
            known.insert(key(revision), id);
        }
        tx.commit().await?;
    }
    list.iter()
        .map(|r| {
            let id = known.get(&key(r)).copied();
            id.map(ErratumRevisionId)
                .ok_or_else(|| Error::bad("erratum revision", r.advisory))
        })
        .collect()
}

async fn insert(tx: &mut Tx, org: OrgId, revision: &NewRevision<'_>, now: Instant) -> Result<i64> {
    sqlx::query("INSERT INTO erratum (org_id, advisory) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(org.0)
        .bind(revision.advisory)
        .execute(&mut *tx.inner)
        .await?;
    let row = sqlx::query(
        "SELECT id FROM erratum WHERE org_id = $1 AND advisory = $2 AND original_id IS NULL",
    )
    .bind(org.0)
    .bind(revision.advisory)
    .fetch_one(&mut *tx.inner)
    .await?;
    let erratum: i64 = row.try_get(0)?;
    sqlx::query(
        "INSERT INTO erratum_revision (org_id, erratum_id, digest, kind, severity, title, issued_us, updated_us, cves, packages, fragment, created_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(org.0)
    .bind(erratum)
    .bind(revision.digest)
    .bind(revision.kind)
    .bind(revision.severity)
    .bind(revision.title)
    .bind(revision.issued_us)
    .bind(revision.updated_us)
    .bind(revision.cves.join("\n"))
    .bind(revision.packages.join("\n"))
    .bind(revision.fragment)
    .bind(now.0)
    .execute(&mut *tx.inner)
    .await?;
    let row = sqlx::query("SELECT id FROM erratum_revision WHERE erratum_id = $1 AND digest = $2")
        .bind(erratum)
        .bind(revision.digest)
        .fetch_one(&mut *tx.inner)
        .await?;
    Ok(row.try_get(0)?)
}

/// Reads columns of the revisions of a set, in the order of their ids.
pub(crate) async fn of_set(db: &Db, set: &RoaringTreemap, columns: &str) -> Result<Vec<AnyRow>> {
    let ids: Vec<u64> = set.iter().collect();
    let mut rows = Vec::with_capacity(ids.len());
    for group in ids.chunks(2_000) {
        let list = group
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let text = format!(
            "SELECT {columns} FROM erratum_revision r JOIN erratum e ON e.id = r.erratum_id WHERE r.id IN ({list}) ORDER BY r.id"
        );
        // A statement of its own each time: it is not kept prepared.
        rows.extend(
            sqlx::query(AssertSqlSafe(text))
                .persistent(false)
                .fetch_all(db.reader())
                .await?,
        );
    }
    Ok(rows)
}

/// A vendor's date. Releases before this one also took over dates that nobody can write down; they are none.
pub(crate) fn date(row: &AnyRow, column: usize) -> Result<Option<Instant>> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.map(Instant).and_then(Instant::writable))
}

/// The errata of a set, as listed.
pub async fn load(db: &Db, set: &RoaringTreemap) -> Result<Vec<ErratumRow>> {
    of_set(
        db,
        set,
        "e.advisory, r.kind, r.severity, r.title, r.issued_us, r.updated_us, r.cves, r.packages",
    )
    .await?
    .iter()
    .map(|row| {
        Ok(ErratumRow {
            advisory: row.try_get(0)?,
            kind: row.try_get(1)?,
            severity: row.try_get(2)?,
            title: row.try_get(3)?,
            issued: date(row, 4)?,
            updated: date(row, 5)?,
            cves: lines(row.try_get(6)?),
            packages: lines(row.try_get(7)?),
        })
    })
    .collect()
}

/// What tells the revisions of a set apart.
pub async fn identities(db: &Db, set: &RoaringTreemap) -> Result<Vec<RevisionIdentity>> {
    of_set(db, set, "r.id, e.advisory, r.digest, r.cves")
        .await?
        .iter()
        .map(|row| {
            Ok(RevisionIdentity {
                id: ErratumRevisionId(row.try_get(0)?),
                advisory: row.try_get(1)?,
                digest: row.try_get(2)?,
                cves: lines(row.try_get(3)?),
            })
        })
        .collect()
}

/// The `<update>` elements of a set, by advisory name.
pub async fn fragments(db: &Db, set: &RoaringTreemap) -> Result<Vec<Vec<u8>>> {
    let mut list: Vec<(String, Vec<u8>)> = of_set(db, set, "e.advisory, r.fragment")
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_>>()?;
    list.sort();
    Ok(list.into_iter().map(|(_, fragment)| fragment).collect())
}

/// Revisions of an advisory, oldest first.
pub async fn revisions_of(db: &Db, org: OrgId, advisory: &str) -> Result<Vec<u64>> {
    let rows = sqlx::query("SELECT r.id FROM erratum_revision r JOIN erratum e ON e.id = r.erratum_id WHERE e.org_id = $1 AND e.advisory = $2 ORDER BY r.id")
        .bind(org.0)
        .bind(advisory)
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok(row.try_get::<i64, _>(0)?.unsigned_abs()))
        .collect()
}
