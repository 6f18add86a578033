//! Downloads of whole files: mirrors, retries, resuming, verification.

use std::pin::pin;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use url::Url;

use crate::body::Body;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::exchange::{self, Answer};
use crate::job::{Downloaded, Job, Location, Placed};
use crate::location;
use crate::part::{Part, Validator};
use crate::progress::Progress;
use crate::session::{Session, blocking};
use crate::shown::ShownUrl;
use crate::sink::{Gathered, Sink};
use crate::turns::Turns;
use crate::upstream::Mirror;

/// How much is gathered before it goes to the disk in one step.
const GATHER: usize = 512 * 1024;

/// Where one try goes.
enum Target {
    Remote(Url),
    Local {
        root: std::path::PathBuf,
        path: String,
    },
}

impl Session {
    /// Downloads one file and verifies it.
    ///
    /// A broken transfer goes on where it broke off, after a restart too; failures that may pass are
    /// retried with growing waits; a mirror that does not have the file, or has a wrong one, is passed over.
    ///
    /// # Errors
    /// See [`Error`]; with several mirrors [`Error::AllMirrors`].
    pub async fn download(
        &self,
        job: &Job,
        progress: &Progress,
        cancel: &Cancel,
    ) -> Result<Downloaded> {
        let label = match &job.location {
            Location::Relative(path) => {
                location::check(path)?;
                path.clone()
            }
            Location::Absolute(url) => ShownUrl::new(url).to_string(),
        };
        let order = match &job.location {
            Location::Relative(_) => self.0.order(),
            Location::Absolute(_) => vec![0],
        };
        let scored = matches!(job.location, Location::Relative(_));
        let mut sink = Sink::new(job.follow.clone());
        let mut turns = Turns::new(order, self.0.shared.timer.now());
        loop {
            cancel.check()?;
            let mirror = turns.mirror();
            let before = sink.received();
            let tried = match self.target(job, mirror)? {
                Target::Local { root, path } => {
                    self.place_local(job, root, path, progress, cancel).await
                }
                Target::Remote(url) => self.receive(job, &url, &mut sink, progress, cancel).await,
            };
            match tried {
                Ok(done) => {
                    if scored {
                        self.0.worked(mirror);
                    }
                    progress.add_file();
                    return Ok(done);
                }
                Err(error) => {
                    tracing::debug!(%error, "try failed");
                    if scored && error.is_transient() {
                        self.0.failed(mirror);
                    }
                    let timer = &self.0.shared.timer;
                    if sink.received() > before {
                        turns.went_on(timer.now());
                    }
                    let rest =
                        turns.failed(error, &self.0.shared.settings, timer.as_ref(), &label)?;
                    if !rest.is_zero() {
                        cancel.guard(timer.rest(rest)).await?;
                    }
                }
            }
        }
    }

    fn target(&self, job: &Job, mirror: usize) -> Result<Target> {
        match &job.location {
            Location::Relative(path) => Ok(match &self.0.mirrors[mirror] {
                Mirror::Http { base, token } => {
                    Target::Remote(location::join(base, path, token.as_deref()))
                }
                Mirror::Local { root } => Target::Local {
                    root: root.clone(),
                    path: path.clone(),
                },
            }),
            Location::Absolute(url) => match url.scheme() {
                "http" | "https" => {
                    let mut url = url.clone();
                    let _ = url.set_username("");
                    let _ = url.set_password(None);
                    Ok(Target::Remote(url))
                }
                "file" => self.below_local_base(url),
                _ => Err(Error::BadUpstream {
                    url: ShownUrl::new(url),
                    reason: "only http, https and file are possible",
                }),
            },
        }
    }

    fn below_local_base(&self, url: &Url) -> Result<Target> {
        let path = url.to_file_path().unwrap_or_default();
        for mirror in &self.0.mirrors {
            if let Mirror::Local { root } = mirror
                && let Some(inside) = path
                    .strip_prefix(root)
                    .ok()
                    .and_then(std::path::Path::to_str)
            {
                location::check(inside)?;
                return Ok(Target::Local {
                    root: root.clone(),
                    path: inside.to_owned(),
                });
            }
        }
        Err(Error::BadPath {
            path: ShownUrl::new(url).to_string(),
            reason: "a local file outside of the upstream",
        })
    }

