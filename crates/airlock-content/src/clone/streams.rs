//! Module streams of the clones: what a package sees there, and the streams that are needed and are not there.

use std::collections::HashSet;

use airlock_model::{OpenCause, OpenRequirement};
use airlock_repodata::modules::ModuleDocument;
use airlock_solve::{Context, Enabled, Modules, PackageId, PackageSet, Pool, Sight};

use super::close::Policy;
use super::gather::{Gathered, GatheredPair};
use super::judge::Open;
use super::question::Question;
use crate::{Content, Result};

/// Modules that one may need through each other.
const MOST_DEPTH: usize = 50;

/// The modules of clones with some packages.
pub(super) struct Published {
    /// Streams that are enabled together, with whom they are enabled for.
    pub contexts: Vec<Context>,
    /// What each package sees; none without any module.
    pub sight: Option<Sight>,
}

/// A stream that packages of the clones need, and no package of it is there.
pub(super) struct Lack {
    /// The packages that need it, in their order.
    pub needing: Vec<PackageId>,
    /// Module and stream as a requirement: `module runtime:1`.
    pub requires: String,
    /// The build context of the stream; none when the source's tree lacks it, too.
    pub build: Option<String>,
    /// Its packages, build by build; empty when the source's tree lacks the stream, too.
    pub builds: Vec<Vec<PackageId>>,
}

impl Question<'_, '_> {
    /// The modules as they are published when the clones hold these packages.
    pub(super) fn published_with(
        &self,
        results: &[Vec<PackageId>],
        there: &PackageSet,
        source: &Sight,
    ) -> Result<Published> {
        let modules = (self.published)(results)?;
        let contexts = modules.contexts(self.universe);
        let sight = (!self.modules.is_empty() || !modules.is_empty())
            .then(|| Sight::new(&contexts).with_candidates(there, source));
        Ok(Published { contexts, sight })
    }

    /// Streams that packages of the clones need and lack.
    pub(super) fn lacks(
        &self,
        published: &[Context],
        source: &[Context],
        results: &[Vec<PackageId>],
        there: &PackageSet,
    ) -> Vec<Lack> {
        let own: PackageSet = results.iter().flatten().copied().collect();
        let enabled = published.iter().filter(|one| one.unmet.is_none());
        let fine: PackageSet = enabled.flat_map(|one| one.judged.iter().copied()).collect();
        let mut found: Vec<Lack> = Vec::new();
        for context in published.iter().filter(|context| context.unmet.is_some()) {
            let judged = context.judged.iter().copied();
            // What several streams have needs one of them only.
            let lacks = |id: &PackageId| own.contains(*id) && !fine.contains(*id);
            let mut needing: Vec<PackageId> = judged.filter(lacks).collect();
            needing.sort_unstable();
            needing.dedup();
            if needing.is_empty() {
                continue;
            }
            if let Some(lacking) = self.lacking(context, published, source, there) {
                found.push(Lack { needing, ..lacking });
            }
        }
        found
    }

    /// What a stream cannot be enabled without: the first one on the way down that is not there. Who needs it is for the
    /// caller to say.
    fn lacking(
        &self,
        context: &Context,
        published: &[Context],
        source: &[Context],
        there: &PackageSet,
    ) -> Option<Lack> {
        let mut context = context;
        for _ in 0..MOST_DEPTH {
            let module = context.unmet.as_deref()?;
            let Some(enabled) = enabled_beside(source, context, module) else {
                return Some(Lack {
                    needing: Vec::new(),
                    requires: format!("module {module}"),
                    build: None,
                    builds: Vec::new(),
                });
            };
            let builds: Vec<Vec<PackageId>> = self
                .modules
                .builds(module, enabled)
                .map(<[PackageId]>::to_vec)
                .collect();
            let name = format!("{module}:{}", enabled.stream);
            if !builds.iter().flatten().any(|id| there.contains(*id)) {
                return Some(Lack {
                    needing: Vec::new(),
                    requires: format!("module {name}"),
                    build: Some(enabled.build.clone()),
                    builds,
                });
            }
            // It is there, and lacks something itself.
            let next = published.iter().find(|other| {
                let build = other.build.as_deref() == Some(enabled.build.as_str());
                other.unmet.is_some() && build && other.stream.as_deref() == Some(name.as_str())
            });
            context = next?;
        }
        None
    }

