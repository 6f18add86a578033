//! The sqlite database (`rpmdb.sqlite`; rpm 4.16 and later), read page by page.
//!
//! Only the table `Packages` (number, header) is looked at. No lock is taken and nothing is written, not even the
//! `-shm` file that sqlite's own reader makes: the file and the write-ahead log behind it are read as they are, and
//! [`Sqlite::unchanged`] says afterwards whether what was read belongs to one state.
//!
//! Why that holds. Committed pages stand in the log until a checkpoint copies them into the file. The log is read up
//! to the last commit; pages that it holds are taken from there. Later commits are appended behind and disturb nothing.
//! A checkpoint changes the file (its times change), and a log that begins anew gets another header first.
//!
//! Formats: <https://www.sqlite.org/fileformat2.html>; names of table and columns as rpm's `sqlite.c` makes them.

mod record;
mod wal;

use std::path::{Path, PathBuf};

use record::{Column, varint};
use wal::Wal;

use super::error::{Error, Result};
use super::source::{Source, Stamp, Windows, u16_at, u32_at};
use super::{BLOB_LEAD, Kind, LONGEST_BLOB, Place};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// B-trees of 2³¹ pages are not deeper.
const DEEPEST: usize = 32;
/// No row that counts here is smaller; what is, is counted as this, so that rows cannot be named without end.
const SMALLEST_ROW: u64 = 24;
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;

/// An open sqlite database and the state of it that is read.
#[derive(Debug)]
pub(super) struct Sqlite {
    source: Source,
    stamp: Option<Stamp>,
    wal: Wal,
    page_size: usize,
    /// Bytes of a page that are used; the rest is kept for extensions.
    usable: usize,
    pages: u32,
}

