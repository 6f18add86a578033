//! RPM headers: an index of typed tags and the data they point at.
//!
//! Format (rpm's `header.c`): 8 bytes of magic, number of index entries and size of the data as
//! big-endian 32-bit numbers, the entries of 16 bytes (tag, type, offset, count), the data.
//!
//! A [`Header`] exists only after its check went over every entry, so accessors cannot fail: a
//! tag that is absent, or has another type than asked for, is `None` or empty.

mod check;
mod values;

use std::borrow::Cow;

pub use check::{MAXIMUM_DATA, MAXIMUM_ENTRIES, MAXIMUM_SIGNATURE_DATA, MAXIMUM_SIGNATURE_ENTRIES};
pub use values::{Numbers, Strings};

/// Checks the first 16 bytes of a header and says how long the whole header is.
pub(crate) fn check_intro(bytes: &[u8], role: HeaderRole, file_offset: u64) -> Result<u64> {
    check::intro(bytes, role, file_offset).map(check::Sizes::total)
}

use crate::error::{Error, Flaw, Result};
use crate::text::decode;

/// Length of the part before the entries: magic, count of entries, size of data.
pub const INTRO_LENGTH: usize = 16;
/// Length of one index entry.
pub const ENTRY_LENGTH: usize = 16;

/// Which of the two headers of a package it is; they have other bounds and another region tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderRole {
    /// The one before the main header: digests and signatures.
    Signature,
    /// The main header: everything about the package.
    Main,
    /// A header in a database of installed packages: the main header as its region, behind it what rpm added (install
    /// time, states of the files, digests and signatures that stood in the signature header).
    Installed,
}

impl HeaderRole {
    pub(crate) fn part(self) -> &'static str {
        match self {
            Self::Signature => "signature header",
            Self::Main => "main header",
            Self::Installed => "header of the installed package",
        }
    }
}

/// Data type of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes with the meaning of characters.
    Char,
    /// 8-bit numbers.
    Int8,
    /// 16-bit numbers.
    Int16,
    /// 32-bit numbers.
    Int32,
    /// 64-bit numbers.
    Int64,
    /// One string.
    Text,
    /// Bytes.
    Binary,
    /// Several strings.
    TextArray,
    /// The same text in several languages, in the order of the header's table of languages.
    Translated,
}

impl Kind {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Char,
            2 => Self::Int8,
            3 => Self::Int16,
            4 => Self::Int32,
            5 => Self::Int64,
            6 => Self::Text,
            7 => Self::Binary,
            8 => Self::TextArray,
            9 => Self::Translated,
            _ => return None,
        })
    }

    /// Bytes of one value; `None` for strings.
    fn width(self) -> Option<usize> {
        match self {
            Self::Char | Self::Int8 | Self::Binary => Some(1),
            Self::Int16 => Some(2),
            Self::Int32 => Some(4),
            Self::Int64 => Some(8),
            Self::Text | Self::TextArray | Self::Translated => None,
        }
    }
}

/// One entry of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Tag number.
    pub tag: u32,
    /// Data type.
    pub kind: Kind,
    /// Where its data starts in the data area.
    pub offset: u32,
    /// Number of values.
    pub count: u32,
}

/// A header whose every entry was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The whole header with its 16 bytes of intro: what digests and signatures cover.
    bytes: Vec<u8>,
    entries: usize,
    /// Tags of the first `ordered` entries ascend strictly, so a binary search finds them.
    sorted: bool,
    /// Entries of the region; all of them where there is none.
    ordered: usize,
    region: Option<check::Region>,
}

impl Header {
    /// Checks a whole header, magic included, and takes it over.
    ///
    /// `file_offset` is where it starts in the file; only error texts use it.
    ///
    /// # Errors
    /// [`Error::BadPackage`] naming the byte and the flaw. Bytes behind the header are an error
    /// too: the caller cuts them off.
    pub fn parse(bytes: Vec<u8>, role: HeaderRole, file_offset: u64) -> Result<Self> {
        let sizes = check::intro(&bytes, role, file_offset)?;
        let needed = sizes.total();
        if bytes.len() as u64 != needed {
            return Err(Error::bad(
                file_offset + bytes.len() as u64,
                Flaw::Truncated {
                    part: role.part(),
                    needed,
                    there: bytes.len() as u64,
                },
            ));
        }
        let outcome = check::entries(&bytes, sizes, role, file_offset)?;
        Ok(Self {
            bytes,
            entries: sizes.entries as usize,
            sorted: outcome.sorted,
            ordered: outcome
                .region
                .unwrap_or(check::Region {
                    entries: sizes.entries,
                    data: sizes.data,
                })
                .entries as usize,
            region: outcome.region,
        })
    }

    /// The main header that a header of an installed package came from, in pieces that follow each other: what header
    /// digests and signatures are made over. `None` when there is no region, as in packages of rpm 3.
    pub fn original(&self) -> Option<[Cow<'_, [u8]>; 3]> {
        let region = self.region?;
        let mut intro = self.bytes.get(..INTRO_LENGTH)?.to_vec();
        intro[8..12].copy_from_slice(&region.entries.to_be_bytes());
        intro[12..16].copy_from_slice(&region.data.to_be_bytes());
        let entries_end = INTRO_LENGTH + region.entries as usize * ENTRY_LENGTH;
        Some([
            Cow::Owned(intro),
            Cow::Borrowed(self.bytes.get(INTRO_LENGTH..entries_end)?),
            Cow::Borrowed(self.data_from(0).get(..region.data as usize)?),
        ])
    }

