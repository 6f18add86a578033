//! Finds the end of an element and checks on the way that it is well-formed.
//!
//! This is the hot loop of reading a repository, so it does by hand what a general XML reader does
//! slower: it looks for the next `<` or `&` and checks what stands there. Boundaries found so are
//! right with comments, CDATA and any quoting, because everything is really read.

use crate::error::{ELEMENT, Flaw};
use crate::limits::Limits;

/// Attributes of one tag; only attackers need more.
const MOST_ATTRIBUTES: usize = 256;
/// Longest `&…;` that is looked at.
const LONGEST_REFERENCE: usize = 16;

/// A flaw and its offset in the bytes scanned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) flaw: Flaw,
}

/// What a scan came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The element ends before this offset.
    Whole(Element),
    /// More bytes are needed to say.
    Incomplete,
}

/// A whole, well-formed element.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// Offset behind the end tag.
    pub(crate) end: usize,
    /// Offsets of the value of the element's own attribute `pkgid`.
    pub(crate) pkgid: Option<(usize, usize)>,
    /// There are prefixes other than `rpm` and `xml`, or namespace declarations.
    pub(crate) foreign: bool,
    /// There are references to characters that XML does not allow.
    pub(crate) illegal: bool,
}

/// Reused state of scans.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    open: Vec<(usize, usize)>,
    attributes: Vec<(usize, usize)>,
}

type Step<T> = std::result::Result<Option<T>, Fault>;

fn fault<T>(offset: usize, flaw: Flaw) -> std::result::Result<T, Fault> {
    Err(Fault { offset, flaw })
}

fn syntax<T>(offset: usize, why: &'static str) -> std::result::Result<T, Fault> {
    fault(offset, Flaw::Syntax { why })
}

