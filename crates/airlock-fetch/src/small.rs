//! Small files that are read into memory: `repomd.xml`, its signature, keys, `.treeinfo`.

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use url::Url;

use crate::body::Body;
use crate::cancel::Cancel;
use crate::download::text;
use crate::error::{Error, Result};
use crate::exchange;
use crate::local;
use crate::location;
use crate::session::{Session, blocking};
use crate::shown::ShownUrl;
use crate::turns::Turns;
use crate::upstream::Mirror;

/// What an upstream said about a file's state; sent back to ask "changed since?".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag` header; for local files one made of inode, size and time.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

/// A small file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallFile {
    /// The content.
    pub bytes: Vec<u8>,
    /// To ask with next time.
    pub validators: Validators,
    /// Where it came from in the end, for messages: no user, password or query.
    pub url: ShownUrl,
}

/// The answer to a request for a small file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Small {
    /// The same as when the validators were given.
    Unchanged,
    /// The file.
    Bytes(SmallFile),
}

impl Session {
    /// Reads a file of at most `limit` bytes; with the validators of an earlier answer it may be "unchanged".
    ///
    /// # Errors
    /// See [`Error`]; [`Error::TooLarge`] for files above the limit. Mirrors and retries as in
    /// [`Session::download`].
    pub async fn small(
        &self,
        path: &str,
        limit: u64,
        known: Option<&Validators>,
        cancel: &Cancel,
    ) -> Result<Small> {
        location::check(path)?;
        let mut turns = Turns::new(self.0.order(), self.0.shared.timer.now());
        loop {
            cancel.check()?;
            let mirror = turns.mirror();
            let tried = match &self.0.mirrors[mirror] {
                Mirror::Http { base, token } => {
                    let url = location::join(base, path, token.as_deref());
                    self.small_remote(&url, limit, known, cancel).await
                }
                Mirror::Local { root } => {
                    let (root, path, known) = (root.clone(), path.to_owned(), known.cloned());
                    blocking(move || local::read_small(&root, &path, limit, known.as_ref())).await?
                }
            };
            match tried {
                Ok(answer) => {
                    self.0.worked(mirror);
                    return Ok(answer);
                }
                Err(error) => {
                    tracing::debug!(%error, "try failed");
                    if error.is_transient() {
                        self.0.failed(mirror);
                    }
                    let timer = &self.0.shared.timer;
                    let rest =
                        turns.failed(error, &self.0.shared.settings, timer.as_ref(), path)?;
                    if !rest.is_zero() {
                        cancel.guard(timer.rest(rest)).await?;
                    }
                }
            }
        }
    }

    async fn small_remote(
        &self,
        url: &Url,
        limit: u64,
        known: Option<&Validators>,
        cancel: &Cancel,
    ) -> Result<Small> {
        let _place = cancel.guard(self.0.shared.hosts.place(url)).await?;
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (IF_NONE_MATCH, known.and_then(|known| known.etag.as_deref())),
            (
                IF_MODIFIED_SINCE,
                known.and_then(|known| known.last_modified.as_deref()),
            ),
        ] {
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        let answer = exchange::ask(&self.0, url, &headers, cancel).await?;
        match answer.response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if !headers.is_empty() => return Ok(Small::Unchanged),
            _ => return Err(exchange::status_error(&answer.url, &answer.response)),
        }
        let said = answer.response.headers();
        let validators = Validators {
            etag: text(said, ETAG),
            last_modified: text(said, LAST_MODIFIED),
        };
        let length = text(said, CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        let shown = ShownUrl::new(&answer.url);
        let too_large = || Error::TooLarge {
            url: shown.clone(),
            limit,
        };
        if length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = Body::new(answer, &self.0.shared, cancel, 0, length);
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Small::Bytes(SmallFile {
            bytes,
            validators,
            url: shown,
        }))
    }
}
