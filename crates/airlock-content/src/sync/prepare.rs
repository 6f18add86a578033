//! One channel's sync up to the switch.

use std::collections::HashMap;

use airlock_fetch::Validators;
use airlock_model::{
    Attachment, Channel, MetadataMode, Policy, SyncOutcome, SyncState, VersionKind,
};
use roaring::RoaringTreemap;

use super::contribution::Contribution;
use super::metadata::{self, FetchedRepomd, RepomdState};
use super::upstream::OpenUpstream;
use super::{Prepared, SyncOptions, empty_outcome, errata};
use crate::checksum::sha256_hex;
use crate::commit::{PendingVersion, UpstreamState, VersionContent};
use crate::context::TaskContext;
use crate::guard;
use crate::publication::Publication;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What all upstreams give a version together.
#[derive(Default)]
struct Total {
    records: RoaringTreemap,
    errata: Vec<errata::ReadErratum>,
    /// What each upstream carries along.
    attachments: Vec<Vec<Attachment>>,
    verbatim: Option<Publication>,
    warnings: Vec<String>,
    refused: Vec<airlock_model::RefusedPackage>,
    left_out: u64,
    bytes: u64,
    revision: Option<String>,
}

impl Content {
    /// Prepares a channel's sync: everything but the switch.
    pub(super) async fn prepare_sync(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        options: SyncOptions,
    ) -> Result<Prepared> {
        let label = &channel.label;
        if channel.upstreams.is_empty() {
            return Err(Error::invalid(
                format!("channel {label} has no upstream"),
                "airlock channel set LABEL --upstream URL",
            ));
        }
        if channel.metadata == MetadataMode::Verbatim && channel.upstreams.len() > 1 {
            return Err(Error::invalid(
                format!("channel {label} is verbatim and has several upstreams"),
                "verbatim serves the files of one upstream",
            ));
        }
        ctx.stage(format!("{label}: reading upstream"));
        let settings_digest = settings_digest(channel);
        let mut outcome = empty_outcome(label, channel.current, channel.packages);
        let rows = airlock_db::channels::upstream_states(self.db(), channel.id).await?;
        let same_settings = channel.current.is_some()
            && rows.iter().all(|(_, state)| {
                state.last_settings_digest.as_deref() == Some(settings_digest.as_str())
            });

        let mut fetched: Vec<(
            OpenUpstream,
            FetchedRepomd,
            Option<airlock_db::channels::UpstreamState>,
        )> = Vec::new();
        let mut changed = !same_settings;
        for upstream in &channel.upstreams {
            let state = rows
                .iter()
                .find(|(id, _)| *id == upstream.id)
                .map(|(_, state)| state.clone());
            let full = airlock_db::channels::upstream_with_secrets(self.db(), upstream.id)
                .await?
                .ok_or_else(|| Error::Overtaken {
                    label: label.to_string(),
                })?;
            let open = super::upstream::open(self.fetcher(), full, ctx).await?;
            for warning in &open.warnings {
                // A scheduled sync has nobody who reads its outcome.
                tracing::warn!(channel.label = %label, "{warning}");
            }
            outcome.warnings.extend(open.warnings.iter().cloned());
            let validators = state.as_ref().map(|s| Validators {
                etag: s.last_etag.clone(),
                last_modified: s.last_modified.clone(),
            });
            // With several upstreams one changed file means reading all, so "unchanged" is decided after the loop.
            let known = match (
                &validators,
                state.as_ref().and_then(|s| s.last_repomd_sha256.as_deref()),
            ) {
                (Some(validators), Some(digest))
                    if same_settings && channel.upstreams.len() == 1 =>
                {
                    Some((validators, digest))
                }
                _ => None,
            };
            let mut answer = metadata::fetch_repomd(&open, known, ctx).await?;
            // A tree may change while the packages beside it do not.
            if matches!(answer, RepomdState::Unchanged)
                && self
                    .tree_changed(ctx, channel, &[&open], &mut outcome.warnings)
                    .await?
            {
                changed = true;
                answer = metadata::fetch_repomd(&open, None, ctx).await?;
            }
            match answer {
                RepomdState::Unchanged => return self.unchanged(channel, outcome).await,
                RepomdState::Fetched(repomd) => {
                    changed |= state.as_ref().and_then(|s| s.last_repomd_sha256.as_deref())
                        != Some(repomd.sha256.as_str());
                    fetched.push((open, *repomd, state));
                }
            }
        }
        if !changed {
            let all: Vec<_> = fetched.iter().map(|(open, _, _)| open).collect();
            changed = self
                .tree_changed(ctx, channel, &all, &mut outcome.warnings)
                .await?;
        }
        if !changed {
            return self.unchanged(channel, outcome).await;
        }

        ctx.before_change.begin().await?;
        let (before, before_view) = self.current_content(channel).await?;
        let keys = self.key_ring(channel).await?;
        let policy = channel.effective_signatures();
        // Only a sync judges what it takes: a rollback or a promotion may have brought back what was never judged
        // under the present keys.
        let judged = match channel.current {
            Some(number) => {
                airlock_db::versions::kind(self.db(), channel.id, number).await?
                    == Some(VersionKind::Sync)
            }
            None => false,
        };
        let trusted = if same_settings && judged {
            before.records.clone()
        } else {
            RoaringTreemap::new()
        };
        let mut parts = Vec::new();
        let mut upstreams = Vec::new();
        for (open, repomd, state) in &fetched {
            ctx.check()?;
            if let Some(warning) = metadata::check_signature(&open.row.url, repomd, &keys, policy)?
            {
                outcome.warnings.push(warning);
            }
            let odd = guard::from_the_future(repomd.newest_timestamp, ctx.now().seconds());
            let odd = odd
                .map(|reason| format!("{}: {reason}", open.row.url))
                .or_else(|| {
                    guard::went_back(
                        state
                            .as_ref()
                            .map(|s| (s.last_revision.as_deref(), s.last_timestamp))?,
                        (repomd.repomd.revision.as_deref(), repomd.newest_timestamp),
                    )
                });
            if let Some(reason) = odd.filter(|_| !options.accept_shrink) {
                outcome.state = SyncState::Held;
                outcome.packages = before.records.len();
                outcome.held = Some(airlock_model::HeldSync {
                    reason,
                    packages_before: before.records.len(),
                    packages_after: 0,
                });
                return Ok(Prepared {
                    outcome,
                    version: None,
                });
            }
            parts.push(
                self.contribution(ctx, channel, open, repomd, &before.attachments)
                    .await?,
            );
            upstreams.push(UpstreamState {
                id: open.row.id,
                repomd_sha256: repomd.sha256.clone(),
                settings_digest: settings_digest.clone(),
                revision: repomd.repomd.revision.clone(),
                timestamp: repomd.newest_timestamp,
                etag: repomd.validators.etag.clone(),
                last_modified: repomd.validators.last_modified.clone(),
            });
        }
        outcome
            .warnings
            .extend(super::merge::merge(channel, &mut parts)?);
        let mut total = Total::default();
        for ((open, _, _), part) in fetched.iter().zip(parts) {
            self.add_to(ctx, channel, open, part, &trusted, &mut total)
                .await?;
        }
        ctx.stage(format!("{label}: comparing with the current version"));
        outcome.warnings.append(&mut total.warnings);
        if total.records.is_empty()
            && let Some(first) = total.refused.first()
        {
            return Err(Error::invalid(
                format!(
                    "all {} packages are left out, so nothing would be published; the first is {}: {} \
                     (airlock channel set {label} --gpg-key FILE|URL adds a key, --signatures warn takes what no key of the channel signed)",
                    total.left_out, first.package, first.reason
                ),
                "airlock channel set --help: --gpg-key, --signatures",
            ));
        }
        outcome.refused = total.refused;
        outcome.left_out = total.left_out;
        outcome.bytes = total.bytes;

        let (given, compression) = (total.attachments, channel.compression);
        let (attachments, notes) = self
            .blocking("putting files together", move |content| {
                content.put_together(given, compression)
            })
            .await?;
        outcome.warnings.extend(notes);
        let content = VersionContent {
            records: total.records,
            errata: self.store_errata(channel.org, &total.errata).await?,
            attachments,
        };
        let view = self.view(content.records.clone()).await?;
        let (added, removed) = changes(&before_view, &view);
        outcome.packages = content.records.len();
        outcome.added = added;
        outcome.removed = removed;
        if let Some(by_hand) = self.by_hand(channel).await? {
            outcome.warnings.extend(by_hand.undone(&before_view, &view));
        }
        outcome.errata = self
            .count_new_errata(&before.errata, &content.errata)
            .await?;
        let size = |content: &VersionContent| guard::Size {
            packages: content.records.len(),
            errata: content.errata.len(),
            modules: content
                .attachments
                .iter()
                .filter(|a| a.kind == "modules")
                .count() as u64,
        };
        if channel.current.is_some()
            && !options.accept_shrink
            && let Some(held) = guard::shrink(
                &size(&before),
                &size(&content),
                guard::lost(&before_view, &view),
            )
        {
            outcome.state = SyncState::Held;
            outcome.held = Some(held);
            return Ok(Prepared {
                outcome,
                version: None,
            });
        }
        let content_digest = self.content_digest(&view, &content).await?;
        if let Some(number) = channel.current
            && self
                .same_as_current(
                    channel,
                    number,
                    &content,
                    &content_digest,
                    total.verbatim.as_ref(),
                )
                .await?
        {
            // Another repomd.xml with the same content (a mirror that regenerates): remembered, but no version.
            self.remember_upstreams(&upstreams).await?;
            outcome.errata = airlock_model::SeverityCounts::default();
            return Ok(Prepared {
                outcome,
                version: None,
            });
        }
        if channel.policy == Policy::OnDemand {
            let leaving = leaving(&before_view, &view);
            self.fetch_leaving(ctx, channel, leaving, &mut outcome)
                .await?;
        }
        ctx.stage(format!("{label}: writing metadata"));
        let publication = match total.verbatim {
            Some(publication) => publication,
            None => self.publish_own(channel, &view, &content).await?,
        };
        outcome.state = SyncState::Published;
        let version = PendingVersion {
            channel: channel.id,
            label: label.clone(),
            expected: channel.current,
            kind: VersionKind::Sync,
            note: String::new(),
            upstream_revision: total.revision,
            plan_digest: None,
            content,
            content_digest,
            added,
            removed,
            publication,
            upstreams,
            cloned_from: None,
        };
        Ok(Prepared {
            outcome,
            version: Some(version),
        })
    }