    /// One try over the network.
    async fn receive(
        &self,
        job: &Job,
        url: &Url,
        sink: &mut Sink,
        progress: &Progress,
        cancel: &Cancel,
    ) -> Result<Downloaded> {
        // The place at the host covers the transfer; hosts that are only redirected to are not counted.
        let _place = cancel.guard(self.0.shared.hosts.place(url)).await?;
        sink.open(job, cancel).await?;
        let mut fresh = sink.part()?.len() == 0;
        loop {
            let at = sink.part()?.len();
            let content_type = if at > 0 && job.size == Some(at) {
                None
            } else {
                self.transfer(job, url, sink, progress, cancel).await?
            };
            let found = sink.part()?.found();
            match verify(job, url, sink.part()?, content_type) {
                Ok(sums) => {
                    let part = sink.take()?;
                    let folder = job.folder.clone();
                    let file = blocking(move || part.finish(&folder)).await??;
                    return Ok(Downloaded {
                        file,
                        sha256: sums.sha256,
                        size: sums.len,
                        verified: job.checksum.is_some(),
                        placed: Placed::Received,
                        resumed_from: found,
                    });
                }
                Err(error) => {
                    sink.reset().await?;
                    // Pieces of two different files do not make one; this mirror's own may be right.
                    if fresh {
                        return Err(error);
                    }
                    fresh = true;
                }
            }
        }
    }

