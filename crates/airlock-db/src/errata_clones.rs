//! Clones of errata: an erratum of its own name whose revisions are made of the original's.

use std::collections::{HashMap, HashSet};

use airlock_model::{ErratumId, ErratumRevisionId, Instant, OrgId};
use roaring::RoaringTreemap;
use sqlx::{AssertSqlSafe, Row as _};

use crate::errata::{lines, of_set};
use crate::{Attempts, Db, Error, Result, Tx};

/// A revision with what cloning asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClonableRevision {
    /// Its id.
    pub id: ErratumRevisionId,
    /// The erratum.
    pub erratum: ErratumId,
    /// The erratum that this one is a clone of.
    pub original: Option<ErratumId>,
    /// The revision that this one was made of.
    pub copy_of: Option<ErratumRevisionId>,
    /// Advisory name.
    pub advisory: String,
    /// SHA-256 of the fragment.
    pub digest: String,
    /// `security`, `bugfix` …
    pub kind: String,
    /// Severity, or empty.
    pub severity: String,
    /// Title.
    pub title: String,
    /// Issue date.
    pub issued: Option<Instant>,
    /// Date of the last change.
    pub updated: Option<Instant>,
    /// CVE names.
    pub cves: Vec<String>,
    /// File names of its packages.
    pub packages: Vec<String>,
}

/// A clone's revision to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCloneRevision {
    /// The revision it is made of.
    pub of: ErratumRevisionId,
    /// That one's erratum.
    pub original: ErratumId,
    /// The clone's name.
    pub advisory: String,
    /// SHA-256 of the fragment.
    pub digest: String,
    /// The `<update>` element under the clone's name.
    pub fragment: Vec<u8>,
}

/// The revisions of a set with what cloning asks of them, in the order of their ids.
pub async fn revisions(db: &Db, set: &RoaringTreemap) -> Result<Vec<ClonableRevision>> {
    of_set(
        db,
        set,
        "r.id, r.erratum_id, e.original_id, r.copy_of_id, e.advisory, r.digest, r.kind, r.severity, r.title, r.issued_us, r.updated_us, \
         r.cves, r.packages",
    )
    .await?
    .iter()
    .map(|row| {
        let instant = |column: usize| -> Result<Option<Instant>> {
            Ok(row.try_get::<Option<i64>, _>(column)?.map(Instant))
        };
        Ok(ClonableRevision {
            id: ErratumRevisionId(row.try_get(0)?),
            erratum: ErratumId(row.try_get(1)?),
            original: row.try_get::<Option<i64>, _>(2)?.map(ErratumId),
            copy_of: row.try_get::<Option<i64>, _>(3)?.map(ErratumRevisionId),
            advisory: row.try_get(4)?,
            digest: row.try_get(5)?,
            kind: row.try_get(6)?,
            severity: row.try_get(7)?,
            title: row.try_get(8)?,
            issued: instant(9)?,
            updated: instant(10)?,
            cves: lines(row.try_get(11)?),
            packages: lines(row.try_get(12)?),
        })
    })
    .collect()
}

/// The `<update>` elements of a set by revision.
pub async fn fragments(
    db: &Db,
    set: &RoaringTreemap,
) -> Result<HashMap<ErratumRevisionId, Vec<u8>>> {
    of_set(db, set, "r.id, r.fragment")
        .await?
        .iter()
        .map(|row| Ok((ErratumRevisionId(row.try_get(0)?), row.try_get(1)?)))
        .collect()
}

/// The oldest clone of each erratum that has one, with its name.
pub async fn oldest_clones(db: &Db, org: OrgId) -> Result<HashMap<ErratumId, (ErratumId, String)>> {
    let rows = sqlx::query(
        "SELECT original_id, id, advisory FROM erratum WHERE org_id = $1 AND original_id IS NOT NULL ORDER BY id DESC",
    )
    .bind(org.0)
    .fetch_all(db.reader())
    .await?;
    // Later rows, which are older clones, win.
    rows.iter()
        .map(|row| {
            let original = ErratumId(row.try_get(0)?);
            Ok((original, (ErratumId(row.try_get(1)?), row.try_get(2)?)))
        })
        .collect()
}

/// Which of these names some erratum of the organization has.
pub async fn taken_names(db: &Db, org: OrgId, names: &[String]) -> Result<HashSet<String>> {
    let mut taken = HashSet::new();
    for group in names.chunks(500) {
        let text = format!(
            "SELECT advisory FROM erratum WHERE org_id = {} AND advisory IN {}",
            org.0,
            db.dialect().values(1, group.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for name in group {
            query = query.bind(name.as_str());
        }
        for row in query.fetch_all(db.reader()).await? {
            taken.insert(row.try_get(0)?);
        }
    }
    Ok(taken)
}

/// Makes sure that clones and their revisions exist; returns the revisions' ids in order.
pub async fn ensure_clones(
    db: &Db,
    org: OrgId,
    list: &[NewCloneRevision],
    now: Instant,
) -> Result<Vec<ErratumRevisionId>> {
    let mut attempts = Attempts::default();
    loop {
        let tried = async {
            let mut tx = db.begin().await?;
            let mut ids = Vec::with_capacity(list.len());
            for clone in list {
                ids.push(ensure_clone(&mut tx, org, clone, now).await?);
            }
            tx.commit().await?;
            Ok(ids)
        };
        match tried.await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}

async fn ensure_clone(
    tx: &mut Tx,
    org: OrgId,
    clone: &NewCloneRevision,
    now: Instant,
) -> Result<ErratumRevisionId> {
    sqlx::query(
        "INSERT INTO erratum (org_id, advisory, original_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(org.0)
    .bind(&*clone.advisory)
    .bind(clone.original.0)
    .execute(&mut *tx.inner)
    .await?;
    let row = sqlx::query(
        "SELECT id FROM erratum WHERE org_id = $1 AND advisory = $2 AND original_id = $3",
    )
    .bind(org.0)
    .bind(&*clone.advisory)
    .bind(clone.original.0)
    .fetch_one(&mut *tx.inner)
    .await?;
    let erratum: i64 = row.try_get(0)?;
    sqlx::query(
        "INSERT INTO erratum_revision (org_id, erratum_id, digest, kind, severity, title, issued_us, updated_us, cves, packages, fragment, \
         created_us, copy_of_id) SELECT org_id, $1, $2, kind, severity, title, issued_us, updated_us, cves, packages, $3, $4, id \
         FROM erratum_revision WHERE id = $5 ON CONFLICT DO NOTHING",
    )
    .bind(erratum)
    .bind(&*clone.digest)
    .bind(clone.fragment.as_slice())
    .bind(now.0)
    .bind(clone.of.0)
    .execute(&mut *tx.inner)
    .await?;
    let row = sqlx::query("SELECT id FROM erratum_revision WHERE erratum_id = $1 AND digest = $2")
        .bind(erratum)
        .bind(&*clone.digest)
        .fetch_optional(&mut *tx.inner)
        .await?
        .ok_or_else(|| Error::bad("erratum revision", clone.of.0))?;
    Ok(ErratumRevisionId(row.try_get(0)?))
}
