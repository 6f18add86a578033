//! The Berkeley DB database of rpm up to 4.15 (`Packages`, a hash table), in either byte order.
//!
//! The first page says page size, byte order and how many buckets there are; `spares` gives the page of a bucket. A
//! bucket is a chain of pages with keys and values in turn. A value is on the page, or on a chain of overflow pages. The
//! key is the number of the package; number 0 holds the highest number given out.
//!
//! Format: Berkeley DB's `db_page.h` and `hash_page.c`, and files that Berkeley DB 5.3 wrote.
//!
//! Nothing here can see what another process has changed but not yet written. So a database that rpm is changing just
//! now is not read: its lock shows (`lock`).

use std::path::Path;

use super::error::{Error, Result};
use super::lock;
use super::source::{Source, Stamp, Windows, u16_at, u32_at};
use super::{BLOB_LEAD, Kind, LONGEST_BLOB, Place};

const HASH_MAGIC: u32 = 0x0006_1561;
const META_LENGTH: usize = 512;
const PAGE_HEADER: usize = 26;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH_META: u8 = 8;
const PAGE_HASH: u8 = 13;
const ITEM_ON_PAGE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;
/// Length of an item that names a chain of overflow pages.
const OFF_PAGE_LENGTH: usize = 12;
const SPARES: usize = 32;

#[derive(Debug)]
pub(super) struct Bdb {
    source: Source,
    stamp: Option<Stamp>,
    big_endian: bool,
    page_size: usize,
    pages: u32,
    max_bucket: u32,
    spares: [u32; SPARES],
}

