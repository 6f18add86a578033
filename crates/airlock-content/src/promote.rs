//! Promotion and rollback: a channel gets exactly the content of another version. Both make a new version, so history
//! only grows.

use airlock_model::{ChannelLabel, VersionKind, VersionNumber, VersionSelector};

use crate::commit::VersionContent;
use crate::context::TaskContext;
use crate::edit::{Change, EditOutcome};
use crate::{Content, Error, Result};

impl Content {
    /// Gives `destination` exactly the content of `source` (with `tree`: each channel of its tree that of its partner,
    /// in one switch; a child whose partner had no version then stays as it is, with a warning).
    ///
    /// # Errors
    /// When a channel has no such version, or the trees do not fit.
    pub async fn promote(
        &self,
        ctx: &TaskContext,
        source: &ChannelLabel,
        selector: VersionSelector,
        destination: &ChannelLabel,
        tree: bool,
    ) -> Result<Vec<EditOutcome>> {
        if source == destination {
            return Err(Error::invalid(
                format!("{source} cannot be promoted into itself"),
                "airlock channel rollback takes a channel back",
            ));
        }
        let pairs = if tree {
            self.tree_pairs(ctx.actor.org, source, destination).await?
        } else {
            vec![(source.clone(), destination.clone())]
        };
        let mut changes = Vec::new();
        for (from, to) in pairs {
            ctx.stage(format!("{from} → {to}"));
            let from_channel = self.channel(ctx.actor.org, &from).await?;
            let channel = self.changeable(ctx, &to).await?;
            let number = self
                .number_in_tree(ctx.actor.org, source, selector, &from_channel)
                .await?;
            let Some(number) = number else {
                let warning = format!("{from} had no content then, so {to} stays as it is");
                changes.push((EditOutcome::left_alone(&channel, warning), None));
                continue;
            };
            let change = Change {
                kind: VersionKind::Promote,
                note: format!("from {from}@{number}"),
                plan_digest: None,
                content: self.version_content(&from_channel, number).await?,
            };
            changes.push(self.prepare_change(&channel, change).await?);
        }
        self.finish_changes(ctx, changes).await
    }

    /// Makes an older version's content current again (with `tree`: the whole tree as it was then, in one switch; a
    /// child that had no version then stays as it is, with a warning).
    ///
    /// # Errors
    /// When the channel has no such version.
    pub async fn rollback(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        selector: VersionSelector,
        tree: bool,
    ) -> Result<Vec<EditOutcome>> {
        let channel = self.channel(ctx.actor.org, label).await?;
        let number = self.version_number(&channel, selector).await?;
        let mut wishes = vec![(channel.clone(), Some(number))];
        if tree {
            // The tree goes back to the instant at which the named version was current.
            // "Current" means the version just named, whatever others did meanwhile.
            let named = match selector {
                VersionSelector::Current => VersionSelector::Number(number),
                other => other,
            };
            for other in self.tree(ctx.actor.org, label).await? {
                if other == *label {
                    continue;
                }
                let other = self.channel(ctx.actor.org, &other).await?;
                let then = self
                    .number_in_tree(ctx.actor.org, label, named, &other)
                    .await?;
                wishes.push((other, then));
            }
        }
        let mut changes = Vec::new();
        for (channel, number) in wishes {
            let Some(current) = channel.current else {
                continue;
            };
            if number.is_none() {
                let warning = "it had no content then, so it stays as it is".to_owned();
                changes.push((EditOutcome::left_alone(&channel, warning), None));
                continue;
            }
            changes.push(self.back_to(ctx, &channel, current, number).await?);
        }
        self.finish_changes(ctx, changes).await
    }

    /// Prepares the way of a channel back to an older version; none: to nothing.
    pub(crate) async fn back_to(
        &self,
        ctx: &TaskContext,
        channel: &airlock_model::Channel,
        current: VersionNumber,
        number: Option<VersionNumber>,
    ) -> Result<(EditOutcome, Option<crate::commit::PendingVersion>)> {
        // What counts is how the older version was published, not how the channel publishes now.
        if channel.metadata == airlock_model::MetadataMode::Verbatim
            && self.was_verbatim(channel, number).await?
        {
            return self.rollback_verbatim(channel, number).await;
        }
        let content = match number {
            Some(number) => self.version_content(channel, number).await?,
            None => VersionContent::default(),
        };
        let note = match number {
            Some(number) => format!("rollback from {current} to {number}"),
            None => format!("rollback from {current} to before the first content"),
        };
        ctx.stage(format!("{}: {note}", channel.label));
        let change = Change {
            kind: VersionKind::Rollback,
            note,
            plan_digest: None,
            content,
        };
        self.prepare_change(channel, change).await
    }

    /// The version of a channel of a tree that belongs to a version of the tree's channel `named`: versions count in
    /// each channel by itself, so a number is turned into the instant from which it was current. None when the channel
    /// had no content then.
    pub(crate) async fn number_in_tree(
        &self,
        org: airlock_model::OrgId,
        named: &ChannelLabel,
        selector: VersionSelector,
        channel: &airlock_model::Channel,
    ) -> Result<Option<i64>> {
        if channel.label == *named {
            return self.version_number(channel, selector).await.map(Some);
        }
        let named = self.channel(org, named).await?;
        let moment = self.moment(&named, selector).await?;
        self.number_at(channel, moment).await
    }

    async fn was_verbatim(
        &self,
        channel: &airlock_model::Channel,
        number: Option<i64>,
    ) -> Result<bool> {
        match number {
            Some(number) => Ok(self.published(channel, number).await?.mode == "verbatim"),
            None => Ok(true),
        }
    }

    /// A verbatim channel goes back to the very files of the older version.
    async fn rollback_verbatim(
        &self,
        channel: &airlock_model::Channel,
        number: Option<i64>,
    ) -> Result<(EditOutcome, Option<crate::commit::PendingVersion>)> {
        let number = number.ok_or_else(|| {
            Error::conflict(
                format!("{} is verbatim and had no version then", channel.label),
                "roll the channels of the tree back one by one",
            )
        })?;
        let content = self.version_content(channel, number).await?;
        let published = self.published(channel, number).await?;
        let (before, before_view) = self.current_content(channel).await?;
        let view = self.view(content.records.clone()).await?;
        let (added, removed) = crate::sync::changes(&before_view, &view);
        let outcome = EditOutcome {
            added,
            removed,
            errata_added: (&content.errata - &before.errata).len(),
            errata_removed: (&before.errata - &content.errata).len(),
            ..EditOutcome::unchanged(channel)
        };
        if channel.current == Some(number) {
            return Ok((outcome, None));
        }
        let pending = crate::commit::PendingVersion {
            channel: channel.id,
            label: channel.label.clone(),
            expected: channel.current,
            kind: VersionKind::Rollback,
            note: format!("rollback to {number}"),
            upstream_revision: None,
            plan_digest: None,
            content_digest: self.content_digest(&view, &content).await?,
            content,
            added,
            removed,
            publication: crate::publication::Publication {
                mode: "verbatim",
                repomd: published.repomd.to_vec(),
                repomd_asc: published.repomd_asc.as_ref().map(|b| b.to_vec()),
                files: published.files.files.clone(),
                settings: String::new(),
            },
            upstreams: Vec::new(),
            cloned_from: None,
        };
        Ok((outcome, Some(pending)))
    }
}
