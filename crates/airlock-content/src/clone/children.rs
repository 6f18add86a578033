//! Children of a clone's base that are no part of the run: what a change of the base takes from them.

use airlock_model::{
    Channel, OrgId, Plan, PlannedBroken, PlannedChannel, PlannedChild, PlannedVersion,
};
use std::sync::Arc;

use super::apply::{Moved, planned_records};
use crate::check::{Member, Scope};
use crate::commit::VersionContent;
use crate::context::TaskContext;
use crate::{Content, Result};

impl Content {
    /// Living children of a destination that is a base channel, without those that are destinations themselves.
    pub(super) async fn other_children(
        &self,
        org: OrgId,
        base: &Channel,
        is_destination: impl Fn(&airlock_model::ChannelLabel) -> bool,
    ) -> Result<Vec<Channel>> {
        let mut children = Vec::new();
        for label in airlock_db::channels::children(self.db(), base.id).await? {
            if !is_destination(&label) {
                children.push(self.channel(org, &label).await?);
            }
        }
        children.sort_by(|one, two| one.label.cmp(&two.label));
        Ok(children)
    }

    /// What the plan's base would take from children that are no part of the plan.
    pub(super) async fn planned_children(
        &self,
        ctx: &TaskContext,
        plan: &Plan,
    ) -> Result<Vec<PlannedChild>> {
        let org = ctx.actor.org;
        let mut found = Vec::new();
        for planned in &plan.channels {
            // What is added takes nothing away, unless it is another stream of a module.
            let takes = !planned.removals.is_empty()
                || (planned.changes_anything()
                    && planned.files.iter().any(|f| f.kind == "modules"));
            if planned.create.is_some() || !takes {
                continue;
            }
            let base = self.channel(org, &planned.destination.label).await?;
            if base.parent.is_some() {
                continue;
            }
            let is_destination = |label: &airlock_model::ChannelLabel| {
                plan.channels
                    .iter()
                    .any(|other| other.destination.label == *label)
            };
            let children = self.other_children(org, &base, is_destination).await?;
            if children.iter().all(|child| child.current.is_none()) {
                continue;
            }
            let after = self.base_after(org, &base, planned).await?;
            for child in &children {
                found.extend(self.planned_child(ctx, child, &base, &after).await?);
            }
        }
        Ok(found)
    }

    /// The children that were looked at are what they were.
    pub(super) async fn unmoved_children(&self, org: OrgId, plan: &Plan) -> Result<(), Moved> {
        for child in &plan.children {
            let planned = &child.channel;
            let channel = match self.channel(org, &planned.label).await {
                // What is gone loses nothing.
                Err(crate::Error::NoChannel { .. }) => continue,
                found => found?,
            };
            if self.current_digest(&channel).await? != planned.digest {
                let (then, now) = (planned.version, channel.current);
                return Err(Moved::on(&planned.label, then, now, "child"));
            }
        }
        Ok(())
    }

    /// The base as the plan makes it.
    async fn base_after(
        &self,
        org: OrgId,
        base: &Channel,
        planned: &PlannedChannel,
    ) -> Result<Member> {
        let source = self.channel(org, &planned.source.label).await?;
        let from = self.cloned_side(&source, planned.source.version).await?;
        let current = self.cloned_side(base, base.current).await?;
        let records = planned_records(planned, &from, &current)?;
        let attachments = self.planned_files(&from, &current, &records).await?;
        Ok(Member {
            channel: base.id,
            label: base.label.clone(),
            number: None,
            content: Arc::new(VersionContent {
                records,
                attachments,
                ..VersionContent::default()
            }),
        })
    }

    async fn planned_child(
        &self,
        ctx: &TaskContext,
        child: &Channel,
        base: &Channel,
        after: &Member,
    ) -> Result<Option<PlannedChild>> {
        let Some(judged) = self.present(child).await? else {
            return Ok(None);
        };
        let version = PlannedVersion {
            label: child.label.clone(),
            version: judged.number,
            digest: match judged.number {
                Some(number) => {
                    airlock_db::versions::content_digest(self.db(), child.id, number).await?
                }
                None => None,
            },
        };
        let scope = Scope {
            judged,
            beside: vec![after.clone()],
        };
        let before = self.before(child, Some(base)).await?;
        let report = self.judge(ctx, scope, before).await?.report;
        let broken: Vec<PlannedBroken> = report
            .broken
            .into_iter()
            .filter(|package| !package.in_baseline)
            .map(|package| PlannedBroken {
                nevra: package.nevra,
                problem: package.problem.lines().map(str::to_owned).collect(),
                source_broken: false,
            })
            .collect();
        // One that loses nothing is named, too: another content of it was not looked at.
        Ok(Some(PlannedChild {
            channel: version,
            broken,
        }))
    }
}
