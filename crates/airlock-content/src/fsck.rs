//! Checking what is stored against the invariants (threats-and-faults 4.4; docs/operations.md lists them).

mod files;
mod records;

use std::collections::HashSet;

use airlock_db::audit::AuditFault;
use airlock_model::{Channel, FsckFinding, FsckReport, VersionNumber};
use roaring::RoaringTreemap;

use crate::commit::VersionContent;
use crate::context::TaskContext;
use crate::publication::{ENCODER, PublishedFiles};
use crate::{Content, Result};
use records::Judged;

struct Findings(Vec<FsckFinding>);

impl Findings {
    fn add(&mut self, invariant: &str, what: String) {
        self.0.push(FsckFinding {
            invariant: invariant.to_owned(),
            what,
            repaired: false,
        });
    }

    fn mended(&mut self, invariant: &str, what: String) {
        self.0.push(FsckFinding {
            invariant: invariant.to_owned(),
            what,
            repaired: true,
        });
    }
}

impl Content {
    /// Checks every reference and invariant; `deep` hashes every blob again, where else its size is looked at; `repair`
    /// mends what can be mended: damaged or missing derived metadata is made again, lost or damaged package files are
    /// fetched again from the upstreams that list them, leftovers are removed.
    ///
    /// # Errors
    /// When the database cannot be read or the work is cancelled; what is wrong with the data is in the report.
    pub async fn fsck(&self, ctx: &TaskContext, deep: bool, repair: bool) -> Result<FsckReport> {
        let mut report = FsckReport {
            deep,
            ..FsckReport::default()
        };
        let mut findings = Findings(Vec::new());
        self.check_audit(&mut findings).await?;
        let mut damaged = self
            .check_blobs(ctx, deep, repair, &mut report, &mut findings)
            .await?;
        if repair {
            self.remove_leftovers(ctx, &mut findings).await?;
        }
        self.check_versions(ctx, repair, &mut damaged, &mut report, &mut findings)
            .await?;
        self.check_plans(&damaged, &mut findings).await?;
        for task in airlock_db::tasks::running_without_lease(self.db(), self.now()).await? {
            findings.add(
                "I7",
                format!("task {task} is running but nobody holds its lease"),
            );
        }
        report.findings = findings.0;
        Ok(report)
    }

    async fn check_audit(&self, findings: &mut Findings) -> Result<()> {
        let kept = match self.kept_audit_head() {
            Ok(kept) => kept,
            Err(error) => {
                findings.add("I14", format!("where the audit log ended: {error}"));
                None
            }
        };
        match airlock_db::audit::check(self.db(), kept.as_ref()).await? {
            None => {}
            Some(AuditFault::Broken { at }) => findings.add(
                "I14",
                format!("the audit log is not what it was: row {at} was changed, or rows before it were removed"),
            ),
            Some(AuditFault::Cut { missing }) => findings.add(
                "I14",
                format!("rows were cut off the end of the audit log: row {missing} was there and is not any more"),
            ),
        }
        Ok(())
    }

    /// Looks at the sizes of blobs, hashes them (deep), and returns the damaged ones.
    async fn check_blobs(
        &self,
        ctx: &TaskContext,
        deep: bool,
        repair: bool,
        report: &mut FsckReport,
        findings: &mut Findings,
    ) -> Result<HashSet<String>> {
        ctx.stage("checking blobs");
        let reporter = ctx.reporter.clone();
        let cancel = ctx.cancel.clone();
        let sizes = self.expected_sizes().await?;
        let (blobs, bytes, damaged) = self
            .blocking("checking blobs", move |content| {
                let mut damaged = Vec::new();
                let (mut blobs, mut bytes) = (0_u64, 0_u64);
                let list = content.blobs().list()?;
                let total = list.len() as u64;
                for blob in list {
                    if cancel.is_cancelled() {
                        return Err(crate::Error::Cancelled);
                    }
                    blobs += 1;
                    if sizes
                        .get(&blob.sha256)
                        .is_some_and(|size| *size != blob.size)
                    {
                        damaged.push(blob.sha256);
                        continue;
                    }
                    if deep {
                        bytes += blob.size;
                        if !content.blobs().verify(&blob.sha256)? {
                            damaged.push(blob.sha256);
                        }
                        reporter.report(airlock_model::Progress {
                            stage: "hashing blobs".to_owned(),
                            done: blobs,
                            total,
                            unit: "files".to_owned(),
                        });
                    }
                }
                Ok((blobs, bytes, damaged))
            })
            .await?;
        report.blobs = blobs;
        report.bytes = bytes;
        // Where packs cannot be read nobody knows what refers to what, and nothing is removed.
        let references = match repair && !damaged.is_empty() {
            true => self.references().await.ok(),
            false => None,
        };
        for sha256 in &damaged {
            let what = format!("blob {sha256} has other bytes than its name says");
            let mendable = references.as_ref().is_some_and(|references| {
                references.ready.contains(sha256)
                    || references.remakeable.contains(sha256)
                    || references.packages.contains(sha256)
                    || !references.is_referenced(sha256)
            });
            if mendable {
                airlock_db::package_files::forget(self.db(), &[sha256.as_str()]).await?;
                self.blobs().delete(sha256)?;
                findings.mended(
                    "I1",
                    format!("{what}: removed; it is made or fetched again when it is needed"),
                );
            } else {
                findings.add("I1", what);
            }
        }
        Ok(damaged.into_iter().collect())
    }

