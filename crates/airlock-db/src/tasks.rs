//! The task queue: long work that survives a restart.
//!
//! A worker claims a task with a lease and a fencing number; every later write of that worker names the number, so that
//! a worker whose lease ran out can change nothing any more. Tasks with the same lock key never run side by side.

use airlock_model::{Actor, Cause, Instant, OrgId, Progress, Role, TaskId, TaskInfo, TaskState};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{Db, Error, Result, Tx};

/// A task to be queued.
#[derive(Debug, Clone)]
pub struct NewTask<'a> {
    /// What kind of work.
    pub kind: &'a str,
    /// What it works on, for people.
    pub subject: &'a str,
    /// What it needs, as JSON; never a secret.
    pub payload: &'a str,
    /// Tasks with the same key run one after the other.
    pub lock_key: &'a str,
    /// Unique for the operation.
    pub operation_id: &'a str,
    /// A key by which the same request is known when it comes again.
    pub idempotency_key: Option<&'a str>,
}

/// A task that a worker holds.
#[derive(Debug, Clone)]
pub struct ClaimedTask {
    /// Its number.
    pub id: TaskId,
    /// What kind of work.
    pub kind: String,
    /// What it needs, as JSON.
    pub payload: String,
    /// Unique for the operation.
    pub operation_id: String,
    /// Who asked for it.
    pub actor: Actor,
    /// To be named in every write about it.
    pub fence: i64,
}

/// Queues a task; returns the number of the one that has the idempotency key already, when there is one.
pub async fn enqueue(
    tx: &mut Tx,
    actor: &Actor,
    task: &NewTask<'_>,
    now: Instant,
) -> Result<TaskId> {
    insert(tx, actor, task, None, now).await
}

/// As [`enqueue`], under a number out of [`reserve`].
pub async fn enqueue_as(
    tx: &mut Tx,
    actor: &Actor,
    task: &NewTask<'_>,
    id: TaskId,
    now: Instant,
) -> Result<TaskId> {
    insert(tx, actor, task, Some(id), now).await
}

async fn insert(
    tx: &mut Tx,
    actor: &Actor,
    task: &NewTask<'_>,
    id: Option<TaskId>,
    now: Instant,
) -> Result<TaskId> {
    if let Some(id) = same_request(tx, actor.org, task).await? {
        return Ok(id);
    }
    let (column, value) = match id {
        Some(id) => ("id, ", format!("{id}, ")),
        None => ("", String::new()),
    };
    let row = sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO task ({column}org_id, kind, subject, payload, state, principal, role, cause, request_id, operation_id, idempotency_key, lock_key, \
         progress, notes, created_us, fence, cancel_requested) \
         VALUES ({value}$1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11, '{{}}', '', $12, 0, 0) ON CONFLICT DO NOTHING RETURNING id",
    )))
    .bind(actor.org.0)
    .bind(task.kind)
    .bind(task.subject)
    .bind(task.payload)
    .bind(&*actor.principal)
    .bind(actor.role.as_str())
    .bind(actor.cause.as_str())
    .bind(&*actor.request_id)
    .bind(task.operation_id)
    .bind(task.idempotency_key)
    .bind(task.lock_key)
    .bind(now.0)
    .fetch_optional(&mut *tx.inner)
    .await?;
    match row {
        Some(row) => Ok(TaskId(row.try_get(0)?)),
        // The same request came twice at one moment, and the other one was first.
        None => same_request(tx, actor.org, task)
            .await?
            .ok_or_else(|| Error::bad("operation id that is not new", task.operation_id)),
    }
}

/// Reserves numbers for tasks whose rows may be written later, or never. For the embedded database, whose numbers
/// nobody else gives out.
///
/// # Errors
/// On PostgreSQL, where rows come at once.
pub async fn reserve(db: &Db, count: i64) -> Result<std::ops::Range<i64>> {
    if !db.is_exclusive() {
        return Err(Error::bad("reservation of task numbers", "PostgreSQL"));
    }
    let mut tx = db.begin().await?;
    sqlx::query("INSERT INTO sqlite_sequence (name, seq) SELECT 'task', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'task')")
        .execute(&mut *tx.inner)
        .await?;
    let row =
        sqlx::query("UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = 'task' RETURNING seq")
            .bind(count)
            .fetch_one(&mut *tx.inner)
            .await?;
    tx.commit().await?;
    let last: i64 = row.try_get(0)?;
    Ok(last + 1 - count..last + 1)
}

