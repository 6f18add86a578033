//! Applying a plan: a whole tree of clones in one transaction and one switch.

use std::collections::{HashMap, HashSet};

use airlock_db::channels::{ChannelWrite, KeyWrite};
use airlock_db::errata_clones::{ClonableRevision, NewCloneRevision};
use airlock_model::{
    Attachment, Channel, ChannelId, ChannelLabel, ChannelSummary, CloneOutcome, ClonedChannel,
    ErratumRevisionId, Gate, OrgId, PackageFilter, Plan, PlanSummary, PlannedChannel,
    PlannedErratum, VersionKind, VersionNumber,
};
use roaring::RoaringTreemap;

use super::gather::Side;
use super::select::origin;
use super::tree::{Pair, Tree};
use crate::checksum::sha256_hex;
use crate::commit::{PendingChannel, PendingVersion, VersionContent};
use crate::context::TaskContext;
use crate::edit::Change;
use crate::{Content, Error, Result};

impl Content {
    /// Applies a plan whose bytes are in the store: makes channels that do not exist and one version of each channel
    /// that changes, all in one transaction. With `rebase` the plan's request is planned again when source or
    /// destination have moved on.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming what changed since the plan was made.
    pub async fn apply_plan(
        &self,
        ctx: &TaskContext,
        digest: &str,
        rebase: bool,
    ) -> Result<CloneOutcome> {
        let plan = self.take_up_plan(digest).await?;
        match self.try_apply(ctx, &plan, digest).await {
            Err(Moved::On(_)) if rebase => {
                ctx.stage("planning again");
                let plan = self.make_plan(ctx, &plan.request).await?;
                let (plan, digest) = self.keep_made_plan(plan).await?;
                self.try_apply(ctx, &plan, &digest)
                    .await
                    .map_err(Into::into)
            }
            applied => applied.map_err(Into::into),
        }
    }

    async fn try_apply(
        &self,
        ctx: &TaskContext,
        plan: &Plan,
        digest: &str,
    ) -> Result<CloneOutcome, Moved> {
        let org = ctx.actor.org;
        let tree = self.fitting_tree(org, plan).await?;
        self.unmoved_parent(plan, &tree).await?;
        self.unmoved_children(org, plan).await?;
        let mut creations = Vec::new();
        let mut versions: Vec<PendingVersion> = Vec::new();
        let mut cloned = Vec::new();
        for planned in &plan.channels {
            ctx.check()?;
            let label = &planned.destination.label;
            ctx.stage(format!("{} → {label}", planned.source.label));
            let pair = tree.pairs.iter().find(|pair| pair.label == *label);
            let pair = pair.ok_or_else(|| Error::no_channel(label))?;
            let from = self.planned_source(&pair.source, plan, planned).await?;
            let (channel, creation) = self.planned_destination(org, pair, planned).await?;
            cloned.push(ClonedChannel {
                channel: label.clone(),
                from: channel.current,
                to: channel.current,
            });
            if !planned.changes_anything() {
                continue;
            }
            let current = self.cloned_side(&channel, channel.current).await?;
            let content = self.planned_content(org, planned, &from, current).await?;
            let change = Change {
                kind: VersionKind::Clone,
                note: match planned.source.version {
                    Some(number) => format!("clone of {}@{number}", planned.source.label),
                    None => format!("clone of {} before its first content", planned.source.label),
                },
                plan_digest: Some(digest.to_owned()),
                content,
            };
            let (_, mut pending) = self.prepare_change(&channel, change).await?;
            if let Some(pending) = &mut pending {
                pending.cloned_from = becomes_clone(pair).then_some(pair.source.id);
            }
            versions.extend(pending);
            creations.extend(creation);
        }
        if !versions.is_empty() || !creations.is_empty() {
            // Preparing may have taken long.
            let tree = self.fitting_tree(org, plan).await?;
            self.unmoved_parent(plan, &tree).await?;
            self.unmoved_children(org, plan).await?;
            let numbers = self.commit_with(ctx, creations, versions).await?;
            for (label, number) in numbers {
                if let Some(channel) = cloned.iter_mut().find(|c| c.channel == label) {
                    channel.to = Some(number);
                }
            }
        }
        Ok(CloneOutcome {
            summary: PlanSummary {
                digest: digest.to_owned(),
                channels: plan.channels.iter().map(ChannelSummary::from).collect(),
            },
            channels: cloned,
        })
    }

