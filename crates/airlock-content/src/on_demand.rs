//! Packages that come at a client's first request: fetched, verified, looked into, stored, then served.
//!
//! The fetch belongs to the server, not to the client: one that goes away does not stop it, and a hundred that ask for
//! one package cause one fetch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use airlock_db::package_files::{FileKey, SeenFile};
use airlock_fetch::Progress;
use airlock_model::{Actor, CancelFlag, Cause, ChannelLabel, SilentReporter, VersionSelector};
use airlock_repodata::primary;
use serde::{Deserialize, Serialize};

use crate::context::TaskContext;
use crate::inspect::{Claim, inspect};
use crate::pack::{PackReader, Part};
use crate::resolve::ResolvedVersion;
use crate::serve::{FoundPackage, Served};
use crate::sync::upstream;
use crate::{Content, Error, Result};

/// Files being fetched now.
#[derive(Debug, Default)]
pub(crate) struct Fetching(Mutex<HashMap<FileKey, Arc<tokio::sync::Mutex<()>>>>);

impl Fetching {
    fn turn(&self, key: &FileKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Turns that nobody waits for are dropped here, so that the map stays as small as the traffic.
        map.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(map.entry(key.clone()).or_default())
    }
}

/// What `channel fetch` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchOutcome {
    /// Packages of the version.
    pub packages: u64,
    /// Packages that came in now.
    pub fetched: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// Packages that their upstream does not have any more, or that did not verify.
    pub missing: Vec<airlock_model::RefusedPackage>,
}

impl Content {
    /// Where a client can fetch a package itself; none for local upstreams.
    pub(crate) async fn redirect_target(&self, package: &FoundPackage) -> Result<Option<String>> {
        let (Some(upstream), Some(href)) = (package.upstream, &package.href) else {
            return Ok(None);
        };
        let row = airlock_db::channels::upstream_with_secrets(self.db(), upstream).await?;
        if row.url.starts_with("file:") {
            return Ok(None);
        }
        if href.contains("://") {
            return Ok(Some(href.clone()));
        }
        Ok(Some(format!("{}/{href}", row.url.trim_end_matches('/'))))
    }

    pub(crate) async fn fetch_on_demand(
        &self,
        version: &ResolvedVersion,
        package: FoundPackage,
    ) -> Result<Served> {
        let content = self.clone();
        let channel = Arc::clone(&version.channel);
        // On a task of its own: the client's going away must not stop it.
        let sha256 = tokio::spawn(async move { content.fetch_package(&channel, package).await })
            .await
            .unwrap_or_else(|_| Err(Error::worker_panicked("fetching a package")))?;
        self.package_file(version, &sha256)
    }

    async fn fetch_package(
        &self,
        channel: &airlock_model::Channel,
        package: FoundPackage,
    ) -> Result<String> {
        let key: FileKey = (package.checksum_type.clone(), package.checksum.clone());
        let turn = self.fetching().turn(&key);
        let _turn = turn.lock().await;
        if let Some(sha256) = self
            .held_files(channel.org, std::iter::once(key.clone()))
            .await?
            .remove(&key)
        {
            return Ok(sha256);
        }
        let gone = || {
            Error::bad_package(
                &package.file_name,
                "its upstream was removed from the channel before it was fetched",
            )
        };
        let upstream_id = package.upstream.ok_or_else(gone)?;
        let row = airlock_db::channels::upstream_with_secrets(self.db(), upstream_id).await?;
        let ctx = TaskContext {
            actor: Actor {
                org: channel.org,
                ..Actor::server(Cause::Upkeep, "on-demand")
            },
            task: None,
            operation: String::new(),
            reporter: Arc::new(SilentReporter),
            cancel: CancelFlag::new(),
            clock: Arc::clone(self.clock()),
        };
        self.check_space(&package.file_name, package.size)?;
        let open = upstream::open(self.fetcher(), row, &ctx).await?;
        let wanted = crate::sync::Wanted {
            record: package.record,
            checksum_type: package.checksum_type.clone(),
            checksum: package.checksum.clone(),
            size: package.size,
            href: package.href.clone().unwrap_or_default(),
            file_name: package.file_name.clone(),
        };
        let job = wanted.job(self.scratch())?;
        let file = open
            .session
            .download(&job, &Progress::silent(), &ctx.fetch_cancel())
            .await?;
        let keys = self.key_ring(channel).await?;
        let policy = channel.effective_signatures();
        let said = self.primary_of(package.record).await?;
        let stored = self
            .blocking("storing a package", move |content| {
                let claim = Claim {
                    file: &wanted.file_name,
                    checksum_type: &wanted.checksum_type,
                    checksum: &wanted.checksum,
                    size: wanted.size,
                    mtime: said.time_file,
                    upstream: Some(&said),
                };
                inspect(file.path(), &claim, &keys, policy)?;
                let sha256 = file.sha256_hex();
                let mut stored = content.blobs().adopt_many(&[(file.keep(), sha256)])?;
                stored
                    .pop()
                    .ok_or_else(|| Error::worker_panicked("storing a package"))
            })
            .await?;
        let seen = [SeenFile {
            key,
            sha256: stored.sha256.clone(),
            size: stored.size,
        }];
        airlock_db::package_files::remember(self.db(), channel.org, &seen, self.now()).await?;
        Ok(stored.sha256)
    }

