//! The judgement over scopes of one pool.

use std::collections::BTreeSet;

use airlock_model::{ChannelId, CheckReport, UnmetRecommendation};
use airlock_repodata::modules::ModuleDocument;
use airlock_solve::{
    Context, Installability, Modules, PackageId, PackageSet, Pool, Settings, Solver, Universe,
};

use super::scope::Scope;
use crate::Result;
use crate::explanation::shortened;

/// A pool of several scopes, ready to judge each.
pub(super) struct Judge<'p> {
    universe: Universe<'p>,
    channels: Vec<ChannelId>,
}

/// What was found in a scope.
pub(super) struct Found {
    contexts: Vec<Context>,
    there: PackageSet,
    judged: PackageSet,
    installability: Installability,
}

impl<'p> Judge<'p> {
    /// `channels` are the pool's repositories; `machine` is the architecture judged for, by default the one that most
    /// packages are made for.
    pub(super) fn new(pool: &'p Pool, channels: Vec<ChannelId>, machine: Option<String>) -> Self {
        let settings = Settings {
            machine,
            ..Settings::default()
        };
        Self {
            universe: Universe::new(pool, &settings),
            channels,
        }
    }

    /// A pool of earlier versions of what was judged for `machine`. It may be that only they have packages that tell
    /// the machine: where what made the difference has gone, the rest fits a smaller one (or any). So theirs counts as
    /// long as it takes what is made for `machine`.
    pub(super) fn of_earlier(pool: &'p Pool, channels: Vec<ChannelId>, machine: String) -> Self {
        let judge = Self::new(pool, channels, None);
        if airlock_solve::arch::fit(judge.machine(), &machine).is_some() {
            return judge;
        }
        Self::new(pool, judge.channels, Some(machine))
    }

    /// The architecture judged for.
    pub(super) fn machine(&self) -> &str {
        self.universe.machine()
    }

    fn pool(&self) -> &'p Pool {
        self.universe.pool()
    }

    /// Packages of a scope: all, and those of its first channel.
    fn packages(&self, scope: &Scope) -> (PackageSet, PackageSet) {
        let contents: Vec<_> = self
            .channels
            .iter()
            .map(|id| scope.members().find(|member| member.channel == *id))
            .collect();
        let (mut there, mut judged) = (PackageSet::default(), PackageSet::default());
        for (id, package) in self.pool().packages() {
            let member = contents
                .get(package.repository().index())
                .copied()
                .flatten();
            let Some(member) =
                member.filter(|member| member.content.records.contains(package.key()))
            else {
                continue;
            };
            there.insert(id);
            if member.channel == scope.judged.channel {
                judged.insert(id);
            }
        }
        (there, judged)
    }

    /// Judges the first channel of a scope; of its packages those that are asked for.
    pub(super) fn judge(
        &self,
        scope: &Scope,
        documents: &[ModuleDocument],
        asked: impl Fn(PackageId) -> bool,
    ) -> Found {
        let (there, judged) = self.packages(scope);
        let contexts = Modules::new(self.pool(), documents).contexts(&self.universe);
        let installability = Installability::check_contexts(
            &self.universe,
            &contexts,
            |id| there.contains(id),
            |id| judged.contains(id) && asked(id),
        );
        Found {
            contexts,
            there,
            judged,
            installability,
        }
    }

    /// NEVRAs of what cannot be installed.
    pub(super) fn broken_names(&self, found: &Found) -> BTreeSet<String> {
        let broken = found.installability.broken();
        broken.map(|id| self.pool().nevra(id)).collect()
    }

    /// Packages with one of some names.
    pub(super) fn named(&self, names: &BTreeSet<String>) -> PackageSet {
        let packages = self.pool().packages().map(|(id, _)| id);
        packages
            .filter(|id| names.contains(&self.pool().nevra(*id)))
            .collect()
    }

    /// Number of packages judged.
    pub(super) fn count(found: &Found) -> u64 {
        found.installability.checked() as u64
    }

    /// What packages of the first channel recommend and nothing in the scope meets: how many, and the first ones.
    pub(super) fn recommendations(&self, found: &Found) -> (u64, Vec<UnmetRecommendation>) {
        let unmet = self
            .universe
            .unmet_recommendations(found.judged.iter(), &found.there);
        let first = unmet.iter().take(CheckReport::MOST_RECOMMENDATIONS);
        let named = first.map(|one| UnmetRecommendation {
            package: self.pool().nevra(one.by),
            recommends: self.pool().dependency_text(one.dependency),
            providers: Vec::new(),
        });
        (unmet.len() as u64, named.collect())
    }

    /// What cannot be installed, by name, architecture and version, each with the reason. `go_on` is asked now and then.
    pub(super) fn explain(
        &self,
        found: &Found,
        go_on: impl Fn() -> Result<()>,
    ) -> Result<Vec<(String, String)>> {
        let mut problems: Vec<(PackageId, String)> = Vec::new();
        let mut open: PackageSet = found.installability.broken().collect();
        for context in &found.contexts {
            let broken: Vec<PackageId> = context
                .judged
                .iter()
                .copied()
                .filter(|id| open.contains(*id))
                .collect();
            if broken.is_empty() {
                continue;
            }
            let mut solver = Solver::new(&self.universe, |id| {
                context.scope.contains(id) && found.there.contains(id)
            });
            for (number, id) in broken.into_iter().enumerate() {
                if number % 256 == 0 {
                    go_on()?;
                }
                // A package of several default streams is judged once.
                if !open.contains(id) {
                    continue;
                }
                open.remove(id);
                let lines = match &context.unmet {
                    Some(module) => vec![unmet(self.pool(), id, context, module)],
                    None => solver
                        .explain(id)
                        .map(|explanation| explanation.lines(self.pool()))
                        .unwrap_or_default(),
                };
                problems.push((id, told(lines, context)));
            }
        }
        problems.sort_by_key(|(id, _)| *id);
        let named = problems.into_iter();
        Ok(named
            .map(|(id, problem)| (self.pool().nevra(id), problem))
            .collect())
    }
}

fn unmet(pool: &Pool, id: PackageId, context: &Context, module: &str) -> String {
    let stream = context.stream.as_deref().unwrap_or_default();
    format!(
        "{} is of the module stream {stream}, which needs the module {module}, and no stream of that goes with the others",
        pool.nevra(id)
    )
}

fn told(lines: Vec<String>, context: &Context) -> String {
    let mut lines = shortened(lines);
    if context.unmet.is_none()
        && let Some(stream) = &context.stream
    {
        lines.push(format!(
            "(seen from the module stream {stream} and the streams that it requires)"
        ));
    }
    lines.join("\n")
}
