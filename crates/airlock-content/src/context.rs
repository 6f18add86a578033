//! What a piece of long work carries along: who asked, which task it is, where progress goes, whether to stop.

use std::pin::Pin;
use std::sync::Arc;

use airlock_fetch::Cancel;
use airlock_model::{Actor, CancelFlag, Clock, Instant, Progress, Reporter, TaskId};

use crate::Error;

/// Told before a piece of work writes anything down for the first time. Work that finds nothing to do never calls.
pub trait BeforeChange: Send + Sync {
    /// The work goes on when this has ended well. May be called more than once.
    fn begin(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>>;
}

/// For work that nobody needs to be told of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl BeforeChange for Unwatched {
    fn begin(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Carried through every changing operation.
#[derive(Clone)]
pub struct TaskContext {
    /// Who asked.
    pub actor: Actor,
    /// The task; none when a test or the server itself works without one.
    pub task: Option<TaskId>,
    /// Decides after a failed commit whether it happened: unique for each try of an operation.
    pub operation: String,
    /// Told before a sync writes anything down.
    pub before_change: Arc<dyn BeforeChange>,
    /// Where progress goes.
    pub reporter: Arc<dyn Reporter>,
    /// Raised to stop the work.
    pub cancel: CancelFlag,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl TaskContext {
    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The stop flag in the form that downloads watch.
    #[must_use]
    pub fn fetch_cancel(&self) -> Cancel {
        let flag = self.cancel.clone();
        Cancel::following(move || flag.is_cancelled())
    }

    /// Stops here when the work was cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Shows a stage of the work.
    pub fn stage(&self, stage: impl Into<String>) {
        let stage = stage.into();
        // With AIRLOCK_LOG=debug the times of these lines say where a slow task spends them.
        tracing::debug!(stage, "stage");
        self.reporter.report(Progress {
            stage,
            ..Progress::default()
        });
    }
}
