//! Since which version each broken package has been broken.

use std::collections::{BTreeMap, BTreeSet};

use airlock_model::{Channel, OrgId, VersionNumber, VersionSelector};

use super::judge::Judge;
use super::scope::{Absent, Contents, Named, Scope, parts};
use crate::context::TaskContext;
use crate::{Content, Result};

/// Versions looked at in the first step back; each further one goes back by so many times more. A step needs a pool of
/// all its versions, so most checks, whose broken packages are new, make a small one only.
const STEP: i64 = 4;
/// The longest step.
const LONGEST: i64 = 1024;

/// What is asked about.
pub(super) struct Question<'a> {
    pub org: OrgId,
    pub channel: &'a Channel,
    pub named: &'a Named,
    /// What was checked.
    pub scope: &'a Scope,
    pub number: VersionNumber,
    pub machine: &'a str,
}

impl Content {
    /// For each of these packages (NEVRA) the first version of the run, up to the one that was checked, in which it is
    /// there and cannot be installed.
    pub(super) async fn broken_since(
        &self,
        ctx: &TaskContext,
        asked: &Question<'_>,
        broken: BTreeSet<String>,
        contents: &mut Contents,
    ) -> Result<BTreeMap<String, VersionNumber>> {
        let mut since: BTreeMap<String, VersionNumber> = broken
            .iter()
            .map(|nevra| (nevra.clone(), asked.number))
            .collect();
        let mut open = broken;
        let mut numbers = airlock_db::versions::numbers(self.db(), asked.channel.id).await?;
        numbers.retain(|number| *number <= asked.number);
        let mut last = asked.scope.clone();
        let mut step = STEP;
        while let Some(newest) = numbers.last().copied().filter(|_| !open.is_empty()) {
            ctx.check()?;
            ctx.stage(format!(
                "{}: looking for the first version in which {} packages are broken, back from {newest}",
                asked.channel.label,
                open.len()
            ));
            // Steps end at round numbers, so that the next check finds their pools again.
            let oldest = newest / step * step;
            let place = numbers.partition_point(|number| *number < oldest);
            let mut scopes = Vec::new();
            for number in numbers.split_off(place).into_iter().rev() {
                let selector = VersionSelector::Number(number);
                let scope = self
                    .scope(
                        asked.org,
                        asked.channel,
                        selector,
                        asked.named,
                        Absent::Empty,
                        contents,
                    )
                    .await?;
                scopes.push((number, scope));
            }
            contents.clear();
            let newest_scope = scopes.last().map(|(_, scope)| scope.clone());
            open = self
                .look_back(ctx, asked, scopes, last, open, &mut since)
                .await?;
            match newest_scope {
                Some(scope) => last = scope,
                None => break,
            }
            step = (step * STEP).min(LONGEST);
        }
        Ok(since)
    }

    /// Goes through versions, newest first; what stays open is broken in all of them.
    async fn look_back(
        &self,
        ctx: &TaskContext,
        asked: &Question<'_>,
        scopes: Vec<(VersionNumber, Scope)>,
        mut last: Scope,
        mut open: BTreeSet<String>,
        since: &mut BTreeMap<String, VersionNumber>,
    ) -> Result<BTreeSet<String>> {
        let mut changed = scopes.iter();
        if changed.all(|(_, scope)| scope.is_like(&last)) {
            let oldest = scopes.last().map(|(number, _)| *number);
            for nevra in &open {
                since.extend(oldest.map(|number| (nevra.clone(), number)));
            }
            return Ok(open);
        }
        let all: Vec<Scope> = scopes.iter().map(|(_, scope)| scope.clone()).collect();
        let (channels, parts) = parts(&all);
        drop(all);
        let loaded = self.pool(parts).await?;
        let machine = asked.machine.to_owned();
        let cancel = ctx.cancel.clone();
        let (found, open) = self
            .blocking("checking earlier versions", move |content| {
                let judge = Judge::of_earlier(&loaded.pool, channels, machine);
                let named = judge.named(&open);
                let mut found = Vec::new();
                for (number, scope) in scopes {
                    if open.is_empty() {
                        break;
                    }
                    if cancel.is_cancelled() {
                        return Err(crate::Error::Cancelled);
                    }
                    if !scope.is_like(&last) {
                        let documents = content.scope_documents(&scope)?;
                        let judged = judge.judge(&scope, &documents, |id| named.contains(id));
                        let broken = judge.broken_names(&judged);
                        open.retain(|nevra| broken.contains(nevra));
                    }
                    found.extend(open.iter().map(|nevra| (nevra.clone(), number)));
                    last = scope;
                }
                Ok((found, open))
            })
            .await?;
        // Older versions come later.
        since.extend(found);
        Ok(open)
    }
}
