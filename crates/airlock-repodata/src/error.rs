//! What can be wrong with repository metadata, and where.

use std::io;

use crate::compress::Format;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A metadata file says something that cannot be taken over.
    #[error("bad repository metadata: {file}, line {line}: {why}")]
    BadRepository {
        /// Which file, as far as the caller said (`primary.xml`, `repomd.xml` …).
        file: String,
        /// Line of the flaw, from 1. In functions that take one fragment it counts from the
        /// fragment's start.
        line: u64,
        /// What is wrong.
        why: Flaw,
    },
    /// A compressed file opens to more or fewer bytes than allowed.
    #[error("{rule}: {stored} stored bytes open to {opened}, the limit is {limit}")]
    OpenSize {
        /// Which rule was broken.
        rule: SizeRule,
        /// Stored bytes read so far.
        stored: u64,
        /// Opened bytes so far.
        opened: u64,
        /// Opened bytes allowed (or demanded, for a file that is too short).
        limit: u64,
    },
    /// The compressed bytes are damaged.
    #[error("damaged {format} data after {stored} stored bytes: {source}; fetch the file again")]
    BadCompression {
        /// Compression of the file, by its magic.
        format: Format,
        /// Stored bytes read so far.
        stored: u64,
        /// What the decoder says.
        source: io::Error,
    },
    /// Reading or writing failed below us; nothing is known about the bytes.
    #[error("reading or writing metadata failed: {0}")]
    Io(io::Error),
}

impl Error {
    pub(crate) fn bad(file: impl Into<String>, line: u64, why: Flaw) -> Self {
        Self::BadRepository {
            file: file.into(),
            line,
            why,
        }
    }

    /// The flaw at a byte offset of a document or fragment that is in memory.
    pub(crate) fn at(file: &str, bytes: &[u8], offset: usize, why: Flaw) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        Self::bad(
            file,
            1 + memchr::memchr_iter(b'\n', before).count() as u64,
            why,
        )
    }

    /// The same error with another file name, for callers that know the real one.
    #[must_use]
    pub fn in_file(self, name: &str) -> Self {
        match self {
            Self::BadRepository { line, why, .. } => Self::bad(name, line, why),
            other => other,
        }
    }

    /// True when only one package or update is unusable: the reader that gave the error stands
    /// behind it and can go on.
    pub fn is_about_one_element(&self) -> bool {
        matches!(self, Self::BadRepository { why, .. } if why.is_about_one_element())
    }
}

/// Unwraps errors of this crate that went through [`io::Read`].
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Io)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            other => io::Error::other(other),
        }
    }
}

/// Why a file was too big or too small when opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeRule {
    /// More than `repomd.xml` declares, or than the general limit where that is less.
    #[error("the file is bigger than its declared or allowed open size")]
    TooBig,
    /// Fewer than `repomd.xml` declares.
    #[error("the file is smaller than its declared open size")]
    TooSmall,
    /// It compresses better than any honest metadata.
    #[error("the file looks like a decompression bomb")]
    Ratio,
}

/// One thing that is wrong in a metadata file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// The file ends in the middle.
    #[error(
        "the file ends before its root element is closed; it was cut off or is still being written"
    )]
    Truncated,
    /// A document type declaration: never needed, only ever used for attacks.
    #[error("document types and entities (<!DOCTYPE, <!ENTITY) are refused")]
    DocumentType,
    /// A character encoding that is not read.
    #[error(
        "character encoding '{name}' is not supported (UTF-8, UTF-16, ISO-8859-1 and ISO-8859-15 are)"
    )]
    Encoding {
        /// Name as declared.
        name: String,
    },
    /// The bytes are not in the encoding that they claim.
    #[error("the text is not valid in its character encoding")]
    BadText,
    /// The root element has another name.
    #[error("the root element is <{found}>, expected <{expected}>")]
    RootElement {
        /// Local name expected.
        expected: &'static str,
        /// Name found.
        found: String,
    },
    /// XML that is not well-formed.
    #[error("the XML is not well-formed: {why}")]
    Syntax {
        /// Which rule is broken.
        why: &'static str,
    },
    /// An end tag that closes another element than the open one.
    #[error("</{found}> closes <{open}>")]
    EndTag {
        /// Name in the end tag.
        found: String,
        /// Name of the open element.
        open: String,
    },
    /// An entity that XML does not define.
    #[error("undefined entity near '{text}'")]
    Entity {
        /// Start of the reference.
        text: String,
    },
    /// A prefix without a namespace.
    #[error("the namespace prefix '{prefix}' is not declared")]
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// A limit of [`crate::Limits`] was passed.
    #[error("{what} is larger than the limit of {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// An element that must be there is not.
    #[error("<{element}> is missing in <{parent}>")]
    MissingElement {
        /// Element that is missing.
        element: &'static str,
        /// Where it should be.
        parent: &'static str,
    },
    /// An attribute that must be there is not.
    #[error("attribute '{attribute}' is missing in <{element}>")]
    MissingAttribute {
        /// Attribute that is missing.
        attribute: &'static str,
        /// Where it should be.
        element: &'static str,
    },
    /// A text that should be a number and is not, or does not fit.
    #[error("{field} is '{text}', which is not a usable number")]
    Number {
        /// Which value.
        field: &'static str,
        /// The text found, cut to 64 characters.
        text: String,
    },
    /// A location that leaves the repository.
    #[error("location '{href}' is refused: {why}")]
    Location {
        /// The location, cut to 200 characters.
        href: String,
        /// Why it is refused.
        why: &'static str,
    },
    /// A type of a record of `repomd.xml` that cannot be one.
    #[error("'{kind}' is not a type of metadata: letters, digits and the characters -_.+ make one")]
    RecordType {
        /// Type as written, cut to 64 characters.
        kind: String,
    },
    /// A checksum type that nobody knows or a value that does not fit it.
    #[error("'{value}' is not a checksum of type '{kind}'")]
    Checksum {
        /// Type as written.
        kind: String,
        /// Value as written, cut to 140 characters.
        value: String,
    },
    /// Something that may be there once is there again.
    #[error("{what} is there twice")]
    Duplicate {
        /// What is doubled.
        what: String,
    },
    /// A module stream's list of artifacts that nothing can be taken out of.
    #[error("the list of artifacts of {stream} is written in a way that cannot be cut")]
    Artifacts {
        /// `name:stream:version:context:arch`.
        stream: String,
    },
    /// A fragment without the placeholder for its location.
    #[error("the fragment is not canonical: it has no location placeholder")]
    NotCanonical,
}

impl Flaw {
    pub(crate) fn number(field: &'static str, text: &str) -> Self {
        Self::Number {
            field,
            text: text.chars().take(64).collect(),
        }
    }

    pub(crate) fn location(href: &str, why: &'static str) -> Self {
        Self::Location {
            href: href.chars().take(200).collect(),
            why,
        }
    }

    pub(crate) fn checksum(kind: &str, value: &str) -> Self {
        Self::Checksum {
            kind: kind.chars().take(32).collect(),
            value: value.chars().take(140).collect(),
        }
    }

    /// True for flaws of one element behind which reading can go on.
    fn is_about_one_element(&self) -> bool {
        match self {
            Self::Truncated
            | Self::DocumentType
            | Self::Encoding { .. }
            | Self::RootElement { .. }
            | Self::NotCanonical => false,
            Self::Limit { what, .. } => *what != ELEMENT && *what != DOCUMENT,
            _ => true,
        }
    }
}

/// Names of limits after which reading cannot go on.
pub(crate) const ELEMENT: &str = "an element";
pub(crate) const DOCUMENT: &str = "the document";
