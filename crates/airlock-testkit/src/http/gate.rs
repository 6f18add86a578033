//! Holds answers of the test server until the test has seen what it wants to see.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A gate that is closed until it is opened. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    arrived: usize,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody through, from now on.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// Waits until so many answers have come to the gate since it was made.
    pub fn wait_for(&self, answers: usize) {
        self.wait(|state| state.arrived >= answers);
    }

    pub(super) fn pass(&self) {
        self.change(|state| state.arrived += 1);
        self.wait(|state| state.open);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.0
                .changed
                .wait_while(state, |state| !until(state))
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
