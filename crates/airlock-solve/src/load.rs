//! Reading whole metadata files into a pool: one thread opens what is compressed, the other reads.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use airlock_repodata::cut::{Fragment, PackageCutter};
use airlock_repodata::{Limits, MetadataKind};

use crate::build::PoolBuilder;
use crate::error::{Error, Result};
use crate::files::WantedPaths;
use crate::pool::RepositoryId;

/// Bytes that go from one thread to the other at once.
const PIECE: usize = 1 << 20;
/// Pieces that may wait.
const WAITING: usize = 4;

impl PoolBuilder {
    /// Adds all packages of an opened `primary.xml`. Their keys are their places in the file.
    ///
    /// # Errors
    /// [`Error::Repodata`] and those of [`PoolBuilder::add_primary`].
    pub fn read_primary(
        &mut self,
        repository: RepositoryId,
        primary: impl Read + Send,
        limits: &Limits,
    ) -> Result<()> {
        let mut key = 0;
        for_each_package(MetadataKind::Primary, primary, limits, |fragment| {
            key += 1;
            self.add_primary(repository, fragment.bytes(), key - 1)
        })
    }

    /// Looks for wanted paths in an opened `filelists.xml`.
    ///
    /// # Errors
    /// [`Error::Repodata`].
    pub fn read_filelists(
        &mut self,
        repository: RepositoryId,
        wanted: &WantedPaths,
        filelists: impl Read + Send,
        limits: &Limits,
    ) -> Result<()> {
        for_each_package(MetadataKind::Filelists, filelists, limits, |fragment| {
            self.add_filelists(repository, wanted, fragment.pkgid(), fragment.bytes())
        })
    }
}

fn for_each_package(
    kind: MetadataKind,
    file: impl Read + Send,
    limits: &Limits,
    mut take: impl FnMut(Fragment<'_>) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        scope.spawn(move || read_ahead(file, &sender));
        let pieces = Pieces {
            receiver,
            piece: Vec::new(),
            at: 0,
            ended: false,
        };
        let mut cutter = PackageCutter::new(kind, pieces, *limits)?;
        while let Some(fragment) = cutter.next_package()? {
            take(fragment)?;
        }
        Ok(())
    })
}

/// Sends everything in pieces, then an empty one. Ends when nobody listens any more.
fn read_ahead(mut file: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece);
        let last = piece.is_empty();
        let sent = sender.send(read.map(|_| piece));
        if last || sent.is_err() {
            return;
        }
    }
}

/// The other end of [`read_ahead`].
struct Pieces {
    receiver: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() && !self.ended {
            let piece = self.receiver.recv();
            self.piece = piece.map_err(|_| io::Error::other(Error::Thread))??;
            self.at = 0;
            self.ended = self.piece.is_empty();
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, length: usize) {
        self.at = (self.at + length).min(self.piece.len());
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let length = there.len().min(out.len());
        out[..length].copy_from_slice(&there[..length]);
        self.consume(length);
        Ok(length)
    }
}
