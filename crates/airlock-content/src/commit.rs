//! The switch: prepared versions of one or many channels become current in one transaction.

use std::collections::HashMap;

use airlock_db::audit;
use airlock_db::channels::{ChannelWrite, KeyWrite};
use airlock_db::versions::NewVersionRow;
use airlock_model::{Attachment, ChannelId, ChannelLabel, Instant, VersionKind, VersionNumber};
use roaring::RoaringTreemap;

use crate::context::TaskContext;
use crate::gate::Relied;
use crate::publication::{ENCODER, Publication};
use crate::{Content, Error, Result};

/// What a version holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VersionContent {
    /// Records.
    pub records: RoaringTreemap,
    /// Erratum revisions.
    pub errata: RoaringTreemap,
    /// Files carried along.
    pub attachments: Vec<Attachment>,
}

/// What is written of an upstream when its sync is committed.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamState {
    pub id: airlock_model::UpstreamId,
    pub repomd_sha256: String,
    pub settings_digest: String,
    pub revision: Option<String>,
    pub timestamp: Option<i64>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// A version that waits for the switch; its files are in the store already.
#[derive(Debug, Clone)]
pub(crate) struct PendingVersion {
    pub channel: ChannelId,
    pub label: ChannelLabel,
    /// The version that was current when this one was prepared: another one now means that somebody was faster.
    pub expected: Option<VersionNumber>,
    pub kind: VersionKind,
    pub note: String,
    pub upstream_revision: Option<String>,
    pub plan_digest: Option<String>,
    pub content: VersionContent,
    pub content_digest: String,
    pub added: u64,
    pub removed: u64,
    pub publication: Publication,
    pub upstreams: Vec<UpstreamState>,
    /// The channel becomes a clone of that one with this version, which is its first.
    pub cloned_from: Option<ChannelId>,
}

/// A channel that is made together with its first version.
#[derive(Debug, Clone)]
pub(crate) struct PendingChannel {
    pub label: ChannelLabel,
    /// Its base channel, which may be made with it.
    pub parent: Option<ChannelLabel>,
    pub write: ChannelWrite,
    pub keys: Vec<KeyWrite>,
}

impl Content {
    /// Makes versions current, all or none, at one instant. Returns their numbers in order.
    ///
    /// # Errors
    /// [`Error::Held`] when a channel's gate does not let its version through, [`Error::Overtaken`] when a channel has
    /// another current version than expected.
    pub(crate) async fn commit(
        &self,
        ctx: &TaskContext,
        versions: Vec<PendingVersion>,
    ) -> Result<Vec<VersionNumber>> {
        let made = self.commit_with(ctx, Vec::new(), versions).await?;
        Ok(made.into_iter().map(|(_, number)| number).collect())
    }

    /// The same with channels that are made in the same transaction, base channels first. Their versions name them by
    /// label.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a channel of such a label exists.
    pub(crate) async fn commit_with(
        &self,
        ctx: &TaskContext,
        channels: Vec<PendingChannel>,
        versions: Vec<PendingVersion>,
    ) -> Result<Vec<(ChannelLabel, VersionNumber)>> {
        ctx.check()?;
        let relied = self.pass_gates(ctx, &versions).await?;
        ctx.stage("publishing");
        self.hold(&versions).await?;
        let mut attempts = airlock_db::Attempts::default();
        let tried = loop {
            match self.try_commit(ctx, &channels, &versions, &relied).await {
                // A deadlock or a serialization failure did nothing: the whole change is done again.
                Err(Error::Database(error))
                    if !error.outcome_is_unknown() && attempts.again(&error).await => {}
                other => break other,
            }
        };
        match tried {
            Ok(numbers) => {
                self.version_cache().clear();
                Ok(numbers)
            }
            Err(Error::Database(error)) if error.outcome_is_unknown() => {
                // A failed commit may still have happened (threats-and-faults 0.7): the operation id decides.
                self.version_cache().clear();
                let mut numbers = Vec::new();
                for version in &versions {
                    // A channel that was to be made is known by its label only.
                    let found = airlock_db::channels::find_live(self.db(), &version.label).await?;
                    let Some(channel) = found else {
                        return Err(error.into());
                    };
                    match airlock_db::versions::by_operation(self.db(), channel.id, &ctx.operation)
                        .await?
                    {
                        Some(number) => numbers.push((version.label.clone(), number)),
                        None => return Err(error.into()),
                    }
                }
                Ok(numbers)
            }
            Err(error) => Err(error),
        }
    }

