//! One pass over the three metadata files, side by side.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use airlock_repodata::compress::{self, ReadAhead};
use airlock_repodata::cut::{Cut, PackageCutter};
use airlock_repodata::{Limits, MetadataKind, primary};
use memchr::memmem::Finder;
use roaring::RoaringTreemap;

use super::known::{KnownRecord, KnownRecords};
use super::{Listed, NewRecord, RecordKey};
use crate::Error;
use crate::location::file_name;
use crate::pack::{Part, PartSpool, SpooledPart};

/// A metadata file on disk, verified against `repomd.xml`.
#[derive(Debug, Clone)]
pub struct MetadataPath {
    /// Its URL, for messages.
    pub name: String,
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

impl<'a> Selection<'a> {
    fn known(self) -> Option<&'a KnownRecords> {
        match self {
            Self::NotIn(known) => Some(known),
            Self::Only(_) => None,
        }
    }
}

/// Packages that a file named already. Known ones are kept as record ids, which take a few bits each.
#[derive(Default)]
struct Seen {
    known: RoaringTreemap,
    others: HashSet<RecordKey>,
}

impl Seen {
    /// False when the package was named before.
    fn insert(&mut self, key: &RecordKey, known: Option<&KnownRecord>) -> bool {
        match known {
            Some(record) => self.insert_known(record.record),
            None => self.others.insert(key.clone()),
        }
    }

    fn insert_known(&mut self, record: u64) -> bool {
        self.known.insert(record)
    }

    fn len(&self) -> u64 {
        self.known.len() + self.others.len() as u64
    }
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
    seen: u64,
}

pub(super) fn run_pass(
    input: &IngestInput<'_>,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<Pass, Error> {
    std::thread::scope(|scope| {
        let filelists = scope.spawn(|| {
            side_pass(
                MetadataKind::Filelists,
                Part::Filelists,
                &input.filelists,
                selection,
                scratch,
            )
        });
        let other = scope.spawn(|| {
            side_pass(
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
            if side.seen != pass.listed.len() as u64 {
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

fn cutter(kind: MetadataKind, file: &MetadataPath) -> Result<PackageCutter<ReadAhead>, Error> {
    let limits = Limits::default().with_open_size(file.open_size);
    let reader =
        compress::open_path(&file.path, &limits).map_err(|e| Error::metadata(&file.name, e))?;
    let reader = ReadAhead::start(reader).map_err(|e| Error::metadata(&file.name, e.into()))?;
    PackageCutter::new(kind, reader, limits).map_err(|e| Error::metadata(&file.name, e))
}

fn primary_pass(
    input: &IngestInput<'_>,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<PrimaryPass, Error> {
    let bad = |e| Error::metadata(&input.primary.name, e);
    let mut cutter = cutter(MetadataKind::Primary, &input.primary)?;
    let mut spool = PartSpool::new(Part::Primary, scratch)?;
    let mut pass = PrimaryPass {
        listed: Vec::new(),
        rows: Vec::new(),
        parts: [empty_spool(scratch)?],
        changed: HashSet::new(),
        warnings: Vec::new(),
    };
    let mut seen = Seen::default();
    let mut canonical = Vec::new();
    loop {
        let mut known_record = None;
        let cut = cutter.next_unless_known(|candidate| {
            known_record = selection.known().and_then(|known| {
                let record = known.get(&primary_key(candidate.bytes())?)?;
                canonical.clear();
                let location = primary::strip_location(candidate.bytes(), &mut canonical).ok()?;
                let href = join_base(location.base.as_deref(), &location.href);
                (record.says(Part::Primary, &canonical) && record.lies_at(&href))
                    .then_some(record.record)
                    // A package listed twice is worth the longer way, which says so by name.
                    .filter(|record| !seen.known.contains(*record))
            });
            known_record.is_some()
        });
        let element = match cut.map_err(bad)? {
            None => break,
            Some(Cut::Package(element)) => element,
            Some(Cut::Known) => {
                if let Some(record) = known_record {
                    seen.insert_known(record);
                    pass.listed.push(Listed::Known(record));
                }
                continue;
            }
        };
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
        let known_record = selection.known().and_then(|known| known.get(&key));
        if !seen.insert(&key, known_record) {
            pass.warnings.push(format!(
                "{} is listed twice; the first entry counts",
                summary.name
            ));
            continue;
        }
        canonical.clear();
        let location = primary::strip_location(element.bytes(), &mut canonical).map_err(bad)?;
        let href = join_base(location.base.as_deref(), &location.href);
        let take = match (selection, known_record) {
            (Selection::NotIn(_), Some(record)) => {
                if !(record.says(Part::Primary, &canonical) && record.lies_at(&href)) {
                    pass.changed.insert(key.clone());
                }
                pass.listed.push(Listed::Known(record.record));
                false
            }
            (Selection::NotIn(_), None) => true,
            (Selection::Only(wanted), _) => wanted.contains(&key),
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
                href,
            });
        }
    }
    if let Some(said) = cutter.declared_count()
        && said != seen.len()
    {
        pass.warnings.push(format!(
            "primary.xml says that it lists {said} packages, it lists {}",
            seen.len()
        ));
    }
    pass.parts = [spool.finish()?];
    Ok(pass)
}

/// The key of what may be a package of primary, without reading all of it. Taken only together with the fragment's
/// hash, so that a wrong guess costs time and nothing else.
fn primary_key(candidate: &[u8]) -> Option<RecordKey> {
    static CHECKSUM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("<checksum "));
    let rest = candidate.get(CHECKSUM.find(candidate)?..)?;
    let (tag, rest) = rest.split_at(memchr::memchr(b'>', rest)? + 1);
    let text = rest.get(..memchr::memchr(b'<', rest)?)?;
    let kind = if memchr::memmem::find(tag, b"\"md5\"").is_some() {
        "md5"
    } else {
        ""
    };
    RecordKey::new(kind, std::str::from_utf8(text).ok()?)
}

/// The checksum type stands only in primary; its length tells it apart (see [`RecordKey`]).
fn side_key(pkgid: &str) -> Option<RecordKey> {
    RecordKey::new(if pkgid.len() == 32 { "md5" } else { "" }, pkgid)
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
    kind: MetadataKind,
    part: Part,
    file: &MetadataPath,
    selection: Selection<'_>,
    scratch: &Path,
) -> Result<SidePass, Error> {
    let bad = |e| Error::metadata(&file.name, e);
    let mut cutter = cutter(kind, file)?;
    let mut spool = PartSpool::new(part, scratch)?;
    let mut changed = HashSet::new();
    let mut seen = Seen::default();
    loop {
        let cut = cutter.next_unless_known(|candidate| {
            let known_record = selection.known().and_then(|known| {
                let record = known.get(&side_key(candidate.pkgid()?)?)?;
                record
                    .says(part, candidate.bytes())
                    .then_some(record.record)
            });
            if let Some(record) = known_record {
                seen.insert_known(record);
            }
            known_record.is_some()
        });
        let element = match cut.map_err(bad)? {
            None => break,
            Some(Cut::Known) => continue,
            Some(Cut::Package(element)) => element,
        };
        let Some(key) = side_key(element.pkgid()) else {
            continue;
        };
        let known_record = selection.known().and_then(|known| known.get(&key));
        if !seen.insert(&key, known_record) {
            continue;
        }
        let take = match (selection, known_record) {
            (Selection::NotIn(_), Some(record)) => {
                if !record.says(part, element.bytes()) {
                    changed.insert(key.clone());
                }
                false
            }
            (Selection::NotIn(_), None) => true,
            (Selection::Only(wanted), _) => wanted.contains(&key),
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
