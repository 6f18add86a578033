//! A package on its way from its upstream, as clients see it: its bytes are handed on while they come, the last ones
//! only after the whole was verified, looked into and stored.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use airlock_fetch::Arrived;
use airlock_model::{ChannelId, Instant};
use tokio::sync::watch;

use crate::{Content, Error, Result};

/// The last bytes of an answer, which are not handed on before the whole file was verified: nobody completes a file
/// that turns out to be a wrong one. Files up to this size are only served from the store.
pub const HELD_BACK: u64 = 64 * 1024;

/// The SHA-256 of the blob, or why there is none.
pub(crate) type Outcome = Result<String, Arc<Error>>;

/// A download that any number of clients share.
#[derive(Debug)]
pub(crate) struct Flight {
    /// On whose behalf it was begun: upstream, keys and signature policy are this channel's.
    pub channel: ChannelId,
    /// Begun for a client: a failure that may pass is not waited out for long.
    pub hurried: bool,
    pub arrived: watch::Receiver<Arrived>,
    pub outcome: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    /// Waits for the end.
    pub(crate) async fn landed(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(unfinished())),
            Err(_) => Err(unfinished()),
        }
    }

    /// Waits until the upstream's answer has begun; false when the download ended first (or ended already).
    pub(crate) async fn begun(&self) -> bool {
        let mut arrived = self.arrived.clone();
        tokio::select! {
            biased;
            _ = self.landed() => false,
            begun = arrived.wait_for(|arrived| arrived.file.is_some()) => begun.is_ok(),
        }
    }
}

/// The task that had to end the download is gone; only a panic leads here.
pub(crate) fn unfinished() -> Arc<Error> {
    Arc::new(Error::worker_panicked("fetching a package"))
}

/// A package that is being fetched and whose upstream has answered.
pub struct Arriving {
    pub(crate) content: Content,
    pub(crate) flight: Arc<Flight>,
    /// Bytes it will have; another size is an error.
    pub size: u64,
    /// Its SHA-256 where the metadata says it; with checksums of other kinds it is not known before the end.
    pub sha256: Option<String>,
    /// When its version became current.
    pub modified: Instant,
    /// Its media type.
    pub content_type: &'static str,
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Arriving")
            .field("size", &self.size)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl Arriving {
    /// Waits until it is in the store, where the same path is served from then.
    ///
    /// # Errors
    /// Why it could not be fetched.
    pub async fn stored(&self) -> Result<()> {
        self.flight.landed().await.map_err(Error::Shared)?;
        Ok(())
    }

    /// A run of its bytes, to be read while they come.
    #[must_use]
    pub fn read(&self, start: u64, length: u64) -> ArrivingBytes {
        ArrivingBytes {
            content: self.content.clone(),
            arrived: self.flight.arrived.clone(),
            outcome: self.flight.outcome.clone(),
            file: None,
            start,
            at: start,
            end: start.saturating_add(length),
            stored: false,
        }
    }
}

/// A run of a file that will not change.
#[derive(Debug, Clone)]
pub struct ArrivedRun {
    /// The file.
    pub file: Arc<File>,
    /// The first byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
}

/// The bytes of an answer, in order, as they come.
pub struct ArrivingBytes {
    content: Content,
    arrived: watch::Receiver<Arrived>,
    outcome: watch::Receiver<Option<Outcome>>,
    /// Where the bytes before `at` were read.
    file: Option<Arc<File>>,
    start: u64,
    at: u64,
    end: u64,
    /// `file` is the verified blob.
    stored: bool,
}

impl std::fmt::Debug for ArrivingBytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}..{} at {}", self.start, self.end, self.at)
    }
}

