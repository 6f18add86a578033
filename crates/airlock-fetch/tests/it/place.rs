//! What most tests need: a fetcher with a hand-moved clock, names, a folder, a file with its checksum.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use airlock_fetch::{
    Algorithm, Cancel, Checksum, Downloaded, Error, Fetcher, Job, LookUp, ManualTimer, Progress,
    Resolver, Session, Settings, Upstream,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Names with the answers to successive look-ups; the last answer stays.
#[derive(Debug, Default)]
pub struct Names(Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    pub fn set(&self, name: &str, answers: &[&str]) {
        let answers = answers
            .iter()
            .map(|text| vec![text.parse().unwrap()])
            .collect();
        self.0.lock().unwrap().insert(name.to_owned(), answers);
    }
}

impl Resolver for Names {
    fn look_up(&self, name: &str) -> LookUp {
        let mut names = self.0.lock().unwrap();
        let answer = names.get_mut(name).map(|answers| {
            if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers.front().unwrap().clone()
            }
        });
        Box::pin(std::future::ready(answer.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "no such name in this test")
        })))
    }
}

pub struct Place {
    pub timer: Arc<ManualTimer>,
    pub names: Arc<Names>,
    pub fetcher: Fetcher,
    pub folder: TempDir,
    pub cancel: Cancel,
    pub progress: Progress,
}

impl Place {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let timer = Arc::new(ManualTimer::new());
        let names = Arc::new(Names::default());
        Self {
            fetcher: Fetcher::with(settings, timer.clone(), names.clone()),
            timer,
            names,
            folder: TempDir::new().unwrap(),
            cancel: Cancel::new(),
            progress: Progress::silent(),
        }
    }

    pub async fn session(&self, upstream: &Upstream) -> Session {
        self.fetcher.start(upstream).await.unwrap()
    }

    pub fn job(&self, path: &str, content: &[u8]) -> Job {
        Job::new(path, self.folder.path())
            .size(content.len() as u64)
            .checksum(sha256(content))
    }

    pub async fn download(&self, session: &Session, job: &Job) -> Result<Downloaded, Error> {
        session.download(job, &self.progress, &self.cancel).await
    }

    /// The names in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        names_in(self.folder.path())
    }

    /// The waits between tries, in seconds.
    pub fn rests(&self) -> Vec<u64> {
        self.timer
            .rests()
            .iter()
            .map(std::time::Duration::as_secs)
            .collect()
    }
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn sha256(content: &[u8]) -> Checksum {
    Checksum::new(Algorithm::Sha256, &hex::encode(Sha256::digest(content))).unwrap()
}

/// Bytes that do not repeat.
pub fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}

pub fn assert_content(done: &Downloaded, expected: &[u8]) {
    assert!(
        std::fs::read(done.path()).unwrap() == expected,
        "the file has other bytes"
    );
    assert_eq!(done.size, expected.len() as u64);
    assert_eq!(done.sha256_hex(), sha256(expected).hex());
}
