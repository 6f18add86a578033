//! Small XML documents as trees of borrowed nodes.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::canonical::Namespaces;
use crate::encoding::to_text;
use crate::error::{DOCUMENT, Error, Flaw, Result};
use crate::limits::Limits;
use crate::scan::{Scan, Scanner, has_illegal_characters, is_xml_character};
use crate::text::{local, resolve, syntax};

/// An element with everything in it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Node<'a> {
    /// Name without prefix.
    pub(crate) name: &'a str,
    /// Attributes under their full names, references resolved.
    pub(crate) attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// Elements inside.
    pub(crate) children: Vec<Node<'a>>,
    /// Own text, references resolved, without that of the elements inside.
    pub(crate) text: Cow<'a, str>,
    /// The element's own bytes.
    pub(crate) raw: &'a str,
    /// Where it starts in the text parsed.
    pub(crate) offset: usize,
}

impl<'a> Node<'a> {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.as_ref())
    }

    /// Attribute as owned text; `None` when absent or empty.
    pub(crate) fn some_attribute(&self, name: &str) -> Option<String> {
        self.attribute(name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Node<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Text without white space around it.
    pub(crate) fn trimmed(&self) -> &str {
        self.text.trim()
    }

    /// Trimmed text of a child; `None` when absent or empty.
    pub(crate) fn child_text(&self, name: &str) -> Option<String> {
        let text = self.child(name)?.trimmed();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Namespaces that this element declares.
    pub(crate) fn namespaces(&self) -> Namespaces {
        let mut namespaces = Namespaces::default();
        for (name, value) in &self.attributes {
            if *name == "xmlns" {
                namespaces.bindings.push((String::new(), value.to_string()));
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                namespaces
                    .bindings
                    .push((prefix.to_owned(), value.to_string()));
            }
        }
        namespaces
    }
}

/// Whether a document may name its document type. None may define entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentType {
    Refused,
    /// `<!DOCTYPE name PUBLIC …>` without definitions, as all comps files have it.
    NameOnly,
}

/// A document's text: UTF-8, without characters that XML does not allow.
pub(crate) fn text<'a>(file: &str, bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, str>> {
    if bytes.len() > limits.max_document {
        let limit = limits.max_document as u64;
        return Err(Error::bad(
            file,
            1,
            Flaw::Limit {
                what: DOCUMENT,
                limit,
            },
        ));
    }
    let text = to_text(bytes).map_err(|why| {
        let valid = std::str::from_utf8(bytes)
            .err()
            .map_or(0, |error| error.valid_up_to());
        Error::at(file, bytes, valid, why)
    })?;
    if !has_illegal_characters(text.as_bytes()) {
        return Ok(text);
    }
    let clean = text
        .chars()
        .filter(|character| is_xml_character(u32::from(*character)));
    Ok(Cow::Owned(clean.collect()))
}

/// Finds the root element and checks that the whole document is well-formed. Gives its start and
/// end.
pub(crate) fn root(
    file: &str,
    text: &str,
    limits: &Limits,
    kind: DocumentType,
) -> Result<(usize, usize)> {
    let bytes = text.as_bytes();
    let bad = |offset, why| Error::at(file, bytes, offset, why);
    let start = skip_misc(bytes, 0, kind).map_err(|(offset, why)| bad(offset, why))?;
    if bytes[start..].is_empty() {
        return Err(bad(start, Flaw::Truncated));
    }
    if bytes[start] != b'<' {
        return Err(bad(
            start,
            Flaw::Syntax {
                why: "it is no XML",
            },
        ));
    }
    let limits = Limits {
        max_element: limits.max_document,
        ..*limits
    };
    let scanned = Scanner::default().element(&bytes[start..], &limits);
    let end = match scanned.map_err(|fault| bad(start + fault.offset, fault.flaw))? {
        Scan::Whole(element) => start + element.end,
        Scan::Incomplete => return Err(bad(bytes.len(), Flaw::Truncated)),
    };
    let rest =
        skip_misc(bytes, end, DocumentType::Refused).map_err(|(offset, why)| bad(offset, why))?;
    if rest < bytes.len() {
        let why = "something behind the end of the root element";
        return Err(bad(rest, Flaw::Syntax { why }));
    }
    Ok((start, end))
}

