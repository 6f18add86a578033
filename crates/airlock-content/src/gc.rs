//! Garbage collection: what nothing refers to any more, after a grace period.
//!
//! A blob's age counts from when it was last written or taken up again, so work that goes on beside (a sync that has
//! stored files but not switched yet) is protected by the grace period alone.

use std::collections::HashSet;

use airlock_model::GcReport;

use crate::context::TaskContext;
use crate::delete::UNDO_DAYS;
use crate::publication::PublishedFiles;
use crate::{Content, Result};

/// Versions of a channel, newest first, whose derived metadata is kept ready; that of older ones is made again at the
/// first request.
const READY_VERSIONS: usize = 3;

/// Metadata that can be made again is not kept for longer than this since it was last needed; whoever asks for it later
/// gets the same bytes.
const REMAKEABLE_GRACE_SECONDS: i64 = 600;

/// Blobs judged and removed together; whoever takes up files waits meanwhile.
const GROUP: usize = 200;

/// Everything that rows refer to.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// Blobs that cannot be made again.
    pub kept: HashSet<String>,
    /// Derived metadata of versions that are kept ready.
    pub ready: HashSet<String>,
    /// Derived metadata of older versions.
    pub remakeable: HashSet<String>,
    /// Package files that some version lists.
    pub packages: HashSet<String>,
}

impl References {
    pub(crate) fn is_referenced(&self, sha256: &str) -> bool {
        self.kept.contains(sha256) || self.ready.contains(sha256) || self.packages.contains(sha256)
    }
}

impl Content {
    /// Collects every reference of the database.
    pub(crate) async fn references(&self) -> Result<References> {
        let mut references = References::default();
        let plans = airlock_db::versions::plan_digests(self.db()).await?;
        references.kept.extend(plans);
        let mut records = roaring::RoaringTreemap::new();
        for channel in airlock_db::channels::all_ids(self.db()).await? {
            let numbers = airlock_db::versions::numbers(self.db(), channel).await?;
            let newest = numbers.len().saturating_sub(READY_VERSIONS);
            for (place, number) in numbers.iter().enumerate() {
                let Some(content) =
                    airlock_db::versions::content(self.db(), channel, *number).await?
                else {
                    continue;
                };
                records |= content.records;
                references
                    .kept
                    .extend(content.attachments.into_iter().map(|a| a.sha256));
                let Some(row) =
                    airlock_db::versions::publication(self.db(), channel, *number).await?
                else {
                    continue;
                };
                let current_encoder = row.encoder == crate::publication::ENCODER;
                for file in PublishedFiles::read(&row.files)?.files {
                    // Files of another encoder cannot be made again with the same bytes, so they stay.
                    if !file.derived || !current_encoder {
                        references.kept.insert(file.sha256);
                    } else if place >= newest {
                        references.ready.insert(file.sha256);
                    } else {
                        references.remakeable.insert(file.sha256);
                    }
                }
            }
        }
        let upstreams: HashSet<i64> = airlock_db::channels::all_upstream_ids(self.db())
            .await?
            .into_iter()
            .map(|id| id.0)
            .collect();
        let view = self.view(records.clone()).await?;
        let used: HashSet<String> = view.packs.iter().map(|p| p.sha256.clone()).collect();
        for pack in airlock_db::records::all_packs(self.db()).await? {
            // An upstream's packs are its memory: without them each sync would store its metadata again.
            if used.contains(&pack.sha256)
                || pack.upstream.is_some_and(|id| upstreams.contains(&id.0))
            {
                references.kept.insert(pack.sha256);
            }
        }
        let listed: HashSet<(String, String)> = view
            .members()
            .map(|(_, r)| (r.checksum_type.to_owned(), r.checksum.to_owned()))
            .collect();
        for (key, sha256) in airlock_db::package_files::all(self.db()).await? {
            if listed.contains(&key) {
                references.packages.insert(sha256);
            }
        }
        Ok(references)
    }

    /// Removes blobs with their rows, but for those that were taken up again since they were listed.
    async fn remove_old(
        &self,
        group: &[(String, u64)],
        cutoff_us: i64,
        report: &mut GcReport,
    ) -> Result<()> {
        let _nobody_takes_up = self.collecting().await;
        let mut names: Vec<&str> = Vec::with_capacity(group.len());
        for (sha256, size) in group {
            if self.blobs().is_older(sha256, cutoff_us)? {
                names.push(sha256);
                report.blobs += 1;
                report.bytes += size;
            } else {
                report.in_grace += 1;
            }
        }
        // Rows go first: a row never points at a blob that is gone.
        airlock_db::package_files::forget(self.db(), &names).await?;
        airlock_db::records::forget_packs(self.db(), &names).await?;
        for sha256 in names {
            self.blobs().remove_if_older(sha256, cutoff_us)?;
        }
        Ok(())
    }

    /// Removes what nothing refers to and that is older than `grace_seconds`, metadata of older versions that can be made
    /// again and was not needed for ten minutes, channels deleted more than seven days
    /// ago, and temporary files that no work owns.
    ///
    /// # Errors
    /// When the database or the store fails; what was removed until then stays removed.
    pub async fn gc(&self, ctx: &TaskContext, grace_seconds: i64) -> Result<GcReport> {
        let mut report = GcReport::default();
        ctx.stage("collecting garbage: channels");
        let before = self.now().plus_seconds(-i64::from(UNDO_DAYS) * 86_400);
        report.channels = airlock_db::channels::purge_deleted(self.db(), before).await?;
        let references = self.references().await?;
        ctx.stage("collecting garbage: blobs");
        let mut cutoff = self.now().plus_seconds(-grace_seconds);
        let mut remakeable = cutoff.max(self.now().plus_seconds(-REMAKEABLE_GRACE_SECONDS));
        // What a running task stored is listed by no version yet, however long it runs.
        if let Some(started) = airlock_db::tasks::oldest_running(self.db(), ctx.task).await? {
            cutoff = cutoff.min(started);
            remakeable = remakeable.min(started);
        }
        let cancel = ctx.cancel.clone();
        let (removed, report) = self
            .blocking("collecting garbage", move |content| {
                let (mut removed, mut again) = (Vec::new(), Vec::new());
                for blob in content.blobs().list()? {
                    if cancel.is_cancelled() {
                        return Err(crate::Error::Cancelled);
                    }
                    if references.is_referenced(&blob.sha256) {
                        continue;
                    }
                    let (list, before) = if references.remakeable.contains(&blob.sha256) {
                        (&mut again, remakeable)
                    } else {
                        (&mut removed, cutoff)
                    };
                    if blob.modified_us >= before.0 {
                        report.in_grace += 1;
                        continue;
                    }
                    list.push((blob.sha256, blob.size));
                }
                report.temporary_files = content.blobs().remove_old_temp(cutoff.0)?;
                Ok(([(removed, cutoff), (again, remakeable)], report))
            })
            .await?;
        let mut report = report;
        ctx.stage("collecting garbage: removing");
        for (blobs, before) in removed {
            for group in blobs.chunks(GROUP) {
                ctx.check()?;
                self.remove_old(group, before.0, &mut report).await?;
            }
        }
        self.trim_caches();
        Ok(report)
    }
}
