//! Hosts and guests that a server would take for one another, found before they do harm.
//!
//! Servers key hosts by id or by hardware uuid: of two with the same only one survives. A guest on two hosts is moved
//! back and forth with every report.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{Hypervisor, uuid};

/// One thing that is wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Several hosts have this id.
    HostId {
        /// The id.
        id: String,
        /// What tells them apart, where anything does: names or hardware uuids.
        hosts: Vec<String>,
    },
    /// Several hosts have this name under different ids.
    HostName {
        /// The name.
        name: String,
        /// Their ids.
        hosts: Vec<String>,
    },
    /// Several hosts have this hardware uuid.
    SystemUuid {
        /// The uuid.
        uuid: String,
        /// Their ids.
        hosts: Vec<String>,
    },
    /// A guest is on several hosts, or twice on one.
    Guest {
        /// Its uuid.
        uuid: String,
        /// The ids of the hosts.
        hosts: Vec<String>,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostId { id, hosts } => write!(
                out,
                "The hypervisor id '{id}' is assigned to {} different systems ({}). Only one will be recorded at the \
                 server. Set hypervisor_id to uuid, or give the hosts names of their own.",
                hosts.len(),
                hosts.join(", ")
            ),
            Self::HostName { name, hosts } => write!(
                out,
                "{} hosts are called '{name}' ({}): they cannot be told apart by name.",
                hosts.len(),
                hosts.join(", ")
            ),
            Self::SystemUuid { uuid, hosts } => write!(
                out,
                "{} hosts have the hardware uuid {uuid} ({}): a server that matches by it takes them for one.",
                hosts.len(),
                hosts.join(", ")
            ),
            Self::Guest { uuid, hosts } => write!(
                out,
                "The guest {uuid} is listed {} times (on {}): a copied machine, or one that was moving while the \
                 report was made.",
                hosts.len(),
                hosts.join(", ")
            ),
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// The first one; most are alone.
    first: u32,
    others: Vec<u32>,
}

