//! Drops what was pulled in and turned out to be needless.
//!
//! `a` is taken for a requirement, and later `b`, for another one that only `b` meets; if `b` meets
//! the first one too, nothing needs `a` any more.

use crate::dependency::DependencyId;
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::universe::Universe;

use super::Pulled;

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

/// The packages behind the first `selected` ones that are really needed, with the first reason.
pub(super) fn prune(
    universe: &Universe<'_>,
    selected: usize,
    order: &mut Vec<PackageId>,
    present: &mut PackageSet,
) -> Vec<Pulled> {
    loop {
        let mut needs = Needs::new(universe, selected, order, present);
        let before = order.len();
        for place in (selected..before).rev() {
            let id = order[place];
            if needs.first_needer(id, present).is_none() {
                order.remove(place);
                present.remove(id);
                needs.take_away(id);
            }
        }
        if order.len() == before {
            let pulled = order[selected..].iter();
            return pulled
                .filter_map(|id| {
                    let (needed_by, dependency) = needs.first_needer(*id, present)?;
                    Some(Pulled {
                        package: *id,
                        needed_by,
                        dependency,
                    })
                })
                .collect();
        }
    }
}

impl<'a, 'p> Needs<'a, 'p> {
    fn new(
        universe: &'a Universe<'p>,
        selected: usize,
        order: &[PackageId],
        present: &PackageSet,
    ) -> Self {
        let mut found = Self {
            universe,
            needs: Vec::new(),
            met_by: NumberMap::default(),
        };
        let pulled: PackageSet = order[selected..].iter().copied().collect();
        let mut numbers = NumberMap::<u32, u32>::default();
        for id in order {
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
                if universe.asks_for_packages(*number, present, None) {
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

    /// The first package that lacks something without this one.
    fn first_needer(
        &self,
        id: PackageId,
        present: &PackageSet,
    ) -> Option<(PackageId, DependencyId)> {
        let met = self.met_by.get(&id.0)?.iter();
        let mut only = met.map(|number| &self.needs[*number as usize]);
        only.find_map(|need| {
            let mut needers = need.needers.iter();
            let needer = needers.find(|needer| **needer != id && present.contains(**needer))?;
            // The package may be the only one that makes the condition true.
            let applies = |clause| self.universe.asks_for_packages(clause, present, Some(id));
            let needed = need.there == 1 && need.clause.is_none_or(applies);
            needed.then_some((*needer, need.dependency))
        })
    }

    fn take_away(&mut self, id: PackageId) {
        for number in self.met_by.remove(&id.0).unwrap_or_default() {
            self.needs[number as usize].there -= 1;
        }
    }
}