    /// The channels as they are now, checked as they were when the plan was made.
    async fn fitting_tree(&self, org: OrgId, plan: &Plan) -> Result<Tree> {
        let unfit = |why: String| {
            Error::conflict(
                format!("the channels are no longer as the plan was made for: {why}"),
                "make them so again, or plan anew",
            )
        };
        let tree = match self.clone_tree(org, &plan.request).await {
            Err(error @ (Error::NoChannel { .. } | Error::Invalid { .. })) => {
                return Err(unfit(error.to_string()));
            }
            found => found?,
        };
        for pair in &tree.pairs {
            let planned = plan.channels.iter();
            let mut planned = planned.filter(|planned| planned.destination.label == pair.label);
            let creation = planned.next().and_then(|planned| planned.create.as_ref());
            if let Some(creation) = creation
                && creation.parent != pair.parent
            {
                return Err(unfit(format!("{} belongs elsewhere now", pair.label)));
            }
        }
        Ok(tree)
    }

    /// The clones' base channel that was searched and not changed is what it was.
    async fn unmoved_parent(&self, plan: &Plan, tree: &Tree) -> Result<(), Moved> {
        let (Some(planned), Some(parent)) = (&plan.parents, &tree.parent) else {
            return Ok(());
        };
        let planned = &planned.destination;
        match self.current_digest(parent).await? == planned.digest {
            true => Ok(()),
            false => Err(Moved::on(
                &parent.label,
                planned.version,
                parent.current,
                "parent",
            )),
        }
    }

    pub(super) async fn current_digest(&self, channel: &Channel) -> Result<Option<String>> {
        Ok(match channel.current {
            Some(number) => {
                airlock_db::versions::content_digest(self.db(), channel.id, number).await?
            }
            None => None,
        })
    }

    /// The version that a plan takes content from.
    async fn planned_source(
        &self,
        source: &Channel,
        plan: &Plan,
        planned: &PlannedChannel,
    ) -> Result<Side, Moved> {
        let wanted = &planned.source.digest;
        let version = match (&plan.request.as_of, wanted) {
            (None, _) => source.current,
            // A recorded version may have another number where the plan is applied.
            (Some(_), None) => None,
            (Some(_), Some(digest)) => {
                let list = airlock_db::versions::list(self.db(), source.id)
                    .await
                    .map_err(Error::from)?;
                let mut same = list.iter().filter(|info| info.content_digest == *digest);
                same.next().map(|info| info.number)
            }
        };
        let side = self.cloned_side(source, version).await?;
        if side.digest == *wanted {
            return Ok(side);
        }
        let (then, now) = (planned.source.version, side.version);
        Err(Moved::on(&planned.source.label, then, now, "source"))
    }

    /// The clone as it is, or as it will be made.
    async fn planned_destination(
        &self,
        org: OrgId,
        pair: &Pair,
        planned: &PlannedChannel,
    ) -> Result<(Channel, Option<PendingChannel>), Moved> {
        let (label, source) = (&pair.label, &pair.source);
        if let Some(mut channel) = pair.destination.clone() {
            let digest = &planned.destination.digest;
            let unmoved = match self.current_digest(&channel).await? {
                // The plan itself, or another one that made the clone, was taken back.
                Some(_) if digest.is_none() => self.is_emptied(&channel, source).await?,
                now => now == *digest,
            };
            if !unmoved {
                let (then, now) = (planned.destination.version, channel.current);
                return Err(match planned.create {
                    None => Moved::on(label, then, now, "destination"),
                    Some(_) => Moved::On(Error::conflict(
                        format!(
                            "channel {label} exists now and has content, and the plan was to make it"
                        ),
                        AGAIN,
                    )),
                });
            }
            if becomes_clone(pair) {
                channel.cloned_from = Some(source.label.clone());
            }
            return Ok((channel, None));
        }
        let Some(creation) = &planned.create else {
            return Err(Error::no_channel(label).into());
        };
        let keys = airlock_db::channels::keys(self.db(), source.id)
            .await
            .map_err(Error::from)?;
        let parent = match &creation.parent {
            Some(parent) => airlock_db::channels::find_live(self.db(), parent)
                .await
                .map_err(Error::from)?
                // A tree has two levels.
                .filter(|channel| channel.org == org && channel.parent.is_none())
                .map(|channel| channel.id),
            None => None,
        };
        let write = ChannelWrite {
            name: creation.name.clone(),
            summary: creation.summary.clone(),
            description: creation.description.clone(),
            arch: source.arch.clone(),
            checksum: source.checksum.clone(),
            parent,
            cloned_from: Some(source.id),
            gate: Gate::Off,
            policy: source.policy,
            signatures: source.signatures,
            access: source.access,
            metadata: airlock_model::MetadataMode::Own,
            compression: source.compression,
            sign_metadata: source.sign_metadata,
            filter: PackageFilter::default(),
            schedule: None,
            next_sync: None,
        };
        let channel = Channel {
            id: ChannelId(0),
            label: label.clone(),
            parent: creation.parent.clone(),
            metadata: airlock_model::MetadataMode::Own,
            gate: Gate::Off,
            cloned_from: Some(source.label.clone()),
            upstreams: Vec::new(),
            current: None,
            ..source.clone()
        };
        let keys = source
            .keys
            .iter()
            .zip(keys)
            .map(|(fingerprint, armored)| KeyWrite {
                fingerprint: fingerprint.clone(),
                armored,
            })
            .collect();
        let pending = PendingChannel {
            label: label.clone(),
            parent: creation.parent.clone(),
            write,
            keys,
        };
        Ok((channel, Some(pending)))
    }

