//! An answer to a client of a repository, independent of how it is sent: the fast lane writes it to the socket with
//! `sendfile`, the general path turns it into a body.

use std::fs::File;
use std::sync::Arc;

use airlock_content::{Arriving, ArrivingBytes, HELD_BACK};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::condition::{Conditions, Validators, Verdict, http_date, weigh};
use super::range::{ByteRange, Ranges};

/// Status, headers (without `Date` and connection headers) and body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, `Content-Length` included.
    pub headers: HeaderMap,
    /// What follows them; for HEAD the sender leaves it out.
    pub body: AnswerBody,
}

/// The body of an answer.
pub enum AnswerBody {
    /// Nothing.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// Runs of a file, each after some bytes in memory (the part heads of `multipart/byteranges`), then a tail.
    File {
        /// The file.
        file: Arc<File>,
        /// What is sent of it.
        pieces: Vec<Piece>,
        /// What is sent last.
        tail: Bytes,
    },
    /// Bytes of a package that is still coming from its upstream. When they end with an error, the answer must not
    /// look finished.
    Arriving(ArrivingBytes),
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::File { pieces, .. } => write!(f, "File({pieces:?})"),
            Self::Arriving(bytes) => write!(f, "Arriving({bytes:?})"),
        }
    }
}

/// A run of the file and what goes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Sent before the run.
    pub head: Bytes,
    /// The run.
    pub run: ByteRange,
}

/// Where the content of a file comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Memory.
    Memory(Bytes),
    /// A file that does not change.
    Disk(Arc<File>),
    /// A package that is still coming; answered with one run of bytes at most.
    Arriving(Arc<Arriving>),
}

/// A file as the handler knows it, ready to be answered many times.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its content.
    pub source: Source,
    /// Bytes of it.
    pub size: u64,
    /// Strong entity tag, quotes included; none for an arriving package whose SHA-256 is not known yet.
    pub etag: Option<HeaderValue>,
    /// Seconds since 1970 of its change, and the same as `Last-Modified`; none when nothing says when it changed.
    pub modified: Option<(i64, HeaderValue)>,
    /// `Content-Type`.
    pub content_type: HeaderValue,
    /// `Cache-Control`.
    pub cache_control: HeaderValue,
}

impl Ready {
    /// Builds the headers once. `sha256` is the content's hash (hex), empty when it is not known.
    #[must_use]
    pub fn new(
        source: Source,
        size: u64,
        sha256: &str,
        modified: impl Into<Option<i64>>,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Self {
        let text = |text: String| {
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
        };
        Self {
            source,
            size,
            etag: (!sha256.is_empty()).then(|| text(format!("\"{sha256}\""))),
            modified: modified
                .into()
                .map(|seconds| (seconds, text(http_date(seconds)))),
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static(cache_control),
        }
    }

    /// What is answered under these conditions.
    #[must_use]
    pub fn weigh(&self, conditions: &Conditions<'_>) -> Verdict {
        weigh(
            conditions,
            &Validators {
                etag: self
                    .etag
                    .as_ref()
                    .and_then(|etag| etag.to_str().ok())
                    .unwrap_or_default(),
                modified: self.modified.as_ref().map(|(seconds, _)| *seconds),
                size: self.size,
            },
        )
    }

    /// Whether an arriving package can be answered under these conditions before it is stored: all of it, or one run
    /// that is longer than what is held back anyway. Several runs, and questions about an entity tag that is not known
    /// yet, wait.
    #[must_use]
    pub fn comes_in_one_run(&self, conditions: &Conditions<'_>) -> bool {
        let Conditions {
            if_match,
            if_none_match,
            if_range,
            ..
        } = conditions;
        let about_tag = if_match.or(*if_none_match).or(*if_range).is_some();
        if about_tag && self.etag.is_none() {
            return false;
        }
        match self.weigh(conditions) {
            Verdict::Send(Ranges::Parts(parts)) => {
                matches!(parts[..], [run] if run.length > HELD_BACK)
            }
            _ => true,
        }
    }

    /// The answer to a GET or HEAD with these conditions.
    #[must_use]
    pub fn answer(&self, conditions: &Conditions<'_>) -> Answer {
        let verdict = self.weigh(conditions);
        let mut headers = HeaderMap::with_capacity(8);
        if let Some(etag) = &self.etag {
            headers.insert(header::ETAG, etag.clone());
        }
        if let Some((_, date)) = &self.modified {
            headers.insert(header::LAST_MODIFIED, date.clone());
        }
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        match verdict {
            Verdict::NotModified => Answer {
                status: StatusCode::NOT_MODIFIED,
                headers,
                body: AnswerBody::Empty,
            },
            Verdict::PreconditionFailed => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
                Answer {
                    status: StatusCode::PRECONDITION_FAILED,
                    headers,
                    body: AnswerBody::Empty,
                }
            }
            Verdict::Send(Ranges::Unsatisfiable) => {
                set(
                    &mut headers,
                    header::CONTENT_RANGE,
                    format!("bytes */{}", self.size),
                );
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
                Answer {
                    status: StatusCode::RANGE_NOT_SATISFIABLE,
                    headers,
                    body: AnswerBody::Empty,
                }
            }
            Verdict::Send(Ranges::Whole) => self.whole(headers),
            Verdict::Send(Ranges::Parts(parts)) => self.parts(headers, &parts),
        }
    }