/// `Some` or "more bytes are needed".
macro_rules! need {
    ($value:expr) => {
        match $value {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl Scanner {
    /// Scans one element that starts at the first byte.
    pub(crate) fn element(&mut self, bytes: &[u8], limits: &Limits) -> Result<Scan, Fault> {
        self.open.clear();
        match self.run(bytes, limits)? {
            Some(element) => Ok(Scan::Whole(element)),
            None if bytes.len() > limits.max_element => fault(
                bytes.len(),
                Flaw::Limit {
                    what: ELEMENT,
                    limit: limits.max_element as u64,
                },
            ),
            None => Ok(Scan::Incomplete),
        }
    }

    fn run(&mut self, bytes: &[u8], limits: &Limits) -> Step<Element> {
        let mut element = Element::default();
        let mut at = 0;
        let mut text_start = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let next = at + need!(memchr::memchr2(b'<', b'&', rest));
            if bytes[next] == b'&' {
                at = next + need!(reference(bytes, next, &mut element.illegal)?);
                continue;
            }
            if next - text_start > limits.max_text {
                return fault(
                    text_start,
                    Flaw::Limit {
                        what: "a text",
                        limit: limits.max_text as u64,
                    },
                );
            }
            at = match need!(bytes.get(next + 1)) {
                b'/' => {
                    let (end, whole) = need!(self.end_tag(bytes, next)?);
                    if whole {
                        element.end = end;
                        return Ok(Some(element));
                    }
                    end
                }
                b'!' => need!(bang(bytes, next)?),
                b'?' => next + 4 + need!(find(bytes, next + 2, b"?>")),
                _ => {
                    let end = need!(self.start_tag(bytes, next, limits, &mut element)?);
                    if self.open.is_empty() {
                        element.end = end;
                        return Ok(Some(element));
                    }
                    end
                }
            };
            text_start = at;
        }
    }

    /// Offset behind the end tag, and whether it closed the outermost element.
    fn end_tag(&mut self, bytes: &[u8], tag: usize) -> Step<(usize, bool)> {
        let Some((from, to)) = self.open.pop() else {
            return syntax(tag, "an end tag without a start tag");
        };
        let name = &bytes[from..to];
        let found = need!(bytes.get(tag + 2..tag + 3 + name.len()));
        if let Some(b">") = found.strip_prefix(name) {
            return Ok(Some((tag + 3 + name.len(), self.open.is_empty())));
        }
        let length = need!(memchr::memchr(b'>', &bytes[tag..]));
        let found = bytes[tag + 2..tag + length].trim_ascii_end();
        if found != name {
            let text =
                |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
            return fault(
                tag,
                Flaw::EndTag {
                    found: text(found),
                    open: text(name),
                },
            );
        }
        Ok(Some((tag + length + 1, self.open.is_empty())))
    }

    /// Offset behind the start tag. A tag that does not close itself is put on the stack.
    fn start_tag(
        &mut self,
        bytes: &[u8],
        tag: usize,
        limits: &Limits,
        element: &mut Element,
    ) -> Step<usize> {
        let name_start = tag + 1;
        let (name_end, known) = need!(read_name(bytes, name_start)?);
        if self.open.len() >= limits.max_depth {
            return fault(
                tag,
                Flaw::Limit {
                    what: "the depth of elements",
                    limit: limits.max_depth as u64,
                },
            );
        }
        element.foreign |= !known;
        if bytes[name_end] == b'>' {
            self.open.push((name_start, name_end));
            return Ok(Some(name_end + 1));
        }
        self.attributes.clear();
        let mut at = name_end;
        loop {
            let blank = at;
            at = need!(skip_space(bytes, at));
            match bytes[at] {
                b'>' => {
                    self.open.push((name_start, name_end));
                    return Ok(Some(at + 1));
                }
                b'/' => {
                    return match need!(bytes.get(at + 1)) {
                        b'>' => Ok(Some(at + 2)),
                        _ => syntax(at, "a slash inside a tag"),
                    };
                }
                _ if at == blank => {
                    return syntax(at, "attributes without white space between them");
                }
                _ => at = need!(self.attribute(bytes, at, limits, element)?),
            }
        }
    }

    fn attribute(
        &mut self,
        bytes: &[u8],
        start: usize,
        limits: &Limits,
        element: &mut Element,
    ) -> Step<usize> {
        let (end, known) = need!(read_name(bytes, start)?);
        let name = &bytes[start..end];
        if self.attributes.len() >= MOST_ATTRIBUTES {
            return fault(
                start,
                Flaw::Limit {
                    what: "the number of attributes",
                    limit: MOST_ATTRIBUTES as u64,
                },
            );
        }
        if self
            .attributes
            .iter()
            .any(|(from, to)| &bytes[*from..*to] == name)
        {
            return fault(
                start,
                Flaw::Duplicate {
                    what: format!(
                        "attribute {}",
                        String::from_utf8_lossy(&name[..name.len().min(64)])
                    ),
                },
            );
        }
        self.attributes.push((start, end));
        let equals = need!(skip_space(bytes, end));
        if bytes[equals] != b'=' {
            return syntax(equals, "an attribute without a value");
        }
        let quote_at = need!(skip_space(bytes, equals + 1));
        let quote = bytes[quote_at];
        if !matches!(quote, b'"' | b'\'') {
            return syntax(quote_at, "an attribute value without quotes");
        }
        let value_start = quote_at + 1;
        let mut at = value_start;
        let value_end = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr3(quote, b'<', b'&', rest) else {
                if bytes.len() - value_start > limits.max_attribute {
                    return too_long_attribute(start, limits);
                }
                return Ok(None);
            };
            let found = at + found;
            match bytes[found] {
                b'<' => return syntax(found, "a '<' inside an attribute value"),
                b'&' => at = found + need!(reference(bytes, found, &mut element.illegal)?),
                _ => break found,
            }
        };
        if value_end - value_start > limits.max_attribute {
            return too_long_attribute(start, limits);
        }
        element.foreign |= !known || name.starts_with(b"xmlns");
        if name == b"pkgid" && self.open.is_empty() {
            element.pkgid = Some((value_start, value_end));
        }
        Ok(Some(value_end + 1))
    }
}

fn too_long_attribute<T>(offset: usize, limits: &Limits) -> std::result::Result<T, Fault> {
    fault(
        offset,
        Flaw::Limit {
            what: "an attribute",
            limit: limits.max_attribute as u64,
        },
    )
}

/// Offset behind a comment or CDATA section.
fn bang(bytes: &[u8], tag: usize) -> Step<usize> {
    let rest = &bytes[tag + 2..];
    for (start, end) in [(&b"--"[..], &b"-->"[..]), (b"[CDATA[", b"]]>")] {
        if rest.starts_with(start) {
            let body = tag + 2 + start.len();
            return Ok(find(bytes, body, end).map(|length| body + length + end.len()));
        }
        if start.starts_with(rest) {
            return Ok(None);
        }
    }
    fault(tag, Flaw::DocumentType)
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, needle)
}

/// Length of a reference that starts with `&`.
fn reference(bytes: &[u8], at: usize, illegal: &mut bool) -> Step<usize> {
    let rest = &bytes[at..];
    let window = &rest[..rest.len().min(LONGEST_REFERENCE)];
    let undefined = || Flaw::Entity {
        text: String::from_utf8_lossy(window).into_owned(),
    };
    let Some(end) = memchr::memchr(b';', window) else {
        if window.len() < LONGEST_REFERENCE {
            return Ok(None);
        }
        return fault(at, undefined());
    };
    match &window[1..end] {
        b"amp" | b"lt" | b"gt" | b"quot" | b"apos" => {}
        [b'#', digits @ ..] => match character(digits) {
            Some(code) if is_xml_character(code) => {}
            Some(_) => *illegal = true,
            None => return fault(at, undefined()),
        },
        _ => return fault(at, undefined()),
    }
    Ok(Some(end + 1))
}

