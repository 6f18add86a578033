//! What is known from earlier runs: the index of our own last run, or metadata that anybody made.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use airlock_repodata::compress;
use airlock_repodata::cut::PackageCutter;
use airlock_repodata::primary::{LOCATION_PLACEHOLDER, strip_location, summarize, with_location};
use airlock_repodata::repomd::Repomd;
use airlock_repodata::{Limits, MetadataKind};

use crate::blocks::Item;
use crate::cache::Cache;
use crate::checksum::{self, ChecksumKind};
use crate::duplicates::Identity;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::read::{Parts, push_escaped};
use crate::reporter::Reporter;
use crate::walk::Candidate;

/// An index that fits, with the files that it is about.
pub(crate) struct Indexed {
    pub(crate) cache: Cache,
    /// The metadata files as stored; their checksums were compared.
    pub(crate) files: Vec<Vec<u8>>,
    /// Number of the first package of each block.
    pub(crate) starts: Vec<usize>,
    /// Package number by key.
    by_key: HashMap<String, usize>,
    /// Block of each package.
    block_of: Vec<u32>,
}

/// A package as metadata without index knows it.
struct Known {
    href: String,
    size: u64,
    time: i64,
    /// `xml:base` of its location.
    base: Option<String>,
    identity: Identity,
    parts: Parts,
}

/// Everything that is known.
#[derive(Default)]
pub(crate) struct Previous {
    /// The `repomd.xml` of the output folder and its bytes.
    pub(crate) repomd: Option<(Repomd, Vec<u8>)>,
    pub(crate) indexed: Option<Indexed>,
    /// By file name, as createrepo_c does it, so that moved packages are found too.
    known: HashMap<String, Vec<Known>>,
}

/// Where an item's fragments come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// From a block of the earlier files.
    Old {
        /// Block.
        block: u32,
        /// Number within the block.
        index: u32,
    },
    /// They are here.
    Ready(Parts),
}

impl Previous {
    /// Loads what the options allow. Damaged metadata in the output folder is reported and left unused;
    /// `--update-md-path` has to be usable.
    pub(crate) fn load(options: &Options, cache: &Path, reporter: &dyn Reporter) -> Result<Self> {
        let repodata = options.output().join("repodata");
        let mut previous = Self::default();
        let repomd = repodata.join("repomd.xml");
        if let Ok(bytes) = fs::read(&repomd) {
            match Repomd::parse(&bytes) {
                Ok(parsed) => previous.repomd = Some((parsed, bytes)),
                Err(error) => reporter.warning(&format!(
                    "{}: {error}; the old metadata is not used",
                    repomd.display()
                )),
            }
        }
        if !options.update {
            return Ok(previous);
        }
        if let Some((repomd, _)) = &previous.repomd {
            previous.indexed = indexed(options, cache, &repodata, repomd, reporter);
        }
        if previous.indexed.is_none() && previous.repomd.is_some() && !options.filelists_ext {
            match load(options, options.output()) {
                Ok(known) => previous.add(known),
                Err(error) => reporter.warning(&format!(
                    "{error}; the old metadata is not used, packages are read again"
                )),
            }
        }
        for path in &options.update_md_paths {
            let known = load(options, path).map_err(|why| Error::UpdatePath {
                path: path.clone(),
                why: Box::new(why),
            })?;
            if !options.filelists_ext {
                previous.add(known);
            }
        }
        Ok(previous)
    }

    fn add(&mut self, known: Vec<Known>) {
        for package in known {
            let name = base_name(&package.href).to_owned();
            self.known.entry(name).or_default().push(package);
        }
    }

    /// What is known about a file that did not change since.
    pub(crate) fn find(&self, options: &Options, candidate: &Candidate) -> Option<Item> {
        if let Some(indexed) = &self.indexed
            && let Some(number) = indexed.by_key.get(candidate.key().as_ref())
        {
            let entry = &indexed.cache.entries[*number];
            if options.skip_stat || entry.stamp == candidate.stamp {
                let block = indexed.block_of[*number];
                let index = (number - indexed.starts[block as usize]) as u32;
                return Some(Item {
                    key: entry.key.clone(),
                    stamp: entry.stamp,
                    identity: entry.identity.clone(),
                    source: Source::Old { block, index },
                });
            }
        }
        let known = self.known.get(base_name(&candidate.path))?;
        let href = options.location(&candidate.path);
        let same = |known: &&Known| {
            options.skip_stat
                || (known.size == candidate.stamp.size && known.time == candidate.stamp.seconds())
        };
        let exact = known.iter().filter(same).find(|known| known.href == href);
        let found = exact.or_else(|| known.iter().find(same))?;
        let mut parts = found.parts.clone();
        let mut primary = Vec::with_capacity(parts[0].len() + href.len());
        with_location(&parts[0], &href, &mut primary).ok()?;
        // A base that nobody asked for now stays, as for createrepo_c.
        if let Some(base) = options.base(candidate.medium).or(found.base.clone()) {
            add_base(&mut primary, &base);
        }
        parts[0] = primary;
        Some(Item {
            key: candidate.key().into_owned(),
            stamp: candidate.stamp,
            identity: found.identity.clone(),
            source: Source::Ready(parts),
        })
    }

