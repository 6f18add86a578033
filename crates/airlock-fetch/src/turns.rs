//! Whose turn it is: which mirror to ask next after a failure, and how long to wait before.

use std::collections::VecDeque;
use std::time::Duration;

use crate::error::{Error, Result, Verdict};
use crate::settings::Settings;
use crate::timer::Timer;

/// The mirrors of one file. All usable ones are asked once in a round without waiting; between two
/// rounds there is a wait that grows.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Not yet asked in this round; the first one has its turn.
    now: VecDeque<usize>,
    /// Failed in this round in a way that may pass.
    later: VecDeque<usize>,
    round: u32,
    asked: usize,
    tries: usize,
    /// The shortest wait that a host of this round asked for.
    asked_wait: Option<Duration>,
    /// Since when nothing has come.
    since: Duration,
}

impl Turns {
    /// `order` is not empty. `now` by the timer that [`Self::failed`] gets.
    pub(crate) fn new(order: Vec<usize>, now: Duration) -> Self {
        Self {
            since: now,
            now: order.into(),
            later: VecDeque::new(),
            round: 0,
            asked: 1,
            tries: 1,
            asked_wait: None,
        }
    }

    /// The mirror to ask.
    pub(crate) fn mirror(&self) -> usize {
        self.now.front().copied().unwrap_or(0)
    }

    /// Bytes have come: patience begins anew.
    pub(crate) fn went_on(&mut self, now: Duration) {
        self.since = now;
    }

    /// Takes the failure of the mirror whose turn it was. Says how long to rest before the next turn, or
    /// gives the error back when there is none.
    pub(crate) fn failed(
        &mut self,
        error: Error,
        settings: &Settings,
        timer: &dyn Timer,
        path: &str,
    ) -> Result<Duration> {
        let wait = match &error {
            Error::Status { retry_after, .. } => retry_after.map(Duration::from_secs),
            _ => None,
        };
        let verdict = match error.verdict() {
            Verdict::Transient if wait.is_some_and(|wait| wait > settings.longest_retry_after) => {
                Verdict::MirrorUnfit
            }
            verdict => verdict,
        };
        let Some(current) = self.now.pop_front() else {
            return Err(error);
        };
        match verdict {
            Verdict::Final => return Err(error),
            Verdict::MirrorUnfit => {}
            Verdict::Transient => {
                self.later.push_back(current);
                let wait = wait.unwrap_or_default();
                self.asked_wait = Some(self.asked_wait.map_or(wait, |known| known.min(wait)));
            }
        }
        // Every mirror may fail for the whole of a network's outage: the tries in all are bounded too.
        let most = usize::try_from(settings.retries)
            .unwrap_or(usize::MAX)
            .saturating_add(settings.mirrors);
        if self.tries >= most {
            return Err(self.last(error, path));
        }
        let impatient = |patience: Duration| timer.now().saturating_sub(self.since) > patience;
        if settings.patience.is_some_and(impatient) {
            return Err(self.last(error, path));
        }
        if !self.now.is_empty() {
            self.tries += 1;
            self.asked += usize::from(self.round == 0);
            return Ok(Duration::ZERO);
        }
        if self.later.is_empty() || self.round >= settings.retries {
            return Err(self.last(error, path));
        }
        self.tries += 1;
        self.round += 1;
        std::mem::swap(&mut self.now, &mut self.later);
        let asked = self.asked_wait.take().unwrap_or_default();
        let rest = timer.jitter(settings.back_off(self.round)).max(asked);
        let waited = timer.now().saturating_sub(self.since);
        if settings
            .patience
            .is_some_and(|patience| waited.saturating_add(rest) > patience)
        {
            return Err(self.last(error, path));
        }
        Ok(rest)
    }

