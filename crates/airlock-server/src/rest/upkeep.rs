//! fsck, gc, backup as tasks; the audit log.

use std::sync::Arc;

use airlock_model::{AuditId, TaskInfo};
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Accepted, Body, start};
use super::query::Params;
use crate::api;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::Job;

/// Checks everything stored.
#[utoipa::path(post, path = "/api/v1/fsck", tag = "upkeep", request_body = api::Fsck, responses((status = 202, body = TaskInfo)))]
pub async fn fsck(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(wish): Body<api::Fsck>,
) -> Result<Accepted, Failure> {
    start(
        &app,
        &who,
        &headers,
        Job::Fsck {
            deep: wish.deep,
            repair: wish.repair,
        },
    )
    .await
}

/// Removes files that nothing needs.
#[utoipa::path(post, path = "/api/v1/gc", tag = "upkeep", request_body = api::Gc, responses((status = 202, body = TaskInfo), (status = 400, body = Problem)))]
pub async fn gc(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(wish): Body<api::Gc>,
) -> Result<Accepted, Failure> {
    let grace_seconds = wish.grace_seconds.unwrap_or(crate::tasks::GRACE_SECONDS);
    if !(0..=10 * 365 * 86_400).contains(&grace_seconds) {
        return Err(Failure::invalid("grace_seconds has to be 0 to ten years"));
    }
    start(&app, &who, &headers, Job::Gc { grace_seconds }).await
}

/// Copies everything into a folder of the server.
#[utoipa::path(post, path = "/api/v1/backup", tag = "upkeep", request_body = api::Backup, responses((status = 202, body = TaskInfo), (status = 400, body = Problem)))]
pub async fn backup(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(wish): Body<api::Backup>,
) -> Result<Accepted, Failure> {
    let directory = std::path::PathBuf::from(wish.directory);
    if !directory.is_absolute() {
        return Err(Failure::invalid(
            "directory has to be an absolute path on the server",
        ));
    }
    if directory.starts_with(&app.settings.data) {
        return Err(
            Failure::invalid("a backup inside the data folder would be lost with it")
                .hint("name a folder outside of it, best on another disk"),
        );
    }
    start(&app, &who, &headers, Job::Backup { directory }).await
}

/// Which rows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rows {
    /// Only rows older than this one.
    before: Option<i64>,
    /// At most this many, 1 to 1000; default 200.
    limit: Option<u32>,
    /// Another organization's log, by its name; for administrators of the server.
    org: Option<String>,
}

/// The audit log, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "upkeep", params(Rows),
    responses((status = 200, body = Vec<api::AuditRow>), (status = 403, body = Problem)))]
pub async fn audit(
    State(app): State<Arc<App>>,
    As(_, caller): As,
    Params(rows): Params<Rows>,
) -> Result<Json<Vec<api::AuditRow>>, Failure> {
    let limit = rows.limit.unwrap_or(200);
    if limit == 0 || limit > 1_000 {
        return Err(Failure::invalid("limit has to be 1 to 1000"));
    }
    let org = super::organizations::wanted(&app, &caller, rows.org.as_deref()).await?;
    let list = airlock_db::audit::list(app.db(), org, rows.before.map(AuditId), limit)
        .await
        .map_err(|error| Failure::internal(&error))?;
    Ok(Json(
        list.into_iter()
            .map(|row| api::AuditRow {
                id: row.id.0,
                instant: row.instant,
                principal: row.principal,
                cause: row.cause,
                request_id: row.request_id,
                verb: row.verb,
                object: row.object,
                detail: row.detail,
            })
            .collect(),
    ))
}
