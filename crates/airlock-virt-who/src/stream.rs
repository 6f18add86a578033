//! XML answers that are read as they come: of a body only a part is ever in memory, and so many bytes of one tag or text.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use quick_xml::Reader;
use quick_xml::events::Event;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio_util::io::StreamReader;

use crate::backend::Error;
use crate::http::Http;
use crate::xml::{DEPTH, Element, entity, started};

/// The longest tag, comment or text that is taken into memory to be looked at.
pub(crate) const EVENT: usize = 1 << 20;

/// How many children a list may have.
const CHILDREN: usize = 1_000_000;

/// How many elements one child may have.
const ELEMENTS: usize = 100_000;

/// Why an answer was not read to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The body broke off or did not come.
    Transport(Arc<io::Error>),
    /// It ended within this element.
    Unfinished(String),
    /// It is no such answer.
    Form(String),
    /// It holds more than anything real.
    TooMuch { limit: usize, what: &'static str },
}

impl Failure {
    /// The error of a source that was asked for `doing`; each part of the body had to come within `within`.
    pub(crate) fn told(self, http: &Http, doing: &str, within: Duration) -> Error {
        let partial = |reason: String| Error::Partial {
            server: http.server().to_owned(),
            doing: doing.to_owned(),
            reason,
        };
        match self {
            Self::Transport(error) if error.kind() == io::ErrorKind::TimedOut => {
                http.timed_out(doing, within)
            }
            Self::Transport(error) => {
                let inner = error.get_ref();
                match inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
                    Some(inner) => http.error(inner, doing),
                    None => partial(error.to_string()),
                }
            }
            Self::Unfinished(tag) => partial(format!("it ends within <{tag}>")),
            Self::Form(reason) => http.protocol(doing, reason),
            Self::TooMuch { limit, what } => Error::TooMuch {
                server: http.server().to_owned(),
                doing: doing.to_owned(),
                limit,
                what,
            },
        }
    }
}

/// The body of an answer, each part of which has to come in time.
pub(crate) fn body(
    response: reqwest::Response,
    within: Duration,
) -> impl AsyncBufRead + Unpin + Send {
    StreamReader::new(Box::pin(timed(response.bytes_stream(), within)))
}

/// The parts of a body; one that does not come in time is an error.
fn timed<Part>(
    parts: impl Stream<Item = reqwest::Result<Part>>,
    within: Duration,
) -> impl Stream<Item = io::Result<Part>> {
    stream::unfold(Some(Box::pin(parts)), move |parts| async move {
        let mut parts = parts?;
        match tokio::time::timeout(within, parts.next()).await {
            Ok(Some(Ok(part))) => Some((Ok(part), Some(parts))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    })
}

/// A body of which only so much is taken at a time: the XML reader keeps a tag or text whole, however long it is.
pub(crate) struct Bounded<Body> {
    body: Body,
    /// Bytes since the last tag or text ended.
    since: usize,
}

impl<Body: AsyncBufRead + Unpin> AsyncRead for Bounded<Body> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.body).poll_read(context, into)
    }
}

impl<Body: AsyncBufRead + Unpin> AsyncBufRead for Bounded<Body> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.since > EVENT {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        Pin::new(&mut this.body).poll_fill_buf(context)
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        let this = self.get_mut();
        this.since += bytes;
        Pin::new(&mut this.body).consume(bytes);
    }
}

impl<Body> Bounded<Body> {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, since: 0 }
    }

    /// A tag or text has ended.
    pub(crate) fn ended(&mut self) {
        self.since = 0;
    }
}

/// The failure of the reader; `open` is the element it is in.
pub(crate) fn failed(error: quick_xml::Error, open: Option<&str>) -> Failure {
    match error {
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Failure::TooMuch {
                limit: EVENT,
                what: "bytes in one tag or text",
            }
        }
        quick_xml::Error::Io(error) => Failure::Transport(error),
        other => match (&other, open) {
            (quick_xml::Error::Syntax(_), Some(open)) => Failure::Unfinished(open.to_owned()),
            _ => Failure::Form(format!("it is no XML: {other}")),
        },
    }
}

