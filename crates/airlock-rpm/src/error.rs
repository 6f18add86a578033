//! What can be wrong with the bytes of a package, and where.

use std::io;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a package that can be trusted to be read.
    #[error(
        "bad package at byte {offset}: {why}; fetch the file again, or build it again if it is your own"
    )]
    BadPackage {
        /// Byte offset from the start of the file (or of the blob given) where the flaw is.
        offset: u64,
        /// The flaw found there.
        why: Flaw,
    },
    /// Reading failed below us: the file or connection broke, nothing is known about the bytes.
    #[error("reading the package failed: {0}")]
    Io(#[from] io::Error),
    /// A version text that has no version in it.
    #[error("'{text}' is not a version: expected [EPOCH:]VERSION[-RELEASE]")]
    BadEvr {
        /// The text as given.
        text: String,
    },
    /// A package name text that cannot be taken apart.
    #[error("'{text}' is not a package: expected NAME-[EPOCH:]VERSION-RELEASE.ARCH")]
    BadNevra {
        /// The text as given.
        text: String,
    },
    /// A key of our own cannot be made, read or used.
    #[error(
        "the signing key cannot be used: {why}; make a new one, or export it without passphrase"
    )]
    SigningKey {
        /// What the OpenPGP library said.
        why: String,
    },
}

impl Error {
    /// What is wrong, without the advice for files: `byte 12: the region of the header is broken`. For headers that are
    /// in no file that could be fetched again.
    pub fn flaw(&self) -> String {
        match self {
            Self::BadPackage { offset, why } => format!("byte {offset}: {why}"),
            other => other.to_string(),
        }
    }

    pub(crate) fn bad(offset: u64, why: Flaw) -> Self {
        Self::BadPackage { offset, why }
    }
}

/// One thing that is wrong in the bytes of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// The bytes end too early.
    #[error("the file ends inside the {part}: {needed} bytes needed, {there} there")]
    Truncated {
        /// What was being read.
        part: &'static str,
        /// Bytes that the part says it has.
        needed: u64,
        /// Bytes really there.
        there: u64,
    },
    /// It is not an RPM package at all.
    #[error("this is not an RPM package but {looks_like}")]
    NotRpm {
        /// What the first bytes look like.
        looks_like: &'static str,
    },
    /// The lead names a package format that nobody reads.
    #[error("package format {major} is not supported (3 and 4 are)")]
    LeadVersion {
        /// Major format number of the lead.
        major: u8,
    },
    /// The lead announces something else than a signature header.
    #[error("the lead announces signature type {found}, only type 5 (header) is supported")]
    LeadSignatureType {
        /// Number found.
        found: u16,
    },
    /// A header does not start with its magic bytes.
    #[error("the {part} does not start with the header magic")]
    HeaderMagic {
        /// Which header.
        part: &'static str,
    },
    /// A header without any entry.
    #[error("the {part} is empty")]
    EmptyHeader {
        /// Which header.
        part: &'static str,
    },
    /// More entries than any package has.
    #[error("the {part} claims {found} entries, more than the limit of {limit}")]
    TooManyEntries {
        /// Which header.
        part: &'static str,
        /// Count in the file.
        found: u32,
        /// The bound.
        limit: u32,
    },
    /// More data than any package has.
    #[error("the {part} claims {found} bytes of data, more than the limit of {limit}")]
    TooMuchData {
        /// Which header.
        part: &'static str,
        /// Size in the file.
        found: u32,
        /// The bound.
        limit: u32,
    },
    /// The region at the head of a header is wrong.
    #[error("the region of the header is broken: {why}")]
    Region {
        /// What does not fit.
        why: &'static str,
    },
    /// A tag number that no header may hold there.
    #[error("tag {tag} is not allowed as entry {entry}")]
    TagNumber {
        /// Tag number.
        tag: u32,
        /// Position of the entry.
        entry: u32,
    },
    /// The same tag twice: readers would disagree on which one counts.
    #[error("tag {tag} appears twice")]
    DuplicateTag {
        /// Tag number.
        tag: u32,
    },
    /// A data type that does not exist.
    #[error("tag {tag} has the unknown data type {found}")]
    DataType {
        /// Tag number.
        tag: u32,
        /// Type number found.
        found: u32,
    },
    /// A count of zero, or more than one single string.
    #[error("tag {tag} has the impossible count {count}")]
    Count {
        /// Tag number.
        tag: u32,
        /// Count found.
        count: u32,
    },
    /// Data that lies outside the header.
    #[error("the data of tag {tag} (offset {offset}, count {count}) lies outside the header")]
    OutOfRange {
        /// Tag number.
        tag: u32,
        /// Offset in the data area.
        offset: u32,
        /// Count of values.
        count: u32,
    },
    /// Numbers that are not aligned to their width.
    #[error("the data of tag {tag} is not aligned (offset {offset})")]
    Alignment {
        /// Tag number.
        tag: u32,
        /// Offset in the data area.
        offset: u32,
    },
    /// Data areas of two tags overlap or are out of order.
    #[error("the data of tag {tag} overlaps the data of the tag before it")]
    Overlap {
        /// Tag number.
        tag: u32,
    },
    /// Bytes of the header that belong to no tag.
    #[error("the tags use {used} of {size} bytes of data, the rest belongs to nothing")]
    Gap {
        /// Bytes that the tags come to.
        used: u64,
        /// Bytes that there are.
        size: u64,
    },
    /// A string runs past the end of the header.
    #[error("a string of tag {tag} has no end inside the header")]
    Unterminated {
        /// Tag number.
        tag: u32,
    },
    /// A tag that every package needs is absent or of another type.
    #[error("the package has no usable {name} (tag {tag})")]
    MissingTag {
        /// Tag number.
        tag: u32,
        /// Its name.
        name: &'static str,
    },
    /// A name, version, release or architecture that could do harm as text.
    #[error("the {name} of the package {why}")]
    UnsafeText {
        /// Which field.
        name: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two arrays that belong together have different lengths.
    #[error("{name} has {found} values, {expected} expected")]
    ArrayLength {
        /// Name of the array that does not fit.
        name: &'static str,
        /// Its length.
        found: u64,
        /// The length of the array that it belongs to.
        expected: u64,
    },
    /// A file points at a directory that is not in the list.
    #[error("file {file} points at directory {directory} of {directories}")]
    DirectoryIndex {
        /// Position of the file.
        file: u32,
        /// Directory number found.
        directory: u32,
        /// Directories that there are.
        directories: u32,
    },
    /// A file path that leaves its folder or is not absolute.
    #[error("the path of file {file} {why}")]
    UnsafePath {
        /// Position of the file.
        file: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A rich dependency nested deeper than any solver will follow.
    #[error("a rich dependency of {kind} is nested deeper than {limit}")]
    RichDepth {
        /// Kind of dependency.
        kind: &'static str,
        /// The bound.
        limit: u32,
    },
}
