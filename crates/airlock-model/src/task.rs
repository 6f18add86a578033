//! Tasks: long jobs on the server, with progress, cancel and a result that survives a restart.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Instant, Progress, TaskId};

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waiting for a worker.
    Queued,
    /// Being worked on.
    Running,
    /// Ended well; `result` holds what it did.
    Done,
    /// Ended with an error.
    Failed,
    /// Stopped on request.
    Cancelled,
    /// The server ended while it ran and it is not repeated by itself.
    Interrupted,
}

impl TaskState {
    /// The word stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "done" => Self::Done,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "interrupted" => Self::Interrupted,
            _ => return None,
        })
    }

    /// Whether nothing more will happen to the task.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A task as shown to people and scripts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskInfo {
    /// Its number.
    pub id: TaskId,
    /// What kind of work: `sync`, `push`, `fsck` …
    pub kind: String,
    /// What it works on, for a person (channel labels).
    pub subject: String,
    /// Where it is.
    pub state: TaskState,
    /// Who asked for it.
    pub principal: String,
    /// Why it runs: `request`, `schedule`, `upkeep`.
    pub cause: String,
    /// The request that it came from.
    pub request_id: String,
    /// How far it is.
    pub progress: Progress,
    /// Lines for a person: warnings, held syncs.
    pub notes: Vec<String>,
    /// What it did, when done (its shape depends on the kind).
    pub result: Option<serde_json::Value>,
    /// What went wrong, when failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created: Instant,
    /// When a worker took it.
    pub started: Option<Instant>,
    /// When it ended.
    pub finished: Option<Instant>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
}
