//! Text into trees.

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::tag::{normalized, resolve, tag};
use super::{DEEPEST, Element, LARGEST, Node, XmlError, XmlFlaw, is_character};

/// How the characters of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, and ASCII with it.
    Utf8,
    /// ISO-8859-1: one byte a character.
    Latin1,
}

/// A document: its root element and the text that it was read from.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file as the caller named it.
    pub file: String,
    /// The whole text, without a byte order mark.
    pub text: String,
    /// The root element.
    pub root: Element,
    /// Comments before the root element, in order.
    pub before: Vec<String>,
    /// Comments behind the root element, in order.
    pub after: Vec<String>,
    /// How the file's bytes have to be read and written.
    pub encoding: Encoding,
    /// The file starts with the mark of UTF-8.
    pub mark: bool,
}

impl Document {
    /// Reads a document. `file` is for messages.
    ///
    /// # Errors
    /// [`XmlError`] with line and column: what is not well-formed, over a limit, or in an encoding that is not read.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, XmlError> {
        let bad = |flaw| XmlError {
            file: file.to_owned(),
            line: 1,
            column: 1,
            flaw,
        };
        if bytes.len() > LARGEST {
            let what = "bytes of an XML file";
            return Err(bad(XmlFlaw::Limit {
                what,
                limit: LARGEST,
            }));
        }
        let unmarked = bytes.strip_prefix(MARK);
        let mark = unmarked.is_some();
        let bytes = unmarked.unwrap_or(bytes);
        let encoding = declared(bytes).map_err(bad)?;
        let text = match encoding {
            Encoding::Utf8 => std::str::from_utf8(bytes)
                .map_err(|error| {
                    let good = &bytes[..error.valid_up_to()];
                    at(
                        file,
                        &String::from_utf8_lossy(good),
                        good.len(),
                        XmlFlaw::NoText,
                    )
                })?
                .to_owned(),
            Encoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
        };
        if let Some((offset, character)) = text.char_indices().find(|(_, c)| !is_character(*c)) {
            let code = u32::from(character);
            return Err(at(file, &text, offset, XmlFlaw::Character { code }));
        }
        // The reader passes over a mark at its beginning without counting it, so its offsets would lie between characters.
        if text.starts_with('\u{feff}') {
            return Err(at(file, &text, 0, XmlFlaw::Outside { what: "text" }));
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut root = tree(&text, &mut before, &mut after)
            .map_err(|(offset, flaw)| at(file, &text, offset, flaw))?;
        Lines::default().number(&text, &mut root);
        Ok(Self {
            file: file.to_owned(),
            text,
            root,
            before,
            after,
            encoding,
            mark,
        })
    }

    /// A document that was never a text.
    pub fn of(file: &str, root: Element) -> Self {
        Self {
            file: file.to_owned(),
            text: String::new(),
            root,
            before: Vec::new(),
            after: Vec::new(),
            encoding: Encoding::Utf8,
            mark: false,
        }
    }

    /// The root element as lxml would write it: double quotes, no declaration, nothing of what stood outside the root
    /// element, no line end behind it.
    pub fn serialized(&self) -> String {
        self.root.to_xml()
    }

    /// Text of this document as bytes in its encoding; what the encoding lacks becomes a reference.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf8 if self.mark => [MARK, text.as_bytes()].concat(),
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Latin1 => {
                let mut out = Vec::with_capacity(text.len());
                for character in text.chars() {
                    match u8::try_from(u32::from(character)) {
                        Ok(byte) => out.push(byte),
                        Err(_) => {
                            out.extend(format!("&#{};", u32::from(character)).into_bytes());
                        }
                    }
                }
                out
            }
        }
    }
}

/// The byte order mark of UTF-8, which some editors put first.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The encoding by the XML declaration, which is ASCII in every encoding that is read.
fn declared(bytes: &[u8]) -> Result<Encoding, XmlFlaw> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let name = "UTF-16".to_owned();
        return Err(XmlFlaw::Encoding { name });
    }
    let Some(rest) = bytes.strip_prefix(b"<?xml") else {
        return Ok(Encoding::Utf8);
    };
    let end = rest.iter().position(|byte| *byte == b'>');
    let declaration = String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len()).min(200)]);
    let Some((_, behind)) = declaration.split_once("encoding") else {
        return Ok(Encoding::Utf8);
    };
    let name = behind
        .trim_start()
        .trim_start_matches('=')
        .trim_start()
        .trim_start_matches(['"', '\'']);
    let name = name.split(['"', '\'']).next().unwrap_or_default();
    match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" | "US-ASCII" | "ASCII" => Ok(Encoding::Utf8),
        "ISO-8859-1" | "LATIN1" | "ISO_8859-1" | "LATIN-1" => Ok(Encoding::Latin1),
        _ => Err(XmlFlaw::Encoding {
            name: name.chars().take(40).collect(),
        }),
    }
}

