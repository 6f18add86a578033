//! Writes an answer to a plain TCP socket: small files in one write with their head, larger ones by `sendfile`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::answer::{Answer, AnswerBody};
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
    let patience = PATIENCE + Duration::from_secs(length / SLOWEST);
    tokio::time::timeout(patience, body(stream, out, answer.body, head_only))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

async fn body(
    stream: &TcpStream,
    out: &mut Vec<u8>,
    body: AnswerBody,
    head_only: bool,
) -> std::io::Result<()> {
    if head_only {
        return write(stream, out).await;
    }
    match body {
        AnswerBody::Empty => write(stream, out).await,
        AnswerBody::Bytes(bytes) if bytes.len() as u64 <= SMALL => {
            out.extend_from_slice(&bytes);
            write(stream, out).await
        }
        AnswerBody::Bytes(bytes) => {
            write(stream, out).await?;
            write(stream, &bytes).await
        }
        AnswerBody::File { file, pieces, tail } => {
            for piece in pieces {
                out.extend_from_slice(&piece.head);
                if piece.run.length <= SMALL {
                    read_into(&file, piece.run.start, piece.run.length, out)?;
                    if out.len() as u64 > SMALL {
                        write(stream, out).await?;
                        out.clear();
                    }
                } else {
                    write(stream, out).await?;
                    out.clear();
                    send_file(stream, &file, piece.run.start, piece.run.length).await?;
                }
            }
            out.extend_from_slice(&tail);
            write(stream, out).await
        }
        AnswerBody::Arriving(mut bytes) => {
            write(stream, out).await?;
            // An error here ends the connection before the announced length: the client knows that it has no whole file.
            while let Some(run) = bytes.next().await.map_err(std::io::Error::other)? {
                send_file(stream, &run.file, run.start, run.length).await?;
            }
            Ok(())
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                stream.writable().await?
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
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

async fn send_file(
    stream: &TcpStream,
    file: &File,
    start: u64,
    length: u64,
) -> std::io::Result<()> {
    let mut offset = start;
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left.min(RUN)).unwrap_or(usize::MAX);
        let sent = stream
            .async_io(Interest::WRITABLE, || {
                rustix::fs::sendfile(stream, file, Some(&mut offset), most)
                    .map_err(std::io::Error::from)
            })
            .await?;
        if sent == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        left -= sent as u64;
        tokio::task::yield_now().await;
    }
    Ok(())
}