impl Bdb {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut source = Source::open(path)?;
        let stamp = source.refresh()?;
        let database = Self::from_source(source, stamp)?;
        if database.is_being_written() {
            return Err(database.busy());
        }
        Ok(database)
    }

    pub(super) fn memory(bytes: Vec<u8>) -> Result<Self> {
        Self::from_source(Source::memory(bytes), None)
    }

    fn from_source(source: Source, stamp: Option<Stamp>) -> Result<Self> {
        let mut meta = [0; META_LENGTH];
        let there = source.read_at(0, &mut meta)?;
        let damaged = |why| Error::Damaged {
            path: source.path().to_owned(),
            kind: Kind::BerkeleyDb,
            at: 0,
            why,
        };
        let unsupported = |why| Error::Unsupported {
            path: source.path().to_owned(),
            why,
        };
        if there < META_LENGTH {
            return Err(damaged("it is shorter than its first page"));
        }
        let big_endian = match (u32_at(&meta, 12, false), u32_at(&meta, 12, true)) {
            (Some(HASH_MAGIC), _) => false,
            (_, Some(HASH_MAGIC)) => true,
            (Some(0x0005_3162), _) | (_, Some(0x0005_3162)) => {
                return Err(unsupported("it is a Berkeley DB B-tree, not a hash table"));
            }
            _ => {
                return Err(damaged(
                    "it does not start as a Berkeley DB hash table does",
                ));
            }
        };
        let number = |at| u32_at(&meta, at, big_endian).unwrap_or(0);
        if !(5..=10).contains(&number(16)) {
            return Err(unsupported("it has another version of the hash format"));
        }
        if meta[24] != 0 || meta[26] & 1 != 0 {
            return Err(unsupported("its pages are encrypted or carry checksums"));
        }
        if meta[25] != PAGE_HASH_META {
            return Err(damaged("its first page is of another kind"));
        }
        let page_size = number(20) as usize;
        if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(damaged("its page size is impossible"));
        }
        let pages = (source.length() / page_size as u64).min(u64::from(u32::MAX)) as u32;
        let last_page = number(32);
        if last_page >= pages {
            return Err(damaged("it ends before its last page"));
        }
        let max_bucket = number(72);
        if max_bucket >= pages {
            return Err(damaged("it claims more buckets than pages"));
        }
        let mut spares = [0; SPARES];
        for (position, spare) in spares.iter_mut().enumerate() {
            *spare = number(96 + 4 * position);
        }
        Ok(Self {
            source,
            stamp,
            big_endian,
            page_size,
            pages,
            max_bucket,
            spares,
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
        if self.is_being_written() {
            return Err(self.busy());
        }
        Ok(self.source.stamp()? == self.stamp)
    }

    fn is_being_written(&self) -> bool {
        self.stamp.is_some() && lock::is_written(self.path())
    }

    fn busy(&self) -> Error {
        Error::Busy {
            path: self.path().to_owned(),
            why: "a process holds its lock for writing",
        }
    }

    fn damaged(&self, page: u32, why: &'static str) -> Error {
        Error::Damaged {
            path: self.path().to_owned(),
            kind: Kind::BerkeleyDb,
            at: u64::from(page) * self.page_size as u64,
            why,
        }
    }

    fn page<'w>(&self, number: u32, windows: &'w mut Windows) -> Result<&'w [u8]> {
        if number == 0 || number >= self.pages {
            return Err(self.damaged(number, "it points at a page that is not there"));
        }
        let offset = u64::from(number) * self.page_size as u64;
        let page = windows.main.read(&self.source, offset, self.page_size)?;
        if page.len() < self.page_size || u32_at(page, 8, self.big_endian) != Some(number) {
            return Err(self.damaged(number, "a page carries the number of another one"));
        }
        Ok(page)
    }

    /// The page that a bucket starts on: buckets are added in groups that double, each group in one piece.
    fn bucket_page(&self, bucket: u32) -> Option<u32> {
        let group = u32::BITS - bucket.leading_zeros();
        bucket.checked_add(*self.spares.get(group as usize)?)
    }

    pub(super) fn index(&self, windows: &mut Windows) -> Result<Vec<Place>> {
        let mut seen = vec![0_u64; self.pages as usize / 64 + 1];
        let mut places = Vec::new();
        let mut total = 0_u64;
        for bucket in 0..=self.max_bucket {
            let mut next = self
                .bucket_page(bucket)
                .ok_or_else(|| self.damaged(0, "a bucket has no page"))?;
            while next != 0 {
                let number = next;
                let (word, bit) = (number as usize / 64, 1 << (number % 64));
                match seen.get_mut(word) {
                    Some(bits) if *bits & bit == 0 => *bits |= bit,
                    _ => {
                        return Err(
                            self.damaged(number, "its pages point at each other in a circle")
                        );
                    }
                }
                let page = self.page(number, windows)?;
                if !matches!(page[25], PAGE_HASH | PAGE_HASH_UNSORTED) {
                    return Err(self.damaged(number, "a page of a bucket is of another kind"));
                }
                next = u32_at(page, 16, self.big_endian).unwrap_or(0);
                self.items(number, page, &mut places, &mut total)?;
            }
        }
        let mut numbers: Vec<u32> = places.iter().map(|place| place.number).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.damaged(0, "two records are of the same package"));
        }
        Ok(places)
    }

    /// Keys and values of one page.
    fn items(
        &self,
        number: u32,
        page: &[u8],
        places: &mut Vec<Place>,
        total: &mut u64,
    ) -> Result<()> {
        let broken = |why| self.damaged(number, why);
        let count = usize::from(u16_at(page, 20, self.big_endian).unwrap_or(0));
        if !count.is_multiple_of(2) || PAGE_HEADER + 2 * count > self.page_size {
            return Err(broken("a page has keys without values"));
        }
        for item in (0..count).step_by(2) {
            let item_bytes = |item| {
                self.item(page, item)
                    .ok_or_else(|| broken("an item lies outside its page"))
            };
            let key = item_bytes(item)?;
            let value = item_bytes(item + 1)?;
            if key.first() != Some(&ITEM_ON_PAGE) || key.len() != 5 {
                return Err(broken("a key is no number of a package"));
            }
            let key = u32_at(key, 1, self.big_endian).unwrap_or(0);
            let length = match value.first() {
                Some(&ITEM_ON_PAGE) => value.len() as u64 - 1,
                Some(&ITEM_OFF_PAGE) if value.len() == OFF_PAGE_LENGTH => {
                    u64::from(u32_at(value, 8, self.big_endian).unwrap_or(0))
                }
                _ => return Err(broken("a value is stored in an unknown way")),
            };
            if key == 0 {
                continue;
            }
            *total += length;
            if length > LONGEST_BLOB || *total > self.source.length() {
                return Err(broken("a package is larger than the file"));
            }
            places.push(Place {
                number: key,
                page: u64::from(number),
                item: item as u32 + 1,
                length: length as u32,
            });
        }
        Ok(())
    }

    /// Items grow from the end of the page; each ends where the one before it starts.
    fn item<'p>(&self, page: &'p [u8], item: usize) -> Option<&'p [u8]> {
        let offset =
            |item: usize| u16_at(page, PAGE_HEADER + 2 * item, self.big_endian).map(usize::from);
        let start = offset(item)?;
        let end = match item {
            0 => self.page_size,
            _ => offset(item - 1)?,
        };
        (start >= PAGE_HEADER && start < end)
            .then(|| page.get(start..end))
            .flatten()
    }

    pub(super) fn blob(&self, place: &Place, windows: &mut Windows) -> Result<Vec<u8>> {
        let number = place.page as u32;
        let broken = || self.damaged(number, "a package is cut");
        let page = self.page(number, windows)?;
        let value = self.item(page, place.item as usize).ok_or_else(broken)?;
        let length = place.length as usize;
        let mut blob = vec![0; BLOB_LEAD];
        blob.reserve_exact(length);
        if value.first() == Some(&ITEM_ON_PAGE) {
            blob.extend_from_slice(value.get(1..).unwrap_or_default());
            return Ok(blob);
        }
        let mut next = u32_at(value, 4, self.big_endian).ok_or_else(broken)?;
        let whole = BLOB_LEAD + length;
        while blob.len() < whole {
            let page = self.page(next, windows)?;
            let there = usize::from(u16_at(page, 22, self.big_endian).unwrap_or(0));
            // Each page adds bytes until there are enough, so a circle ends.
            if page[25] != PAGE_OVERFLOW || there == 0 || there > whole - blob.len() {
                return Err(self.damaged(next, "an overflow page does not fit its package"));
            }
            blob.extend_from_slice(
                page.get(PAGE_HEADER..PAGE_HEADER + there)
                    .ok_or_else(broken)?,
            );
            next = u32_at(page, 16, self.big_endian).unwrap_or(0);
        }
        if next != 0 {
            return Err(self.damaged(number, "a package goes on behind its end"));
        }
        Ok(blob)
    }
}
