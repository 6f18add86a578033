//! What every destination implements, and one module for each: Candlepin, Satellite 5, Airlock.
//!
//! A destination takes [`Delivery`]s: what a source has now, and what the destination took of it last. It says for each what
//! it has taken ([`Taken`]); the loop keeps that and hands it back the next time. A destination keeps no state of its own.

pub mod airlock;
pub mod candlepin;
mod check_in;
mod consumer;
pub mod error;
pub mod pickle;
pub mod satellite5;
mod systemid;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
pub use error::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::DestinationSettings;
use crate::inventory::{Digest, Inventory};
use crate::model::IdKind;

/// What a destination took of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The digest of each host by id; local guests stand under the empty id.
    pub digests: BTreeMap<Box<str>, Digest>,
    /// Guests of all hosts.
    pub guests: u64,
    /// What the ids were.
    pub id_kind: Option<String>,
    /// Whether anything was ever taken.
    pub ever: bool,
    /// Numbers that the destination itself wants back.
    pub marks: Marks,
}

impl Accepted {
    /// As if nothing had been taken: the next report is sent whole.
    pub fn forget(&mut self) {
        self.digests.clear();
        self.marks.base = 0;
    }
}

/// What a destination itself wants to remember about a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Airlock: which life of this state it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incarnation: String,
    /// Airlock: the sequence of the last message that was tried.
    #[serde(default)]
    pub sequence: u64,
    /// Airlock: the sequence of the last report that was taken.
    #[serde(default)]
    pub base: u64,
}

/// One source's report on its way.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The source's name.
    pub source: &'a str,
    /// Its kind of backend.
    pub kind: &'a str,
    /// What ids are.
    pub id_kind: IdKind,
    /// What it has.
    pub inventory: &'a Inventory,
    /// What the destination took last.
    pub accepted: &'a Accepted,
}

/// What became of a delivery.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The source's name.
    pub source: String,
    /// What the destination has now. On failure in the middle, what it has of it.
    pub accepted: Accepted,
    /// The server works on it; ask for this job.
    pub job: Option<String>,
    /// What the server said, for the log.
    pub remarks: Vec<String>,
}

impl Taken {
    /// Everything was taken.
    #[must_use]
    pub fn whole(delivery: &Delivery<'_>, marks: Marks) -> Self {
        Self {
            source: delivery.source.to_owned(),
            accepted: Accepted {
                digests: delivery.inventory.digests(),
                guests: delivery.inventory.counts().1,
                id_kind: Some(delivery.id_kind.word().to_owned()),
                ever: true,
                marks,
            },
            job: None,
            remarks: Vec::new(),
        }
    }
}

/// What came of sending: what was taken, and the error that ended it, if one did.
#[derive(Debug, Default)]
pub struct Sent {
    /// What was taken, also of a delivery that failed in the middle.
    pub taken: Vec<Taken>,
    /// Why it ended early.
    pub error: Option<Error>,
}

/// How a job on the server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It is still to come or being worked on.
    Running(String),
    /// It is done, in the server's word; with what it said.
    Done(String, Vec<String>),
    /// It failed, in the server's word; with what it said.
    Failed(String, Vec<String>),
}

/// A source as destinations know it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub source: &'a str,
    /// Its kind of backend.
    pub kind: &'a str,
    /// What ids are.
    pub id_kind: IdKind,
    /// What the destination took last.
    pub marks: &'a Marks,
}

/// One server that takes reports.
#[async_trait]
pub trait Destination: Send {
    /// Several sources go in one message.
    fn batches(&self) -> bool {
        false
    }

    /// Takes differences, so that a change is sent at once; others are spared by a pause between two reports.
    fn takes_differences(&self) -> bool {
        false
    }

    /// Logs in as far as that can be done without changing anything, and says in a few words who answered.
    ///
    /// # Errors
    /// Whatever keeps reports from being sent.
    async fn check(&mut self) -> Result<String>;

    /// Logs in as `status` does it: as [`check`](Self::check), and where a server can only be asked by a sign of life, with one
    /// that names no source.
    ///
    /// # Errors
    /// Whatever keeps reports from being sent.
    async fn status(&mut self) -> Result<String> {
        self.check().await
    }

    /// Says that these sources are well and have nothing new. Gives the names of those of which the server has something
    /// else than it took, so that they have to be sent whole.
    ///
    /// # Errors
    /// The server could not be told.
    async fn heartbeat(&mut self, sources: &[Named<'_>]) -> Result<Vec<String>>;

    /// Sends what has changed.
    async fn send(&mut self, deliveries: &[Delivery<'_>]) -> Sent;

    /// Asks how a job stands.
    ///
    /// # Errors
    /// The server did not say.
    async fn job(&mut self, id: &str) -> Result<Job> {
        Ok(Job::Done(id.to_owned(), Vec::new()))
    }

    /// Says that a source cannot be read. Of interest to Airlock only.
    ///
    /// # Errors
    /// The server could not be told.
    async fn silent(&mut self, source: Named<'_>, reason: &str) -> Result<()> {
        let _ = (source, reason);
        Ok(())
    }

    /// Says that a source is no longer configured. Old products have no call for that: there it does nothing and says so.
    ///
    /// # Errors
    /// The server could not be told.
    async fn retire(&mut self, source: Named<'_>) -> Result<Option<&'static str>> {
        let _ = source;
        Ok(Some(
            "this server has no way to be told; delete its hosts there",
        ))
    }
}

/// Makes a destination. Asks nobody. `state` is the folder where system ids are kept.
///
/// # Errors
/// Files that cannot be read.
pub fn open(settings: &DestinationSettings, state: &Path) -> Result<Box<dyn Destination>> {
    Ok(match settings {
        DestinationSettings::Candlepin(to) => Box::new(candlepin::Candlepin::new(to)?),
        DestinationSettings::Satellite5(to) => Box::new(satellite5::Satellite5::new(to, state)?),
        DestinationSettings::Airlock(to) => Box::new(airlock::Airlock::new(to)?),
    })
}
