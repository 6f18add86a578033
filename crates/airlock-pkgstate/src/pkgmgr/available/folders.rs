//! Packages in folders.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use airlock_rpm::{Package, read_package};

use super::{Available, Listener, Origin, Packages};
use crate::pkgmgr::error::{Error, Result};

/// What is taken of a file at once: most headers are smaller.
const BUFFER: usize = 64 << 10;

/// The folders that a pattern (`*`, `?`, `[…]`) stands for, by name; plain files that it fits too are passed over. None
/// when nothing fits.
///
/// # Errors
/// [`Error::Pattern`], [`Error::OnlyFiles`], and folders on the way that cannot be read.
pub fn matching_folders(pattern: &str) -> Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern).map_err(|error| Error::Pattern {
        pattern: pattern.to_owned(),
        why: error.msg.to_owned(),
    })?;
    let paths: Vec<PathBuf> = paths
        .map(|path| {
            path.map_err(|error| {
                let path = error.path().to_owned();
                Error::file(path, "cannot read the folder", error.into())
            })
        })
        .collect::<Result<_>>()?;
    let fits_files = !paths.is_empty();
    // What cannot be looked at is an error when it is read.
    let is_other = |path: &Path| std::fs::metadata(path).is_ok_and(|about| !about.is_dir());
    let folders: Vec<PathBuf> = paths.into_iter().filter(|path| !is_other(path)).collect();
    match folders.is_empty() && fits_files {
        true => Err(Error::OnlyFiles {
            pattern: pattern.to_owned(),
        }),
        false => Ok(folders),
    }
}

/// Reads the headers of all files `*.rpm` that lie in the folders themselves, not below.
///
/// # Errors
/// Folders that cannot be read; [`Error::Packages`] with every file that cannot.
pub fn load_folders(folders: &[PathBuf], listener: &mut dyn Listener) -> Result<Packages> {
    let mut packages = Packages {
        origin: Origin::Folders,
        all: Vec::new(),
    };
    let mut flaws = Vec::new();
    for folder in folders {
        listener.folder(&folder.display().to_string());
        for file in package_files(folder)? {
            match read(&file) {
                Ok(package) => packages.all.push(package),
                Err(why) => flaws.push(format!("{}: {why}", file.display())),
            }
            listener.package();
        }
        listener.done();
    }
    match flaws.is_empty() {
        true => Ok(packages),
        false => Err(Error::Packages { flaws }),
    }
}

fn package_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |error| Error::file(folder, "cannot read the folder", error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let is_named = entry.file_name().as_encoded_bytes().ends_with(b".rpm");
        if is_named && !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> std::result::Result<Available, String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or("its name is no UTF-8; rename it")?;
    // Opening a pipe would wait for its other end.
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no plain file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let modified = about.modified();
    let modified = modified.ok().and_then(|time| {
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok()
    });
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let head = read_package(&mut reader).map_err(|error| error.to_string())?;
    let package = Package::new(&head).map_err(|error| error.to_string())?;
    Ok(Available {
        name: package.name().to_owned(),
        epoch: package.epoch(),
        version: package.version().to_owned(),
        release: package.release().to_owned(),
        arch: package.arch().to_owned(),
        file: name.to_owned(),
        built: package
            .build_time()
            .and_then(|time| i64::try_from(time).ok()),
        modified,
    })
}
