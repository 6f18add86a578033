//! The inventory as the property collector has told it, and its mapping to hosts and guests.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::compact::{GuestId, Uuid};
use super::updates::{Change, Happened, Operation, Update};
use crate::backend::{Changes, Note, Sink};
use crate::model::{
    CLUSTER, Guest, Hypervisor, IdKind, Parent, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION, uuid,
};
use crate::settings::Settings;

/// How many notes of one kind are told one by one.
const NOTES: usize = 20;

type Text = Option<Box<str>>;

#[derive(Debug, Default)]
struct Machine {
    uuid: Option<Uuid>,
    /// By `config.version` the uuid comes in the other byte order.
    swapped: bool,
    state: State,
}

#[derive(Debug, Default)]
struct Host {
    name: Text,
    guests: Vec<GuestId>,
    uuid: Text,
    sockets: Text,
    parent: Option<(Box<str>, bool)>,
    product: Text,
    product_version: Text,
    dns_host: Text,
    dns_domain: Text,
    /// The id that it was reported under last.
    reported: Text,
}

/// Everything that the filter covers.
#[derive(Debug)]
pub struct Inventory {
    kind: Arc<str>,
    guests: HashMap<GuestId, Machine>,
    hosts: HashMap<Box<str>, Host>,
    clusters: HashMap<Box<str>, Box<str>>,
    touched: Touched,
    notes: Notes,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            kind: "esx".into(),
            guests: HashMap::new(),
            hosts: HashMap::new(),
            clusters: HashMap::new(),
            touched: Touched::default(),
            notes: Notes::default(),
        }
    }
}

/// What was touched since the last report; only kept while changes are gathered.
#[derive(Debug, Default)]
struct Touched {
    on: bool,
    hosts: BTreeSet<Box<str>>,
    guests: HashSet<GuestId>,
    clusters: HashSet<Box<str>>,
    /// The ids under which hosts were reported that are gone now.
    gone: Vec<Box<str>>,
}

#[derive(Debug, Default)]
struct Notes {
    told: Vec<Note>,
    more: usize,
}

impl Notes {
    fn add(&mut self, note: impl FnOnce() -> Note) {
        if self.told.len() < NOTES {
            self.told.push(note());
        } else {
            self.more += 1;
        }
    }

    fn take(&mut self) -> Vec<Note> {
        let more = std::mem::take(&mut self.more);
        let mut told = std::mem::take(&mut self.told);
        if more > 0 {
            told.push(Note::Remark(format!(
                "{more} more hosts or guests are left out"
            )));
        }
        told
    }
}

impl Inventory {
    /// Takes in what happened to one object.
    pub fn apply(&mut self, update: Update) {
        let id: Box<str> = update.id.as_str().into();
        match update.kind.as_str() {
            "VirtualMachine" => {
                let id = GuestId::new(&update.id);
                if self.touched.on {
                    self.touched.guests.insert(id.clone());
                }
                if update.happened == Happened::Left {
                    self.guests.remove(&id);
                    return;
                }
                let guest = self.guests.entry(id).or_default();
                for change in update.changes {
                    guest.change(change);
                }
            }
            "HostSystem" => {
                if self.touched.on {
                    self.touched.hosts.insert(id.clone());
                }
                if update.happened == Happened::Left {
                    let gone = self.hosts.remove(&id).and_then(|host| host.reported);
                    if self.touched.on {
                        self.touched.gone.extend(gone);
                    }
                    return;
                }
                let host = self.hosts.entry(id).or_default();
                for change in update.changes {
                    host.change(change);
                }
            }
            "ClusterComputeResource" => {
                if self.touched.on {
                    self.touched.clusters.insert(id.clone());
                }
                if update.happened == Happened::Left {
                    self.clusters.remove(&id);
                    return;
                }
                for change in update.changes {
                    if change.name == "name" {
                        self.clusters
                            .insert(id.clone(), percent_decoded(&change.text).into());
                    }
                }
            }
            // Nothing else was asked for.
            _ => {}
        }
    }

    /// Hosts, guests and clusters.
    pub fn objects(&self) -> usize {
        self.hosts.len() + self.guests.len() + self.clusters.len()
    }

    /// The ids of all hosts, in a stable order.
    pub fn host_ids(&self) -> Vec<Box<str>> {
        let mut ids: Vec<_> = self.hosts.keys().cloned().collect();
        ids.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        ids
    }

