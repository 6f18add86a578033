//! Schema versions: numbered texts, each run in one transaction.
//!
//! Migrations expand first and contract a release later, so that the previous release runs on the new schema.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::{Db, Error, Result};

const MIGRATIONS: &[(i64, &str)] = &[(1, include_str!("../migrations/0001-content.sql"))];

pub(crate) async fn run(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    if tx.dialect == crate::dialect::Dialect::Postgres {
        // Two replicas that start together must not both migrate.
        tx.inner
            .execute("SELECT pg_advisory_xact_lock(7240915)")
            .await?;
    }
    tx.inner
        .execute("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY)")
        .await?;
    let found: i64 = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM schema_version")
        .fetch_one(&mut *tx.inner)
        .await?
        .try_get(0)?;
    let known = MIGRATIONS.last().map_or(0, |(number, _)| *number);
    if found > known {
        return Err(Error::TooNew { found, known });
    }
    for (number, text) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        let failed = |source| Error::Migration {
            number: *number,
            source,
        };
        let text = tx.dialect.schema(text);
        for statement in statements(&text) {
            tx.inner
                .execute(AssertSqlSafe(statement))
                .await
                .map_err(failed)?;
        }
        sqlx::query("INSERT INTO schema_version (number) VALUES ($1)")
            .bind(*number)
            .execute(&mut *tx.inner)
            .await
            .map_err(failed)?;
    }
    tx.commit().await
}

/// The statements of a migration: the driver runs one at a time. Comments go first, for they may hold semicolons.
fn statements(text: &str) -> Vec<String> {
    let plain: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n");
    plain
        .split(';')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}
