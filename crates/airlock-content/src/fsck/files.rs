//! Blobs as fsck sees them: their sizes, what a task left behind, and package files that are brought here again.

use std::collections::{HashMap, HashSet};

use airlock_model::Channel;
use roaring::RoaringTreemap;

use super::Findings;
use crate::context::TaskContext;
use crate::publication::PublishedFiles;
use crate::{Content, Error, Result};

/// Temporary files of no running task that are older than this are leftovers, in seconds.
const LEFT_OVER_SECONDS: i64 = 86_400;

impl Content {
    /// The bytes that blobs should have, as far as rows say so.
    pub(super) async fn expected_sizes(&self) -> Result<HashMap<String, u64>> {
        let mut sizes: HashMap<String, u64> = airlock_db::package_files::sizes(self.db())
            .await?
            .into_iter()
            .collect();
        for channel in airlock_db::channels::all_ids(self.db()).await? {
            for number in airlock_db::versions::numbers(self.db(), channel).await? {
                let content = airlock_db::versions::content(self.db(), channel, number).await?;
                let attachments = content.into_iter().flat_map(|c| c.attachments);
                sizes.extend(attachments.map(|file| (file.sha256, file.size)));
                let row = airlock_db::versions::publication(self.db(), channel, number).await?;
                // What cannot be read is told when its version's turn comes.
                let files = row.and_then(|row| PublishedFiles::read(&row.files).ok());
                let files = files.into_iter().flat_map(|list| list.files);
                sizes.extend(files.map(|file| (file.sha256, file.size)));
            }
        }
        Ok(sizes)
    }

    /// Removes temporary files that no running task can own.
    pub(super) async fn remove_leftovers(
        &self,
        ctx: &TaskContext,
        findings: &mut Findings,
    ) -> Result<()> {
        let mut cutoff = self.now().plus_seconds(-LEFT_OVER_SECONDS);
        if let Some(started) = airlock_db::tasks::oldest_running(self.db(), ctx.task).await? {
            cutoff = cutoff.min(started);
        }
        let removed = self
            .blocking("removing leftovers", move |content| {
                Ok(content.blobs().remove_old_temp(cutoff.0)?)
            })
            .await?;
        if removed > 0 {
            findings.mended(
                "I15",
                format!("{removed} temporary files of interrupted work: removed"),
            );
        }
        Ok(())
    }

    /// Fetches a channel's verified packages whose files are missing or damaged from the upstreams that list them.
    /// What is brought here whole is damaged no longer.
    pub(super) async fn bring_back(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        numbers: &[i64],
        damaged: &mut HashSet<String>,
        findings: &mut Findings,
    ) -> Result<()> {
        let mut records = RoaringTreemap::new();
        for number in numbers {
            if let Ok(content) = self.version_content(channel, *number).await {
                records |= content.records;
            }
        }
        // Where a pack cannot be read the versions that need it are told; nothing is fetched for them.
        let Ok(view) = self.view(records).await else {
            return Ok(());
        };
        let judged = self
            .judge_records(channel.org, &view, &RoaringTreemap::new(), damaged)
            .await?;
        if judged.lost_records().is_empty() {
            return Ok(());
        }
        let Ok(view) = self.view(judged.lost_records().clone()).await else {
            return Ok(());
        };
        let stage = format!("{}: fetching lost packages", channel.label);
        let fetched = match self
            .fetch_each(ctx, channel, crate::sync::wanted(&view), &stage)
            .await
        {
            Ok(fetched) => fetched,
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => {
                findings.add(
                    "I1",
                    format!(
                        "{}: lost package files cannot be fetched: {error}",
                        channel.label
                    ),
                );
                return Ok(());
            }
        };
        if fetched.fetched > 0 {
            findings.mended(
                "I1",
                format!(
                    "{}: {} package files were missing or damaged: fetched again",
                    channel.label, fetched.fetched
                ),
            );
            let known: Vec<String> = damaged.iter().cloned().collect();
            let whole = self
                .blocking("looking at fetched packages", move |content| {
                    let mut whole = Vec::new();
                    for sha256 in known {
                        if content.blobs().exists(&sha256)? && content.blobs().verify(&sha256)? {
                            whole.push(sha256);
                        }
                    }
                    Ok(whole)
                })
                .await?;
            for sha256 in whole {
                damaged.remove(&sha256);
            }
        }
        Ok(())
    }
}
