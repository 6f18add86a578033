//! Bringing in package files (`immediate`): what is missing is downloaded, every file is looked into, and the version
//! gets records made from the files' own headers.

use std::collections::HashMap;

use airlock_db::package_files::{FileKey, SeenFile};
use airlock_fetch::{Downloaded, Job, Location, Progress, Session, Transferred, Url};
use airlock_model::{Channel, RefusedPackage};
use airlock_repodata::primary;
use roaring::RoaringTreemap;

use super::upstream::OpenUpstream;
use crate::context::TaskContext;
use crate::inspect::{Claim, Inspected, inspect, judge_signature};
use crate::own_packs::OwnPack;
use crate::pack::{BlockOpener, PackReader, Part};
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// Refused packages and warnings named one by one; the rest is counted.
const NAMED: usize = 100;
/// Files whose rows are written together.
const ROWS_TOGETHER: usize = 64;

/// What came of bringing in packages.
#[derive(Debug, Default)]
pub(crate) struct BroughtIn {
    /// The records of the version: own ones.
    pub records: RoaringTreemap,
    /// Bytes that came in.
    pub bytes: u64,
    /// Packages left out: the first of them.
    pub refused: Vec<RefusedPackage>,
    /// How many packages were left out in all.
    pub left_out: u64,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A wanted package.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub record: u64,
    pub checksum_type: String,
    pub checksum: String,
    pub size: u64,
    pub href: String,
    pub file_name: String,
}

impl Wanted {
    pub(crate) fn key(&self) -> FileKey {
        (self.checksum_type.clone(), self.checksum.clone())
    }

    /// The download job of the file.
    pub(crate) fn job(&self, folder: &std::path::Path) -> Result<Job> {
        let checksum = crate::checksum::named_checksum(&self.checksum_type, &self.checksum)
            .ok_or_else(|| Error::bad_package(&self.file_name, "unknown checksum"))?;
        let mut job = Job::new(self.href.clone(), folder)
            .size(self.size)
            .checksum(checksum);
        if self.href.contains("://") {
            let url = Url::parse(&self.href).map_err(|e| Error::bad_package(&self.file_name, e))?;
            job.location = Location::Absolute(url);
        }
        Ok(job)
    }
}

/// The wanted packages of a view.
pub(crate) fn wanted(view: &VersionView) -> Vec<Wanted> {
    view.members()
        .map(|(record, info)| Wanted {
            record,
            checksum_type: info.checksum_type.to_owned(),
            checksum: info.checksum.to_owned(),
            size: info.size,
            href: info.href.to_owned(),
            file_name: info.file_name.to_owned(),
        })
        .collect()
}

impl Content {
    /// Downloads the files that are not held, each into the store as it arrives, so that a broken sync goes on where
    /// it stopped. Failed files are returned by their place.
    pub(crate) async fn download_missing(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        session: &Session,
        wanted: &[Wanted],
    ) -> Result<(u64, HashMap<usize, Error>)> {
        let held = self
            .held_files(channel.org, wanted.iter().map(Wanted::key))
            .await?;
        let missing: Vec<usize> = wanted
            .iter()
            .enumerate()
            .filter(|(_, w)| !held.contains_key(&w.key()))
            .map(|(place, _)| place)
            .collect();
        let need = super::metadata::bytes_needed(
            missing
                .iter()
                .filter_map(|place| wanted.get(*place))
                .map(|w| w.size),
        );
        if missing.is_empty() {
            return Ok((0, HashMap::new()));
        }
        self.check_space(&channel.label.to_string(), need)?;
        let jobs = missing
            .iter()
            .filter_map(|place| wanted.get(*place))
            .map(|w| w.job(self.scratch()))
            .collect::<Result<Vec<_>>>()?;
        let reporter = ctx.reporter.clone();
        let stage = format!("{}: packages", channel.label);
        let progress = Progress::new(move |now: Transferred| {
            reporter.report(airlock_model::Progress {
                stage: stage.clone(),
                done: now.bytes,
                total: need,
                unit: "bytes".to_owned(),
            });
        });
        let mut failures: HashMap<usize, Error> = HashMap::new();
        let (send, arrived) =
            tokio::sync::mpsc::channel::<(usize, airlock_fetch::Result<Downloaded>)>(16);
        let download = async {
            let send = send;
            session
                .download_all(
                    jobs,
                    self.settings().parallel_downloads,
                    &progress,
                    &ctx.fetch_cancel(),
                    |place, result| {
                        let send = send.clone();
                        async move {
                            match send.send((place, result)).await {
                                Ok(()) => std::ops::ControlFlow::Continue(()),
                                Err(_) => std::ops::ControlFlow::Break(()),
                            }
                        }
                    },
                )
                .await
        };
        let store = async {
            // Owned here: when storing fails, the way is closed and the downloads end instead of waiting for room.
            let mut arrived = arrived;
            let mut seen: Vec<SeenFile> = Vec::new();
            let mut files: Vec<Downloaded> = Vec::new();
            let mut keys = Vec::new();
            while let Some((place, result)) = arrived.recv().await {
                let place = missing.get(place).copied().unwrap_or(place);
                match result {
                    Ok(file) => {
                        keys.push(place);
                        files.push(file);
                    }
                    Err(error) => {
                        failures.insert(place, error.into());
                    }
                }
                if files.len() >= ROWS_TOGETHER {
                    self.store_files(
                        channel,
                        wanted,
                        std::mem::take(&mut keys),
                        std::mem::take(&mut files),
                        &mut seen,
                    )
                    .await?;
                }
            }
            self.store_files(channel, wanted, keys, files, &mut seen)
                .await
        };
        let (downloaded, stored) = tokio::join!(download, store);
        stored?;
        let _ = downloaded?;
        ctx.check()?;
        Ok((progress.transferred().bytes, failures))
    }

