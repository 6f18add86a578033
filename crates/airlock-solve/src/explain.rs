//! Why something cannot be installed, as steps that a person can follow.
//!
//! A package that is hopeless (see [`crate::hopeless`]) is explained by its chain of dead ends.
//! Anything else is explained by the rules that the solver's contradiction came from, made smaller
//! until no rule can be left out.

mod minimize;

use std::collections::VecDeque;

use airlock_repodata::primary::DependencyKind;

use crate::dependency::{DependencyId, Expression};
use crate::engine::{Engine, Rule};
use crate::error::RichFault;
use crate::hopeless::{Cause, Hopeless};
use crate::intern::NumberMap;
use crate::pool::{PackageId, Pool};
use crate::set::PackageSet;
use crate::universe::Universe;

/// How two packages exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    /// Two builds of one name, which cannot stand side by side.
    SameName,
    /// The first one conflicts with what the second provides.
    Conflicts(DependencyId),
    /// The first one obsoletes the second.
    Obsoletes(DependencyId),
}

/// A step of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing among the packages meets a requirement.
    NothingProvides {
        /// Whose requirement it is.
        package: PackageId,
        /// What is required.
        dependency: DependencyId,
        /// Packages that provide the same name in a version that does not do.
        near: Vec<PackageId>,
    },
    /// A requirement that cannot be understood.
    Malformed {
        /// Whose it is.
        package: PackageId,
        /// Its text.
        dependency: DependencyId,
        /// What is wrong.
        fault: RichFault,
    },
    /// A requirement that only these meet, and further steps say why they cannot.
    Needs {
        /// Whose requirement it is.
        package: PackageId,
        /// What is required.
        dependency: DependencyId,
        /// Who would meet it.
        providers: Vec<PackageId>,
    },
    /// A rich conflict or requirement that forbids what the other steps need.
    Forbids {
        /// Whose it is.
        package: PackageId,
        /// What it says.
        dependency: DependencyId,
    },
    /// Two packages that cannot be there together.
    Excludes {
        /// One.
        one: PackageId,
        /// The other.
        two: PackageId,
        /// Why.
        how: Exclusion,
    },
    /// Nothing has the name that was asked for.
    NoSuchPackage {
        /// Place of the request.
        request: usize,
    },
}

/// Why packages cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Steps from what was asked for down to the cause.
    pub steps: Vec<Step>,
}

impl Explanation {
    /// Packages that it speaks of, in its order.
    pub fn packages(&self) -> Vec<PackageId> {
        let mut found = Vec::new();
        for step in &self.steps {
            match step {
                Step::Needs {
                    package, providers, ..
                } => {
                    found.push(*package);
                    found.extend(providers);
                }
                Step::Excludes { one, two, .. } => found.extend([*one, *two]),
                Step::NothingProvides { package, .. }
                | Step::Malformed { package, .. }
                | Step::Forbids { package, .. } => found.push(*package),
                Step::NoSuchPackage { .. } => {}
            }
        }
        found
    }

    /// One line a step.
    pub fn lines(&self, pool: &Pool) -> Vec<String> {
        self.steps.iter().map(|step| line(pool, step)).collect()
    }
}

fn line(pool: &Pool, step: &Step) -> String {
    let text = |dependency: &DependencyId| pool.dependency_text(*dependency);
    let list = |packages: &[PackageId]| {
        const SHOWN: usize = 5;
        let shown = packages.iter().take(SHOWN).map(|id| pool.nevra(*id));
        let mut out = shown.collect::<Vec<_>>().join(", ");
        if let Some(more) = packages.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            out.push_str(&format!(" and {more} more"));
        }
        out
    };
    match step {
        Step::NothingProvides {
            package,
            dependency,
            near,
        } => {
            let package = pool.nevra(*package);
            let mut line = format!(
                "{package} needs {}, which nothing provides",
                text(dependency)
            );
            if !near.is_empty() {
                line.push_str(&format!(" (there is {})", list(near)));
            }
            line
        }
        Step::Malformed {
            package,
            dependency,
            fault,
        } => format!(
            "{} needs {}, which cannot be understood: {fault}",
            pool.nevra(*package),
            text(dependency)
        ),
        Step::Needs {
            package,
            dependency,
            providers,
        } => format!(
            "{} needs {}, provided by {}",
            pool.nevra(*package),
            text(dependency),
            list(providers)
        ),
        Step::Forbids {
            package,
            dependency,
        } => format!("{} forbids {}", pool.nevra(*package), text(dependency)),
        Step::Excludes { one, two, how } => {
            let (one, two) = (pool.nevra(*one), pool.nevra(*two));
            match how {
                Exclusion::SameName => {
                    format!("{one} and {two} cannot be installed side by side")
                }
                Exclusion::Conflicts(dependency) => {
                    format!(
                        "{one} conflicts with {}, provided by {two}",
                        text(dependency)
                    )
                }
                Exclusion::Obsoletes(dependency) => {
                    format!("{one} obsoletes {}, which is {two}", text(dependency))
                }
            }
        }
        Step::NoSuchPackage { request } => format!("request {} names no package", request + 1),
    }
}