/// Gives reserved numbers back that no task has, if they are still the last ones.
pub async fn give_back(tx: &mut Tx, numbers: &std::ops::Range<i64>) -> Result<()> {
    sqlx::query("UPDATE sqlite_sequence SET seq = $1 WHERE name = 'task' AND seq = $2")
        .bind(numbers.start - 1)
        .bind(numbers.end - 1)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// The task that a key of an organization gave before.
pub async fn by_key(db: &Db, org: OrgId, key: &str) -> Result<Option<TaskId>> {
    let row = sqlx::query("SELECT id FROM task WHERE idempotency_key = $1 AND org_id = $2")
        .bind(key)
        .bind(org.0)
        .fetch_optional(db.reader())
        .await?;
    Ok(row.map(|r| r.try_get(0).map(TaskId)).transpose()?)
}

/// Marks a waiting task as begun; gives its fencing number.
pub async fn begin(
    tx: &mut Tx,
    id: TaskId,
    owner: &str,
    started: Instant,
    until: Instant,
) -> Result<i64> {
    let row = sqlx::query(
        "UPDATE task SET state = 'running', started_us = $1, lease_owner = $2, leased_until_us = $3, fence = fence + 1 \
         WHERE id = $4 AND state = 'queued' RETURNING fence",
    )
    .bind(started.0)
    .bind(owner)
    .bind(until.0)
    .bind(id.0)
    .fetch_one(&mut *tx.inner)
    .await?;
    Ok(row.try_get(0)?)
}

async fn same_request(tx: &mut Tx, org: OrgId, task: &NewTask<'_>) -> Result<Option<TaskId>> {
    let Some(key) = task.idempotency_key else {
        return Ok(None);
    };
    let row = sqlx::query("SELECT id FROM task WHERE idempotency_key = $1 AND org_id = $2")
        .bind(key)
        .bind(org.0)
        .fetch_optional(&mut *tx.inner)
        .await?;
    Ok(row.map(|r| r.try_get(0).map(TaskId)).transpose()?)
}

/// What stands in the way of waiting tasks beside the rows that run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Barred<'a> {
    /// Lock keys that work without a row holds.
    pub keys: &'a [String],
    /// Tasks that are over though their rows cannot say so yet.
    pub tasks: &'a [TaskId],
}

impl Barred<'_> {
    /// The oldest task whose lock key nobody holds, as a subquery; keys are bound from `$first` on.
    fn oldest(&self, first: usize) -> String {
        let places: Vec<String> = (first..)
            .take(self.keys.len())
            .map(|n| format!("${n}"))
            .collect();
        let keys = match places.is_empty() {
            true => String::new(),
            false => format!("AND q.lock_key NOT IN ({}) ", places.join(", ")),
        };
        let numbers: Vec<String> = self.tasks.iter().map(ToString::to_string).collect();
        let tasks = match numbers.is_empty() {
            true => String::new(),
            false => format!("AND q.id NOT IN ({}) ", numbers.join(", ")),
        };
        format!(
            "SELECT q.id FROM task q WHERE q.state = 'queued' {keys}{tasks}AND (q.lock_key = '' OR NOT EXISTS ( \
             SELECT 1 FROM task r WHERE r.state = 'running' AND r.lock_key = q.lock_key)) ORDER BY q.id LIMIT 1"
        )
    }
}

const CLAIMED: &str =
    "id, kind, payload, operation_id, org_id, principal, role, cause, request_id, fence";

fn claimed(row: &AnyRow) -> Result<ClaimedTask> {
    let role: String = row.try_get(6)?;
    let cause: String = row.try_get(7)?;
    Ok(ClaimedTask {
        id: TaskId(row.try_get(0)?),
        kind: row.try_get(1)?,
        payload: row.try_get(2)?,
        operation_id: row.try_get(3)?,
        actor: Actor {
            org: OrgId(row.try_get(4)?),
            principal: row.try_get(5)?,
            role: role.parse::<Role>().map_err(|e| Error::bad("role", e))?,
            cause: match cause.as_str() {
                "schedule" => Cause::Schedule,
                "upkeep" => Cause::Upkeep,
                _ => Cause::Request,
            },
            request_id: row.try_get(8)?,
        },
        fence: row.try_get(9)?,
    })
}

