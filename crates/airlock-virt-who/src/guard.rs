//! Reports that look wrong are not sent to other products at once: there hosts that are missing lose their subscriptions, and
//! hosts under new ids are registered twice.

use sha2::{Digest as _, Sha256};

use crate::destination::Accepted;
use crate::inventory::Inventory;
use crate::model::IdKind;
use crate::state::Held;

/// How many equal full reads prove a report.
pub const PROOF: u32 = 3;

/// What looks wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    /// In words.
    pub reason: String,
    /// A digest of what makes it so: the hosts that are gone, or the kind of id. What else changes meanwhile on a living
    /// server makes no other report of it.
    pub digest: String,
    /// How many guests there are, where their loss is what looks wrong.
    pub guests: Option<u64>,
    /// By how much that number may differ between reads that count as equal.
    slack: u64,
}

impl Suspicion {
    fn of(reason: String, about: &str, gone: &[&str], guests: Option<u64>, slack: u64) -> Self {
        let mut gone = gone.to_vec();
        gone.sort_unstable();
        let mut hash = Sha256::new();
        for word in std::iter::once(about).chain(gone) {
            hash.update((word.len() as u64).to_be_bytes());
            hash.update(word.as_bytes());
        }
        Self {
            reason,
            digest: hex::encode(hash.finalize()),
            guests,
            slack,
        }
    }

    /// A report that is held back already looks wrong in the same way.
    #[must_use]
    pub fn is_that_of(&self, held: &Held) -> bool {
        let near = match (self.guests, held.guests) {
            (Some(now), Some(then)) => now.abs_diff(then) <= self.slack,
            (now, then) => now == then,
        };
        near && held.digest == self.digest
    }

    /// The first report of this kind, which no read has proved.
    #[must_use]
    pub fn held(&self, since: i64) -> Held {
        Held {
            reason: self.reason.clone(),
            digest: self.digest.clone(),
            guests: self.guests,
            reads: 0,
            since,
        }
    }
}

/// What looks wrong with a report against what a destination has; `None` when nothing does.
///
/// The guests of one machine, told by itself, are never held back: a host is emptied before each maintenance, and its own
/// libvirt is no server that can lose sight of it.
#[must_use]
pub fn suspicion(accepted: &Accepted, inventory: &Inventory, id_kind: IdKind) -> Option<Suspicion> {
    if !accepted.ever || inventory.local.is_some() {
        return None;
    }
    if let Some(before) = accepted
        .id_kind
        .as_deref()
        .filter(|before| *before != id_kind.word())
    {
        let reason = format!(
            "hypervisor_id was {before} and is {id_kind} now, so every host would be registered a second time"
        );
        return Some(Suspicion::of(reason, id_kind.word(), &[], None, 0));
    }
    let before = accepted.digests.len() as u64;
    let (_, names) = inventory.difference(&accepted.digests);
    let gone = names.len() as u64;
    if gone * 2 > before {
        let reason = format!("{gone} of {before} hosts are gone");
        return Some(Suspicion::of(reason, "hosts", &names, None, 0));
    }
    let (_, guests) = inventory.counts();
    let lost = accepted.guests.saturating_sub(guests);
    if lost * 2 > accepted.guests {
        let reason = format!("{lost} of {} guests are gone", accepted.guests);
        // Guests come and go by themselves: which ones are there proves nothing, roughly how many does.
        let slack = accepted.guests / 20;
        return Some(Suspicion::of(reason, "guests", &names, Some(guests), slack));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Guest, Hypervisor, State};

    fn inventory(hosts: &[(&str, usize)]) -> Inventory {
        let kind: Arc<str> = "esx".into();
        Inventory::of_hosts(
            hosts
                .iter()
                .map(|(id, guests)| {
                    let mut host = Hypervisor::new(*id);
                    host.guests = (0..*guests)
                        .map(|number| Guest::new(format!("{id}-{number}"), State::Running, &kind))
                        .collect();
                    host
                })
                .collect(),
        )
    }

    fn reason(accepted: &Accepted, inventory: &Inventory, id_kind: IdKind) -> Option<String> {
        suspicion(accepted, inventory, id_kind).map(|found| found.reason)
    }

    fn accepted(inventory: &Inventory) -> Accepted {
        Accepted {
            digests: inventory.digests(),
            guests: inventory.counts().1,
            id_kind: Some("uuid".to_owned()),
            ever: true,
            ..Accepted::default()
        }
    }

    #[test]
    fn a_loss_of_over_half_is_suspicious_and_half_is_not() {
        let before = accepted(&inventory(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]));
        let half = inventory(&[("a", 2), ("b", 2)]);
        assert_eq!(suspicion(&before, &half, IdKind::Uuid), None);
        let less = inventory(&[("a", 4)]);
        assert_eq!(
            reason(&before, &less, IdKind::Uuid).as_deref(),
            Some("3 of 4 hosts are gone")
        );
        let empty = inventory(&[("a", 0), ("b", 0), ("c", 0), ("d", 1)]);
        assert_eq!(
            reason(&before, &empty, IdKind::Uuid).as_deref(),
            Some("3 of 4 guests are gone")
        );
        assert!(suspicion(&before, &inventory(&[]), IdKind::Uuid).is_some());
    }

    #[test]
    fn the_only_host_and_the_only_guest_are_a_loss_too() {
        let one = accepted(&inventory(&[("a", 1)]));
        assert_eq!(
            reason(&one, &inventory(&[]), IdKind::Uuid).as_deref(),
            Some("1 of 1 hosts are gone")
        );
        assert_eq!(
            reason(&one, &inventory(&[("a", 0)]), IdKind::Uuid).as_deref(),
            Some("1 of 1 guests are gone")
        );
        let none = accepted(&inventory(&[("a", 0)]));
        assert_eq!(
            suspicion(&none, &inventory(&[("a", 0)]), IdKind::Uuid),
            None
        );
    }

    #[test]
    fn another_kind_of_id_is_suspicious_and_a_first_report_never() {
        let now = inventory(&[("a", 1)]);
        assert!(suspicion(&accepted(&now), &now, IdKind::Hostname).is_some());
        assert_eq!(
            suspicion(&Accepted::default(), &now, IdKind::Hostname),
            None
        );
    }

    #[test]
    fn the_same_loss_stays_the_same_while_other_things_change() {
        let hosts = [("a", 100), ("b", 100), ("c", 100), ("d", 100), ("e", 100)];
        let before = accepted(&inventory(&hosts));
        let found =
            |hosts: &[(&str, usize)]| suspicion(&before, &inventory(hosts), IdKind::Uuid).unwrap();
        let held = found(&[("a", 100), ("b", 100)]).held(0);
        assert!(found(&[("a", 90), ("b", 130)]).is_that_of(&held));
        assert!(found(&[("a", 9), ("b", 9), ("new", 1)]).is_that_of(&held));
        assert!(
            !found(&[("a", 100), ("c", 100)]).is_that_of(&held),
            "other hosts are gone"
        );
        assert!(!found(&[("a", 100)]).is_that_of(&held));
        let empty = [("a", 100), ("b", 50), ("c", 0), ("d", 0), ("e", 0)];
        let held = found(&empty).held(0);
        let moved = [("a", 90), ("b", 0), ("c", 70), ("d", 0), ("e", 5)];
        assert!(found(&moved).is_that_of(&held), "guests move and come");
        assert!(!found(&[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)]).is_that_of(&held));
    }
}
