//! XML reduced to what XML-RPC needs: starts, ends and text.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::{Error, Result};

/// One step of the document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `<name>`; also the first half of `<name/>`.
    Start(&'a str),
    /// `</name>`.
    End,
    /// Text; neighbouring pieces are not joined.
    Text(std::borrow::Cow<'a, str>),
    /// The end of the document.
    Over,
}

/// Steps through a document.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// An empty element still has its end to come.
    empty: bool,
    open: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        Self {
            text,
            reader,
            empty: false,
            open: 0,
        }
    }

    /// Where the reader is, in bytes of the decoded text.
    pub(crate) fn at(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn xml(&self, why: &'static str) -> Error {
        Error::Xml { at: self.at(), why }
    }

    /// The next step.
    pub(crate) fn next(&mut self) -> Result<Token<'a>> {
        if std::mem::take(&mut self.empty) {
            return Ok(Token::End);
        }
        loop {
            let from = self.at();
            let event = self.reader.read_event().map_err(|_| Error::Xml {
                at: from,
                why: "not well-formed XML",
            })?;
            match event {
                Event::Start(_) => {
                    self.open += 1;
                    return Ok(Token::Start(self.name(from)?));
                }
                Event::Empty(_) => {
                    self.empty = true;
                    return Ok(Token::Start(self.name(from)?));
                }
                Event::End(_) => {
                    self.open = self.open.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(_) => {
                    let text = self.text.get(from..self.at()).unwrap_or("");
                    return Ok(Token::Text(ends_of_lines(text)));
                }
                Event::CData(_) => {
                    let text = self.text.get(from..self.at()).unwrap_or("");
                    let inside = text
                        .strip_prefix("<![CDATA[")
                        .and_then(|text| text.strip_suffix("]]>"))
                        .ok_or_else(|| self.xml("a broken CDATA section"))?;
                    return Ok(Token::Text(ends_of_lines(inside)));
                }
                Event::GeneralRef(_) => {
                    let text = self.text.get(from..self.at()).unwrap_or("");
                    let character = resolved(text)
                        .ok_or_else(|| self.xml("an entity that is not one of XML's own"))?;
                    return Ok(Token::Text(character.to_string().into()));
                }
                Event::DocType(_) => return Err(self.xml("a document type is not allowed")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof if self.open > 0 => return Err(self.xml("the message ends too early")),
                Event::Eof => return Ok(Token::Over),
            }
        }
    }

    /// The local name of the tag that begins at `from`.
    fn name(&self, from: usize) -> Result<&'a str> {
        let tag = self.text.get(from..self.at()).unwrap_or("");
        let tag = tag.strip_prefix('<').unwrap_or(tag);
        let end = tag
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))
            .unwrap_or(tag.len());
        let name = tag.get(..end).unwrap_or("");
        let local = name.rsplit(':').next().unwrap_or(name);
        if local.is_empty() {
            return Err(self.xml("a tag without a name"));
        }
        Ok(local)
    }
}

/// CRLF and CR become LF (XML 1.0, 2.11).
fn ends_of_lines(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}

/// The character of `&amp;`, `&#65;` and their like.
fn resolved(reference: &str) -> Option<char> {
    let name = reference.strip_prefix('&')?.strip_suffix(';')?;
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|&c| c != '\0')
}
