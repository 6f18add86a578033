//! Slows down guessing of passwords, by address and by account, without locking the real owner out.
//!
//! Five failures within a minute are free. After that an address waits up to a minute between tries, and an account
//! at most five seconds: an attacker from many addresses can slow the owner down, but never shut them out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use airlock_model::Instant;

const FREE: u32 = 5;
const WINDOW_SECONDS: i64 = 60;
const LONGEST_BY_ADDRESS: i64 = 60;
const LONGEST_BY_ACCOUNT: i64 = 5;
/// Keys remembered; past that the oldest half is forgotten.
const MOST_KEYS: usize = 8_192;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Account(String),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// What was tried lately. In memory only: a restart forgets it.
#[derive(Debug, Default)]
pub struct LoginLimit {
    seen: Mutex<HashMap<Key, Failures>>,
}

impl LoginLimit {
    /// Whether a login may be tried now.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn check(&self, address: Option<IpAddr>, account: &str, now: Instant) -> Result<(), i64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys(address, account)
            .filter_map(|(key, longest)| {
                let failures = seen.get(&key)?;
                let over = failures.count.checked_sub(FREE)?;
                let pause = 1_i64.checked_shl(over).unwrap_or(longest).clamp(1, longest);
                let until = failures.last.plus_seconds(pause);
                (until > now).then(|| (until.0 - now.0).div_euclid(1_000_000) + 1)
            })
            .max();
        wait.map_or(Ok(()), Err)
    }

    /// Remembers a wrong password.
    pub fn failed(&self, address: Option<IpAddr>, account: &str, now: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_KEYS {
            let mut times: Vec<Instant> = seen.values().map(|failures| failures.last).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            seen.retain(|_, failures| failures.last > middle);
        }
        for (key, _) in keys(address, account) {
            let failures = seen.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            let quiet = now.0 - failures.last.0 > WINDOW_SECONDS * 1_000_000;
            failures.count = if quiet {
                1
            } else {
                failures.count.saturating_add(1)
            };
            failures.last = now;
        }
    }

    /// Forgets what was held against an account and an address, after the right password.
    pub fn succeeded(&self, address: Option<IpAddr>, account: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(address, account) {
            seen.remove(&key);
        }
    }
}

fn keys(address: Option<IpAddr>, account: &str) -> impl Iterator<Item = (Key, i64)> {
    let account: String = account.chars().take(128).collect();
    address
        .map(|address| (Key::Address(address), LONGEST_BY_ADDRESS))
        .into_iter()
        .chain(std::iter::once((Key::Account(account), LONGEST_BY_ACCOUNT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_000_000 + seconds)
    }

    #[test]
    fn five_are_free_then_it_gets_slower() {
        let limit = LoginLimit::default();
        for _ in 0..5 {
            assert_eq!(limit.check(HERE, "admin", at(0)), Ok(()));
            limit.failed(HERE, "admin", at(0));
        }
        assert_eq!(limit.check(HERE, "admin", at(0)), Err(2));
        assert_eq!(limit.check(HERE, "admin", at(1)), Ok(()));
        for _ in 0..20 {
            limit.failed(HERE, "admin", at(1));
        }
        assert_eq!(limit.check(HERE, "admin", at(1)), Err(61));
        // One address trying many accounts is slowed, too.
        assert_eq!(limit.check(HERE, "somebody", at(1)), Err(61));
    }

    #[test]
    fn the_owner_elsewhere_waits_seconds_at_most() {
        let limit = LoginLimit::default();
        for _ in 0..1_000 {
            limit.failed(HERE, "admin", at(0));
        }
        let there = Some(IpAddr::from([198, 51, 100, 7]));
        assert_eq!(limit.check(there, "admin", at(0)), Err(6));
        assert_eq!(limit.check(there, "admin", at(5)), Ok(()));
        limit.succeeded(there, "admin");
        assert_eq!(limit.check(there, "admin", at(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let limit = LoginLimit::default();
        for number in 0..40_000_u32 {
            limit.failed(None, &number.to_string(), at(i64::from(number)));
        }
        assert!(limit.seen.lock().unwrap().len() <= MOST_KEYS);
    }
}
