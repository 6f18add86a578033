//! Clones of errata: an erratum of its own name whose revisions are made of the original's.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use airlock_model::{ErratumId, ErratumRevisionId, Instant, OrgId};
use roaring::RoaringTreemap;
use sqlx::{AssertSqlSafe, Row as _};

use crate::errata::{date, lines, of_set};
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
#[derive(Debug, Clone)]
pub struct NewCloneRevision<'a> {
    /// The revision it is made of.
    pub of: &'a ClonableRevision,
    /// The clone's name.
    pub advisory: &'a str,
    /// SHA-256 of the fragment.
    pub digest: String,
    /// The `<update>` element under the clone's name.
    pub fragment: Vec<u8>,
}

/// The number of the newest erratum; 0 when there is none. Errata are never taken away.
pub async fn newest(db: &Db) -> Result<i64> {
    let row = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM erratum")
        .fetch_one(db.reader())
        .await?;
    Ok(row.try_get(0)?)
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
            issued: date(row, 9)?,
            updated: date(row, 10)?,
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

/// A revision as it is published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedRevision {
    /// Advisory name.
    pub advisory: String,
    /// The `<update>` element.
    pub fragment: Vec<u8>,
    /// File names of its packages.
    pub packages: Vec<String>,
    /// Whether it is a clone's.
    pub is_clone: bool,
}

/// Those revisions of a set that are clones'.
pub async fn among(db: &Db, set: &RoaringTreemap) -> Result<RoaringTreemap> {
    let rows = sqlx::query(
        "SELECT r.id FROM erratum_revision r JOIN erratum e ON e.id = r.erratum_id WHERE e.original_id IS NOT NULL",
    )
    .fetch_all(db.reader())
    .await?;
    let clones = rows
        .iter()
        .map(|row| Ok(row.try_get::<i64, _>(0)?.unsigned_abs()))
        .collect::<Result<RoaringTreemap>>()?;
    Ok(clones & set)
}

/// The `<update>` elements of a set with the packages that they name, by advisory name.
pub async fn published(db: &Db, set: &RoaringTreemap) -> Result<Vec<PublishedRevision>> {
    let rows = of_set(db, set, "e.advisory, r.fragment, r.packages, e.original_id").await?;
    let mut list: Vec<PublishedRevision> = rows
        .iter()
        .map(|row| {
            Ok(PublishedRevision {
                advisory: row.try_get(0)?,
                fragment: row.try_get(1)?,
                packages: lines(row.try_get(2)?),
                is_clone: row.try_get::<Option<i64>, _>(3)?.is_some(),
            })
        })
        .collect::<Result<_>>()?;
    list.sort();
    Ok(list)
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
    list: &[NewCloneRevision<'_>],
    now: Instant,
) -> Result<Vec<ErratumRevisionId>> {
    let mut attempts = Attempts::default();
    loop {
        let tried = async {
            let mut tx = db.begin().await?;
            let mut ids = Vec::with_capacity(list.len());
            for group in list.chunks(GROUP) {
                let errata = ensure_errata(&mut tx, org, group).await?;
                ids.extend(ensure_revisions(&mut tx, org, group, &errata, now).await?);
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

/// Rows written by one statement: 13 values each, far below what both databases take.
const GROUP: usize = 200;

/// The errata of clones, made where they do not exist, in order.
async fn ensure_errata(
    tx: &mut Tx,
    org: OrgId,
    group: &[NewCloneRevision<'_>],
) -> Result<Vec<i64>> {
    let rows: Vec<String> = (0..group.len())
        .map(|row| {
            let place = tx.dialect.place(row + 1);
            format!("({}, {place}, {})", org.0, group[row].of.erratum.0)
        })
        .collect();
    let text = format!(
        "INSERT INTO erratum (org_id, advisory, original_id) VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for clone in group {
        query = query.bind(clone.advisory);
    }
    query.execute(&mut *tx.inner).await?;
    let originals: Vec<String> = group.iter().map(|c| c.of.erratum.0.to_string()).collect();
    let text = format!(
        "SELECT id, advisory, original_id FROM erratum WHERE org_id = {} AND original_id IN ({})",
        org.0,
        originals.join(", ")
    );
    let found: HashMap<(String, i64), i64> = ids(tx, text).await?;
    group
        .iter()
        .map(|clone| {
            let key = (clone.advisory.to_owned(), clone.of.erratum.0);
            let id = found.get(&key).copied();
            id.ok_or_else(|| Error::bad("erratum", clone.advisory))
        })
        .collect()
}

/// Their revisions, made where they do not exist, in order.
async fn ensure_revisions(
    tx: &mut Tx,
    org: OrgId,
    group: &[NewCloneRevision<'_>],
    errata: &[i64],
    now: Instant,
) -> Result<Vec<ErratumRevisionId>> {
    const BOUND: usize = 9;
    let rows: Vec<String> = group
        .iter()
        .zip(errata)
        .enumerate()
        .map(|(row, (clone, erratum))| {
            let places: Vec<String> = (1..=BOUND)
                .map(|p| tx.dialect.place(row * BOUND + p))
                .collect();
            format!(
                "({}, {erratum}, {}, {}, {})",
                org.0,
                now.0,
                clone.of.id.0,
                places.join(", ")
            )
        })
        .collect();
    let text = format!(
        "INSERT INTO erratum_revision (org_id, erratum_id, created_us, copy_of_id, digest, kind, severity, title, issued_us, updated_us, \
         cves, packages, fragment) VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).persistent(false);
    for clone in group {
        let of = clone.of;
        query = query
            .bind(&*clone.digest)
            .bind(&*of.kind)
            .bind(&*of.severity)
            .bind(&*of.title)
            .bind(of.issued.map(|at| at.0))
            .bind(of.updated.map(|at| at.0))
            .bind(of.cves.join("\n"))
            .bind(of.packages.join("\n"))
            .bind(clone.fragment.as_slice());
    }
    query.execute(&mut *tx.inner).await?;
    let list: Vec<String> = errata.iter().map(ToString::to_string).collect();
    let text = format!(
        "SELECT id, erratum_id, digest FROM erratum_revision WHERE erratum_id IN ({})",
        list.join(", ")
    );
    let found: HashMap<(i64, String), i64> = ids(tx, text).await?;
    group
        .iter()
        .zip(errata)
        .map(|(clone, erratum)| {
            let id = found.get(&(*erratum, clone.digest.clone())).copied();
            id.map(ErratumRevisionId)
                .ok_or_else(|| Error::bad("erratum revision", clone.advisory))
        })
        .collect()
}

/// Ids by the two columns that stand behind them.
async fn ids<A, B>(tx: &mut Tx, text: String) -> Result<HashMap<(A, B), i64>>
where
    A: Column,
    B: Column,
    (A, B): Eq + Hash,
{
    // A statement of its own each time: it is not kept prepared.
    let rows = sqlx::query(AssertSqlSafe(text))
        .persistent(false)
        .fetch_all(&mut *tx.inner)
        .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get(1)?, row.try_get(2)?), row.try_get(0)?)))
        .collect()
}

/// What a column may be read as.
trait Column: for<'r> sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any> {}
impl Column for String {}
impl Column for i64 {}