    /// Paths below the folder for `--recycle-pkglist`.
    pub(crate) fn paths(&self, options: &Options) -> Vec<String> {
        match &self.indexed {
            Some(indexed) => indexed
                .cache
                .entries
                .iter()
                .map(|entry| entry.key.clone())
                .collect(),
            None => {
                let prefix = options.location("");
                self.known
                    .values()
                    .flatten()
                    .map(|known| {
                        known
                            .href
                            .strip_prefix(&prefix)
                            .unwrap_or(&known.href)
                            .to_owned()
                    })
                    .collect()
            }
        }
    }
}

/// Puts `xml:base` into the location.
fn add_base(primary: &mut Vec<u8>, base: &str) {
    let start = b"<location ";
    let found = primary
        .windows(start.len())
        .position(|window| window == start);
    if let Some(at) = found {
        let mut attribute = String::from("xml:base=\"");
        push_escaped(&mut attribute, base);
        attribute.push_str("\" ");
        let at = at + start.len();
        primary.splice(at..at, attribute.into_bytes());
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The index, when it belongs to the published files and these are whole.
fn indexed(
    options: &Options,
    path: &Path,
    repodata: &Path,
    repomd: &Repomd,
    reporter: &dyn Reporter,
) -> Option<Indexed> {
    let bytes = fs::read(path).ok()?;
    let Some(cache) = Cache::from_bytes(&bytes) else {
        reporter.warning(&format!(
            "{}: the cache is damaged, not used",
            path.display()
        ));
        return None;
    };
    let framed = !cache.frame_key.is_empty();
    if cache.fragment_key != options.fragment_key() || !framed {
        return None;
    }
    let mut files = Vec::new();
    for file in &cache.files {
        let named = repomd
            .records
            .iter()
            .find(|record| record.checksum.value == file.checksum)?;
        let kind = ChecksumKind::from_name(&named.checksum.kind)?;
        let whole = fs::read(repodata.join(&file.name)).ok().filter(|bytes| {
            bytes.len() as u64 == file.size && checksum::of(kind, bytes) == file.checksum
        });
        files.push(whole?);
    }
    let mut starts = Vec::with_capacity(cache.blocks.len());
    let mut block_of = Vec::with_capacity(cache.entries.len());
    for (number, block) in cache.blocks.iter().enumerate() {
        if block.frames.len() != files.len() {
            return None;
        }
        starts.push(block_of.len());
        block_of.resize(block_of.len() + block.packages as usize, number as u32);
    }
    let by_key = cache
        .entries
        .iter()
        .enumerate()
        .map(|(number, entry)| (entry.key.clone(), number))
        .collect();
    Some(Indexed {
        cache,
        files,
        starts,
        by_key,
        block_of,
    })
}

/// Reads the metadata of a repository that anybody made. Packages with another checksum type than asked for are left
/// out.
fn load(options: &Options, repository: &Path) -> Result<Vec<Known>> {
    let path = repository.join("repodata/repomd.xml");
    let bytes = fs::read(&path).map_err(Error::io(&path))?;
    let repomd = Repomd::parse(&bytes).map_err(Error::metadata(&path))?;
    let mut by_id: HashMap<String, [Vec<u8>; 2]> = HashMap::new();
    for (at, kind) in [MetadataKind::Filelists, MetadataKind::Other]
        .into_iter()
        .enumerate()
    {
        each(repository, &repomd, kind, |id, fragment| {
            by_id.entry(id.to_owned()).or_default()[at] = fragment.to_vec();
            Ok(())
        })?;
    }
    let mut known = Vec::new();
    each(repository, &repomd, MetadataKind::Primary, |_, fragment| {
        let summary = summarize(fragment)?;
        if ChecksumKind::from_name(&summary.checksum_type) != Some(options.checksum) {
            return Ok(());
        }
        let Some([filelists, other]) = by_id.get(summary.checksum.as_ref()) else {
            return Ok(());
        };
        if filelists.is_empty() || other.is_empty() {
            return Ok(());
        }
        let mut primary = Vec::with_capacity(fragment.len() + LOCATION_PLACEHOLDER.len());
        strip_location(fragment, &mut primary)?;
        known.push(Known {
            identity: Identity::known(&summary),
            base: summary.xml_base.map(Cow::into_owned),
            href: summary.href.into_owned(),
            size: summary.size_package,
            time: summary.time_file,
            parts: vec![primary, filelists.clone(), other.clone()],
        });
        Ok(())
    })?;
    Ok(known)
}

/// Gives each package of a metadata file whose checksum is right.
fn each(
    repository: &Path,
    repomd: &Repomd,
    kind: MetadataKind,
    mut take: impl FnMut(&str, &[u8]) -> airlock_repodata::Result<()>,
) -> Result<()> {
    let Some(record) = repomd.record(kind.name()) else {
        return Ok(());
    };
    let path: PathBuf = repository.join(&record.href);
    let bytes = fs::read(&path).map_err(Error::io(&path))?;
    let right = ChecksumKind::from_name(&record.checksum.kind)
        .is_some_and(|kind| checksum::of(kind, &bytes) == record.checksum.value);
    if !right {
        return Err(Error::Damaged { path });
    }
    let limits = Limits::default().with_open_size(record.open_size);
    let cut = || -> airlock_repodata::Result<()> {
        let opened = compress::open(Cursor::new(bytes), &limits)?;
        let mut cutter = PackageCutter::new(kind, opened, limits)?;
        while let Some(fragment) = cutter.next_package()? {
            take(fragment.pkgid(), fragment.bytes())?;
        }
        Ok(())
    };
    cut().map_err(Error::metadata(&path))
}