    /// Streams that stay away, as requirements of the packages that need them.
    pub(super) fn open_streams(
        &self,
        policy: &Policy<'_, '_, '_>,
        lacks: &[Lack],
        results: &[Vec<PackageId>],
    ) -> Vec<Open> {
        let pool = self.universe.pool();
        let mut found = Vec::new();
        for lack in lacks {
            let all = || lack.builds.iter().flatten().copied();
            let offered = |id: &PackageId| policy.channel_of(*id).is_some();
            let barred = |id: &PackageId| self.channels.iter().any(|own| own.barred.contains(*id));
            let in_parent = |id: &PackageId| self.source_parent.contains(*id);
            let (cause, providers): (OpenCause, Vec<PackageId>) = if all().any(|id| offered(&id)) {
                let providers: Vec<PackageId> = all().filter(offered).collect();
                let beyond = providers.iter().all(|id| policy.is_beyond(*id));
                match self.strict && self.solve && beyond {
                    true => (OpenCause::BeyondDate, providers),
                    false => (OpenCause::NotSolved, providers),
                }
            } else if all().any(|id| barred(&id)) {
                (OpenCause::KeptOut, all().filter(barred).collect())
            } else if all().any(|id| in_parent(&id)) {
                (OpenCause::Parent, all().filter(in_parent).collect())
            } else {
                (OpenCause::Source, Vec::new())
            };
            let providers = super::judge::named(pool, &providers);
            for (channel, packages) in results.iter().enumerate() {
                let here = |id: &&PackageId| packages.binary_search(*id).is_ok();
                for id in lack.needing.iter().filter(here) {
                    found.push(Open {
                        channel,
                        package: *id,
                        requirement: OpenRequirement {
                            package: pool.nevra(*id),
                            requires: lack.requires.clone(),
                            cause,
                            providers: providers.clone(),
                        },
                    });
                }
            }
        }
        found
    }
}

/// The stream of a module that the source's tree enables with a context's own stream, as that one was built.
fn enabled_beside<'c>(
    source: &'c [Context],
    context: &Context,
    module: &str,
) -> Option<&'c Enabled> {
    let stream = context.stream.as_deref()?;
    let (own, own_stream) = stream.split_once(':')?;
    let own_build = context.build.as_deref()?;
    let mut fitting = source.iter().filter(|context| {
        let enabled = context.enabled.get(own);
        let same = |enabled: &Enabled| enabled.stream == own_stream && enabled.build == own_build;
        context.unmet.is_none() && enabled.is_some_and(same)
    });
    // The stream's own context before one that it is a default of.
    let best = fitting
        .clone()
        .find(|context| context.stream.as_deref() == Some(stream))
        .or_else(|| fitting.next())?;
    best.enabled.get(module)
}

/// The module documents of a tree, of which those of its clones are made.
pub(super) struct Documents<'g> {
    gathered: &'g Gathered,
    pool: &'g Pool,
    /// Of each source and each clone as it is.
    pairs: Vec<(Vec<ModuleDocument>, Vec<ModuleDocument>)>,
    parent: Vec<ModuleDocument>,
}

impl<'g> Documents<'g> {
    pub(super) fn read(content: &Content, gathered: &'g Gathered) -> Result<Self> {
        let mut pairs = Vec::new();
        for own in &gathered.pairs {
            pairs.push((
                content.module_documents(&own.source.content.attachments)?,
                content.module_documents(&own.destination.content.attachments)?,
            ));
        }
        Ok(Self {
            gathered,
            pool: &gathered.pool.pool,
            pairs,
            parent: content.module_documents(&gathered.parent_files)?,
        })
    }

    /// The modules of everything that there is.
    pub(super) fn all(&self) -> Modules {
        // Documents of the clones come first: where both have defaults, those of the sources count.
        let of_clones = self.pairs.iter().flat_map(|(_, clone)| clone.iter());
        let documents: Vec<ModuleDocument> = of_clones
            .chain(&self.gathered.pool.documents)
            .cloned()
            .collect();
        Modules::new(self.pool, &documents)
    }

    /// The modules of clones that hold these packages, as they are published, with those of their base channel.
    pub(super) fn published(&self, results: &[Vec<PackageId>]) -> Result<Modules> {
        let mut documents: Vec<ModuleDocument> = Vec::new();
        for ((own, (source, clone)), packages) in
            self.gathered.pairs.iter().zip(&self.pairs).zip(results)
        {
            if source.is_empty() && clone.is_empty() {
                continue;
            }
            let artifacts: HashSet<String> = packages
                .iter()
                .filter_map(|id| self.artifact(own, *id))
                .collect();
            match super::modules::cut(source, clone.clone(), &artifacts)? {
                Some(cut) => documents.extend(cut),
                None => documents.extend(source.iter().cloned()),
            }
        }
        documents.extend(self.parent.iter().cloned());
        Ok(Modules::new(self.pool, &documents))
    }

    fn artifact(&self, own: &GatheredPair, id: PackageId) -> Option<String> {
        let info = own.record(self.pool.package(id).key())?;
        Some(crate::filter::artifact(&info))
    }
}