    /// A whole report follows.
    pub fn begin_report(&mut self) {
        self.touched = Touched::default();
        self.notes = Notes::default();
    }

    /// Changes are gathered from here on.
    pub fn begin_changes(&mut self) {
        self.touched.on = true;
    }

    /// What there was to say.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.notes.take()
    }

    /// The host with its guests, if it is to be reported.
    pub fn report(&mut self, id: &str, settings: &Settings) -> Option<Hypervisor> {
        let host = self.hosts.get(id)?;
        let mapped = self.map(id, host, settings);
        let (mapped, notes) = match mapped {
            Ok((mapped, notes)) => (Some(mapped), notes),
            Err(note) => (None, note.into_iter().collect()),
        };
        for note in notes {
            self.notes.add(|| note);
        }
        if let Some(host) = self.hosts.get_mut(id) {
            host.reported = mapped.as_ref().map(|mapped| mapped.id.clone());
        }
        mapped
    }

    /// What has changed since [`begin_changes`](Self::begin_changes), as hosts.
    pub fn changes(&mut self, settings: &Settings) -> Changes {
        let mut touched = std::mem::take(&mut self.touched);
        for (id, host) in &self.hosts {
            let by_guest = !touched.guests.is_empty()
                && host
                    .guests
                    .iter()
                    .any(|guest| touched.guests.contains(guest));
            let by_cluster = host
                .parent
                .as_ref()
                .is_some_and(|(parent, _)| touched.clusters.contains(parent));
            if by_guest || by_cluster {
                touched.hosts.insert(id.clone());
            }
        }
        let mut changes = Changes::default();
        let mut removed = touched.gone;
        for id in touched.hosts {
            let before = self.hosts.get(&id).and_then(|host| host.reported.clone());
            let after = self.report(&id, settings);
            removed.extend(
                before.filter(|before| after.as_ref().is_none_or(|after| after.id != *before)),
            );
            changes.changed.extend(after);
        }
        // Of two hosts with one id the other may still be there.
        let left: HashSet<&str> = if removed.is_empty() {
            HashSet::new()
        } else {
            self.hosts
                .values()
                .filter_map(|host| host.reported.as_deref())
                .collect()
        };
        removed.retain(|id| !left.contains(&**id));
        changes.removed = removed;
        changes.notes = self.notes.take();
        changes
    }

    /// What a host is below, with the name of a cluster.
    fn parent(&self, host: &Host) -> Option<Parent> {
        let (id, cluster) = host.parent.as_ref()?;
        let name = self.clusters.get(id).filter(|_| *cluster);
        Some(Parent {
            id: id.clone(),
            name: name.cloned(),
        })
    }

    /// Tells of a host that the filter by parents leaves out.
    pub fn below(&self, id: &str, settings: &Settings, sink: &mut dyn Sink) {
        let Some(host) = self.hosts.get(id) else {
            return;
        };
        let parent = self.parent(host);
        let verdict = settings.parents.verdict(parent.as_ref());
        if !verdict.keeps() {
            let shown = host.name.as_deref().unwrap_or(id);
            sink.below(shown, parent.as_ref(), verdict);
        }
    }

    /// The host as it is reported, with remarks on its guests; or why it is not. A host that a filter leaves out is no
    /// news.
    fn map(
        &self,
        id: &str,
        host: &Host,
        settings: &Settings,
    ) -> Result<(Hypervisor, Vec<Note>), Option<Note>> {
        let parent = self.parent(host);
        let cluster = parent.as_ref().and_then(|parent| parent.name.clone());
        if !settings.parents.verdict(parent.as_ref()).keeps() {
            return Err(None);
        }
        let shown = host.name.as_deref().unwrap_or(id);
        let left_out = |reason: &str| {
            Some(Note::HostLeftOut {
                host: shown.to_owned(),
                reason: reason.to_owned(),
            })
        };
        let name = match (&host.dns_host, &host.dns_domain) {
            (Some(host), Some(domain)) if !domain.is_empty() => format!("{host}.{domain}"),
            (Some(host), Some(_)) => host.to_string(),
            _ if settings.all_hosts => shown.to_owned(),
            _ => {
                return Err(left_out(
                    "it has no DNS name (all_hosts=true reports it under its name in the inventory)",
                ));
            }
        };
        let reported = match settings.hypervisor_id {
            IdKind::Uuid => host
                .uuid
                .clone()
                .ok_or_else(|| left_out("it has no hardware.systemInfo.uuid"))?,
            IdKind::HwUuid => id.into(),
            IdKind::Hostname => name.as_str().into(),
        };
        let mut mapped = Hypervisor::new(reported);
        mapped.name = Some(name.into());
        mapped.parent = parent;
        if let Some(sockets) = &host.sockets {
            mapped.fact(SOCKETS, &**sockets);
        }
        mapped.fact(TYPE, host.product.as_deref().unwrap_or("vmware"));
        if let Some(version) = &host.product_version {
            mapped.fact(VERSION, &**version);
        }
        if let Some(uuid) = &host.uuid {
            mapped.fact(SYSTEM_UUID, &**uuid);
        }
        if let Some(cluster) = cluster {
            mapped.fact(CLUSTER, &*cluster);
        }
        let mut notes = Vec::new();
        mapped.guests.reserve_exact(host.guests.len());
        for guest_id in &host.guests {
            match self.guest(guest_id) {
                Ok(guest) => mapped.guests.push(guest),
                Err(reason) => notes.push(Note::GuestLeftOut {
                    guest: format!("{guest_id} on {shown}"),
                    reason: reason.to_owned(),
                }),
            }
        }
        Ok((mapped, notes))
    }

    fn guest(&self, id: &GuestId) -> Result<Guest, &'static str> {
        let guest = self
            .guests
            .get(id)
            .ok_or("it has gone, or the account may not see it")?;
        let uuid = guest.uuid.as_ref().ok_or("it has no config.uuid")?;
        let mut text = uuid.to_string();
        if guest.swapped {
            text = uuid::swapped(&text).unwrap_or(text);
        }
        Ok(Guest::new(text, guest.state, &self.kind))
    }
}