fn skip_misc(
    bytes: &[u8],
    mut at: usize,
    kind: DocumentType,
) -> std::result::Result<usize, (usize, Flaw)> {
    loop {
        let rest = &bytes[at..];
        at += rest.len() - rest.trim_ascii_start().len();
        let rest = &bytes[at..];
        let end = if rest.starts_with(b"<?") {
            memchr::memmem::find(rest, b"?>").map(|length| length + 2)
        } else if rest.starts_with(b"<!--") {
            memchr::memmem::find(rest, b"-->").map(|length| length + 3)
        } else if rest.starts_with(b"<!DOCTYPE") && kind == DocumentType::NameOnly {
            match rest.iter().position(|byte| matches!(byte, b'>' | b'[')) {
                Some(length) if rest[length] == b'>' => Some(length + 1),
                Some(_) => return Err((at, Flaw::DocumentType)),
                None => None,
            }
        } else if rest.starts_with(b"<!") {
            return Err((at, Flaw::DocumentType));
        } else {
            return Ok(at);
        };
        match end {
            Some(length) => at += length,
            None => return Err((at, Flaw::Truncated)),
        }
    }
}

/// The tree of a well-formed element.
pub(crate) fn tree(text: &str) -> std::result::Result<Node<'_>, Flaw> {
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut open: Vec<Node<'_>> = Vec::new();
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|error| syntax(&error))?;
        let end = reader.buffer_position() as usize;
        match event {
            Event::Start(_) => open.push(node(&text[start..end], start)?),
            Event::Empty(_) => {
                let mut node = node(&text[start..end], start)?;
                node.raw = &text[start..end];
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
            Event::End(_) => {
                let Some(mut node) = open.pop() else { break };
                node.raw = &text[node.offset..end];
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
            Event::Text(_) => append(&mut open, Cow::Borrowed(&text[start..end])),
            Event::GeneralRef(_) => append(&mut open, resolve(&text[start..end])?),
            Event::CData(_) => {
                let inner = text[start..end]
                    .strip_prefix("<![CDATA[")
                    .and_then(|text| text.strip_suffix("]]>"));
                append(&mut open, Cow::Borrowed(inner.unwrap_or_default()));
            }
            Event::DocType(_) => return Err(Flaw::DocumentType),
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
        }
    }
    Err(Flaw::Truncated)
}

fn append<'a>(open: &mut [Node<'a>], piece: Cow<'a, str>) {
    if let Some(node) = open.last_mut() {
        if node.text.is_empty() {
            node.text = piece;
        } else {
            node.text.to_mut().push_str(&piece);
        }
    }
}

fn node(tag: &str, offset: usize) -> std::result::Result<Node<'_>, Flaw> {
    let inner = tag
        .trim_start_matches('<')
        .trim_end_matches('>')
        .trim_end_matches('/');
    let name_length = inner
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(inner.len());
    let start = BytesStart::from_content(inner, name_length);
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| Flaw::Syntax {
            why: "a broken attribute",
        })?;
        // The slices lie in `inner`, which outlives the event.
        let key: &str = attribute.key.as_ref();
        let key = slice_of(inner, key);
        let value = slice_of(inner, &attribute.value);
        attributes.push((key, resolve(value)?));
    }
    Ok(Node {
        name: local(&inner[..name_length]),
        attributes,
        offset,
        ..Node::default()
    })
}

/// The same part of `whole` with the life time of `whole`.
fn slice_of<'a>(whole: &'a str, part: &str) -> &'a str {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    whole
        .get(start..start.wrapping_add(part.len()))
        .unwrap_or_default()
}
