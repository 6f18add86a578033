//! Channels: list, show, create, set, delete, undelete.

use std::sync::Arc;

use airlock_model::{Channel, ChannelPatch, DeletePreview, NewChannel};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Body, label};
use super::query::Params;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::tell_last_syncs;

/// All channels of the organization.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", responses((status = 200, body = Vec<Channel>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    As(actor, _): As,
) -> Result<Json<Vec<Channel>>, Failure> {
    let mut channels = app.content.channels(actor.org).await?;
    for channel in &mut channels {
        channel.next_sync = app.unwritten.next_sync(channel);
    }
    tell_last_syncs(&app, actor.org, &mut channels).await?;
    Ok(Json(channels))
}

/// Makes a channel.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = NewChannel,
    responses((status = 201, body = Channel), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Body(new): Body<NewChannel>,
) -> Result<(StatusCode, Json<Channel>), Failure> {
    let channel = app.content.create_channel(&actor, new).await?;
    Ok((StatusCode::CREATED, Json(channel)))
}

/// One channel.
#[utoipa::path(get, path = "/api/v1/channels/{label}", tag = "channels", params(("label" = String, Path)),
    responses((status = 200, body = Channel), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
) -> Result<Json<Channel>, Failure> {
    let mut channel = app.content.channel(actor.org, &label(&name)?).await?;
    channel.next_sync = app.unwritten.next_sync(&channel);
    tell_last_syncs(&app, actor.org, std::slice::from_mut(&mut channel)).await?;
    Ok(Json(channel))
}

/// Changes settings; absent fields stay.
#[utoipa::path(patch, path = "/api/v1/channels/{label}", tag = "channels", params(("label" = String, Path)), request_body = ChannelPatch,
    responses((status = 200, body = Channel), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
    Body(patch): Body<ChannelPatch>,
) -> Result<Json<Channel>, Failure> {
    Ok(Json(
        app.content
            .set_channel(&actor, &label(&name)?, patch)
            .await?,
    ))
}

/// Deletes a channel; can be undone for seven days.
#[utoipa::path(delete, path = "/api/v1/channels/{label}", tag = "channels", params(("label" = String, Path)),
    responses((status = 200, body = DeletePreview), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
) -> Result<Json<DeletePreview>, Failure> {
    Ok(Json(
        app.content.delete_channel(&actor, &label(&name)?).await?,
    ))
}

/// What deleting it would take away.
#[utoipa::path(get, path = "/api/v1/channels/{label}/deletion", tag = "channels", params(("label" = String, Path)),
    responses((status = 200, body = DeletePreview), (status = 404, body = Problem)))]
pub async fn deletion(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
) -> Result<Json<DeletePreview>, Failure> {
    Ok(Json(
        app.content
            .delete_preview(actor.org, &label(&name)?)
            .await?,
    ))
}

/// Which deleted channel is brought back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Undeletion {
    /// Where several channels of the label were deleted: 1 for the one that was deleted last, 2 for the one before.
    pub deleted: Option<usize>,
}

/// Brings a deleted channel back.
#[utoipa::path(post, path = "/api/v1/channels/{label}/undelete", tag = "channels", params(("label" = String, Path), Undeletion),
    responses((status = 200, body = Channel), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn undelete(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(name): Path<String>,
    Params(which): Params<Undeletion>,
) -> Result<Json<Channel>, Failure> {
    Ok(Json(
        app.content
            .undelete_channel(&actor, &label(&name)?, which.deleted)
            .await?,
    ))
}
