//! Hypervisors, guests and their history as the REST API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::words;
use crate::{HypervisorId, Instant, SourceId};

words!(
    /// What a token may do when it may do one thing only.
    TokenScope {
        /// Report hypervisors and their guests.
        HypervisorsWrite = "hypervisors:write",
    }
);

words!(
    /// How a source is doing.
    SourceState {
        /// It reports.
        Reporting = "reporting",
        /// The agent says that it cannot be read at present.
        Silent = "silent",
        /// Nothing was heard of it for three of its intervals.
        Stale = "stale",
        /// It is no longer configured.
        Retired = "retired",
    }
);

words!(
    /// What happened to a host or guest.
    HypervisorEventKind {
        /// A source reported for the first time, or with other ids than before.
        FirstReport = "first-report",
        /// A host came.
        HostCame = "host-came",
        /// A host went.
        HostGone = "host-gone",
        /// A host has another name, cluster or hardware.
        HostChanged = "host-changed",
        /// A guest came to a host from nowhere.
        GuestCame = "guest-came",
        /// A guest went from a host to nowhere.
        GuestGone = "guest-gone",
        /// A guest moved from one host of the source to another.
        GuestMoved = "guest-moved",
        /// The source is no longer configured.
        Retired = "retired",
    }
);

/// A source of reports: one section of an agent's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HypervisorSource {
    /// Its number.
    pub id: SourceId,
    /// `REPORTER/SECTION`.
    pub name: String,
    /// The agent's machine.
    pub reporter: String,
    /// The kind of backend: `esx`, `hyperv` …
    pub kind: String,
    /// What ids of its hosts are: `uuid`, `hwuuid`, `hostname`.
    pub id_kind: String,
    /// How it is doing.
    pub state: SourceState,
    /// Why it is silent.
    pub reason: Option<String>,
    /// Hosts that it has.
    pub hosts: u64,
    /// Guests that they have.
    pub guests: u64,
    /// When the agent last said anything of it.
    pub heard: Instant,
    /// When a report last changed anything or was taken whole.
    pub reported: Option<Instant>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HypervisorRow {
    /// Its number here.
    pub id: HypervisorId,
    /// Its id at its source.
    pub host_id: String,
    /// Its name.
    pub name: Option<String>,
    /// The uuid of its hardware.
    pub uuid: Option<String>,
    /// Its cluster.
    pub cluster: Option<String>,
    /// Processor sockets.
    pub sockets: Option<u32>,
    /// Guests on it.
    pub guests: u64,
    /// Guests on it that run.
    pub running: u64,
    /// Its source, by name.
    pub source: String,
    /// The kind of its backend.
    pub kind: String,
    /// When it was first reported.
    pub first_seen: Instant,
    /// When it was last known to be there: the source's last word, or when it went.
    pub last_seen: Instant,
    /// When it went.
    pub gone: Option<Instant>,
}

impl HypervisorRow {
    /// What people call it: the name, else the id.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.host_id)
    }
}

/// A guest on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuestRow {
    /// Its uuid as the hypervisor spelled it.
    pub uuid: String,
    /// Its state by libvirt's numbers: 1 running, 5 shut off.
    pub state: u8,
    /// Since when it is on this host.
    pub since: Instant,
}

impl GuestRow {
    /// The word for the state.
    #[must_use]
    pub const fn state_word(&self) -> &'static str {
        match self.state {
            1 => "running",
            2 => "blocked",
            3 => "paused",
            4 => "shutting down",
            5 => "shut off",
            6 => "crashed",
            7 => "suspended",
            _ => "unknown",
        }
    }
}

/// A host with its facts and guests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HypervisorDetail {
    /// The host.
    #[serde(flatten)]
    pub host: HypervisorRow,
    /// All its facts.
    #[schema(value_type = Object)]
    pub facts: std::collections::BTreeMap<String, serde_json::Value>,
    /// Its guests, by uuid.
    pub guest_list: Vec<GuestRow>,
    /// Other hosts of the organization that have the same name or uuid: a sign of a wrong configuration.
    pub doubles: Vec<String>,
}

/// A guest with where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GuestPlace {
    /// The guest.
    pub guest: GuestRow,
    /// The host that it is on.
    pub host: HypervisorRow,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HypervisorEvent {
    /// When the report came that said so.
    pub at: Instant,
    /// What.
    pub kind: HypervisorEventKind,
    /// The source, by name.
    pub source: String,
    /// The host, by name or id; where a guest moved to.
    pub host: Option<String>,
    /// Where a guest moved from.
    pub from: Option<String>,
    /// The guest's uuid.
    pub guest: Option<String>,
    /// More, for people.
    pub detail: String,
}
