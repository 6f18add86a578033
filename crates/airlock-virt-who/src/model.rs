//! Guests, hypervisors and reports, as every backend gives them and every destination takes them.
//!
//! Reference: virt-who, sections 4.1 to 4.3.

pub mod duplicates;
pub mod json;
pub mod uuid;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The state of a guest. The numbers are those of libvirt, and what servers are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum State {
    /// Nobody said, or it has no equivalent here.
    #[default]
    Unknown = 0,
    /// It runs.
    Running = 1,
    /// It waits for a resource.
    Blocked = 2,
    /// It is suspended in memory.
    Paused = 3,
    /// It is on its way down.
    ShuttingDown = 4,
    /// It is off.
    ShutOff = 5,
    /// It broke.
    Crashed = 6,
    /// It sleeps by its own power management.
    PmSuspended = 7,
}

impl State {
    /// The number that is sent.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The state with this number; other numbers are unknown states.
    #[must_use]
    pub fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Running,
            2 => Self::Blocked,
            3 => Self::Paused,
            4 => Self::ShuttingDown,
            5 => Self::ShutOff,
            6 => Self::Crashed,
            7 => Self::PmSuspended,
            _ => Self::Unknown,
        }
    }

    /// Whether the guest counts as active: running or paused.
    #[must_use]
    pub fn active(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// One virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guest {
    /// Its uuid, spelled as the hypervisor wrote it.
    pub id: Box<str>,
    /// What it does.
    pub state: State,
    /// `virtWhoType`: the kind of backend that saw it.
    pub kind: Arc<str>,
}

impl Guest {
    /// A guest seen by a backend of the kind `kind`.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, state: State, kind: &Arc<str>) -> Self {
        Self {
            id: id.into(),
            state,
            kind: Arc::clone(kind),
        }
    }
}

/// The name of the fact with the number of processor sockets.
pub const SOCKETS: &str = "cpu.cpu_socket(s)";
/// The name of the fact with the product.
pub const TYPE: &str = "hypervisor.type";
/// The name of the fact with the product's version.
pub const VERSION: &str = "hypervisor.version";
/// The name of the fact with the hardware's uuid.
pub const SYSTEM_UUID: &str = "dmi.system.uuid";
/// The name of the fact with the cluster.
pub const CLUSTER: &str = "hypervisor.cluster";

/// What is known about a host beside its guests. Values are texts but for libvirt's version (a number) and sockets that
/// libvirt does not tell (null).
pub type Facts = BTreeMap<Box<str>, Value>;

/// Where a host hangs in the inventory, for filters by parent. Never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The managed object id (`domain-c7`).
    pub id: Box<str>,
    /// The cluster's name, where it is one.
    pub name: Option<Box<str>>,
}

/// One host with its guests.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypervisor {
    /// What the destination knows it by: uuid, host name or hardware id, as `hypervisor_id` says.
    pub id: Box<str>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// In the order they were read.
    pub guests: Vec<Guest>,
    /// Empty when nothing is known.
    pub facts: Facts,
    /// Nobody even said that nothing is known (a file without `facts`): then a check-in has no `facts` either.
    pub no_facts: bool,
    /// Where it hangs, where the backend knows.
    pub parent: Option<Parent>,
}

impl Hypervisor {
    /// A host of which nothing but the id is known yet.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self {
            id: id.into(),
            name: None,
            guests: Vec::new(),
            facts: Facts::new(),
            no_facts: false,
            parent: None,
        }
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.into(), value.into());
    }

    /// The hardware's uuid, where it is known and not empty.
    #[must_use]
    pub fn system_uuid(&self) -> Option<&str> {
        self.facts
            .get(SYSTEM_UUID)
            .and_then(Value::as_str)
            .filter(|uuid| !uuid.is_empty())
    }
}

/// What a source reported.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Hosts and their guests, from a source that sees hosts.
    Hosts(Vec<Hypervisor>),
    /// The guests of the machine that the program runs on.
    Local(LocalGuests),
}

/// The guests of the machine that the program runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalGuests {
    /// In the order they were read.
    pub guests: Vec<Guest>,
    /// The machine's own id, as `hypervisor_id` says; only libvirt tells it.
    pub hypervisor_id: Option<Box<str>>,
}

impl Report {
    /// How many hosts and guests it holds; the local machine is no host.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        match self {
            Self::Hosts(hosts) => (
                hosts.len(),
                hosts.iter().map(|host| host.guests.len()).sum(),
            ),
            Self::Local(local) => (0, local.guests.len()),
        }
    }
}

/// How hosts are called towards destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdKind {
    /// The uuid of the host.
    #[default]
    Uuid,
    /// The id of the hardware or the managed object.
    HwUuid,
    /// The host's name.
    Hostname,
}

impl IdKind {
    /// As configurations write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::HwUuid => "hwuuid",
            Self::Hostname => "hostname",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Uuid, Self::HwUuid, Self::Hostname]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

impl fmt::Display for IdKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}