    /// Whether a clone of a source is empty again because the plan that made it was taken back.
    async fn is_emptied(&self, channel: &Channel, source: &Channel) -> Result<bool> {
        if channel.cloned_from.as_ref() != Some(&source.label) {
            return Ok(false);
        }
        let (content, _) = self.current_content(channel).await?;
        Ok(self.past(channel, &content).await?.emptied)
    }

    /// What the clone will hold.
    async fn planned_content(
        &self,
        org: OrgId,
        planned: &PlannedChannel,
        from: &Side,
        current: Side,
    ) -> Result<VersionContent> {
        let mut content = current.content.clone();
        content.records = planned_records(planned, from, &current)?;
        let errata = self.planned_errata(org, planned, from).await?;
        let present = airlock_db::errata_clones::revisions(self.db(), &content.errata).await?;
        content.errata = errata_after(&present, &from.content.errata, planned, errata);
        content.attachments = self.planned_files(from, &current, &content.records).await?;
        Ok(content)
    }

    /// The files that the clone will carry along.
    pub(super) async fn planned_files(
        &self,
        from: &Side,
        current: &Side,
        records: &RoaringTreemap,
    ) -> Result<Vec<Attachment>> {
        let source = from.content.attachments.clone();
        let before = current.content.attachments.clone();
        let view = self.view(records.clone()).await?;
        self.blocking("cutting module metadata", move |content| {
            content.cloned_attachments(&source, &before, &view)
        })
        .await
    }

    /// The revisions that the plan's errata are published as.
    async fn planned_errata(
        &self,
        org: OrgId,
        planned: &PlannedChannel,
        from: &Side,
    ) -> Result<Vec<(ClonableRevision, ErratumRevisionId)>> {
        let sources = airlock_db::errata_clones::revisions(self.db(), &from.content.errata).await?;
        let by_name: HashMap<(&str, &str), &ClonableRevision> = sources
            .iter()
            .map(|erratum| ((&*erratum.advisory, &*erratum.digest), erratum))
            .collect();
        let mut found: Vec<(&ClonableRevision, &PlannedErratum)> = Vec::new();
        for erratum in &planned.errata {
            let source = by_name.get(&(&*erratum.advisory, &*erratum.digest));
            let source = source.ok_or_else(|| {
                Error::invalid(
                    format!(
                        "{} has no erratum {} as the plan says",
                        planned.source.label, erratum.advisory
                    ),
                    "the plan was changed by hand, or belongs to another server",
                )
            })?;
            found.push((source, erratum));
        }
        let renamed: Vec<&(&ClonableRevision, &PlannedErratum)> = found
            .iter()
            .filter(|(source, erratum)| erratum.published_as != source.advisory)
            .collect();
        let set: RoaringTreemap = renamed.iter().map(|(s, _)| s.id.0.unsigned_abs()).collect();
        let mut fragments = airlock_db::errata_clones::fragments(self.db(), &set).await?;
        let mut clones = Vec::with_capacity(renamed.len());
        for (source, erratum) in &renamed {
            let fragment = fragments.remove(&source.id).unwrap_or_default();
            let fragment = airlock_repodata::updateinfo::with_id(&fragment, &erratum.published_as)
                .map_err(|error| Error::metadata(planned.source.label.as_str(), error))?;
            clones.push(NewCloneRevision {
                of: source,
                advisory: &erratum.published_as,
                digest: sha256_hex(&fragment),
                fragment,
            });
        }
        let ids =
            airlock_db::errata_clones::ensure_clones(self.db(), org, &clones, self.now()).await?;
        let made: HashMap<ErratumRevisionId, ErratumRevisionId> = renamed
            .iter()
            .map(|(source, _)| source.id)
            .zip(ids)
            .collect();
        Ok(found
            .iter()
            .map(|(source, _)| {
                let id = made.get(&source.id).copied().unwrap_or(source.id);
                ((*source).clone(), id)
            })
            .collect())
    }
}

