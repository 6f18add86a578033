//! A small tree for small XML documents: SOAP answers, oVirt lists, XML-RPC. No DTD, no namespaces (names are local),
//! limits on depth, nodes and attributes.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may be nested.
pub(crate) const DEPTH: usize = 64;
/// How many elements a document may have.
const ELEMENTS: usize = 4_000_000;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name without prefix.
    pub name: Box<str>,
    /// Its attributes without prefixes, in order.
    pub attributes: Vec<(Box<str>, Box<str>)>,
    /// Elements inside.
    pub children: Vec<Element>,
    /// Text inside, as it stands, without that of children.
    pub text: String,
}

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not well-formed.
    #[error("it is no XML at byte {at}: {reason}")]
    Syntax {
        /// Where.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// A DTD; none is needed, and they do harm.
    #[error("it has a document type declaration at byte {0}, which is refused")]
    Doctype(u64),
    /// It ends within an element.
    #[error("it ends within <{0}>")]
    Unfinished(String),
    /// No element at all.
    #[error("it holds no element")]
    Empty,
    /// Deeper or larger than anything real.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

impl Element {
    /// Reads a document and gives its root.
    ///
    /// # Errors
    /// It is not well-formed, has a DTD, or is too deep or large.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::from_reader(bytes);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut elements = 0_usize;
        loop {
            let event = reader.read_event().map_err(|error| Error::Syntax {
                at: reader.error_position(),
                reason: error.to_string(),
            })?;
            let at = reader.buffer_position();
            let syntax = |reason: String| Error::Syntax { at, reason };
            match event {
                Event::Start(ref start) | Event::Empty(ref start) => {
                    elements += 1;
                    if elements > ELEMENTS {
                        return Err(Error::TooMuch {
                            limit: ELEMENTS,
                            what: "elements",
                        });
                    }
                    if open.len() >= DEPTH {
                        return Err(Error::TooMuch {
                            limit: DEPTH,
                            what: "levels of elements",
                        });
                    }
                    if open.is_empty() && root.is_some() {
                        return Err(syntax("a second root element".to_owned()));
                    }
                    let element = started(start).map_err(syntax)?;
                    if matches!(event, Event::Empty(_)) {
                        close(element, &mut open, &mut root);
                    } else {
                        open.push(element);
                    }
                }
                Event::End(_) => {
                    if let Some(element) = open.pop() {
                        close(element, &mut open, &mut root);
                    }
                }
                Event::Text(text) => match open.last_mut() {
                    Some(element) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return Err(syntax("text outside of the root element".to_owned())),
                },
                Event::CData(data) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&data);
                    }
                }
                Event::GeneralRef(reference) => {
                    let letter = entity(&reference)
                        .ok_or_else(|| syntax(format!("unknown entity &{};", &*reference)))?;
                    if let Some(element) = open.last_mut() {
                        element.text.push(letter);
                    }
                }
                Event::DocType(_) => return Err(Error::Doctype(at)),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof => break,
            }
        }
        if let Some(element) = open.pop() {
            return Err(Error::Unfinished(element.name.into()));
        }
        root.ok_or(Error::Empty)
    }

    /// The first child with this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| *child.name == *name)
    }

    /// All children with this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children
            .iter()
            .filter(move |child| *child.name == *name)
    }

    /// The descendant at the end of a way of first children.
    #[must_use]
    pub fn at(&self, way: &[&str]) -> Option<&Self> {
        way.iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// The trimmed text of the descendant at the end of a way; none when it is not there or empty.
    #[must_use]
    pub fn text_at(&self, way: &[&str]) -> Option<&str> {
        self.at(way).and_then(Self::trimmed)
    }

    /// The trimmed text; none when it is empty.
    #[must_use]
    pub fn trimmed(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(found, _)| **found == *name)
            .map(|(_, value)| value.as_ref())
    }

    /// The first element with this name, this one included, in document order.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        if *self.name == *name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

pub(crate) fn started(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element {
        name: start.local_name().as_ref().into(),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value =
            quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
        element
            .attributes
            .push((attribute.key.local_name().as_ref().into(), value.into()));
    }
    Ok(element)
}

/// The character that one of the five entities or a number stands for.
#[must_use]
pub fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|letter| *letter != '\0')
        }
    }
}

/// Text as it stands between tags or in an attribute.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_tree_of_local_names() {
        let text = "<?xml version=\"1.0\"?><s:A xmlns:s=\"u\"><s:b i:type=\"x&amp;y\">1 &lt; 2&#10;<![CDATA[<]]></s:b><c/></s:A>";
        let root = Element::read(text.as_bytes()).unwrap();
        assert_eq!(&*root.name, "A");
        let b = root.child("b").unwrap();
        assert_eq!(b.text, "1 < 2\n<");
        assert_eq!(b.attribute("type"), Some("x&y"));
        assert!(root.at(&["c"]).is_some() && root.text_at(&["c"]).is_none());
        assert!(root.find("b").is_some());
    }

    #[test]
    fn what_is_no_document_is_told() {
        let error = |text: &str| Element::read(text.as_bytes()).unwrap_err();
        assert_eq!(error("<a><b>"), Error::Unfinished("b".to_owned()));
        assert_eq!(error(""), Error::Empty);
        assert!(matches!(
            error("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
            Error::Doctype(_)
        ));
        assert!(matches!(error("<a>&x;</a>"), Error::Syntax { .. }));
        assert!(matches!(error("<a></b>"), Error::Syntax { .. }));
        assert!(matches!(error("hello"), Error::Syntax { .. }));
        assert!(matches!(error(&"<a>".repeat(100)), Error::TooMuch { .. }));
    }
}
