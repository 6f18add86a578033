//! What every face has at hand.

use std::sync::Arc;

use airlock_content::Content;
use airlock_db::Db;
use airlock_fleet::Fleet;
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

    /// The fleet: hypervisors and guests.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        Fleet::new(self.db().clone(), Arc::clone(&self.clock))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

#[cfg(test)]
impl App {
    /// A server's parts over a folder and a database, without its faces.
    pub async fn assembled(
        folder: &std::path::Path,
        database: &str,
        clock: &Arc<airlock_model::ManualClock>,
    ) -> Arc<Self> {
        let settings = crate::settings::Layer {
            data: Some(folder.to_owned()),
            min_free: Some(0),
            ..crate::settings::Layer::default()
        }
        .settle()
        .unwrap();
        let db = Db::open(database).await.unwrap();
        airlock_db::settings::ensure_default_organization(&db, Instant(0))
            .await
            .unwrap();
        let clock: Arc<dyn Clock> = clock.clone();
        let content = crate::serve::open_content(&settings, db, &clock).unwrap();
        Arc::new(Self {
            settings,
            content,
            clock,
            metrics: Metrics::default(),
            login_limit: LoginLimit::default(),
            lookup: Lookup::default(),
            peers: Peers::default(),
            board: Board::default(),
            unwritten: Unwritten::default(),
            new_task: Notify::new(),
        })
    }
}
