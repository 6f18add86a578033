//! What is kept over restarts: what each destination took of each source, refused logins, and how reads went.
//!
//! One small file a pair of destination and source below `reports/`, so that a change writes only its own, and one a source
//! below `sources/`. A file is written beside and renamed; one that cannot be read is left alone and told, and its pair
//! begins anew with a full report.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use airlock_model::Instant;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::destination::{Accepted, Marks};
use crate::inventory::Digest;

/// A login that was refused. It is not tried again with the same configuration for an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// With which configuration.
    pub fingerprint: String,
    /// What the server said.
    pub reason: String,
}

/// How long a refused login is not tried again.
pub const REFUSAL: i64 = 3600 * 1_000_000;

impl Refused {
    /// Until when it is not tried again with this configuration; `None` when it may be tried.
    #[must_use]
    pub fn until(&self, fingerprint: &str, now: Instant) -> Option<Instant> {
        let until = self.at.saturating_add(REFUSAL);
        (self.fingerprint == fingerprint && now.0 < until && now.0 >= self.at)
            .then_some(Instant(until))
    }
}

/// A report that is not sent because it looks wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What looks wrong.
    pub reason: String,
    /// The digest of what looks wrong.
    pub digest: String,
    /// How many guests there were, where their loss is what looks wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<u64>,
    /// How many full reads gave it.
    pub reads: u32,
    /// Since when, in microseconds since 1970.
    pub since: i64,
}

/// What a destination took of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The destination's identity.
    pub destination: String,
    /// The source's name.
    pub source: String,
    /// The source's kind.
    pub kind: String,
    /// What ids were.
    #[serde(default)]
    pub id_kind: Option<String>,
    /// The digest of each host.
    #[serde(default)]
    hosts: BTreeMap<String, String>,
    /// Guests of all hosts.
    #[serde(default)]
    guests: u64,
    /// Whether anything was ever taken.
    #[serde(default)]
    ever: bool,
    /// What the destination wants back.
    #[serde(default)]
    pub marks: Marks,
    /// When a report was taken last, in microseconds since 1970.
    #[serde(default)]
    pub sent_at: Option<i64>,
    /// The job on the server.
    #[serde(default)]
    pub job: Option<String>,
    /// How the job stood last.
    #[serde(default)]
    pub job_state: Option<String>,
    /// A report that waits.
    #[serde(default)]
    pub held: Option<Held>,
    /// The destination refused the login.
    #[serde(default)]
    pub refused: Option<Refused>,
    /// Why nothing could be sent last.
    #[serde(default)]
    pub error: Option<String>,
}

impl Report {
    /// What was taken, as destinations get it.
    #[must_use]
    pub fn accepted(&self) -> Accepted {
        Accepted {
            digests: self
                .hosts
                .iter()
                .filter_map(|(id, digest)| Some((id.as_str().into(), Digest::of_hex(digest)?)))
                .collect(),
            guests: self.guests,
            id_kind: self.id_kind.clone(),
            ever: self.ever,
            marks: self.marks.clone(),
        }
    }

    /// Notes what was taken.
    pub fn accept(&mut self, accepted: &Accepted) {
        self.hosts = accepted
            .digests
            .iter()
            .map(|(id, digest)| (id.to_string(), digest.hex()))
            .collect();
        self.guests = accepted.guests;
        self.id_kind.clone_from(&accepted.id_kind);
        self.ever = accepted.ever;
        self.marks = accepted.marks.clone();
    }
}

/// How a source was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// The source's name.
    pub source: String,
    /// When it was read whole last, in microseconds since 1970.
    #[serde(default)]
    pub read_at: Option<i64>,
    /// Hosts then.
    #[serde(default)]
    pub hosts: u64,
    /// Guests then.
    #[serde(default)]
    pub guests: u64,
    /// Why it could not be read last.
    #[serde(default)]
    pub error: Option<String>,
    /// The login was refused.
    #[serde(default)]
    pub refused: Option<Refused>,
}

/// Why state could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; check the folder's owner and free space, or name another with --state-dir", path.display())]
pub struct Error {
    /// Which file.
    pub path: PathBuf,
    /// What failed.
    pub source: std::io::Error,
}

/// The folder of the state.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
    order: Arc<Order>,
}

/// In which order reports were handed over to be written: an older one never replaces a newer one.
#[derive(Debug, Default)]
struct Order {
    next: AtomicU64,
    written: Mutex<BTreeMap<PathBuf, u64>>,
}