    /// Marks what the versions refer to as taken up now, so that a collection that looked before they were committed
    /// leaves it alone. Package files were taken up when they were brought in.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when something was collected already: doing it all again brings it back.
    async fn hold(&self, versions: &[PendingVersion]) -> Result<()> {
        for version in versions {
            let mut blobs: Vec<String> =
                airlock_db::records::packs_covering(self.db(), &version.content.records)
                    .await?
                    .into_iter()
                    .map(|pack| pack.sha256)
                    .collect();
            blobs.extend(version.content.attachments.iter().map(|a| a.sha256.clone()));
            blobs.extend(version.publication.files.iter().map(|f| f.sha256.clone()));
            blobs.extend(version.plan_digest.clone());
            let label = version.label.to_string();
            let _taking_up = self.taking_up().await;
            self.blocking("taking up metadata", move |content| {
                for sha256 in &blobs {
                    if !content.blobs().exists(sha256)? {
                        return Err(Error::Overtaken { label });
                    }
                    content.blobs().touch(sha256)?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn try_commit(
        &self,
        ctx: &TaskContext,
        channels: &[PendingChannel],
        versions: &[PendingVersion],
        relied: &[Relied],
    ) -> Result<Vec<(ChannelLabel, VersionNumber)>> {
        let mut tx = self.db().begin().await?;
        for other in relied {
            let current = airlock_db::channels::current_number(&mut tx, other.channel).await?;
            if current != other.current {
                return Err(Error::Overtaken {
                    label: other.label.to_string(),
                });
            }
        }
        let mut instant = self.now();
        let mut made: HashMap<&ChannelLabel, ChannelId> = HashMap::new();
        for channel in channels {
            let id = make_channel(&mut tx, ctx, channel, &made, instant).await?;
            made.insert(&channel.label, id);
        }
        let id_of = |version: &PendingVersion| {
            let made = made.get(&version.label).copied();
            made.unwrap_or(version.channel)
        };
        for version in versions {
            let current = airlock_db::channels::current_number(&mut tx, id_of(version)).await?;
            if current != version.expected {
                return Err(Error::Overtaken {
                    label: version.label.to_string(),
                });
            }
            // A collection that ran beside may have taken records that no version listed when it looked.
            if !airlock_db::records::all_exist(&mut tx, &version.content.records).await? {
                return Err(Error::Overtaken {
                    label: version.label.to_string(),
                });
            }
            // Times of versions never go back, whatever the clock does.
            if let Some(last) = airlock_db::versions::last_instant(&mut tx, id_of(version)).await? {
                instant = instant.max(Instant(last.0 + 1));
            }
        }
        let mut numbers = Vec::with_capacity(versions.len());
        for version in versions {
            let number = airlock_db::versions::next_number(&mut tx, &version.label).await?;
            let row = NewVersionRow {
                channel: id_of(version),
                org: ctx.actor.org,
                number,
                instant,
                kind: version.kind,
                note: &version.note,
                upstream_revision: version.upstream_revision.as_deref(),
                principal: &ctx.actor.principal,
                cause: ctx.actor.cause.as_str(),
                request_id: &ctx.actor.request_id,
                task: ctx.task,
                operation_id: &ctx.operation,
                plan_digest: version.plan_digest.as_deref(),
                content_digest: &version.content_digest,
                records: &version.content.records,
                errata: &version.content.errata,
                attachments: &version.content.attachments,
                added: version.added,
                removed: version.removed,
            };
            airlock_db::versions::insert(&mut tx, &row).await?;
            let publication = airlock_db::versions::PublicationRow {
                mode: version.publication.mode.to_owned(),
                encoder: ENCODER.to_owned(),
                repomd: version.publication.repomd.clone(),
                repomd_asc: version.publication.repomd_asc.clone(),
                files: version.publication.published_files().write(),
            };
            airlock_db::versions::insert_publication(
                &mut tx,
                ctx.actor.org,
                id_of(version),
                number,
                &publication,
            )
            .await?;
            airlock_db::versions::set_current(
                &mut tx,
                ctx.actor.org,
                id_of(version),
                number,
                instant,
                &ctx.actor.principal,
                &ctx.actor.request_id,
            )
            .await?;
            if let Some(source) = version.cloned_from {
                airlock_db::channels::set_cloned_from(&mut tx, id_of(version), source).await?;
            }
            for upstream in &version.upstreams {
                write_upstream(&mut tx, upstream, instant).await?;
            }
            audit::append(
                &mut tx,
                &ctx.actor,
                instant,
                version.kind.as_str(),
                &format!("{}@{number}", version.label),
                &serde_json::json!({
                    "packages": version.content.records.len(),
                    "errata": version.content.errata.len(),
                    "added": version.added,
                    "removed": version.removed,
                    "content_digest": version.content_digest,
                    "note": version.note,
                }),
            )
            .await?;
            numbers.push((version.label.clone(), number));
        }
        tx.commit().await?;
        Ok(numbers)
    }
}

/// Makes a channel whose first version follows in the same transaction.
async fn make_channel(
    tx: &mut airlock_db::Tx,
    ctx: &TaskContext,
    channel: &PendingChannel,
    made: &HashMap<&ChannelLabel, ChannelId>,
    now: Instant,
) -> Result<ChannelId> {
    let mut write = channel.write.clone();
    if let Some(label) = &channel.parent {
        write.parent = made.get(label).copied().or(write.parent);
        if write.parent.is_none() {
            return Err(Error::conflict(
                format!(
                    "{label}, the base channel of {}, does not exist",
                    channel.label
                ),
                "plan again",
            ));
        }
    }
    let org = ctx.actor.org;
    let id = airlock_db::channels::insert(tx, org, &channel.label, &write, now)
        .await?
        .ok_or_else(|| {
            Error::conflict(
                format!("channel {} exists already", channel.label),
                "choose another label, or plan again",
            )
        })?;
    airlock_db::channels::replace_keys(tx, org, id, &channel.keys).await?;
    let detail = serde_json::json!({});
    audit::append(
        tx,
        &ctx.actor,
        now,
        "create",
        channel.label.as_str(),
        &detail,
    )
    .await?;
    Ok(id)
}

pub(crate) async fn write_upstream(
    tx: &mut airlock_db::Tx,
    state: &UpstreamState,
    instant: Instant,
) -> Result<()> {
    airlock_db::channels::set_upstream_state(
        tx,
        state.id,
        &airlock_db::channels::UpstreamState {
            last_repomd_sha256: Some(state.repomd_sha256.clone()),
            last_settings_digest: Some(state.settings_digest.clone()),
            last_revision: state.revision.clone(),
            last_timestamp: state.timestamp,
            last_etag: state.etag.clone(),
            last_modified: state.last_modified.clone(),
            last_synced: Some(instant),
        },
    )
    .await?;
    Ok(())
}
