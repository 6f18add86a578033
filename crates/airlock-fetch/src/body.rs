//! The body of an answer, read under the lowest rate, the deadline, the bandwidth limit and the stop flag.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, Version};
use url::Url;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::exchange::Answer;
use crate::session::Shared;
use crate::shown::ShownUrl;

/// A body on its way.
pub(crate) struct Body<'a> {
    response: Response,
    pub(crate) url: Url,
    shared: &'a Shared,
    cancel: &'a Cancel,
    /// Start of the window in which the rate is looked at, moved on by all waits that are our own.
    window: Duration,
    window_bytes: u64,
    deadline: Duration,
    allowed: Duration,
    /// Bytes of the file that are here, for messages.
    at: u64,
    framed: bool,
}

impl<'a> Body<'a> {
    /// `at` is how much of the file is here already, `size` the file's whole size where it is known.
    pub(crate) fn new(
        answer: Answer,
        shared: &'a Shared,
        cancel: &'a Cancel,
        at: u64,
        size: Option<u64>,
    ) -> Self {
        let now = shared.timer.now();
        let allowed = shared.settings.deadline(size);
        let headers = answer.response.headers();
        let framed = answer.response.version() >= Version::HTTP_2
            || headers.contains_key(reqwest::header::TRANSFER_ENCODING)
            || headers.contains_key(reqwest::header::CONTENT_LENGTH);
        Self {
            response: answer.response,
            url: answer.url,
            shared,
            cancel,
            window: now,
            window_bytes: 0,
            deadline: now.saturating_add(allowed),
            allowed,
            at,
            framed,
        }
    }

    /// Whether the end of the body is known to be its end: an answer without length that just closes
    /// the connection may as well be cut.
    pub(crate) fn is_framed(&self) -> bool {
        self.framed
    }

    /// The next bytes, `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let window_end = self.window.saturating_add(self.shared.settings.rate_window);
            let late = self.shared.timer.until(window_end.min(self.deadline));
            let response = &mut self.response;
            let step = async {
                tokio::select! {
                    biased;
                    chunk = response.chunk() => Some(chunk),
                    () = late => None,
                }
            };
            match self.cancel.guard(step).await? {
                Some(Ok(Some(chunk))) => {
                    let length = chunk.len() as u64;
                    self.window_bytes += length;
                    self.at += length;
                    self.judge_rate()?;
                    self.hold_back(length).await?;
                    return Ok(Some(chunk));
                }
                Some(Ok(None)) => return Ok(None),
                Some(Err(error)) => {
                    return Err(Error::Transfer {
                        url: ShownUrl::new(&self.url),
                        at: self.at,
                        reason: crate::exchange::reason(&error),
                    });
                }
                None => self.judge_rate()?,
            }
        }
    }

    /// Time that went by for reasons of our own (disk, bandwidth limit) is not the upstream's fault.
    pub(crate) fn excuse(&mut self, length: Duration) {
        self.window = self.window.saturating_add(length);
        self.deadline = self.deadline.saturating_add(length);
    }

    fn judge_rate(&mut self) -> Result<()> {
        let now = self.shared.timer.now();
        if now >= self.deadline {
            return Err(Error::Deadline {
                url: ShownUrl::new(&self.url),
                seconds: self.allowed.as_secs(),
            });
        }
        let settings = &self.shared.settings;
        let length = now.saturating_sub(self.window);
        if length >= settings.rate_window {
            if self.window_bytes < settings.min_rate.saturating_mul(length.as_secs()) {
                return Err(Error::TooSlow {
                    url: ShownUrl::new(&self.url),
                    bytes: self.window_bytes,
                    seconds: length.as_secs(),
                });
            }
            self.window = now;
            self.window_bytes = 0;
        }
        Ok(())
    }

    async fn hold_back(&mut self, length: u64) -> Result<()> {
        let timer = &self.shared.timer;
        let wait = self.shared.bandwidth.charge(length, timer.now());
        if !wait.is_zero() {
            self.cancel.guard(timer.rest(wait)).await?;
            self.excuse(wait);
        }
        Ok(())
    }
}
