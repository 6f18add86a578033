//! Organizations. They are never removed, so a number always means the same one.

use airlock_model::{Instant, OrgId};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::{Db, Result, Tx};

/// An organization, with what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRow {
    /// Its id.
    pub id: OrgId,
    /// Its name, unique in the server.
    pub name: String,
    /// When it was made.
    pub created: Instant,
    /// Its users, disabled ones included.
    pub users: u64,
    /// Its channels, without deleted ones.
    pub channels: u64,
}

const ORGANIZATION: &str = "SELECT o.id, o.name, o.created_us, \
     (SELECT COUNT(*) FROM user_account u WHERE u.org_id = o.id), \
     (SELECT COUNT(*) FROM channel c WHERE c.org_id = o.id AND c.deleted_us IS NULL) FROM organization o";

fn organization(row: &AnyRow) -> Result<OrganizationRow> {
    let count = |column: usize| -> Result<u64> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    Ok(OrganizationRow {
        id: OrgId(row.try_get(0)?),
        name: row.try_get(1)?,
        created: Instant(row.try_get(2)?),
        users: count(3)?,
        channels: count(4)?,
    })
}

/// Makes an organization; none when the name is taken.
pub async fn create(tx: &mut Tx, name: &str, now: Instant) -> Result<Option<OrgId>> {
    if tx.dialect == crate::dialect::Dialect::Postgres {
        // The number is counted here, since the first organization has a fixed one; one at a time keeps it free.
        sqlx::query("SELECT pg_advisory_xact_lock(7240918)")
            .execute(&mut *tx.inner)
            .await?;
    }
    let row = sqlx::query(
        "INSERT INTO organization (id, name, created_us) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM organization), $1, $2) \
         ON CONFLICT (name) DO NOTHING RETURNING id",
    )
    .bind(name)
    .bind(now.0)
    .fetch_optional(&mut *tx.inner)
    .await?;
    Ok(row.map(|r| r.try_get(0).map(OrgId)).transpose()?)
}

/// An organization by name.
pub async fn find(db: &Db, name: &str) -> Result<Option<OrganizationRow>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{ORGANIZATION} WHERE o.name = $1"
    )))
    .bind(name)
    .fetch_optional(db.reader())
    .await?;
    row.as_ref().map(organization).transpose()
}

/// The name of an organization.
pub async fn name(db: &Db, id: OrgId) -> Result<Option<String>> {
    let row = sqlx::query("SELECT name FROM organization WHERE id = $1")
        .bind(id.0)
        .fetch_optional(db.reader())
        .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// All organizations, by name.
pub async fn list(db: &Db) -> Result<Vec<OrganizationRow>> {
    let rows = sqlx::query(ORGANIZATION).fetch_all(db.reader()).await?;
    let mut list: Vec<OrganizationRow> = rows.iter().map(organization).collect::<Result<_>>()?;
    // Ordered here: a PostgreSQL database may order texts by a language.
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}
