//! What one source has, after its filter: the hosts by id, each with a digest by which changes are found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use airlock_model::hypervisors::{HYPERVISOR_HOST_GUESTS, HYPERVISOR_WORD_BYTES};
use sha2::{Digest as _, Sha256};

use crate::model::{Guest, Hypervisor, LocalGuests};

/// Half a SHA-256 over everything about a host that is ever sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of a host. The order of its guests does not matter.
    #[must_use]
    pub fn of(host: &Hypervisor) -> Self {
        let mut hash = Sha256::new();
        text(&mut hash, &host.id);
        text(&mut hash, host.name.as_deref().unwrap_or(""));
        for (name, value) in &host.facts {
            text(&mut hash, name);
            text(&mut hash, &value.to_string());
        }
        guests(&mut hash, &host.guests);
        Self::end(hash)
    }

    /// The digest of local guests.
    #[must_use]
    pub fn of_local(local: &LocalGuests) -> Self {
        let mut hash = Sha256::new();
        text(&mut hash, "local");
        text(&mut hash, local.hypervisor_id.as_deref().unwrap_or(""));
        guests(&mut hash, &local.guests);
        Self::end(hash)
    }

    fn end(hash: Sha256) -> Self {
        let mut out = [0; 16];
        let whole: [u8; 32] = hash.finalize().into();
        for (to, from) in out.iter_mut().zip(whole) {
            *to = from;
        }
        Self(out)
    }

    /// Of two hosts with one id.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let mut out = self.0;
        for (to, from) in out.iter_mut().zip(other.0) {
            *to = to.wrapping_mul(31).wrapping_add(from);
        }
        Self(out)
    }

    /// As state files hold it.
    #[must_use]
    pub fn hex(self) -> String {
        hex::encode(self.0)
    }

    /// Back from a state file.
    #[must_use]
    pub fn of_hex(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.hex())
    }
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

fn guests(hash: &mut Sha256, guests: &[Guest]) {
    let mut sorted: Vec<&Guest> = guests.iter().collect();
    sorted.sort_unstable();
    for guest in sorted {
        text(hash, &guest.id);
        hash.update([guest.state.number()]);
        text(hash, &guest.kind);
    }
}

/// What one source has.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Shared: an inventory is copied when it changes while a destination reads it, its hosts are not.
    hosts: Vec<Arc<Hypervisor>>,
    digests: Vec<Digest>,
    /// The first host of each id.
    by_id: HashMap<Box<str>, usize>,
    /// Ids that several hosts have.
    doubles: bool,
    /// The guests of this machine, from a source that sees no hosts.
    pub local: Option<LocalGuests>,
    guests: u64,
    /// Hosts that are not [`plain`].
    odd: usize,
}

/// Whether ids of a host and its guests are texts that every server takes.
pub(crate) fn plain(host: &Hypervisor) -> bool {
    let usable = |id: &str| {
        !id.is_empty() && id.len() <= HYPERVISOR_WORD_BYTES && !id.chars().any(char::is_control)
    };
    usable(&host.id)
        && host.guests.len() <= HYPERVISOR_HOST_GUESTS
        && host.guests.iter().all(|guest| usable(&guest.id))
}

impl Inventory {
    /// An inventory of these hosts.
    #[must_use]
    pub fn of_hosts(hosts: Vec<Hypervisor>) -> Self {
        let mut inventory = Self::default();
        for host in hosts {
            inventory.push(host);
        }
        inventory
    }

    /// An inventory of this machine's guests.
    #[must_use]
    pub fn of_local(local: LocalGuests) -> Self {
        Self {
            guests: local.guests.len() as u64,
            local: Some(local),
            ..Self::default()
        }
    }

    /// Adds a host.
    pub fn push(&mut self, host: Hypervisor) {
        self.odd += usize::from(!plain(&host));
        self.guests += host.guests.len() as u64;
        self.digests.push(Digest::of(&host));
        if self.by_id.contains_key(&host.id) {
            self.doubles = true;
        } else {
            self.by_id.insert(host.id.clone(), self.hosts.len());
        }
        self.hosts.push(Arc::new(host));
    }

    /// Puts a host in the place of the one with its id, or adds it. False when several have that id, so that nobody knows
    /// which one is meant.
    pub fn replace(&mut self, host: Hypervisor) -> bool {
        if self.doubles {
            return false;
        }
        let Some(&at) = self.by_id.get(&host.id) else {
            self.push(host);
            return true;
        };
        let (Some(old), Some(digest)) = (self.hosts.get_mut(at), self.digests.get_mut(at)) else {
            return false;
        };
        self.guests = self.guests - old.guests.len() as u64 + host.guests.len() as u64;
        self.odd = self.odd - usize::from(!plain(old)) + usize::from(!plain(&host));
        *digest = Digest::of(&host);
        *old = Arc::new(host);
        true
    }

    /// Takes a host out. False when several have that id.
    pub fn remove(&mut self, id: &str) -> bool {
        if self.doubles {
            return false;
        }
        let Some(at) = self.by_id.remove(id) else {
            return true;
        };
        let gone = self.hosts.swap_remove(at);
        self.digests.swap_remove(at);
        self.guests -= gone.guests.len() as u64;
        self.odd -= usize::from(!plain(&gone));
        if let Some(moved) = self.hosts.get(at) {
            self.by_id.insert(moved.id.clone(), at);
        }
        true
    }

    /// The hosts, in the order they were read.
    #[must_use]
    pub fn hosts(&self) -> &[Arc<Hypervisor>] {
        &self.hosts
    }

