//! Writing zchunk.

use std::io::{self, Write};

use super::{COMPRESSION_ZSTD, Checksum, MAGIC, push_number};

/// A chunk that nobody ended is ended here.
const CHUNK: usize = 1 << 20;
/// SHA-256 for the file, the first 16 bytes of SHA-512 for chunks: what the reference program
/// writes.
const FILE_CHECKSUM: u64 = 1;
const CHUNK_CHECKSUM: u64 = 3;

/// Compresses chunks as they end. They are held in memory (stored size) until the end, because the
/// index comes first in the file.
pub(in crate::compress) struct Encoder<W> {
    out: W,
    zstd: zstd::bulk::Compressor<'static>,
    pending: Vec<u8>,
    index: Vec<u8>,
    count: u64,
    data: Vec<u8>,
}

impl<W: Write> Encoder<W> {
    pub(in crate::compress) fn new(out: W, level: i32) -> io::Result<Self> {
        let mut this = Self {
            out,
            zstd: zstd::bulk::Compressor::new(level)?,
            pending: Vec::new(),
            index: Vec::new(),
            count: 0,
            data: Vec::new(),
        };
        // No dictionary.
        this.index_entry(&[0; 16], 0, 0);
        Ok(this)
    }

    pub(in crate::compress) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK {
            self.end_chunk()?;
        }
        Ok(bytes.len())
    }

    #[cfg(test)]
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    pub(in crate::compress) fn end_chunk(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let stored = self.zstd.compress(&self.pending)?;
        let mut checksum = Checksum::of_type(CHUNK_CHECKSUM)?;
        checksum.update(&stored);
        self.index_entry(&checksum.finish(), stored.len(), self.pending.len());
        self.data.extend_from_slice(&stored);
        self.pending.clear();
        Ok(())
    }

    fn index_entry(&mut self, checksum: &[u8], stored: usize, opened: usize) {
        self.index.extend_from_slice(checksum);
        push_number(&mut self.index, stored as u64);
        push_number(&mut self.index, opened as u64);
        self.count += 1;
    }

    pub(in crate::compress) fn finish(mut self) -> io::Result<W> {
        self.end_chunk()?;
        let mut checksum = Checksum::of_type(FILE_CHECKSUM)?;
        checksum.update(&self.data);
        let mut header = checksum.finish();
        push_number(&mut header, 0);
        push_number(&mut header, COMPRESSION_ZSTD);
        let mut index = Vec::new();
        push_number(&mut index, CHUNK_CHECKSUM);
        push_number(&mut index, self.count);
        index.extend_from_slice(&self.index);
        push_number(&mut header, index.len() as u64);
        header.extend_from_slice(&index);
        push_number(&mut header, 0);
        let mut lead = MAGIC.to_vec();
        push_number(&mut lead, FILE_CHECKSUM);
        push_number(&mut lead, header.len() as u64);
        let mut checksum = Checksum::of_type(FILE_CHECKSUM)?;
        checksum.update(&lead);
        checksum.update(&header);
        self.out.write_all(&lead)?;
        self.out.write_all(&checksum.finish())?;
        self.out.write_all(&header)?;
        self.out.write_all(&self.data)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