    /// Receives what is missing; gives the answer's content type.
    async fn transfer(
        &self,
        job: &Job,
        url: &Url,
        sink: &mut Sink,
        progress: &Progress,
        cancel: &Cancel,
    ) -> Result<Option<String>> {
        let (answer, at) = self.begin(job, url, sink, cancel).await?;
        sink.show().await?;
        let followed = job.follow.is_some();
        let content_type = text(answer.response.headers(), CONTENT_TYPE);
        let timer = &self.0.shared.timer;
        let mut body = Body::new(answer, &self.0.shared, cancel, at, job.size);
        let mut gathered = Gathered::default();
        let mut len = at;
        let ended = loop {
            let mut ours = Duration::ZERO;
            let next = {
                let mut next = pin!(body.next());
                tokio::select! {
                    biased;
                    next = &mut next => next,
                    // Somebody reads along: what is here is written as soon as there is a pause.
                    () = std::future::ready(()), if followed && gathered.bytes > 0 => {
                        let before = timer.now();
                        gathered.write(sink, job, len).await?;
                        ours = timer.now().saturating_sub(before);
                        next.await
                    }
                }
            };
            body.excuse(ours);
            let chunk = match next {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            len += chunk.len() as u64;
            sink.count(chunk.len());
            progress.add_bytes(chunk.len() as u64);
            if len > job.most() {
                sink.reset().await?;
                return Err(too_long(job, &body.url, len, content_type));
            }
            gathered.bytes += chunk.len();
            gathered.chunks.push(chunk);
            if gathered.bytes >= GATHER {
                let before = timer.now();
                gathered.write(sink, job, len).await?;
                body.excuse(timer.now().saturating_sub(before));
            }
        };
        // What came before a break is good, and the next try goes on after it.
        gathered.write(sink, job, len).await?;
        ended?;
        if let Some(size) = job.size
            && len < size
            && !body.is_framed()
        {
            return Err(Error::Transfer {
                url: ShownUrl::new(&body.url),
                at: len,
                reason: "the connection was closed".to_owned(),
            });
        }
        Ok(content_type)
    }

    /// Asks for the rest of the file, or for the whole where that is not possible.
    async fn begin(
        &self,
        job: &Job,
        url: &Url,
        sink: &mut Sink,
        cancel: &Cancel,
    ) -> Result<(Answer, u64)> {
        let origin = url.origin().ascii_serialization();
        for _ in 0..2 {
            let at = sink.part()?.len();
            let mut headers = HeaderMap::new();
            let known = sink.part()?.validator(&origin).map(str::to_owned);
            if at > 0 {
                if let Ok(range) = HeaderValue::try_from(format!("bytes={at}-")) {
                    headers.insert(RANGE, range);
                }
                if let Some(Ok(value)) = known.as_deref().map(HeaderValue::from_str) {
                    headers.insert(IF_RANGE, value);
                }
            }
            let answer = exchange::ask(&self.0, url, &headers, cancel).await?;
            let headers = answer.response.headers();
            let fresh = validator(&origin, headers);
            match answer.response.status() {
                StatusCode::OK => {
                    let length =
                        text(headers, CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
                    check_length(job, &answer, length)?;
                    if at > 0 {
                        sink.reset().await?;
                    }
                    sink.part_mut()?.set_validator(fresh);
                    return Ok((answer, 0));
                }
                StatusCode::PARTIAL_CONTENT if at > 0 => {
                    let range = text(headers, CONTENT_RANGE)
                        .as_deref()
                        .and_then(content_range);
                    let same_file = match (&known, &fresh) {
                        (Some(known), Some(fresh)) => *known == fresh.value,
                        // Nothing to compare: only a checksum can tell whether the pieces fit.
                        _ => job.checksum.is_some(),
                    };
                    if let Some((start, total)) = range
                        && start == at
                        && same_file
                    {
                        check_length(job, &answer, total)?;
                        if known.is_none() {
                            sink.part_mut()?.set_validator(fresh);
                        }
                        return Ok((answer, at));
                    }
                }
                StatusCode::RANGE_NOT_SATISFIABLE if at > 0 => {}
                _ => return Err(exchange::status_error(&answer.url, &answer.response)),
            }
            // The rest cannot be had: once more from the start, and without asking for a range.
            sink.reset().await?;
        }
        Err(Error::Transfer {
            url: ShownUrl::new(url),
            at: 0,
            reason: "the host gives neither the rest of the file nor the whole".to_owned(),
        })
    }
}

/// Compares the length that an answer announces with what must come.
fn check_length(job: &Job, answer: &Answer, length: Option<u64>) -> Result<()> {
    let Some(length) = length else { return Ok(()) };
    let wrong = job.size.is_some_and(|size| size != length) || length > job.most();
    if wrong {
        let content_type = text(answer.response.headers(), CONTENT_TYPE);
        return Err(too_long(job, &answer.url, length, content_type));
    }
    Ok(())
}

fn too_long(job: &Job, url: &Url, got: u64, content_type: Option<String>) -> Error {
    let url = ShownUrl::new(url);
    match job.size {
        Some(expected) => Error::Size {
            url,
            expected,
            got,
            content_type,
        },
        None => Error::TooLarge {
            url,
            limit: job.limit,
        },
    }
}

fn verify(
    job: &Job,
    url: &Url,
    part: &Part,
    content_type: Option<String>,
) -> Result<crate::digest::Sums> {
    let sums = part.sums();
    check_sums(job, ShownUrl::new(url), &sums, content_type)?;
    Ok(sums)
}

/// Size and checksum as the metadata says?
pub(crate) fn check_sums(
    job: &Job,
    url: ShownUrl,
    sums: &crate::digest::Sums,
    content_type: Option<String>,
) -> Result<()> {
    if let Some(expected) = job.size
        && expected != sums.len
    {
        return Err(Error::Size {
            url,
            expected,
            got: sums.len,
            content_type,
        });
    }
    match &job.checksum {
        Some(checksum) if checksum.hex() != sums.wanted_hex => Err(Error::Checksum {
            url,
            algorithm: checksum.algorithm(),
            expected: checksum.hex().to_owned(),
            got: sums.wanted_hex.clone(),
            content_type,
        }),
        _ => Ok(()),
    }
}

/// A strong ETag, or else the date; weak tags do not promise equal bytes.
fn validator(origin: &str, headers: &HeaderMap) -> Option<Validator> {
    let etag = text(headers, ETAG).filter(|tag| tag.starts_with('"'));
    let value = etag.or_else(|| text(headers, LAST_MODIFIED))?;
    Some(Validator {
        origin: origin.to_owned(),
        value,
    })
}

/// `bytes 10-19/20` → start 10, total 20 (`*`: unknown).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    let total = match total.trim() {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    Some((start, total))
}

pub(crate) fn text(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_answers() {
        assert_eq!(content_range("bytes 10-19/20"), Some((10, Some(20))));
        assert_eq!(content_range("bytes 10-19/*"), Some((10, None)));
        for text in [
            "bytes */20",
            "10-19/20",
            "bytes 10/20",
            "bytes x-19/20",
            "bytes 1-2/y",
            "",
        ] {
            assert_eq!(content_range(text), None, "{text:?}");
        }
    }
}
