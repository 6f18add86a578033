//! Packages that come at a client's first request: fetched, verified, looked into and stored, and sent on meanwhile.
//!
//! The fetch belongs to the server, not to the client: one that goes away does not stop it, and a hundred that ask for
//! one package cause one fetch. Fetches of different packages do not wait for each other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use airlock_db::package_files::{FileKey, SeenFile};
use airlock_fetch::{Arrived, Progress};
use airlock_model::{
    Actor, CancelFlag, Cause, Channel, ChannelLabel, OrgId, SilentReporter, VersionSelector,
};
use airlock_repodata::primary;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::arriving::{Arriving, Flight, HELD_BACK, Outcome, unfinished};
use crate::context::TaskContext;
use crate::inspect::{Claim, inspect};
use crate::pack::{PackReader, Part};
use crate::resolve::ResolvedVersion;
use crate::serve::{FoundPackage, PACKAGE, Served};
use crate::sync::upstream;
use crate::{Content, Error, Result};

/// Files being fetched now, and held ones that were judged lately. What one organization may fetch says nothing of
/// another one.
#[derive(Debug, Default)]
pub(crate) struct Fetching {
    flights: Mutex<HashMap<(OrgId, FileKey), Arc<Flight>>>,
    judged: Mutex<HashSet<Judged>>,
}

/// Channel, fingerprints of its keys, SHA-256 of a file whose signature is good under them.
type Judged = (i64, String, String);

/// Judged files that are remembered.
const MOST_JUDGED: usize = 20_000;

impl Fetching {
    fn is_judged(&self, file: &Judged) -> bool {
        let judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        judged.contains(file)
    }

    fn remember_judged(&self, file: Judged) {
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.len() >= MOST_JUDGED {
            judged.clear();
        }
        judged.insert(file);
    }
}