    /// The end of a sync whose upstreams have nothing new.
    async fn unchanged(&self, channel: &Channel, mut outcome: SyncOutcome) -> Result<Prepared> {
        outcome.state = SyncState::Unchanged;
        outcome.warnings.extend(self.stays_by_hand(channel).await?);
        Ok(Prepared {
            outcome,
            version: None,
        })
    }

    /// Adds what is taken of one upstream; by policy its packages are brought in first.
    async fn add_to(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        upstream: &OpenUpstream,
        part: Contribution,
        trusted: &RoaringTreemap,
        total: &mut Total,
    ) -> Result<()> {
        total.errata.extend(part.errata);
        total.attachments.push(part.attachments);
        total.verbatim = part.verbatim.or(total.verbatim.take());
        total.warnings.extend(part.warnings);
        total.bytes += part.bytes;
        total.revision = part.revision.or(total.revision.take());
        if channel.policy != Policy::Immediate {
            total.records |= part.view.records;
            return Ok(());
        }
        let brought = self
            .bring_in(ctx, channel, upstream, &part.view, trusted)
            .await?;
        total.bytes += brought.bytes;
        total.warnings.extend(brought.warnings);
        // Verbatim metadata is the upstream's word, so its records are the upstream's too.
        total.records |= if channel.metadata == MetadataMode::Verbatim {
            if let Some(first) = brought.refused.first() {
                // The upstream's own metadata lists it, so it cannot be left out.
                return Err(Error::bad_upstream(
                    &upstream.row.url,
                    format!(
                        "{} packages are refused and a verbatim channel serves all or nothing; the first is {}: {}",
                        brought.left_out, first.package, first.reason
                    ),
                ));
            }
            part.view.records
        } else {
            brought.records
        };
        total.refused.extend(brought.refused);
        total.left_out += brought.left_out;
        Ok(())
    }