/// Whether an existing channel gets its first content, and with it its source: the next run finds its clone again.
fn becomes_clone(pair: &Pair) -> bool {
    pair.destination.as_ref().is_some_and(|channel| {
        channel.current.is_none() && channel.cloned_from.as_ref() != Some(&pair.source.label)
    })
}

/// The records that the clone will have.
///
/// # Errors
/// When the source does not have a package of the plan.
pub(super) fn planned_records(
    planned: &PlannedChannel,
    from: &Side,
    current: &Side,
) -> Result<RoaringTreemap> {
    let mut records = current.content.records.clone();
    let gone: HashSet<&str> = planned.removals.iter().map(|p| &*p.checksum).collect();
    for (record, info) in current.view.members() {
        if gone.contains(info.identity().as_str()) {
            records.remove(record);
        }
    }
    let mut wanted: HashMap<&str, &str> = planned
        .packages
        .iter()
        .map(|package| (&*package.checksum, &*package.nevra))
        .collect();
    for (record, info) in from.view.members() {
        if wanted.remove(info.identity().as_str()).is_some() {
            records.insert(record);
        }
    }
    match wanted.values().min() {
        None => Ok(records),
        Some(nevra) => Err(Error::invalid(
            format!(
                "{} has no package {nevra} with the plan's checksum",
                planned.source.label
            ),
            "the plan was changed by hand, or belongs to another server",
        )),
    }
}

/// The clone's errata: without those that go and those that are replaced.
fn errata_after(
    present: &[ClonableRevision],
    of_source: &RoaringTreemap,
    planned: &PlannedChannel,
    incoming: Vec<(ClonableRevision, ErratumRevisionId)>,
) -> RoaringTreemap {
    let gone: HashSet<&str> = planned.errata_removed.iter().map(|name| &**name).collect();
    let replaced: HashSet<i64> = incoming
        .iter()
        .map(|(source, _)| source.erratum.0)
        .collect();
    // Several upstreams may each have a revision of one erratum: only what the source has no more is replaced.
    let is_replaced = |erratum: &ClonableRevision| {
        let ids = [Some(erratum.erratum), erratum.original];
        ids.into_iter().flatten().any(|id| replaced.contains(&id.0))
            && !of_source.contains(origin(erratum).0.unsigned_abs())
    };
    let mut errata: RoaringTreemap = present
        .iter()
        .filter(|erratum| !gone.contains(&*erratum.advisory) && !is_replaced(erratum))
        .map(|erratum| erratum.id.0.unsigned_abs())
        .collect();
    errata.extend(incoming.iter().map(|(_, id)| id.0.unsigned_abs()));
    errata
}

const AGAIN: &str = "plan again and review, or apply with --rebase";

/// Why a plan cannot be applied as it stands.
pub(super) enum Moved {
    /// A channel is not what it was; planning again may help.
    On(Error),
    /// Anything else.
    Failed(Error),
}

impl Moved {
    pub(super) fn on(
        label: &ChannelLabel,
        then: Option<VersionNumber>,
        now: Option<VersionNumber>,
        which: &str,
    ) -> Self {
        let at = |number: Option<VersionNumber>| {
            number.map_or_else(
                || "empty".to_owned(),
                |number| format!("at version {number}"),
            )
        };
        Self::On(Error::conflict(
            format!(
                "the {which} {label} has moved on: it was {} when the plan was made and is {} now (airlock channel diff shows what changed)",
                at(then),
                at(now)
            ),
            AGAIN,
        ))
    }
}

impl From<Error> for Moved {
    fn from(error: Error) -> Self {
        match error {
            Error::Overtaken { .. } => Self::On(error),
            error => Self::Failed(error),
        }
    }
}

impl From<Moved> for Error {
    fn from(moved: Moved) -> Self {
        match moved {
            Moved::On(error) | Moved::Failed(error) => error,
        }
    }
}
