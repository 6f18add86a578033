//! What packages of a closed set need of those that were pulled in.

use crate::dependency::DependencyId;
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::sight::Sight;
use crate::universe::Universe;

use super::walk::Found;
use crate::closure::Group;

/// By how many of the groups that are kept a need is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// Only by packages of groups that were dropped: who needs it is gone, or a condition of it.
    Dropped,
    /// Without this group nothing meets it.
    Only(usize),
    /// Whichever group goes, something meets it.
    Several,
}

/// What packages require and only pulled ones meet.
pub(super) struct Need {
    pub dependency: DependencyId,
    pub met: Met,
    /// The clause of a rich requirement that it is.
    clause: Option<u32>,
    /// Packages that need it, in their order.
    needers: Vec<PackageId>,
    /// Pulled packages that meet it, preferred ones first.
    providers: Vec<PackageId>,
}

/// A group that a package is in.
#[derive(Clone, Copy)]
struct Owner {
    group: usize,
    /// Whether the package brings its requirements there.
    solved: bool,
}

/// Needs of a set, and which groups are kept to meet them.
pub(super) struct Needs<'a, 'p> {
    pub groups: &'a [Group],
    /// What is there whatever was pulled in.
    pub fixed: &'a PackageSet,
    universe: &'a Universe<'p>,
    sight: Option<&'a Sight>,
    selected: PackageSet,
    kept: Vec<bool>,
    /// Packages of the kept groups.
    pulled: PackageSet,
    /// Kept groups of each of them.
    owners: NumberMap<u32, Vec<Owner>>,
    needs: Vec<Need>,
    /// Needs of each package, in the order in which it has them.
    of_package: NumberMap<u32, Vec<usize>>,
    /// Needs that members of each group meet, each once.
    met_by_group: Vec<Vec<usize>>,
}

impl<'a, 'p> Needs<'a, 'p> {
    pub(super) fn new(
        universe: &'a Universe<'p>,
        selected: &[PackageId],
        fixed: &'a PackageSet,
        sight: Option<&'a Sight>,
        groups: &'a [Group],
    ) -> Self {
        let mut owners = NumberMap::<u32, Vec<Owner>>::default();
        for (group, own) in groups.iter().enumerate() {
            for (place, id) in own.members.iter().enumerate() {
                let solved = place < own.solved;
                owners
                    .entry(id.0)
                    .or_default()
                    .push(Owner { group, solved });
            }
        }
        let mut found = Self {
            groups,
            fixed,
            universe,
            sight,
            selected: PackageSet::default(),
            kept: vec![true; groups.len()],
            pulled: owners.keys().map(|id| PackageId(*id)).collect(),
            owners,
            needs: Vec::new(),
            of_package: NumberMap::default(),
            met_by_group: vec![Vec::new(); groups.len()],
        };
        let mut known = NumberMap::<(u32, u32), Option<usize>>::default();
        let mut read = PackageSet::default();
        for id in selected {
            found.selected.insert(*id);
            found.read(*id, &mut read, &mut known);
        }
        for id in groups.iter().flat_map(Group::solved) {
            found.read(*id, &mut read, &mut known);
        }
        for number in 0..found.needs.len() {
            for id in &found.needs[number].providers {
                for owner in found.owners.get(&id.0).into_iter().flatten() {
                    let met = &mut found.met_by_group[owner.group];
                    if met.last() != Some(&number) {
                        met.push(number);
                    }
                }
            }
            found.count(number);
        }
        found
    }

    fn read(
        &mut self,
        id: PackageId,
        read: &mut PackageSet,
        known: &mut NumberMap<(u32, u32), Option<usize>>,
    ) {
        if !read.insert(id) {
            return;
        }
        let universe = self.universe;
        // Packages that see the same share their needs.
        let class = self.sight.map_or(0, |sight| sight.class(id));
        let mut own = Vec::new();
        for requirement in universe.requirements.get(id.index()) {
            let number = requirement.0 as usize;
            let key = (class, requirement.0);
            let need = *known.entry(key).or_insert_with(|| {
                let dependency = universe.requirement_dependency[number];
                self.add(id, dependency, universe.providers.get(number), None)
            });
            own.extend(need);
        }
        for number in universe.clauses.get(id.index()) {
            // Whether its conditions are true is seen each time.
            if universe.asks_for_packages(*number, |_| true) {
                let owned = &universe.owned[*number as usize];
                own.extend(self.add(id, owned.dependency, &owned.clause.positive, Some(*number)));
            }
        }
        for need in &own {
            self.needs[*need].needers.push(id);
        }
        if !own.is_empty() {
            self.of_package.insert(id.0, own);
        }
    }

