//! What a client would install, and why each package is there.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::dependency::DependencyId;
use crate::engine::Engine;
use crate::explain::{Contradictions, Explainer, Explanation};
use crate::hopeless::Hopeless;
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::universe::Universe;
use crate::weak::Recommended;

/// Why a package is in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was asked for, by the request with this place.
    Asked(usize),
    /// A package that is there needs it.
    Needed {
        /// Which one.
        by: PackageId,
        /// Through what.
        dependency: DependencyId,
    },
}

/// Packages that go into an empty machine together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Each package with the reason that is nearest to what was asked for, in the order in which
    /// they are reached.
    pub packages: Vec<(PackageId, Why)>,
    /// Recommended packages are reported, never installed.
    pub recommended: Vec<Recommended>,
}

impl Transaction {
    /// The chain of reasons for a package, from what was asked for down to it.
    pub fn why(&self, id: PackageId) -> Vec<(PackageId, Why)> {
        let reasons: NumberMap<u32, Why> =
            self.packages.iter().map(|(id, why)| (id.0, *why)).collect();
        let mut chain = Vec::new();
        let mut at = id;
        while let Some(why) = reasons.get(&at.0) {
            chain.push((at, *why));
            match why {
                Why::Needed { by, .. } if chain.len() <= self.packages.len() => at = *by,
                _ => break,
            }
        }
        chain.reverse();
        chain
    }
}

/// Answers questions about one scope of a universe.
#[derive(Debug)]
pub struct Solver<'a, 'p> {
    universe: &'a Universe<'p>,
    hopeless: Hopeless,
    contradictions: Contradictions,
    /// An engine between two questions, none before the first: making one costs more than most questions do.
    idle: RefCell<Option<Engine<'a>>>,
}

impl<'a, 'p> Solver<'a, 'p> {
    /// Packages outside of the scope can neither be installed nor help.
    pub fn new(universe: &'a Universe<'p>, scope: impl Fn(PackageId) -> bool) -> Self {
        Self {
            universe,
            hopeless: Hopeless::find(universe, scope),
            contradictions: Contradictions::default(),
            idle: RefCell::new(None),
        }
    }

    /// What a client would install for these requests together, into an empty machine. The best
    /// candidate is taken that goes with the others.
    ///
    /// # Errors
    /// Why it cannot be done: the smallest set of reasons that was found.
    pub fn solve(&self, requests: &[Vec<PackageId>]) -> Result<Transaction, Explanation> {
        let universe = self.universe;
        let explainer = || Explainer::new(universe, &self.hopeless, &self.contradictions);
        let possible = |ids: &Vec<PackageId>| ids.iter().any(|id| self.hopeless.lives(*id));
        let mut engine = self.engine();
        let mut satisfied = false;
        if requests.iter().all(possible) {
            for candidates in requests {
                engine.ask(candidates);
            }
            satisfied = engine.satisfy();
        }
        let outcome = match satisfied {
            true => Ok(engine.packages_in().collect::<PackageSet>()),
            false => Err(explainer().explain(requests, &mut engine)),
        };
        self.idle.replace(Some(engine));
        let set = outcome?;
        Ok(Transaction {
            packages: universe.reasons(requests, &set),
            recommended: {
                let mut found = universe.unmet_recommendations(set.iter(), &set);
                // What nobody has is no choice of this transaction.
                found.retain(|one| !one.providers.is_empty());
                found
            },
        })
    }