    /// The whole header as in the file: what header digests and signatures are made of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// False for packages of rpm 3 and older, whose header carries no region.
    pub fn has_region(&self) -> bool {
        self.region.is_some()
    }

    /// All entries in the order of the file, the region included.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry> + '_ {
        (0..self.entries).map(|position| self.entry_at(position))
    }

    /// The entry of a tag.
    pub fn entry(&self, tag: u32) -> Option<Entry> {
        // What rpm added when it installed the package replaces what the package said.
        let added = (self.ordered..self.entries).find(|position| self.tag_at(*position) == tag);
        if let Some(position) = added {
            return Some(self.entry_at(position));
        }
        if self.sorted {
            let (mut low, mut high) = (0, self.ordered);
            while low < high {
                let middle = low + (high - low) / 2;
                match self.tag_at(middle).cmp(&tag) {
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                    std::cmp::Ordering::Equal => return Some(self.entry_at(middle)),
                }
            }
            None
        } else {
            (0..self.ordered)
                .find(|position| self.tag_at(*position) == tag)
                .map(|position| self.entry_at(position))
        }
    }

    /// True when the tag is there, whatever its type.
    pub fn has(&self, tag: u32) -> bool {
        self.entry(tag).is_some()
    }

    /// The first string of a tag as bytes, for any of the three string types.
    pub fn bytes(&self, tag: u32) -> Option<&[u8]> {
        self.strings(tag).next()
    }

    /// The first string of a tag as text (see [`decode`]).
    pub fn string(&self, tag: u32) -> Option<Cow<'_, str>> {
        self.bytes(tag).map(decode)
    }

    /// The text of a translated tag in the C locale, which is its first value.
    ///
    /// Plain strings are taken as well: not every builder makes SUMMARY a translated tag.
    pub fn i18n_string(&self, tag: u32) -> Option<Cow<'_, str>> {
        self.string(tag)
    }

    /// All strings of a tag as bytes; empty when absent or not of a string type.
    pub fn strings(&self, tag: u32) -> Strings<'_> {
        match self.entry(tag) {
            Some(entry) if entry.kind.width().is_none() => {
                Strings::new(self.data_from(entry.offset), entry.count)
            }
            _ => Strings::default(),
        }
    }

    /// All numbers of a tag whatever their width; empty when absent or not numbers.
    pub fn numbers(&self, tag: u32) -> Numbers<'_> {
        match self.entry(tag) {
            Some(entry) if entry.kind != Kind::Binary => match entry.kind.width() {
                Some(width) => Numbers::new(
                    self.slice(entry.offset, entry.count as usize * width),
                    width,
                ),
                None => Numbers::default(),
            },
            _ => Numbers::default(),
        }
    }

    /// All numbers of a tag of at most 32 bits; empty when they are wider or absent.
    pub fn u32s(&self, tag: u32) -> impl ExactSizeIterator<Item = u32> + '_ {
        let numbers = self.numbers(tag);
        let numbers = if numbers.width() <= 4 {
            numbers
        } else {
            Numbers::default()
        };
        numbers.map(|number| number as u32)
    }

    /// All numbers of a tag as 64-bit numbers, whatever their width in the file.
    pub fn u64s(&self, tag: u32) -> Numbers<'_> {
        self.numbers(tag)
    }

    /// The first number of a tag if it has at most 32 bits.
    pub fn u32(&self, tag: u32) -> Option<u32> {
        self.u32s(tag).next()
    }

    /// The first number of a tag of any width.
    pub fn u64(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).next()
    }

    /// The bytes of a binary tag.
    pub fn binary(&self, tag: u32) -> Option<&[u8]> {
        self.entry(tag)
            .filter(|entry| entry.kind == Kind::Binary)
            .map(|entry| self.slice(entry.offset, entry.count as usize))
    }

    fn word(&self, at: usize) -> u32 {
        check::word(&self.bytes, at)
    }

    fn tag_at(&self, position: usize) -> u32 {
        self.word(INTRO_LENGTH + position * ENTRY_LENGTH)
    }

    fn entry_at(&self, position: usize) -> Entry {
        let at = INTRO_LENGTH + position * ENTRY_LENGTH;
        Entry {
            tag: self.word(at),
            // `check::entries` refused every other number.
            kind: Kind::from_number(self.word(at + 4)).unwrap_or(Kind::Binary),
            offset: self.word(at + 8),
            count: self.word(at + 12),
        }
    }

    fn data_from(&self, offset: u32) -> &[u8] {
        let start = INTRO_LENGTH + self.entries * ENTRY_LENGTH + offset as usize;
        self.bytes.get(start..).unwrap_or_default()
    }

    fn slice(&self, offset: u32, length: usize) -> &[u8] {
        self.data_from(offset).get(..length).unwrap_or_default()
    }
}
