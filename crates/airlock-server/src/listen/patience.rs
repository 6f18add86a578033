//! How long peers are waited for: for the head of a request, for its body, to take an answer, and when they want nothing
//! at all.
//!
//! A limit on each read alone would let one byte a while hold a connection for ever; so heads have one deadline, and
//! bodies have to come at a least rate.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
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
    /// Without the peer taking anything of an answer.
    pub taking: Duration,
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
        taking: Duration::from_secs(120),
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
pub struct Requests {
    open: watch::Sender<usize>,
    answers: Arc<Mutex<Vec<Weak<Taken>>>>,
}

/// Since when the peer has taken nothing of an answer though there was something; none while the answer waits for us.
#[derive(Debug)]
struct Taken(Mutex<Option<Instant>>);

impl Taken {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being worked on, until its answer is sent or given up.
#[derive(Debug)]
pub struct OpenRequest(Requests);

impl Requests {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self {
            open: watch::Sender::new(0),
            answers: Arc::default(),
        }
    }

    /// One more.
    #[must_use]
    pub fn open(&self) -> OpenRequest {
        self.open.send_modify(|open| *open += 1);
        OpenRequest(self.clone())
    }

    /// Ends when there was none for that long.
    pub async fn quiet(&self, limit: Duration) {
        let mut open = self.open.subscribe();
        loop {
            // Never fails: the sender is `self`.
            let _ = open.wait_for(|open| *open == 0).await;
            if tokio::time::timeout(limit, open.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Ends when the peer has taken nothing of some watched answer for that long. A peer of HTTP/2 can stop reading one
    /// answer while the connection goes on: it gives no more credit and answers pings.
    pub async fn stalled(&self, limit: Duration) {
        loop {
            tokio::time::sleep(limit / 4).await;
            if self
                .waits_since()
                .is_some_and(|since| since.elapsed() >= limit)
            {
                return;
            }
        }
    }

    /// Since when the watched answer that waits longest waits for the peer.
    fn waits_since(&self) -> Option<Instant> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|answer| answer.strong_count() > 0);
        answers
            .iter()
            .filter_map(|answer| answer.upgrade()?.since())
            .min()
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

    /// The same, watched by [`Requests::stalled`].
    pub fn until_taken(self, body: Body) -> Body {
        let taken = Arc::new(Taken(Mutex::new(Some(Instant::now()))));
        self.0
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(&taken));
        Body::new(WatchedBody {
            inner: body,
            taken,
            _open: self,
        })
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// The body of an answer: it is asked for the next piece when the peer has taken enough of those before.
struct WatchedBody {
    inner: Body,
    taken: Arc<Taken>,
    _open: OpenRequest,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        this.taken.set(frame.is_ready().then(Instant::now));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn an_answer_that_waits_for_the_server_is_no_stall() {
        let requests = Requests::none();
        let (pieces, waiting) = tokio::sync::mpsc::channel::<Result<Bytes, axum::Error>>(1);
        let stream = futures_util::stream::unfold(waiting, |mut waiting| async move {
            Some((waiting.recv().await?, waiting))
        });
        let mut body = requests.open().until_taken(Body::from_stream(stream));
        assert!(requests.waits_since().is_some(), "nobody has asked yet");
        assert!(body.frame().now_or_never().is_none());
        assert!(
            requests.waits_since().is_none(),
            "asked, and nothing is there"
        );
        pieces.send(Ok(Bytes::from_static(b"x"))).await.unwrap();
        assert!(body.frame().now_or_never().is_some());
        assert!(requests.waits_since().is_some(), "it has a piece");
        drop(body);
        assert!(requests.waits_since().is_none());
        requests.quiet(Duration::ZERO).await;
    }
}
