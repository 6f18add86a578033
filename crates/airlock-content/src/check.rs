//! Whether everything in a channel can be installed: by itself, with its base channel, and with others beside it.

mod judge;
mod scope;
mod since;

use std::borrow::Cow;
use std::collections::BTreeSet;

use airlock_model::{BrokenPackage, ChannelLabel, CheckReport, VersionSelector};
use airlock_repodata::modules::ModuleDocument;

use crate::context::TaskContext;
use crate::{Content, Result};
use judge::Judge;

pub(crate) use scope::{Absent, Contents, Member, Scope};

/// What was found in a scope.
pub(crate) struct Judgement {
    /// Packages are not looked for in earlier versions.
    pub report: CheckReport,
    /// The architecture judged for.
    machine: String,
}

impl Content {
    /// Checks every package of a channel's version. Base channels come along by themselves, as they were at the instant
    /// of that version; so do the channels of `with`, but for those with a version of their own. With a baseline the
    /// report says which packages are broken there, too.
    ///
    /// # Errors
    /// When a channel has no such version, stored metadata is damaged, or the work is cancelled.
    pub async fn check(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        selector: VersionSelector,
        with: &[(ChannelLabel, VersionSelector)],
        baseline: Option<(&ChannelLabel, VersionSelector)>,
    ) -> Result<CheckReport> {
        let org = ctx.actor.org;
        let mut contents = Contents::new();
        let channel = self.channel(org, label).await?;
        let scope = self
            .scope(
                org,
                &channel,
                selector,
                with,
                Absent::Refused,
                &mut contents,
            )
            .await?;
        let baseline = match baseline {
            Some((label, selector)) => {
                let channel = self.channel(org, label).await?;
                let beside: Vec<_> = with
                    .iter()
                    .filter(|(named, _)| named != label)
                    .cloned()
                    .collect();
                let scope = self
                    .scope(
                        org,
                        &channel,
                        selector,
                        &beside,
                        Absent::Empty,
                        &mut contents,
                    )
                    .await?;
                Some(scope)
            }
            None => None,
        };
        let Judgement {
            mut report,
            machine,
        } = self.judge(ctx, scope.clone(), baseline).await?;
        if let Some(number) = scope.judged.number {
            let broken = report.broken.iter().map(|package| package.nevra.clone());
            let asked = since::Question {
                org,
                channel: &channel,
                named: with,
                scope: &scope,
                number,
                machine: &machine,
            };
            let since = self
                .broken_since(ctx, &asked, broken.collect(), &mut contents)
                .await?;
            for package in &mut report.broken {
                package.since = since.get(&package.nevra).copied();
            }
        }
        Ok(report)
    }

    /// Judges a scope, beside a baseline if there is one.
    pub(crate) async fn judge(
        &self,
        ctx: &TaskContext,
        scope: Scope,
        baseline: Option<Scope>,
    ) -> Result<Judgement> {
        ctx.check()?;
        ctx.stage(format!("{}: reading dependencies", scope.judged.name()));
        let scopes: Vec<Scope> = std::iter::once(scope).chain(baseline).collect();
        let (channels, parts) = scope::parts(&scopes);
        let loaded = self.pool(parts).await?;
        ctx.check()?;
        let name = scopes.first().map(|scope| scope.judged.name());
        ctx.stage(format!(
            "{}: checking dependencies",
            name.unwrap_or_default()
        ));
        let cancel = ctx.cancel.clone();
        self.blocking("checking dependencies", move |content| {
            let go_on = || match cancel.is_cancelled() {
                true => Err(crate::Error::Cancelled),
                false => Ok(()),
            };
            let judge = Judge::new(&loaded.pool, channels, None);
            let mut scopes = scopes.into_iter();
            let Some(scope) = scopes.next() else {
                return Err(crate::Error::worker_panicked("checking dependencies"));
            };
            let baseline = scopes.next();
            let documents = match &baseline {
                None => Cow::Borrowed(loaded.documents.as_slice()),
                Some(_) => Cow::Owned(content.scope_documents(&scope)?),
            };
            go_on()?;
            let found = judge.judge(&scope, &documents, |_| true);
            let before = match &baseline {
                Some(baseline) => {
                    go_on()?;
                    let documents = content.scope_documents(baseline)?;
                    let named = judge.named(&judge.broken_names(&found));
                    judge.broken_names(&judge.judge(baseline, &documents, |id| named.contains(id)))
                }
                None => BTreeSet::new(),
            };
            let broken: Vec<BrokenPackage> = judge
                .explain(&found, go_on)?
                .into_iter()
                .map(|(nevra, problem)| BrokenPackage {
                    in_baseline: before.contains(&nevra),
                    nevra,
                    problem,
                    since: None,
                })
                .collect();
            let new = broken.iter().filter(|package| !package.in_baseline);
            let (recommendations_unmet, recommendations) = judge.recommendations(&found);
            Ok(Judgement {
                report: CheckReport {
                    channel: scope.judged.name(),
                    with: scope.beside.iter().map(Member::name).collect(),
                    baseline: baseline.map(|baseline| baseline.judged.name()),
                    packages: Judge::count(&found),
                    newly_broken: new.count() as u64,
                    recommendations_unmet,
                    recommendations,
                    broken,
                },
                machine: judge.machine().to_owned(),
            })
        })
        .await
    }

    /// The module documents of all members of a scope, in order.
    fn scope_documents(&self, scope: &Scope) -> Result<Vec<ModuleDocument>> {
        let mut documents = Vec::new();
        for member in scope.members() {
            documents.extend(self.module_documents(&member.content.attachments)?);
        }
        Ok(documents)
    }
}