    /// None for what is met whatever goes, or not met whatever stays.
    fn add(
        &mut self,
        by: PackageId,
        dependency: DependencyId,
        providers: &[PackageId],
        clause: Option<u32>,
    ) -> Option<usize> {
        let sight = self.sight;
        let seen = |id: &PackageId| sight.is_none_or(|sight| sight.sees(by, *id));
        let mut known = providers.iter().filter(|id| seen(id));
        if known.any(|id| self.fixed.contains(*id)) {
            return None;
        }
        let pulled = |id: &PackageId| self.pulled.contains(*id) && seen(id);
        let providers: Vec<PackageId> = providers.iter().copied().filter(pulled).collect();
        if providers.is_empty() {
            return None;
        }
        self.needs.push(Need {
            dependency,
            met: Met::Several,
            clause,
            needers: Vec::new(),
            providers,
        });
        Some(self.needs.len() - 1)
    }

    pub(super) fn len(&self) -> usize {
        self.needs.len()
    }

    pub(super) fn get(&self, need: usize) -> &Need {
        &self.needs[need]
    }

    pub(super) fn of_package(&self, id: PackageId) -> &[usize] {
        self.of_package.get(&id.0).map_or(&[], Vec::as_slice)
    }

    pub(super) fn met_by_group(&self, group: usize) -> &[usize] {
        &self.met_by_group[group]
    }

    /// Packages that are there and meet a need.
    pub(super) fn providers(&self, need: usize) -> impl Iterator<Item = PackageId> + '_ {
        let providers = self.needs[need].providers.iter().copied();
        providers.filter(|id| self.pulled.contains(*id))
    }

    /// The first of the groups that meet a need.
    pub(super) fn first_group(&self, need: usize) -> Option<usize> {
        let providers = self.needs[need].providers.iter();
        let owners = providers.flat_map(|id| self.owners(*id));
        owners.map(|owner| owner.group).min()
    }

    /// The first of some packages that has a need.
    pub(super) fn needer(&self, need: usize, among: &PackageSet) -> Option<PackageId> {
        let mut needers = self.needs[need].needers.iter().copied();
        needers.find(|id| among.contains(*id))
    }

    /// Whether the conditions of a need are true with what is there.
    pub(super) fn applies(&self, need: usize, there: impl Fn(&PackageId) -> bool) -> bool {
        let clause = self.needs[need].clause;
        clause.is_none_or(|number| self.universe.asks_for_packages(number, there))
    }

    /// Drops the groups that were not found; true when there are any.
    pub(super) fn drop_others(&mut self, found: &[Found]) -> bool {
        let mut others = self.kept.clone();
        found.iter().for_each(|found| others[found.group] = false);
        let others: Vec<usize> = (0..others.len()).filter(|group| others[*group]).collect();
        others.iter().for_each(|group| self.take_away(*group));
        if !others.is_empty() {
            (0..self.needs.len()).for_each(|need| self.count(need));
        }
        !others.is_empty()
    }

    /// Drops groups without which nothing lacks, the last ones first; true when there are any.
    pub(super) fn drop_needless(&mut self) -> bool {
        let mut dropped = false;
        for group in (0..self.groups.len()).rev() {
            if self.kept[group] && !self.is_needed(group) {
                self.take_away(group);
                for place in 0..self.met_by_group[group].len() {
                    self.count(self.met_by_group[group][place]);
                }
                dropped = true;
            }
        }
        dropped
    }

    /// Whether something that stays lacks something without a group.
    fn is_needed(&self, group: usize) -> bool {
        let others = |id: &PackageId| self.owners(*id).iter().filter(|o| o.group != group);
        let stays = |id: &PackageId| self.fixed.contains(*id) || others(id).next().is_some();
        let asks = |id: &PackageId| self.selected.contains(*id) || others(id).any(|o| o.solved);
        self.met_by_group[group].iter().any(|number| {
            let need = &self.needs[*number];
            // What is gone may be all that makes the condition true.
            need.met == Met::Only(group)
                && need.needers.iter().any(asks)
                && self.applies(*number, stays)
        })
    }

    fn take_away(&mut self, group: usize) {
        self.kept[group] = false;
        for id in &self.groups[group].members {
            if let Some(owners) = self.owners.get_mut(&id.0) {
                owners.retain(|owner| owner.group != group);
                if owners.is_empty() {
                    self.pulled.remove(*id);
                }
            }
        }
    }

    fn count(&mut self, need: usize) {
        let mut met = Met::Dropped;
        for id in self.providers(need) {
            met = match (self.owners(id), met) {
                ([one], Met::Dropped) => Met::Only(one.group),
                ([one], Met::Only(group)) if one.group == group => met,
                _ => Met::Several,
            };
            if met == Met::Several {
                break;
            }
        }
        self.needs[need].met = met;
    }

    fn owners(&self, id: PackageId) -> &[Owner] {
        self.owners.get(&id.0).map_or(&[], Vec::as_slice)
    }
}
