//! Errors as RFC 9457 problem documents, made in one place: handlers say what failed, the outermost layer adds the
//! request's id and writes the document.

use airlock_model::ErrorKind;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:airlock:problem:KIND`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What went wrong, for a person.
    pub detail: String,
    /// What went wrong, for a program.
    pub kind: ErrorKind,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The request; the server's log lines about it carry the same id.
    pub request_id: String,
}

/// A request that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    kind: ErrorKind,
    detail: String,
    hint: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// A failure of a kind, with the status that belongs to it.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            status: status_of(kind),
            kind,
            detail: detail.into(),
            hint: None,
            headers: Vec::new(),
        }
    }

    /// Nothing is there.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, detail)
    }

    /// The request is wrong.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, detail)
    }

    /// Nobody, or nobody known: 401 with the way to say who one is.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, detail)
            .status(StatusCode::UNAUTHORIZED)
            .header(
                header::WWW_AUTHENTICATE,
                "Basic realm=\"airlock\", charset=\"UTF-8\"",
            )
    }

    /// A fault of the server. What happened goes to the log only, since it may name files and addresses.
    #[must_use]
    pub fn internal(what: &(impl std::fmt::Display + ?Sized)) -> Self {
        tracing::error!(error = %what, "a request failed inside the server");
        Self::new(ErrorKind::Internal, "something failed inside the server")
            .hint("the server's log says more under this request's id")
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The status that it is answered with.
    #[must_use]
    pub const fn status_code(&self) -> StatusCode {
        self.status
    }

    /// What went wrong.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The document.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        let word = serde_json::to_value(self.kind).ok();
        let word = word
            .as_ref()
            .and_then(|word| word.as_str())
            .unwrap_or("internal");
        Problem {
            type_uri: format!("urn:airlock:problem:{word}"),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            kind: self.kind,
            hint: self.hint.clone(),
            request_id: request_id.to_owned(),
        }
    }

    /// Status, headers and document, for senders that are no axum handler.
    #[must_use]
    pub fn parts(&self, request_id: &str) -> (StatusCode, Vec<(HeaderName, HeaderValue)>, Vec<u8>) {
        let body = serde_json::to_vec(&self.problem(request_id)).unwrap_or_default();
        let mut headers = self.headers.clone();
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        headers.push((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        (self.status, headers, body)
    }
}

const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::Busy | ErrorKind::Cancelled => StatusCode::CONFLICT,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Upstream => StatusCode::BAD_GATEWAY,
        ErrorKind::Exhausted => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Corrupt | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<airlock_content::Error> for Failure {
    fn from(error: airlock_content::Error) -> Self {
        let kind = error.kind();
        if kind == ErrorKind::Internal {
            return Self::internal(&error);
        }
        let failure = Self::new(kind, error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<airlock_fleet::Error> for Failure {
    fn from(error: airlock_fleet::Error) -> Self {
        let kind = error.kind();
        if kind == ErrorKind::Internal {
            return Self::internal(&error);
        }
        let failure = Self::new(kind, error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// The id of a request, in answers, logs, tasks and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// A new one: 80 random bits.
    #[must_use]
    pub fn new() -> Self {
        Self(hex::encode(rand::random::<[u8; 10]>()))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

/// The outermost layer: gives the request its id, and turns every failure (also the ones axum makes by itself: unknown
/// path, wrong method, broken JSON, too large a body) into a problem document.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = %id.0);
    let response = tracing::Instrument::instrument(next.run(request), span).await;
    let mut response = documented(response, &id.0).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

async fn documented(mut response: Response, request_id: &str) -> Response {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let (status, headers, body) = failure.parts(request_id);
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = status;
        answer.headers_mut().extend(headers);
        return answer;
    }
    let status = response.status();
    let bare = (status.is_client_error() || status.is_server_error())
        && response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !bare || response.headers().contains_key(header::ETAG) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let text = to_bytes(response.into_body(), 2_000)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let kind = match status {
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::Exhausted,
        status if status.is_client_error() => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    };
    let detail = match (status, text.is_empty()) {
        (StatusCode::NOT_FOUND, true) => "there is nothing at this path".to_owned(),
        (StatusCode::METHOD_NOT_ALLOWED, true) => {
            "this path does not answer that method".to_owned()
        }
        (_, true) => status
            .canonical_reason()
            .unwrap_or("the request failed")
            .to_owned(),
        (_, false) => text,
    };
    // axum's 422 for JSON of the wrong shape is the same to a caller as broken JSON.
    let status = if status == StatusCode::UNPROCESSABLE_ENTITY {
        StatusCode::BAD_REQUEST
    } else {
        status
    };
    let (status, headers, body) = Failure::new(kind, detail).status(status).parts(request_id);
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().extend(headers);
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_a_document() {
        let failure =
            Failure::not_found("there is no channel el9-base").hint("airlock channel list");
        let (status, headers, body) = failure.parts("ab12");
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(
            headers
                .iter()
                .any(|(name, value)| name == header::CONTENT_TYPE && value == PROBLEM_JSON)
        );
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "type": "urn:airlock:problem:not_found", "title": "Not Found", "status": 404,
                "detail": "there is no channel el9-base", "kind": "not_found", "hint": "airlock channel list",
                "request_id": "ab12"
            })
        );
    }

    #[test]
    fn what_fails_inside_is_not_told() {
        let failure = Failure::internal("/var/lib/airlock/airlock.db: disk I/O error");
        let (_, _, body) = failure.parts("ab12");
        assert!(!String::from_utf8(body).unwrap().contains("airlock.db"));
    }
}