/// Reads a list and hands each child of its root on as soon as it has ended; nothing else of it is kept.
pub(crate) async fn children<Body: AsyncBufRead + Unpin>(
    body: Body,
    root: &str,
    mut each: impl FnMut(&Element),
) -> Result<(), Failure> {
    let mut reader = Reader::from_reader(Bounded::new(body));
    let mut buffer = Vec::new();
    // The open elements; the first one is the root, which keeps no children.
    let mut open: Vec<Element> = Vec::new();
    let (mut seen, mut elements, mut done) = (0_usize, 0_usize, false);
    loop {
        buffer.clear();
        reader.get_mut().ended();
        let event = reader.read_event_into_async(&mut buffer).await;
        let inside = open.last().map(|element| &*element.name);
        match event.map_err(|error| failed(error, inside))? {
            ref event @ (Event::Start(ref start) | Event::Empty(ref start)) => {
                let element = started(start).map_err(Failure::Form)?;
                if done {
                    return Err(Failure::Form("a second root element".to_owned()));
                }
                match open.len() {
                    0 if &*element.name == "html" => {
                        return Err(Failure::Form("it is a web page".to_owned()));
                    }
                    0 if *element.name != *root => {
                        let text = format!("it is a list of <{}>", element.name);
                        return Err(Failure::Form(text));
                    }
                    1 => (seen, elements) = (seen + 1, 0),
                    _ => elements += 1,
                }
                for (count, limit, what) in [
                    (seen, CHILDREN, "items in a list"),
                    (elements, ELEMENTS, "elements in one item"),
                    (open.len(), DEPTH, "levels of elements"),
                ] {
                    if count >= limit {
                        return Err(Failure::TooMuch { limit, what });
                    }
                }
                open.push(element);
                if matches!(event, Event::Empty(_)) {
                    done = end(&mut open, &mut each);
                }
            }
            Event::End(_) => done = end(&mut open, &mut each),
            Event::Text(text) => put(&mut open, &text),
            Event::CData(data) => put(&mut open, &data),
            Event::GeneralRef(name) => match entity(&name) {
                Some(letter) => put(&mut open, letter.encode_utf8(&mut [0; 4])),
                None => return Err(Failure::Form(format!("unknown entity &{};", &*name))),
            },
            Event::DocType(_) => {
                let text = "it has a document type declaration".to_owned();
                return Err(Failure::Form(text));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    match (open.pop(), done) {
        (Some(element), _) => Err(Failure::Unfinished(element.name.into())),
        (None, true) => Ok(()),
        (None, false) => Err(Failure::Form("it holds no element".to_owned())),
    }
}

/// The text of a list itself is of no interest.
fn put(open: &mut [Element], text: &str) {
    if open.len() > 1
        && let Some(element) = open.last_mut()
    {
        element.text.push_str(text);
    }
}

/// An element has ended; true when it was the root.
fn end(open: &mut Vec<Element>, each: &mut impl FnMut(&Element)) -> bool {
    let Some(element) = open.pop() else {
        return false;
    };
    match open.len() {
        0 => return true,
        1 => each(&element),
        _ => {
            if let Some(parent) = open.last_mut() {
                parent.children.push(element);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> Result<Vec<Element>, Failure> {
        let mut found = Vec::new();
        children(text.as_bytes(), "vms", |child| found.push(child.clone())).await?;
        Ok(found)
    }

    #[tokio::test]
    async fn each_child_is_what_the_whole_document_has() {
        let text = "<?xml version='1.0'?><vms> <vm id=\"a\"><name>A &amp; B</name><os><t x='1'/></os></vm><vm id='b'/>\n</vms>";
        let whole = Element::read(text.as_bytes()).unwrap();
        assert_eq!(read(text).await.unwrap(), whole.children);
    }

    #[tokio::test]
    async fn of_a_long_list_only_one_item_is_in_memory() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        const MANY: usize = 20_000;
        let made = AtomicUsize::new(0);
        let much = "<x>1</x>".repeat(50);
        let parts = (0..MANY + 2).map(|number| {
            made.store(number, Ordering::Relaxed);
            let text = match number {
                0 => "<vms>".to_owned(),
                number if number > MANY => "</vms>".to_owned(),
                number => format!("<vm id='{number}'>{much}</vm>"),
            };
            io::Result::Ok(bytes::Bytes::from(text))
        });
        let mut seen = 0;
        children(StreamReader::new(stream::iter(parts)), "vms", |child| {
            seen += 1;
            assert_eq!(child.children.len(), 50);
            let ahead = made.load(Ordering::Relaxed) - seen;
            assert!(ahead <= 1, "{ahead} items are read ahead");
        })
        .await
        .unwrap();
        assert_eq!(seen, MANY);
    }

    #[tokio::test]
    async fn what_is_no_such_list_or_none_at_all_is_told() {
        for (text, wanted) in [
            ("<html><body/></html>", "web page"),
            ("<hosts/>", "a list of <hosts>"),
            ("<vms/><vms/>", "second root"),
            ("<!DOCTYPE vms><vms/>", "document type"),
            ("<vms><vm>&nonsense;</vm></vms>", "unknown entity"),
            ("", "no element"),
        ] {
            match read(text).await.unwrap_err() {
                Failure::Form(reason) => assert!(reason.contains(wanted), "{text}: {reason}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in ["<vms><vm>", "<vms><vm/>", "<vms"] {
            let failure = read(text).await.unwrap_err();
            let ends = matches!(failure, Failure::Unfinished(_) | Failure::Form(_));
            assert!(ends, "{text}: {failure:?}");
        }
        let deep = format!("<vms>{}", "<a>".repeat(DEPTH));
        let failure = read(&deep).await.unwrap_err();
        assert!(matches!(failure, Failure::TooMuch { .. }), "{failure:?}");
    }
}
