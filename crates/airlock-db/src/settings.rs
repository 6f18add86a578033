//! Values of the server itself.

use sqlx::Row as _;

use crate::{Db, Result, Tx};

/// A value.
pub async fn get(db: &Db, name: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT value FROM server_setting WHERE name = $1")
        .bind(name)
        .fetch_optional(db.reader())
        .await?;
    Ok(row.map(|r| r.try_get(0)).transpose()?)
}

/// Sets a value.
pub async fn set(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    sqlx::query("INSERT INTO server_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(value)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Makes sure that the first organization exists.
pub async fn ensure_default_organization(db: &Db, now: airlock_model::Instant) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query("INSERT INTO organization (id, name, created_us) VALUES (1, 'default', $1) ON CONFLICT (id) DO NOTHING")
        .bind(now.0)
        .execute(&mut *tx.inner)
        .await?;
    tx.commit().await
}