    async fn store_files(
        &self,
        channel: &Channel,
        wanted: &[Wanted],
        places: Vec<usize>,
        files: Vec<Downloaded>,
        seen: &mut Vec<SeenFile>,
    ) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let _taking_up = self.taking_up().await;
        let stored = self
            .blocking("storing packages", move |content| {
                let files: Vec<(std::path::PathBuf, String)> = files
                    .into_iter()
                    .map(|file| (file.sha256_hex(), file))
                    .map(|(sum, file)| (file.keep(), sum))
                    .collect();
                Ok(content.blobs().adopt_many(&files)?)
            })
            .await?;
        seen.clear();
        for (place, blob) in places.into_iter().zip(stored) {
            if let Some(w) = wanted.get(place) {
                seen.push(SeenFile {
                    key: w.key(),
                    sha256: blob.sha256,
                    size: blob.size,
                });
            }
        }
        airlock_db::package_files::remember(self.db(), channel.org, seen, self.now()).await?;
        Ok(())
    }

    /// Looks wanted files up and takes them up again, so that a collection that runs beside sees them as young; those
    /// that are `kept` anyway need not be. What is not in the answer is not held.
    async fn take_up_files(
        &self,
        org: airlock_model::OrgId,
        wanted: &[Wanted],
        kept: impl Fn(&Wanted) -> bool,
    ) -> Result<HashMap<FileKey, String>> {
        let touched: Vec<FileKey> = wanted
            .iter()
            .filter(|w| !kept(w))
            .map(Wanted::key)
            .collect();
        let _taking_up = self.taking_up().await;
        let held = self.held_files(org, wanted.iter().map(Wanted::key)).await?;
        self.blocking("taking up packages", move |content| {
            for sha256 in touched.iter().filter_map(|key| held.get(key)) {
                content.blobs().touch(sha256)?;
            }
            Ok(held)
        })
        .await
    }

    /// Brings in the packages of `view` (upstream records) and answers with own records. Packages of `trusted` were
    /// judged under the channel's present keys and policy.
    pub(crate) async fn bring_in(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        upstream: &OpenUpstream,
        view: &VersionView,
        trusted: &RoaringTreemap,
    ) -> Result<BroughtIn> {
        let session = &upstream.session;
        let trusted = trusted.clone();
        let wanted = wanted(view);
        let own = airlock_db::records::own_by_checksum(
            self.db(),
            channel.org,
            wanted.iter().map(Wanted::key),
        )
        .await?;
        let (mut bytes, mut failures) = self
            .download_missing(ctx, channel, session, &wanted)
            .await?;
        // Packages of `trusted` are in the current version, which keeps them.
        let kept = |w: &Wanted| own.get(&w.key()).is_some_and(|id| trusted.contains(*id));
        let mut held = self.take_up_files(channel.org, &wanted, kept).await?;
        if failures.is_empty() && wanted.iter().any(|w| !held.contains_key(&w.key())) {
            // Collected between the look and the taking up: they were old and nobody's.
            let (more, failed) = self
                .download_missing(ctx, channel, session, &wanted)
                .await?;
            bytes += more;
            failures = failed;
            held = self.take_up_files(channel.org, &wanted, kept).await?;
        }
        let mut brought = BroughtIn {
            bytes,
            ..BroughtIn::default()
        };
        if !failures.is_empty() {
            // A package that its own upstream does not have means a half-updated mirror: the whole sync waits.
            let mut failures: Vec<_> = failures.into_iter().collect();
            failures.sort_by_key(|(place, _)| *place);
            let count = failures.len();
            if let Some((_, error)) = failures.into_iter().next() {
                let more = if count > 1 {
                    format!(" (and {} more files)", count - 1)
                } else {
                    String::new()
                };
                let url = &upstream.row.url;
                return Err(Error::bad_upstream(url, format!("{error}{more}")));
            }
        }
        let keys = self.key_ring(channel).await?;
        let policy = channel.effective_signatures();
        ctx.stage(format!("{}: looking into packages", channel.label));
        let view = view.clone();
        let cancel = ctx.cancel.clone();
        let (pack, places, mut brought) = self
            .blocking("looking into packages", move |content| {
                let mut pack = OwnPack::new(content.scratch())?;
                let mut places = Vec::new();
                let mut fragments = UpstreamFragments::new(content, &view)?;
                for w in &wanted {
                    if cancel.is_cancelled() {
                        return Err(Error::Cancelled);
                    }
                    let sha256 = held.get(&w.key()).ok_or_else(|| {
                        Error::damaged(format!("{} vanished from the store", w.file_name))
                    })?;
                    let path = content.blobs().path(sha256)?;
                    if let Some(record) = own.get(&w.key()) {
                        // Looked into before, but perhaps for a channel with other keys: its signature is judged for
                        // this channel unless it was already.
                        let judged = trusted.contains(*record);
                        match if judged {
                            Ok(None)
                        } else {
                            judge_signature(&path, &w.file_name, &keys, policy)
                        } {
                            Ok(warning) => {
                                brought.warnings.extend(warning);
                                brought.records.insert(*record);
                            }
                            Err(Error::BadPackage { file, why }) => {
                                brought.refused.push(RefusedPackage {
                                    package: file,
                                    reason: why,
                                });
                            }
                            Err(error) => return Err(error),
                        }
                        continue;
                    }
                    let said = fragments.primary(w.record)?;
                    let claim = Claim {
                        file: &w.file_name,
                        checksum_type: &w.checksum_type,
                        checksum: &w.checksum,
                        size: w.size,
                        mtime: said.time_file,
                        upstream: Some(&said),
                    };
                    match inspect(&path, &claim, &keys, policy) {
                        Ok(Inspected {
                            record,
                            fragments,
                            warnings,
                        }) => {
                            brought.warnings.extend(warnings);
                            places.push(pack.add(record, &fragments)?);
                        }
                        Err(Error::BadPackage { file, why }) => {
                            brought.refused.push(RefusedPackage {
                                package: file,
                                reason: why,
                            });
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok((pack, places, brought))
            })
            .await?;
        if !pack.is_empty() {
            let first = self.store_own_pack(channel.org, pack).await?;
            brought
                .records
                .extend(places.into_iter().map(|place| first + place as u64));
        }
        shorten(&mut brought.warnings);
        brought.left_out = brought.refused.len() as u64;
        brought.refused.truncate(NAMED);
        Ok(brought)
    }
}

/// Names a few warnings and counts the rest: two thousand unsigned packages are one fact.
fn shorten(warnings: &mut Vec<String>) {
    const SHOWN: usize = 3;
    if warnings.len() > SHOWN {
        let more = warnings.len() - SHOWN;
        warnings.truncate(SHOWN);
        warnings.push(format!(
            "and {more} more packages with warnings of this kind"
        ));
    }
}

/// Reads primary fragments of a view in record order, one open block at a time.
struct UpstreamFragments<'a> {
    view: &'a VersionView,
    readers: Vec<PackReader>,
    opener: BlockOpener,
    held: Option<(usize, u32, Vec<Vec<u8>>)>,
}

impl<'a> UpstreamFragments<'a> {
    fn new(content: &Content, view: &'a VersionView) -> Result<Self> {
        let readers = view
            .packs
            .iter()
            .map(|pack| {
                Ok(PackReader::with_index(
                    &content.blobs().path(&pack.sha256)?,
                    pack.index.clone(),
                )?)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            view,
            readers,
            opener: BlockOpener::new(),
            held: None,
        })
    }

    fn primary(&mut self, record: u64) -> Result<primary::PrimaryPackage> {
        let missing = || Error::damaged(format!("record {record} has no metadata"));
        let number = self
            .view
            .packs
            .partition_point(|p| p.first_record <= record)
            .checked_sub(1)
            .ok_or_else(missing)?;
        let pack = self.view.packs.get(number).ok_or_else(missing)?;
        let reader = self.readers.get(number).ok_or_else(missing)?;
        let position = u32::try_from(record - pack.first_record).map_err(|_| missing())?;
        let blocks = pack.index.blocks(Part::Primary);
        let block = blocks
            .get(
                blocks
                    .partition_point(|b| b.first <= position)
                    .saturating_sub(1),
            )
            .ok_or_else(missing)?;
        if self
            .held
            .as_ref()
            .is_none_or(|(n, first, _)| (*n, *first) != (number, block.first))
        {
            let open = reader.open_block(block, &mut self.opener)?.open;
            let mut list = Vec::new();
            reader.fragments::<Error>(Part::Primary, block, open, |_, fragment| {
                list.push(fragment.to_vec());
                Ok(())
            })?;
            self.held = Some((number, block.first, list));
        }
        let fragment = self
            .held
            .as_ref()
            .and_then(|(_, first, list)| list.get((position - first) as usize))
            .ok_or_else(missing)?;
        primary::parse(fragment).map_err(|e| Error::metadata("stored metadata", e))
    }
}
