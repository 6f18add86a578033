//! Whether everything in a channel can be installed: long, so a task, but it changes nothing.

use std::sync::Arc;

use airlock_model::TaskInfo;
use axum::extract::{Path, State};
use http::HeaderMap;

use super::body::{Accepted, Body, label, label_at, selector, start};
use crate::api;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::Job;

/// Channels that can be named beside another one.
const MOST_BESIDE: usize = 100;

/// Checks that every package of a version can be installed. The task's result is a `CheckReport`.
#[utoipa::path(post, path = "/api/v1/channels/{label}/check", tag = "versions", params(("label" = String, Path)), request_body = api::Check,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn check(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Check>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    selector(&app, wish.version.as_deref())?;
    if wish.with.len() > MOST_BESIDE {
        return Err(Failure::invalid(format!(
            "with has to name at most {MOST_BESIDE} channels"
        )));
    }
    for other in wish.with.iter().chain(&wish.baseline) {
        let (other, _) = label_at(&app, other)?;
        app.content.channel(who.0.org, &other).await?;
    }
    start(
        &app,
        &who,
        &headers,
        Job::Check {
            label,
            version: wish.version,
            with: wish.with,
            baseline: wish.baseline,
        },
    )
    .await
}
