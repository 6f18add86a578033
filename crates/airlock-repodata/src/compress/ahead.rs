//! Reading ahead: a file is opened (decompressed) on one thread while another cuts what came before.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes handed over at once.
const PIECE: usize = 512 << 10;
/// Pieces that wait to be cut.
const WAITING: usize = 4;

/// The bytes of a reader that works on a thread of its own. Its errors come out where they are.
#[derive(Debug)]
pub struct ReadAhead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    used: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl ReadAhead {
    /// Starts to read.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(reader: impl Read + Send + 'static) -> io::Result<Self> {
        let (filled, pieces) = sync_channel(WAITING);
        // Pieces go back and forth, so that a large file needs no more memory than a small one.
        let (used, empty) = sync_channel(WAITING + 2);
        std::thread::Builder::new()
            .name("read ahead".to_owned())
            .spawn(move || fill(reader, &filled, &empty))?;
        Ok(Self {
            pieces,
            used,
            piece: Vec::new(),
            at: 0,
            ended: false,
        })
    }
}

/// Ends at the end of the file, at an error, or when nobody wants more.
fn fill(
    mut reader: impl Read,
    filled: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) {
    loop {
        let mut piece = empty.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let mut length = 0;
        let outcome = loop {
            match reader.read(piece.get_mut(length..).unwrap_or_default()) {
                Ok(0) => break Ok(()),
                Ok(more) => {
                    length += more;
                    if length == PIECE {
                        break Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        piece.truncate(length);
        let more = length == PIECE;
        // What came before an error is handed over too: the error is found where it is.
        if length > 0 && filled.send(Ok(piece)).is_err() {
            return;
        }
        match outcome {
            Ok(()) if more => {}
            Ok(()) => {
                // An empty piece is the end; without it a thread that died would look like one.
                let _ = filled.send(Ok(Vec::new()));
                return;
            }
            Err(error) => {
                let _ = filled.send(Err(error));
                return;
            }
        }
    }
}

impl BufRead for ReadAhead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() && !self.ended {
            let next = self
                .pieces
                .recv()
                .unwrap_or_else(|_| Err(io::Error::other("the reading thread ended early")));
            if next.as_ref().map_or(true, Vec::is_empty) {
                self.ended = true;
            }
            let used = std::mem::replace(&mut self.piece, next?);
            self.at = 0;
            // A reader that ended needs none back.
            let _ = self.used.try_send(used);
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.piece.len());
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(out.len());
        out[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes, in short pieces, then an error or the end.
    struct Source {
        left: usize,
        fails: bool,
    }

    impl Read for Source {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.fails {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged here"));
            }
            let length = out.len().min(self.left).min(70_001);
            for (place, byte) in out[..length].iter_mut().enumerate() {
                *byte = u8::try_from((self.left - place) % 251).unwrap();
            }
            self.left -= length;
            Ok(length)
        }
    }

    #[test]
    fn gives_the_same_bytes_and_then_the_same_error() {
        for left in [0, 1, PIECE - 1, PIECE, 10 * PIECE + 5] {
            let mut plain = Vec::new();
            Source { left, fails: false }
                .read_to_end(&mut plain)
                .unwrap();
            for fails in [false, true] {
                let mut ahead = ReadAhead::start(Source { left, fails }).unwrap();
                let mut bytes = Vec::new();
                let outcome = ahead.read_to_end(&mut bytes);
                assert_eq!(bytes, plain);
                assert_eq!(
                    outcome.map_err(|e| (e.kind(), e.to_string())).err(),
                    fails.then(|| (io::ErrorKind::InvalidData, "damaged here".to_owned()))
                );
            }
        }
    }

    #[test]
    fn stops_when_nobody_wants_more() {
        let (dropped, gone) = std::sync::mpsc::channel::<()>();
        struct Endless(
            #[allow(dead_code, reason = "dropped with the thread")] std::sync::mpsc::Sender<()>,
        );
        impl Read for Endless {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                Ok(out.len())
            }
        }
        let mut ahead = ReadAhead::start(Endless(dropped)).unwrap();
        ahead.fill_buf().unwrap();
        drop(ahead);
        assert!(gone.recv().is_err());
    }
}
