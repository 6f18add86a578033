//! Weak dependencies: what packages recommend. They are reported and never forced.

use airlock_repodata::primary::DependencyKind;

use crate::dependency::{DependencyId, Expression};
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::universe::Universe;

/// Something recommended that a set does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommended {
    /// Which package recommends.
    pub by: PackageId,
    /// What.
    pub dependency: DependencyId,
    /// Packages of the universe that would meet it, preferred ones first. Empty: nothing does.
    pub providers: Vec<PackageId>,
}

impl Universe<'_> {
    /// What some packages recommend and a set does not meet, in the order of the packages and of each one's list.
    /// Suggestions, supplements and enhancements do not count: nobody who lacks them lacks anything.
    pub fn unmet_recommendations(
        &self,
        packages: impl IntoIterator<Item = PackageId>,
        there: &PackageSet,
    ) -> Vec<Recommended> {
        let mut found = Vec::new();
        // Thousands recommend the same.
        let mut known: NumberMap<DependencyId, bool> = NumberMap::default();
        for by in packages {
            for dependency in self.pool.list(by, DependencyKind::Recommends) {
                let holds = *known
                    .entry(*dependency)
                    .or_insert_with(|| self.holds(*dependency, there));
                if !holds {
                    found.push(Recommended {
                        by,
                        dependency: *dependency,
                        providers: self.preferred_providers(*dependency),
                    });
                }
            }
        }
        found
    }

    /// Whether a dependency holds in a set. Depth is bounded by that of rich dependencies when they are read.
    fn holds(&self, dependency: DependencyId, there: &PackageSet) -> bool {
        let otherwise = |branch: DependencyId| match self.pool.expression(branch) {
            Expression::Else(condition, other) => Some((condition, other)),
            _ => None,
        };
        match self.pool.expression(dependency) {
            Expression::And(one, two) => self.holds(one, there) && self.holds(two, there),
            Expression::Or(one, two) => self.holds(one, there) || self.holds(two, there),
            Expression::If(one, condition) => {
                !self.holds(condition, there) || self.holds(one, there)
            }
            Expression::Unless(one, condition) => {
                self.holds(condition, there) || self.holds(one, there)
            }
            Expression::IfElse(one, branch) => match otherwise(branch) {
                Some((condition, other)) if !self.holds(condition, there) => {
                    self.holds(other, there)
                }
                _ => self.holds(one, there),
            },
            Expression::UnlessElse(one, branch) => match otherwise(branch) {
                Some((condition, other)) if self.holds(condition, there) => {
                    self.holds(other, there)
                }
                _ => self.holds(one, there),
            },
            _ => {
                let providers = self.index.providers(self.pool, dependency);
                providers.iter().any(|id| there.contains(*id))
            }
        }
    }
}
