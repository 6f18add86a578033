//! Configuration files that somebody changed on purpose: acknowledged as they are now, a failure again when they change.
//!
//! Kept in `var/lib/airlock-agent/acknowledged.json` of the root.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ahead::Ahead;
use super::seen::Seen;
use super::{Host, NOT_READ};
use crate::verify::Root;

/// The largest configuration file that is read for this.
const LARGEST: u64 = 64 << 20;
/// The largest list.
const LARGEST_LIST: u64 = 16 << 20;

/// One file as it was when it was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The package, `NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`: another version asks anew.
    pub package: String,
    /// The file.
    pub path: String,
    /// What it was: digest of the content, mode, owner, group; or `missing`.
    pub state: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    version: u32,
    files: Vec<Acknowledged>,
}

/// Its folder, inside the root.
const FOLDER: &str = "/var/lib/airlock-agent";
const NAME: &str = "acknowledged.json";

/// What was acknowledged in a root.
pub(super) fn read(root: &Root) -> Result<Vec<Acknowledged>, String> {
    let shown = format!("{FOLDER}/{NAME}");
    let broken =
        |why: String| format!("{shown}: {why}; take it away, and acknowledge the files again");
    let text = match root.read_small(shown.as_bytes(), LARGEST_LIST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(error.to_string())),
    };
    let list: List = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    match list.version {
        1 => Ok(list.files),
        other => Err(broken(format!("version {other} is not known"))),
    }
}

impl Seen {
    /// Whether a file is still what was acknowledged.
    pub(super) fn is_acknowledged(&self, package: &str, path: &str) -> bool {
        let mut known = self.acknowledged.iter();
        known
            .find(|one| one.package == package && one.path == path)
            .is_some_and(|one| self.state_of(path).as_deref() == Some(one.state.as_str()))
    }

    fn state_of(&self, path: &str) -> Option<String> {
        let opened = self.open_with(
            path,
            rustix::fs::OFlags::RDONLY
                | rustix::fs::OFlags::NOFOLLOW
                | rustix::fs::OFlags::NONBLOCK
                | rustix::fs::OFlags::CLOEXEC,
        );
        let file = match opened {
            Ok(file) => fs::File::from(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some("missing".to_owned());
            }
            Err(_) => return None,
        };
        let data = file.metadata().ok()?;
        if !data.is_file() || data.len() > LARGEST {
            return None;
        }
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        let mut file = file.take(LARGEST);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hash.update(buffer.get(..count)?),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        let digest = hex::encode(hash.finalize());
        Some(format!(
            "sha256:{digest} {:o} {} {}",
            data.mode() & 0o7777,
            data.uid(),
            data.gid()
        ))
    }
}

impl Host {
    /// Acknowledges files as they are now; gives those that could not be read.
    ///
    /// # Errors
    /// Why the list cannot be kept.
    pub fn acknowledge(&mut self, files: &[(String, String)]) -> Result<Vec<String>, String> {
        let mut unread = Vec::new();
        let seen = self.seen.as_mut().ok_or(NOT_READ)?;
        let mut list = seen.acknowledged.clone();
        for (package, path) in files {
            let Some(state) = seen.state_of(path) else {
                unread.push(path.clone());
                continue;
            };
            list.retain(|one| !(one.package == *package && one.path == *path));
            list.push(Acknowledged {
                package: package.clone(),
                path: path.clone(),
                state,
            });
        }
        list.sort_by(|one, other| (&one.package, &one.path).cmp(&(&other.package, &other.path)));
        let written = seen
            .machine
            .root()
            .make_folder(FOLDER)
            .and_then(|folder| write(&folder, &list));
        written.map_err(|error| format!("{FOLDER}/{NAME}: {error}"))?;
        seen.acknowledged = list;
        self.ahead = Ahead::default();
        Ok(unread)
    }
}

/// `folder` has no links in it, and none of what lies there is followed.
fn write(folder: &Path, files: &[Acknowledged]) -> io::Result<()> {
    let part = folder.join("acknowledged.part");
    let list = List {
        version: 1,
        files: files.to_vec(),
    };
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    serde_json::to_writer_pretty(&mut file, &list)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&part, folder.join(NAME))?;
    fs::File::open(folder)?.sync_all()
}
