//! Reading JSON bodies and starting tasks: what most handlers do.

use std::sync::Arc;

use airlock_model::{ChannelLabel, TaskInfo, VersionSelector};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::listen::patience::{TooSlow, is_too_slow};
use crate::problem::Failure;
use crate::rights::As;
use crate::tasks::Job;

/// A JSON body, whose mistakes become problem documents.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &JsonRejection) -> Failure {
    if is_too_slow(rejection) {
        return Failure::invalid(TooSlow.to_string()).status(StatusCode::REQUEST_TIMEOUT);
    }
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    Failure::invalid(rejection.body_text())
        .status(status)
        .hint("/api/v1/openapi.json describes what is taken")
}

/// A label in a path. A text that is no label names no channel.
pub fn label(text: &str) -> Result<ChannelLabel, Failure> {
    ChannelLabel::new(text).map_err(|_| crate::repos::unknown_channel(text))
}

/// `LABEL[@VERSION]` in a query or body.
pub fn label_at(app: &App, text: &str) -> Result<(ChannelLabel, VersionSelector), Failure> {
    let (name, version) = text
        .split_once('@')
        .map_or((text, None), |(name, version)| (name, Some(version)));
    Ok((label(name)?, selector(app, version)?))
}

/// A version's number or instant; none is the current one.
pub fn selector(app: &App, text: Option<&str>) -> Result<VersionSelector, Failure> {
    match text {
        None => Ok(VersionSelector::Current),
        Some(text) => VersionSelector::parse(text, &app.settings.zone)
            .map_err(|error| Failure::invalid(error.to_string())),
    }
}

/// 202 with the task.
pub struct Accepted(pub TaskInfo);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&format!("/api/v1/tasks/{}", self.0.id)).ok();
        let mut response = (StatusCode::ACCEPTED, Json(self.0)).into_response();
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Puts a job into the queue for the caller.
pub async fn start(
    app: &Arc<App>,
    who: &As,
    headers: &HeaderMap,
    job: Job,
) -> Result<Accepted, Failure> {
    let key = idempotency_key(headers)?;
    crate::tasks::enqueue(app, &who.0, key.as_deref(), &job)
        .await
        .map(Accepted)
}

/// `Idempotency-Key`: 1 to 255 printable characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= 255);
    text.map(|text| Some(text.to_owned())).ok_or_else(|| {
        Failure::invalid("the Idempotency-Key has to be 1 to 255 printable characters")
    })
}
