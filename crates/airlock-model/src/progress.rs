//! Progress and cancellation of long work, independent of how it is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a long job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// What is being done now, for a person: `el9-base: packages`.
    pub stage: String,
    /// Units done (bytes where `unit` is `bytes`, else things).
    pub done: u64,
    /// Units in all; 0 while unknown.
    pub total: u64,
    /// `bytes`, `packages`, `files` or empty.
    pub unit: String,
}

/// Receives progress; called often, so it must be cheap.
pub trait Reporter: Send + Sync {
    /// Takes the newest progress.
    fn report(&self, progress: Progress);
    /// Takes a line worth showing to a person (a warning, a held sync).
    fn note(&self, line: String);
}

/// Drops everything.
#[derive(Debug, Default, Clone, Copy)]
pub struct SilentReporter;

impl Reporter for SilentReporter {
    fn report(&self, _progress: Progress) {}
    fn note(&self, _line: String) {}
}

/// A request to stop, seen by every part of a job.
#[derive(Debug, Default, Clone)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the work was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
