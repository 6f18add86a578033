//! The audit log: only grows, each row chained to the one before by its hash.

use airlock_model::{Actor, AuditId, Instant, OrgId};
use serde::Serialize;
use sha2::Digest as _;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::{Db, Error, Result, Tx, settings};

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its number.
    pub id: AuditId,
    /// When.
    pub instant: Instant,
    /// Who.
    pub principal: String,
    /// Why: `request`, `schedule`, `upkeep`.
    pub cause: String,
    /// The request.
    pub request_id: String,
    /// What was done: `create`, `sync`, `rollback` …
    pub verb: String,
    /// To what.
    pub object: String,
    /// More, as JSON.
    pub detail: String,
}

#[allow(
    clippy::too_many_arguments,
    reason = "the columns of the row, in order"
)]
fn hash(
    previous: &str,
    org: i64,
    instant: i64,
    principal: &str,
    cause: &str,
    request: &str,
    verb: &str,
    object: &str,
    detail: &str,
) -> String {
    let mut hasher = sha2::Sha256::new();
    for field in [
        previous,
        &org.to_string(),
        &instant.to_string(),
        principal,
        cause,
        request,
        verb,
        object,
        detail,
    ] {
        // Lengths keep fields apart: no text can move from one into the next (threats-and-faults 1.1).
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    hex::encode(hasher.finalize())
}

/// Where the chain ended when it was last looked at: kept beside it, it shows when rows at the end are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The last row's number.
    pub id: AuditId,
    /// Its hash.
    pub hash: String,
}

impl std::fmt::Display for AuditHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id.0, self.hash)
    }
}

impl std::str::FromStr for AuditHead {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::bad("head of the audit log", text);
        let (id, hash) = text.trim().split_once(' ').ok_or_else(bad)?;
        Ok(Self {
            id: AuditId(id.parse().map_err(|_| bad())?),
            hash: hash.to_owned(),
        })
    }
}

/// The setting that holds the head, written with each row.
const HEAD: &str = "audit_head";

/// The head as the database has it; none before the first row.
pub async fn head(db: &Db) -> Result<Option<AuditHead>> {
    settings::get(db, HEAD)
        .await?
        .map(|text| text.parse())
        .transpose()
}

/// What is wrong with the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFault {
    /// A row was changed, or rows before it were taken out.
    Broken {
        /// The first row that does not follow from the one before it.
        at: AuditId,
    },
    /// A row that was there is not there any more, nor anything behind it.
    Cut {
        /// That row.
        missing: AuditId,
    },
}

/// Writes a row down inside a change.
pub async fn append(
    tx: &mut Tx,
    actor: &Actor,
    instant: Instant,
    verb: &str,
    object: &str,
    detail: &serde_json::Value,
) -> Result<()> {
    if tx.dialect == crate::dialect::Dialect::Postgres {
        // One writer of the chain at a time.
        sqlx::query("SELECT pg_advisory_xact_lock(7240916)")
            .execute(&mut *tx.inner)
            .await?;
    }
    let last = sqlx::query("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *tx.inner)
        .await?;
    let previous: String = last
        .map(|row| row.try_get(0))
        .transpose()?
        .unwrap_or_default();
    let detail = detail.to_string();
    let cause = actor.cause.as_str();
    let hash = hash(
        &previous,
        actor.org.0,
        instant.0,
        &actor.principal,
        cause,
        &actor.request_id,
        verb,
        object,
        &detail,
    );
    let row = sqlx::query(
        "INSERT INTO audit (org_id, instant_us, principal, cause, request_id, verb, object, detail, previous_hash, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
    )
    .bind(actor.org.0)
    .bind(instant.0)
    .bind(&*actor.principal)
    .bind(cause)
    .bind(&*actor.request_id)
    .bind(verb)
    .bind(object)
    .bind(detail)
    .bind(previous)
    .bind(&*hash)
    .fetch_one(&mut *tx.inner)
    .await?;
    let head = AuditHead {
        id: AuditId(row.try_get(0)?),
        hash,
    };
    settings::set(tx, HEAD, &head.to_string()).await
}

/// The newest rows of an organization, newest first; `before` continues a list.
pub async fn list(
    db: &Db,
    org: OrgId,
    before: Option<AuditId>,
    most: u32,
) -> Result<Vec<AuditRow>> {
    let rows = sqlx::query(
        "SELECT id, instant_us, principal, cause, request_id, verb, object, detail FROM audit WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(org.0)
    .bind(before.map_or(i64::MAX, |b| b.0))
    .bind(i64::from(most))
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(row).collect()
}

fn row(row: &AnyRow) -> Result<AuditRow> {
    Ok(AuditRow {
        id: AuditId(row.try_get(0)?),
        instant: Instant(row.try_get(1)?),
        principal: row.try_get(2)?,
        cause: row.try_get(3)?,
        request_id: row.try_get(4)?,
        verb: row.try_get(5)?,
        object: row.try_get(6)?,
        detail: row.try_get(7)?,
    })
}

/// Checks that no row was changed, taken out of the middle, or cut off the end: the rows of the database's own head and
/// of `kept`, a head kept elsewhere, have to be there.
pub async fn check(db: &Db, kept: Option<&AuditHead>) -> Result<Option<AuditFault>> {
    // Read before the rows: what is appended meanwhile lies behind it.
    let mut heads: Vec<AuditHead> = head(db).await?.into_iter().collect();
    heads.extend(kept.cloned());
    let mut previous = String::new();
    let mut last = 0_i64;
    loop {
        let rows = sqlx::query(
            "SELECT id, org_id, instant_us, principal, cause, request_id, verb, object, detail, previous_hash, hash FROM audit WHERE id > $1 ORDER BY id LIMIT 1000",
        )
        .bind(last)
        .fetch_all(db.reader())
        .await?;
        if rows.is_empty() {
            let missing = heads.into_iter().map(|head| head.id).max_by_key(|id| id.0);
            return Ok(missing.map(|missing| AuditFault::Cut { missing }));
        }
        for row in &rows {
            last = row.try_get(0)?;
            let text = |column: usize| row.try_get::<String, _>(column);
            let (stored_previous, stored): (String, String) = (text(9)?, text(10)?);
            let made = hash(
                &previous,
                row.try_get(1)?,
                row.try_get(2)?,
                &text(3)?,
                &text(4)?,
                &text(5)?,
                &text(6)?,
                &text(7)?,
                &text(8)?,
            );
            // A row with a head's number and another hash is another row: the log was cut and written on.
            let other = heads
                .iter()
                .any(|head| head.id.0 == last && head.hash != stored);
            if stored_previous != previous || stored != made || other {
                return Ok(Some(AuditFault::Broken { at: AuditId(last) }));
            }
            heads.retain(|head| head.id.0 != last);
            previous = stored;
        }
    }
}