impl State {
    /// State in this folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            order: Arc::default(),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn report_path(&self, destination: &str, source: &str) -> PathBuf {
        self.folder
            .join("reports")
            .join(name(&[destination, source]))
    }

    fn reads_path(&self, source: &str) -> PathBuf {
        self.folder.join("sources").join(name(&[source]))
    }

    /// What a destination took of a source; empty when nothing is known.
    #[must_use]
    pub fn report(&self, destination: &str, source: &str, kind: &str) -> Report {
        let empty = || Report {
            destination: destination.to_owned(),
            source: source.to_owned(),
            kind: kind.to_owned(),
            ..Report::default()
        };
        read::<Report>(&self.report_path(destination, source))
            .filter(|found| found.destination == destination && found.source == source)
            .map_or_else(empty, |found| Report {
                kind: kind.to_owned(),
                ..found
            })
    }

    /// Everything that destinations took.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        all(&self.folder.join("reports"))
    }

    /// Keeps what a destination took.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_report(&self, report: &Report) -> Result<(), Error> {
        self.save_report_as(self.turn(), report)
    }

    /// The place of a report in the order of writing, for [`save_report_as`](Self::save_report_as).
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.order.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a report, unless a later one was kept meanwhile.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save_report_as(&self, turn: u64, report: &Report) -> Result<(), Error> {
        let path = self.report_path(&report.destination, &report.source);
        let mut written = self
            .order
            .written
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if written.get(&path).is_some_and(|last| *last > turn) {
            return Ok(());
        }
        write(&path, report)?;
        written.insert(path, turn);
        Ok(())
    }

    /// Forgets a pair.
    pub fn forget(&self, report: &Report) {
        let _ = std::fs::remove_file(self.report_path(&report.destination, &report.source));
    }

    /// How a source was read; empty when nothing is known.
    #[must_use]
    pub fn reads(&self, source: &str) -> Reads {
        read::<Reads>(&self.reads_path(source))
            .filter(|found| found.source == source)
            .unwrap_or_else(|| Reads {
                source: source.to_owned(),
                ..Reads::default()
            })
    }

    /// Keeps how a source was read.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_reads(&self, reads: &Reads) -> Result<(), Error> {
        write(&self.reads_path(&reads.source), reads)
    }

    /// Forgets how a source was read.
    pub fn forget_reads(&self, source: &str) {
        let _ = std::fs::remove_file(self.reads_path(source));
    }

    /// Asks the running program to send what it holds back, of one source or of all (empty).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn ask_to_accept(&self, source: &str, now: Instant) -> Result<(), Error> {
        write(&self.accept_path(source), &now.0)
    }

    fn accept_path(&self, source: &str) -> PathBuf {
        self.folder.join("accept").join(name(&[source]))
    }

    /// When somebody last asked to send what is held back of a source, in microseconds since 1970.
    #[must_use]
    pub fn asked_to_accept(&self, source: &str) -> Option<i64> {
        ["", source]
            .iter()
            .filter_map(|source| read::<i64>(&self.accept_path(source)))
            .max()
    }
}

/// A file name that any text gives.
fn name(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    format!("{}.json", hex::encode(digest.get(..12).unwrap_or(&digest)))
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!("{}: {error}; what it held is not known", path.display());
            }
            return None;
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::warn!("{}: {error}; what it held is not known", path.display());
            None
        }
    }
}

fn all<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| read(path)).collect()
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let work = || -> std::io::Result<()> {
        let bytes = serde_json::to_vec(value)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let new = path.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    work().map_err(|source| Error {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_again_and_damage_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path());
        let mut report = state.report("d", "s", "esx");
        report.accept(&Accepted {
            digests: BTreeMap::from([(
                "h".into(),
                Digest::of(&crate::model::Hypervisor::new("h")),
            )]),
            guests: 3,
            id_kind: Some("uuid".to_owned()),
            ever: true,
            marks: Marks::default(),
        });
        state.save_report(&report).unwrap();
        assert_eq!(state.report("d", "s", "esx"), report);
        assert_eq!(state.reports(), [report.clone()]);
        std::fs::write(state.report_path("d", "s"), b"{").unwrap();
        assert!(!state.report("d", "s", "esx").accepted().ever);
    }

    #[test]
    fn an_older_report_that_is_written_late_replaces_no_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path());
        let mut report = state.report("d", "s", "esx");
        let early = state.turn();
        report.sent_at = Some(2);
        state.save_report(&report).unwrap();
        report.sent_at = Some(1);
        state.save_report_as(early, &report).unwrap();
        assert_eq!(state.report("d", "s", "esx").sent_at, Some(2));
    }

    #[test]
    fn a_refusal_ends_after_an_hour_or_with_another_configuration() {
        let refused = Refused {
            at: 1_000_000,
            fingerprint: "a".to_owned(),
            reason: String::new(),
        };
        let after = |seconds: i64| Instant(1_000_000 + seconds * 1_000_000);
        assert!(refused.until("a", after(3599)).is_some());
        assert!(refused.until("a", after(3600)).is_none());
        assert!(refused.until("b", after(1)).is_none());
    }
}
