//! What stands around the packages: prolog, root element, comments, end.

use std::io::BufRead;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::source::Window;
use crate::canonical::Namespaces;
use crate::error::{Error, Flaw, Result};
use crate::kind::MetadataKind;
use crate::limits::Limits;
use crate::text::{clean, local, resolve, syntax};

/// Bytes of a prolog part or of the root tag.
const LONGEST: usize = 1 << 20;

/// What the root element says.
pub(super) struct Root {
    pub(super) namespaces: Namespaces,
    /// The root's own namespace. Some makers misspell it; what it means is plain.
    pub(super) own: String,
    pub(super) packages: Option<u64>,
    pub(super) empty: bool,
}

fn bad<R>(kind: MetadataKind, window: &Window<R>, why: Flaw) -> Error {
    Error::bad(kind.file_name(), window.line_of(window.position()), why)
}

/// Reads up to and with the root element's start tag.
pub(super) fn read<R: BufRead>(
    kind: MetadataKind,
    window: &mut Window<R>,
    limits: &Limits,
) -> Result<Root> {
    loop {
        window.skip_space()?;
        match window.peek(2)? {
            [b'<', b'?'] => skip_instruction(kind, window, limits)?,
            [b'<', b'!'] => skip_comment(kind, window, limits)?,
            [b'<', _] => return root(kind, window),
            [] | [_] => return Err(bad(kind, window, Flaw::Truncated)),
            _ => {
                return Err(bad(
                    kind,
                    window,
                    Flaw::RootElement {
                        expected: kind.root(),
                        found: "no XML".to_owned(),
                    },
                ));
            }
        }
    }
}

fn root<R: BufRead>(kind: MetadataKind, window: &mut Window<R>) -> Result<Root> {
    let start = window.position();
    let length = loop {
        if let Some(length) = tag_length(window.bytes_from(start)) {
            break length;
        }
        if window.len_from(start) > LONGEST {
            let limit = LONGEST as u64;
            return Err(bad(
                kind,
                window,
                Flaw::Limit {
                    what: "the root element",
                    limit,
                },
            ));
        }
        if !window.fill(start)? {
            return Err(bad(kind, window, Flaw::Truncated));
        }
    };
    let root = std::str::from_utf8(window.bytes(start, start + length))
        .map_err(|_| Flaw::BadText)
        .and_then(|tag| parse_root(kind, tag))
        .map_err(|why| bad(kind, window, why))?;
    window.consume_to(start + length);
    Ok(root)
}

/// Length of a tag, quotes respected.
fn tag_length(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

fn parse_root(kind: MetadataKind, tag: &str) -> std::result::Result<Root, Flaw> {
    let mut reader = Reader::from_reader(tag.as_bytes());
    let (tag, empty) = match reader.read_event().map_err(|error| syntax(&error))? {
        Event::Start(tag) => (tag, false),
        Event::Empty(tag) => (tag, true),
        _ => {
            return Err(Flaw::Syntax {
                why: "a broken root element",
            });
        }
    };
    let mut namespaces = Namespaces::default();
    let mut packages = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| Flaw::Syntax {
            why: "a broken attribute",
        })?;
        let value = clean(&resolve(&attribute.value)?);
        let name: &str = attribute.key.as_ref();
        if name == "packages" {
            packages = value.trim().parse().ok();
        } else if name == "xmlns" {
            namespaces.bindings.push((String::new(), value));
        } else if let Some(prefix) = name.strip_prefix("xmlns:") {
            namespaces.bindings.push((prefix.to_owned(), value));
        }
    }
    let name = tag.name();
    let name: &str = name.as_ref();
    if local(name) != kind.root() {
        return Err(Flaw::RootElement {
            expected: kind.root(),
            found: name.chars().take(64).collect(),
        });
    }
    let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
    Ok(Root {
        own: namespaces
            .get(prefix)
            .unwrap_or(kind.namespace())
            .to_owned(),
        namespaces,
        packages,
        empty,
    })
}

/// Passes over a comment; everything else that starts with `<!` is refused.
pub(super) fn skip_comment<R: BufRead>(
    kind: MetadataKind,
    window: &mut Window<R>,
    limits: &Limits,
) -> Result<()> {
    if window.peek(4)? != b"<!--" {
        return Err(bad(kind, window, Flaw::DocumentType));
    }
    skip_to(kind, window, 4, b"-->", limits)
}

/// Passes over a processing instruction or XML declaration.
pub(super) fn skip_instruction<R: BufRead>(
    kind: MetadataKind,
    window: &mut Window<R>,
    limits: &Limits,
) -> Result<()> {
    skip_to(kind, window, 2, b"?>", limits)
}

fn skip_to<R: BufRead>(
    kind: MetadataKind,
    window: &mut Window<R>,
    from: usize,
    end: &[u8],
    limits: &Limits,
) -> Result<()> {
    let start = window.position();
    loop {
        let body = window.bytes_from(start + from);
        if let Some(length) = memchr::memmem::find(body, end) {
            window.consume_to(start + from + length + end.len());
            return Ok(());
        }
        if body.len() > limits.max_text {
            let limit = limits.max_text as u64;
            return Err(bad(
                kind,
                window,
                Flaw::Limit {
                    what: "a comment",
                    limit,
                },
            ));
        }
        if !window.fill(start)? {
            return Err(bad(kind, window, Flaw::Truncated));
        }
    }
}

/// Checks the root's end tag and that nothing but comments and white space follows.
pub(super) fn read_end<R: BufRead>(kind: MetadataKind, window: &mut Window<R>) -> Result<()> {
    let start = window.position();
    let length = loop {
        if let Some(length) = memchr::memchr(b'>', window.bytes_from(start)) {
            break length;
        }
        if window.len_from(start) > 4096 || !window.fill(start)? {
            return Err(bad(kind, window, Flaw::Truncated));
        }
    };
    let name = String::from_utf8_lossy(window.bytes(start + 2, start + length)).into_owned();
    if local(name.trim_end()) != kind.root() {
        let (found, open) = (name.chars().take(64).collect(), kind.root().to_owned());
        return Err(bad(kind, window, Flaw::EndTag { found, open }));
    }
    window.consume_to(start + length + 1);
    loop {
        window.skip_space()?;
        match window.peek(4)? {
            [] => return Ok(()),
            b"<!--" => skip_to(kind, window, 4, b"-->", &Limits::default())?,
            [b'<', b'?', ..] => skip_to(kind, window, 2, b"?>", &Limits::default())?,
            _ => {
                return Err(bad(
                    kind,
                    window,
                    Flaw::Syntax {
                        why: "something behind the end of the root element",
                    },
                ));
            }
        }
    }
}
