//! The data folder: made or tightened to 0700, and locked so that only one server works in it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The lock file's name. Its content is the process id of the server that holds it.
const LOCK: &str = "airlock.lock";

/// The data folder of this process, locked until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a folder cannot be the data folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// Another server works in it.
    #[error("another airlock server{} works in {path}; stop it first, or use another --data", pid.as_ref().map(|p| format!(" (process {p})")).unwrap_or_default())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The other server's process id.
        pid: Option<String>,
    },
    /// It belongs to another user.
    #[error(
        "{path} belongs to user id {owner}, and this is user id {own}; run the server as that user, or use another --data"
    )]
    Owner {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        own: u32,
    },
    /// It holds something else.
    #[error(
        "{path} is {what} and holds no Airlock data (there is \"{found}\"); its permissions were left alone: use an empty or new folder"
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Why it is not taken all the same.
        what: &'static str,
        /// The first thing that is not Airlock's.
        found: String,
    },
    /// The system said no.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DataDirError {
    /// Whether there is no room on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
    }
}

impl DataDir {
    /// Makes the folder if it is missing, tightens it to 0700 if it is ours, and locks it.
    ///
    /// # Errors
    /// [`DataDirError`]; a folder of somebody else, or one with something else in it that others need, is left untouched.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |what: &'static str| {
            let path = path.to_owned();
            move |source| DataDirError::Io { what, path, source }
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io("cannot make the data folder"))?;
        let path = path
            .canonicalize()
            .map_err(io("cannot find the data folder"))?;
        let found = std::fs::metadata(&path).map_err(io("cannot look at the data folder"))?;
        let own = rustix::process::geteuid().as_raw();
        if found.uid() != own {
            return Err(DataDirError::Owner {
                path,
                owner: found.uid(),
                own,
            });
        }
        refuse_foreign(&path, &found)?;
        if found.mode() & 0o077 != 0 {
            std::fs::set_permissions(&path, Permissions::from_mode(0o700))
                .map_err(io("cannot tighten the data folder"))?;
        }
        let lock_path = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(io("cannot open the lock file of"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut text = String::new();
            let _ = lock.read_to_string(&mut text);
            let pid = Some(text.trim().to_owned()).filter(|pid| !pid.is_empty());
            return Err(DataDirError::Locked { path, pid });
        }
        let written = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        match written {
            // The number is for messages only.
            Err(error) if error.kind() == ErrorKind::StorageFull => {}
            written => written.map_err(io("cannot write the lock file of"))?,
        }
        Ok(Self { path, _lock: lock })
    }

    /// The folder's full path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a small file that only this user may read, whole or not at all.
    ///
    /// # Errors
    /// What the system said.
    pub fn write_private(&self, name: &str, text: &str) -> Result<(), DataDirError> {
        let path = self.path.join(name);
        let io = |source| DataDirError::Io {
            what: "cannot write",
            path: path.clone(),
            source,
        };
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.path)
            .map_err(io)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(io)?;
        file.persist(&path).map_err(|error| io(error.error))?;
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(io)
    }
}

/// What a folder is that others live in: `--data /tmp` by root must not turn `/tmp` into 0700.
fn shared_by_others(
    path: &Path,
    data: &std::fs::Metadata,
    names: &[String],
) -> Option<&'static str> {
    const SYSTEM: [&str; 9] = [
        "/etc", "/usr", "/boot", "/dev", "/proc", "/sys", "/bin", "/sbin", "/lib",
    ];
    const HOME: [&str; 5] = [".bashrc", ".profile", ".bash_profile", ".ssh", ".config"];
    let home = std::env::var_os("HOME").and_then(|home| Path::new(&home).canonicalize().ok());
    let parent = path.parent();
    if parent.is_none_or(|parent| parent == Path::new("/") || parent == Path::new("/var"))
        || SYSTEM.iter().any(|system| path.starts_with(system))
    {
        Some("a folder of the system")
    } else if home.is_some_and(|home| home == path)
        || names.iter().any(|name| HOME.contains(&name.as_str()))
    {
        Some("a home folder")
    } else if data.mode() & 0o1002 != 0 {
        Some("a folder that others may write into")
    } else {
        None
    }
}

/// Refuses a folder that holds something else and that others live in. One that is the server's own is taken.
fn refuse_foreign(path: &Path, data: &std::fs::Metadata) -> Result<(), DataDirError> {
    let io = |source| DataDirError::Io {
        what: "cannot read",
        path: path.to_owned(),
        source,
    };
    let mut foreign = None;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let name = entry
            .map_err(io)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if matches!(name.as_str(), LOCK | "airlock.db" | "blobs") {
            return Ok(());
        }
        names.push(name.clone());
        let settings = name.ends_with(".toml")
            || name.ends_with(".pem")
            || name.ends_with(".crt")
            || name.ends_with(".key");
        if !settings && name != "lost+found" {
            foreign = Some(name);
        }
    }
    let Some(found) = foreign else { return Ok(()) };
    if let Some(what) = shared_by_others(path, data, &names) {
        return Err(DataDirError::Foreign {
            path: path.to_owned(),
            what,
            found,
        });
    }
    tracing::warn!(data = %path.display(), found, "the data folder holds something that is not Airlock's; only this user can read it now");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_made_tightened_and_locked_once() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let error = DataDir::open(&path).unwrap_err();
        assert!(
            matches!(&error, DataDirError::Locked { pid: Some(pid), .. } if *pid == std::process::id().to_string()),
            "{error}"
        );
        drop(first);
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let again = DataDir::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        again.write_private("initial-password", "secret\n").unwrap();
        assert_eq!(
            std::fs::metadata(path.join("initial-password"))
                .unwrap()
                .mode()
                & 0o777,
            0o600
        );
    }

    #[test]
    fn a_folder_that_others_live_in_is_left_alone() {
        for (name, mode, says) in [
            (".profile", 0o755, "a home folder"),
            ("letter.txt", 0o1755, "others may write"),
            ("letter.txt", 0o757, "others may write"),
        ] {
            let outer = tempfile::tempdir().unwrap();
            std::fs::set_permissions(outer.path(), Permissions::from_mode(mode)).unwrap();
            std::fs::write(outer.path().join(name), "x").unwrap();
            let error = DataDir::open(outer.path()).unwrap_err();
            assert!(matches!(error, DataDirError::Foreign { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(says) && error.contains(name), "{error}");
            let kept = std::fs::metadata(outer.path()).unwrap().mode();
            assert_eq!(kept & 0o7777, mode);
        }
        let data = std::fs::metadata("/").unwrap();
        for path in ["/", "/srv", "/var/lib", "/etc/airlock", "/usr/local/share"] {
            let what = shared_by_others(Path::new(path), &data, &[]);
            assert_eq!(what, Some("a folder of the system"), "{path}");
        }
    }

    #[test]
    fn an_own_folder_with_something_else_in_it_is_taken_and_tightened() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::set_permissions(outer.path(), Permissions::from_mode(0o755)).unwrap();
        std::fs::write(outer.path().join("letter.txt"), "x").unwrap();
        let _data = DataDir::open(outer.path()).unwrap();
        let mode = std::fs::metadata(outer.path()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(outer.path().join("letter.txt").exists());
    }
}
