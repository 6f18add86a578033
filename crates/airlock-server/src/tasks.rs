//! Long work: put into the queue by faces and schedules, carried out by workers, watched by everybody.

mod board;
mod job;
mod run;
mod schedule;
mod staging;
mod worker;

use std::sync::Arc;

use airlock_model::{Actor, TaskId, TaskInfo};

pub use board::{Board, seen};
pub use job::{Job, Staged};
pub use schedule::{keep_schedules, keep_up};
pub use staging::Staging;
pub use worker::{begin, work};

use crate::app::App;
use crate::problem::Failure;

/// Unreferenced blobs stay this long before `gc` takes them: a day, so that a client in the middle of a download still
/// finds its files.
pub const GRACE_SECONDS: i64 = 86_400;

/// Puts a job into the queue. The same key of the same caller gives the task that it gave before.
///
/// # Errors
/// What the database said.
pub async fn enqueue(
    app: &Arc<App>,
    actor: &Actor,
    key: Option<&str>,
    job: &Job,
) -> Result<TaskInfo, Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
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
    let mut tx = app.db().begin().await.map_err(internal)?;
    let id = airlock_db::tasks::enqueue(&mut tx, actor, &task, app.now())
        .await
        .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    app.new_task.notify_one();
    find(app, actor.org, id).await
}

/// A task, with the progress of this moment if it runs in this process.
///
/// # Errors
/// Not found, also for another organization's task.
pub async fn find(app: &App, org: airlock_model::OrgId, id: TaskId) -> Result<TaskInfo, Failure> {
    let found = airlock_db::tasks::find(app.db(), org, id)
        .await
        .map_err(|error| Failure::internal(&error))?;
    let mut task = found.ok_or_else(|| {
        Failure::not_found(format!("there is no task {id}"))
            .hint("airlock task list --all shows them")
    })?;
    app.board.show(&mut task);
    Ok(task)
}
