//! Writing a pack: each part is spooled on its own (so that three files can be read side by side), then joined.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{BLOCK_BYTES, BLOCK_LEVEL, Block, PackError, Part, RecordInfo, fragment_hash};

/// Collects the fragments of one part into compressed blocks in a temporary file, in the order of arrival.
pub struct PartSpool {
    part: Part,
    path: PathBuf,
    file: BufWriter<File>,
    compressor: zstd::bulk::Compressor<'static>,
    open: Vec<u8>,
    written: u64,
    blocks: Vec<Block>,
    block_first: usize,
    keys: Vec<Box<[u8]>>,
    hashes: Vec<u64>,
    lengths: Vec<u32>,
}

/// A finished spool.
pub struct SpooledPart {
    part: Part,
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    keys: Vec<Box<[u8]>>,
    hashes: Vec<u64>,
    lengths: Vec<u32>,
}

impl PartSpool {
    /// Begins a spool in an unnamed temporary file of `folder`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(part: Part, folder: &Path) -> Result<Self, PackError> {
        let io = |source| PackError::Io {
            path: folder.to_owned(),
            source,
        };
        let file = tempfile::tempfile_in(folder).map_err(io)?;
        Ok(Self {
            part,
            path: folder.join(format!("spool of {}", part.name())),
            file: BufWriter::with_capacity(1 << 18, file),
            compressor: zstd::bulk::Compressor::new(BLOCK_LEVEL).map_err(io)?,
            open: Vec::new(),
            written: 0,
            blocks: Vec::new(),
            block_first: 0,
            keys: Vec::new(),
            hashes: Vec::new(),
            lengths: Vec::new(),
        })
    }

    /// Adds one fragment (without line end) under its package's key (checksum bytes).
    ///
    /// # Errors
    /// When the spool cannot be written, or a fragment is longer than 4 GiB.
    pub fn append(&mut self, key: &[u8], fragment: &[u8]) -> Result<(), PackError> {
        let length =
            u32::try_from(fragment.len() + 1).map_err(|_| PackError::TooLarge(fragment.len()))?;
        self.keys.push(key.into());
        self.hashes.push(fragment_hash(fragment));
        self.lengths.push(length);
        self.open.extend_from_slice(fragment);
        self.open.push(b'\n');
        if self.keys.len() - self.block_first >= self.part.records_per_block()
            || self.open.len() >= BLOCK_BYTES
        {
            self.close_block()?;
        }
        Ok(())
    }

    /// Fragments so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn close_block(&mut self) -> Result<(), PackError> {
        if self.keys.len() == self.block_first {
            return Ok(());
        }
        let io = |source| PackError::Io {
            path: self.path.clone(),
            source,
        };
        let frame = self.compressor.compress(&self.open).map_err(io)?;
        self.file.write_all(&frame).map_err(io)?;
        let narrow = |n: usize| u32::try_from(n).map_err(|_| PackError::TooLarge(n));
        self.blocks.push(Block {
            offset: self.written,
            stored: narrow(frame.len())?,
            open: narrow(self.open.len())?,
            first: narrow(self.block_first)?,
            records: narrow(self.keys.len() - self.block_first)?,
        });
        self.written += frame.len() as u64;
        self.block_first = self.keys.len();
        self.open.clear();
        Ok(())
    }

    /// Ends the spool.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<SpooledPart, PackError> {
        self.close_block()?;
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| PackError::Io {
            path: path.clone(),
            source: e.into_error(),
        })?;
        Ok(SpooledPart {
            part: self.part,
            path,
            file,
            blocks: self.blocks,
            keys: self.keys,
            hashes: self.hashes,
            lengths: self.lengths,
        })
    }
}

