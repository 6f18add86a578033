//! Reading versions: packages, errata, versions, differences.

use std::sync::Arc;

use airlock_model::{DiffReport, ErratumRow, PackageRow, VersionInfo};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{label, label_at, selector};
use super::query::Params;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Rows of a list asked for at a time.
const MOST_ROWS: usize = 1_000;

/// Which version, and which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// A version's number or an instant; default: the current version.
    at: Option<String>,
    /// Only names that match this glob (packages).
    name: Option<String>,
    /// At most this many rows, 1 to 1000; default: all.
    limit: Option<usize>,
    /// Leaves this many rows out at the beginning.
    offset: Option<usize>,
}

impl Part {
    fn check(&self) -> Result<(), Failure> {
        if self
            .limit
            .is_some_and(|limit| limit == 0 || limit > MOST_ROWS)
        {
            return Err(Failure::invalid(format!(
                "limit has to be 1 to {MOST_ROWS}"
            )));
        }
        Ok(())
    }
}

fn cut<T>(mut rows: Vec<T>, part: &Part) -> Vec<T> {
    let offset = part.offset.unwrap_or(0).min(rows.len());
    rows.drain(..offset);
    if let Some(limit) = part.limit {
        rows.truncate(limit);
    }
    rows
}

/// The versions of a channel, newest first.
#[utoipa::path(get, path = "/api/v1/channels/{label}/versions", tag = "versions", params(("label" = String, Path)),
    responses((status = 200, body = Vec<VersionInfo>), (status = 404, body = Problem)))]
pub async fn versions(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
) -> Result<Json<Vec<VersionInfo>>, Failure> {
    Ok(Json(app.content.versions(actor.org, &label(&name)?).await?))
}

/// The packages of a version.
#[utoipa::path(get, path = "/api/v1/channels/{label}/packages", tag = "versions", params(("label" = String, Path), Part),
    responses((status = 200, body = Vec<PackageRow>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn packages(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
    Params(part): Params<Part>,
) -> Result<Json<Vec<PackageRow>>, Failure> {
    part.check()?;
    let at = selector(&app, part.at.as_deref())?;
    let rows = app
        .content
        .packages(actor.org, &label(&name)?, at, part.name.as_deref())
        .await?;
    Ok(Json(cut(rows, &part)))
}

/// The errata of a version.
#[utoipa::path(get, path = "/api/v1/channels/{label}/errata", tag = "versions", params(("label" = String, Path), Part),
    responses((status = 200, body = Vec<ErratumRow>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn errata(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
    Params(part): Params<Part>,
) -> Result<Json<Vec<ErratumRow>>, Failure> {
    part.check()?;
    let at = selector(&app, part.at.as_deref())?;
    let rows = app.content.errata(actor.org, &label(&name)?, at).await?;
    Ok(Json(cut(rows, &part)))
}

/// What is compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Compared {
    /// Before: `LABEL[@VERSION]`.
    from: String,
    /// After: `LABEL[@VERSION]`.
    to: String,
    /// Children too.
    #[serde(default)]
    tree: bool,
}

/// What differs between two versions; one report a channel.
#[utoipa::path(get, path = "/api/v1/diff", tag = "versions", params(Compared),
    responses((status = 200, body = Vec<DiffReport>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn diff(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Params(wish): Params<Compared>,
) -> Result<Json<Vec<DiffReport>>, Failure> {
    let from = label_at(&app, &wish.from)?;
    let to = label_at(&app, &wish.to)?;
    let from = (&from.0, from.1);
    let to = (&to.0, to.1);
    let reports = if wish.tree {
        app.content.diff_tree(actor.org, from, to).await?
    } else {
        vec![app.content.diff(actor.org, from, to).await?]
    };
    Ok(Json(reports))
}
