//! One run: lock, look, read, write, switch.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use airlock_repodata::repomd::{Distro, Record, Repomd, Tags};

use crate::blocks::{Item, frame_key};
use crate::cache::{self, Cache};
use crate::checksum;
use crate::error::{Error, Result};
use crate::options::{Options, Retain};
use crate::output::Lock;
use crate::previous::{Previous, Source};
use crate::reporter::Reporter;
use crate::walk::{Candidate, read_regular, walk};
use crate::{duplicates, parallel, read, retain, write};

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Packages in the metadata.
    pub packages: usize,
    /// Packages that were read; all others were known.
    pub read: usize,
    /// Packages that are named or there, but could not be read; they were warned about.
    pub failed: usize,
    /// False when nothing changed, so that the old metadata stays as it is.
    pub written: bool,
}

/// Makes the metadata of a folder.
///
/// # Errors
/// For impossible options, folders and files that are not there, another run that works on the folder, and when
/// reading folders or writing fails. The metadata that was there before is then still there. A package that cannot be
/// read is a warning and counts in [`Outcome::failed`].
pub fn run(options: &Options, reporter: &dyn Reporter) -> Result<Outcome> {
    check(options)?;
    let group = options
        .groupfile
        .as_ref()
        .map(|path| group(options, path))
        .transpose()?;
    let lock = Lock::take(options.output())?;
    let cache_path = cache_path(options)?;
    let previous = Previous::load(options, &cache_path, reporter)?;

    reporter.info("Directory walk started");
    let recycled = (options.update && options.recycle_pkglist).then(|| previous.paths(options));
    let walked = walk(options, recycled, reporter)?;
    reporter.info(&format!(
        "Directory walk done - {} packages",
        walked.candidates.len()
    ));
    let (items, mut outcome) = collect(options, &previous, walked.candidates, reporter)?;
    outcome.failed += walked.missing;
    let items = duplicates::handle(options, items, reporter);
    outcome.packages = items.len();

    let output_key = format!(
        "{}\n{}",
        options.output_key(),
        group
            .as_ref()
            .map(|(name, bytes)| {
                let sum = checksum::of(options.metadata_checksum(), bytes);
                format!("{name} {sum}")
            })
            .unwrap_or_default()
    );
    if is_unchanged(options, &previous, &items, &output_key) {
        reporter.info("New and old repodata match, not updating.");
        return Ok(outcome);
    }

    reporter.detail(&format!("Writing into {}", lock.temporary.display()));
    let files = write::write(options, &items, previous.indexed.as_ref(), &lock.temporary)?;
    let mut records: Vec<Record> = files
        .written
        .iter()
        .map(|file| file.record.clone())
        .collect();
    if let Some((name, bytes)) = &group {
        let written = write::additional(options, "group", name, bytes, &lock.temporary)?;
        records.push(written.record);
    }
    let old = previous.repomd.as_ref().map(|(repomd, _)| repomd);
    let revision_time = options
        .set_timestamp_to_revision
        .then(|| options.revision.as_deref().and_then(number))
        .flatten();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    for record in &mut records {
        record.timestamp = i64::try_from(revision_time.unwrap_or(now)).ok();
    }
    let carried = old
        .map(|old| retain::additional(options, old, group.is_some()))
        .unwrap_or_default();
    reporter.detail("Carrying old files along");
    retain::carry(options, old, &carried, &lock.target, &lock.temporary)?;
    records.extend(carried);
    let repomd = Repomd {
        revision: Some(options.revision.clone().unwrap_or_else(|| now.to_string())),
        tags: tags(options),
        records,
        unknown: Vec::new(),
    };
    reporter.detail("Writing repomd.xml");
    let bytes = repomd.to_xml();
    put(&lock.temporary.join("repomd.xml"), &bytes)?;
    if let Some(time) = revision_time {
        set_times(&lock.temporary, &repomd, time)?;
    }
    let cache = Cache {
        fragment_key: options.fragment_key(),
        output_key,
        frame_key: frame_key(options.general_compress_type),
        repomd: checksum::of(options.metadata_checksum(), &bytes),
        files: files.cached,
        entries: files.entries,
        blocks: files.blocks,
        failed: outcome.failed as u64,
    }
    .to_bytes();
    if options.cachedir.is_none() {
        // It is switched together with what it is about.
        put(&lock.temporary.join(cache::FILE_NAME), &cache)?;
    }
    lock.switch(reporter)?;
    if options.cachedir.is_some() {
        let fresh = cache_path.with_extension("new");
        put(&fresh, &cache)?;
        fs::rename(&fresh, &cache_path).map_err(Error::io(&cache_path))?;
    }
    outcome.written = true;
    Ok(outcome)
}

/// Finds options that cannot work, in createrepo_c's words where it has some.
fn check(options: &Options) -> Result<()> {
    if let Some((_, path)) = options.media().find(|(_, path)| !path.is_dir()) {
        let path = path.clone();
        return Err(Error::NoFolder { path });
    }
    if !options.output().is_dir() {
        let path = options.output().clone();
        return Err(Error::NoOutput { path });
    }
    let refuse = |option, value: &str, why| {
        let value = value.to_owned();
        Err(Error::Option { option, value, why })
    };
    let revision = options.revision.as_deref().unwrap_or_default();
    if options.set_timestamp_to_revision && number(revision).is_none() {
        let why = "--set-timestamp-to-revision requires a numeric value for --revision";
        return refuse("--revision", revision, why);
    }
    if options.further_media.is_some() && options.recycle_pkglist {
        let why = "the old metadata does not tell the medium of a package; give --pkglist instead";
        return refuse("--recycle-pkglist", "with --split", why);
    }
    if options.workers == Some(0) {
        return refuse("--workers", "0", "at least one is needed");
    }
    Ok(())
}

