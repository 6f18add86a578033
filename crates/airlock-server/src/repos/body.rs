//! An answer's body for the general path (TLS, HTTP/2): files are read in large pieces off the runtime's threads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

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
    let file = Arc::clone(&state.file);
    let bytes = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        Ok::<_, std::io::Error>(Bytes::from(bytes))
    })
    .await
    .map_err(std::io::Error::other)??;
    Ok(Some((bytes, state)))
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
