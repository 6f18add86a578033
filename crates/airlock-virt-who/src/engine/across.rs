//! Doubles over several sources of one destination: each source by itself looks well, and the server takes two hosts for one.

use std::collections::HashSet;

use crate::inventory::Inventory;
use crate::model::duplicates::Duplicates;

/// How many are told at once.
const MOST: usize = 20;

/// What hosts and guests of several sources have in common, in words; what one source has twice by itself was told already.
pub(super) fn doubles(inventories: &[&Inventory]) -> Vec<String> {
    if inventories.len() < 2 {
        return Vec::new();
    }
    let mut all = Duplicates::new();
    let mut alone: HashSet<String> = HashSet::new();
    for inventory in inventories {
        let mut own = Duplicates::new();
        for host in inventory.hosts() {
            own.add(host);
            all.add(host);
        }
        alone.extend(own.findings().iter().map(ToString::to_string));
    }
    let found: Vec<String> = all
        .findings()
        .iter()
        .map(ToString::to_string)
        .filter(|text| !alone.contains(text))
        .collect();
    let more = found.len().saturating_sub(MOST);
    let mut told: Vec<String> = found.into_iter().take(MOST).collect();
    if more > 0 {
        told.push(format!("{more} more of that kind"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Guest, Hypervisor, State};

    fn inventory(ids: &[(&str, &str)]) -> Inventory {
        let kind = "esx".into();
        let hosts = ids.iter().map(|(id, guest)| {
            let mut host = Hypervisor::new(*id);
            host.guests = vec![Guest::new(*guest, State::Running, &kind)];
            host
        });
        Inventory::of_hosts(hosts.collect())
    }

    #[test]
    fn only_what_several_sources_have_is_told() {
        let one = inventory(&[("a", "g1"), ("x", "g5"), ("x", "g6")]);
        let two = inventory(&[("A", "g2"), ("c", "g1")]);
        assert_eq!(doubles(&[&one]), Vec::<String>::new());
        let told = doubles(&[&one, &two]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("The hypervisor id 'a' is assigned to 2"));
        assert!(told[1].contains("The guest g1 is listed 2 times"));
        let other = inventory(&[("d", "g9")]);
        assert_eq!(doubles(&[&one, &other]), Vec::<String>::new());
    }
}
