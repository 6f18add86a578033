//! Slows down guessing of passwords, by address and by account, without locking the real owner out.
//!
//! Five failures within a minute are free. After that an address waits up to a minute between tries, and an account
//! at most five seconds: an attacker from many addresses can slow the owner down, but never shut them out. A try counts
//! from its beginning, so that a hundred at one moment are not judged before the first one failed.

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
    /// Begins a login, if one may be tried now: it counts as failed until it is taken back.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn begin(&self, address: Option<IpAddr>, account: &str, now: Instant) -> Result<(), i64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys(address, account)
            .filter_map(|(key, longest)| {
                let failures = seen.get(&key)?;
                let over = failures.count.checked_sub(FREE)?;
                let pause = 1_i64.checked_shl(over).unwrap_or(longest).clamp(1, longest);
                let until = failures.last.plus_seconds(pause);
                (until > now).then(|| (until.0 - now.0).div_euclid(1_000_000) + 1)
            })
            .max();
        if let Some(wait) = wait {
            return Err(wait);
        }
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
        Ok(())
    }

    /// Takes a try back that says nothing: nobody looked at its password.
    pub fn take_back(&self, address: Option<IpAddr>, account: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(address, account) {
            give_back(&mut seen, &key);
        }
    }

    /// After the right password: forgets what was held against the account. The address gets only this try back, so
    /// that whoever has one account cannot guess at the others for ever.
    pub fn succeeded(&self, address: Option<IpAddr>, account: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(address, account) {
            match key {
                Key::Address(_) => give_back(&mut seen, &key),
                Key::Account(_) => {
                    seen.remove(&key);
                }
            }
        }
    }
}

fn give_back(seen: &mut HashMap<Key, Failures>, key: &Key) {
    if let Some(failures) = seen.get_mut(key) {
        failures.count = failures.count.saturating_sub(1);
        if failures.count == 0 {
            seen.remove(key);
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
        // None of them is over when the next one begins.
        for _ in 0..5 {
            assert_eq!(limit.begin(HERE, "admin", at(0)), Ok(()));
        }
        assert_eq!(limit.begin(HERE, "admin", at(0)), Err(2));
        assert_eq!(limit.begin(HERE, "admin", at(1)), Ok(()));
        assert_eq!(limit.begin(HERE, "admin", at(1)), Err(3));
        for second in [3, 7, 15, 31, 63] {
            assert_eq!(limit.begin(HERE, "admin", at(second)), Ok(()), "{second}");
        }
        assert_eq!(limit.begin(HERE, "admin", at(63)), Err(61));
        // One address trying many accounts is slowed, too.
        assert_eq!(limit.begin(HERE, "somebody", at(63)), Err(61));
    }

    #[test]
    fn a_right_password_gives_an_address_one_try_back_only() {
        let limit = LoginLimit::default();
        for account in ["admin", "ada", "eve", "bob"] {
            assert_eq!(limit.begin(HERE, account, at(0)), Ok(()));
        }
        for _ in 0..10 {
            assert_eq!(limit.begin(HERE, "own", at(0)), Ok(()));
            limit.succeeded(HERE, "own");
        }
        assert_eq!(limit.begin(HERE, "admin", at(0)), Ok(()));
        assert_eq!(limit.begin(HERE, "own", at(0)), Err(2));
        limit.take_back(HERE, "admin");
        assert_eq!(limit.begin(HERE, "own", at(0)), Ok(()));
    }

    #[test]
    fn the_owner_elsewhere_waits_seconds_at_most() {
        let limit = LoginLimit::default();
        let from = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        for (last, second) in [
            (1, 0),
            (2, 0),
            (3, 0),
            (4, 0),
            (5, 0),
            (6, 1),
            (7, 3),
            (8, 7),
        ] {
            assert_eq!(limit.begin(from(last), "admin", at(second)), Ok(()));
        }
        let there = Some(IpAddr::from([198, 51, 100, 7]));
        assert_eq!(limit.begin(there, "admin", at(7)), Err(6));
        assert_eq!(limit.begin(there, "admin", at(12)), Ok(()));
        limit.succeeded(there, "admin");
        assert_eq!(limit.begin(there, "admin", at(12)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let limit = LoginLimit::default();
        for number in 0..40_000_u32 {
            let _ = limit.begin(None, &number.to_string(), at(i64::from(number)));
        }
        assert!(limit.seen.lock().unwrap().len() <= MOST_KEYS);
    }
}
