//! Limits shared by all downloads of a [`crate::Fetcher`]: bytes a second, and parallel requests a host.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// How far a transfer may run ahead of the rate before it has to wait.
const BURST: Duration = Duration::from_millis(250);

/// Spreads bytes evenly over time (a leaky bucket kept as "when would all of this have been through").
#[derive(Debug)]
pub(crate) struct Bandwidth {
    bytes_per_second: Option<NonZeroU64>,
    through: Mutex<Duration>,
}

impl Bandwidth {
    pub(crate) fn new(bytes_per_second: Option<NonZeroU64>) -> Self {
        Self {
            bytes_per_second,
            through: Mutex::new(Duration::ZERO),
        }
    }

    /// Counts `bytes` that came at `now`, and says how long to wait before reading more.
    pub(crate) fn charge(&self, bytes: u64, now: Duration) -> Duration {
        let Some(rate) = self.bytes_per_second else {
            return Duration::ZERO;
        };
        let mut through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
        let length = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        *through = (*through).max(now).saturating_add(length);
        through.saturating_sub(now.saturating_add(BURST))
    }
}

/// Parallel requests, counted by host and port.
#[derive(Debug)]
pub(crate) struct Hosts {
    parallel: usize,
    permits: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Hosts {
    pub(crate) fn new(parallel: usize) -> Self {
        Self {
            parallel: parallel.max(1),
            permits: Mutex::new(HashMap::new()),
        }
    }

    /// Waits for a place at the URL's host; the place is free again when the permit is dropped.
    pub(crate) async fn place(&self, url: &Url) -> Option<OwnedSemaphorePermit> {
        let key = format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default()
        );
        let semaphore = {
            let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
            // Hosts that nobody uses now are forgotten, so that years of mirrors do not add up.
            if permits.len() > 256 {
                permits.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            }
            Arc::clone(
                permits
                    .entry(key)
                    .or_insert_with(|| Arc::new(Semaphore::new(self.parallel))),
            )
        };
        // The semaphore is never closed, so this is always a permit.
        semaphore.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spread_evenly() {
        let bandwidth = Bandwidth::new(NonZeroU64::new(1_000_000));
        let mut now = Duration::ZERO;
        for _ in 0..100 {
            now += bandwidth.charge(100_000, now);
        }
        // Ten million bytes at a million a second, less the quarter of a second that may run ahead.
        assert_eq!(now, Duration::from_millis(9_750));
    }

    #[test]
    fn an_idle_line_gives_no_credit() {
        let bandwidth = Bandwidth::new(NonZeroU64::new(1_000));
        assert_eq!(
            bandwidth.charge(250, Duration::from_secs(100)),
            Duration::ZERO
        );
        assert_eq!(
            bandwidth.charge(1_000, Duration::from_secs(100)),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn no_limit_never_waits() {
        assert_eq!(
            Bandwidth::new(None).charge(u64::MAX, Duration::ZERO),
            Duration::ZERO
        );
    }
}