/// The flaw at an offset of the text.
fn at(file: &str, text: &str, offset: usize, flaw: XmlFlaw) -> XmlError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    XmlError {
        file: file.to_owned(),
        line: number(before.matches('\n').count() + 1),
        column: number(before[line_start..].chars().count() + 1),
        flaw,
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Lines and columns of elements, found in one walk over the text.
#[derive(Default)]
struct Lines {
    offset: usize,
    line: usize,
    column: usize,
}

impl Lines {
    fn number(&mut self, text: &str, element: &mut Element) {
        // Depth is limited, so that this recursion is.
        for character in text[self.offset..element.place.start].chars() {
            match character {
                '\n' => {
                    self.line += 1;
                    self.column = 0;
                }
                _ => self.column += 1,
            }
        }
        self.offset = element.place.start;
        element.place.line = number(self.line + 1);
        element.place.column = number(self.column + 1);
        for child in &mut element.children {
            if let Node::Element(child) = child {
                self.number(text, child);
            }
        }
    }
}

/// A flaw at an offset of the text.
pub(super) type Flawed<T> = Result<T, (usize, XmlFlaw)>;

fn tree(text: &str, before: &mut Vec<String>, after: &mut Vec<String>) -> Flawed<Element> {
    let mut reader = Reader::from_reader(text.as_bytes());
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let start = offset(reader.buffer_position());
        let event = reader
            .read_event()
            .map_err(|error| syntax(&error, offset(reader.error_position()), text, &open))?;
        let end = offset(reader.buffer_position());
        let raw = &text[start..end];
        match event {
            Event::Start(_) | Event::Empty(_) if open.is_empty() && root.is_some() => {
                let what = "a second element";
                return Err((start, XmlFlaw::Outside { what }));
            }
            Event::Start(_) => {
                if open.len() >= DEEPEST {
                    let what = "elements within elements";
                    return Err((
                        start,
                        XmlFlaw::Limit {
                            what,
                            limit: DEEPEST,
                        },
                    ));
                }
                open.push(tag(raw, start, end)?);
            }
            Event::Empty(_) => close(tag(raw, start, end)?, &mut open, &mut root),
            Event::End(_) => {
                if let Some(mut element) = open.pop() {
                    element.place.close = start;
                    element.place.end = end;
                    close(element, &mut open, &mut root);
                }
            }
            Event::Text(_) | Event::GeneralRef(_) => {
                let piece = resolve(&normalized(raw), start)?;
                append(&mut open, piece, start)?;
            }
            Event::CData(_) => {
                let inner = raw
                    .strip_prefix("<![CDATA[")
                    .and_then(|rest| rest.strip_suffix("]]>"));
                append(&mut open, normalized(inner.unwrap_or_default()), start)?;
            }
            Event::Comment(_) => {
                let inner = raw
                    .strip_prefix("<!--")
                    .and_then(|rest| rest.strip_suffix("-->"))
                    .unwrap_or_default();
                if inner.contains("--") || inner.ends_with('-') {
                    let why = "a comment with -- inside".to_owned();
                    return Err((start, XmlFlaw::Syntax { why }));
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(Node::Comment(normalized(inner))),
                    None if root.is_none() => before.push(normalized(inner)),
                    None => after.push(normalized(inner)),
                }
            }
            Event::PI(_) => {
                let inner = raw
                    .strip_prefix("<?")
                    .and_then(|rest| rest.strip_suffix("?>"));
                if let Some(parent) = open.last_mut() {
                    let inner = normalized(inner.unwrap_or_default());
                    parent.children.push(Node::Instruction(inner));
                }
            }
            Event::Decl(_) => {
                if start > 0 {
                    let why = "the XML declaration has to be the first thing in the file";
                    return Err((start, XmlFlaw::Syntax { why: why.into() }));
                }
            }
            Event::DocType(_) => return Err((start, XmlFlaw::DocumentType)),
            Event::Eof => break,
        }
    }
    if let Some(element) = open.last() {
        let before = &text[..element.place.start];
        let name = element.name.clone();
        let line = number(before.matches('\n').count() + 1);
        return Err((text.len(), XmlFlaw::Cut { name, line }));
    }
    root.ok_or((0, XmlFlaw::NoElement))
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.push(element),
        None => *root = Some(element),
    }
}

fn append(open: &mut [Element], piece: String, start: usize) -> Flawed<()> {
    let Some(parent) = open.last_mut() else {
        return match piece.trim_ascii().is_empty() {
            true => Ok(()),
            false => Err((start, XmlFlaw::Outside { what: "text" })),
        };
    };
    match parent.children.last_mut() {
        Some(Node::Text(text)) => text.push_str(&piece),
        _ if piece.is_empty() => {}
        _ => parent.children.push(Node::Text(piece)),
    }
    Ok(())
}

fn syntax(error: &quick_xml::Error, at: usize, text: &str, open: &[Element]) -> (usize, XmlFlaw) {
    use quick_xml::Error as E;
    let flaw = match error {
        E::Syntax(why) => XmlFlaw::Unended {
            what: match why {
                SyntaxError::UnclosedComment => "a comment",
                SyntaxError::UnclosedCData => "a CDATA section",
                SyntaxError::UnclosedDoctype => "a document type",
                SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl => {
                    "a processing instruction"
                }
                _ => "a tag",
            },
        },
        E::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => XmlFlaw::WrongEnd {
            expected: expected.clone(),
            found: found.clone(),
        },
        E::IllFormed(IllFormedError::UnmatchedEndTag(found)) => XmlFlaw::Syntax {
            why: format!("the end tag </{found}> belongs to no element"),
        },
        E::IllFormed(IllFormedError::MissingEndTag(_)) if !open.is_empty() => {
            let element = &open[open.len() - 1];
            XmlFlaw::Cut {
                name: element.name.clone(),
                line: number(text[..element.place.start].matches('\n').count() + 1),
            }
        }
        other => XmlFlaw::Syntax {
            why: other.to_string(),
        },
    };
    (at.min(text.len()), flaw)
}