impl Seen {
    fn all(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

/// Looks at hosts as they come, page by page.
#[derive(Debug, Default)]
pub struct Duplicates {
    /// (id, name or hardware uuid) by number.
    hosts: Vec<(Box<str>, Box<str>)>,
    ids: HashMap<String, Seen>,
    names: HashMap<String, Seen>,
    uuids: HashMap<String, Seen>,
    /// The first host of each guest, by a number of 128 bits: there are hundreds of thousands.
    guests: HashMap<u128, u32>,
    /// Guests that came again: every host, the first one included.
    doubled: BTreeMap<String, Vec<u32>>,
}

/// A guest's uuid as a number; half a SHA-256 of anything else.
fn guest_key(folded: &str) -> u128 {
    if folded.len() == 32
        && let Ok(number) = u128::from_str_radix(folded, 16)
    {
        return number;
    }
    let digest: [u8; 32] = Sha256::digest(folded.as_bytes()).into();
    digest
        .iter()
        .take(16)
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Duplicates {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at one host.
    pub fn add(&mut self, host: &Hypervisor) {
        let number = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        let apart = host
            .name
            .as_deref()
            .filter(|name| **name != *host.id)
            .or_else(|| host.system_uuid())
            .unwrap_or(&host.id);
        self.hosts.push((host.id.clone(), apart.into()));
        // Candlepin lower-cases ids before it looks them up.
        see(&mut self.ids, host.id.to_lowercase(), number);
        if let Some(name) = &host.name {
            see(&mut self.names, name.to_lowercase(), number);
        }
        if let Some(uuid) = host.system_uuid() {
            see(&mut self.uuids, uuid::folded(uuid), number);
        }
        for guest in &host.guests {
            let folded = uuid::folded(&guest.id);
            match self.guests.entry(guest_key(&folded)) {
                Entry::Vacant(entry) => {
                    entry.insert(number);
                }
                Entry::Occupied(entry) => {
                    let first = *entry.get();
                    let hosts = self.doubled.entry(folded).or_insert_with(|| vec![first]);
                    hosts.push(number);
                }
            }
        }
    }

    /// What was found, in a stable order. A name that several hosts share is only named when their ids differ.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let id = |number: u32| self.of(number).0.to_string();
        let apart = |number: u32| self.of(number).1.to_string();
        let mut found = Vec::new();
        for (text, seen) in several(&self.ids) {
            found.push(Finding::HostId {
                id: text.clone(),
                hosts: seen.all().map(apart).collect(),
            });
        }
        for (text, seen) in several(&self.names) {
            let mut hosts: Vec<_> = seen.all().map(id).collect();
            hosts.sort();
            hosts.dedup();
            if hosts.len() > 1 {
                found.push(Finding::HostName {
                    name: text.clone(),
                    hosts,
                });
            }
        }
        for (text, seen) in several(&self.uuids) {
            let mut hosts: Vec<_> = seen.all().map(id).collect();
            hosts.sort();
            hosts.dedup();
            if hosts.len() > 1 {
                found.push(Finding::SystemUuid {
                    uuid: text.clone(),
                    hosts,
                });
            }
        }
        for (text, hosts) in &self.doubled {
            found.push(Finding::Guest {
                uuid: text.clone(),
                hosts: hosts.iter().copied().map(id).collect(),
            });
        }
        found
    }

    fn of(&self, number: u32) -> (&str, &str) {
        self.hosts
            .get(number as usize)
            .map_or(("?", "?"), |(id, apart)| (id, apart))
    }
}

fn see(map: &mut HashMap<String, Seen>, text: String, number: u32) {
    match map.entry(text) {
        Entry::Occupied(mut entry) => entry.get_mut().others.push(number),
        Entry::Vacant(entry) => {
            entry.insert(Seen {
                first: number,
                others: Vec::new(),
            });
        }
    }
}

fn several(map: &HashMap<String, Seen>) -> Vec<(&String, &Seen)> {
    let mut found: Vec<_> = map
        .iter()
        .filter(|(_, seen)| !seen.others.is_empty())
        .collect();
    found.sort_by(|one, other| one.0.cmp(other.0));
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Guest, SYSTEM_UUID, State};

    fn host(id: &str, name: &str, uuid: &str, guests: &[&str]) -> Hypervisor {
        let kind = Arc::from("esx");
        let mut host = Hypervisor::new(id);
        host.name = Some(name.into());
        host.fact(SYSTEM_UUID, uuid);
        host.guests = guests
            .iter()
            .map(|guest| Guest::new(*guest, State::Running, &kind))
            .collect();
        host
    }

    #[test]
    fn everything_that_is_double_is_named() {
        let mut seen = Duplicates::new();
        seen.add(&host("localhost", "localhost", "u1", &["g1", "g2"]));
        seen.add(&host("localhost", "localhost", "u2", &["G1"]));
        seen.add(&host("c", "localhost", "U2", &["g3"]));
        let texts: Vec<_> = seen.findings().iter().map(Finding::to_string).collect();
        assert_eq!(texts.len(), 4, "{texts:#?}");
        assert!(texts[0].contains("'localhost' is assigned to 2 different systems (u1, u2)"));
        assert!(texts[1].contains("2 hosts are called 'localhost' (c, localhost)"));
        assert!(texts[2].contains("2 hosts have the hardware uuid u2 (c, localhost)"));
        assert!(texts[3].contains("The guest g1 is listed 2 times (on localhost, localhost)"));
    }

    #[test]
    fn what_is_single_is_not_named() {
        let mut seen = Duplicates::new();
        seen.add(&host("a", "a", "u1", &["g1"]));
        seen.add(&host("b", "b", "", &["g2"]));
        seen.add(&host("c", "c", "", &[]));
        assert_eq!(seen.findings(), []);
    }
}
