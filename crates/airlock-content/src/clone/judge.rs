//! What is wrong with the result: requirements that stay open, packages that cannot be installed.

use std::collections::HashMap;

use airlock_model::{OpenCause, OpenRequirement, PlannedBroken, UnmetRecommendation};
use airlock_solve::{Context, Installability, PackageId, PackageSet, Pool, Sight, Solver, Unmet};

use super::question::Question;
use crate::explanation::shortened;

/// A requirement that stays open, with its channel.
pub(super) struct Open {
    pub channel: usize,
    pub package: PackageId,
    pub requirement: OpenRequirement,
}

/// A package that cannot be installed, with its channel.
pub(super) struct Broken {
    pub channel: usize,
    pub package: PackageId,
    pub broken: PlannedBroken,
}

/// Providers named for an open requirement.
const MOST_PROVIDERS: usize = 10;

/// The names of some packages, sorted and not too many.
pub(super) fn named(pool: &Pool, packages: &[PackageId]) -> Vec<String> {
    let mut names: Vec<String> = packages.iter().map(|id| pool.nevra(*id)).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST_PROVIDERS);
    names
}

impl Question<'_, '_> {
    /// Requirements of the clones' packages that nothing there meets. `results` are the packages of each clone;
    /// `is_beyond` says whether a package of the sources is beyond the date.
    pub(super) fn open(
        &self,
        results: &[Vec<PackageId>],
        there: &PackageSet,
        sight: Option<&Sight>,
        is_beyond: impl Fn(PackageId) -> bool,
    ) -> Vec<Open> {
        let mut found = Vec::new();
        for (channel, packages) in results.iter().enumerate() {
            for unmet in self.universe.unmet_seen(packages, there, sight) {
                found.push(Open {
                    channel,
                    package: unmet.package,
                    requirement: self.describe(&unmet, &is_beyond),
                });
            }
        }
        found
    }

    fn describe(&self, unmet: &Unmet, is_beyond: impl Fn(PackageId) -> bool) -> OpenRequirement {
        let pool = self.universe.pool();
        let offered = |id: PackageId, channel: &super::question::ChannelQuestion| {
            channel
                .source
                .binary_search_by_key(&id, |(id, _)| *id)
                .is_ok()
        };
        let of_source = |id: &PackageId| self.channels.iter().any(|c| offered(*id, c));
        let barred = |id: &PackageId| self.channels.iter().any(|c| c.barred.contains(*id));
        let from_source: Vec<PackageId> = unmet
            .providers
            .iter()
            .copied()
            .filter(|id| of_source(id))
            .collect();
        let in_parent: Vec<PackageId> = unmet
            .providers
            .iter()
            .copied()
            .filter(|id| self.source_parent.contains(*id))
            .collect();
        let mut free = from_source.iter().filter(|id| !barred(id)).peekable();
        let (cause, providers) = if free.peek().is_some() {
            // What comes along with an erratum may be left open though something inside the date would do.
            let forbidden = self.strict && self.solve && free.all(|id| is_beyond(*id));
            match forbidden {
                true => (OpenCause::BeyondDate, from_source),
                false => (OpenCause::NotSolved, from_source),
            }
        } else if !from_source.is_empty() {
            (OpenCause::KeptOut, from_source)
        } else if !in_parent.is_empty() {
            (OpenCause::Parent, in_parent)
        } else {
            (OpenCause::Source, Vec::new())
        };
        OpenRequirement {
            package: pool.nevra(unmet.package),
            requires: pool.dependency_text(unmet.dependency),
            cause,
            providers: named(pool, &providers),
        }
    }