/// Claims the oldest task whose lock key nobody holds.
pub async fn claim(
    db: &Db,
    owner: &str,
    now: Instant,
    lease_seconds: i64,
    barred: Barred<'_>,
) -> Result<Option<ClaimedTask>> {
    // A look without a lock first: an idle server writes nothing.
    let waiting = sqlx::query("SELECT 1 FROM task WHERE state = 'queued' LIMIT 1")
        .fetch_optional(db.reader())
        .await?;
    if waiting.is_none() {
        return Ok(None);
    }
    let mut tx = db.begin().await?;
    if tx.dialect == crate::dialect::Dialect::Postgres {
        // Claims are rare and short; one at a time keeps the lock keys exact over all replicas.
        sqlx::query("SELECT pg_advisory_xact_lock(7240917)")
            .execute(&mut *tx.inner)
            .await?;
    }
    let text = format!(
        "UPDATE task SET state = 'running', started_us = $1, lease_owner = $2, leased_until_us = $3, fence = fence + 1 WHERE id = ({}) \
         RETURNING {CLAIMED}",
        barred.oldest(4)
    );
    let mut query = sqlx::query(AssertSqlSafe(text))
        .bind(now.0)
        .bind(owner)
        .bind(now.plus_seconds(lease_seconds).0);
    for key in barred.keys {
        query = query.bind(key.as_str());
    }
    let row = query.fetch_optional(&mut *tx.inner).await?;
    tx.commit().await?;
    row.as_ref().map(claimed).transpose()
}

/// The task that [`claim`] would take, without a write.
pub async fn next(db: &Db, barred: Barred<'_>) -> Result<Option<ClaimedTask>> {
    let text = format!(
        "SELECT {CLAIMED} FROM task WHERE id = ({})",
        barred.oldest(1)
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for key in barred.keys {
        query = query.bind(key.as_str());
    }
    let row = query.fetch_optional(db.reader()).await?;
    row.as_ref().map(claimed).transpose()
}

/// Ends a task that `owner` could not begin; its claim may have happened in spite of the error. Nothing happens when it
/// does not wait any more.
pub async fn give_up(db: &Db, id: TaskId, owner: &str, error: &str, now: Instant) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query(
        "UPDATE task SET state = 'failed', error = $1, finished_us = $2, lease_owner = NULL, leased_until_us = NULL, fence = fence + 1 \
         WHERE id = $3 AND (state = 'queued' OR (state = 'running' AND lease_owner = $4))",
    )
        .bind(error)
        .bind(now.0)
        .bind(id.0)
        .bind(owner)
        .execute(&mut *tx.inner)
        .await?;
    tx.commit().await
}

/// Prolongs a lease. Says whether it was still held, and whether somebody asked the task to stop.
pub async fn heartbeat(db: &Db, id: TaskId, fence: i64, until: Instant) -> Result<(bool, bool)> {
    let mut tx = db.begin().await?;
    let row = sqlx::query("UPDATE task SET leased_until_us = $1 WHERE id = $2 AND fence = $3 AND state = 'running' RETURNING cancel_requested")
        .bind(until.0)
        .bind(id.0)
        .bind(fence)
        .fetch_optional(&mut *tx.inner)
        .await?;
    tx.commit().await?;
    match row {
        Some(row) => Ok((true, row.try_get::<i64, _>(0)? != 0)),
        None => Ok((false, true)),
    }
}

/// Whether somebody asked the task to stop, without a write.
pub async fn cancel_requested(db: &Db, id: TaskId) -> Result<bool> {
    let row = sqlx::query("SELECT cancel_requested FROM task WHERE id = $1")
        .bind(id.0)
        .fetch_optional(db.reader())
        .await?;
    Ok(row
        .map(|r| r.try_get::<i64, _>(0))
        .transpose()?
        .unwrap_or(0)
        != 0)
}

