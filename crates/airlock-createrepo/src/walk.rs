//! Which packages are to be indexed.

use std::collections::BTreeSet;
use std::fs::{self, FileType, Metadata};
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
}

/// All candidates in the order of their paths, and how many were named but are not there.
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
            let mut above = Vec::new();
            scan(
                options,
                &options.folder,
                "",
                &mut above,
                &mut walked,
                reporter,
            )?;
        }
        Some(paths) => {
            for path in paths {
                named(options, path, &mut walked, reporter);
            }
        }
    }
    walked
        .candidates
        .sort_unstable_by(|one, two| one.path.cmp(&two.path));
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
    let full = options.folder.join(&path);
    if excluded(options, &path) || (options.skip_symlinks && full.is_symlink()) {
        return;
    }
    match fs::metadata(&full) {
        Ok(metadata) if metadata.is_file() => walked.candidates.push(Candidate {
            path,
            full,
            stamp: Stamp::of(&metadata),
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

fn excluded(options: &Options, path: &str) -> bool {
    options
        .excludes
        .iter()
        .any(|pattern| glob::matches(pattern, path))
}

fn scan(
    options: &Options,
    folder: &Path,
    prefix: &str,
    above: &mut Vec<(u64, u64)>,
    walked: &mut Walked,
    reporter: &dyn Reporter,
) -> Result<()> {
    let metadata = fs::metadata(folder).map_err(Error::io(folder))?;
    let identity = (metadata.dev(), metadata.ino());
    if above.contains(&identity) {
        reporter.warning(&format!(
            "{}: a link to a folder above, left out",
            folder.display()
        ));
        return Ok(());
    }
    above.push(identity);
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let kind: FileType = entry.file_type().map_err(Error::io(&entry.path()))?;
        let name = entry.file_name();
        let is_package = name.as_encoded_bytes().ends_with(b".rpm");
        if kind.is_file() && !is_package {
            continue;
        }
        let full = entry.path();
        let Some(name) = name.to_str() else {
            walked.missing += usize::from(is_package);
            reporter.warning(&format!(
                "{}: the name is not UTF-8, left out",
                full.display()
            ));
            continue;
        };
        let path = match prefix {
            "" => name.to_owned(),
            _ => format!("{prefix}/{name}"),
        };
        // What vanishes between listing and looking, and links to nothing, are no packages.
        let Ok(metadata) = fs::metadata(&full) else {
            continue;
        };
        if metadata.is_dir() {
            scan(options, &full, &path, above, walked, reporter)?;
        } else if metadata.is_file()
            && is_package
            && !(options.skip_symlinks && kind.is_symlink())
            && !excluded(options, &path)
        {
            walked.candidates.push(Candidate {
                path,
                full,
                stamp: Stamp::of(&metadata),
            });
        }
    }
    above.pop();
    Ok(())
}