impl ArrivingBytes {
    /// Waits for the next bytes; none after the last one. What is returned counts as handed out.
    ///
    /// # Errors
    /// The package could not be fetched, or is not what its metadata says; or the download began anew and other bytes
    /// came than those handed out. The client must then not get what looks like an end.
    pub async fn next(&mut self) -> Result<Option<ArrivedRun>> {
        while self.at < self.end {
            let outcome = self.outcome.borrow_and_update().clone();
            match outcome {
                Some(Err(error)) => return Err(Error::Shared(error)),
                Some(Ok(sha256)) if !self.stored => {
                    let path = self.content.blobs().path(&sha256)?;
                    let blob = File::open(&path)
                        .map_err(|error| Error::io(path.display().to_string(), error))?;
                    self.go_on_with(Arc::new(blob)).await?;
                    self.stored = true;
                }
                Some(Ok(_)) => return Ok(self.run(self.end)),
                None => {
                    let Arrived { file, len } = self.arrived.borrow_and_update().clone();
                    let there = len.min(self.end.saturating_sub(HELD_BACK));
                    if let Some(file) = file
                        && there > self.at
                    {
                        let same = self.file.as_ref().is_some_and(|f| Arc::ptr_eq(f, &file));
                        if !same {
                            self.go_on_with(file).await?;
                        }
                        return Ok(self.run(there));
                    }
                    self.changed().await?;
                }
            }
        }
        Ok(None)
    }

    /// Waits for more bytes or for the end.
    async fn changed(&mut self) -> Result<()> {
        let arriving = async {
            if self.arrived.changed().await.is_err() {
                // The download is over; what came of it is still being worked on.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = arriving => Ok(()),
            ended = self.outcome.changed() => ended.map_err(|_| Error::Shared(unfinished())),
        }
    }

    fn run(&mut self, end: u64) -> Option<ArrivedRun> {
        let start = std::mem::replace(&mut self.at, end);
        self.file.as_ref().map(|file| ArrivedRun {
            file: Arc::clone(file),
            start,
            length: end - start,
        })
    }

    /// Takes another file for the bytes to come, if those handed out are in it, too.
    async fn go_on_with(&mut self, file: Arc<File>) -> Result<()> {
        if let Some(old) = self.file.clone()
            && self.at > self.start
        {
            let new = Arc::clone(&file);
            let (start, end) = (self.start, self.at);
            self.content
                .blocking("comparing a download", move |_| {
                    let same = is_same_file(&old, &new) || is_equal(&old, &new, start, end);
                    if same {
                        Ok(())
                    } else {
                        Err(Error::RestartedDifferently)
                    }
                })
                .await?;
        }
        self.file = Some(file);
        Ok(())
    }
}

fn is_same_file(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.ino() == other.ino() && one.dev() == other.dev(),
        _ => false,
    }
}

