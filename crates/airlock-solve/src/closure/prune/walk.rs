//! The way from the selected packages to what they need, and what that needs.

use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;

use super::needs::{Met, Needs};
use crate::closure::{Group, Pulled};

/// A group that was reached.
pub(super) struct Found {
    pub group: usize,
    /// Who needs it: a selected package, or one of a group that was reached before.
    needer: PackageId,
    need: usize,
}

/// Goes breadth first, and first along the needs that only one group meets. Where several groups
/// meet one, another need may still decide between them; if none does, the first group is taken.
pub(super) struct Walk<'n, 'a, 'p> {
    needs: &'n Needs<'a, 'p>,
    there: PackageSet,
    /// Which needs are met by what is there.
    met: Vec<bool>,
    /// Packages whose needs are looked at, in their order.
    queue: Vec<PackageId>,
    queued: PackageSet,
    /// Needs that several groups meet, or with conditions that are not true so far.
    waiting: Vec<(PackageId, usize)>,
    found: Vec<Found>,
}

impl<'n, 'a, 'p> Walk<'n, 'a, 'p> {
    /// The groups that can be reached, in the order in which they are.
    pub(super) fn from_selected(needs: &'n Needs<'a, 'p>, selected: &[PackageId]) -> Vec<Found> {
        let mut walk = Self {
            needs,
            there: needs.fixed.clone(),
            met: vec![false; needs.len()],
            queue: Vec::new(),
            queued: PackageSet::default(),
            waiting: Vec::new(),
            found: Vec::new(),
        };
        walk.enqueue(selected);
        let mut next = 0;
        loop {
            while let Some(id) = walk.queue.get(next).copied() {
                next += 1;
                for need in needs.of_package(id) {
                    walk.look(id, *need);
                }
            }
            let before = walk.found.len();
            for (id, need) in std::mem::take(&mut walk.waiting) {
                walk.look(id, need);
            }
            if walk.found.len() == before && !walk.decide() {
                return walk.found;
            }
        }
    }

    fn enqueue(&mut self, packages: &[PackageId]) {
        let queued = &mut self.queued;
        let new = packages.iter().filter(|id| queued.insert(**id));
        self.queue.extend(new);
    }

    fn look(&mut self, needer: PackageId, need: usize) {
        if self.met[need] {
            return;
        }
        match self.needs.get(need).met {
            Met::Only(group) if self.applies(need) => self.take(group, needer, need),
            Met::Only(_) | Met::Several => self.waiting.push((needer, need)),
            Met::Dropped => {}
        }
    }

    /// Takes a group for the first of the needs that several meet; false when there is none.
    fn decide(&mut self) -> bool {
        let waiting = self.waiting.iter().copied();
        let mut asked = waiting.filter(|(_, need)| self.applies(*need));
        let Some((needer, need)) = asked.next() else {
            return false;
        };
        match self.needs.first_group(need) {
            Some(group) => self.take(group, needer, need),
            None => return false,
        }
        true
    }

    fn take(&mut self, group: usize, needer: PackageId, need: usize) {
        let own = &self.needs.groups[group];
        own.members.iter().for_each(|id| {
            self.there.insert(*id);
        });
        for need in self.needs.met_by_group(group) {
            self.met[*need] = true;
        }
        self.enqueue(own.solved());
        self.found.push(Found {
            group,
            needer,
            need,
        });
    }

    fn applies(&self, need: usize) -> bool {
        self.needs.applies(need, |id| self.there.contains(*id))
    }
}

/// Reasons for the groups that were reached, in their order.
pub(super) fn reasons(
    needs: &Needs<'_, '_>,
    selected: &[PackageId],
    found: &[Found],
) -> Vec<(usize, Pulled)> {
    let mut there = needs.fixed.clone();
    let mut asking: PackageSet = selected.iter().copied().collect();
    let mut reasons = Vec::with_capacity(found.len());
    for found in found {
        let own = &needs.groups[found.group];
        let reason = reason(needs, found, &there, &asking);
        reasons.extend(reason.map(|pulled| (found.group, pulled)));
        own.members.iter().for_each(|id| {
            there.insert(*id);
        });
        own.solved().iter().for_each(|id| {
            asking.insert(*id);
        });
    }
    reasons
}

/// The first member of a group that meets something alone, needed by one of those that were reached
/// before; else the first one that helps.
fn reason(
    needs: &Needs<'_, '_>,
    found: &Found,
    there: &PackageSet,
    asking: &PackageSet,
) -> Option<Pulled> {
    let group = &needs.groups[found.group];
    let places = places(group);
    let place = |id: PackageId| places.get(&id.0).copied();
    let alone = needs.met_by_group(found.group).iter().filter_map(|number| {
        if needs.get(*number).met != Met::Only(found.group) {
            return None;
        }
        let mut providers = needs.providers(*number);
        let (Some(id), None) = (providers.next(), providers.next()) else {
            return None;
        };
        let needer = needs.needer(*number, asking)?;
        let applies = needs.applies(*number, |id| there.contains(*id));
        applies.then_some((place(id)?, *number, needer))
    });
    let (place, need, needer, alone) = match alone.min() {
        Some((place, need, needer)) => (place, need, needer, true),
        None => {
            let helping: Vec<usize> = needs.providers(found.need).filter_map(place).collect();
            let alone = needs.providers(found.need).count() == 1;
            (*helping.iter().min()?, found.need, found.needer, alone)
        }
    };
    let package = *group.members.get(place)?;
    let others = group.members.iter().copied().filter(|id| *id != package);
    Some(Pulled {
        package,
        needed_by: needer,
        dependency: needs.get(need).dependency,
        with: others.collect(),
        alone,
        tag: group.tag,
    })
}

fn places(group: &Group) -> NumberMap<u32, usize> {
    let members = group.members.iter().enumerate();
    members.map(|(place, id)| (id.0, place)).collect()
}