/// Ends a flight, whatever becomes of the task that makes it.
struct Landing {
    content: Content,
    key: (OrgId, FileKey),
    file_name: String,
    arrived: watch::Receiver<Arrived>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Landing {
    fn end(&self, outcome: Outcome) {
        if let Err(error) = &outcome
            && self.arrived.borrow().file.is_some()
        {
            // Clients that were told "200" only see their connection break.
            tracing::error!(package = self.file_name, %error, "a package failed while it was on its way to clients; nothing was stored");
        }
        // Whoever sees the end and asks again begins anew.
        self.content
            .fetching()
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
        self.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.outcome.borrow().is_none() {
            self.end(Err(unfinished()));
        }
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
    /// Where a client can fetch a package itself; none where it has to come through this server.
    pub(crate) async fn redirect_target(&self, package: &FoundPackage) -> Result<Option<String>> {
        let (Some(upstream), Some(href)) = (package.upstream, &package.href) else {
            return Ok(None);
        };
        let Some(row) = airlock_db::channels::upstream_with_secrets(self.db(), upstream).await?
        else {
            return Ok(None);
        };
        Ok(upstream::for_clients(&row, href).map(String::from))
    }

    /// A package with a place where its file can be had. Packages whose file was held once are described by themselves;
    /// when the file was lost, any upstream that lists it will do.
    pub(crate) async fn with_source(
        &self,
        org: airlock_model::OrgId,
        package: FoundPackage,
    ) -> Result<FoundPackage> {
        if package.href.is_some() {
            return Ok(package);
        }
        let key: FileKey = (package.checksum_type.clone(), package.checksum.clone());
        let sources = airlock_db::records::sources_of(self.db(), org, &key).await?;
        Ok(match sources.into_iter().next() {
            Some(source) => FoundPackage {
                record: source.id,
                upstream: source.upstream,
                href: source.href,
                ..package
            },
            None => package,
        })
    }

    /// Judges a held package of a channel that requires signatures but did not look into its packages when it synced:
    /// another channel may have brought the file in under another policy. Good ones are remembered.
    ///
    /// # Errors
    /// [`Error::BadPackage`] when the channel's policy refuses it.
    pub(crate) async fn judge_held(
        &self,
        channel: &Channel,
        package: &FoundPackage,
        sha256: &str,
    ) -> Result<()> {
        let policy = channel.effective_signatures();
        if policy != airlock_model::SignaturePolicy::Require || package.href.is_none() {
            return Ok(());
        }
        let known = (channel.id.0, channel.keys.join(" "), sha256.to_owned());
        if self.fetching().is_judged(&known) {
            return Ok(());
        }
        let keys = self.key_ring(channel).await?;
        let (path, name) = (self.blobs().path(sha256)?, package.file_name.clone());
        self.blocking("judging a package", move |_| {
            crate::inspect::judge_signature(&path, &name, &keys, policy)
        })
        .await?;
        self.fetching().remember_judged(known);
        Ok(())
    }

    /// Serves a package that is not held: as soon as its upstream has answered, or, when it is small, from the store.
    pub(crate) async fn fetch_on_demand(
        &self,
        version: &ResolvedVersion,
        package: FoundPackage,
    ) -> Result<Served> {
        let modified = version.published.instant;
        let flight = self.flight(&version.channel, &package, true);
        if package.size > HELD_BACK && flight.begun().await {
            return Ok(Served::Arriving(Arriving {
                content: self.clone(),
                flight,
                size: package.size,
                sha256: (package.checksum_type == "sha256")
                    .then(|| package.checksum.to_ascii_lowercase()),
                modified,
                content_type: PACKAGE,
            }));
        }
        let sha256 = self
            .landed(flight, &version.channel, &package, true)
            .await?;
        self.package_file(modified, &sha256)
    }

    /// Waits until a package is in the store.
    async fn landed(
        &self,
        mut flight: Arc<Flight>,
        channel: &Arc<Channel>,
        package: &FoundPackage,
        hurried: bool,
    ) -> Result<String> {
        loop {
            match flight.landed().await {
                Ok(sha256) => return Ok(sha256),
                // Another channel's upstream or signature policy does not decide for this one, nor does a client's haste
                // for a task.
                Err(_) if flight.channel != channel.id || (flight.hurried && !hurried) => {
                    flight = self.flight(channel, package, hurried);
                }
                Err(error) => return Err(Error::Shared(error)),
            }
        }
    }

    /// Joins the download of a package that is under way, or begins it: `hurried` when a client waits for it.
    fn flight(&self, channel: &Arc<Channel>, package: &FoundPackage, hurried: bool) -> Arc<Flight> {
        let key = (
            channel.org,
            (package.checksum_type.clone(), package.checksum.clone()),
        );
        let mut flights = self
            .fetching()
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return Arc::clone(flight);
        }
        let (follow, arrived) = watch::channel(Arrived::default());
        let (outcome, ended) = watch::channel(None);
        let flight = Arc::new(Flight {
            channel: channel.id,
            hurried,
            arrived: arrived.clone(),
            outcome: ended,
        });
        flights.insert(key.clone(), Arc::clone(&flight));
        let landing = Landing {
            content: self.clone(),
            key,
            file_name: package.file_name.clone(),
            arrived,
            outcome,
        };
        let (channel, package) = (Arc::clone(channel), package.clone());
        // On a task of its own: the client's going away must not stop it.
        tokio::spawn(async move {
            let done = landing
                .content
                .fetch_package(&channel, package, follow, hurried)
                .await;
            landing.end(done.map_err(Arc::new));
        });
        flight
    }

    async fn fetch_package(
        &self,
        channel: &Channel,
        package: FoundPackage,
        follow: watch::Sender<Arrived>,
        hurried: bool,
    ) -> Result<String> {
        let key: FileKey = (package.checksum_type.clone(), package.checksum.clone());
        // A flight that ended between the caller's look and this one's beginning has brought it.
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
        let row = airlock_db::channels::upstream_with_secrets(self.db(), upstream_id)
            .await?
            .ok_or_else(gone)?;
        let ctx = TaskContext {
            actor: Actor {
                org: channel.org,
                ..Actor::server(Cause::Upkeep, "on-demand")
            },
            task: None,
            operation: String::new(),
            before_change: Arc::new(crate::Unwatched),
            reporter: Arc::new(SilentReporter),
            cancel: CancelFlag::new(),
            clock: Arc::clone(self.clock()),
        };
        self.check_space(&package.file_name, package.size)?;
        let fetcher = if hurried {
            self.fetcher_for_clients()
        } else {
            self.fetcher()
        };
        let open = upstream::open(fetcher, row, &ctx).await?;
        let wanted = crate::sync::Wanted {
            record: package.record,
            checksum_type: package.checksum_type.clone(),
            checksum: package.checksum.clone(),
            size: package.size,
            href: package.href.clone().unwrap_or_default(),
            file_name: package.file_name.clone(),
        };
        let job = wanted.job(self.scratch())?.followed(follow);
        let file = open
            .session
            .download(&job, &Progress::silent(), &ctx.fetch_cancel())
            .await?;
        let keys = self.key_ring(channel).await?;
        let policy = channel.effective_signatures();
        let said = self.primary_of(package.record).await?;
        let _taking_up = self.taking_up().await;
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

    /// Fetches those of the wanted packages that are not held, several side by side.
    pub(crate) async fn fetch_each(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        wanted: Vec<crate::sync::Wanted>,
        stage: &str,
    ) -> Result<FetchOutcome> {
        let held = self
            .held_files(channel.org, wanted.iter().map(crate::sync::Wanted::key))
            .await?;
        let channel = Arc::new(channel.clone());
        let packages = wanted.len() as u64;
        let mut missing: VecDeque<crate::sync::Wanted> = wanted
            .into_iter()
            .filter(|w| !held.contains_key(&w.key()))
            .collect();
        let mut outcome = FetchOutcome {
            packages,
            fetched: 0,
            bytes: 0,
            missing: Vec::new(),
        };
        let need = crate::sync::bytes_needed(missing.iter().map(|w| w.size));
        self.check_space(stage, need)?;
        let total = missing.len() as u64;
        let mut done = 0;
        let mut running = tokio::task::JoinSet::new();
        loop {
            // Dropping the set leaves what is under way to the server, as when a client goes away.
            ctx.check()?;
            while running.len() < self.settings().parallel_downloads.max(1) {
                let Some(w) = missing.pop_front() else { break };
                let (content, channel) = (self.clone(), Arc::clone(&channel));
                running.spawn(async move {
                    let result = content.fetch_wanted(&channel, &w).await;
                    (w, result)
                });
            }
            ctx.reporter.report(airlock_model::Progress {
                stage: stage.to_owned(),
                done,
                total,
                unit: "packages".to_owned(),
            });
            let Some(ended) = running.join_next().await else {
                break;
            };
            let (w, result) = ended.map_err(|_| Error::worker_panicked("fetching a package"))?;
            done += 1;
            match result {
                Ok(()) => {
                    outcome.fetched += 1;
                    outcome.bytes += w.size;
                }
                Err(error)
                    if matches!(
                        error.cause(),
                        Error::NoSpace { .. } | Error::Database(_) | Error::Blob(_)
                    ) =>
                {
                    return Err(error);
                }
                Err(error) => outcome.missing.push(airlock_model::RefusedPackage {
                    package: w.file_name,
                    reason: error.to_string(),
                }),
            }
        }
        outcome.missing.sort_by(|a, b| a.package.cmp(&b.package));
        Ok(outcome)
    }

    async fn fetch_wanted(&self, channel: &Arc<Channel>, w: &crate::sync::Wanted) -> Result<()> {
        let package = FoundPackage {
            record: w.record,
            upstream: airlock_db::records::upstream_of(self.db(), w.record).await?,
            checksum_type: w.checksum_type.clone(),
            checksum: w.checksum.clone(),
            size: w.size,
            file_name: w.file_name.clone(),
            href: (!w.href.is_empty()).then(|| w.href.clone()),
        };
        let package = self.with_source(channel.org, package).await?;
        let flight = self.flight(channel, &package, false);
        self.landed(flight, channel, &package, false).await?;
        Ok(())
    }
}
