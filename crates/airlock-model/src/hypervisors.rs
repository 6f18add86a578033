//! What `airlock-virt-who` sends to `POST /agent/v1/hypervisors`, and what the server answers.
//!
//! # Who speaks
//! A *source* is one section of the agent's configuration: one vCenter, one Hyper-V host. The request carries
//! `Authorization: Bearer TOKEN`; the token has the scope `hypervisors:write` and is bound to one organization, which owns
//! everything that is reported with it: no message names an organization. [`HypervisorMessage::source`] names the source
//! within the organization; a server keeps what each source said apart and never lets one change what another said.
//!
//! # Messages
//! Each message is one JSON document of at most [`HYPERVISOR_PART_HOSTS`] hosts. [`HypervisorBody`] is one of
//!
//! | `what` | meaning |
//! |---|---|
//! | `full` | all hosts of the source, in one or more parts; counts once the part with `last` is there, as a whole. A host that is not in it is gone |
//! | `difference` | changes against the report `base`: hosts that are new or different (whole), ids of hosts that are gone |
//! | `heartbeat` | nothing changed since the report `base`; the source can be read |
//! | `silent` | the source cannot be read at present; what was said stays as it is, with the reason |
//! | `retire` | the source is no longer configured: its hosts are no longer reported by anybody |
//!
//! # Order and repetition
//! `incarnation` is a random text that the agent makes when it has no state; `sequence` counts its messages of a source
//! from 1 and goes up with each message that changes anything (`full`, `difference`, `retire`). Parts of one full report share
//! a sequence and are numbered from 0. (`source`, `incarnation`, `sequence`, `part`) makes a message idempotent: one that was
//! applied before is answered [`HypervisorVerdict::Known`] and changes nothing, so an agent that heard no answer sends it
//! again as it was. `heartbeat` and `silent` carry the sequence of the last report and may be lost.
//!
//! An agent that has changed its report since, or cannot know what became of a number (it was stopped in between, or its state
//! is an older copy), takes [`HypervisorVerdict::Known`] for "that number is used up" and sends a full report with a higher one.
//!
//! A server answers [`HypervisorVerdict::SendFull`] and applies nothing, when `base` is not the sequence that it applied
//! last, the incarnation is another one, parts are missing, or after applying a difference its counts would differ from
//! `total_hosts` and `total_guests`; it may also answer a
//! `heartbeat` so, when `base` is not what it applied last. The agent then sends a full report with the next sequence. A full report is always taken, unless its
//! sequence is lower than the last one of the same incarnation ([`HypervisorVerdict::Known`]).
//!
//! # Answers
//! 200 with [`HypervisorAnswer`]. Otherwise a problem document: 400 (the message is malformed: sending it again does not
//! help), 401 (no such token), 403 (the token lacks the scope), 413 (send smaller parts), 429 and 503 with `Retry-After`.
//! After 401 and 403 an agent waits for an hour or a change of its configuration. A message of protocol 0 is never taken: it is
//! how an agent tries its token, and is answered with 400 when the token is good.
//!
//! # Time
//! `interval` is how often, in seconds, the agent says something at least; a server calls a source stale after three of them.
//! The agent's clock is not used for anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The number of the protocol, [`HypervisorMessage::protocol`].
pub const HYPERVISOR_PROTOCOL: u32 = 1;

/// Hosts in one message at most.
pub const HYPERVISOR_PART_HOSTS: usize = 500;

/// Bytes of one message at most. A part is cut earlier when its hosts have very many guests.
pub const HYPERVISOR_MESSAGE_BYTES: usize = 16 << 20;

/// Bytes of an id, name, cluster, uuid or word at most; none of them has control characters, and an id is not empty.
pub const HYPERVISOR_WORD_BYTES: usize = 512;

/// Bytes of all facts of a host as JSON at most.
pub const HYPERVISOR_FACTS_BYTES: usize = 256 << 10;

/// Guests of one host at most.
pub const HYPERVISOR_HOST_GUESTS: usize = 100_000;

/// Bytes of the reason of a `silent` at most.
pub const HYPERVISOR_REASON_BYTES: usize = 8 << 10;

/// One message of an agent about one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HypervisorMessage {
    /// [`HYPERVISOR_PROTOCOL`].
    pub protocol: u32,
    /// The source: `REPORTER/SECTION`, stable over restarts and changes of its settings. At most 512 bytes.
    pub source: String,
    /// The agent's machine (`reporter_id`).
    pub reporter: String,
    /// The kind of backend: `esx`, `hyperv` …
    pub kind: String,
    /// What `id` of hosts is: `uuid`, `hwuuid` or `hostname`; another one than before means that all ids change.
    pub id_kind: String,
    /// Which life of the agent's state this is.
    pub incarnation: String,
    /// The number of the message in this life, from 1.
    pub sequence: u64,
    /// Seconds between two messages at most.
    pub interval: u32,
    /// The message itself.
    pub body: HypervisorBody,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum HypervisorBody {
    /// All hosts of the source.
    Full {
        /// The number of this part, from 0.
        part: u32,
        /// No part follows.
        last: bool,
        /// The hosts of this part.
        hosts: Vec<ReportedHost>,
        /// Hosts of all parts.
        total_hosts: u64,
        /// Guests of all parts.
        total_guests: u64,
    },
    /// What changed since the report `base`.
    Difference {
        /// The sequence of the report that this is against.
        base: u64,
        /// Hosts that are new or different, whole.
        changed: Vec<ReportedHost>,
        /// Ids of hosts that are gone.
        removed: Vec<String>,
        /// Hosts there are afterwards.
        total_hosts: u64,
        /// Guests there are afterwards.
        total_guests: u64,
    },
    /// Nothing changed.
    Heartbeat {
        /// The sequence of the last report.
        base: u64,
    },
    /// The source cannot be read at present.
    Silent {
        /// Why, without secrets.
        reason: String,
    },
    /// The source is no longer configured.
    Retire,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedHost {
    /// Its id, as `id_kind` says. Unique within a report.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The uuid of its hardware, whatever `id_kind` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Processor sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sockets: Option<u32>,
    /// All facts as the backend gave them; uuid, cluster and sockets among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Its guests.
    pub guests: Vec<ReportedGuest>,
}

/// A guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedGuest {
    /// Its uuid, spelled as the hypervisor wrote it: servers compare without case and dashes, in both byte orders.
    pub id: String,
    /// Its state, by the numbers of libvirt: 0 unknown, 1 running, 2 blocked, 3 paused, 4 shutting down, 5 shut off,
    /// 6 crashed, 7 suspended by its power management.
    pub state: u8,
}

/// What the server did with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HypervisorAnswer {
    /// What became of it.
    pub verdict: HypervisorVerdict,
    /// The sequence of the last report that was applied; 0 for none.
    pub sequence: u64,
    /// Why, for people; with `send_full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is odd in the report: duplicates by name or uuid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HypervisorVerdict {
    /// It was applied.
    Applied,
    /// A part that waits for those that follow.
    Kept,
    /// It was applied before; nothing was changed.
    Known,
    /// It cannot be applied to what the server has: send a full report with the next sequence.
    SendFull,
}