/// A number as C writes it: `0x` for hexadecimal, `0` before octal digits.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    u64::from_str_radix(digits, radix)
        .ok()
        .filter(|number| i64::try_from(*number).is_ok())
}

/// Name and bytes of the comps file.
fn group(options: &Options, path: &Path) -> Result<(String, Vec<u8>)> {
    let below = options.folder.join(path);
    let path = if below.is_file() { &below } else { path };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("comps.xml");
    Ok((name.to_owned(), read_regular("groupfile", path)?))
}

/// Where the cache file is. In a cache folder its name tells the output folder.
fn cache_path(options: &Options) -> Result<PathBuf> {
    let Some(folder) = &options.cachedir else {
        return Ok(options.output().join("repodata").join(cache::FILE_NAME));
    };
    let folder = match folder.is_absolute() {
        true => folder.clone(),
        false => options.output().join(folder),
    };
    fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let output = fs::canonicalize(options.output()).map_err(Error::io(options.output()))?;
    let sum = xxhash_rust::xxh3::xxh3_64(output.as_os_str().as_encoded_bytes());
    Ok(folder.join(format!("airlock-cache-{sum:016x}")))
}

/// Takes over what is known and reads the rest, biggest files first so that no thread ends alone.
fn collect(
    options: &Options,
    previous: &Previous,
    candidates: Vec<Candidate>,
    reporter: &dyn Reporter,
) -> Result<(Vec<Item>, Outcome)> {
    let mut found: Vec<Option<Item>> = Vec::with_capacity(candidates.len());
    let mut wanted = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let known = previous.find(options, candidate);
        if known.is_none() {
            wanted.push(at);
        }
        found.push(known);
    }
    wanted.sort_by_key(|at| std::cmp::Reverse(candidates[*at].stamp.size));
    let ordered: Vec<&Candidate> = wanted.iter().map(|at| &candidates[*at]).collect();
    let results = parallel::share(options.worker_count(), &ordered, |next, results| {
        let mut next = || {
            let (at, candidate) = next()?;
            reporter.detail(&format!("Reading {}", candidate.full.display()));
            Some((at, *candidate))
        };
        read::packages(options, &mut next, results);
    });
    let mut outcome = Outcome {
        read: wanted.len(),
        ..Outcome::default()
    };
    for (at, result) in wanted.iter().zip(results) {
        let candidate = &candidates[*at];
        match result {
            Ok(read) => {
                found[*at] = Some(Item {
                    key: candidate.key().into_owned(),
                    stamp: read.stamp,
                    identity: read.identity,
                    source: Source::Ready(read.parts),
                });
            }
            Err(why) => {
                outcome.failed += 1;
                reporter.warning(&format!(
                    "Cannot read package: {}: {why}",
                    candidate.full.display()
                ));
            }
        }
    }
    if let Some(list) = &options.read_pkgs_list {
        wanted.sort_unstable();
        let text: String = wanted
            .iter()
            .map(|at| format!("{}\n", options.location(&candidates[*at].path)))
            .collect();
        fs::write(list, text).map_err(Error::io(list))?;
    }
    Ok((found.into_iter().flatten().collect(), outcome))
}

/// True when a run would publish what is published.
fn is_unchanged(options: &Options, previous: &Previous, items: &[Item], output_key: &str) -> bool {
    let (Some(indexed), Some((_, repomd))) = (&previous.indexed, &previous.repomd) else {
        return false;
    };
    let cache = &indexed.cache;
    let in_place = |number: usize, item: &Item| match item.source {
        Source::Old { block, index } => indexed.starts[block as usize] + index as usize == number,
        Source::Ready(_) => false,
    };
    cache.output_key == output_key
        && cache.frame_key == frame_key(options.general_compress_type)
        && cache.entries.len() == items.len()
        && matches!(options.retain, Retain::Unlisted | Retain::All)
        && items
            .iter()
            .enumerate()
            .all(|(number, item)| in_place(number, item))
        && cache.repomd == checksum::of(options.metadata_checksum(), repomd)
}

fn tags(options: &Options) -> Tags {
    Tags {
        content: options.content.clone(),
        repo: options.repo.clone(),
        distro: options
            .distro
            .iter()
            .map(|(cpeid, name)| Distro {
                cpeid: cpeid.clone(),
                name: name.clone(),
            })
            .collect(),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(Error::io(path))
}

/// Sets the modification time of the files that are new.
fn set_times(folder: &Path, repomd: &Repomd, seconds: u64) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let names = repomd
        .records
        .iter()
        .filter_map(|record| record.href.strip_prefix("repodata/"))
        .chain(["repomd.xml"]);
    for name in names {
        let path = folder.join(name);
        File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_times(FileTimes::new().set_modified(time)))
            .map_err(Error::io(&path))?;
    }
    Ok(())
}