/// Writes progress and notes of a running task.
pub async fn write_progress(
    db: &Db,
    id: TaskId,
    fence: i64,
    progress: &Progress,
    notes: &[String],
) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query("UPDATE task SET progress = $1, notes = $2 WHERE id = $3 AND fence = $4 AND state = 'running'")
        .bind(serde_json::to_string(progress).unwrap_or_default())
        .bind(notes.join("\n"))
        .bind(id.0)
        .bind(fence)
        .execute(&mut *tx.inner)
        .await?;
    tx.commit().await
}

/// Ends a task. Says whether the lease was still held; else nothing was written.
#[allow(
    clippy::too_many_arguments,
    reason = "the columns of the row, in order"
)]
pub async fn finish(
    db: &Db,
    id: TaskId,
    fence: i64,
    state: TaskState,
    result: Option<&serde_json::Value>,
    error: Option<&str>,
    notes: &[String],
    now: Instant,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query(
        "UPDATE task SET state = $1, result = $2, error = $3, notes = $4, finished_us = $5, lease_owner = NULL, leased_until_us = NULL \
         WHERE id = $6 AND fence = $7 AND state = 'running'",
    )
    .bind(state.as_str())
    .bind(result.map(ToString::to_string))
    .bind(error)
    .bind(notes.join("\n"))
    .bind(now.0)
    .bind(id.0)
    .bind(fence)
    .execute(&mut *tx.inner)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(done > 0)
}

/// Asks a task to stop: a waiting one ends at once, a running one soon. None when there is no such task.
pub async fn request_cancel(
    db: &Db,
    org: OrgId,
    id: TaskId,
    now: Instant,
) -> Result<Option<TaskState>> {
    let mut tx = db.begin().await?;
    sqlx::query("UPDATE task SET state = 'cancelled', finished_us = $1, cancel_requested = 1 WHERE id = $2 AND org_id = $3 AND state = 'queued'")
        .bind(now.0)
        .bind(id.0)
        .bind(org.0)
        .execute(&mut *tx.inner)
        .await?;
    sqlx::query(
        "UPDATE task SET cancel_requested = 1 WHERE id = $1 AND org_id = $2 AND state = 'running'",
    )
    .bind(id.0)
    .bind(org.0)
    .execute(&mut *tx.inner)
    .await?;
    let row = sqlx::query("SELECT state FROM task WHERE id = $1 AND org_id = $2")
        .bind(id.0)
        .bind(org.0)
        .fetch_optional(&mut *tx.inner)
        .await?;
    tx.commit().await?;
    row.map(|r| {
        let word: String = r.try_get(0)?;
        TaskState::from_word(&word).ok_or_else(|| Error::bad("task state", word))
    })
    .transpose()
}

/// Ends running tasks whose lease ran out before `now` as interrupted. At the start of the only server, pass an instant
/// that lies behind every lease. Returns their numbers.
pub async fn interrupt_expired(db: &Db, before: Instant, now: Instant) -> Result<Vec<TaskId>> {
    let mut tx = db.begin().await?;
    let rows = sqlx::query(
        "UPDATE task SET state = 'interrupted', error = 'the server ended while this ran; nothing half-done is visible', finished_us = $1, \
         lease_owner = NULL, leased_until_us = NULL, fence = fence + 1 WHERE state = 'running' AND (leased_until_us IS NULL OR leased_until_us < $2) \
         RETURNING id",
    )
    .bind(now.0)
    .bind(before.0)
    .fetch_all(&mut *tx.inner)
    .await?;
    tx.commit().await?;
    rows.iter().map(|row| Ok(TaskId(row.try_get(0)?))).collect()
}

/// Running tasks whose lease ran out.
pub async fn running_without_lease(db: &Db, now: Instant) -> Result<Vec<TaskId>> {
    let rows = sqlx::query("SELECT id FROM task WHERE state = 'running' AND (leased_until_us IS NULL OR leased_until_us < $1)").bind(now.0).fetch_all(db.reader()).await?;
    rows.iter().map(|row| Ok(TaskId(row.try_get(0)?))).collect()
}

