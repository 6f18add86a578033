//! The fast lane: plain HTTP/1 GET and HEAD below `/repos/` are read, answered and sent (with `sendfile`) here, without
//! the general machinery. Everything else on the connection is handed over to it, bytes already read included.
//!
//! What the lane understands is deliberately small: no bodies, no upgrades, no header it would have to merge. A doubt
//! is always decided by handing over.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::answer::{Answer, AnswerBody};
use super::condition::Conditions;
use super::{Request, answer_or_problem, send};
use crate::app::App;
use crate::listen::patience::Limits;

/// A head longer than this is handed over.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// How long a connection may stay open without a request, and how long a head may take from its first byte to its last.
const LIMITS: Limits = Limits::USUAL;

/// What became of a connection.
pub enum Left {
    /// It is closed.
    Closed,
    /// The general machinery goes on, beginning with these bytes.
    HandOver(TcpStream, Bytes),
}

/// Serves a connection until it ends or asks for something that is not for the lane.
///
/// # Errors
/// What the socket said; nobody needs to be told.
pub async fn serve(
    mut stream: TcpStream,
    app: &Arc<App>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<Left> {
    let mut buffer = BytesMut::with_capacity(4 * 1024);
    let mut out = Vec::with_capacity(1024);
    loop {
        if buffer.is_empty() {
            let first = tokio::select! {
                biased;
                read = tokio::time::timeout(LIMITS.idle, stream.read_buf(&mut buffer)) => read,
                _ = stop.changed() => return Ok(Left::Closed),
            };
            match first {
                Ok(Ok(length)) if length > 0 => {}
                _ => return Ok(Left::Closed),
            }
        }
        let deadline = tokio::time::Instant::now() + LIMITS.head;
        let (close, done) = loop {
            match head(&buffer) {
                Head::Foreign => return Ok(Left::HandOver(stream, buffer.freeze())),
                Head::Partial if buffer.len() < LONGEST_HEAD => {
                    let more = tokio::select! {
                        more = tokio::time::timeout_at(deadline, stream.read_buf(&mut buffer)) => more,
                        _ = stop.wait_for(|stop| *stop) => return Ok(Left::Closed),
                    };
                    match more {
                        Ok(Ok(length)) if length > 0 => {}
                        _ => return Ok(Left::Closed),
                    }
                }
                Head::Partial => return Ok(Left::HandOver(stream, buffer.freeze())),
                Head::Whole(parsed) => {
                    let close = parsed.close || *stop.borrow();
                    let answer = answer_or_problem(app, &parsed.request).await;
                    out.clear();
                    write_head(&mut out, &answer, close);
                    send::answer(&stream, &mut out, answer, parsed.request.head, &app.metrics)
                        .await?;
                    break (close, parsed.length);
                }
            }
        };
        buffer.advance(done);
        if close {
            return Ok(Left::Closed);
        }
    }
}

struct Parsed<'a> {
    request: Request<'a>,
    /// Bytes of the head.
    length: usize,
    /// Whether the connection ends after this answer.
    close: bool,
}

enum Head<'a> {
    Partial,
    Foreign,
    Whole(Parsed<'a>),
}

fn head(bytes: &[u8]) -> Head<'_> {
    // The first bytes decide early, so that a slow REST client is not held here.
    for method in [b"GET /repos/".as_slice(), b"HEAD /repos/".as_slice()] {
        let length = method.len().min(bytes.len());
        if bytes[..length] == method[..length] {
            return whole(bytes);
        }
    }
    Head::Foreign
}

fn whole(bytes: &[u8]) -> Head<'_> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(_) => return Head::Foreign,
    };
    let (Some(method), Some(path), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Head::Foreign;
    };
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let mut request = Request {
        path,
        query,
        head: method == "HEAD",
        ..Request::default()
    };
    let mut close = version == 0;
    for header in parsed.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value) else {
            return Head::Foreign;
        };
        let name = header.name;
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let slot = if is("range") {
            &mut request.conditions.range
        } else if is("if-range") {
            &mut request.conditions.if_range
        } else if is("if-none-match") {
            &mut request.conditions.if_none_match
        } else if is("if-modified-since") {
            &mut request.conditions.if_modified_since
        } else if is("if-match") {
            &mut request.conditions.if_match
        } else if is("if-unmodified-since") {
            &mut request.conditions.if_unmodified_since
        } else if is("authorization") {
            &mut request.authorization
        } else if is("host") {
            &mut request.host
        } else if is("connection") {
            let mut names = value.split(',').map(str::trim);
            if names
                .clone()
                .any(|name| name.eq_ignore_ascii_case("upgrade"))
            {
                return Head::Foreign;
            }
            if names.clone().any(|name| name.eq_ignore_ascii_case("close")) {
                close = true;
            } else if names.any(|name| name.eq_ignore_ascii_case("keep-alive")) {
                close = false;
            }
            continue;
        } else if is("content-length") || is("transfer-encoding") || is("expect") || is("upgrade") {
            return Head::Foreign;
        } else {
            continue;
        };
        // A header given twice may have to be merged or refused: not here.
        if slot.replace(value).is_some() {
            return Head::Foreign;
        }
    }
    if version == 1 && request.host.is_none() {
        return Head::Foreign;
    }
    Head::Whole(Parsed {
        request,
        length,
        close,
    })
}