    /// The plans that versions were made by say why each package is there.
    async fn check_plans(&self, damaged: &HashSet<String>, findings: &mut Findings) -> Result<()> {
        for channel in airlock_db::channels::all(self.db()).await? {
            for (number, digest) in airlock_db::versions::planned(self.db(), channel.id).await? {
                if damaged.contains(&digest) || !self.blobs().exists(&digest)? {
                    findings.add(
                        "I1",
                        format!(
                            "{}@{number}: the plan that it was made by is missing or damaged ({digest})",
                            channel.label
                        ),
                    );
                }
            }
        }
        Ok(())
    }

    async fn check_versions(
        &self,
        ctx: &TaskContext,
        repair: bool,
        damaged: &mut HashSet<String>,
        report: &mut FsckReport,
        findings: &mut Findings,
    ) -> Result<()> {
        for channel in airlock_db::channels::all(self.db()).await? {
            ctx.check()?;
            ctx.stage(format!("checking {}", channel.label));
            report.channels += 1;
            let (channel, numbers, last_move) = self.at_one_instant(channel).await?;
            match channel.current {
                Some(current) if !numbers.contains(&current) => {
                    findings.add(
                        "I3",
                        format!(
                            "the current version {} of {} does not exist",
                            current, channel.label
                        ),
                    );
                }
                None if !numbers.is_empty() => findings.add(
                    "I3",
                    format!("{} has versions but no current one", channel.label),
                ),
                _ => {}
            }
            if last_move != channel.current {
                findings.add(
                    "I3",
                    format!(
                        "the history of {} does not end at its current version",
                        channel.label
                    ),
                );
            }
            if repair {
                self.bring_back(ctx, &channel, &numbers, damaged, findings)
                    .await?;
            }
            let damaged = &*damaged;
            let shared = self.judge_channel(&channel, &numbers, damaged).await?;
            let mut last = None;
            for number in numbers {
                ctx.check()?;
                report.versions += 1;
                let name = format!("{}@{number}", channel.label);
                let instant = airlock_db::versions::instant(self.db(), channel.id, number).await?;
                if instant <= last {
                    findings.add(
                        "I12",
                        format!("{name} is not later than the version before it"),
                    );
                }
                last = instant;
                let content = match self.version_content(&channel, number).await {
                    Ok(content) => content,
                    Err(error) => {
                        findings.add("I2", format!("{name}: {error}"));
                        continue;
                    }
                };
                let single = match &shared {
                    Some(_) => None,
                    None => match self.view(content.records.clone()).await {
                        Ok(view) => Some(
                            self.judge_records(channel.org, &view, &content.errata, damaged)
                                .await?,
                        ),
                        Err(error) => {
                            findings.add("I1", format!("{name}: {error}"));
                            None
                        }
                    },
                };
                if let Some(judged) = shared.as_ref().or(single.as_ref()) {
                    self.check_content(&channel, number, &name, &content, judged, findings)
                        .await?;
                }
                self.check_files(&channel, number, &name, content, repair, damaged, findings)
                    .await?;
            }
        }
        Ok(())
    }

    /// A channel, its versions' numbers and where its history ends, as they were together: a change that is committed
    /// between two reads is no damage.
    async fn at_one_instant(
        &self,
        channel: Channel,
    ) -> Result<(Channel, Vec<VersionNumber>, Option<VersionNumber>)> {
        let mut before = channel;
        loop {
            let numbers = airlock_db::versions::numbers(self.db(), before.id).await?;
            let last = airlock_db::versions::last_move(self.db(), before.id).await?;
            let after = airlock_db::channels::find_by_id(self.db(), before.id).await?;
            match after {
                Some(after) if after.current != before.current => before = after,
                _ => return Ok((before, numbers, last)),
            }
        }
    }

