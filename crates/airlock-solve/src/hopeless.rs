//! Packages that cannot be installed because something they need is nowhere, found without
//! search: a requirement without a live provider kills its packages, which may kill others.
//! The cost is that of one look at every dependency, however many packages are broken.

use crate::lists::Lists;
use crate::pool::PackageId;
use crate::universe::{RequirementId, Universe};

/// What a package dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No provider of it is left.
    Requirement(RequirementId),
    /// Nothing that would meet this clause of a rich dependency is left.
    Owned(u32),
}

/// Which packages are hopeless, and why.
#[derive(Debug)]
pub(crate) struct Hopeless {
    /// Cause of each package; with the order in which they died, so that causes never go in circles.
    pub(crate) causes: Vec<Option<(Cause, u32)>>,
}

impl Hopeless {
    /// Looks at the packages of a scope.
    pub(crate) fn find(universe: &Universe<'_>, in_scope: &impl Fn(PackageId) -> bool) -> Self {
        let requirements = universe.providers.len();
        let mut left: Vec<u32> = (0..requirements)
            .map(|number| {
                let providers = universe.providers.get(number).iter();
                providers.filter(|id| in_scope(**id)).count() as u32
            })
            .collect();
        let mut state = Search {
            universe,
            in_scope,
            needers: invert(&universe.requirements, requirements),
            met_by: Lists::default(),
            hopeless: Self {
                causes: vec![None; universe.pool.len()],
            },
            dead: Vec::new(),
        };
        for (number, left) in left.iter().enumerate() {
            if *left == 0 {
                state.kill_needers(RequirementId(number as u32));
            }
        }
        state.kill_by_clauses();
        if !state.dead.is_empty() {
            state.met_by = invert(&universe.providers, universe.pool.len());
        }
        let mut next = 0;
        while next < state.dead.len() {
            while let Some(id) = state.dead.get(next).copied() {
                next += 1;
                for place in state.met_by.range(id.index()) {
                    let requirement = state.met_by.item(place);
                    let left = &mut left[requirement as usize];
                    *left -= 1;
                    if *left == 0 {
                        state.kill_needers(RequirementId(requirement));
                    }
                }
            }
            state.kill_by_clauses();
        }
        state.hopeless
    }

    /// True for a package that cannot be installed.
    pub(crate) fn has(&self, id: PackageId) -> bool {
        self.causes[id.index()].is_some()
    }
}

struct Search<'a, 'u, F> {
    universe: &'a Universe<'u>,
    in_scope: &'a F,
    /// Packages that have each requirement.
    needers: Lists<u32>,
    /// Requirements that each package is a provider of.
    met_by: Lists<u32>,
    hopeless: Hopeless,
    /// In the order of their death.
    dead: Vec<PackageId>,
}

impl<F: Fn(PackageId) -> bool> Search<'_, '_, F> {
    fn kill_needers(&mut self, requirement: RequirementId) {
        for place in self.needers.range(requirement.0 as usize) {
            let id = PackageId(self.needers.item(place));
            self.kill(id, Cause::Requirement(requirement));
        }
    }

    fn kill(&mut self, id: PackageId, cause: Cause) {
        let own = &mut self.hopeless.causes[id.index()];
        if own.is_none() && (self.in_scope)(id) {
            *own = Some((cause, self.dead.len() as u32));
            self.dead.push(id);
        }
    }

    /// Clauses of rich dependencies are few; those without conditions are requirements.
    fn kill_by_clauses(&mut self) {
        let universe = self.universe;
        for (number, owned) in (0..).zip(&universe.owned) {
            let lives = |id: &PackageId| (self.in_scope)(*id) && !self.hopeless.has(*id);
            if owned.clause.negative.is_empty() && !owned.clause.positive.iter().any(lives) {
                self.kill(owned.owner, Cause::Owned(number));
            }
        }
    }
}

/// For each item the numbers of the lists that it stands in.
fn invert<T: Copy + Numbered>(lists: &Lists<T>, items: usize) -> Lists<u32> {
    let mut pairs = Vec::with_capacity(lists.items().len());
    for number in 0..lists.len() {
        for item in lists.get(number) {
            pairs.push((item.number(), number as u32));
        }
    }
    Lists::from_pairs(items, &pairs)
}

trait Numbered {
    fn number(self) -> u32;
}

impl Numbered for PackageId {
    fn number(self) -> u32 {
        self.0
    }
}

impl Numbered for RequirementId {
    fn number(self) -> u32 {
        self.0
    }
}
