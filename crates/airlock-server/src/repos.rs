//! What dnf, yum and zypper read: `/repos/LABEL[@VERSION]/…`, `/repos/LABEL.repo`, the channels' keys.
//!
//! Paths are looked up among the files of a version and never opened as they came. How an answer is sent (the fast
//! [`lane`] or the general path) makes no difference to what is answered.

pub mod answer;
pub mod condition;
pub mod lane;
pub mod lookup;
pub mod range;
pub mod send;
pub mod spelling;

mod body;
mod cache_control;
mod page;
mod repo_file;

use std::fs::File;
use std::sync::Arc;

use airlock_content::{ResolvedVersion, Served};
use airlock_model::{Access, Channel, ErrorKind};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use self::answer::{Answer, AnswerBody, Ready, Source};
use self::condition::Conditions;
use self::spelling::Wanted;
use crate::app::App;
use crate::principal;
use crate::problem::{Failure, RequestId};

/// The same for a channel that does not exist and one of another organization.
pub use self::repo_file::unknown as unknown_channel;

/// A GET or HEAD below `/repos/`, borrowed from the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The raw path, still encoded.
    pub path: &'a str,
    /// Whether it is a HEAD.
    pub head: bool,
    /// Range and preconditions.
    pub conditions: Conditions<'a>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// What stands behind the path's `?`.
    pub query: Option<&'a str>,
    /// `Host`.
    pub host: Option<&'a str>,
    /// Whether it came over TLS.
    pub tls: bool,
}

/// Whether a connection came over TLS; put into requests by the listener.
#[derive(Debug, Clone, Copy)]
pub struct OverTls(pub bool);

/// The axum handler, for TLS, HTTP/2 and whatever else the lane leaves.
pub async fn handle(State(app): State<Arc<App>>, request: axum::extract::Request) -> Response {
    let (parts, _body) = request.into_parts();
    let tls = parts.extensions.get::<OverTls>().is_some_and(|tls| tls.0);
    let wanted = Request {
        tls,
        ..Request::of(&parts)
    };
    let answer = answer_or_problem(&app, &wanted).await;
    let length = match &answer.body {
        _ if wanted.head => 0,
        _ => answer
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(0),
    };
    app.metrics.answered(answer.status, length);
    let mut response = Response::new(if wanted.head {
        Body::empty()
    } else {
        body::of(answer.body)
    });
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The answer, or the problem document of what failed.
pub async fn answer_or_problem(app: &Arc<App>, request: &Request<'_>) -> Answer {
    let mut request = *request;
    if request.head {
        // Ranges are for GET alone (RFC 9110, section 14.2).
        request.conditions.range = None;
    }
    let request = &request;
    let id = RequestId::new();
    let failure = match answer(app, request).await {
        Ok(answer) => return answer,
        Err(failure) => failure,
    };
    if failure.status_code().is_server_error() {
        tracing::error!(request = %id.0, path = request.path, detail = failure.detail(), "a download failed");
    }
    let (status, list, body) = failure.parts(&id.0);
    let mut headers = HeaderMap::with_capacity(6);
    headers.extend(list);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert("x-request-id", value);
    }
    Answer {
        status,
        headers,
        body: AnswerBody::Bytes(Bytes::from(body)),
    }
}

/// The media type of a key.
const PGP_KEYS: &str = "application/pgp-keys";

async fn answer(app: &Arc<App>, request: &Request<'_>) -> Result<Answer, Failure> {
    let nothing = || Failure::not_found("nothing is served at this path");
    match spelling::read(request.path).ok_or_else(nothing)? {
        Wanted::File { label_at, path } => file(app, request, &label_at, &path).await,
        // Said of every name, so that it tells nobody which channels there are. The dot keeps what stands before a colon
        // from being taken for a scheme.
        Wanted::NoSlash { raw } => redirect(&format!("./{raw}/")),
        Wanted::Page { label_at } => {
            let version = version(app, request, &label_at).await?;
            Ok(page::of(app, request, &version))
        }
        Wanted::Key { label_at, number } => {
            let label = label_at
                .split_once('@')
                .map_or(label_at.as_str(), |(label, _)| label);
            let base = readable_channel(app, request, label).await?;
            let keys = app
                .content
                .channel_keys(base.channel.org, &base.channel.label)
                .await?;
            let key = keys.into_iter().nth(number - 1).ok_or_else(nothing)?;
            Ok(text(&key, PGP_KEYS, &request.conditions, None))
        }
        Wanted::MetadataKey { label_at } => {
            let label = label_at
                .split_once('@')
                .map_or(label_at.as_str(), |(label, _)| label);
            let base = readable_channel(app, request, label).await?;
            if !base.channel.sign_metadata {
                return Err(nothing().hint("only channels with --sign-metadata have this key"));
            }
            let key = app.content.metadata_public_key().await?;
            Ok(text(&key, PGP_KEYS, &request.conditions, None))
        }
        Wanted::RepoFile { label } => {
            let base = readable_channel(app, request, &label).await?;
            let content = repo_file::of(app, request, &base).await?;
            // Without a date: the file changes with settings, of which nothing says when they were changed.
            Ok(text(
                &content,
                "text/plain; charset=utf-8",
                &request.conditions,
                None,
            ))
        }
    }
}