/// Whether two files have the same bytes there; what cannot be read is not the same.
fn is_equal(one: &File, other: &File, start: u64, end: u64) -> bool {
    const STEP: usize = 256 * 1024;
    let (mut left, mut right) = (vec![0_u8; STEP], vec![0_u8; STEP]);
    let mut at = start;
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(STEP).min(STEP);
        let (left, right) = (&mut left[..length], &mut right[..length]);
        if one.read_exact_at(left, at).is_err()
            || other.read_exact_at(right, at).is_err()
            || left != right
        {
            return false;
        }
        at += length as u64;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use airlock_model::SystemClock;

    use super::*;
    use crate::ContentSettings;

    const SIZE: u64 = 3 * HELD_BACK;
    const LENGTH: usize = 3 * 64 * 1024;

    struct Coming {
        arrived: watch::Sender<Arrived>,
        outcome: watch::Sender<Option<Outcome>>,
        bytes: ArrivingBytes,
        content: Content,
        _folder: tempfile::TempDir,
    }

    async fn coming() -> Coming {
        let folder = tempfile::tempdir().unwrap();
        let db = airlock_db::Db::open(&folder.path().join("airlock.db").display().to_string())
            .await
            .unwrap();
        let content = Content::new(
            db,
            airlock_blob::BlobStore::open(folder.path()).unwrap(),
            airlock_fetch::Fetcher::new(airlock_fetch::Settings::default()),
            Arc::new(SystemClock),
            ContentSettings::new(folder.path()),
        );
        let (arrived, follower) = watch::channel(Arrived::default());
        let (outcome, ended) = watch::channel(None);
        let arriving = Arriving {
            content: content.clone(),
            flight: Arc::new(Flight {
                channel: ChannelId(1),
                hurried: true,
                arrived: follower,
                outcome: ended,
            }),
            size: SIZE,
            sha256: None,
            modified: Instant(0),
            content_type: crate::serve::PACKAGE,
        };
        Coming {
            arrived,
            outcome,
            bytes: arriving.read(0, SIZE),
            content,
            _folder: folder,
        }
    }

    fn file(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(file)
    }

    impl Coming {
        fn show(&self, file: &Arc<File>, len: u64) {
            self.arrived.send_replace(Arrived {
                file: Some(Arc::clone(file)),
                len,
            });
        }

        async fn store(&self, bytes: &[u8]) {
            let mut writer = self.content.blobs().writer().unwrap();
            writer.write_all(bytes).unwrap();
            let stored = writer.finish(None).unwrap();
            self.outcome.send_replace(Some(Ok(stored.sha256)));
        }

        async fn next(&mut self) -> (u64, u64) {
            let run = self.bytes.next().await.unwrap().unwrap();
            (run.start, run.length)
        }
    }

    #[tokio::test]
    async fn the_last_bytes_wait_for_the_store() {
        let mut coming = coming().await;
        let whole = vec![1; LENGTH];
        let part = file(&whole);
        coming.show(&part, 1_000);
        assert_eq!(coming.next().await, (0, 1_000));
        coming.show(&part, SIZE);
        assert_eq!(coming.next().await, (1_000, SIZE - HELD_BACK - 1_000));
        // Everything is there, and still nobody gets it: only the outcome wakes the reader.
        let waiting = tokio::select! {
            biased;
            _ = coming.bytes.next() => false,
            () = std::future::ready(()) => true,
        };
        assert!(waiting);
        coming.store(&whole).await;
        assert_eq!(coming.next().await, (SIZE - HELD_BACK, HELD_BACK));
        assert!(coming.bytes.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_download_that_begins_anew_goes_on_when_the_bytes_are_the_same() {
        let mut coming = coming().await;
        let whole = vec![1; LENGTH];
        coming.show(&file(&whole), 70_000);
        assert_eq!(coming.next().await, (0, 70_000));
        let again = file(&whole);
        coming.show(&again, 60_000);
        let waiting = tokio::select! {
            biased;
            _ = coming.bytes.next() => false,
            () = std::future::ready(()) => true,
        };
        assert!(waiting, "nothing new is there yet");
        coming.show(&again, 80_000);
        assert_eq!(coming.next().await, (70_000, 10_000));
        coming.store(&whole).await;
        assert_eq!(coming.next().await, (80_000, SIZE - 80_000));
        assert!(coming.bytes.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn other_bytes_than_those_handed_out_end_the_answer() {
        let mut changed = vec![1; LENGTH];
        changed[69_999] = 2;
        for stored in [false, true] {
            let mut coming = coming().await;
            coming.show(&file(&vec![1; LENGTH]), 70_000);
            assert_eq!(coming.next().await, (0, 70_000));
            if stored {
                coming.store(&changed).await;
            } else {
                coming.show(&file(&changed), 80_000);
            }
            let error = coming.bytes.next().await.unwrap_err();
            assert!(matches!(error, Error::RestartedDifferently), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failure_ends_the_answer_even_when_all_bytes_are_there() {
        let mut coming = coming().await;
        coming.show(&file(&vec![1; LENGTH]), SIZE);
        assert_eq!(coming.next().await, (0, SIZE - HELD_BACK));
        let error = Error::bad_package("a.rpm", "no signature");
        coming.outcome.send_replace(Some(Err(Arc::new(error))));
        let error = coming.bytes.next().await.unwrap_err();
        assert_eq!(error.kind(), airlock_model::ErrorKind::Invalid, "{error}");
    }
}
