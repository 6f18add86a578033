//! Organizations: for administrators of the server. Everything else of the API stays inside the caller's own one.

use std::sync::Arc;

use airlock_db::organizations::{self, OrganizationRow};
use airlock_model::{Actor, ErrorKind, OrgId};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;

use super::body::Body;
use crate::api;
use crate::app::App;
use crate::principal::Caller;
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Longest name, in characters.
const LONGEST_NAME: usize = 128;

/// All organizations.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "organizations", responses((status = 200, body = Vec<api::OrganizationRow>)))]
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<api::OrganizationRow>>, Failure> {
    let rows = organizations::list(app.db())
        .await
        .map_err(|error| Failure::internal(&error))?;
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// One organization.
#[utoipa::path(get, path = "/api/v1/organizations/{name}", tag = "organizations", params(("name" = String, Path)),
    responses((status = 200, body = api::OrganizationRow), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<api::OrganizationRow>, Failure> {
    Ok(Json(shown(find(&app, &name).await?)))
}

/// Makes an organization. It has no user yet.
#[utoipa::path(post, path = "/api/v1/organizations", tag = "organizations", request_body = api::NewOrganization,
    responses((status = 201, body = api::OrganizationRow), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Body(new): Body<api::NewOrganization>,
) -> Result<(StatusCode, Json<api::OrganizationRow>), Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let name = new.name;
    let good = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if !good {
        return Err(Failure::invalid(format!(
            "an organization's name has 1 to {LONGEST_NAME} printable characters and no space at its ends"
        )));
    }
    let now = app.now();
    let mut tx = app.db().begin().await.map_err(internal)?;
    let id = organizations::create(&mut tx, &name, now)
        .await
        .map_err(internal)?
        .ok_or_else(|| {
            Failure::new(
                ErrorKind::Conflict,
                format!("organization {name} exists already"),
            )
        })?;
    airlock_db::audit::append(
        &mut tx,
        &actor,
        now,
        "org.create",
        &name,
        &serde_json::json!({ "id": id }),
    )
    .await
    .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    let made = api::OrganizationRow {
        name,
        created: now,
        users: 0,
        channels: 0,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

fn shown(row: OrganizationRow) -> api::OrganizationRow {
    api::OrganizationRow {
        name: row.name,
        created: row.created,
        users: row.users,
        channels: row.channels,
    }
}

async fn find(app: &App, name: &str) -> Result<OrganizationRow, Failure> {
    organizations::find(app.db(), name)
        .await
        .map_err(|error| Failure::internal(&error))?
        .ok_or_else(|| {
            Failure::not_found(format!("there is no organization {name}")).hint("airlock org list")
        })
}

/// The organization that a request is about: the caller's own, or by name any other for administrators of the server.
///
/// # Errors
/// 403 for everybody else, whether there is one of that name or not.
pub async fn wanted(app: &App, caller: &Caller, name: Option<&str>) -> Result<OrgId, Failure> {
    let Some(name) = name else {
        return Ok(caller.org);
    };
    if !caller.administers_server() {
        return Err(caller.is_no_server_administrator());
    }
    Ok(find(app, name).await?.id)
}

/// The name of an organization that a row refers to.
pub async fn name(app: &App, id: OrgId) -> Result<String, Failure> {
    organizations::name(app.db(), id)
        .await
        .map_err(|error| Failure::internal(&error))?
        .ok_or_else(|| Failure::internal(&format!("organization {id} has no row")))
}

/// Whoever changes something of another organization leaves the trace there.
pub fn within(actor: &Actor, org: OrgId) -> Actor {
    Actor {
        org,
        ..actor.clone()
    }
}
