//! An answer's body for the general path (TLS, HTTP/2): files are read in large pieces off the runtime's threads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use airlock_content::{ArrivedRun, ArrivingBytes};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use super::answer::{AnswerBody, Piece};

/// Bytes read at a time.
const READ: u64 = 256 * 1024;

/// Turns it into an axum body.
pub fn of(body: AnswerBody) -> Body {
    match body {
        AnswerBody::Empty => Body::empty(),
        AnswerBody::Bytes(bytes) => Body::from(bytes),
        AnswerBody::File { file, pieces, tail } => {
            let state = State {
                file,
                pieces: pieces.into(),
                offset: 0,
                tail: Some(tail),
            };
            Body::from_stream(stream::try_unfold(state, step))
        }
        AnswerBody::Arriving(bytes) => Body::from_stream(stream::try_unfold(
            Coming { bytes, run: None },
            Coming::step,
        )),
    }
}

struct State {
    file: Arc<File>,
    pieces: std::collections::VecDeque<Piece>,
    /// Bytes of the first piece's run that were sent.
    offset: u64,
    tail: Option<Bytes>,
}

async fn step(mut state: State) -> std::io::Result<Option<(Bytes, State)>> {
    let Some(piece) = state.pieces.front_mut() else {
        let tail = state.tail.take().filter(|tail| !tail.is_empty());
        return Ok(tail.map(|tail| (tail, state)));
    };
    if !piece.head.is_empty() {
        let head = std::mem::take(&mut piece.head);
        return Ok(Some((head, state)));
    }
    let start = piece.run.start + state.offset;
    let length = (piece.run.length - state.offset).min(READ);
    state.offset += length;
    if state.offset == piece.run.length {
        state.pieces.pop_front();
        state.offset = 0;
    }
    let bytes = read(Arc::clone(&state.file), start, length).await?;
    Ok(Some((bytes, state)))
}

async fn read(file: Arc<File>, start: u64, length: u64) -> std::io::Result<Bytes> {
    tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        Ok(Bytes::from(bytes))
    })
    .await
    .map_err(std::io::Error::other)?
}

/// A package that is still coming. An error makes the connection (or the HTTP/2 stream) end without an end.
struct Coming {
    bytes: ArrivingBytes,
    /// What is there and was not read yet.
    run: Option<ArrivedRun>,
}

impl Coming {
    async fn step(mut self) -> std::io::Result<Option<(Bytes, Self)>> {
        let run = match self.run.take() {
            Some(run) => Some(run),
            None => self.bytes.next().await.map_err(std::io::Error::other)?,
        };
        let Some(run) = run else { return Ok(None) };
        let length = run.length.min(READ);
        let bytes = read(Arc::clone(&run.file), run.start, length).await?;
        if run.length > length {
            self.run = Some(ArrivedRun {
                start: run.start + length,
                length: run.length - length,
                ..run
            });
        }
        Ok(Some((bytes, self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repos::range::ByteRange;
    use std::io::Write;

    #[tokio::test]
    async fn pieces_come_in_order() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..700_000_u32)
            .map(|number| u8::try_from(number % 251).unwrap())
            .collect();
        file.write_all(&content).unwrap();
        let run = |start, length| ByteRange { start, length };
        let body = AnswerBody::File {
            file: Arc::new(file),
            pieces: vec![
                Piece {
                    head: Bytes::from_static(b"<"),
                    run: run(5, 600_000),
                },
                Piece {
                    head: Bytes::from_static(b"|"),
                    run: run(0, 1),
                },
            ],
            tail: Bytes::from_static(b">"),
        };
        let sent = axum::body::to_bytes(of(body), usize::MAX).await.unwrap();
        let expected = [
            b"<".as_slice(),
            &content[5..600_005],
            b"|",
            &content[..1],
            b">",
        ]
        .concat();
        assert!(sent == expected);
    }
}
