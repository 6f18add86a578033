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
    /// The solver found a contradiction.
    Contradiction,
}

/// Which packages of a scope are hopeless, and why.
#[derive(Debug)]
pub(crate) struct Hopeless {
    in_scope: Vec<bool>,
    causes: Vec<Option<Cause>>,
    /// Live providers of each requirement.
    left: Vec<u32>,
    /// In the order of their death: no cause goes back to itself.
    dead: Vec<PackageId>,
    /// Next of the dead to follow up.
    next: usize,
}

impl Hopeless {
    /// Looks at the packages of a scope that the machine takes.
    pub(crate) fn find(universe: &Universe<'_>, scope: impl Fn(PackageId) -> bool) -> Self {
        let packages = universe.pool.packages();
        let in_scope: Vec<bool> = packages
            .map(|(id, _)| universe.takes(id) && scope(id))
            .collect();
        let requirements = universe.providers.len();
        let left = (0..requirements).map(|number| {
            let providers = universe.providers.get(number).iter();
            providers.filter(|id| in_scope[id.index()]).count() as u32
        });
        let mut found = Self {
            left: left.collect(),
            in_scope,
            causes: vec![None; universe.pool.len()],
            dead: Vec::new(),
            next: 0,
        };
        for number in 0..requirements {
            if found.left[number] == 0 {
                found.kill_needers(universe, RequirementId(number as u32));
            }
        }
        found.follow(universe);
        found
    }

    /// Takes in that the solver refuted a package; others may die of that.
    pub(crate) fn add_refuted(&mut self, universe: &Universe<'_>, id: PackageId) {
        self.kill(id, Cause::Contradiction);
        self.follow(universe);
    }

    /// True for packages that were looked at.
    pub(crate) fn in_scope(&self, id: PackageId) -> bool {
        self.in_scope[id.index()]
    }

    /// True for a package that cannot be installed.
    pub(crate) fn has(&self, id: PackageId) -> bool {
        self.causes[id.index()].is_some()
    }

    /// True for a package that is in the scope and may still be installed.
    pub(crate) fn lives(&self, id: PackageId) -> bool {
        self.in_scope(id) && !self.has(id)
    }

    /// What a package died of.
    pub(crate) fn cause(&self, id: PackageId) -> Option<Cause> {
        self.causes[id.index()]
    }

    fn follow(&mut self, universe: &Universe<'_>) {
        loop {
            while let Some(id) = self.dead.get(self.next).copied() {
                self.next += 1;
                for requirement in universe.backwards().met_by.get(id.index()) {
                    let left = &mut self.left[*requirement as usize];
                    *left -= 1;
                    if *left == 0 {
                        self.kill_needers(universe, RequirementId(*requirement));
                    }
                }
            }
            self.kill_by_clauses(universe);
            if self.next == self.dead.len() {
                return;
            }
        }
    }

    fn kill_needers(&mut self, universe: &Universe<'_>, requirement: RequirementId) {
        for id in universe.backwards().needers.get(requirement.0 as usize) {
            self.kill(PackageId(*id), Cause::Requirement(requirement));
        }
    }

    fn kill(&mut self, id: PackageId, cause: Cause) {
        if self.lives(id) {
            self.causes[id.index()] = Some(cause);
            self.dead.push(id);
        }
    }

    /// Clauses of rich dependencies are few; those without conditions are requirements.
    fn kill_by_clauses(&mut self, universe: &Universe<'_>) {
        for (number, owned) in (0..).zip(&universe.owned) {
            let clause = &owned.clause;
            if clause.negative.is_empty() && !clause.positive.iter().any(|id| self.lives(*id)) {
                self.kill(owned.owner, Cause::Owned(number));
            }
        }
    }
}

/// Requirements seen from the other side, the same for every scope.
#[derive(Debug)]
pub(crate) struct Backwards {
    /// Packages that have each requirement.
    needers: Lists<u32>,
    /// Requirements that each package is a provider of.
    met_by: Lists<u32>,
}

impl Backwards {
    pub(crate) fn new(universe: &Universe<'_>) -> Self {
        Self {
            needers: invert(&universe.requirements, universe.providers.len()),
            met_by: invert(&universe.providers, universe.pool.len()),
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