    /// The host of that id; of several the last one, as Candlepin takes them.
    #[must_use]
    pub fn host(&self, id: &str) -> Option<&Hypervisor> {
        if self.doubles {
            return self
                .hosts
                .iter()
                .rev()
                .find(|host| *host.id == *id)
                .map(AsRef::as_ref);
        }
        self.hosts.get(*self.by_id.get(id)?).map(AsRef::as_ref)
    }

    /// Hosts and guests.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.by_id.len() as u64, self.guests)
    }

    /// Whether every host is there once and all ids are texts that every server takes: then [`counts`](Self::counts) is what
    /// such a server counts.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.doubles && self.odd == 0
    }

    /// The hosts, each id once: of several with one id the last.
    #[must_use]
    pub fn distinct(&self) -> Vec<&Hypervisor> {
        let hosts = self.hosts.iter().map(AsRef::as_ref);
        if !self.doubles {
            return hosts.collect();
        }
        let mut seen: HashSet<&str> = HashSet::with_capacity(self.by_id.len());
        let mut out: Vec<&Hypervisor> = hosts.rev().filter(|host| seen.insert(&host.id)).collect();
        out.reverse();
        out
    }

    /// The digest of each id. Local guests stand under the empty id.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<Box<str>, Digest> {
        let mut out: BTreeMap<Box<str>, Digest> = BTreeMap::new();
        for (host, digest) in self.hosts.iter().zip(&self.digests) {
            out.entry(host.id.clone())
                .and_modify(|before| *before = before.with(*digest))
                .or_insert(*digest);
        }
        if let Some(local) = &self.local {
            out.insert(Box::from(""), Digest::of_local(local));
        }
        out
    }

    /// Whether these digests are those of this inventory.
    #[must_use]
    pub fn equals(&self, accepted: &BTreeMap<Box<str>, Digest>) -> bool {
        if self.doubles || self.local.is_some() {
            return self.digests() == *accepted;
        }
        self.hosts.len() == accepted.len()
            && self
                .hosts
                .iter()
                .zip(&self.digests)
                .all(|(host, digest)| accepted.get(&host.id) == Some(digest))
    }

    /// Hosts that are new or different, and ids that are gone, against these digests.
    #[must_use]
    pub fn difference<'a>(
        &'a self,
        accepted: &'a BTreeMap<Box<str>, Digest>,
    ) -> (Vec<&'a Hypervisor>, Vec<&'a str>) {
        if self.doubles {
            let now = self.digests();
            let changed = now
                .iter()
                .filter(|(id, digest)| accepted.get(*id) != Some(digest))
                .filter_map(|(id, _)| self.host(id))
                .collect();
            return (changed, self.gone(accepted));
        }
        let changed = self
            .hosts
            .iter()
            .zip(&self.digests)
            .filter(|(host, digest)| accepted.get(&host.id) != Some(digest))
            .map(|(host, _)| host.as_ref())
            .collect();
        (changed, self.gone(accepted))
    }

    fn gone<'a>(&self, accepted: &'a BTreeMap<Box<str>, Digest>) -> Vec<&'a str> {
        accepted
            .keys()
            .map(AsRef::as_ref)
            .filter(|id| !id.is_empty() && !self.by_id.contains_key(*id))
            .collect()
    }

    /// One digest over everything, by which two full reads are compared.
    #[must_use]
    pub fn whole(&self) -> Digest {
        let mut hash = Sha256::new();
        for (id, digest) in self.digests() {
            text(&mut hash, &id);
            hash.update(digest.0);
        }
        Digest::end(hash)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::State;

    fn host(id: &str, guests: &[&str]) -> Hypervisor {
        let kind: Arc<str> = "esx".into();
        let mut host = Hypervisor::new(id);
        host.guests = guests
            .iter()
            .map(|guest| Guest::new(*guest, State::Running, &kind))
            .collect();
        host
    }

    #[test]
    fn changes_are_found_and_the_order_of_guests_is_none() {
        let mut now = Inventory::of_hosts(vec![
            host("a", &["1", "2"]),
            host("b", &["3"]),
            host("c", &[]),
        ]);
        let accepted = now.digests();
        assert!(now.equals(&accepted));
        assert!(now.replace(host("a", &["2", "1"])));
        assert!(now.equals(&accepted));
        assert!(now.replace(host("b", &[])));
        assert!(now.replace(host("c", &["3"])));
        assert!(now.remove("a"));
        assert!(now.replace(host("d", &["4"])));
        let (changed, gone) = now.difference(&accepted);
        let mut ids: Vec<&str> = changed.iter().map(|host| &*host.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["b", "c", "d"]);
        assert_eq!(gone, ["a"]);
        assert_eq!(now.counts(), (3, 2));
        assert_eq!(
            now.whole(),
            Inventory::of_hosts(vec![host("d", &["4"]), host("c", &["3"]), host("b", &[])]).whole()
        );
    }

    #[test]
    fn of_two_hosts_with_one_id_both_count() {
        let mut now = Inventory::of_hosts(vec![host("a", &["1"]), host("a", &["2"])]);
        let accepted = now.digests();
        assert!(now.equals(&accepted));
        assert!(!now.replace(host("a", &[])));
        let other = Inventory::of_hosts(vec![host("a", &["1"]), host("a", &["3"])]);
        assert!(!other.equals(&accepted));
        assert_eq!(other.difference(&accepted).0[0].guests[0].id, "3".into());
    }
}
