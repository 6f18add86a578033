//! Which packages are to be indexed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry, FileType, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::glob;
use crate::options::Options;
use crate::reporter::Reporter;

/// What tells that a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    /// Modification time, nanoseconds since 1970.
    pub(crate) mtime: i128,
    pub(crate) inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            mtime: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// Modification time, whole seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.mtime.div_euclid(1_000_000_000)).unwrap_or(0)
    }
}

/// A package file to index.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Path below the folder, `/` between its parts.
    pub(crate) path: String,
    pub(crate) full: PathBuf,
    pub(crate) stamp: Stamp,
    /// Number of the medium; 0 when media are not split.
    pub(crate) medium: u32,
}

impl Candidate {
    /// What tells it from all other candidates of a run.
    pub(crate) fn key(&self) -> Cow<'_, str> {
        match self.medium {
            0 => Cow::Borrowed(&self.path),
            medium => Cow::Owned(format!("#{medium}/{}", self.path)),
        }
    }
}

/// All candidates in the order of media and paths, and how many were named but are not there.
pub(crate) struct Walked {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) missing: usize,
}

/// Finds the packages. `recycled` are the paths of earlier metadata for `--recycle-pkglist`.
pub(crate) fn walk(
    options: &Options,
    recycled: Option<Vec<String>>,
    reporter: &dyn Reporter,
) -> Result<Walked> {
    let mut walked = Walked {
        candidates: Vec::new(),
        missing: 0,
    };
    let listed = listed(options, recycled)?;
    match listed {
        None => {
            for (medium, folder) in options.media() {
                let mut scan = Scan {
                    options,
                    medium,
                    above: Vec::new(),
                    walked: &mut walked,
                    reporter,
                };
                scan.folder(folder, "")?;
            }
        }
        Some(paths) => {
            for path in paths {
                named(options, path, &mut walked, reporter);
            }
        }
    }
    walked
        .candidates
        .sort_unstable_by(|one, two| (one.medium, &one.path).cmp(&(two.medium, &two.path)));
    Ok(walked)
}

/// The paths that are named one by one; `None` when the whole folder counts.
fn listed(options: &Options, recycled: Option<Vec<String>>) -> Result<Option<BTreeSet<String>>> {
    if options.pkglist.is_none() && options.include_packages.is_empty() && recycled.is_none() {
        return Ok(None);
    }
    let mut paths: BTreeSet<String> = recycled.into_iter().flatten().collect();
    if let Some(list) = &options.pkglist {
        let text = read_regular("pkglist file", list)?;
        paths.extend(
            String::from_utf8_lossy(&text)
                .lines()
                .map(|line| line.trim().trim_start_matches("./").to_owned())
                .filter(|line| !line.is_empty()),
        );
    }
    for package in &options.include_packages {
        // Taken as below the folder where that exists, else as seen from here.
        let below = match package.strip_prefix(&options.folder) {
            Ok(below) if !options.folder.join(package).exists() => below,
            _ => package.as_path(),
        };
        paths.insert(below.to_string_lossy().trim_start_matches("./").to_owned());
    }
    Ok(Some(paths))
}

/// Reads a file that an option names. A pipe or a folder is refused before it can block.
pub(crate) fn read_regular(what: &'static str, path: &Path) -> Result<Vec<u8>> {
    let regular = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if !regular {
        let path = path.to_owned();
        return Err(Error::NoFile { what, path });
    }
    fs::read(path).map_err(Error::io(path))
}

fn named(options: &Options, path: String, walked: &mut Walked, reporter: &dyn Reporter) {
    // On the first medium that has it; missed on the first one when none has.
    let mut media = options
        .media()
        .map(|(medium, folder)| (medium, folder.join(&path)));
    let first = media.next();
    let there = |(_, full): &(u32, PathBuf)| full.exists();
    let found = first.clone().into_iter().chain(media).find(there);
    let Some((medium, full)) = found.or(first) else {
        return;
    };
    if excluded(options, &path) || (options.skip_symlinks && full.is_symlink()) {
        return;
    }
    match fs::metadata(&full) {
        Ok(metadata) if metadata.is_file() => walked.candidates.push(Candidate {
            path,
            full,
            stamp: Stamp::of(&metadata),
            medium,
        }),
        Ok(_) => {
            walked.missing += 1;
            reporter.warning(&format!(
                "Cannot read package: {}: it is not a regular file",
                full.display()
            ));
        }
        Err(error) => {
            walked.missing += 1;
            reporter.warning(&format!("Cannot read package: {}: {error}", full.display()));
        }
    }
}

fn excluded(options: &Options, text: &str) -> bool {
    options
        .excludes
        .iter()
        .any(|pattern| glob::matches(pattern, text))
}

/// The walk through one medium.
struct Scan<'w> {
    options: &'w Options,
    medium: u32,
    /// Device and inode of the folders that lead here.
    above: Vec<(u64, u64)>,
    walked: &'w mut Walked,
    reporter: &'w dyn Reporter,
}

impl Scan<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let metadata = fs::metadata(folder).map_err(Error::io(folder))?;
        let identity = (metadata.dev(), metadata.ino());
        if self.above.contains(&identity) {
            self.reporter.warning(&format!(
                "{}: a link to a folder above, left out",
                folder.display()
            ));
            return Ok(());
        }
        self.above.push(identity);
        for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
            self.entry(&entry.map_err(Error::io(folder))?, prefix)?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, prefix: &str) -> Result<()> {
        let kind: FileType = entry.file_type().map_err(Error::io(&entry.path()))?;
        let name = entry.file_name();
        let is_package = name.as_encoded_bytes().ends_with(b".rpm");
        if kind.is_file() && !is_package {
            return Ok(());
        }
        let full = entry.path();
        let Some(name) = name.to_str() else {
            self.walked.missing += usize::from(is_package);
            self.reporter.warning(&format!(
                "{}: the name is not UTF-8, left out",
                full.display()
            ));
            return Ok(());
        };
        // The name alone is compared as well, also that of a folder.
        if excluded(self.options, name) {
            return Ok(());
        }
        let path = match prefix {
            "" => name.to_owned(),
            _ => format!("{prefix}/{name}"),
        };
        // What vanishes between listing and looking, and links to nothing, are no packages.
        let Ok(metadata) = fs::metadata(&full) else {
            return Ok(());
        };
        if metadata.is_dir() {
            self.folder(&full, &path)?;
        } else if metadata.is_file()
            && is_package
            && !(self.options.skip_symlinks && kind.is_symlink())
            && !excluded(self.options, &path)
        {
            self.walked.candidates.push(Candidate {
                path,
                full,
                stamp: Stamp::of(&metadata),
                medium: self.medium,
            });
        }
        Ok(())
    }
}
