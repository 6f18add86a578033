//! The database of SUSE's rpm (`Packages.db`, "ndb").
//!
//! All numbers are little-endian. The file begins with pages of 4096 bytes that hold slots of 16 bytes: where the header
//! of a package starts and how long it is, in blocks of 16 bytes. The first two slots are the head of the file: magic,
//! format, a number that grows with every change, how many pages hold slots. A header stands between a head (magic,
//! number of the package, generation, length) and a tail (Adler-32 over everything before it, length, magic).
//!
//! Format: rpm's `rpmpkg.c`, and files that it wrote.

use std::path::Path;

use super::error::{Error, Result};
use super::source::{Source, Stamp, Windows, u32_at};
use super::{BLOB_LEAD, Kind, LONGEST_BLOB, Place};

const FILE_MAGIC: &[u8; 4] = b"RpmP";
const SLOT_MAGIC: &[u8; 4] = b"Slot";
const BLOB_START: &[u8; 4] = b"BlbS";
const BLOB_END: &[u8; 4] = b"BlbE";
const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
const BLOB_HEAD: usize = 16;
const BLOB_TAIL: usize = 12;
const FORMAT: u32 = 0;

#[derive(Debug)]
pub(super) struct Ndb {
    source: Source,
    stamp: Option<Stamp>,
    head: [u8; 2 * SLOT],
    slot_pages: u32,
}

impl Ndb {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut source = Source::open(path)?;
        let stamp = source.refresh()?;
        Self::from_source(source, stamp)
    }

    pub(super) fn memory(bytes: Vec<u8>) -> Result<Self> {
        Self::from_source(Source::memory(bytes), None)
    }

    fn from_source(source: Source, stamp: Option<Stamp>) -> Result<Self> {
        let mut head = [0; 2 * SLOT];
        let there = source.read_at(0, &mut head)?;
        let damaged = |why| Error::Damaged {
            path: source.path().to_owned(),
            kind: Kind::Ndb,
            at: 0,
            why,
        };
        if there < head.len() || head[..4] != FILE_MAGIC[..] {
            return Err(damaged("it does not start as such a database does"));
        }
        if u32_at(&head, 4, false) != Some(FORMAT) {
            return Err(Error::Unsupported {
                path: source.path().to_owned(),
                why: "it has a format newer than this program knows",
            });
        }
        let slot_pages = u32_at(&head, 12, false).unwrap_or(0);
        if slot_pages == 0 || u64::from(slot_pages) * PAGE as u64 > source.length() {
            return Err(damaged("it says that it has more slots than bytes"));
        }
        Ok(Self {
            source,
            stamp,
            head,
            slot_pages,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.source.path()
    }

    pub(super) fn settles_in(&self) -> Option<std::time::Duration> {
        self.stamp.and_then(|stamp| stamp.settles_in())
    }

    pub(super) fn unchanged(&self) -> Result<bool> {
        if self.stamp.is_none() {
            return Ok(true);
        }
        let mut head = [0; 2 * SLOT];
        self.source.read_at(0, &mut head)?;
        Ok(head == self.head && self.source.stamp()? == self.stamp)
    }

    fn damaged(&self, at: u64, why: &'static str) -> Error {
        Error::Damaged {
            path: self.path().to_owned(),
            kind: Kind::Ndb,
            at,
            why,
        }
    }

    pub(super) fn index(&self, windows: &mut Windows) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let mut total = 0_u64;
        for page in 0..self.slot_pages {
            let start = u64::from(page) * PAGE as u64;
            let bytes = windows.main.read(&self.source, start, PAGE)?;
            if bytes.len() < PAGE {
                return Err(self.damaged(start, "it ends inside its slots"));
            }
            let first = if page == 0 { 2 } else { 0 };
            for (position, slot) in bytes.chunks_exact(SLOT).enumerate().skip(first) {
                let at = start + (position * SLOT) as u64;
                let word = |at| u32_at(slot, at, false).unwrap_or(0);
                if slot[..4] != SLOT_MAGIC[..] {
                    return Err(self.damaged(at, "a slot has no magic"));
                }
                let (number, offset, blocks) = (word(4), word(8), word(12));
                // An empty slot.
                if offset == 0 {
                    continue;
                }
                let length = u64::from(blocks) * BLOCK;
                let begin = u64::from(offset) * BLOCK;
                let end = begin + length;
                total += length;
                let inside = begin >= u64::from(self.slot_pages) * PAGE as u64
                    && end <= self.source.length()
                    && total <= self.source.length();
                if number == 0 || !inside || length < (BLOB_HEAD + BLOB_TAIL) as u64 {
                    return Err(self.damaged(at, "a slot points outside the file"));
                }
                if length > LONGEST_BLOB {
                    return Err(self.damaged(at, "a package is larger than any can be"));
                }
                places.push(Place {
                    number,
                    page: begin,
                    item: 0,
                    length: length as u32,
                });
            }
        }
        // rpm goes through them in the order of the file.
        places.sort_unstable_by_key(|place| place.page);
        let mut numbers: Vec<u32> = places.iter().map(|place| place.number).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.damaged(0, "two slots are of the same package"));
        }
        Ok(places)
    }

    pub(super) fn blob(&self, place: &Place) -> Result<Vec<u8>> {
        let mut stored = vec![0; place.length as usize];
        let broken = |why| self.damaged(place.page, why);
        if self.source.read_at(place.page, &mut stored)? < stored.len() {
            return Err(broken("it ends inside a package"));
        }
        let word = |at| u32_at(&stored, at, false).unwrap_or(0);
        let tail = stored.len() - BLOB_TAIL;
        let length = word(12) as usize;
        if stored[..4] != BLOB_START[..]
            || stored[tail + 8..] != BLOB_END[..]
            || word(4) != place.number
            || word(tail + 4) as usize != length
            || length > tail - BLOB_HEAD
        {
            return Err(broken("a package does not lie where its slot says"));
        }
        if adler32(&stored[..tail]) != word(tail) {
            return Err(broken("the checksum of a package is wrong"));
        }
        // The head gives room for the magic of the header.
        stored.truncate(BLOB_HEAD + length);
        stored.drain(..BLOB_HEAD - BLOB_LEAD);
        Ok(stored)
    }
}

/// Adler-32 (RFC 1950, 9).
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // As many bytes as may be added up before the sums could overflow.
    const RUN: usize = 5_552;
    let (mut low, mut high) = (1_u32, 0_u32);
    for run in bytes.chunks(RUN) {
        for byte in run {
            low += u32::from(*byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    #[test]
    fn adler_of_a_known_text() {
        assert_eq!(super::adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(super::adler32(b""), 1);
    }
}