fn write_head(out: &mut Vec<u8>, answer: &Answer, close: bool) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(answer.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(
        answer
            .status
            .canonical_reason()
            .unwrap_or("Unknown")
            .as_bytes(),
    );
    out.extend_from_slice(b"\r\ndate: ");
    out.extend_from_slice(httpdate::fmt_http_date(std::time::SystemTime::now()).as_bytes());
    out.extend_from_slice(if close {
        b"\r\nconnection: close\r\n"
    } else {
        b"\r\nconnection: keep-alive\r\n"
    });
    write_headers(out, &answer.headers);
    if answer.status != StatusCode::NOT_MODIFIED
        && !answer.headers.contains_key(http::header::CONTENT_LENGTH)
    {
        let length = match &answer.body {
            AnswerBody::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn write_headers(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

impl<'a> Request<'a> {
    /// The request that an axum handler has in hand.
    #[must_use]
    pub fn of(parts: &'a http::request::Parts) -> Self {
        let get = |name: http::HeaderName| {
            let mut values = parts.headers.get_all(name).iter();
            let first = values.next().and_then(|value| value.to_str().ok());
            // Two of one of these cannot be merged; taking none of them answers in full, which is always right.
            if values.next().is_some() { None } else { first }
        };
        Self {
            path: parts.uri.path(),
            query: parts.uri.query(),
            head: parts.method == http::Method::HEAD,
            conditions: Conditions {
                if_match: get(http::header::IF_MATCH),
                if_none_match: get(http::header::IF_NONE_MATCH),
                if_modified_since: get(http::header::IF_MODIFIED_SINCE),
                if_unmodified_since: get(http::header::IF_UNMODIFIED_SINCE),
                if_range: get(http::header::IF_RANGE),
                range: get(http::header::RANGE),
            },
            authorization: get(http::header::AUTHORIZATION),
            host: get(http::header::HOST)
                .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)),
            tls: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lane_takes_plain_gets_below_repos_only() {
        let request = b"GET /repos/el9-base/repodata/repomd.xml?x=1 HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\nrest";
        let Head::Whole(parsed) = head(request) else {
            panic!("not taken")
        };
        assert_eq!(parsed.request.path, "/repos/el9-base/repodata/repomd.xml");
        assert_eq!(parsed.request.conditions.range, Some("bytes=0-1"));
        assert_eq!(&request[parsed.length..], b"rest");
        assert!(!parsed.close);
        for partial in [
            "",
            "G",
            "GET /repos",
            "HEAD /repos/x",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\n",
        ] {
            assert!(
                matches!(head(partial.as_bytes()), Head::Partial),
                "{partial}"
            );
        }
        for foreign in [
            "PRI * HTTP/2.0\r\n",
            "POST /repos/x HTTP/1.1\r\n",
            "GET /api/v1/",
            "GET /healthz",
            "GET /repos/x HTTP/1.1\r\n\r\n",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\n",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nRange: bytes=3-4\r\n\r\n",
            "GET /repos/x HTTP/1.1\r\nHost: h\r\nBad Header\r\n\r\n",
        ] {
            assert!(
                matches!(head(foreign.as_bytes()), Head::Foreign),
                "{foreign}"
            );
        }
    }

    #[test]
    fn old_clients_close_unless_they_ask_otherwise() {
        let close = |text: &str| match head(text.as_bytes()) {
            Head::Whole(parsed) => parsed.close,
            _ => panic!("{text}"),
        };
        assert!(close("GET /repos/x/ HTTP/1.0\r\n\r\n"));
        assert!(!close(
            "GET /repos/x/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        ));
        assert!(close(
            "GET /repos/x/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        ));
    }
}
