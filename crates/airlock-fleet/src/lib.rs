//! Hypervisors and their guests, as the sources of `airlock-virt-who` report them.
//!
//! Floor 3: the rules. Works on a database handed to it, with the clock as a parameter; knows no HTTP. [`Fleet`] is the
//! whole of it for the faces. The protocol is described in [`airlock_model::hypervisors`].

mod apply;
mod error;
mod message;
mod read;
mod report;
mod uuid;

use std::sync::Arc;

use airlock_db::Db;
use airlock_model::{Clock, Instant};

pub use error::{Error, Result};
pub use uuid::uuid_key;

/// The fleet of all organizations.
#[derive(Clone)]
pub struct Fleet {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl Fleet {
    /// On a database, with a clock.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}
