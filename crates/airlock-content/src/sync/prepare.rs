//! One channel's sync up to the switch.

use std::collections::{HashMap, HashSet};

use airlock_fetch::Validators;
use airlock_model::{
    Attachment, Channel, MetadataMode, Policy, SyncOutcome, SyncState, VersionKind,
};
use airlock_repodata::repomd::Record;
use roaring::RoaringTreemap;

use super::metadata::{self, FetchedRepomd, RepomdState};
use super::upstream::OpenUpstream;
use super::{Prepared, SyncOptions, empty_outcome, errata};
use crate::checksum::sha256_hex;
use crate::commit::{PendingVersion, UpstreamState, VersionContent};
use crate::context::TaskContext;
use crate::filter::Selector;
use crate::guard;
use crate::ingest::{IngestInput, Ingested, KnownRecords, Listed, MetadataPath, ingest};
use crate::publication::{MetadataFile, Publication};
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What one upstream gives a version.
#[derive(Default)]
struct Contribution {
    records: RoaringTreemap,
    errata: Vec<errata::ReadErratum>,
    attachments: Vec<Attachment>,
    verbatim: Option<Publication>,
    warnings: Vec<String>,
    refused: Vec<airlock_model::RefusedPackage>,
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
        let mut outcome = empty_outcome(label, channel.current);
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
            match metadata::fetch_repomd(&open, known, ctx).await? {
                RepomdState::Unchanged => {
                    outcome.state = SyncState::Unchanged;
                    return Ok(Prepared {
                        outcome,
                        version: None,
                    });
                }
                RepomdState::Fetched(repomd) => {
                    changed |= state.as_ref().and_then(|s| s.last_repomd_sha256.as_deref())
                        != Some(repomd.sha256.as_str());
                    fetched.push((open, *repomd, state));
                }
            }
        }
        if !changed {
            return Ok(Prepared {
                outcome,
                version: None,
            });
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
        let mut total = Contribution::default();
        let mut upstreams = Vec::new();
        for (open, repomd, state) in &fetched {
            ctx.check()?;
            if let Some(warning) = metadata::check_signature(&open.row.url, repomd, &keys, policy)?
            {
                total.warnings.push(warning);
            }
            if let Some(state) = state
                && !options.accept_shrink
                && let Some(reason) = guard::went_back(
                    (state.last_revision.as_deref(), state.last_timestamp),
                    (repomd.repomd.revision.as_deref(), repomd.newest_timestamp),
                )
            {
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
            let part = self
                .contribution(ctx, channel, open, repomd, &trusted, &before.attachments)
                .await?;
            total.records |= part.records;
            total.errata.extend(part.errata);
            total.attachments.extend(part.attachments);
            total.verbatim = part.verbatim.or(total.verbatim);
            total.warnings.extend(part.warnings);
            total.refused.extend(part.refused);
            total.bytes += part.bytes;
            total.revision = part.revision.or(total.revision);
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
        ctx.stage(format!("{label}: comparing with the current version"));
        outcome.warnings.append(&mut total.warnings);
        outcome.refused = total.refused;
        outcome.bytes = total.bytes;

        let content = VersionContent {
            records: total.records,
            errata: self.store_errata(channel.org, &total.errata).await?,
            attachments: distinct(total.attachments),
        };
        let view = self.view(content.records.clone()).await?;
        let (added, removed) = changes(&before_view, &view);
        outcome.packages = content.records.len();
        outcome.added = added;
        outcome.removed = removed;
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
            && let Some(held) = guard::shrink(&size(&before), &size(&content), removed)
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
        };
        Ok(Prepared {
            outcome,
            version: Some(version),
        })
    }

    /// Reads what one upstream lists and, by policy, brings in its packages. `had` is what the channel carries along now.
    async fn contribution(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        upstream: &OpenUpstream,
        repomd: &FetchedRepomd,
        trusted: &RoaringTreemap,
        had: &[Attachment],
    ) -> Result<Contribution> {
        let url = upstream.row.url.clone();
        let records = metadata::wanted(&repomd.repomd, channel.metadata);
        for needed in ["primary", "filelists", "other"] {
            if records.iter().filter(|r| r.kind == needed).count() != 1 {
                return Err(Error::bad_upstream(
                    &url,
                    format!("repomd.xml does not name exactly one {needed}"),
                ));
            }
        }
        ctx.stage(format!("{}: metadata", channel.label));
        let need = metadata::bytes_needed(records.iter().filter_map(|r| r.size));
        self.check_space(&channel.label.to_string(), need)?;
        let files = metadata::download(upstream, &records, self.scratch(), ctx).await?;
        let mut part = Contribution {
            bytes: files.iter().map(|f| f.size).sum(),
            revision: repomd.repomd.revision.clone(),
            ..Contribution::default()
        };

        ctx.stage(format!("{}: reading metadata", channel.label));
        let known = self.known_records(channel.org, upstream.row.id).await?;
        let of_kind = |kind: &str| records.iter().zip(&files).find(|(r, _)| r.kind == kind);
        let path_of = |kind: &str| -> Result<MetadataPath> {
            let (record, file) =
                of_kind(kind).ok_or_else(|| Error::bad_upstream(&url, format!("no {kind}")))?;
            Ok(MetadataPath {
                name: metadata::file_url(&url, record),
                path: file.path().to_owned(),
                open_size: record.open_size,
            })
        };
        let (primary, filelists, other) = (
            path_of("primary")?,
            path_of("filelists")?,
            path_of("other")?,
        );
        let name = url.clone();
        let (ingested, new_blob, changed_blob) = self
            .blocking("reading metadata", move |content| {
                let input = IngestInput {
                    upstream: &name,
                    primary,
                    filelists,
                    other,
                };
                let mut new_out = content.blobs().writer()?;
                let mut changed_out = content.blobs().writer()?;
                let ingested = ingest(
                    &input,
                    &known,
                    content.scratch(),
                    &mut new_out,
                    &mut changed_out,
                )?;
                let new_blob = if ingested.new.rows.is_empty() {
                    None
                } else {
                    Some(new_out.finish(None)?)
                };
                let changed_blob = if ingested.changed.rows.is_empty() {
                    None
                } else {
                    Some(changed_out.finish(None)?)
                };
                Ok((ingested, new_blob, changed_blob))
            })
            .await?;
        part.warnings
            .extend(ingested.warnings.iter().map(|w| format!("{url}: {w}")));
        ctx.stage(format!("{}: storing metadata", channel.label));
        let mut first_new = 0;
        if let Some(blob) = &new_blob {
            first_new = self
                .store_pack_rows(channel.org, Some(upstream.row.id), blob, &ingested.new.rows)
                .await?;
        }
        let mut first_changed = 0;
        if let Some(blob) = &changed_blob {
            first_changed = self
                .store_pack_rows(
                    channel.org,
                    Some(upstream.row.id),
                    blob,
                    &ingested.changed.rows,
                )
                .await?;
        }
        let listed = resolve_listed(&ingested, first_new, first_changed);
        drop(ingested);

        ctx.stage(format!("{}: reading errata", channel.label));
        if let Some((record, file)) = of_kind("updateinfo") {
            let (path, open_size) = (file.path().to_owned(), record.open_size);
            let name = metadata::file_url(&url, record);
            part.errata = self
                .blocking("reading updateinfo", move |_| {
                    errata::read(&name, &path, open_size)
                })
                .await?;
        }
        let carried: Vec<(&Record, &airlock_fetch::Downloaded)> = records
            .iter()
            .copied()
            .zip(&files)
            .filter(|(r, _)| {
                !metadata::is_replaced(&r.kind)
                    && !matches!(
                        r.kind.as_str(),
                        "primary" | "filelists" | "other" | "updateinfo"
                    )
            })
            .collect();
        let mut barred = HashSet::new();
        for (record, file) in carried {
            let attachment = self.store_attachment(&url, file.path(), record)?;
            let filter = &channel.filter;
            if record.kind == "modules"
                && !(filter.modules.is_empty() && filter.exclude_modules.is_empty())
            {
                let text = super::attachments::open(&url, file.path(), record)?;
                barred.extend(super::modules::barred_artifacts(&url, &text, filter)?);
            }
            part.attachments.push(attachment);
        }
        if channel.policy != Policy::MetadataOnly {
            let tree = self
                .bring_in_tree(ctx, upstream, had, &mut part.warnings)
                .await?;
            part.bytes += tree.iter().map(|file| file.size).sum::<u64>();
            part.attachments.extend(tree);
        }
        if channel.metadata == MetadataMode::Verbatim {
            let mut verbatim = self.keep_verbatim(repomd, &records, &files)?;
            let tree = part
                .attachments
                .iter()
                .filter(|a| a.kind == super::tree::TREE);
            verbatim.files.extend(tree.map(|file| MetadataFile {
                path: file.file_name.clone(),
                kind: file.kind.clone(),
                sha256: file.sha256.clone(),
                size: file.size,
                derived: false,
            }));
            part.verbatim = Some(verbatim);
        }

        let mut view = self.view(listed).await?;
        if !(channel.filter.takes_everything() && channel.filter.source_packages) {
            let selector = Selector::new(&channel.filter, barred)?;
            if channel.metadata == MetadataMode::Own {
                let ids: Vec<u64> = view.records.iter().collect();
                let taken = selector.select(view.members().map(|(_, info)| info));
                view.records = taken
                    .into_iter()
                    .filter_map(|position| ids.get(position).copied())
                    .collect();
            }
        }
        if channel.policy == Policy::Immediate {
            let brought = self
                .bring_in(ctx, channel, &upstream.session, &view, trusted)
                .await?;
            part.bytes += brought.bytes;
            part.warnings.extend(brought.warnings);
            part.refused = brought.refused;
            if channel.metadata == MetadataMode::Verbatim
                && let Some(first) = part.refused.first()
            {
                // The upstream's own metadata lists it, so it cannot be left out.
                return Err(Error::bad_upstream(
                    &url,
                    format!(
                        "{} packages are refused and a verbatim channel serves all or nothing; the first is {}: {}",
                        part.refused.len(),
                        first.package,
                        first.reason
                    ),
                ));
            }
            // Verbatim metadata is the upstream's word, so its records are the upstream's too.
            part.records = if channel.metadata == MetadataMode::Verbatim {
                view.records
            } else {
                brought.records
            };
        } else {
            part.records = view.records;
        }
        Ok(part)
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

    async fn known_records(
        &self,
        org: airlock_model::OrgId,
        upstream: airlock_model::UpstreamId,
    ) -> Result<KnownRecords> {
        let packs = airlock_db::records::packs_of_upstream(self.db(), org, upstream).await?;
        self.blocking("reading pack indexes", move |content| {
            let mut known = KnownRecords::default();
            for pack in packs {
                known.add_pack(pack.first_record, &*content.pack_index(&pack.sha256)?);
            }
            Ok(known)
        })
        .await
    }

    fn keep_verbatim(
        &self,
        repomd: &FetchedRepomd,
        records: &[&Record],
        files: &[airlock_fetch::Downloaded],
    ) -> Result<Publication> {
        let mut list = Vec::new();
        for (record, file) in records.iter().zip(files) {
            let stored = self.blobs().adopt_copy(file.path())?;
            list.push(MetadataFile {
                path: record.href.clone(),
                kind: record.kind.clone(),
                sha256: stored.sha256,
                size: stored.size,
                derived: false,
            });
        }
        Ok(Publication {
            mode: "verbatim",
            repomd: repomd.bytes.clone(),
            repomd_asc: repomd.signature.clone(),
            files: list,
            settings: String::new(),
        })
    }
}

fn resolve_listed(ingested: &Ingested, first_new: u64, first_changed: u64) -> RoaringTreemap {
    ingested
        .listed
        .iter()
        .map(|listed| match listed {
            Listed::Known(record) => *record,
            Listed::New(position) => first_new + u64::from(*position),
            Listed::Changed(position) => first_changed + u64::from(*position),
        })
        .collect()
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

fn distinct(mut attachments: Vec<Attachment>) -> Vec<Attachment> {
    let mut seen = HashSet::new();
    attachments.retain(|a| seen.insert((a.kind.clone(), a.file_name.clone(), a.sha256.clone())));
    attachments
}

/// Digest of every setting that decides what a sync makes of the same upstream.
fn settings_digest(channel: &Channel) -> String {
    let settings = serde_json::json!([
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
    sha256_hex(settings.to_string().as_bytes())
}