impl Machine {
    fn change(&mut self, change: Change) {
        let gone = change.operation == Operation::Remove;
        let value = (!gone).then(|| change.text.into_boxed_str());
        match change.name.as_str() {
            "config.uuid" => self.uuid = value.as_deref().and_then(Uuid::new),
            "config.version" => {
                self.swapped = value.as_deref().is_some_and(uuid::is_swapped_by);
            }
            "runtime.powerState" => {
                self.state = match value.as_deref().map(str::trim) {
                    Some("poweredOn") => State::Running,
                    Some("suspended") => State::Paused,
                    Some("poweredOff") => State::ShutOff,
                    _ => State::Unknown,
                };
            }
            // The whole configuration of a machine that is being made or lost.
            "config" if gone => (self.uuid, self.swapped) = (None, false),
            _ => {}
        }
    }
}

impl Host {
    fn change(&mut self, change: Change) {
        if change.name == "vm" {
            match change.operation {
                Operation::Assign => self.guests = ids(&change.references),
                Operation::Add => {
                    self.guests.extend(ids(&change.references));
                    if !change.text.trim().is_empty() {
                        self.guests.push(GuestId::new(change.text.trim()));
                    }
                }
                Operation::Remove => self.guests.clear(),
            }
            self.guests.shrink_to_fit();
            return;
        }
        let gone = change.operation == Operation::Remove;
        let value = (!gone).then(|| change.text.into_boxed_str());
        match change.name.as_str() {
            "name" => self.name = value,
            "hardware.systemInfo.uuid" => self.uuid = value.filter(|uuid| !uuid.trim().is_empty()),
            "hardware.cpuInfo.numCpuPackages" => self.sockets = value,
            "parent" => {
                let cluster = change.kind.as_deref() == Some("ClusterComputeResource");
                self.parent = value.map(|id| (id, cluster));
            }
            "config.product.name" => self.product = value,
            "config.product.version" => self.product_version = value,
            "config.network.dnsConfig.hostName" => self.dns_host = value,
            "config.network.dnsConfig.domainName" => self.dns_domain = value,
            _ => {}
        }
    }
}

fn ids(references: &[Box<str>]) -> Vec<GuestId> {
    references.iter().map(|id| GuestId::new(id)).collect()
}

/// vCenter writes `%`, `/` and `\` in names as `%25`, `%2f` and `%5c`.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_percent_decoded() {
        assert_eq!(percent_decoded("Prod%2fCluster %25 1"), "Prod/Cluster % 1");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%c3%a9"), "%zzé");
    }
}
