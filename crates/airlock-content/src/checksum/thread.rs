//! A running checksum on a thread of its own, beside whatever makes the bytes.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Hasher;
use crate::Error;

/// Bytes handed over at once.
const PIECE: usize = 256 << 10;
/// Pieces that wait to be hashed.
const WAITING: usize = 4;

/// Bytes from which a vector of them goes to the thread itself.
const WORTH_HANDING_OVER: usize = 32 << 10;

/// Takes bytes as [`Hasher`] does, and hashes them elsewhere.
pub struct HashThread {
    pieces: SyncSender<Vec<u8>>,
    used: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    thread: JoinHandle<String>,
}

impl HashThread {
    /// Starts a thread that goes on with a hasher.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(hasher: Hasher) -> Result<Self, Error> {
        let (pieces, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (back, used) = sync_channel(WAITING + 2);
        let thread = std::thread::Builder::new()
            .name("checksum".to_owned())
            .spawn(move || {
                let mut hasher = hasher;
                for piece in waiting {
                    hasher.update(&piece);
                    // A full way back means that there are enough.
                    let _ = back.try_send(piece);
                }
                hasher.finish()
            })
            .map_err(Error::write_metadata)?;
        Ok(Self {
            pieces,
            used,
            piece: Vec::with_capacity(PIECE),
            thread,
        })
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = PIECE.saturating_sub(self.piece.len());
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() >= PIECE {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    /// Takes the bytes of a vector, which is empty afterwards. Many bytes are handed over as they are, without a copy.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn take(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if bytes.len() < WORTH_HANDING_OVER {
            self.update(bytes)?;
        } else {
            if !self.piece.is_empty() {
                self.hand_over()?;
            }
            std::mem::swap(&mut self.piece, bytes);
            self.hand_over()?;
        }
        bytes.clear();
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let mut next = self
            .used
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(PIECE));
        next.clear();
        let piece = std::mem::replace(&mut self.piece, next);
        self.pieces
            .send(piece)
            .map_err(|_| Error::worker_panicked("hashing"))
    }

    /// The checksum of everything taken, in lower-case hex.
    ///
    /// # Errors
    /// When the thread is gone.
    pub fn finish(mut self) -> Result<String, Error> {
        self.hand_over()?;
        drop(self.pieces);
        self.thread
            .join()
            .map_err(|_| Error::worker_panicked("hashing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_same_checksum_as_the_hasher_itself() {
        for size in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut plain = Hasher::new("sha256").unwrap();
            plain.update(&bytes);
            let mut beside = HashThread::start(Hasher::new("sha256").unwrap()).unwrap();
            for part in bytes.chunks(100_003) {
                beside.update(part).unwrap();
            }
            assert_eq!(beside.finish().unwrap(), plain.finish());
        }
    }

    #[test]
    fn vectors_that_are_handed_over_stand_where_they_came() {
        let mut plain = Hasher::new("sha256").unwrap();
        let mut beside = HashThread::start(Hasher::new("sha256").unwrap()).unwrap();
        for (number, size) in [5, WORTH_HANDING_OVER, 7, 3 * PIECE, PIECE + 1, 1]
            .into_iter()
            .enumerate()
        {
            let mut bytes = vec![u8::try_from(number).unwrap(); size];
            plain.update(&bytes);
            if number == 4 {
                beside.update(&bytes).unwrap();
            } else {
                beside.take(&mut bytes).unwrap();
                assert!(bytes.is_empty());
            }
        }
        assert_eq!(beside.finish().unwrap(), plain.finish());
    }

    #[test]
    fn an_empty_file_has_the_checksum_of_nothing() {
        let beside = HashThread::start(Hasher::new("sha256").unwrap()).unwrap();
        let plain = Hasher::new("sha256").unwrap();
        assert_eq!(beside.finish().unwrap(), plain.finish());
    }
}
