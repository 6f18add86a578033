//! Cuts a metadata file into the fragments of its packages, streaming.
//!
//! [`PackageCutter`] holds one package at a time. A fragment is the bytes from `<package` to
//! `</package>` in canonical form: no prefix for the file's own namespace, `rpm:` for rpm's,
//! further namespaces declared on the fragment itself, no characters that XML does not allow.
//! Where the source is like that already (nearly always) the bytes are the source's own.

mod prolog;
mod source;

use std::io::BufRead;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::canonical::{Namespaces, rewrite};
use crate::error::{Error, Flaw, Result};
use crate::kind::MetadataKind;
use crate::limits::Limits;
use crate::scan::{Scan, Scanner, has_illegal_characters};
use source::Window;

/// One package of a metadata file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    bytes: &'a [u8],
    pkgid: &'a str,
    line: u64,
}

impl<'a> Fragment<'a> {
    /// The element in canonical form, valid UTF-8, from `<package` to `</package>`.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The attribute `pkgid` as it is written: the package's checksum. Empty in primary, where the
    /// checksum is an element.
    pub fn pkgid(&self) -> &'a str {
        self.pkgid
    }

    /// Line of the file where the element starts.
    pub fn line(&self) -> u64 {
        self.line
    }
}

/// Reads the packages of one metadata file one after the other.
///
/// After an error for which [`Error::is_about_one_element`] holds, the cutter stands behind the bad
/// element and [`PackageCutter::next_package`] goes on with the next one.
#[derive(Debug)]
pub struct PackageCutter<R> {
    kind: MetadataKind,
    limits: Limits,
    window: Window<R>,
    namespaces: Namespaces,
    own: String,
    standard: bool,
    declared: Option<u64>,
    finished: bool,
    scanner: Scanner,
    canonical: Vec<u8>,
}

/// The bytes from `<package` to the next `</package>`, not checked in any way.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    bytes: &'a [u8],
}

impl<'a> Candidate<'a> {
    /// The bytes as the source wrote them, in UTF-8.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What looks like the attribute `pkgid` of the element.
    pub fn pkgid(&self) -> Option<&'a str> {
        let tag = &self.bytes[..memchr::memchr(b'>', self.bytes)?];
        let value = &tag[PKGID.find(tag)? + PKGID.needle().len()..];
        std::str::from_utf8(&value[..memchr::memchr(b'"', value)?]).ok()
    }
}

/// What [`PackageCutter::next_unless_known`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// A package that the caller knows; it was passed over.
    Known,
    /// Another package, checked.
    Package(Fragment<'a>),
}

/// Searchers are made once; making them costs more than searching a fragment.
static PACKAGE_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("</package>"));
static PKGID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" pkgid=\""));

/// Where a found element stands in the window.
struct Found {
    start: usize,
    end: usize,
    pkgid: Option<(usize, usize)>,
    raw: bool,
}

impl<R: BufRead> PackageCutter<R> {
    /// Reads up to and with the start of the root element.
    ///
    /// # Errors
    /// [`Error::BadRepository`] for a document type, an encoding that is not supported, another
    /// root element, a file that ends too early; whatever the reader gives.
    pub fn new(kind: MetadataKind, reader: R, limits: Limits) -> Result<Self> {
        let mut window = Window::new(kind.file_name(), reader)?;
        let root = prolog::read(kind, &mut window, &limits)?;
        Ok(Self {
            kind,
            limits,
            window,
            standard: root.namespaces.are_standard(&root.own),
            own: root.own,
            namespaces: root.namespaces,
            declared: root.packages,
            finished: root.empty,
            scanner: Scanner::default(),
            canonical: Vec::new(),
        })
    }

    /// Number of packages that the root element claims. It can lie.
    pub fn declared_count(&self) -> Option<u64> {
        self.declared
    }

