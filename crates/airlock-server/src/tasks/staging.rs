//! Uploaded files on their way into a task: a folder each under `DATA/staging`.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Folders left by uploads that never became a task are removed after this long.
const OLD: Duration = Duration::from_secs(86_400);

/// A staging folder; removed when dropped unless a task took it over.
#[derive(Debug)]
pub struct Staging {
    path: Option<PathBuf>,
}

impl Staging {
    /// Makes one.
    ///
    /// # Errors
    /// What the system said.
    pub fn make(data: &Path) -> std::io::Result<Self> {
        let all = folder(data);
        let path = all.join(format!("{:032x}", rand::random::<u128>()));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        Ok(Self { path: Some(path) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.path
            .as_deref()
            .unwrap_or_else(|| Path::new("/nonexistent"))
    }

    /// A task took it over.
    pub fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

fn folder(data: &Path) -> PathBuf {
    data.join("staging")
}

/// Removes the folder that these files of a task lie in, once the task is over.
pub fn remove_of(data: &Path, file: &Path) {
    if let Some(parent) = file.parent()
        && parent.parent() == Some(folder(data).as_path())
    {
        let _ = std::fs::remove_dir_all(parent);
    }
}

/// Removes what was left over: everything when no push waits, else only what is old.
pub fn sweep(data: &Path, push_waits: bool) {
    let Ok(entries) = std::fs::read_dir(folder(data)) else {
        return;
    };
    let now = SystemTime::now();
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .and_then(|found| found.modified())
            .ok()
            .and_then(|time| now.duration_since(time).ok());
        if !push_waits || age.is_some_and(|age| age > OLD) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_unless_kept() {
        let data = tempfile::tempdir().unwrap();
        let gone = Staging::make(data.path()).unwrap().path().to_owned();
        assert!(!gone.exists());
        let staging = Staging::make(data.path()).unwrap();
        let kept = staging.path().to_owned();
        staging.keep();
        assert!(kept.exists());
        sweep(data.path(), true);
        assert!(kept.exists());
        remove_of(data.path(), Path::new("/etc/x/y"));
        remove_of(data.path(), &kept.join("0"));
        assert!(!kept.exists());
    }
}