/// Steps of packages that the solver refuted.
pub(crate) type Contradictions = NumberMap<u32, Vec<Step>>;

pub(crate) struct Explainer<'a, 'u> {
    universe: &'a Universe<'u>,
    hopeless: &'a Hopeless,
    contradictions: &'a Contradictions,
    steps: Vec<Step>,
    told: PackageSet,
}

impl<'a, 'u> Explainer<'a, 'u> {
    pub(crate) fn new(
        universe: &'a Universe<'u>,
        hopeless: &'a Hopeless,
        contradictions: &'a Contradictions,
    ) -> Self {
        Self {
            universe,
            hopeless,
            contradictions,
            steps: Vec::new(),
            told: PackageSet::default(),
        }
    }

    /// Explains requests that cannot be met together. The engine has the scope of what is not hopeless.
    pub(crate) fn explain(
        mut self,
        requests: &[Vec<PackageId>],
        engine: &mut Engine<'_>,
    ) -> Explanation {
        for (request, candidates) in requests.iter().enumerate() {
            let in_scope: Vec<PackageId> = candidates
                .iter()
                .copied()
                .filter(|id| self.hopeless.in_scope(*id))
                .collect();
            if in_scope.is_empty() {
                self.steps.push(Step::NoSuchPackage { request });
            } else if in_scope.iter().all(|id| self.hopeless.has(*id)) {
                self.tell_hopeless(in_scope.into());
            }
        }
        if self.steps.is_empty() {
            self.tell_contradiction(requests, engine);
        }
        Explanation { steps: self.steps }
    }

    /// Follows dead ends from these packages down.
    fn tell_hopeless(&mut self, mut waiting: VecDeque<PackageId>) {
        while let Some(id) = waiting.pop_front() {
            let Some(cause) = self.hopeless.cause(id) else {
                continue;
            };
            if !self.told.insert(id) {
                continue;
            }
            let (dependency, providers) = match cause {
                Cause::Requirement(requirement) => {
                    let number = requirement.0 as usize;
                    (
                        self.universe.requirement_dependency[number],
                        self.universe.providers.get(number),
                    )
                }
                Cause::Contradiction => {
                    for step in self.contradictions.get(&id.0).into_iter().flatten() {
                        if !self.steps.contains(step) {
                            self.steps.push(step.clone());
                        }
                    }
                    continue;
                }
                Cause::Owned(number) => {
                    let owned = &self.universe.owned[number as usize];
                    (owned.dependency, &*owned.clause.positive)
                }
            };
            let providers: Vec<PackageId> = providers
                .iter()
                .copied()
                .filter(|id| self.hopeless.in_scope(*id))
                .collect();
            waiting.extend(&providers);
            self.tell_need(id, dependency, providers);
        }
    }

    fn tell_need(
        &mut self,
        package: PackageId,
        dependency: DependencyId,
        providers: Vec<PackageId>,
    ) {
        if !providers.is_empty() {
            self.steps.push(Step::Needs {
                package,
                dependency,
                providers,
            });
            return;
        }
        let pool = self.universe.pool;
        let malformed = pool
            .malformed
            .iter()
            .find(|malformed| malformed.package == package && malformed.dependency == dependency);
        self.steps.push(match malformed {
            Some(malformed) => Step::Malformed {
                package,
                dependency,
                fault: malformed.fault,
            },
            None => Step::NothingProvides {
                package,
                dependency,
                near: self.near(dependency),
            },
        });
    }

