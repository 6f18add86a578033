//! Tasks: list, show, wait, cancel.

use std::sync::Arc;
use std::time::Duration;

use airlock_model::{TaskId, TaskInfo, TaskState};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::query::Params;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::{find, seen};

/// Which tasks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Those that ended, too; default: only those that wait or run.
    all: bool,
    /// Only in this state.
    #[param(inline)]
    state: Option<TaskState>,
    /// Only tasks older than this one.
    before: Option<i64>,
    /// At most this many, 1 to 1000; default 100.
    limit: Option<u32>,
}

/// Tasks of the organization, newest first.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(Which), responses((status = 200, body = Vec<TaskInfo>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Params(which): Params<Which>,
) -> Result<Json<Vec<TaskInfo>>, Failure> {
    let limit = which.limit.unwrap_or(100);
    if limit == 0 || limit > 1_000 {
        return Err(Failure::invalid("limit has to be 1 to 1000"));
    }
    let before = which.before.map(TaskId);
    let states = match (which.state, which.all) {
        (Some(state), _) => vec![Some(state)],
        (None, true) => vec![None],
        (None, false) => vec![Some(TaskState::Queued), Some(TaskState::Running)],
    };
    let mut tasks = Vec::new();
    for state in &states {
        tasks.extend(app.unwritten.list(actor.org, *state, before));
        tasks.extend(
            airlock_db::tasks::list(app.db(), actor.org, *state, before, limit)
                .await
                .map_err(|error| Failure::internal(&error))?,
        );
    }
    tasks.sort_by_key(|task| std::cmp::Reverse(task.id));
    tasks.truncate(limit as usize);
    for task in &mut tasks {
        app.board.show(task);
    }
    // Some that ended could not be written down yet.
    tasks.retain(|task| states.contains(&None) || states.contains(&Some(task.state)));
    Ok(Json(tasks))
}

/// How long to wait for something new.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Seconds to wait at most, 0 to 60; the answer comes earlier when the task ends or goes on.
    wait: u64,
    /// What the caller saw last; opaque.
    seen: Option<String>,
}

/// One task. With `wait` the answer comes when there is something new.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "tasks", params(("id" = i64, Path), Wait),
    responses((status = 200, body = TaskInfo), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(id): Path<i64>,
    Params(wait): Params<Wait>,
) -> Result<Json<TaskInfo>, Failure> {
    if wait.wait > 60 {
        return Err(Failure::invalid("wait has to be 0 to 60 seconds"));
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(wait.wait);
    loop {
        // Asked for before the look, so that an end in between is not missed.
        let end = app.board.some_end();
        tokio::pin!(end);
        end.as_mut().enable();
        let task = find(&app, actor.org, TaskId(id)).await?;
        let news = wait.seen.as_deref() != Some(seen(&task).as_str());
        if task.state.is_over() || tokio::time::Instant::now() >= until {
            return Ok(Json(task));
        }
        if news && wait.seen.is_some() {
            return Ok(Json(task));
        }
        // Progress is not signalled; a few looks a second are enough for eyes.
        tokio::select! {
            () = end => {}
            () = tokio::time::sleep_until(until.min(tokio::time::Instant::now() + Duration::from_millis(200))) => {}
        }
    }
}

/// Asks a task to stop.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", params(("id" = i64, Path)),
    responses((status = 200, body = TaskInfo), (status = 404, body = Problem)))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(id): Path<i64>,
) -> Result<Json<TaskInfo>, Failure> {
    let id = TaskId(id);
    // What gets its row in between is stopped by the board.
    if app
        .unwritten
        .request_cancel(actor.org, id, app.now())
        .is_none()
    {
        airlock_db::tasks::request_cancel(app.db(), actor.org, id, app.now())
            .await
            .map_err(|error| Failure::internal(&error))?;
    }
    let task = find(&app, actor.org, id).await?;
    app.board.cancel(id);
    Ok(Json(task))
}
