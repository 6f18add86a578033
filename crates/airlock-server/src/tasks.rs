//! Long work: put into the queue by faces and schedules, carried out by workers, watched by everybody.

mod board;
mod job;
mod last_sync;
mod run;
mod schedule;
mod staging;
mod unwritten;
mod worker;

use std::sync::Arc;

use airlock_model::{Actor, ChannelId, Instant, TaskId, TaskInfo};

pub use board::{Board, seen};
pub use job::{Job, Staged};
pub use last_sync::tell as tell_last_syncs;
pub use schedule::{keep_schedules, keep_up};
pub use staging::Staging;
use unwritten::NewSheet;
pub use unwritten::Unwritten;
pub use worker::{begin, work};

use crate::app::App;
use crate::problem::Failure;

/// Unreferenced blobs stay this long before `gc` takes them: a day, so that a client in the middle of a download still
/// finds its files.
pub const GRACE_SECONDS: i64 = 86_400;

/// Puts a job into the queue. The same key of the same caller gives the task that it gave before.
///
/// A sync waits in memory where the database is this process's own: its row is written when it changes something, or at
/// the server's end. A server that is killed forgets it, as it forgets one that had not begun to change anything.
///
/// # Errors
/// What the database said.
pub async fn enqueue(
    app: &Arc<App>,
    actor: &Actor,
    key: Option<&str>,
    job: &Job,
) -> Result<TaskInfo, Failure> {
    enqueue_scheduled(app, actor, key, job, None).await
}

/// As [`enqueue`], for a channel whose schedule comes next at that instant: written down with the task's row.
async fn enqueue_scheduled(
    app: &Arc<App>,
    actor: &Actor,
    key: Option<&str>,
    job: &Job,
    next_sync: Option<(ChannelId, Option<Instant>)>,
) -> Result<TaskInfo, Failure> {
    // Not all of it is for the log alone: a full disk is told.
    let internal = |error: airlock_db::Error| Failure::from(airlock_content::Error::from(error));
    let payload = serde_json::to_string(job).map_err(|error| Failure::internal(&error))?;
    let key = key.map(|key| format!("{}/{}/{key}", actor.org, actor.principal));
    let operation = format!("{:032x}", rand::random::<u128>());
    let subject = job.subject();
    let lock_key = job.lock_key();
    let task = airlock_db::tasks::NewTask {
        kind: job.kind(),
        subject: &subject,
        payload: &payload,
        lock_key: &lock_key,
        operation_id: &operation,
        idempotency_key: key.as_deref(),
    };
    let now = app.now();
    if !app.db().is_exclusive() {
        let mut tx = app.db().begin().await.map_err(internal)?;
        let id = airlock_db::tasks::enqueue(&mut tx, actor, &task, now)
            .await
            .map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        app.new_task.notify_one();
        return find(app, actor.org, id).await;
    }
    // One at a time: the same key that comes twice at one moment is the same task.
    let _choosing = app.unwritten.choosing.lock().await;
    if let Some(key) = task.idempotency_key {
        if let Some(task) = app.unwritten.by_key(actor.org, key) {
            return Ok(task);
        }
        let known = airlock_db::tasks::by_key(app.db(), actor.org, key).await;
        if let Some(id) = known.map_err(internal)? {
            return find(app, actor.org, id).await;
        }
    }
    let id = app.unwritten.number(app.db()).await.map_err(internal)?;
    let queued = if matches!(job, Job::Sync { .. }) {
        let sheet = NewSheet {
            actor,
            task,
            next_sync,
        };
        app.unwritten.add(&sheet, id, now)
    } else {
        let mut tx = app.db().begin().await.map_err(internal)?;
        airlock_db::tasks::enqueue_as(&mut tx, actor, &task, id, now)
            .await
            .map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        find(app, actor.org, id).await?
    };
    app.new_task.notify_one();
    Ok(queued)
}

/// A task, with the progress of this moment if it runs in this process.
///
/// # Errors
/// Not found, also for another organization's task.
pub async fn find(app: &App, org: airlock_model::OrgId, id: TaskId) -> Result<TaskInfo, Failure> {
    let found = match app.unwritten.find(org, id) {
        Some(task) => Some(task),
        None => airlock_db::tasks::find(app.db(), org, id)
            .await
            .map_err(|error| Failure::internal(&error))?,
    };
    let mut task = found.ok_or_else(|| {
        Failure::not_found(format!("there is no task {id}"))
            .hint("airlock task list --all shows them; a sync that found nothing new is shown for a while only")
    })?;
    app.board.show(&mut task);
    Ok(task)
}
