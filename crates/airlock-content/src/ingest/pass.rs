//! One pass over the three metadata files, side by side.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, compress, primary};

use super::{KnownRecords, Listed, NewRecord, RecordKey};
use crate::Error;
use crate::location::file_name;
use crate::pack::{Part, PartSpool, SpooledPart, fragment_hash};

/// A metadata file on disk, verified against `repomd.xml`.
#[derive(Debug, Clone)]
pub struct MetadataPath {
    /// Where it lies.
    pub path: PathBuf,
    /// Opened size that `repomd.xml` promises.
    pub open_size: Option<u64>,
}

/// The three files of an upstream.
#[derive(Debug, Clone)]
pub struct IngestInput<'a> {
    /// The upstream's URL, for messages.
    pub upstream: &'a str,
    /// `primary.xml`.
    pub primary: MetadataPath,
    /// `filelists.xml`.
    pub filelists: MetadataPath,
    /// `other.xml`.
    pub other: MetadataPath,
}

/// Which packages a pass spools.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    /// Those not known; known ones are compared.
    NotIn(&'a KnownRecords),
    /// Just these.
    Only(&'a HashSet<RecordKey>),
}

pub(super) struct Pass {
    pub listed: Vec<Listed>,
    pub rows: Vec<NewRecord>,
    pub parts: [SpooledPart; 3],
    pub changed: HashSet<RecordKey>,
    pub warnings: Vec<String>,
}

struct SidePass {
    part: SpooledPart,
    changed: HashSet<RecordKey>,
    seen: usize,
}

pub(super) fn run_pass(
    input: &IngestInput<'_>,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<Pass, Error> {
    std::thread::scope(|scope| {
        let filelists = scope.spawn(|| {
            side_pass(
                input.upstream,
                MetadataKind::Filelists,
                Part::Filelists,
                &input.filelists,
                selection,
                scratch,
            )
        });
        let other = scope.spawn(|| {
            side_pass(
                input.upstream,
                MetadataKind::Other,
                Part::Other,
                &input.other,
                selection,
                scratch,
            )
        });
        let primary = primary_pass(input, selection, scratch);
        let joined = |handle: std::thread::ScopedJoinHandle<'_, Result<SidePass, Error>>| {
            handle
                .join()
                .unwrap_or_else(|_| Err(Error::worker_panicked("reading metadata")))
        };
        let (filelists, other) = (joined(filelists), joined(other));
        let mut pass = primary?;
        let (filelists, other) = (filelists?, other?);
        for (side, name) in [(&filelists, "filelists"), (&other, "other")] {
            if side.seen != pass.listed.len() {
                pass.warnings.push(format!(
                    "{name} describes {} packages, primary {}",
                    side.seen,
                    pass.listed.len()
                ));
            }
        }
        let mut changed = pass.changed;
        changed.extend(filelists.changed);
        changed.extend(other.changed);
        let [primary_part] = pass.parts;
        Ok(Pass {
            listed: pass.listed,
            rows: pass.rows,
            parts: [primary_part, filelists.part, other.part],
            changed,
            warnings: pass.warnings,
        })
    })
}

struct PrimaryPass {
    listed: Vec<Listed>,
    rows: Vec<NewRecord>,
    parts: [SpooledPart; 1],
    changed: HashSet<RecordKey>,
    warnings: Vec<String>,
}

fn cutter(
    upstream: &str,
    kind: MetadataKind,
    file: &MetadataPath,
) -> Result<PackageCutter<compress::Opened>, Error> {
    let limits = Limits::default().with_open_size(file.open_size);
    let reader =
        compress::open_path(&file.path, &limits).map_err(|e| Error::metadata(upstream, e))?;
    PackageCutter::new(kind, reader, limits).map_err(|e| Error::metadata(upstream, e))
}