    /// What the source of a record said in primary.
    pub(crate) async fn primary_of(&self, record: u64) -> Result<primary::PrimaryPackage> {
        let view = self.view(std::iter::once(record).collect()).await?;
        self.blocking("reading stored metadata", move |content| {
            let pack = view
                .packs
                .first()
                .ok_or_else(|| Error::damaged(format!("record {record} has no pack")))?;
            let reader = PackReader::with_index(
                &content.blobs().path(&pack.sha256)?,
                Arc::clone(&pack.index),
            )?;
            let position = usize::try_from(record - pack.first_record)
                .map_err(|_| Error::damaged("record out of range"))?;
            primary::parse(&reader.fragment(Part::Primary, position)?)
                .map_err(|e| Error::metadata("stored metadata", e))
        })
        .await
    }

    /// Brings in every package of a version that is not held yet (`channel fetch`).
    ///
    /// # Errors
    /// When the version does not exist or the work is cancelled; packages that cannot be had are in the outcome.
    pub async fn fetch_packages(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        selector: VersionSelector,
    ) -> Result<FetchOutcome> {
        let channel = self.channel(ctx.actor.org, label).await?;
        let number = self.version_number(&channel, selector).await?;
        let content = self.version_content(&channel, number).await?;
        let view = self.view(content.records).await?;
        let wanted = crate::sync::wanted(&view);
        self.fetch_each(
            ctx,
            &channel,
            wanted,
            &format!("{label}@{number}: packages"),
        )
        .await
    }

    /// Fetches those of the wanted packages that are not held, one after the other.
    pub(crate) async fn fetch_each(
        &self,
        ctx: &TaskContext,
        channel: &airlock_model::Channel,
        wanted: Vec<crate::sync::Wanted>,
        stage: &str,
    ) -> Result<FetchOutcome> {
        let held = self
            .held_files(channel.org, wanted.iter().map(crate::sync::Wanted::key))
            .await?;
        let packages = wanted.len() as u64;
        let missing: Vec<crate::sync::Wanted> = wanted
            .into_iter()
            .filter(|w| !held.contains_key(&w.key()))
            .collect();
        let mut outcome = FetchOutcome {
            packages,
            fetched: 0,
            bytes: 0,
            missing: Vec::new(),
        };
        self.check_space(stage, missing.iter().map(|w| w.size).sum())?;
        let total = missing.len() as u64;
        for (done, w) in missing.into_iter().enumerate() {
            ctx.check()?;
            ctx.reporter.report(airlock_model::Progress {
                stage: stage.to_owned(),
                done: done as u64,
                total,
                unit: "packages".to_owned(),
            });
            let package = FoundPackage {
                record: w.record,
                upstream: airlock_db::records::upstream_of(self.db(), w.record).await?,
                checksum_type: w.checksum_type.clone(),
                checksum: w.checksum.clone(),
                size: w.size,
                file_name: w.file_name.clone(),
                href: (!w.href.is_empty()).then(|| w.href.clone()),
            };
            match self.fetch_package(channel, package).await {
                Ok(_) => {
                    outcome.fetched += 1;
                    outcome.bytes += w.size;
                }
                Err(error @ (Error::NoSpace { .. } | Error::Database(_) | Error::Blob(_))) => {
                    return Err(error);
                }
                Err(error) => outcome.missing.push(airlock_model::RefusedPackage {
                    package: w.file_name,
                    reason: error.to_string(),
                }),
            }
        }
        Ok(outcome)
    }
}
