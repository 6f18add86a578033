//! Which files of the old `repodata` folder go into the new one.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use airlock_repodata::repomd::{Record, Repomd};

use crate::cache;
use crate::error::{Error, Result};
use crate::options::{Options, Retain};
use crate::output::MARKER;

/// Types that a run makes itself; SQLite forms of them would be stale.
const OWN: [&str; 7] = [
    "primary",
    "filelists",
    "filelists-ext",
    "other",
    "primary_db",
    "filelists_db",
    "other_db",
];

/// The records of additional metadata that an update carries along.
pub(crate) fn additional(options: &Options, old: &Repomd, has_group: bool) -> Vec<Record> {
    if !options.update || options.discard_additional_metadata {
        return Vec::new();
    }
    old.records
        .iter()
        .filter(|record| {
            let kind = record.kind.as_str();
            // zchunk forms (`primary_zck`) are of our own kinds too.
            let own = OWN.contains(&kind.trim_end_matches("_zck"));
            let group = kind == "group" || kind == "group_gz" || kind == "group_zck";
            !(own || group && has_group)
        })
        .cloned()
        .collect()
}

/// Links the files that stay into the new folder. `carried` are additional metadata: they have to be there.
pub(crate) fn carry(
    options: &Options,
    old: Option<&Repomd>,
    carried: &[Record],
    from: &Path,
    to: &Path,
) -> Result<()> {
    for record in carried.iter().filter(|record| record.base.is_none()) {
        let Some(name) = record.href.strip_prefix("repodata/") else {
            continue;
        };
        let path = from.join(name);
        link(&path, &to.join(name)).map_err(|source| Error::Additional { path, source })?;
    }
    let listed: BTreeSet<&str> = old
        .into_iter()
        .flat_map(|repomd| &repomd.records)
        .filter_map(|record| record.href.strip_prefix("repodata/"))
        .collect();
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(from)(error)),
    };
    let entries = entries
        .collect::<io::Result<Vec<_>>>()
        .map_err(Error::io(from))?;
    let outdated = match options.retain {
        Retain::Newest(count) => outdated(&entries, count),
        _ => BTreeSet::new(),
    };
    for entry in entries {
        let name = entry.file_name();
        let own = name == MARKER || name == cache::FILE_NAME || name == "repomd.xml";
        // A signature of the old repomd.xml says nothing about the new one.
        let signature = name == "repomd.xml.asc" || name == "repomd.xml.key";
        if own || signature || to.join(&name).exists() {
            continue;
        }
        let stays = match options.retain {
            Retain::All => true,
            Retain::Unlisted => !name.to_str().is_some_and(|name| listed.contains(name)),
            // createrepo_c counts whole seconds.
            Retain::Younger(age) => changed(&entry)
                .elapsed()
                .is_ok_and(|elapsed| elapsed.as_secs() <= age.as_secs()),
            Retain::Newest(_) => !outdated.contains(&name),
        };
        if stays {
            link(&entry.path(), &to.join(&name)).map_err(Error::io(&entry.path()))?;
        }
    }
    Ok(())
}

fn changed(entry: &DirEntry) -> SystemTime {
    entry
        .metadata()
        .and_then(|metadata| metadata.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Files of primary, filelists and other that are not among the newest of their kind. The kind is told by the name,
/// since nothing else says what an old file was.
fn outdated(entries: &[DirEntry], count: usize) -> BTreeSet<OsString> {
    let mut outdated = BTreeSet::new();
    for kind in ["primary", "filelists", "other"] {
        for form in ["xml", "sqlite"] {
            let ending = format!("{kind}.{form}");
            let mut same: Vec<(SystemTime, OsString)> = entries
                .iter()
                .filter(|entry| {
                    let name = entry.file_name();
                    let name = name.to_str().and_then(|name| name.rsplit_once('.'));
                    name.is_some_and(|(stem, _)| stem.ends_with(&ending))
                })
                .map(|entry| (changed(entry), entry.file_name()))
                .collect();
            same.sort_unstable_by(|one, two| two.cmp(one));
            outdated.extend(same.into_iter().skip(count).map(|(_, name)| name));
        }
    }
    outdated
}

/// The same file under a second name, or a copy; folders with all that is in them.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            link(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) if kind.is_file() => fs::copy(from, to).map(|_| ()),
        other => other,
    }
}