    /// Judges what all versions of a channel list, at once. None when a pack of it cannot be read: then each version
    /// has to tell for itself.
    async fn judge_channel(
        &self,
        channel: &Channel,
        numbers: &[VersionNumber],
        damaged: &HashSet<String>,
    ) -> Result<Option<Judged>> {
        let (mut records, mut errata) = (RoaringTreemap::new(), RoaringTreemap::new());
        for number in numbers {
            // What cannot be read is told when its turn comes.
            if let Ok(content) = self.version_content(channel, *number).await {
                records |= content.records;
                errata |= content.errata;
            }
        }
        match self.view(records).await {
            Ok(view) => Ok(Some(
                self.judge_records(channel.org, &view, &errata, damaged)
                    .await?,
            )),
            Err(_) => Ok(None),
        }
    }

    /// Whether a version lists what it listed when it was made, and all of it is there.
    async fn check_content(
        &self,
        channel: &Channel,
        number: VersionNumber,
        name: &str,
        content: &VersionContent,
        judged: &Judged,
        findings: &mut Findings,
    ) -> Result<()> {
        let there = judged.count(content);
        if there != content.records.len() {
            findings.add(
                "I1",
                format!(
                    "{name} lists {} records, {there} exist",
                    content.records.len()
                ),
            );
        }
        let recorded = airlock_db::versions::content_digest(self.db(), channel.id, number).await?;
        if recorded.as_deref() != Some(judged.digest(content).as_str()) {
            findings.add("I2", format!("{name} is not what it was when it was made"));
        }
        let lost = judged.lost(content);
        if lost > 0 {
            findings.add(
                "I1",
                format!(
                    "{name}: {lost} package files are missing or damaged (airlock fsck --repair fetches those that an upstream lists, as does airlock channel fetch {name} for missing ones; push others again)"
                ),
            );
        }
        Ok(())
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one step of a walk, split off to be read"
    )]
    async fn check_files(
        &self,
        channel: &Channel,
        number: VersionNumber,
        name: &str,
        content: VersionContent,
        repair: bool,
        damaged: &HashSet<String>,
        findings: &mut Findings,
    ) -> Result<()> {
        let is_bad = |sha256: &str| -> Result<bool> {
            Ok(damaged.contains(sha256) || !self.blobs().exists(sha256)?)
        };
        // A tree's files stand in both lists.
        let mut told: HashSet<&str> = HashSet::new();
        for attachment in &content.attachments {
            if is_bad(&attachment.sha256)? {
                told.insert(&attachment.sha256);
                findings.add(
                    "I1",
                    format!("{name}: {} is missing or damaged", attachment.file_name),
                );
            }
        }
        let Some(row) = airlock_db::versions::publication(self.db(), channel.id, number).await?
        else {
            findings.add("I3", format!("{name} has no publication"));
            return Ok(());
        };
        let repomd = match airlock_repodata::repomd::Repomd::parse(&row.repomd) {
            Ok(repomd) => repomd,
            Err(error) => {
                findings.add(
                    "I4",
                    format!("{name}: its repomd.xml cannot be read: {error}"),
                );
                return Ok(());
            }
        };
        let files = PublishedFiles::read(&row.files)?.files;
        for record in &repomd.records {
            if !files
                .iter()
                .any(|f| f.path == record.href && record.size.is_none_or(|size| size == f.size))
                && row.mode == "own"
            {
                findings.add(
                    "I4",
                    format!(
                        "{name}: repomd.xml names {} which is not published",
                        record.href
                    ),
                );
            }
        }
        for file in files {
            if told.contains(file.sha256.as_str()) || !is_bad(&file.sha256)? {
                continue;
            }
            if file.derived && row.encoder == ENCODER {
                let current = channel.current == Some(number);
                if repair && (current || damaged.contains(&file.sha256)) {
                    let version = crate::resolve::ResolvedVersion {
                        channel: std::sync::Arc::new(channel.clone()),
                        number,
                        pinned: true,
                        published: self.published(channel, number).await?,
                    };
                    match self.metadata_blob(&version, &file).await {
                        Ok(_) => {
                            findings.mended("I1", format!("{name}: {} was made again", file.path))
                        }
                        Err(error) => findings.add("I1", format!("{name}: {error}")),
                    }
                } else if current {
                    findings.add(
                        "I1",
                        format!(
                            "{name}: {} is missing; it is made again at the first request",
                            file.path
                        ),
                    );
                }
            } else {
                findings.add("I1", format!("{name}: {} is missing or damaged", file.path));
            }
        }
        Ok(())
    }
}
