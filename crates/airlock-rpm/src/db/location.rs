//! Where a root keeps its database of installed packages.

use std::path::{Path, PathBuf};

use super::Kind;
use super::error::{Error, Result};

/// File names by kind, in the order in which rpm of today tries them.
const FILES: [(Kind, &str); 3] = [
    (Kind::Sqlite, "rpmdb.sqlite"),
    (Kind::Ndb, "Packages.db"),
    (Kind::BerkeleyDb, "Packages"),
];

/// As many links as are followed.
const MOST_LINKS: u32 = 16;

/// A database that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its kind.
    pub kind: Kind,
    /// Its file.
    pub file: PathBuf,
    /// Files of other kinds beside it, left by a conversion: not read, but worth telling.
    pub others: Vec<PathBuf>,
}

/// Finds the database of a root.
///
/// Without `dbpath` these folders are looked into, as rpm's macros of the time put it: `/usr/lib/sysimage/rpm` (Fedora,
/// EL 10, SUSE), `/var/lib/rpm` (all before), and `.rpmdb` in root's home and in `home` (Debian's rpm). The first that
/// holds packages wins. A `dbpath` is taken inside the root, as rpm does.
///
/// # Errors
/// [`Error::NotFound`] naming the folders.
pub fn locate(root: &Path, dbpath: Option<&Path>, home: Option<&Path>) -> Result<Location> {
    let inside = |path: &Path| {
        let relative = path.strip_prefix("/").unwrap_or(path);
        match path.is_absolute() || root != Path::new("/") {
            true => root.join(relative),
            false => path.to_owned(),
        }
    };
    let folders: Vec<PathBuf> = match dbpath {
        Some(path) => vec![inside(path)],
        None => {
            let mut folders = vec![
                inside(Path::new("/usr/lib/sysimage/rpm")),
                inside(Path::new("/var/lib/rpm")),
                inside(Path::new("/root/.rpmdb")),
            ];
            if let Some(home) = home.filter(|home| home.is_absolute()) {
                let own = inside(&home.join(".rpmdb"));
                if !folders.contains(&own) {
                    folders.push(own);
                }
            }
            folders
        }
    };
    let mut empty = Vec::new();
    for folder in &folders {
        let found = settled(root, folder).and_then(|folder| look_into(root, &folder, &mut empty));
        if let Some(location) = found {
            return Ok(location);
        }
    }
    Err(Error::NotFound {
        looked: folders,
        empty,
    })
}

/// Follows a folder that is a link as if the root were `/`.
fn settled(root: &Path, folder: &Path) -> Option<PathBuf> {
    let mut folder = folder.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&folder) {
            Ok(target) => match target.strip_prefix("/") {
                Ok(inside) => folder = root.join(inside),
                Err(_) => folder = folder.parent()?.join(target),
            },
            Err(_) => return Some(folder),
        }
    }
    None
}

/// True for a file that lies in the root however many links lead to it. The database of another system would be taken
/// for this one's.
fn is_inside(root: &Path, file: &Path) -> bool {
    match (root.canonicalize(), file.canonicalize()) {
        (Ok(root), Ok(file)) => file.starts_with(root),
        // It cannot be opened either, and says why then.
        _ => true,
    }
}

fn look_into(root: &Path, folder: &Path, empty: &mut Vec<PathBuf>) -> Option<Location> {
    let mut there = FILES.iter().filter_map(|(kind, name)| {
        let file = folder.join(name);
        if !is_inside(root, &file) {
            return None;
        }
        let metadata = std::fs::metadata(&file).ok()?;
        // An empty file is what a conversion or a mistaken `rpm --initdb` leaves.
        if metadata.is_file() && metadata.len() == 0 {
            empty.push(file);
            return None;
        }
        Some((*kind, file))
    });
    let (kind, file) = there.next()?;
    Some(Location {
        kind,
        file,
        others: there.map(|(_, file)| file).collect(),
    })
}
