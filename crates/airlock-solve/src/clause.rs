//! Rich dependencies as clauses.
//!
//! A clause of a package says: while the package is there, one of `positive` is there too, or one
//! of the conditions in `negative` has no provider that is there. A condition is a capability
//! whose presence matters (`B` in `A if B`).

use crate::dependency::{DependencyId, Expression};
use crate::intern::NumberMap;
use crate::pool::{PackageId, Pool};
use crate::providers::ProviderIndex;

/// Most clauses that one dependency may come to; beyond that it counts as never met.
const MAX_CLAUSES: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Clause {
    /// Conditions, of which one must have no provider.
    pub(crate) negative: Vec<u32>,
    /// Packages, of which one must be there.
    pub(crate) positive: Vec<PackageId>,
}

/// Capabilities whose presence matters, numbered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    known: NumberMap<u32, u32>,
    /// Providers of each, sorted.
    pub(crate) providers: Vec<Vec<PackageId>>,
}

impl Conditions {
    fn number(&mut self, dependency: DependencyId, providers: &mut Vec<PackageId>) -> u32 {
        *self.known.entry(dependency.0).or_insert_with(|| {
            self.providers.push(std::mem::take(providers));
            self.providers.len() as u32 - 1
        })
    }

    /// A conflict between several capabilities, of which the package itself offers all: it does not
    /// conflict with itself, only with others that offer one of them.
    pub(crate) fn without_own(&mut self, clause: Clause, own: PackageId) -> Vec<Clause> {
        let offers = |condition: &u32| self.providers[*condition as usize].contains(&own);
        if clause.negative.is_empty() || !clause.negative.iter().all(offers) {
            return vec![clause];
        }
        let mut split = Vec::new();
        for place in 0..clause.negative.len() {
            let others = self.providers[clause.negative[place] as usize].iter();
            let others: Vec<PackageId> = others.copied().filter(|id| *id != own).collect();
            if !others.is_empty() {
                let mut part = clause.clone();
                part.negative[place] = self.providers.len() as u32;
                self.providers.push(others);
                split.push(part);
            }
        }
        split
    }
}

/// True when a dependency is met by one package of a set that the index knows.
pub(crate) fn is_capability(pool: &Pool, dependency: DependencyId) -> bool {
    match pool.expression(dependency) {
        Expression::Name(_)
        | Expression::Version(..)
        | Expression::With(..)
        | Expression::Without(..)
        | Expression::Malformed(_) => true,
        Expression::Or(one, two) => is_capability(pool, one) && is_capability(pool, two),
        _ => false,
    }
}

/// Turns dependencies into clauses.
pub(crate) struct Clauses<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) index: &'a ProviderIndex,
    pub(crate) conditions: &'a mut Conditions,
}

impl Clauses<'_> {
    /// Clauses that together say that the dependency holds (`holds`) or does not. An empty clause
    /// can never be met.
    pub(crate) fn of(&mut self, dependency: DependencyId, holds: bool) -> Vec<Clause> {
        self.expand(dependency, holds)
            .unwrap_or_else(|| vec![Clause::default()])
    }

    /// `None` for too many.
    fn expand(&mut self, dependency: DependencyId, holds: bool) -> Option<Vec<Clause>> {
        use Expression as E;
        match self.pool.expression(dependency) {
            E::And(one, two) if holds => self.both((one, true), (two, true)),
            E::And(one, two) => self.either((one, false), (two, false)),
            E::Or(one, two) if holds && !is_capability(self.pool, dependency) => {
                self.either((one, true), (two, true))
            }
            E::Or(one, two) if !holds => self.both((one, false), (two, false)),
            // a or not b
            E::If(one, two) if holds => self.either((one, true), (two, false)),
            E::If(one, two) => self.both((one, false), (two, true)),
            // a and not b
            E::Unless(one, two) if holds => self.both((one, true), (two, false)),
            E::Unless(one, two) => self.either((one, false), (two, true)),
            E::IfElse(one, rest) => {
                let (condition, other) = self.branches(rest)?;
                // a where b is, else c: (a or not b) and (c or b). The opposite has not a, not c.
                let first = self.either((one, holds), (condition, false))?;
                let second = self.either((other, holds), (condition, true))?;
                let mut clauses = joined(first, second)?;
                if !holds {
                    // This follows from the two, but not where a conflict with what the package
                    // itself provides is let pass: libsolv has it, so both judge alike.
                    clauses = joined(clauses, self.either((one, false), (other, false))?)?;
                }
                Some(clauses)
            }
            E::UnlessElse(one, rest) => {
                let (condition, other) = self.branches(rest)?;
                // c where b is, else a.
                let first = self.either((one, holds), (condition, true))?;
                let second = self.either((other, holds), (condition, false))?;
                joined(first, second)
            }
            E::Else(..) => None,
            E::Name(_)
            | E::Version(..)
            | E::With(..)
            | E::Without(..)
            | E::Or(..)
            | E::Malformed(_) => {
                let mut providers = self.index.providers(self.pool, dependency);
                Some(match (holds, providers.is_empty()) {
                    (true, _) => vec![Clause {
                        negative: Vec::new(),
                        positive: providers,
                    }],
                    (false, true) => Vec::new(),
                    (false, false) => vec![Clause {
                        negative: vec![self.conditions.number(dependency, &mut providers)],
                        positive: Vec::new(),
                    }],
                })
            }
        }
    }

    fn branches(&self, rest: DependencyId) -> Option<(DependencyId, DependencyId)> {
        match self.pool.expression(rest) {
            Expression::Else(condition, other) => Some((condition, other)),
            _ => None,
        }
    }

    fn both(
        &mut self,
        (one, one_holds): (DependencyId, bool),
        (two, two_holds): (DependencyId, bool),
    ) -> Option<Vec<Clause>> {
        let first = self.expand(one, one_holds)?;
        let second = self.expand(two, two_holds)?;
        joined(first, second)
    }

    /// Every clause of one side with every clause of the other.
    fn either(
        &mut self,
        (one, one_holds): (DependencyId, bool),
        (two, two_holds): (DependencyId, bool),
    ) -> Option<Vec<Clause>> {
        let first = self.expand(one, one_holds)?;
        let second = self.expand(two, two_holds)?;
        if first.len() * second.len() > MAX_CLAUSES {
            return None;
        }
        let mut clauses = Vec::with_capacity(first.len() * second.len());
        for one in &first {
            for two in &second {
                let mut clause = one.clone();
                for condition in &two.negative {
                    if !clause.negative.contains(condition) {
                        clause.negative.push(*condition);
                    }
                }
                for package in &two.positive {
                    if !clause.positive.contains(package) {
                        clause.positive.push(*package);
                    }
                }
                // Whatever is there meets a clause that says "a, or no a".
                let meets_itself = clause.negative.iter().any(|condition| {
                    let providers = &self.conditions.providers[*condition as usize];
                    providers.iter().all(|id| clause.positive.contains(id))
                });
                if !meets_itself {
                    clauses.push(clause);
                }
            }
        }
        Some(clauses)
    }
}

fn joined(mut first: Vec<Clause>, second: Vec<Clause>) -> Option<Vec<Clause>> {
    first.extend(second);
    (first.len() <= MAX_CLAUSES).then_some(first)
}
