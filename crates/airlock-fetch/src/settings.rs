//! What is the same for all upstreams: limits, timeouts, retries.

use std::num::NonZeroU64;
use std::time::Duration;

/// Settings of a [`crate::Fetcher`]. The defaults suit a server on a normal line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Bytes a second for all downloads together; `None` for no limit.
    pub bandwidth: Option<NonZeroU64>,
    /// Requests at the same moment to one host and port.
    pub parallel_per_host: usize,
    /// For the connection, TLS included.
    pub connect_timeout: Duration,
    /// From the request to the first line of the answer.
    pub answer_timeout: Duration,
    /// A transfer that brings fewer bytes a second than this over `rate_window` is given up.
    pub min_rate: u64,
    /// The time over which `min_rate` is looked at.
    pub rate_window: Duration,
    /// A file may take this long, and the time that its size needs at `min_rate` on top.
    pub deadline_base: Duration,
    /// How often all usable mirrors are gone through again after failures that may pass.
    pub retries: u32,
    /// How long a file is tried for without a byte of it coming; after that no failure is waited out any more. `None`:
    /// only `retries` counts.
    pub patience: Option<Duration>,
    /// Longest wait before the first retry; doubles with each one.
    pub back_off_first: Duration,
    /// Longest wait before any retry.
    pub back_off_most: Duration,
    /// A host that asks (`Retry-After`) for a longer wait is not asked again.
    pub longest_retry_after: Duration,
    /// Redirects followed for one request.
    pub redirects: usize,
    /// Mirrors tried for one file.
    pub mirrors: usize,
    /// Whether files of `file:` upstreams may be hard-linked where no reflink is possible. Only files that nobody has
    /// the right to write are: a change in place of a linked file would change ours too. All others are copied.
    pub hard_links: bool,
}

/// dnf and zypper wait half a minute for a first byte, and try again themselves.
const CLIENTS_PATIENCE: Duration = Duration::from_secs(4);

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_agent: concat!("airlock/", env!("CARGO_PKG_VERSION")).to_owned(),
            bandwidth: None,
            parallel_per_host: 8,
            connect_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(60),
            min_rate: 1_000,
            rate_window: Duration::from_secs(60),
            deadline_base: Duration::from_secs(600),
            retries: 5,
            patience: None,
            back_off_first: Duration::from_secs(1),
            back_off_most: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(300),
            redirects: 10,
            mirrors: 50,
            hard_links: true,
        }
    }
}

impl Settings {
    /// The same for downloads that a client waits for, which would give up itself before long.
    pub(crate) fn for_clients(&self) -> Self {
        Self {
            patience: Some(CLIENTS_PATIENCE),
            parallel_per_host: self.parallel_per_host.saturating_mul(4),
            ..self.clone()
        }
    }

    /// The longest an attempt for `size` bytes may take (waits for the bandwidth limit not counted).
    pub(crate) fn deadline(&self, size: Option<u64>) -> Duration {
        let seconds = size.unwrap_or(0) / self.min_rate.max(1);
        self.deadline_base
            .saturating_add(Duration::from_secs(seconds))
    }

    /// The longest wait before retry number `round` (from 1).
    pub(crate) fn back_off(&self, round: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(round.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.back_off_first
            .saturating_mul(factor)
            .min(self.back_off_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_its_ceiling() {
        let settings = Settings::default();
        let seconds: Vec<u64> = (1..=7)
            .map(|round| settings.back_off(round).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(settings.back_off(u32::MAX).as_secs(), 30);
    }

    #[test]
    fn big_files_get_more_time() {
        let settings = Settings::default();
        assert_eq!(settings.deadline(None).as_secs(), 600);
        assert_eq!(settings.deadline(Some(5_000_000)).as_secs(), 5_600);
    }
}
