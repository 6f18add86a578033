//! Sight: which packages can be on a machine together with a package, as far as module streams go.
//!
//! A channel holds all streams side by side; a machine does not. What meets a requirement for a channel has to be
//! something that the package's own machine can see.

use std::collections::HashMap;

use crate::modules::Context;
use crate::pool::PackageId;
use crate::set::PackageSet;

/// Stands for packages that see everything.
const EVERYTHING: u32 = u32::MAX;

/// For each package, what it sees. One that is judged with several streams sees what any of them has beside it.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Number of a scope, by package number.
    class: Vec<u32>,
    scopes: Vec<PackageSet>,
}

impl Sight {
    /// The sight of packages that are judged in these contexts. Those whose streams cannot be enabled have none of their
    /// own: they see everything.
    #[must_use]
    pub fn new(contexts: &[Context]) -> Self {
        let mut of_package: HashMap<PackageId, Vec<usize>> = HashMap::new();
        for (number, context) in contexts.iter().enumerate() {
            if context.unmet.is_some() {
                continue;
            }
            for id in &context.judged {
                let own = of_package.entry(*id).or_default();
                if own.last() != Some(&number) {
                    own.push(number);
                }
            }
        }
        let mut sight = Self::default();
        let mut known: HashMap<Vec<usize>, u32> = HashMap::new();
        for (id, own) in of_package {
            let class = match known.get(&own) {
                Some(class) => *class,
                None => {
                    let scopes = own.iter().filter_map(|number| contexts.get(*number));
                    let class = sight.add(scopes.map(|context| &context.scope));
                    known.insert(own, class);
                    class
                }
            };
            sight.set(id, class);
        }
        sight
    }

    /// The same for packages that are there; for all others what `candidates` sees, and so for everything where a package
    /// has no sight of its own.
    #[must_use]
    pub fn with_candidates(&self, there: &PackageSet, candidates: &Self) -> Self {
        let mut sight = Self::default();
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        let packages = self.class.len().max(candidates.class.len());
        for id in (0..packages as u32).map(PackageId) {
            let key = (self.class(id), candidates.class(id));
            let class = *known.entry(key).or_insert_with(|| {
                let mut scope = PackageSet::default();
                for other in (0..packages as u32).map(PackageId) {
                    let seen = match there.contains(other) && key.0 != EVERYTHING {
                        true => self.sees_in(key.0, other),
                        false => candidates.sees_in(key.1, other),
                    };
                    if seen {
                        scope.insert(other);
                    }
                }
                sight.add(std::iter::once(&scope))
            });
            sight.set(id, class);
        }
        sight
    }

    /// Whether a package can have another one beside it.
    #[must_use]
    pub fn sees(&self, package: PackageId, other: PackageId) -> bool {
        self.sees_in(self.class(package), other)
    }

    /// Packages of one class see the same.
    pub(crate) fn class(&self, package: PackageId) -> u32 {
        self.class
            .get(package.index())
            .copied()
            .unwrap_or(EVERYTHING)
    }

    fn sees_in(&self, class: u32, other: PackageId) -> bool {
        let scope = self.scopes.get(class as usize);
        scope.is_none_or(|scope| scope.contains(other))
    }

    fn add<'s>(&mut self, scopes: impl Iterator<Item = &'s PackageSet>) -> u32 {
        self.scopes
            .push(scopes.flat_map(PackageSet::iter).collect());
        (self.scopes.len() - 1) as u32
    }

    fn set(&mut self, id: PackageId, class: u32) {
        if self.class.len() <= id.index() {
            self.class.resize(id.index() + 1, EVERYTHING);
        }
        self.class[id.index()] = class;
    }
}
