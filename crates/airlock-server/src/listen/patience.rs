//! How long peers are waited for: for the head of a request, for its body, and when they want nothing at all.
//!
//! A limit on each read alone would let one byte a while hold a connection for ever; so heads have one deadline, and
//! bodies have to come at a least rate.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::Instant;

/// The limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From a head's first byte to its last; also for the TLS handshake.
    pub head: Duration,
    /// Without any request.
    pub idle: Duration,
    /// For a body in one go; what comes earns its sender more, up to this again.
    pub body: Duration,
    /// Bytes that earn a second.
    pub rate: u64,
    /// For any of these once the server is ending.
    pub last: Duration,
}

impl Limits {
    /// Those of the server.
    pub const USUAL: Self = Self {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        body: Duration::from_secs(60),
        rate: 1_024,
        last: Duration::from_secs(2),
    };
}

/// The body of a request did not come in time.
#[derive(Debug)]
pub struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request came too slowly")
    }
}

impl Error for TooSlow {}

/// Whether an error is, or comes from, [`TooSlow`].
#[must_use]
pub fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<TooSlow>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// A request's body that has to come at a least rate. Only the time that the server waits for the peer counts, not
/// what it takes to work on what came.
pub struct PatientBody {
    inner: Body,
    limits: Limits,
    /// What may still be waited.
    left: Duration,
    waiting: Option<(Instant, Wait)>,
    stop: Option<watch::Receiver<bool>>,
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

impl PatientBody {
    /// `inner` under these limits; `stop` turns true when the server ends.
    #[must_use]
    pub fn new(inner: Body, limits: Limits, stop: Option<watch::Receiver<bool>>) -> Self {
        Self {
            inner,
            limits,
            left: limits.body,
            waiting: None,
            stop,
        }
    }

    /// Ends when `left` is over, or shortly after the server began to end.
    fn wait(&self) -> Wait {
        let (left, last, stop) = (self.left, self.limits.last, self.stop.clone());
        Box::pin(async move {
            let ending = async {
                if let Some(mut stop) = stop
                    && stop.wait_for(|stop| *stop).await.is_ok()
                {
                    tokio::time::sleep(last).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = ending => {}
            }
        })
    }
}

impl HttpBody for PatientBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            let (_, wait) = match this.waiting.take() {
                Some(waiting) => this.waiting.insert(waiting),
                None => {
                    let wait = this.wait();
                    this.waiting.insert((Instant::now(), wait))
                }
            };
            ready!(wait.as_mut().poll(context));
            return Poll::Ready(Some(Err(axum::Error::new(TooSlow))));
        };
        if let Some((since, _)) = this.waiting.take() {
            this.left = this.left.saturating_sub(since.elapsed());
        }
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            let millis = (data.len() as u64).saturating_mul(1_000) / this.limits.rate.max(1);
            this.left = this
                .left
                .saturating_add(Duration::from_millis(millis))
                .min(this.limits.body);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The requests of one connection that are being worked on.
#[derive(Debug, Clone)]
pub struct Requests(watch::Sender<usize>);

/// A request that is being worked on, until its answer is sent or given up.
#[derive(Debug)]
pub struct OpenRequest(Requests);

impl Requests {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self(watch::Sender::new(0))
    }

    /// One more.
    #[must_use]
    pub fn open(&self) -> OpenRequest {
        self.0.send_modify(|open| *open += 1);
        OpenRequest(self.clone())
    }

    /// Ends when there was none for that long.
    pub async fn quiet(&self, limit: Duration) {
        let mut open = self.0.subscribe();
        loop {
            // Never fails: the sender is `self`.
            let _ = open.wait_for(|open| *open == 0).await;
            if tokio::time::timeout(limit, open.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl OpenRequest {
    /// The answer's body, with which the request ends.
    pub fn until_sent(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            let _ = &self;
            frame
        }))
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}
