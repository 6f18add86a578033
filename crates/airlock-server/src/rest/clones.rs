//! Clones by date: plan, read the plan, apply it.

use std::sync::Arc;

use airlock_content::{LARGEST_PLAN, write_plan};
use airlock_model::{
    ChannelLabel, CloneOutcome, CloneRequest, ErrorKind, Plan, PlanSummary, TaskId, TaskInfo,
    TaskState,
};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Accepted, Body, start};
use super::query::Params;
use crate::api;
use crate::app::App;
use crate::listen::patience::{TooSlow, is_too_slow};
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::{Job, find};

/// Plans a clone by date. Nothing is changed; the task's result is the plan in numbers (`PlanSummary`), and
/// `GET /api/v1/tasks/{id}/plan` gives all of it.
#[utoipa::path(post, path = "/api/v1/clones/plan", tag = "clones", request_body = CloneRequest,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn plan(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(request): Body<CloneRequest>,
) -> Result<Accepted, Failure> {
    if request.channels.is_empty() || request.channels.len() > Plan::MOST_CHANNELS {
        return Err(Failure::invalid(format!(
            "channels has to hold 1 to {} pairs of source and destination",
            Plan::MOST_CHANNELS
        )));
    }
    // Destinations may have to be made; that they are nobody else's is seen when the task looks.
    let mut existing: Vec<ChannelLabel> = Vec::new();
    existing.extend(request.channels.iter().map(|pair| pair.source.clone()));
    if let Some(parents) = &request.parents {
        existing.extend(parents.source.clone());
        existing.push(parents.destination.clone());
    }
    for label in &existing {
        app.content.channel(who.0.org, label).await?;
    }
    start(
        &app,
        &who,
        &headers,
        Job::Plan {
            request: Box::new(request),
        },
    )
    .await
}

/// Which part of a plan is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// A package (NEVRA or name), advisory or requirement: only what explains it; default: the whole plan.
    about: Option<String>,
}

/// The plan that a task made, or that it applied.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/plan", tag = "clones", params(("id" = i64, Path), Wanted),
    responses((status = 200, body = Plan), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn plan_of_task(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(id): Path<i64>,
    Params(wanted): Params<Wanted>,
) -> Result<([(HeaderName, HeaderValue); 2], Vec<u8>), Failure> {
    let summary = summary_of(&find(&app, actor.org, TaskId(id)).await?)?;
    let bytes = match wanted.about {
        Some(name) => {
            let part = app.content.plan_about(&summary.digest, name).await?;
            write_plan(&part)?
        }
        None => app.content.plan_bytes(&summary.digest).await?,
    };
    Ok((
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        bytes,
    ))
}

/// How a plan is applied.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Applied {
    /// Plans again when channels have moved on since; default: that is refused.
    rebase: bool,
    /// The task whose plan it is; default: the body is the plan.
    task: Option<i64>,
}

/// Applies a plan: all its channels in one step. The task's result is a `CloneOutcome`.
#[utoipa::path(post, path = "/api/v1/clones/apply", tag = "clones", params(Applied),
    request_body(content = Plan, description = "The plan's bytes; empty with `task`"),
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem)))]
pub async fn apply(
    State(app): State<Arc<App>>,
    who: As,
    Params(applied): Params<Applied>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Accepted, Failure> {
    let body = body.map_err(refused)?;
    let (digest, labels) = match applied.task {
        Some(_) if !body.is_empty() => {
            return Err(
                Failure::invalid("the plan is given twice: by a task, and in the body")
                    .hint("leave one of them out"),
            );
        }
        Some(id) => {
            let summary = summary_of(&find(&app, who.0.org, TaskId(id)).await?)?;
            let labels = summary.channels.into_iter().map(|one| one.destination);
            (summary.digest, labels.collect())
        }
        None => {
            let kept = app.content.keep_plan(body.into()).await?;
            (kept.digest, kept.destinations)
        }
    };
    start(
        &app,
        &who,
        &headers,
        Job::Clone {
            digest,
            labels,
            rebase: applied.rebase,
        },
    )
    .await
}

/// Most plans that are taken back at once.
const MOST_UNDONE: usize = 100;

/// Takes applied plans back: every channel that they changed gets what it held before them, all in one step, unless one
/// of them has moved on since. The task's result says what was done, or with `dry_run` what would be.
#[utoipa::path(post, path = "/api/v1/clones/undo", tag = "clones", request_body = api::Undo,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn undo(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(wish): Body<api::Undo>,
) -> Result<Accepted, Failure> {
    let named = || wish.plans.iter().flat_map(|plan| &plan.channels);
    let (plans, channels) = (wish.plans.len(), named().count());
    if plans == 0 || plans > MOST_UNDONE || channels == 0 || channels > 10 * Plan::MOST_CHANNELS {
        return Err(Failure::invalid(format!(
            "plans has to hold 1 to {MOST_UNDONE} plans with 1 to {} channels",
            10 * Plan::MOST_CHANNELS
        )));
    }
    // Channels that are gone are left out with a note, as long as there is one.
    let mut missing = None;
    for one in named() {
        match app.content.channel(who.0.org, &one.channel).await {
            Ok(_) => {
                missing = None;
                break;
            }
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    if let Some(error) = missing {
        return Err(error.into());
    }
    start(
        &app,
        &who,
        &headers,
        Job::Undo {
            plans: wish.plans,
            dry_run: wish.dry_run,
        },
    )
    .await
}

/// What the task's plan comes to.
fn summary_of(task: &TaskInfo) -> Result<PlanSummary, Failure> {
    let id = task.id;
    let read = |result: &serde_json::Value| match task.kind.as_str() {
        "plan" => serde_json::from_value(result.clone()),
        _ => serde_json::from_value(result.clone()).map(|outcome: CloneOutcome| outcome.summary),
    };
    match (task.kind.as_str(), task.state, &task.result) {
        ("plan" | "clone", TaskState::Done, Some(result)) => {
            read(result).map_err(|error| Failure::internal(&error))
        }
        ("plan" | "clone", state, _) => Err(Failure::new(
            ErrorKind::Conflict,
            format!("task {id} has no plan: it is {}", state.as_str()),
        )
        .hint(format!("airlock task show {id} says more"))),
        (kind, ..) => Err(Failure::not_found(format!(
            "task {id} has no plan: it is a {kind}"
        ))),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(rejection: BytesRejection) -> Failure {
    if is_too_slow(&rejection) {
        return Failure::invalid(TooSlow.to_string()).status(StatusCode::REQUEST_TIMEOUT);
    }
    let failure = Failure::invalid(rejection.body_text()).status(rejection.status());
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return failure.hint(format!("a plan has at most {LARGEST_PLAN} bytes"));
    }
    failure
}
