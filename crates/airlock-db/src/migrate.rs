//! Schema versions: numbered texts, each run in one transaction.
//!
//! Migrations expand first and contract a release later, so that the previous release runs on the new schema.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::dialect::Dialect;
use crate::{Db, Error, Result};

/// One step of the schema.
struct Migration {
    number: i64,
    /// The newest schema that a program has to know to run after this step: lower than its own number while the step
    /// only expands.
    needs: i64,
    text: &'static str,
    /// Statements that the two databases write so differently that each has its own, behind the text.
    own: fn(Dialect) -> &'static [&'static str],
}

/// For steps whose text says all.
fn nothing_own(_: Dialect) -> &'static [&'static str] {
    &[]
}

/// The audit log only grows: whoever wants otherwise has to take the rule away first, and the chain of hashes still tells.
fn audit_only_grows(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &[
            "CREATE TRIGGER IF NOT EXISTS audit_not_changed BEFORE UPDATE ON audit \
             BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
            "CREATE TRIGGER IF NOT EXISTS audit_not_removed BEFORE DELETE ON audit \
             BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
        ],
        Dialect::Postgres => &[
            "CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$",
            "DROP TRIGGER IF EXISTS audit_only_grows ON audit",
            "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit \
             FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
        ],
    }
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        needs: 1,
        text: include_str!("../migrations/0001-content.sql"),
        own: nothing_own,
    },
    Migration {
        number: 2,
        needs: 1,
        text: include_str!("../migrations/0002-record-name.sql"),
        own: nothing_own,
    },
    Migration {
        number: 3,
        needs: 1,
        text: include_str!("../migrations/0003-clones.sql"),
        own: nothing_own,
    },
    Migration {
        number: 4,
        needs: 1,
        text: include_str!("../migrations/0004-hypervisors.sql"),
        own: nothing_own,
    },
    Migration {
        number: 5,
        needs: 1,
        text: "",
        own: audit_only_grows,
    },
];

pub(crate) async fn run(db: &Db) -> Result<()> {
    step(db, MIGRATIONS).await
}

/// Brings the schema to the last of these steps, or leaves a newer one alone.
async fn step(db: &Db, migrations: &[Migration]) -> Result<()> {
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
    let known = migrations.last().map_or(0, |last| last.number);
    if found > known {
        let needs: Option<i64> = sqlx::query("SELECT needs FROM schema_version WHERE number = $1")
            .bind(found)
            .fetch_one(&mut *tx.inner)
            .await?
            .try_get(0)?;
        return if needs.is_some_and(|needs| needs <= known) {
            Ok(())
        } else {
            Err(Error::TooNew { found, known })
        };
    }
    for migration in migrations.iter().filter(|m| m.number > found) {
        let failed = |source| Error::Migration {
            number: migration.number,
            source,
        };
        let text = tx.dialect.schema(migration.text);
        for statement in statements(&text) {
            tx.inner
                .execute(AssertSqlSafe(statement))
                .await
                .map_err(failed)?;
        }
        for statement in (migration.own)(tx.dialect) {
            tx.inner.execute(*statement).await.map_err(failed)?;
        }
        sqlx::query("INSERT INTO schema_version (number) VALUES ($1)")
            .bind(migration.number)
            .execute(&mut *tx.inner)
            .await
            .map_err(failed)?;
    }
    if let Some(last) = migrations.last().filter(|last| last.number > 1) {
        sqlx::query("UPDATE schema_version SET needs = $1 WHERE number = $2")
            .bind(last.needs)
            .bind(last.number)
            .execute(&mut *tx.inner)
            .await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of either kind at the first schema.
    async fn at_first(url: &str) -> Db {
        let db = Db::open(url).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for statement in [
            "DROP TABLE hypervisor_event",
            "DROP TABLE guest",
            "DROP TABLE hypervisor",
            "DROP TABLE hypervisor_part",
            "DROP TABLE hypervisor_source",
            "ALTER TABLE token DROP COLUMN scope",
            "DROP INDEX erratum_by_original",
            "ALTER TABLE channel DROP COLUMN description",
            "ALTER TABLE channel DROP COLUMN gate",
            "ALTER TABLE erratum_revision DROP COLUMN copy_of_id",
            "DROP INDEX record_by_name",
            "ALTER TABLE schema_version DROP COLUMN needs",
            "DELETE FROM schema_version WHERE number > 1",
        ] {
            tx.inner.execute(statement).await.unwrap();
        }
        tx.commit().await.unwrap();
        db
    }

    async fn number(db: &Db) -> i64 {
        sqlx::query("SELECT MAX(number) FROM schema_version")
            .fetch_one(db.reader())
            .await
            .unwrap()
            .try_get(0)
            .unwrap()
    }

    #[test]
    fn data_of_the_first_schema_steps_up_and_the_release_before_runs_on() {
        let last = MIGRATIONS.last().unwrap().number;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("airlock.db").display().to_string();
            for url in [file, airlock_testkit::postgres::fresh_database()] {
                let db = at_first(&url).await;
                assert_eq!(number(&db).await, 1);
                crate::settings::ensure_default_organization(&db, airlock_model::Instant(5))
                    .await
                    .unwrap();
                let mut tx = db.begin().await.unwrap();
                crate::settings::set(&mut tx, "name", "of the first")
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                db.close().await;

                let db = Db::open(&url).await.unwrap();
                assert_eq!(number(&db).await, last);
                let kept = crate::settings::get(&db, "name").await.unwrap();
                assert_eq!(kept.as_deref(), Some("of the first"));

                // An earlier release knows fewer steps: it takes the database as it is.
                step(&db, &MIGRATIONS[..1]).await.unwrap();
                assert_eq!(number(&db).await, last);
                let mut tx = db.begin().await.unwrap();
                sqlx::query("UPDATE schema_version SET needs = 2 WHERE number = $1")
                    .bind(last)
                    .execute(&mut *tx.inner)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                let refused = step(&db, &MIGRATIONS[..1]).await.unwrap_err();
                assert!(
                    matches!(refused, Error::TooNew { found, known: 1 } if found == last),
                    "{refused}"
                );
                db.close().await;
            }
        });
    }

    #[tokio::test]
    async fn records_are_looked_up_by_name_through_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_file(&folder.path().join("airlock.db"))
            .await
            .unwrap();
        let plan: String = sqlx::query(
            "EXPLAIN QUERY PLAN SELECT id FROM record WHERE name = 'x' AND org_id = 1 ORDER BY id",
        )
        .fetch_one(db.reader())
        .await
        .unwrap()
        .try_get(3)
        .unwrap();
        assert!(plan.contains("record_by_name"), "{plan}");
    }
}