    /// The next package; `None` behind the last one, when the whole file was read.
    ///
    /// # Errors
    /// [`Error::BadRepository`] for what is not well-formed, over a limit, without `pkgid` (not in
    /// primary), or cut off; whatever the reader gives.
    pub fn next_package(&mut self) -> Result<Option<Fragment<'_>>> {
        if self.finished {
            return Ok(None);
        }
        let Some(found) = self.find()? else {
            self.finished = true;
            return Ok(None);
        };
        self.window.consume_to(found.end);
        let line = self.window.count_lines(found.start);
        let element = self.window.bytes(found.start, found.end);
        let bad = |offset: usize, why| {
            let within = memchr::memchr_iter(b'\n', &element[..offset]).count() as u64;
            Error::bad(self.kind.file_name(), line + within, why)
        };
        let text = std::str::from_utf8(element)
            .map_err(|error| bad(error.valid_up_to(), Flaw::BadText))?;
        let pkgid = found.pkgid.map_or("", |(from, to)| &text[from..to]);
        if self.kind.has_pkgid() && pkgid.is_empty() {
            return Err(bad(
                0,
                Flaw::MissingAttribute {
                    attribute: "pkgid",
                    element: "package",
                },
            ));
        }
        let bytes = if found.raw && !has_illegal_characters(element) {
            element
        } else {
            self.canonical.clear();
            rewrite(text, &self.own, &self.namespaces, &mut self.canonical)
                .map_err(|why| bad(0, why))?;
            &self.canonical
        };
        Ok(Some(Fragment { bytes, pkgid, line }))
    }

    /// Like [`Self::next_package`], but asks `is_known` first, with the bytes up to the next
    /// `</package>`. When it says yes, they are passed over without being checked.
    ///
    /// `is_known` may only say yes to bytes that came out of a cutter once: those are a whole
    /// element that was checked then, wherever its text ends.
    ///
    /// # Errors
    /// Those of [`Self::next_package`].
    pub fn next_unless_known(
        &mut self,
        is_known: impl FnOnce(Candidate<'_>) -> bool,
    ) -> Result<Option<Cut<'_>>> {
        if !self.finished
            && self.standard
            && let Some((start, end)) = self.candidate()?
            && is_known(Candidate {
                bytes: self.window.bytes(start, end),
            })
        {
            self.window.consume_to(end);
            return Ok(Some(Cut::Known));
        }
        Ok(self.next_package()?.map(Cut::Package))
    }

    /// Where the next package probably starts and ends; none when that cannot be said by looking.
    fn candidate(&mut self) -> Result<Option<(usize, usize)>> {
        self.window.skip_space()?;
        let start = self.window.position();
        let begin = self.window.peek(9)?;
        if !(begin.starts_with(b"<package")
            && begin
                .last()
                .is_some_and(|byte| matches!(byte, b' ' | b'>' | b'\n')))
        {
            return Ok(None);
        }
        Ok(self.package_end(start)?.map(|end| (start, end)))
    }

    /// Offset behind the first `</package>` after `start`, reading on until it is there.
    fn package_end(&mut self, start: usize) -> Result<Option<usize>> {
        let mut from = start;
        loop {
            if let Some(length) = PACKAGE_END.find(self.window.bytes_from(from)) {
                return Ok(Some(from + length + PACKAGE_END.needle().len()));
            }
            // An end tag may lie across the border of what was read.
            from = self.window.end().saturating_sub(9).max(start);
            if self.window.len_from(start) > self.limits.max_element || !self.window.fill(start)? {
                return Ok(None);
            }
        }
    }

    /// The next package element, whatever its prefix. Comments and unknown elements between
    /// packages are passed over.
    fn find(&mut self) -> Result<Option<Found>> {
        loop {
            self.window.skip_space()?;
            let start = self.window.position();
            match self.window.peek(2)? {
                [b'<', b'/'] => {
                    prolog::read_end(self.kind, &mut self.window)?;
                    return Ok(None);
                }
                [b'<', b'!'] => prolog::skip_comment(self.kind, &mut self.window, &self.limits)?,
                [b'<', b'?'] => {
                    prolog::skip_instruction(self.kind, &mut self.window, &self.limits)?
                }
                [b'<', _] => {
                    let found = self.element(start)?;
                    if self.is_package(found.start) {
                        return Ok(Some(found));
                    }
                    self.window.consume_to(found.end);
                }
                [_, _] => {
                    let why = Flaw::Syntax {
                        why: "text between packages",
                    };
                    let error = self.fatal(start, why);
                    self.finished = true;
                    return Err(error);
                }
                _ => return Err(self.fatal(start, Flaw::Truncated)),
            }
        }
    }

    /// Scans the element at `start`, reading on until it is whole.
    fn element(&mut self, start: usize) -> Result<Found> {
        // Behind a hit of this the element is probably whole, so that it is scanned only once.
        let mut hint = start;
        loop {
            while memchr::memmem::find(self.window.bytes_from(hint), b"/package").is_none()
                && self.window.len_from(start) <= self.limits.max_element
            {
                hint = self.window.end().saturating_sub(8).max(start);
                if !self.window.fill(start)? {
                    break;
                }
            }
            let scanned = self
                .scanner
                .element(self.window.bytes_from(start), &self.limits);
            match scanned {
                Ok(Scan::Whole(element)) => {
                    return Ok(Found {
                        start,
                        end: start + element.end,
                        pkgid: element.pkgid,
                        raw: self.standard && !element.foreign && !element.illegal,
                    });
                }
                Ok(Scan::Incomplete) => {
                    hint = self.window.end();
                    if !self.window.fill(start)? {
                        self.finished = true;
                        return Err(self.fatal(start, Flaw::Truncated));
                    }
                }
                Err(fault) => {
                    let error = self.fatal(start + fault.offset, fault.flaw);
                    self.finished = !(error.is_about_one_element() && self.skip_broken(start)?);
                    return Err(error);
                }
            }
        }
    }

    /// Goes behind an element that is not well-formed. False when its end is not found.
    fn skip_broken(&mut self, start: usize) -> Result<bool> {
        let end = self.package_end(start)?;
        if let Some(end) = end {
            self.window.consume_to(end);
        }
        Ok(end.is_some())
    }

    fn is_package(&self, start: usize) -> bool {
        let name = self.window.bytes_from(start + 1);
        let length = name
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
            .unwrap_or(name.len());
        let name = &name[..length];
        let (prefix, local) = match memchr::memchr(b':', name) {
            None => (&b""[..], name),
            Some(colon) => (&name[..colon], &name[colon + 1..]),
        };
        let uri = std::str::from_utf8(prefix)
            .ok()
            .and_then(|prefix| self.namespaces.get(prefix));
        // Files without any declaration exist.
        local == b"package" && uri.map_or(prefix.is_empty(), |uri| uri == self.own)
    }

    fn fatal(&self, offset: usize, why: Flaw) -> Error {
        Error::bad(self.kind.file_name(), self.window.line_of(offset), why)
    }
}