    fn whole(&self, mut headers: HeaderMap) -> Answer {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.size));
        let body = match &self.source {
            Source::Memory(bytes) => AnswerBody::Bytes(bytes.clone()),
            Source::Disk(_) if self.size == 0 => AnswerBody::Empty,
            Source::Disk(file) => AnswerBody::File {
                file: Arc::clone(file),
                pieces: vec![Piece {
                    head: Bytes::new(),
                    run: ByteRange {
                        start: 0,
                        length: self.size,
                    },
                }],
                tail: Bytes::new(),
            },
            Source::Arriving(arriving) => AnswerBody::Arriving(arriving.read(0, self.size)),
        };
        Answer {
            status: StatusCode::OK,
            headers,
            body,
        }
    }

    fn parts(&self, mut headers: HeaderMap, parts: &[ByteRange]) -> Answer {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let [run] = parts {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(run.length));
            set(
                &mut headers,
                header::CONTENT_RANGE,
                content_range(*run, self.size),
            );
            let body = self.body(
                vec![Piece {
                    head: Bytes::new(),
                    run: *run,
                }],
                Bytes::new(),
            );
            return Answer {
                status: StatusCode::PARTIAL_CONTENT,
                headers,
                body,
            };
        }
        let boundary = boundary();
        let content_type = self
            .content_type
            .to_str()
            .unwrap_or("application/octet-stream");
        let mut length = 0_u64;
        let pieces: Vec<Piece> = parts
            .iter()
            .enumerate()
            .map(|(index, run)| {
                let line = if index == 0 { "" } else { "\r\n" };
                let head = format!(
                    "{line}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
                    content_range(*run, self.size)
                );
                length += head.len() as u64 + run.length;
                Piece { head: Bytes::from(head), run: *run }
            })
            .collect();
        let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        length += tail.len() as u64;
        set(
            &mut headers,
            header::CONTENT_TYPE,
            format!("multipart/byteranges; boundary={boundary}"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        let body = self.body(pieces, tail);
        Answer {
            status: StatusCode::PARTIAL_CONTENT,
            headers,
            body,
        }
    }

    fn body(&self, pieces: Vec<Piece>, tail: Bytes) -> AnswerBody {
        match &self.source {
            Source::Disk(file) => AnswerBody::File {
                file: Arc::clone(file),
                pieces,
                tail,
            },
            // One run at most: see `comes_in_one_run`.
            Source::Arriving(arriving) => match pieces.first() {
                Some(Piece { run, .. }) => {
                    AnswerBody::Arriving(arriving.read(run.start, run.length))
                }
                None => AnswerBody::Empty,
            },
            Source::Memory(bytes) => {
                let mut all = Vec::new();
                for piece in &pieces {
                    all.extend_from_slice(&piece.head);
                    all.extend_from_slice(slice(bytes, piece.run));
                }
                all.extend_from_slice(&tail);
                AnswerBody::Bytes(Bytes::from(all))
            }
        }
    }
}

fn slice(bytes: &[u8], run: ByteRange) -> &[u8] {
    let start = usize::try_from(run.start).unwrap_or(usize::MAX);
    let end = usize::try_from(run.end()).unwrap_or(usize::MAX);
    bytes.get(start..end).unwrap_or_default()
}

fn content_range(run: ByteRange, size: u64) -> String {
    format!("bytes {}-{}/{size}", run.start, run.end() - 1)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}

/// A boundary that no file was made to hold: 128 random bits.
fn boundary() -> String {
    format!("airlock-{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(text: &'static str) -> Ready {
        Ready::new(
            Source::Memory(Bytes::from_static(text.as_bytes())),
            text.len() as u64,
            "abc",
            0,
            "text/plain",
            "no-cache",
        )
    }

    fn ask(range: &str) -> Answer {
        memory("0123456789").answer(&Conditions {
            range: Some(range),
            ..Conditions::default()
        })
    }

    fn bytes(answer: &Answer) -> &[u8] {
        match &answer.body {
            AnswerBody::Bytes(bytes) => bytes,
            _ => b"",
        }
    }

    #[test]
    fn one_range_is_sent_plain() {
        let answer = ask("bytes=2-4");
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.headers[header::CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(answer.headers[header::CONTENT_LENGTH], "3");
        assert_eq!(bytes(&answer), b"234");
    }

    #[test]
    fn several_ranges_are_sent_as_parts() {
        let answer = ask("bytes=8-9,0-1");
        let content_type = answer.headers[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let boundary = content_type
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
             \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
             \r\n--{boundary}--\r\n"
        );
        assert_eq!(bytes(&answer), expected.as_bytes());
        assert_eq!(
            answer.headers[header::CONTENT_LENGTH],
            expected.len().to_string().as_str()
        );
    }

    #[test]
    fn outside_is_416_with_the_size() {
        let answer = ask("bytes=10-");
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(answer.headers[header::CONTENT_RANGE], "bytes */10");
    }
}
