//! Which packages can be installed at all.
//!
//! Every package for itself, into an empty machine, with anything else of the scope: the question
//! of `installcheck`. Most packages are proven together: packages are brought in one beside the
//! other as long as that goes, and everything that is in at the end is proven, because what is in
//! meets every rule. What could not be brought in beside the others is tried again beside fewer,
//! and at last alone.

use crate::engine::{Engine, Outcome};
use crate::hopeless::Hopeless;
use crate::pool::PackageId;
use crate::universe::Universe;

/// Conflicts after which a package is left for later while others are in the way.
const PATIENCE: u32 = 8;
/// A further round beside others is worth it when the last proved at least one package in this many.
const WORTH: usize = 20;

/// What is known of each package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Installable,
    Broken,
}

/// Which packages of a universe can be installed.
#[derive(Debug)]
pub struct Installability {
    known: Vec<Known>,
    checked: usize,
}

impl Installability {
    /// Decides for every package that the machine takes.
    pub fn check(universe: &Universe<'_>) -> Self {
        Self::check_within(universe, |_| true)
    }

    /// The same with a part of the packages: others can neither be installed nor help.
    pub fn check_within(universe: &Universe<'_>, scope: impl Fn(PackageId) -> bool) -> Self {
        Self::check_some(universe, scope, |_| true)
    }

    /// Decides for some packages of a scope only.
    pub fn check_some(
        universe: &Universe<'_>,
        scope: impl Fn(PackageId) -> bool,
        asked: impl Fn(PackageId) -> bool,
    ) -> Self {
        let hopeless = Hopeless::find(universe, scope);
        let mut known = vec![Known::Nothing; universe.pool.len()];
        let mut waiting = Vec::with_capacity(known.len());
        let mut checked = 0;
        let packages = universe.pool.packages().map(|(id, _)| id);
        for id in packages.filter(|id| hopeless.in_scope(*id) && asked(*id)) {
            checked += 1;
            match hopeless.has(id) {
                true => known[id.index()] = Known::Broken,
                false => waiting.push(id),
            }
        }
        waiting.sort_by_key(|id| universe.rank[id.index()]);
        let mut engine = Engine::new(universe, |id| hopeless.lives(id));
        let mut beside = true;
        while !waiting.is_empty() {
            let before = waiting.len();
            for id in &waiting {
                if known[id.index()] != Known::Nothing {
                    continue;
                }
                if !beside {
                    engine.back_to(0);
                }
                let patience = match engine.is_empty() {
                    true => u32::MAX,
                    false => PATIENCE,
                };
                match engine.bring_in(*id, patience) {
                    Outcome::Proven if !beside => {
                        engine
                            .packages_in()
                            .for_each(|id| known[id.index()] = Known::Installable);
                    }
                    Outcome::Refuted => known[id.index()] = Known::Broken,
                    _ => {}
                }
            }
            engine
                .packages_in()
                .for_each(|id| known[id.index()] = Known::Installable);
            engine.back_to(0);
            waiting.retain(|id| known[id.index()] == Known::Nothing);
            beside = (before - waiting.len()) * WORTH >= before;
        }
        Self { known, checked }
    }

    /// Without any answer.
    pub(crate) fn nothing(universe: &Universe<'_>) -> Self {
        Self {
            known: vec![Known::Nothing; universe.pool.len()],
            checked: 0,
        }
    }

    /// Takes over the answers for some packages. Of two answers the better one counts; a package
    /// without an answer was not there.
    pub(crate) fn merge(&mut self, universe: &Universe<'_>, found: &Self, judged: &[PackageId]) {
        for id in judged.iter().filter(|id| universe.takes(**id)) {
            let own = &mut self.known[id.index()];
            self.checked += usize::from(*own == Known::Nothing);
            match found.known[id.index()] {
                Known::Installable => *own = Known::Installable,
                _ if *own == Known::Nothing => *own = Known::Broken,
                _ => {}
            }
        }
    }

    /// True when the package can be installed.
    pub fn is_installable(&self, id: PackageId) -> bool {
        self.known[id.index()] == Known::Installable
    }

    /// Packages that cannot be installed, in the order of their numbers.
    pub fn broken(&self) -> impl Iterator<Item = PackageId> + '_ {
        let numbered = (0..).map(PackageId).zip(&self.known);
        numbered
            .filter(|(_, known)| **known == Known::Broken)
            .map(|(id, _)| id)
    }

    /// Number of packages that were decided: those of the scope that the machine takes.
    pub fn checked(&self) -> usize {
        self.checked
    }
}
