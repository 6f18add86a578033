//! Own content: pushing is in [`crate::push`]; here packages and errata are added to and removed from a channel by hand.
//! One command makes one version.

use std::collections::HashSet;

use airlock_model::{Channel, ChannelLabel, VersionKind, VersionNumber};
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use crate::along::{Along, Copied, needed_source};
use crate::commit::{PendingVersion, VersionContent};
use crate::context::TaskContext;
use crate::named::Named;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What a change by hand did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditOutcome {
    /// The channel.
    pub channel: ChannelLabel,
    /// The version before.
    pub from: Option<VersionNumber>,
    /// The version now current.
    pub to: Option<VersionNumber>,
    /// Packages added.
    pub added: u64,
    /// Packages removed.
    pub removed: u64,
    /// Errata added or revised.
    pub errata_added: u64,
    /// Errata removed.
    pub errata_removed: u64,
    /// NEVRAs of packages that came along because others need them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulled: Vec<String>,
    /// `PACKAGE needs REQUIREMENT`: what nothing met that could have come along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Warnings for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl EditOutcome {
    /// The outcome of a change that leaves a channel as it is.
    pub(crate) fn unchanged(channel: &Channel) -> Self {
        Self {
            channel: channel.label.clone(),
            from: channel.current,
            to: channel.current,
            added: 0,
            removed: 0,
            errata_added: 0,
            errata_removed: 0,
            pulled: Vec::new(),
            open: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// As [`Self::unchanged`], with the reason.
    pub(crate) fn left_alone(channel: &Channel, warning: String) -> Self {
        Self {
            warnings: vec![warning],
            ..Self::unchanged(channel)
        }
    }
}

/// Where packages are added from.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddFrom<'l> {
    /// This channel only; none: anything that the organization has.
    pub channel: Option<&'l ChannelLabel>,
    /// What they need, and the destination and its base channel lack, comes along from that channel and its base channel.
    pub with_dependencies: bool,
}

/// A change of content that waits for the switch.
pub(crate) struct Change {
    pub kind: VersionKind,
    pub note: String,
    pub plan_digest: Option<String>,
    pub content: VersionContent,
}

impl Content {
    /// Adds packages (NEVRA, or file name) and errata (advisory name; its packages that `from` has come along) from
    /// another channel of the organization, or from anything the organization has when `from` names none.
    ///
    /// # Errors
    /// When an item is found nowhere, several packages answer to it, or dependencies are asked for without a channel.
    pub async fn add(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        items: &[String],
        from: AddFrom<'_>,
    ) -> Result<EditOutcome> {
        let channel = self.changeable(ctx, label).await?;
        let (mut content, _) = self.current_content(&channel).await?;
        let mut selected = RoaringTreemap::new();
        let source_channel = match from.channel {
            Some(from) => Some(self.channel(ctx.actor.org, from).await?),
            None => None,
        };
        let source = match &source_channel {
            Some(source) => Some(self.current_content(source).await?),
            None => None,
        };
        let with_dependencies = match from.with_dependencies {
            true => Some(needed_source(source_channel.as_ref(), label)?),
            false => None,
        };
        // Names are gathered first: an index of many records is gone through once for all of them.
        let mut of_errata: HashSet<String> = HashSet::new();
        // Errata whose packages nothing brings along.
        let mut bare: Vec<(&str, HashSet<String>)> = Vec::new();
        let mut named: Vec<Named<'_>> = Vec::new();
        for item in items {
            let revisions =
                airlock_db::errata::revisions_of(self.db(), ctx.actor.org, item).await?;
            let offered = match &source {
                Some((source, _)) => revisions
                    .iter()
                    .rfind(|id| source.errata.contains(**id))
                    .copied(),
                None => revisions.last().copied(),
            };
            if let Some(revision) = offered {
                content.errata -= revisions.into_iter().collect::<RoaringTreemap>();
                content.errata.insert(revision);
                let set = std::iter::once(revision).collect();
                let errata = airlock_db::errata::load(self.db(), &set).await?;
                let packages = errata.into_iter().flat_map(|erratum| erratum.packages);
                match source {
                    Some(_) => of_errata.extend(packages),
                    None => bare.push((item, packages.collect())),
                }
                continue;
            }
            let mut one = Named::new(item);
            if source.is_none() {
                self.records_named(&channel, &mut one).await?;
            }
            named.push(one);
        }
        if let Some((_, view)) = &source {
            for (record, info) in view.members() {
                if of_errata.contains(info.file_name) {
                    selected.insert(record);
                }
                named.iter_mut().for_each(|one| one.note(record, &info));
            }
        }
        for one in named {
            let item = one.item;
            match one.found()?.as_slice() {
                [] => return Err(self.not_found(item, from.channel)),
                [record] => {
                    selected.insert(*record);
                }
                several => {
                    return Err(Error::conflict(
                        format!("{} different packages are {item}", several.len()),
                        "name the channel to take it from with --from, or the full NEVRA",
                    ));
                }
            }
        }
        content.records |= &selected;
        let mut note = format!("added {}", shown(items));
        let mut along = Along::default();
        if let Some(source) = with_dependencies {
            let copied = Copied {
                destination: &channel,
                records: &content.records,
                selected: &selected,
                source,
            };
            along = self.along(ctx, copied).await?;
            content.records |= &along.records;
            note.push_str(&format!(" with {} needed by them", along.pulled.len()));
        }
        let change = Change {
            kind: VersionKind::Edit,
            note,
            plan_digest: None,
            content,
        };
        let records = change.content.records.clone();
        let mut outcome = self.change(ctx, &channel, change).await?;
        if outcome.from != outcome.to {
            outcome.warnings.extend(replaced_by_sync(&channel));
        }
        if !bare.is_empty() {
            let view = self.view(records).await?;
            let warnings = without_packages(label, bare, &view);
            outcome.warnings.extend(warnings);
        }
        outcome.pulled = along.pulled;
        outcome.open = along.open;
        Ok(outcome)
    }

    /// Removes packages (NEVRA or file name) and errata (advisory name; its packages stay until they are named).
    ///
    /// # Errors
    /// When the channel does not have an item.
    pub async fn remove(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        items: &[String],
    ) -> Result<EditOutcome> {
        let channel = self.changeable(ctx, label).await?;
        let (mut content, view) = self.current_content(&channel).await?;
        let mut named: Vec<Named<'_>> = Vec::new();
        for item in items {
            let revisions: RoaringTreemap =
                airlock_db::errata::revisions_of(self.db(), ctx.actor.org, item)
                    .await?
                    .into_iter()
                    .collect();
            let here = &content.errata & &revisions;
            if here.is_empty() {
                named.push(Named::new(item));
            } else {
                content.errata -= here;
            }
        }
        if !named.is_empty() {
            for (record, info) in view.members() {
                named.iter_mut().for_each(|one| one.note(record, &info));
            }
        }
        for one in named {
            let item = one.item;
            let found = one.found()?;
            if found.is_empty() {
                return Err(Error::invalid(
                    format!("channel {label} has neither a package nor an erratum {item}"),
                    "airlock channel packages LABEL and airlock channel errata LABEL list them",
                ));
            }
            content.records -= found.into_iter().collect::<RoaringTreemap>();
        }
        let note = format!("removed {}", shown(items));
        self.change(
            ctx,
            &channel,
            Change {
                kind: VersionKind::Edit,
                note,
                plan_digest: None,
                content,
            },
        )
        .await
    }

    fn not_found(&self, item: &str, from: Option<&ChannelLabel>) -> Error {
        match from {
            Some(from) => Error::invalid(
                format!("channel {from} has neither a package nor an erratum {item}"),
                "give a NEVRA like bash-5.1-1.el9.x86_64, or an advisory",
            ),
            None => Error::invalid(
                format!("no package and no erratum {item} is known"),
                "give a NEVRA like bash-5.1-1.el9.x86_64, or an advisory; new files are pushed with airlock channel push",
            ),
        }
    }

    /// A channel whose content may be changed by hand.
    pub(crate) async fn changeable(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
    ) -> Result<Channel> {
        let channel = self.channel(ctx.actor.org, label).await?;
        if channel.metadata == airlock_model::MetadataMode::Verbatim {
            return Err(Error::conflict(
                format!("channel {label} serves its upstream's metadata as it is"),
                "make a channel with --metadata own, or promote into one",
            ));
        }
        Ok(channel)
    }

    /// Makes changed content the channel's next version; nothing changed means no version.
    pub(crate) async fn change(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        change: Change,
    ) -> Result<EditOutcome> {
        let (outcome, pending) = self.prepare_change(channel, change).await?;
        self.finish_changes(ctx, vec![(outcome, pending)])
            .await?
            .pop()
            .ok_or_else(|| Error::worker_panicked("changing a channel"))
    }

    pub(crate) async fn prepare_change(
        &self,
        channel: &Channel,
        change: Change,
    ) -> Result<(EditOutcome, Option<PendingVersion>)> {
        let (before, before_view) = self.current_content(channel).await?;
        let mut content = change.content;
        let (files, compression) = (content.attachments, channel.compression);
        content.attachments = self
            .blocking("putting files together", move |content| {
                content.one_of_each(files, compression)
            })
            .await?;
        let view = self.view(content.records.clone()).await?;
        let (added, removed) = crate::sync::changes(&before_view, &view);
        let outcome = EditOutcome {
            added,
            removed,
            errata_added: (&content.errata - &before.errata).len(),
            errata_removed: (&before.errata - &content.errata).len(),
            ..EditOutcome::unchanged(channel)
        };
        let content_digest = self.content_digest(&view, &content).await?;
        if let Some(number) = channel.current
            && self
                .same_as_current(channel, number, &content, &content_digest, None)
                .await?
        {
            return Ok((outcome, None));
        }
        let publication = self.publish_own(channel, &view, &content).await?;
        let pending = PendingVersion {
            channel: channel.id,
            label: channel.label.clone(),
            expected: channel.current,
            kind: change.kind,
            note: change.note,
            upstream_revision: None,
            plan_digest: change.plan_digest,
            content,
            content_digest,
            added,
            removed,
            publication,
            upstreams: Vec::new(),
            cloned_from: None,
        };
        Ok((outcome, Some(pending)))
    }

    /// Switches prepared changes together.
    pub(crate) async fn finish_changes(
        &self,
        ctx: &TaskContext,
        changes: Vec<(EditOutcome, Option<PendingVersion>)>,
    ) -> Result<Vec<EditOutcome>> {
        let mut outcomes = Vec::new();
        let mut places = Vec::new();
        let mut versions = Vec::new();
        for (outcome, version) in changes {
            if let Some(version) = version {
                places.push(outcomes.len());
                versions.push(version);
            }
            outcomes.push(outcome);
        }
        if !versions.is_empty() {
            for (place, number) in places.into_iter().zip(self.commit(ctx, versions).await?) {
                if let Some(outcome) = outcomes.get_mut(place) {
                    outcome.to = Some(number);
                }
            }
        }
        Ok(outcomes)
    }
}

/// What the next sync of a mirrored channel does to what was put in by hand.
pub(crate) fn replaced_by_sync(channel: &Channel) -> Option<String> {
    (!channel.upstreams.is_empty()).then(|| {
        format!(
            "{} has an upstream: the next sync that finds it changed makes the channel what the upstream has, without \
             what was put in by hand (a child channel without upstream keeps it)",
            channel.label
        )
    })
}

/// Errata that no client will see, for none of their packages is there.
fn without_packages(
    label: &ChannelLabel,
    mut errata: Vec<(&str, HashSet<String>)>,
    view: &VersionView,
) -> Vec<String> {
    // One that names no package lacks none.
    errata.retain(|(_, files)| !files.is_empty());
    for (_, info) in view.members() {
        errata.retain(|(_, files)| !files.contains(info.file_name));
    }
    let warning = |(advisory, _): (&str, _)| {
        format!(
            "none of the packages of {advisory} is in {label}; with --from CHANNEL they come along"
        )
    };
    errata.into_iter().map(warning).collect()
}

fn shown(items: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = items
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    text
}