    /// Providers of the same name in any version.
    fn near(&self, dependency: DependencyId) -> Vec<PackageId> {
        let mut near = Vec::new();
        if let Expression::Version(name, ..) = self.universe.pool.expression(dependency) {
            self.universe.index.for_name(name, |id| {
                if self.hopeless.in_scope(id) {
                    near.push(id);
                }
            });
            near.sort_by_key(|id| self.universe.rank[id.index()]);
            near.dedup();
        }
        near
    }

    fn tell_contradiction(&mut self, requests: &[Vec<PackageId>], engine: &mut Engine<'_>) {
        let may_be_in = |id: PackageId| self.hopeless.lives(id);
        engine.reset();
        engine.keep_trace();
        for candidates in requests {
            engine.ask(candidates);
        }
        if engine.satisfy() {
            return;
        }
        let rules = minimize::minimize(self.universe, requests, engine.rules_behind(), may_be_in);
        self.tell_rules(requests, &rules);
    }

    /// Needs in the order in which they are reached, then what excludes what.
    fn tell_rules(&mut self, requests: &[Vec<PackageId>], rules: &[Rule]) {
        let universe = self.universe;
        let mut waiting: VecDeque<PackageId> = requests.iter().flatten().copied().collect();
        let mut reached = PackageSet::default();
        let mut hopeless = VecDeque::new();
        while let Some(id) = waiting.pop_front() {
            if !reached.insert(id) {
                continue;
            }
            for rule in rules {
                let (dependency, providers) = match rule {
                    Rule::Requires(package, requirement) if *package == id => {
                        let number = requirement.0 as usize;
                        (
                            universe.requirement_dependency[number],
                            universe.providers.get(number),
                        )
                    }
                    Rule::Owned(number) if universe.owned[*number as usize].owner == id => {
                        let owned = &universe.owned[*number as usize];
                        (owned.dependency, &*owned.clause.positive)
                    }
                    _ => continue,
                };
                let providers: Vec<PackageId> = providers
                    .iter()
                    .copied()
                    .filter(|id| self.hopeless.in_scope(*id))
                    .collect();
                let forbids = providers.is_empty()
                    || matches!(rule, Rule::Owned(number)
                        if universe.owned[*number as usize].kind == DependencyKind::Conflicts);
                waiting.extend(&providers);
                hopeless.extend(providers.iter().filter(|id| self.hopeless.has(**id)));
                self.steps.push(match forbids {
                    true => Step::Forbids {
                        package: id,
                        dependency,
                    },
                    false => Step::Needs {
                        package: id,
                        dependency,
                        providers,
                    },
                });
            }
        }
        for rule in rules {
            if let Rule::Excludes(one, two) = rule {
                self.steps.push(self.exclusion(*one, *two));
            }
        }
        self.tell_hopeless(hopeless);
    }

    fn exclusion(&self, one: PackageId, two: PackageId) -> Step {
        let universe = self.universe;
        let step = |one, two, how| Step::Excludes { one, two, how };
        if universe.are_rivals(one, two) {
            return step(one, two, Exclusion::SameName);
        }
        let pool = universe.pool;
        for (one, two) in [(one, two), (two, one)] {
            for dependency in pool.list(one, DependencyKind::Obsoletes) {
                if pool.is_named_by(two, *dependency) {
                    return step(one, two, Exclusion::Obsoletes(*dependency));
                }
            }
            for dependency in pool.list(one, DependencyKind::Conflicts) {
                // A rich one that came to a plain exclusion is found by its parts.
                let mut parts = vec![*dependency];
                while let Some(part) = parts.pop() {
                    if let Expression::And(a, b) | Expression::Or(a, b) = pool.expression(part) {
                        parts.extend([a, b]);
                    }
                    let providers = universe.index.providers(pool, part);
                    if providers.binary_search(&two).is_ok() {
                        return step(one, two, Exclusion::Conflicts(*dependency));
                    }
                }
            }
        }
        step(one, two, Exclusion::SameName)
    }
}
