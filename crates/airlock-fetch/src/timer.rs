//! Time as a parameter: waits and deadlines that tests can move by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A future that ends at some time.
pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time and chance come from.
pub trait Timer: Send + Sync + fmt::Debug {
    /// Time since an arbitrary fixed start; never goes back.
    fn now(&self) -> Duration;
    /// Waits on purpose: between two tries, or for the bandwidth limit.
    fn rest(&self, length: Duration) -> Waiting;
    /// Ends when `now()` has reached `at`; races against a transfer.
    fn until(&self, at: Duration) -> Waiting;
    /// A length between zero and `ceiling`: full jitter of the back-off, so that many clients of one
    /// upstream do not come back in step.
    fn jitter(&self, ceiling: Duration) -> Duration;
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemTimer {
    start: Instant,
}

impl SystemTimer {
    /// A timer that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for SystemTimer {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn rest(&self, length: Duration) -> Waiting {
        Box::pin(tokio::time::sleep(length))
    }

    fn until(&self, at: Duration) -> Waiting {
        Box::pin(tokio::time::sleep_until((self.start + at).into()))
    }

    fn jitter(&self, ceiling: Duration) -> Duration {
        let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(rand::random_range(0..=micros))
    }
}

/// A timer for tests: rests end at once, are written down and move the clock on; deadlines pass only
/// when the clock is moved. Jitter is the whole ceiling, so that the back-off is predictable.
#[derive(Debug)]
pub struct ManualTimer {
    now: watch::Sender<Duration>,
    rests: Mutex<Vec<Duration>>,
}

impl ManualTimer {
    /// A timer at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: watch::Sender::new(Duration::ZERO),
            rests: Mutex::new(Vec::new()),
        }
    }

    /// Moves the clock on.
    pub fn advance(&self, length: Duration) {
        self.now.send_modify(|now| *now += length);
    }

    /// The rests taken so far, oldest first.
    #[must_use]
    pub fn rests(&self) -> Vec<Duration> {
        self.rests
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

impl Default for ManualTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for ManualTimer {
    fn now(&self) -> Duration {
        *self.now.borrow()
    }

    fn rest(&self, length: Duration) -> Waiting {
        self.rests
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(length);
        self.advance(length);
        Box::pin(std::future::ready(()))
    }

    fn until(&self, at: Duration) -> Waiting {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // An error means that the timer is gone, and with it whoever could pass the deadline.
            if now.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn jitter(&self, ceiling: Duration) -> Duration {
        ceiling
    }
}
