//! The part of a download, which goes to other threads for its disk work and comes back, and those who follow it.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::part::Part;
use crate::session::blocking;

/// What is there of a file while it is being downloaded, for those who follow it ([`Job::followed`]).
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    /// The file, for reading; none until a host has answered with content that may be the right one.
    ///
    /// The bytes in it never change. A download that has to begin anew writes another file: who has handed out bytes
    /// of the old one has to compare them before going on with the new one. Nothing is verified before the download
    /// ends well.
    pub file: Option<Arc<File>>,
    /// Bytes at its start that are there.
    pub len: u64,
}

/// Where a download is written to.
pub(crate) struct Sink {
    part: Option<Part>,
    follow: Option<watch::Sender<Arrived>>,
    /// What followers read, once it was shown to them.
    shown: Option<Arc<File>>,
    received: u64,
}

impl Sink {
    pub(crate) fn new(follow: Option<watch::Sender<Arrived>>) -> Self {
        Self {
            part: None,
            follow,
            shown: None,
            received: 0,
        }
    }

    /// Counts bytes that came.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Bytes that came in all tries together, whatever became of them.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) async fn open(&mut self, job: &Job, cancel: &Cancel) -> Result<()> {
        if self.part.is_none() {
            let (folder, checksum, size) = (job.folder.clone(), job.checksum.clone(), job.size);
            let cancel = cancel.clone();
            self.part = Some(
                blocking(move || Part::open(&folder, checksum.as_ref(), size, &cancel)).await??,
            );
        }
        Ok(())
    }

    /// The part is only absent after the download was given up.
    pub(crate) fn part(&self) -> Result<&Part> {
        self.part.as_ref().ok_or(Error::Cancelled)
    }

    pub(crate) fn part_mut(&mut self) -> Result<&mut Part> {
        self.part.as_mut().ok_or(Error::Cancelled)
    }

    pub(crate) fn take(&mut self) -> Result<Part> {
        self.part.take().ok_or(Error::Cancelled)
    }

    /// Lets followers read what is here and what comes from now on.
    pub(crate) async fn show(&mut self) -> Result<()> {
        if self.follow.is_some() && self.shown.is_none() {
            let view = self.with_part(|part| part.view()).await?;
            self.shown = Some(Arc::new(view));
        }
        self.tell()
    }

    fn tell(&self) -> Result<()> {
        if let (Some(follow), Some(shown)) = (&self.follow, &self.shown) {
            follow.send_replace(Arrived {
                file: Some(Arc::clone(shown)),
                len: self.part()?.len(),
            });
        }
        Ok(())
    }

    /// Appends bytes. `missing` is what the whole file still needs, for the message when space runs out.
    pub(crate) async fn append(&mut self, chunks: Vec<Bytes>, missing: u64) -> Result<()> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.with_part(move |part| part.append(&chunks, missing))
            .await?;
        self.tell()
    }

    /// Throws the bytes away; followers keep what they have until [`Sink::show`].
    pub(crate) async fn reset(&mut self) -> Result<()> {
        self.shown = None;
        self.with_part(Part::reset).await
    }

    async fn with_part<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Part) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut part = self.take()?;
        let (part, done) = blocking(move || {
            let done = work(&mut part);
            (part, done)
        })
        .await?;
        self.part = Some(part);
        done
    }
}

/// Chunks of a body that wait to be written together.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub chunks: Vec<Bytes>,
    /// In all of them.
    pub bytes: usize,
}

impl Gathered {
    /// Writes them; `len` is the length of the file with them.
    ///
    /// # Errors
    /// As [`Sink::append`].
    pub(crate) async fn write(&mut self, sink: &mut Sink, job: &Job, len: u64) -> Result<()> {
        let written = len - self.bytes as u64;
        let chunks = std::mem::take(self).chunks;
        sink.append(chunks, job.most().saturating_sub(written))
            .await
    }
}
