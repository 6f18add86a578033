//! Reports that look wrong are not sent to other products at once: there hosts that are missing lose their subscriptions, and
//! hosts under new ids are registered twice.

use crate::destination::Accepted;
use crate::inventory::Inventory;
use crate::model::IdKind;

/// How many equal full reads prove a report.
pub const PROOF: u32 = 3;

/// What looks wrong with a report against what a destination has; `None` when nothing does.
///
/// The guests of one machine, told by itself, are never held back: a host is emptied before each maintenance, and its own
/// libvirt is no server that can lose sight of it.
#[must_use]
pub fn suspicion(accepted: &Accepted, inventory: &Inventory, id_kind: IdKind) -> Option<String> {
    if !accepted.ever || inventory.local.is_some() {
        return None;
    }
    if let Some(before) = accepted
        .id_kind
        .as_deref()
        .filter(|before| *before != id_kind.word())
    {
        return Some(format!(
            "hypervisor_id was {before} and is {id_kind} now, so every host would be registered a second time"
        ));
    }
    let before = accepted.digests.len() as u64;
    let (_, gone) = inventory.difference(&accepted.digests);
    let gone = gone.len() as u64;
    if gone * 2 > before {
        return Some(format!("{gone} of {before} hosts are gone"));
    }
    let (_, guests) = inventory.counts();
    let lost = accepted.guests.saturating_sub(guests);
    if lost * 2 > accepted.guests {
        return Some(format!("{lost} of {} guests are gone", accepted.guests));
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
            suspicion(&before, &less, IdKind::Uuid).as_deref(),
            Some("3 of 4 hosts are gone")
        );
        let empty = inventory(&[("a", 0), ("b", 0), ("c", 0), ("d", 1)]);
        assert_eq!(
            suspicion(&before, &empty, IdKind::Uuid).as_deref(),
            Some("3 of 4 guests are gone")
        );
        assert!(suspicion(&before, &inventory(&[]), IdKind::Uuid).is_some());
    }

    #[test]
    fn the_only_host_and_the_only_guest_are_a_loss_too() {
        let one = accepted(&inventory(&[("a", 1)]));
        assert_eq!(
            suspicion(&one, &inventory(&[]), IdKind::Uuid).as_deref(),
            Some("1 of 1 hosts are gone")
        );
        assert_eq!(
            suspicion(&one, &inventory(&[("a", 0)]), IdKind::Uuid).as_deref(),
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
}
