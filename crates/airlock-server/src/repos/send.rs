//! Writes an answer to a plain TCP socket: small files in one write with their head, larger ones by `sendfile`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::answer::{Answer, AnswerBody};
use crate::listen::patience::Limits;
use crate::metrics::Metrics;

/// Files up to this size are read into memory and sent together with the head.
const SMALL: u64 = 64 * 1024;
/// Bytes of one `sendfile`, so that connections take turns.
const RUN: u64 = 1024 * 1024;
/// An answer may take this long, and on top a second for each `SLOWEST` bytes.
const PATIENCE: Duration = Duration::from_secs(600);
const SLOWEST: u64 = 2_000;

/// Sends the head in `out` and the body behind it. `out` is used as scratch space.
///
/// # Errors
/// What the socket or the file said, or that the peer reads too slowly; the connection is then of no more use.
pub async fn answer(
    stream: &TcpStream,
    out: &mut Vec<u8>,
    answer: Answer,
    head_only: bool,
    metrics: &Metrics,
) -> std::io::Result<()> {
    let length = answer
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0);
    metrics.answered(answer.status, if head_only { 0 } else { length });
    let peer = Peer {
        stream,
        taking: Limits::USUAL.taking,
    };
    let patience = PATIENCE + Duration::from_secs(length / SLOWEST);
    tokio::time::timeout(patience, body(&peer, out, answer.body, head_only))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

async fn body(
    peer: &Peer<'_>,
    out: &mut Vec<u8>,
    body: AnswerBody,
    head_only: bool,
) -> std::io::Result<()> {
    if head_only {
        return peer.write(out).await;
    }
    match body {
        AnswerBody::Empty => peer.write(out).await,
        AnswerBody::Bytes(bytes) if bytes.len() as u64 <= SMALL => {
            out.extend_from_slice(&bytes);
            peer.write(out).await
        }
        AnswerBody::Bytes(bytes) => {
            peer.write(out).await?;
            peer.write(&bytes).await
        }
        AnswerBody::File { file, pieces, tail } => {
            for piece in pieces {
                out.extend_from_slice(&piece.head);
                if piece.run.length <= SMALL {
                    read_into(&file, piece.run.start, piece.run.length, out)?;
                    if out.len() as u64 > SMALL {
                        peer.write(out).await?;
                        out.clear();
                    }
                } else {
                    peer.write(out).await?;
                    out.clear();
                    peer.send_file(&file, piece.run.start, piece.run.length)
                        .await?;
                }
            }
            out.extend_from_slice(&tail);
            peer.write(out).await
        }
        AnswerBody::Arriving(mut bytes) => {
            peer.write(out).await?;
            // An error here ends the connection before the announced length: the client knows that it has no whole file.
            while let Some(run) = bytes.next().await.map_err(std::io::Error::other)? {
                peer.send_file(&run.file, run.start, run.length).await?;
            }
            Ok(())
        }
    }
}

/// Where an answer goes.
struct Peer<'a> {
    stream: &'a TcpStream,
    /// How long it may take nothing.
    taking: Duration,
}

impl Peer<'_> {
    /// Waits until it takes more.
    async fn writable(&self) -> std::io::Result<()> {
        tokio::time::timeout(self.taking, self.stream.writable())
            .await
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
    }

    async fn write(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn send_file(&self, file: &File, start: u64, length: u64) -> std::io::Result<()> {
        let mut offset = start;
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left.min(RUN)).unwrap_or(usize::MAX);
            let sent = self.stream.try_io(Interest::WRITABLE, || {
                rustix::fs::sendfile(self.stream, file, Some(&mut offset), most)
                    .map_err(std::io::Error::from)
            });
            match sent {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(sent) => {
                    left -= sent as u64;
                    tokio::task::yield_now().await;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Appends a run of the file to `out`. Blobs are whole and immutable; a short one is an error, never padded.
fn read_into(file: &File, start: u64, length: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
    let before = out.len();
    out.resize(
        before + usize::try_from(length).map_err(std::io::Error::other)?,
        0,
    );
    file.read_exact_at(&mut out[before..], start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_that_stops_reading_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let peer = Peer {
            stream: &stream,
            taking: Duration::from_millis(50),
        };
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 30).unwrap();
        let error = peer.send_file(&file, 0, 1 << 30).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let error = peer.write(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        drop(client);
    }
}
