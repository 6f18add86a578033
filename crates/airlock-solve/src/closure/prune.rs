//! Drops what was pulled in and turned out to be needless.
//!
//! `a` is taken for a requirement, and later `b`, for another one that only `b` meets; if `b` meets
//! the first one too, nothing needs `a` any more.

use crate::dependency::DependencyId;
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::universe::Universe;

use super::{Group, Pulled};

/// What packages of a closed set need, and by how many that is there.
struct Need {
    /// Packages that need it, in their order.
    needers: Vec<PackageId>,
    dependency: DependencyId,
    /// Providers that are there.
    there: u32,
    /// The clause of a rich requirement that it is.
    clause: Option<u32>,
}

/// Needs of a set, and which of them each pulled package meets.
struct Needs<'a, 'p> {
    universe: &'a Universe<'p>,
    needs: Vec<Need>,
    met_by: NumberMap<u32, Vec<u32>>,
}

/// The groups that are really needed, each with the first reason; the others go.
pub(super) fn prune(
    universe: &Universe<'_>,
    selected: &[PackageId],
    groups: &mut Vec<Group>,
    present: &mut PackageSet,
) -> Vec<Pulled> {
    loop {
        let mut needs = Needs::new(universe, selected, groups, present);
        let before = groups.len();
        for place in (0..before).rev() {
            if needs
                .reason(&groups[place].members, &groups[place].members, present)
                .is_none()
            {
                for id in groups.remove(place).members {
                    present.remove(id);
                    needs.take_away(id);
                }
            }
        }
        if groups.len() == before {
            let pulled = groups.iter();
            return pulled
                .filter_map(|group| needs.pulled(&group.members, present))
                .collect();
        }
    }
}

impl<'a, 'p> Needs<'a, 'p> {
    fn new(
        universe: &'a Universe<'p>,
        selected: &[PackageId],
        groups: &[Group],
        present: &PackageSet,
    ) -> Self {
        let mut found = Self {
            universe,
            needs: Vec::new(),
            met_by: NumberMap::default(),
        };
        let members = groups.iter().flat_map(|group| &group.members);
        let pulled: PackageSet = members.copied().collect();
        let mut numbers = NumberMap::<u32, u32>::default();
        let solved = groups.iter().flat_map(Group::solved);
        for id in selected.iter().chain(solved) {
            for requirement in universe.requirements.get(id.index()) {
                let number = requirement.0 as usize;
                let known = *numbers.entry(requirement.0).or_insert_with(|| {
                    let dependency = universe.requirement_dependency[number];
                    let providers = universe.providers.get(number);
                    found.add(dependency, providers, &pulled, present)
                });
                found.needs[known as usize].needers.push(*id);
            }
            for number in universe.clauses.get(id.index()) {
                if universe.asks_for_packages(*number, present, &[]) {
                    let owned = &universe.owned[*number as usize];
                    let providers = &owned.clause.positive;
                    let known = found.add(owned.dependency, providers, &pulled, present);
                    let need = &mut found.needs[known as usize];
                    need.needers.push(*id);
                    need.clause = Some(*number);
                }
            }
        }
        found
    }

    fn add(
        &mut self,
        dependency: DependencyId,
        providers: &[PackageId],
        pulled: &PackageSet,
        present: &PackageSet,
    ) -> u32 {
        let number = self.needs.len() as u32;
        let mut there = 0;
        for id in providers.iter().filter(|id| present.contains(**id)) {
            there += 1;
            if pulled.contains(*id) {
                self.met_by.entry(id.0).or_default().push(number);
            }
        }
        self.needs.push(Need {
            needers: Vec::new(),
            dependency,
            there,
            clause: None,
        });
        number
    }

    /// The first package outside of a group that lacks something without some of the group.
    fn reason(
        &self,
        gone: &[PackageId],
        group: &[PackageId],
        present: &PackageSet,
    ) -> Option<(PackageId, DependencyId)> {
        gone.iter().find_map(|id| {
            let met = self.met_by.get(&id.0)?.iter();
            let mut needs = met.map(|number| (*number, &self.needs[*number as usize]));
            needs.find_map(|(number, need)| {
                let gone_too = gone.iter().filter(|member| self.meets(**member, number));
                if gone_too.count() < need.there as usize {
                    return None;
                }
                // What is gone may be all that makes the condition true.
                let applies = |clause| self.universe.asks_for_packages(clause, present, gone);
                if !need.clause.is_none_or(applies) {
                    return None;
                }
                let mut needers = need.needers.iter();
                let outside = |id: &&PackageId| present.contains(**id) && !group.contains(*id);
                Some((*needers.find(outside)?, need.dependency))
            })
        })
    }

    /// The member of a group that something lacks by itself, else the first one that helps.
    fn pulled(&self, group: &[PackageId], present: &PackageSet) -> Option<Pulled> {
        let with = |package| group.iter().copied().filter(|id| *id != package).collect();
        let single = |id: &PackageId| {
            let (needed_by, dependency) = self.reason(&[*id], group, present)?;
            Some(Pulled {
                package: *id,
                needed_by,
                dependency,
                with: with(*id),
                alone: true,
            })
        };
        if let Some(found) = group.iter().find_map(single) {
            return Some(found);
        }
        let (needed_by, dependency) = self.reason(group, group, present)?;
        let helps = |id: &&PackageId| {
            let met = self.met_by.get(&id.0).into_iter().flatten();
            let mut needs = met.map(|number| &self.needs[*number as usize]);
            needs.any(|need| need.dependency == dependency)
        };
        let package = *group.iter().find(helps)?;
        Some(Pulled {
            package,
            needed_by,
            dependency,
            with: with(package),
            alone: false,
        })
    }

    fn meets(&self, id: PackageId, need: u32) -> bool {
        let met = self.met_by.get(&id.0);
        met.is_some_and(|needs| needs.contains(&need))
    }

    fn take_away(&mut self, id: PackageId) {
        for number in self.met_by.remove(&id.0).unwrap_or_default() {
            self.needs[number as usize].there -= 1;
        }
    }
}
