//! The write-ahead log of a sqlite database (`rpmdb.sqlite-wal`).
//!
//! A frame counts when its salts are those of the log's header and the running checksum is right, and when a later
//! frame of the same log says "commit". Everything behind is of an unfinished transaction, or of a time before the log
//! began anew.

use std::collections::HashMap;
use std::path::Path;

use super::super::error::{Error, Result};
use super::super::source::{Source, Window, u32_at};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The committed pages of a log. The default is an absent one.
#[derive(Debug, Default)]
pub(super) struct Wal {
    source: Option<Source>,
    header: [u8; HEADER],
    page_size: usize,
    /// Where the newest committed form of a page starts in the log.
    pages: HashMap<u32, u64>,
    /// Pages of the database as of the last commit.
    count: u32,
}

impl Wal {
    pub(super) fn open(path: &Path) -> Result<Self> {
        match Source::open(path) {
            Ok(source) => Self::read(source),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn read(source: Source) -> Result<Self> {
        let mut header = [0; HEADER];
        let there = source.read_at(0, &mut header)?;
        let empty = Self::default();
        let magic = u32_at(&header, 0, true).unwrap_or(0);
        if there < HEADER || magic & !1 != 0x377f_0682 {
            return Ok(empty);
        }
        let big_endian = magic & 1 == 1;
        let number = |at| u32_at(&header, at, true).unwrap_or(0);
        let mut sum = checksum([0, 0], &header[..24], big_endian);
        let page_size = number(8) as usize;
        let sound = sum == [number(24), number(28)]
            && (512..=65_536).contains(&page_size)
            && page_size.is_power_of_two();
        if !sound {
            // sqlite takes such a log as empty too: its writer died before the first commit.
            return Ok(empty);
        }
        let salts = [number(16), number(20)];
        let mut pages = HashMap::new();
        let mut pending = Vec::new();
        let mut count = 0;
        let mut frame = vec![0; FRAME_HEADER + page_size];
        let mut offset = HEADER as u64;
        while source.read_at(offset, &mut frame)? == frame.len() {
            let word = |at| u32_at(&frame, at, true).unwrap_or(0);
            if [word(8), word(12)] != salts || word(0) == 0 {
                break;
            }
            sum = checksum(sum, &frame[..8], big_endian);
            sum = checksum(sum, &frame[FRAME_HEADER..], big_endian);
            if sum != [word(16), word(20)] {
                break;
            }
            pending.push((word(0), offset + FRAME_HEADER as u64));
            if word(4) != 0 {
                count = word(4);
                pages.extend(pending.drain(..));
            }
            offset += frame.len() as u64;
        }
        if pages.is_empty() {
            return Ok(empty);
        }
        Ok(Self {
            source: Some(source),
            header,
            page_size,
            pages,
            count,
        })
    }

    /// True while the committed frames are still those that were found.
    pub(super) fn unchanged(&self) -> Result<bool> {
        let Some(source) = &self.source else {
            // A log that appeared since holds later commits only; the file's own times tell whether any got in there.
            return Ok(true);
        };
        let mut header = [0; HEADER];
        let there = source.read_at(0, &mut header)?;
        Ok(there == HEADER && header == self.header)
    }

    pub(super) fn find(&self, page: u32) -> Option<u64> {
        self.pages.get(&page).copied()
    }

    pub(super) fn first_page_start(&self) -> Option<u64> {
        self.find(1)
    }

    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        match &self.source {
            Some(source) => source.read_at(offset, buffer),
            None => Ok(0),
        }
    }

    pub(super) fn window<'w>(&self, window: &'w mut Window, offset: u64) -> Result<&'w [u8]> {
        match &self.source {
            Some(source) => window.read(source, offset, self.page_size),
            None => Ok(&[]),
        }
    }

    pub(super) fn page_size(&self) -> Option<usize> {
        self.source.as_ref().map(|_| self.page_size)
    }

    pub(super) fn pages(&self) -> Option<u32> {
        self.source.as_ref().map(|_| self.count)
    }

    pub(super) fn length(&self) -> u64 {
        self.source.as_ref().map_or(0, Source::length)
    }
}

/// sqlite's checksum over pairs of 32-bit numbers.
fn checksum([mut first, mut second]: [u32; 2], bytes: &[u8], big_endian: bool) -> [u32; 2] {
    let word = |four: &[u8]| match (four, big_endian) {
        (&[a, b, c, d], true) => u32::from_be_bytes([a, b, c, d]),
        (&[a, b, c, d], false) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    };
    for eight in bytes.chunks_exact(8) {
        first = first.wrapping_add(word(&eight[..4])).wrapping_add(second);
        second = second.wrapping_add(word(&eight[4..])).wrapping_add(first);
    }
    [first, second]
}
