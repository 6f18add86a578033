//! Faults on order: a test makes the n-th step that brings something to disk fail.
//!
//! Whatever makes things durable (files of the store, changes of the database) passes a step before it, and a change of
//! the database one more after it. All clones of one [`Faults`] count together, so that a test can walk through an
//! operation fault by fault. A server's own is never armed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A step failed because a test wanted it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("fault injected at {0}")]
pub struct Fault(pub &'static str);

/// Counts steps down and fails one of them. Cheap to clone; the default cannot be armed and counts nothing.
#[derive(Debug, Clone, Default)]
pub struct Faults(Option<Arc<AtomicI64>>);

impl Faults {
    /// Faults that can be armed by [`Faults::fail_at`].
    #[must_use]
    pub fn on_order() -> Self {
        Self(Some(Arc::new(AtomicI64::new(0))))
    }

    /// Makes the `n`-th step from now fail (1 is the next); 0 or less takes the fault away.
    pub fn fail_at(&self, n: i64) {
        if let Some(left) = &self.0 {
            left.store(n.max(0), Ordering::SeqCst);
        }
    }

    /// Whether a fault waits for its step.
    #[must_use]
    pub fn waiting(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|left| left.load(Ordering::SeqCst) > 0)
    }

    /// Passes a step.
    ///
    /// # Errors
    /// [`Fault`] when this is the step that was to fail.
    pub fn step(&self, name: &'static str) -> Result<(), Fault> {
        let Some(left) = &self.0 else {
            return Ok(());
        };
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
            (n > 0).then(|| n - 1)
        });
        if before == Ok(1) {
            Err(Fault(name))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_that_was_ordered_fails_and_no_other() {
        let faults = Faults::on_order();
        assert_eq!(faults.step("one"), Ok(()));
        faults.fail_at(2);
        assert!(faults.waiting());
        assert_eq!(faults.step("one"), Ok(()));
        assert_eq!(faults.clone().step("two"), Err(Fault("two")));
        assert!(!faults.waiting());
        assert_eq!(faults.step("three"), Ok(()));
        let never = Faults::default();
        never.fail_at(1);
        assert_eq!(never.step("one"), Ok(()));
    }
}