    /// What the clones' packages recommend, the clones' tree will not have, and the sources' tree has: by channel.
    pub(super) fn recommended(
        &self,
        results: &[Vec<PackageId>],
        there: &PackageSet,
    ) -> Vec<Vec<UnmetRecommendation>> {
        let pool = self.universe.pool();
        let mut source = self.source_parent.clone();
        for channel in &self.channels {
            for (id, _) in &channel.source {
                source.insert(*id);
            }
        }
        let of_channel = |packages: &Vec<PackageId>| {
            let unmet = self
                .universe
                .unmet_recommendations(packages.iter().copied(), there);
            let mut named: Vec<UnmetRecommendation> = unmet
                .iter()
                .filter_map(|one| {
                    let providers = one.providers.iter().filter(|id| source.contains(**id));
                    let mut providers: Vec<String> = providers.map(|id| pool.nevra(*id)).collect();
                    providers.sort();
                    providers.dedup();
                    providers.truncate(MOST_PROVIDERS);
                    (!providers.is_empty()).then(|| UnmetRecommendation {
                        package: pool.nevra(one.by),
                        recommends: pool.dependency_text(one.dependency),
                        providers,
                    })
                })
                .collect();
            named.sort();
            named.dedup();
            named
        };
        results.iter().map(of_channel).collect()
    }

    /// Packages of the clones that cannot be installed though each of their requirements may have a provider, with
    /// whether the source's tree is no better. Ends early, with what was found so far, when nobody waits any more.
    /// `contexts` are those of the clones as published, `of_source` those of everything that there is.
    pub(super) fn broken(
        &self,
        results: &[Vec<PackageId>],
        there: &PackageSet,
        contexts: &[Context],
        of_source: &[Context],
    ) -> Vec<Broken> {
        let asked: PackageSet = results.iter().flatten().copied().collect();
        let broken = self.broken_in(contexts, there, &asked);
        if broken.is_empty() {
            return Vec::new();
        }
        let mut source = self.source_parent.clone();
        for channel in &self.channels {
            for (id, _) in &channel.source {
                source.insert(*id);
            }
        }
        // What is not in the source is judged beside it.
        for id in broken.iter() {
            source.insert(id);
        }
        let in_source = self.broken_in(of_source, &source, &broken);
        let mut channels: HashMap<PackageId, Vec<usize>> = HashMap::new();
        for (channel, packages) in results.iter().enumerate() {
            for id in packages.iter().filter(|id| broken.contains(**id)) {
                channels.entry(*id).or_default().push(channel);
            }
        }
        let mut found = Vec::new();
        for context in contexts {
            let may_be = |id: PackageId| context.scope.contains(id) && there.contains(id);
            let mut solver = None;
            for (number, id) in context.judged.iter().enumerate() {
                if number % 256 == 0 && !(self.goes_on)() {
                    return found;
                }
                // Of several streams that a package is in, the first one explains it.
                let Some(channels) = channels.remove(id) else {
                    continue;
                };
                let nevra = self.universe.pool().nevra(*id);
                let problem = match &context.unmet {
                    Some(module) => vec![format!(
                        "{nevra} is in a module stream that needs a stream of {module} that is not there"
                    )],
                    None => solver
                        .get_or_insert_with(|| Solver::new(self.universe, may_be))
                        .explain(*id)
                        .map(|why| shortened(why.lines(self.universe.pool())))
                        .unwrap_or_default(),
                };
                found.extend(channels.into_iter().map(|channel| Broken {
                    channel,
                    package: *id,
                    broken: PlannedBroken {
                        nevra: nevra.clone(),
                        problem: problem.clone(),
                        source_broken: in_source.contains(*id),
                    },
                }));
            }
        }
        found.sort_by_key(|broken| (broken.channel, broken.package));
        found
    }

    /// Which of some packages cannot be installed with what a scope holds, each judged with its module streams.
    fn broken_in(
        &self,
        contexts: &[Context],
        scope: &PackageSet,
        asked: &PackageSet,
    ) -> PackageSet {
        let found = Installability::check_contexts(
            self.universe,
            contexts,
            |id| scope.contains(id),
            |id| asked.contains(id),
        );
        found.broken().collect()
    }
}
