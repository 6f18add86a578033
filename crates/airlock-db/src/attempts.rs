//! Doing a whole change again after a deadlock or a serialization failure.

use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use crate::Error;

/// Tries of one change at most (threats-and-faults 4.1).
const MOST: u32 = 5;

/// Counts the tries of a change that is done again as a whole when the database took it back for another's sake:
///
/// ```no_run
/// # async fn change() -> airlock_db::Result<()> { Ok(()) }
/// # async fn example() -> airlock_db::Result<()> {
/// let mut attempts = airlock_db::Attempts::default();
/// loop {
///     match change().await {
///         Err(error) if attempts.again(&error).await => {}
///         done => return done,
///     }
/// }
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Attempts {
    made: u32,
}

impl Attempts {
    /// Says whether to try again, after a short wait of random length; no after the fifth try, and at once for an error
    /// that would come again.
    pub async fn again(&mut self, error: &Error) -> bool {
        self.made += 1;
        if self.made >= MOST || !error.is_transient() {
            return false;
        }
        // Random keys of a hash map are random enough to part two that collided.
        let random = std::hash::RandomState::new().build_hasher().finish();
        let longest = 10_u64 << self.made;
        tokio::time::sleep(Duration::from_millis(random % longest)).await;
        true
    }
}
