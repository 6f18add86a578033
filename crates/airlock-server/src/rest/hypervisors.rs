//! Hypervisors and guests: lists, one of them, what happened, and the sources that report them.

use std::sync::Arc;

use airlock_model::{
    GuestPlace, HypervisorDetail, HypervisorEvent, HypervisorRow, HypervisorSource,
};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::query::Params;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Events in one answer, when nothing is said.
const USUAL: u32 = 100;
/// Events in one answer at most.
const MOST: u32 = 10_000;

/// Which hosts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Also those that went.
    gone: bool,
}

/// Hosts of guests, by cluster and name.
#[utoipa::path(get, path = "/api/v1/hypervisors", tag = "hypervisors", params(Which),
    responses((status = 200, body = Vec<HypervisorRow>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Params(which): Params<Which>,
) -> Result<Json<Vec<HypervisorRow>>, Failure> {
    Ok(Json(app.fleet().hypervisors(actor.org, which.gone).await?))
}

/// One host with its facts and guests: by number, name, id or uuid.
#[utoipa::path(get, path = "/api/v1/hypervisors/{host}", tag = "hypervisors", params(("host" = String, Path)),
    responses((status = 200, body = HypervisorDetail), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(host): Path<String>,
) -> Result<Json<HypervisorDetail>, Failure> {
    Ok(Json(app.fleet().hypervisor(actor.org, &host).await?))
}

/// Whose history, and how much of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Of a host: by number, name, id or uuid.
    host: Option<String>,
    /// Of a guest: by uuid.
    guest: Option<String>,
    /// At most so many events, 100 by default.
    limit: Option<u32>,
}

/// What happened to hosts and guests, newest first.
#[utoipa::path(get, path = "/api/v1/hypervisor-events", tag = "hypervisors", params(Whose),
    responses((status = 200, body = Vec<HypervisorEvent>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn events(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Params(whose): Params<Whose>,
) -> Result<Json<Vec<HypervisorEvent>>, Failure> {
    if whose.host.is_some() && whose.guest.is_some() {
        return Err(Failure::invalid("host and guest exclude each other")
            .hint("ask for the guest: its history names the hosts"));
    }
    let most = whose.limit.unwrap_or(USUAL).clamp(1, MOST);
    let events = app
        .fleet()
        .history(
            actor.org,
            whose.host.as_deref(),
            whose.guest.as_deref(),
            most,
        )
        .await?;
    Ok(Json(events))
}

/// Where a guest is, by its uuid in any spelling and byte order.
#[utoipa::path(get, path = "/api/v1/guests/{uuid}", tag = "hypervisors", params(("uuid" = String, Path)),
    responses((status = 200, body = Vec<GuestPlace>), (status = 404, body = Problem)))]
pub async fn guest(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(uuid): Path<String>,
) -> Result<Json<Vec<GuestPlace>>, Failure> {
    let places = app.fleet().guest(actor.org, &uuid).await?;
    if places.is_empty() {
        return Err(
            Failure::not_found(format!("no hypervisor has a guest {uuid}"))
                .hint("airlock hypervisor history --guest UUID says where it was"),
        );
    }
    Ok(Json(places))
}

/// The sources that report hypervisors, and how they are doing.
#[utoipa::path(get, path = "/api/v1/hypervisor-sources", tag = "hypervisors",
    responses((status = 200, body = Vec<HypervisorSource>)))]
pub async fn sources(
    State(app): State<Arc<App>>,
    As(actor, _): As,
) -> Result<Json<Vec<HypervisorSource>>, Failure> {
    Ok(Json(app.fleet().sources(actor.org).await?))
}

/// Which source.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Named {
    /// Its name, `REPORTER/SECTION`.
    name: String,
}

/// Forgets a source with its hosts, guests and history.
#[utoipa::path(delete, path = "/api/v1/hypervisor-sources", tag = "hypervisors", params(Named),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn forget(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Params(named): Params<Named>,
) -> Result<StatusCode, Failure> {
    app.fleet().forget_source(&actor, &named.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
