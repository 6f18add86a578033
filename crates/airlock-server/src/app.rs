//! What every face has at hand.

use std::sync::Arc;

use airlock_content::Content;
use airlock_db::Db;
use airlock_model::{Clock, Instant};
use tokio::sync::Notify;

use crate::listen::Peers;
use crate::login_limit::LoginLimit;
use crate::metrics::Metrics;
use crate::repos::lookup::Lookup;
use crate::settings::Settings;
use crate::tasks::{Board, Unwritten};

/// The running server's parts.
pub struct App {
    /// The settings in force.
    pub settings: Settings,
    /// The domain.
    pub content: Content,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Metrics,
    /// Wrong passwords lately.
    pub login_limit: LoginLimit,
    /// What was looked up in the last second.
    pub lookup: Lookup,
    /// Open connections.
    pub peers: Peers,
    /// Tasks of this process, as they run.
    pub board: Board,
    /// Syncs that have changed nothing yet.
    pub unwritten: Unwritten,
    /// Woken when there is a new task.
    pub new_task: Notify,
}

impl App {
    /// The database, for tasks, users, tokens and the audit log.
    #[must_use]
    pub fn db(&self) -> &Db {
        self.content.db()
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
