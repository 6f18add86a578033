//! A request to stop, seen by every download of a job, also by those that wait for the network.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Result};

/// How often a foreign flag is looked at while a download waits.
const LOOK_EVERY: Duration = Duration::from_millis(200);

type Foreign = Box<dyn Fn() -> bool + Send + Sync>;

/// A flag that stops downloads. Clones share it.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Default)]
struct Inner {
    raised: AtomicBool,
    wake: Notify,
    foreign: Option<Foreign>,
}

impl Cancel {
    /// A flag nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that also counts as raised when `raised` says so, for callers with a flag of their own.
    #[must_use]
    pub fn following(raised: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            foreign: Some(Box::new(raised)),
            ..Inner::default()
        }))
    }

    /// Stops everything that holds this flag.
    pub fn cancel(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        self.0.wake.notify_waiters();
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
            || self.0.foreign.as_ref().is_some_and(|raised| raised())
    }

    /// [`Error::Cancelled`] once somebody asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Ends when somebody asks to stop.
    pub(crate) async fn cancelled(&self) {
        loop {
            let woken = self.0.wake.notified();
            tokio::pin!(woken);
            // Registered before the look, so that a call in between is not missed.
            woken.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            if self.0.foreign.is_some() {
                let _ = tokio::time::timeout(LOOK_EVERY, woken).await;
            } else {
                woken.await;
            }
        }
    }

    /// Runs `work` unless stopped before its end.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(Error::Cancelled),
            done = work => Ok(done),
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Cancel")
            .field(&self.is_cancelled())
            .finish()
    }
}