/// Number of a character reference, from what stands between `&#` and `;`.
pub(crate) fn character(digits: &[u8]) -> Option<u32> {
    let (digits, radix) = match digits {
        [b'x', hex @ ..] => (hex, 16),
        decimal => (decimal, 10),
    };
    if digits.is_empty()
        || !digits
            .iter()
            .all(|digit| char::from(*digit).is_digit(radix))
    {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// Characters that XML 1.0 allows.
pub(crate) fn is_xml_character(code: u32) -> bool {
    matches!(code, 0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff)
}

/// True when valid UTF-8 has characters that XML 1.0 does not allow.
pub(crate) fn has_illegal_characters(text: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r');
    // Without a branch in the inner loop the compiler makes vectors of it.
    text.chunks(4096).any(|chunk| {
        chunk
            .iter()
            .fold(false, |found, byte| found | control(byte))
    }) || memchr::memmem::find_iter(text, b"\xef\xbf")
        .any(|at| matches!(text.get(at + 2), Some(0xbe | 0xbf)))
}

fn skip_space(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .map(|length| from + length)
}

/// What a byte may be in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Start,
    Inner,
    Colon,
    End,
    Bad,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Bad; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Start,
            b'0'..=b'9' | b'-' | b'.' => Class::Inner,
            b':' => Class::Colon,
            b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>' | b'=' => Class::End,
            _ => Class::Bad,
        };
        byte += 1;
    }
    classes
}

/// End of the name that starts here, and whether its prefix is none, `rpm` or `xml`.
fn read_name(bytes: &[u8], start: usize) -> Step<(usize, bool)> {
    let class = |at: usize| bytes.get(at).map(|byte| CLASSES[usize::from(*byte)]);
    let bad = |at| syntax(at, "a name that is none");
    if need!(class(start)) != Class::Start {
        return bad(start);
    }
    let (mut at, mut colons) = (start + 1, 0);
    loop {
        match need!(class(at)) {
            Class::Start | Class::Inner => {}
            Class::Colon => colons += 1,
            Class::End => break,
            Class::Bad => return bad(at),
        }
        at += 1;
    }
    let name = &bytes[start..at];
    if name.ends_with(b":") {
        return bad(at);
    }
    let known = match colons {
        0 => true,
        1 => name.starts_with(b"rpm:") || name.starts_with(b"xml:"),
        _ => false,
    };
    Ok(Some((at, known)))
}

#[cfg(test)]
mod tests {
    use super::{Element, Fault, Scan, Scanner};
    use crate::error::Flaw;
    use crate::limits::Limits;

    fn scan(text: &str) -> Result<Scan, Fault> {
        Scanner::default().element(text.as_bytes(), &Limits::default())
    }

    fn end(text: &str) -> usize {
        match scan(text) {
            Ok(Scan::Whole(element)) => element.end,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_end_is_found_whatever_stands_inside() {
        for element in [
            "<a/>",
            "<a></a>",
            "<a ></a >",
            "<a x='>' y=\"</a>'\"/>".replace("</a>", "/a>").as_str(),
            "<a><!-- </a> --></a>",
            "<a><![CDATA[</a>]]></a>",
            "<a><?pi </a> ?></a>",
            "<a><a/><a>x</a>&amp;&#10;</a>",
            "<rpm:a xml:base=''/>",
        ] {
            assert_eq!(end(&format!("{element}<b>")), element.len(), "{element}");
            for cut in 1..element.len() {
                let cut = &element[..cut];
                assert_eq!(scan(cut), Ok(Scan::Incomplete), "{cut}");
            }
        }
    }

    #[test]
    fn findings_are_reported() {
        let found = |text: &str| match scan(text) {
            Ok(Scan::Whole(element)) => element,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(
            found("<p pkgid='abc'><q pkgid='no'/></p>"),
            Element {
                end: 34,
                pkgid: Some((10, 13)),
                ..Element::default()
            }
        );
        assert!(found("<p><x:y/></p>").foreign);
        assert!(found("<p x:y=''/>").foreign);
        assert!(found("<p xmlns='u'/>").foreign);
        assert!(!found("<p><rpm:y xml:lang='de'/></p>").foreign);
        assert!(found("<p>&#0;</p>").illegal);
        assert!(found("<p a='&#x1F;'/>").illegal);
        assert!(!found("<p>&#x1F600;</p>").illegal);
    }

    #[test]
    fn broken_elements_are_refused() {
        for text in [
            "<a></b>",
            "<a x></a>",
            "<a x=1></a>",
            "<a x='<'/>",
            "<a>&nbsp;</a>",
            "<a>&#;</a>",
            "<a>&#xg;</a>",
            "<a>& and more text follows</a>",
            "<a x='' x=''/>",
            "<a x=''y=''/>",
            "<a / >",
            "<1/>",
            "<a:/>",
            "<a><!ENTITY x 'y'></a>",
            "<a><!DOCTYPE x></a>",
            "<></>",
            "<a>&#99999999999;</a>",
        ] {
            assert!(scan(text).is_err(), "{text}: {:?}", scan(text));
        }
        let deep = "<a>".repeat(65);
        assert!(matches!(
            scan(&deep),
            Err(Fault {
                flaw: Flaw::Limit { .. },
                ..
            })
        ));
        assert_eq!(scan(&"<a>".repeat(64)), Ok(Scan::Incomplete));
        let long = format!("<a x='{}", "y".repeat(70_000));
        assert!(matches!(
            scan(&long),
            Err(Fault {
                flaw: Flaw::Limit { .. },
                ..
            })
        ));
    }
}
