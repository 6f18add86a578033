//! The bodies that Candlepin is sent. Reference: virt-who, section 4.3.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::inventory::Inventory;
use crate::model::{Guest, Hypervisor, LocalGuests};

/// `{"hypervisors": [...]}`: guests sorted by id, facts also when there are none.
pub(super) struct Async<'a>(pub Vec<&'a Inventory>);

impl Serialize for Async<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Hosts<'a>(&'a [&'a Inventory]);
        impl Serialize for Hosts<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(None)?;
                for host in self.0.iter().flat_map(|inventory| inventory.hosts()) {
                    list.serialize_element(&Host(host))?;
                }
                list.end()
            }
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("hypervisors", &Hosts(&self.0))?;
        map.end()
    }
}

struct Host<'a>(&'a Hypervisor);

impl Serialize for Host<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Id<'a> {
            #[serde(rename = "hypervisorId")]
            id: &'a str,
        }
        let host = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hypervisorId", &Id { id: &host.id })?;
        if let Some(name) = host.name.as_deref().filter(|name| !name.is_empty()) {
            map.serialize_entry("name", name)?;
        }
        map.serialize_entry("guestIds", &sorted(&host.guests))?;
        if !host.no_facts {
            map.serialize_entry("facts", &host.facts)?;
        }
        map.end()
    }
}

fn sorted(guests: &[Guest]) -> Vec<&Guest> {
    let mut sorted: Vec<&Guest> = guests.iter().collect();
    sorted.sort_by(|one, other| one.id.cmp(&other.id));
    sorted
}

/// `{ID: [guest...]}`, the form before 2015: no names, no facts, guests as they come. Of two hosts with one id the last one
/// stands.
pub(super) struct Sync<'a>(pub &'a [&'a Inventory]);

impl Serialize for Sync<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut seen = std::collections::HashSet::new();
        let hosts = self.0.iter().flat_map(|inventory| inventory.hosts());
        for host in hosts.rev() {
            if seen.insert(&host.id) {
                map.serialize_entry(&host.id, &host.guests)?;
            }
        }
        map.end()
    }
}

/// The guests of this machine, for its consumer; `plain` when the server knows only ids.
pub(super) struct Local<'a> {
    pub local: &'a LocalGuests,
    pub plain: bool,
}

impl Serialize for Local<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let guests = sorted(&self.local.guests);
        if self.plain {
            let ids: Vec<&str> = guests.iter().map(|guest| &*guest.id).collect();
            map.serialize_entry("guestIds", &ids)?;
        } else {
            map.serialize_entry("guestIds", &guests)?;
        }
        if let Some(id) = &self.local.hypervisor_id {
            map.serialize_entry(
                "hypervisorId",
                &std::collections::BTreeMap::from([("hypervisorId", id)]),
            )?;
        }
        map.end()
    }
}