    fn last(&self, error: Error, path: &str) -> Error {
        if self.asked > 1 {
            Error::AllMirrors {
                path: path.to_owned(),
                tried: self.asked,
                last: Box::new(error),
            }
        } else {
            error
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::shown::ShownUrl;
    use crate::timer::ManualTimer;

    fn status(status: u16, retry_after: Option<u64>) -> Error {
        Error::Status {
            url: ShownUrl::new(&Url::parse("http://example.org/x").unwrap()),
            status,
            retry_after,
        }
    }

    fn settings(retries: u32) -> Settings {
        Settings {
            retries,
            ..Settings::default()
        }
    }

    #[test]
    fn one_mirror_is_asked_again_with_growing_waits() {
        let (timer, settings) = (ManualTimer::new(), settings(3));
        let mut turns = Turns::new(vec![0], Duration::ZERO);
        let mut waits = Vec::new();
        let error = loop {
            match turns.failed(status(503, None), &settings, &timer, "x") {
                Ok(wait) => waits.push(wait.as_secs()),
                Err(error) => break error,
            }
        };
        assert_eq!(waits, [1, 2, 4]);
        assert!(matches!(error, Error::Status { status: 503, .. }));
    }

    #[test]
    fn other_mirrors_come_at_once_and_unfit_ones_never_again() {
        let (timer, settings) = (ManualTimer::new(), settings(1));
        let mut turns = Turns::new(vec![2, 0, 1], Duration::ZERO);
        assert_eq!(turns.mirror(), 2);
        assert_eq!(
            turns
                .failed(status(404, None), &settings, &timer, "x")
                .unwrap()
                .as_secs(),
            0
        );
        assert_eq!(turns.mirror(), 0);
        assert_eq!(
            turns
                .failed(status(500, None), &settings, &timer, "x")
                .unwrap()
                .as_secs(),
            0
        );
        assert_eq!(turns.mirror(), 1);
        assert_eq!(
            turns
                .failed(status(404, None), &settings, &timer, "x")
                .unwrap()
                .as_secs(),
            1
        );
        assert_eq!(turns.mirror(), 0);
        let error = turns
            .failed(status(500, None), &settings, &timer, "x")
            .unwrap_err();
        assert!(
            matches!(error, Error::AllMirrors { tried: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_host_may_ask_for_a_longer_wait_but_not_for_ever() {
        let (timer, settings) = (ManualTimer::new(), settings(3));
        let mut turns = Turns::new(vec![0], Duration::ZERO);
        assert_eq!(
            turns
                .failed(status(429, Some(77)), &settings, &timer, "x")
                .unwrap()
                .as_secs(),
            77
        );
        assert!(
            turns
                .failed(status(503, Some(4_000)), &settings, &timer, "x")
                .is_err()
        );
    }

    #[test]
    fn final_errors_end_at_once() {
        let (timer, settings) = (ManualTimer::new(), settings(3));
        let mut turns = Turns::new(vec![0, 1], Duration::ZERO);
        assert!(matches!(
            turns.failed(Error::Cancelled, &settings, &timer, "x"),
            Err(Error::Cancelled)
        ));
    }

    #[test]
    fn patience_ends_the_waiting_unless_bytes_come() {
        let timer = ManualTimer::new();
        let settings = Settings {
            retries: 10,
            ..Settings::default().for_clients()
        };
        let waits = |went_on: bool| {
            let mut turns = Turns::new(vec![0], timer.now());
            let mut waits = Vec::new();
            while let Ok(wait) = turns.failed(status(503, None), &settings, &timer, "x") {
                waits.push(wait.as_secs());
                timer.advance(wait);
                if went_on {
                    turns.went_on(timer.now());
                }
            }
            waits
        };
        assert_eq!(waits(false), [1, 2]);
        assert_eq!(waits(true), [1, 2, 4]);
        // A mirror that took longer than that to fail is the last one.
        let mut turns = Turns::new(vec![0, 1], timer.now());
        timer.advance(Duration::from_secs(5));
        let failed = turns.failed(status(503, None), &settings, &timer, "x");
        assert!(failed.is_err());
    }

    #[test]
    fn tries_are_bounded() {
        let timer = ManualTimer::new();
        let settings = Settings {
            mirrors: 4,
            retries: 3,
            ..Settings::default()
        };
        let mut turns = Turns::new(vec![0, 1, 2, 3], Duration::ZERO);
        let mut tries = 1;
        while turns
            .failed(status(503, None), &settings, &timer, "x")
            .is_ok()
        {
            tries += 1;
        }
        assert_eq!(tries, 7);
    }
}