async fn file(
    app: &Arc<App>,
    request: &Request<'_>,
    label_at: &str,
    path: &str,
) -> Result<Answer, Failure> {
    let began = app.lookup.begin();
    let version = version(app, request, label_at).await?;
    if let Some(ready) = app.lookup.file(label_at, path) {
        return Ok(ready.answer(&request.conditions));
    }
    let cache_control = cache_control::of(&version, label_at, path);
    let ready = loop {
        let arriving = match app.content.open_path(&version, path).await? {
            Served::Bytes {
                bytes,
                sha256,
                modified,
                content_type,
            } => {
                let size = bytes.len() as u64;
                break Ready::new(
                    Source::Memory(bytes),
                    size,
                    &sha256,
                    modified.seconds(),
                    content_type,
                    cache_control,
                );
            }
            Served::File {
                path: file,
                size,
                sha256,
                modified,
                content_type,
            } => {
                let opened = File::open(&file)
                    .map_err(|error| Failure::internal(&format!("{}: {error}", file.display())))?;
                break Ready::new(
                    Source::Disk(Arc::new(opened)),
                    size,
                    &sha256,
                    modified.seconds(),
                    content_type,
                    cache_control,
                );
            }
            Served::Redirect { url } => return redirect(&url),
            Served::Arriving(arriving) => Arc::new(arriving),
        };
        let ready = Ready::new(
            Source::Arriving(Arc::clone(&arriving)),
            arriving.size,
            arriving.sha256.as_deref().unwrap_or_default(),
            arriving.modified.seconds(),
            arriving.content_type,
            cache_control,
        );
        if ready.comes_in_one_run(&request.conditions) {
            return Ok(ready.answer(&request.conditions));
        }
        arriving.stored().await?;
    };
    app.lookup.keep_file(began, label_at, path, &ready);
    Ok(ready.answer(&request.conditions))
}

/// The version behind `LABEL[@VERSION]`, if the caller may read it.
async fn version(
    app: &Arc<App>,
    request: &Request<'_>,
    label_at: &str,
) -> Result<Arc<ResolvedVersion>, Failure> {
    let version = match app.lookup.version(label_at) {
        Some(version) => version,
        None => {
            let began = app.lookup.begin();
            let found = match app.content.resolve(label_at).await {
                Ok(found) => Arc::new(found),
                Err(error) => return Err(unresolved(app, request, label_at, error).await),
            };
            app.lookup.keep_version(began, label_at, &found);
            found
        }
    };
    if version.channel.access == Access::Token {
        may_read(app, request, &version.channel).await?;
    }
    Ok(version)
}

/// A version that does not exist names the nearest one; of a channel that the caller may not read it says nothing.
async fn unresolved(
    app: &Arc<App>,
    request: &Request<'_>,
    label_at: &str,
    error: airlock_content::Error,
) -> Failure {
    let label = label_at
        .split_once('@')
        .map_or(label_at, |(label, _)| label);
    if error.kind() == ErrorKind::NotFound
        && let Ok(base) = repo_file::Base::find(app, label).await
        && base.channel.access == Access::Token
        && let Err(denied) = may_read(app, request, &base.channel).await
    {
        return denied;
    }
    error.into()
}

/// Only a token of the channel's organization, and if it names channels, one that names this one.
async fn may_read(app: &Arc<App>, request: &Request<'_>, channel: &Channel) -> Result<(), Failure> {
    let caller = principal::of_authorization(app, request.authorization).await?;
    let Some(caller) = caller else {
        return Err(Failure::unauthorized("this channel is read with a token only")
            .hint("give it as the password of user \"token\" (username= and password= in the .repo file), or as Authorization: Bearer"));
    };
    if caller.org != channel.org {
        return Err(repo_file::unknown(channel.label.as_str()));
    }
    if !caller.reads(&channel.label) {
        return Err(Failure::unauthorized(
            "the token given is not for this channel",
        ));
    }
    Ok(())
}

/// Keys and `.repo` files need a channel, not content: a channel without a version has them, too.
async fn readable_channel(
    app: &Arc<App>,
    request: &Request<'_>,
    label: &str,
) -> Result<repo_file::Base, Failure> {
    let base = repo_file::Base::find(app, label).await?;
    if base.channel.access == Access::Token {
        may_read(app, request, &base.channel).await?;
    }
    Ok(base)
}

fn redirect(url: &str) -> Result<Answer, Failure> {
    let location = HeaderValue::from_str(url)
        .map_err(|_| Failure::internal("an upstream's URL that cannot be a header"))?;
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    Ok(Answer {
        status: StatusCode::FOUND,
        headers,
        body: AnswerBody::Empty,
    })
}

/// A small text made for this request.
fn text(
    content: &str,
    content_type: &'static str,
    conditions: &Conditions<'_>,
    modified: Option<i64>,
) -> Answer {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    let size = bytes.len() as u64;
    Ready::new(
        Source::Memory(bytes),
        size,
        &sha256,
        modified,
        content_type,
        "no-cache",
    )
    .answer(conditions)
}