/// A task that waits or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// Its number.
    pub id: TaskId,
    /// What kind of work.
    pub kind: String,
    /// Queued or running.
    pub state: TaskState,
    /// Tasks with the same key run one after the other.
    pub lock_key: String,
}

/// When the oldest task that runs now was started; `except` is the asking task itself.
pub async fn oldest_running(db: &Db, except: Option<TaskId>) -> Result<Option<Instant>> {
    let row = sqlx::query("SELECT MIN(started_us) FROM task WHERE state = 'running' AND id <> $1")
        .bind(except.map_or(0, |id| id.0))
        .fetch_one(db.reader())
        .await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.map(Instant))
}

/// The tasks of all organizations that wait or run, oldest first.
pub async fn open(db: &Db) -> Result<Vec<OpenTask>> {
    let rows = sqlx::query(
        "SELECT id, kind, state, lock_key FROM task WHERE state IN ('queued', 'running') ORDER BY id",
    )
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| {
            let word: String = row.try_get(2)?;
            Ok(OpenTask {
                id: TaskId(row.try_get(0)?),
                kind: row.try_get(1)?,
                state: TaskState::from_word(&word).ok_or_else(|| Error::bad("task state", word))?,
                lock_key: row.try_get(3)?,
            })
        })
        .collect()
}

const COLUMNS: &str = "id, kind, subject, state, principal, cause, request_id, progress, notes, result, error, created_us, started_us, finished_us, \
     cancel_requested";

fn info(row: &AnyRow) -> Result<TaskInfo> {
    let state: String = row.try_get(3)?;
    let progress: String = row.try_get(7)?;
    let notes: String = row.try_get(8)?;
    let result: Option<String> = row.try_get(9)?;
    Ok(TaskInfo {
        id: TaskId(row.try_get(0)?),
        kind: row.try_get(1)?,
        subject: row.try_get(2)?,
        state: TaskState::from_word(&state).ok_or_else(|| Error::bad("task state", state))?,
        principal: row.try_get(4)?,
        cause: row.try_get(5)?,
        request_id: row.try_get(6)?,
        progress: serde_json::from_str(&progress).unwrap_or_default(),
        notes: notes.lines().map(str::to_owned).collect(),
        result: result
            .map(|r| serde_json::from_str(&r))
            .transpose()
            .map_err(|e| Error::bad("task result", e))?,
        error: row.try_get(10)?,
        created: Instant(row.try_get(11)?),
        started: row.try_get::<Option<i64>, _>(12)?.map(Instant),
        finished: row.try_get::<Option<i64>, _>(13)?.map(Instant),
        cancel_requested: row.try_get::<i64, _>(14)? != 0,
    })
}

/// A task.
pub async fn find(db: &Db, org: OrgId, id: TaskId) -> Result<Option<TaskInfo>> {
    let text = format!("SELECT {COLUMNS} FROM task WHERE id = $1 AND org_id = $2");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(id.0)
        .bind(org.0)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(info).transpose()
}

/// The newest tasks, newest first; `state` filters, `before` continues a list.
pub async fn list(
    db: &Db,
    org: OrgId,
    state: Option<TaskState>,
    before: Option<TaskId>,
    most: u32,
) -> Result<Vec<TaskInfo>> {
    let text = format!(
        "SELECT {COLUMNS} FROM task WHERE org_id = $1 AND id < $2 AND ($3 = '' OR state = $4) ORDER BY id DESC LIMIT $5"
    );
    let word = state.map_or("", TaskState::as_str);
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(before.map_or(i64::MAX, |b| b.0))
        .bind(word)
        .bind(word)
        .bind(i64::from(most))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(info).collect()
}

/// The newest tasks of a kind that are over and have a result, newest first.
pub async fn results_of_kind(db: &Db, org: OrgId, kind: &str, most: u32) -> Result<Vec<TaskInfo>> {
    let text = format!(
        "SELECT {COLUMNS} FROM task WHERE org_id = $1 AND kind = $2 AND state IN ('done', 'failed') AND result IS NOT NULL \
         ORDER BY id DESC LIMIT $3"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(kind)
        .bind(i64::from(most))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(info).collect()
}