    /// Packages that leave the upstream are fetched while it may still have them, for older versions list them.
    async fn fetch_leaving(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        leaving: RoaringTreemap,
        outcome: &mut SyncOutcome,
    ) -> Result<()> {
        let leaving = self.view(leaving).await?;
        if leaving.records.is_empty() {
            return Ok(());
        }
        let wanted = super::packages::wanted(&leaving);
        let stage = format!("{}: packages that leave the upstream", channel.label);
        let fetched = self.fetch_each(ctx, channel, wanted, &stage).await?;
        outcome.bytes += fetched.bytes;
        if let Some(first) = fetched.missing.first() {
            outcome.warnings.push(format!(
                "{} packages left the upstream before they were fetched; older versions list them but cannot serve them ({}: {})",
                fetched.missing.len(),
                first.package,
                first.reason
            ));
        }
        Ok(())
    }
}

/// Packages added and removed, by identity (a package may change its record without changing).
pub(crate) fn changes(before: &VersionView, after: &VersionView) -> (u64, u64) {
    let (gone, come) = (
        members_without(before, &after.records),
        members_without(after, &before.records),
    );
    let missing = |of: &HashMap<String, u64>, other: &HashMap<String, u64>| {
        of.keys().filter(|key| !other.contains_key(*key)).count() as u64
    };
    (missing(&come, &gone), missing(&gone, &come))
}