    /// Why a package cannot be installed; `None` when it can. Where it needs another package that
    /// cannot be installed by itself, that one is explained, and what was found is used for later
    /// packages: thousands of broken ones cost little more than the few that they are broken by.
    pub fn explain(&mut self, id: PackageId) -> Option<Explanation> {
        let mut explanation = self.solve(&[vec![id]]).err()?;
        while self.hopeless.lives(id) {
            let mut cause = id;
            let mut seen: PackageSet = [id].into_iter().collect();
            while let Some(deeper) = explanation.packages().into_iter().rev().find(|other| {
                seen.insert(*other) && self.hopeless.lives(*other) && !self.can_have(*other)
            }) {
                cause = deeper;
                explanation = self.solve(&[vec![cause]]).err()?;
            }
            self.contradictions.insert(cause.0, explanation.steps);
            self.hopeless.add_refuted(self.universe, cause);
            if let Some(engine) = self.idle.get_mut() {
                engine.reset();
                engine.narrow(|id| self.hopeless.lives(id));
            }
            explanation = self.solve(&[vec![id]]).err()?;
        }
        Some(explanation)
    }

    fn can_have(&self, id: PackageId) -> bool {
        let mut engine = self.engine();
        engine.ask(&[id]);
        let can_have = engine.satisfy();
        self.idle.replace(Some(engine));
        can_have
    }

    /// An engine as new, with the scope of what is not hopeless.
    fn engine(&self) -> Engine<'a> {
        match self.idle.take() {
            Some(mut engine) => {
                engine.reset();
                engine
            }
            None => Engine::new(self.universe, |id| self.hopeless.lives(id)),
        }
    }
}

impl Universe<'_> {
    /// Packages that a request may mean, preferred ones first: those of that name, else that
    /// NEVRA, else those that provide it.
    pub fn candidates(&self, request: &str) -> Vec<PackageId> {
        let mut found: Vec<PackageId> = Vec::new();
        let packages = || self.pool.packages().filter(|(id, _)| self.takes(*id));
        if let Some(name) = self.pool.strings.find(request) {
            let named = packages().filter(|(_, package)| package.name == name);
            found.extend(named.map(|(id, _)| id));
            if found.is_empty() {
                self.index.for_name(name, |id| found.push(id));
            }
        }
        if found.is_empty() {
            let named = packages().filter(|(id, _)| {
                request.starts_with(self.pool.name(*id)) && self.pool.nevra(*id) == request
            });
            found.extend(named.map(|(id, _)| id));
        }
        found.sort_by_key(|id| self.rank[id.index()]);
        found.dedup();
        found
    }

    /// What a client would install for these requests together, into an empty machine: see
    /// [`Solver::solve`], which answers many questions faster.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn solve(
        &self,
        requests: &[Vec<PackageId>],
        scope: impl Fn(PackageId) -> bool,
    ) -> Result<Transaction, Explanation> {
        Solver::new(self, scope).solve(requests)
    }

    /// Why a package cannot be installed; `None` when it can. See [`Solver::explain`].
    pub fn explain(&self, id: PackageId, scope: impl Fn(PackageId) -> bool) -> Option<Explanation> {
        Solver::new(self, scope).explain(id)
    }

    /// Why each package of a closed set is there: the shortest way from what was asked for.
    fn reasons(&self, requests: &[Vec<PackageId>], set: &PackageSet) -> Vec<(PackageId, Why)> {
        let mut reached = PackageSet::default();
        let mut found = Vec::new();
        let mut waiting = VecDeque::new();
        for (number, candidates) in requests.iter().enumerate() {
            if let Some(id) = candidates.iter().find(|id| set.contains(**id))
                && reached.insert(*id)
            {
                found.push((*id, Why::Asked(number)));
                waiting.push_back(*id);
            }
        }
        while let Some(by) = waiting.pop_front() {
            let mut reach = |id: PackageId, dependency| {
                if set.contains(id) && reached.insert(id) {
                    found.push((id, Why::Needed { by, dependency }));
                    waiting.push_back(id);
                }
            };
            for requirement in self.requirements.get(by.index()) {
                let number = requirement.0 as usize;
                let dependency = self.requirement_dependency[number];
                for id in self.providers.get(number) {
                    reach(*id, dependency);
                }
            }
            for owned in self.clauses.get(by.index()) {
                let owned = &self.owned[*owned as usize];
                for id in &owned.clause.positive {
                    reach(*id, owned.dependency);
                }
            }
        }
        found
    }
}