impl Sqlite {
    /// Takes the state as of now.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let journal = beside(path, "-journal");
        if hot_journal(&journal)? {
            return Err(Error::Busy {
                path: path.to_owned(),
                why: "a transaction is half written, or was interrupted; `rpm -qa` as root mends that",
            });
        }
        let mut source = Source::open(path)?;
        let stamp = source.refresh()?;
        let wal = Wal::open(&beside(path, "-wal"))?;
        Self::from_parts(source, stamp, wal)
    }

    /// Reads bytes in memory: the file, and its log where there is one.
    pub(super) fn memory(bytes: Vec<u8>, log: Option<Vec<u8>>) -> Result<Self> {
        let wal = match log {
            Some(log) => Wal::read(Source::memory(log))?,
            None => Wal::default(),
        };
        Self::from_parts(Source::memory(bytes), None, wal)
    }

    fn from_parts(source: Source, stamp: Option<Stamp>, wal: Wal) -> Result<Self> {
        let mut head = [0; 100];
        // The first page may be in the log only, while the file is still empty.
        let there = match wal.first_page_start() {
            Some(offset) => wal.read_at(offset, &mut head)?,
            None => source.read_at(0, &mut head)?,
        };
        let damaged = |why| Error::Damaged {
            path: source.path().to_owned(),
            kind: Kind::Sqlite,
            at: 0,
            why,
        };
        if there < head.len() || head[..16] != MAGIC[..] {
            return Err(damaged("it does not start as a sqlite database does"));
        }
        let page_size = match u16_at(&head, 16, true) {
            Some(1) => 65_536,
            Some(size) => usize::from(size),
            None => 0,
        };
        if page_size < 512 || !page_size.is_power_of_two() {
            return Err(damaged("its page size is impossible"));
        }
        if wal.page_size().is_some_and(|size| size != page_size) {
            return Err(damaged("its write-ahead log has pages of another size"));
        }
        if head[19] > 2 {
            return Err(Error::Unsupported {
                path: source.path().to_owned(),
                why: "it was written by a sqlite newer than this program knows",
            });
        }
        let usable = page_size - usize::from(head[20]);
        if usable < 480 {
            return Err(damaged("its pages hold next to nothing"));
        }
        let in_file = source.length() / page_size as u64;
        let pages = wal
            .pages()
            .map_or(in_file, u64::from)
            .min(u64::from(u32::MAX)) as u32;
        Ok(Self {
            source,
            stamp,
            wal,
            page_size,
            usable,
            pages,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.source.path()
    }

    /// How long to wait before what is read can be told from later changes.
    pub(super) fn settles_in(&self) -> Option<std::time::Duration> {
        self.stamp.and_then(|stamp| stamp.settles_in())
    }

    /// True while everything that was read so far belongs to one state.
    pub(super) fn unchanged(&self) -> Result<bool> {
        if self.stamp.is_none() {
            return Ok(true);
        }
        let same_file = self.source.stamp()? == self.stamp;
        Ok(same_file && self.wal.unchanged()? && !hot_journal(&beside(self.path(), "-journal"))?)
    }

    /// Finds every package.
    pub(super) fn index(&self, windows: &mut Windows) -> Result<Vec<Place>> {
        let mut root = None;
        let mut page = Vec::new();
        let mut schema = Vec::new();
        self.walk(1, windows, &mut schema)?;
        for place in schema {
            let payload = self.payload(&place, windows, &mut page, 0)?;
            let is_packages = record::column(&payload, 0) == Some(Column::Text(b"table"))
                && record::column(&payload, 1) == Some(Column::Text(b"Packages"));
            if is_packages && let Some(Column::Number(number)) = record::column(&payload, 3) {
                root = u32::try_from(number).ok();
                break;
            }
        }
        let Some(root) = root else {
            return Err(self.damaged(1, "it has no table of packages"));
        };
        let mut places = Vec::new();
        self.walk(root, windows, &mut places)?;
        Ok(places)
    }

    /// The header of a package, with room for its magic in front.
    pub(super) fn blob(&self, place: &Place, windows: &mut Windows) -> Result<Vec<u8>> {
        let mut page = Vec::new();
        let mut payload = self.payload(place, windows, &mut page, BLOB_LEAD)?;
        let record = payload.get(BLOB_LEAD..).unwrap_or_default();
        let Some((start, length)) = record::blob_range(record, 1) else {
            return Err(self.damaged(place.page as u32, "a package is stored as something else"));
        };
        payload.copy_within(BLOB_LEAD + start..BLOB_LEAD + start + length, BLOB_LEAD);
        payload.truncate(BLOB_LEAD + length);
        Ok(payload)
    }

    fn damaged(&self, page: u32, why: &'static str) -> Error {
        Error::Damaged {
            path: self.path().to_owned(),
            kind: Kind::Sqlite,
            at: u64::from(page.saturating_sub(1)) * self.page_size as u64,
            why,
        }
    }

    /// Reads one page into `page`.
    fn page(&self, number: u32, windows: &mut Windows, page: &mut Vec<u8>) -> Result<()> {
        if number == 0 || number > self.pages {
            return Err(self.damaged(number, "it points at a page that is not there"));
        }
        let bytes = match self.wal.find(number) {
            Some(offset) => self.wal.window(&mut windows.side, offset)?,
            None => {
                let offset = u64::from(number - 1) * self.page_size as u64;
                windows.main.read(&self.source, offset, self.page_size)?
            }
        };
        page.clear();
        page.extend_from_slice(bytes);
        if page.len() < self.page_size {
            return Err(self.damaged(number, "it ends inside a page"));
        }
        Ok(())
    }

    /// Collects where the rows of a table are. Every page is looked at once at most.
    fn walk(&self, root: u32, windows: &mut Windows, places: &mut Vec<Place>) -> Result<()> {
        let mut page = Vec::new();
        // Pages still to be looked at, the next one last, with their depth.
        let mut open = Vec::new();
        let mut seen = vec![0_u64; self.pages as usize / 64 + 1];
        let mut visit = |number: u32, depth: usize, open: &mut Vec<(u32, usize)>| {
            let word = seen.get_mut(number as usize / 64);
            let bit = 1 << (number % 64);
            match word {
                Some(word) if *word & bit == 0 && depth <= DEEPEST => {
                    *word |= bit;
                    open.push((number, depth));
                    Ok(())
                }
                Some(_) => Err("its pages point at each other in a circle"),
                None => Err("it points at a page that is not there"),
            }
        };
        visit(root, 0, &mut open).map_err(|why| self.damaged(root, why))?;
        let mut total = 0_u64;
        let room = self.source.length() + self.wal.length();
        while let Some((number, depth)) = open.pop() {
            self.page(number, windows, &mut page)?;
            let start = if number == 1 { 100 } else { 0 };
            let broken = || self.damaged(number, "a page of the table is broken");
            let kind = *page.get(start).ok_or_else(broken)?;
            let cells = usize::from(u16_at(&page, start + 3, true).ok_or_else(broken)?);
            let pointers = start + if kind == INTERIOR { 12 } else { 8 };
            let cell_at = |cell: usize| {
                u16_at(&page, pointers + 2 * cell, true)
                    .map(usize::from)
                    .filter(|at| *at < self.usable && *at >= pointers)
                    .ok_or_else(broken)
            };
            match kind {
                LEAF => {
                    for cell in 0..cells {
                        let at = cell_at(cell)?;
                        let rest = page.get(at..self.usable).ok_or_else(broken)?;
                        let (length, used) = varint(rest).ok_or_else(broken)?;
                        let (row, more) =
                            varint(rest.get(used..).unwrap_or_default()).ok_or_else(broken)?;
                        total = total.saturating_add(length.max(SMALLEST_ROW));
                        // Rows share no bytes, so together they are not larger than the file.
                        if total > room || length > LONGEST_BLOB {
                            return Err(self.damaged(number, "a row is larger than the file"));
                        }
                        places.push(Place {
                            number: u32::try_from(row).map_err(|_| broken())?,
                            page: u64::from(number),
                            item: (at + used + more) as u32,
                            length: length as u32,
                        });
                    }
                }
                INTERIOR => {
                    let circle = |why| self.damaged(number, why);
                    let right = u32_at(&page, start + 8, true).ok_or_else(broken)?;
                    visit(right, depth + 1, &mut open).map_err(circle)?;
                    for cell in (0..cells).rev() {
                        let child = u32_at(&page, cell_at(cell)?, true).ok_or_else(broken)?;
                        visit(child, depth + 1, &mut open).map_err(circle)?;
                    }
                }
                _ => return Err(self.damaged(number, "a page of the table is of another kind")),
            }
        }
        Ok(())
    }

    /// All bytes of a row behind `lead` zero bytes: what is on its page, and the pages it goes on in.
    fn payload(
        &self,
        place: &Place,
        windows: &mut Windows,
        page: &mut Vec<u8>,
        lead: usize,
    ) -> Result<Vec<u8>> {
        let number = place.page as u32;
        let broken = || self.damaged(number, "a row is cut");
        self.page(number, windows, page)?;
        let length = place.length as usize;
        let local = local_length(self.usable, length);
        let start = place.item as usize;
        let mut payload = vec![0; lead];
        payload.reserve_exact(length);
        payload.extend_from_slice(page.get(start..start + local).ok_or_else(broken)?);
        if local == length {
            return Ok(payload);
        }
        let mut next = u32_at(page, start + local, true).ok_or_else(broken)?;
        // Each page adds bytes until there are enough, so a circle ends.
        while payload.len() < lead + length {
            self.page(next, windows, page)?;
            let take = (lead + length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + take).ok_or_else(broken)?);
            next = u32_at(page, 0, true).ok_or_else(broken)?;
        }
        if next != 0 {
            return Err(self.damaged(number, "a row goes on behind its end"));
        }
        Ok(payload)
    }
}

/// How many bytes of a row stand on its own page.
fn local_length(usable: usize, length: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (length - least) % (usable - 4);
    if fitting <= most { fitting } else { least }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// True when a rollback journal says that the file is in the middle of a change. One that is empty, or begins with
/// zeros, is a left-over.
fn hot_journal(path: &Path) -> Result<bool> {
    use std::io::Read;
    let mut first = [0; 8];
    match std::fs::File::open(path) {
        Ok(mut file) => match file.read(&mut first) {
            Ok(count) => Ok(count > 0 && first != [0; 8]),
            Err(source) => Err(Error::Io {
                path: path.to_owned(),
                source,
            }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::Io {
            path: path.to_owned(),
            source,
        }),
    }
}