/// Records of packages that are in the older content only. A package whose description or place changed stays.
fn leaving(before: &VersionView, after: &VersionView) -> RoaringTreemap {
    let come = members_without(after, &before.records);
    members_without(before, &after.records)
        .into_iter()
        .filter(|(identity, _)| !come.contains_key(identity))
        .map(|(_, record)| record)
        .collect()
}

/// Identity and record of the packages whose records are not in `others`.
fn members_without(view: &VersionView, others: &RoaringTreemap) -> HashMap<String, u64> {
    VersionView {
        packs: view.packs.clone(),
        records: &view.records - others,
    }
    .members()
    .map(|(record, info)| (info.identity(), record))
    .collect()
}

/// Digest of every setting that decides what a sync makes of the same upstream.
fn settings_digest(channel: &Channel) -> String {
    // Releases that did not put the files of several upstreams together made another version of the same.
    let together = (channel.upstreams.len() > 1).then_some("together");
    // Nor did they leave streams out of the modules file.
    let filter = &channel.filter;
    let streams = !filter.modules.is_empty() || !filter.exclude_modules.is_empty();
    let streams = streams.then_some("streams");
    let mut settings = serde_json::json!([
        channel.policy,
        channel.effective_signatures(),
        channel.keys,
        channel.metadata,
        channel.compression,
        channel.checksum,
        channel.sign_metadata,
        channel.filter,
        channel
            .upstreams
            .iter()
            .map(|u| u.url.as_str())
            .collect::<Vec<_>>(),
    ]);
    if let Some(list) = settings.as_array_mut() {
        list.extend(together.into_iter().chain(streams).map(Into::into));
    }
    sha256_hex(settings.to_string().as_bytes())
}