impl SpooledPart {
    /// Brings the part into the order of `keys`, leaving out what is not in it. Only a source whose three files
    /// disagree needs this.
    fn reorder(mut self, keys: &[Box<[u8]>], folder: &Path) -> Result<Self, PackError> {
        let places: HashMap<&[u8], usize> = self
            .keys
            .iter()
            .enumerate()
            .map(|(i, k)| (&**k, i))
            .collect();
        let order: Vec<usize> = keys
            .iter()
            .map(|key| {
                places
                    .get(&**key)
                    .copied()
                    .ok_or_else(|| PackError::Missing {
                        checksum: hex::encode(key),
                        part: self.part.name(),
                    })
            })
            .collect::<Result<_, _>>()?;
        drop(places);
        let mut spool = PartSpool::new(self.part, folder)?;
        let mut held: Option<(usize, Vec<u8>)> = None;
        for (key, place) in keys.iter().zip(order) {
            let number = self
                .blocks
                .partition_point(|b| (b.first as usize) <= place)
                .saturating_sub(1);
            if held.as_ref().is_none_or(|(n, _)| *n != number) {
                held = Some((number, self.open_block(number)?));
            }
            let first = self.blocks.get(number).map_or(0, |b| b.first as usize);
            let begin: usize = self
                .lengths
                .get(first..place)
                .unwrap_or_default()
                .iter()
                .map(|l| *l as usize)
                .sum();
            let length = self.lengths.get(place).map_or(0, |l| *l as usize);
            let fragment = held
                .as_ref()
                .and_then(|(_, bytes)| bytes.get(begin..(begin + length).saturating_sub(1)))
                .ok_or_else(|| PackError::Damaged {
                    path: self.path.clone(),
                    why: "spool shorter than its list",
                })?;
            spool.append(key, fragment)?;
        }
        spool.finish()
    }

    fn open_block(&mut self, number: usize) -> Result<Vec<u8>, PackError> {
        let path = self.path.clone();
        let io = |source| PackError::Io {
            path: path.clone(),
            source,
        };
        let block = self
            .blocks
            .get(number)
            .copied()
            .ok_or_else(|| PackError::Damaged {
                path: path.clone(),
                why: "no such block",
            })?;
        self.file.seek(SeekFrom::Start(block.offset)).map_err(io)?;
        let mut frame = vec![0; block.stored as usize];
        self.file.read_exact(&mut frame).map_err(io)?;
        zstd::bulk::decompress(&frame, block.open as usize).map_err(io)
    }
}

/// Joins three spools into a pack written to `out`, in the order of primary. `info` gives each record's data by its
/// position in primary; hashes and lengths are filled in here. Returns the number of records.
///
/// # Errors
/// When a record has no filelists or other fragment, or writing fails.
pub fn assemble<'a>(
    parts: [SpooledPart; 3],
    mut info: impl FnMut(usize) -> RecordInfo<'a>,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<usize, PackError> {
    let [primary, filelists, other] = parts;
    let ordered = |part: SpooledPart| -> Result<SpooledPart, PackError> {
        if part.keys == primary.keys {
            Ok(part)
        } else {
            part.reorder(&primary.keys, folder)
        }
    };
    let filelists = ordered(filelists)?;
    let other = ordered(other)?;
    let count = primary.keys.len();
    let mut parts = [primary, filelists, other];

    let io = |source| PackError::Io {
        path: folder.to_owned(),
        source,
    };
    out.write_all(b"ALPACK1\n").map_err(io)?;
    let mut at = 8_u64;
    let mut text = String::with_capacity(count * 200);
    for part in &mut parts {
        use std::fmt::Write as _;
        for block in &part.blocks {
            let _ = writeln!(
                text,
                "b {} {} {} {} {} {}",
                part.part.position(),
                at + block.offset,
                block.stored,
                block.open,
                block.first,
                block.records
            );
        }
        part.file.seek(SeekFrom::Start(0)).map_err(io)?;
        at += std::io::copy(&mut part.file, out).map_err(io)?;
    }
    let [primary, filelists, other] = &parts;
    for position in 0..count {
        let pick = |part: &SpooledPart| {
            (
                part.hashes.get(position).copied().unwrap_or_default(),
                part.lengths.get(position).copied().unwrap_or_default(),
            )
        };
        let [(h0, l0), (h1, l1), (h2, l2)] = [pick(primary), pick(filelists), pick(other)];
        let mut record = info(position);
        record.hashes = [h0, h1, h2];
        record.lengths = [l0, l1, l2];
        record.write(&mut text);
    }
    let index = zstd::bulk::compress(text.as_bytes(), BLOCK_LEVEL).map_err(io)?;
    out.write_all(&index).map_err(io)?;
    out.write_all(&at.to_le_bytes()).map_err(io)?;
    out.write_all(&(index.len() as u64).to_le_bytes())
        .map_err(io)?;
    out.write_all(&(text.len() as u64).to_le_bytes())
        .map_err(io)?;
    out.write_all(b"ALPKEND\n").map_err(io)?;
    Ok(count)
}
