//! Turns the lists of all packages into requirements, clauses and conflicts.

use airlock_repodata::primary::DependencyKind;

use crate::clause::{Clause, Clauses, Conditions, is_capability};
use crate::dependency::{DependencyId, Expression};
use crate::lists::Lists;
use crate::pool::{PackageId, Pool};
use crate::providers::ProviderIndex;
use crate::universe::{OwnedClause, RequirementId};

/// Marks a dependency without a requirement number.
const NONE: u32 = u32::MAX;

/// What is found, package after package.
pub(crate) struct Resolver<'a> {
    pool: &'a Pool,
    takes: &'a [bool],
    index: &'a ProviderIndex,
    pub(crate) requirements: Lists<RequirementId>,
    pub(crate) requirement_dependency: Vec<DependencyId>,
    pub(crate) clauses: Lists<u32>,
    pub(crate) owned: Vec<OwnedClause>,
    pub(crate) conditions: Conditions,
    pub(crate) conflicts: Lists<PackageId>,
    /// Requirement number of each dependency, and of its providers whether one was asked for.
    numbers: Vec<u32>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(pool: &'a Pool, takes: &'a [bool], index: &'a ProviderIndex) -> Self {
        Self {
            pool,
            takes,
            index,
            requirements: Lists::default(),
            requirement_dependency: Vec::new(),
            clauses: Lists::default(),
            owned: Vec::new(),
            conditions: Conditions::default(),
            conflicts: Lists::default(),
            numbers: vec![NONE; pool.dependencies.expressions.len()],
        }
    }

    pub(crate) fn read_packages(&mut self) {
        let mut pairs: Vec<(u32, PackageId)> = Vec::new();
        let (mut own, mut clauses) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for (id, _) in self.pool.packages() {
            own.clear();
            clauses.clear();
            if self.takes[id.index()] {
                for dependency in self.pool.list(id, DependencyKind::Requires) {
                    self.require(id, *dependency, *dependency, &mut own, &mut clauses);
                }
                for dependency in self.pool.list(id, DependencyKind::Conflicts) {
                    self.conflict(id, *dependency, &mut found, &mut clauses);
                }
                for dependency in self.pool.list(id, DependencyKind::Obsoletes) {
                    self.obsolete(id, *dependency, &mut found);
                }
                for other in found.drain(..).filter(|other| *other != id) {
                    pairs.push((id.0, other));
                    pairs.push((other.0, id));
                }
            }
            self.requirements.push(&own);
            self.clauses.push(&clauses);
        }
        pairs.sort_unstable();
        pairs.dedup();
        self.conflicts = Lists::from_pairs(self.pool.len(), &pairs);
    }

    fn require(
        &mut self,
        id: PackageId,
        dependency: DependencyId,
        part: DependencyId,
        own: &mut Vec<RequirementId>,
        clauses: &mut Vec<u32>,
    ) {
        if let Expression::And(one, two) = self.pool.expression(part) {
            self.require(id, dependency, one, own, clauses);
            self.require(id, dependency, two, own, clauses);
        } else if is_capability(self.pool, part) {
            let number = &mut self.numbers[part.index()];
            if *number == NONE {
                *number = self.requirement_dependency.len() as u32;
                self.requirement_dependency.push(part);
            }
            let requirement = RequirementId(*number);
            if !own.contains(&requirement) {
                own.push(requirement);
            }
        } else {
            let kind = DependencyKind::Requires;
            let found = self.clauses_of(part, true);
            self.own(id, dependency, kind, found, clauses);
        }
    }

    fn conflict(
        &mut self,
        id: PackageId,
        dependency: DependencyId,
        found: &mut Vec<PackageId>,
        clauses: &mut Vec<u32>,
    ) {
        match self.pool.expression(dependency) {
            Expression::Malformed(_) => {}
            _ if is_capability(self.pool, dependency) => {
                self.index.push(self.pool, dependency, found);
            }
            _ => {
                let kind = DependencyKind::Conflicts;
                for clause in self.clauses_of(dependency, false) {
                    match (&*clause.negative, &*clause.positive) {
                        // Not beside one capability: the package's own does not count.
                        ([condition], []) => {
                            found.extend(&self.conditions.providers[*condition as usize]);
                        }
                        (_, []) => {
                            let split = self.conditions.without_own(clause, id);
                            self.own(id, dependency, kind, split, clauses);
                        }
                        _ => self.own(id, dependency, kind, vec![clause], clauses),
                    }
                }
            }
        }
    }

    fn obsolete(&mut self, id: PackageId, dependency: DependencyId, found: &mut Vec<PackageId>) {
        let (Expression::Name(name) | Expression::Version(name, ..)) =
            self.pool.expression(dependency)
        else {
            return;
        };
        let pool = self.pool;
        self.index.for_name(name, |other| {
            if other != id && pool.is_named_by(other, dependency) {
                found.push(other);
            }
        });
    }

    fn clauses_of(&mut self, dependency: DependencyId, holds: bool) -> Vec<Clause> {
        let mut clauses = Clauses {
            pool: self.pool,
            index: self.index,
            conditions: &mut self.conditions,
        };
        clauses.of(dependency, holds)
    }

    /// Keeps clauses that the package does not meet by being there.
    fn own(
        &mut self,
        id: PackageId,
        dependency: DependencyId,
        kind: DependencyKind,
        found: Vec<Clause>,
        clauses: &mut Vec<u32>,
    ) {
        for clause in found {
            if !clause.positive.contains(&id) {
                clauses.push(self.owned.len() as u32);
                self.owned.push(OwnedClause {
                    owner: id,
                    dependency,
                    kind,
                    clause,
                });
            }
        }
    }
}