fn primary_pass(
    input: &IngestInput<'_>,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<PrimaryPass, Error> {
    let bad = |e| Error::metadata(input.upstream, e);
    let mut cutter = cutter(input.upstream, MetadataKind::Primary, &input.primary)?;
    let mut spool = PartSpool::new(Part::Primary, scratch)?;
    let mut pass = PrimaryPass {
        listed: Vec::new(),
        rows: Vec::new(),
        parts: [empty_spool(scratch)?],
        changed: HashSet::new(),
        warnings: Vec::new(),
    };
    let mut seen: HashSet<RecordKey> = HashSet::new();
    let mut canonical = Vec::new();
    while let Some(element) = cutter.next_package().map_err(bad)? {
        let summary = primary::summarize(element.bytes()).map_err(bad)?;
        let key = RecordKey::new(&summary.checksum_type, &summary.checksum)
            .filter(|_| crate::checksum::is_checksum(&summary.checksum_type, &summary.checksum))
            .ok_or_else(|| {
                Error::package_checksum(
                    input.upstream,
                    &summary.name,
                    &summary.checksum_type,
                    &summary.checksum,
                )
            })?;
        if !seen.insert(key.clone()) {
            pass.warnings.push(format!(
                "{} is listed twice; the first entry counts",
                summary.name
            ));
            continue;
        }
        canonical.clear();
        primary::strip_location(element.bytes(), &mut canonical).map_err(bad)?;
        let take = match selection {
            Selection::NotIn(known) => match known.get(&key) {
                Some(record) => {
                    if record.hashes[Part::Primary.position()] != fragment_hash(&canonical) {
                        pass.changed.insert(key.clone());
                    }
                    pass.listed.push(Listed::Known(record.record));
                    false
                }
                None => true,
            },
            Selection::Only(wanted) => wanted.contains(&key),
        };
        if take {
            let position = u32::try_from(pass.rows.len())
                .map_err(|_| crate::pack::PackError::TooLarge(pass.rows.len()))?;
            pass.listed.push(Listed::New(position));
            spool.append(key.bytes(), &canonical)?;
            pass.rows.push(NewRecord {
                file_name: file_name(
                    &summary.href,
                    &summary.name,
                    &summary.version,
                    &summary.release,
                    &summary.arch,
                ),
                checksum_type: summary.checksum_type.into_owned(),
                checksum: summary.checksum.into_owned(),
                name: summary.name.into_owned(),
                epoch: summary.epoch,
                version: summary.version.into_owned(),
                release: summary.release.into_owned(),
                arch: summary.arch.into_owned(),
                size: summary.size_package,
                build_time: summary.time_build,
                href: join_base(summary.xml_base.as_deref(), &summary.href),
            });
        }
    }
    pass.parts = [spool.finish()?];
    Ok(pass)
}

fn join_base(base: Option<&str>, href: &str) -> String {
    match base {
        None | Some("") => href.to_owned(),
        Some(base) => format!(
            "{}/{}",
            base.trim_end_matches('/'),
            href.trim_start_matches('/')
        ),
    }
}

fn empty_spool(scratch: &Path) -> Result<SpooledPart, Error> {
    Ok(PartSpool::new(Part::Primary, scratch)?.finish()?)
}

fn side_pass(
    upstream: &str,
    kind: MetadataKind,
    part: Part,
    file: &MetadataPath,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<SidePass, Error> {
    let bad = |e| Error::metadata(upstream, e);
    let mut cutter = cutter(upstream, kind, file)?;
    let mut spool = PartSpool::new(part, scratch)?;
    let mut changed = HashSet::new();
    let mut seen: HashSet<RecordKey> = HashSet::new();
    while let Some(element) = cutter.next_package().map_err(bad)? {
        // The checksum type stands only in primary; its length tells it apart (see RecordKey).
        let id = element.pkgid();
        let Some(key) = RecordKey::new(if id.len() == 32 { "md5" } else { "" }, id) else {
            continue;
        };
        if !seen.insert(key.clone()) {
            continue;
        }
        let take = match selection {
            Selection::NotIn(known) => match known.get(&key) {
                Some(record) => {
                    if record.hashes[part.position()] != fragment_hash(element.bytes()) {
                        changed.insert(key.clone());
                    }
                    false
                }
                None => true,
            },
            Selection::Only(wanted) => wanted.contains(&key),
        };
        if take {
            spool.append(key.bytes(), element.bytes())?;
        }
    }
    Ok(SidePass {
        part: spool.finish()?,
        changed,
        seen: seen.len(),
    })
}
