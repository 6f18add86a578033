//! Reading zchunk.

use std::io::{self, Read};

use super::{
    COMPRESSION_NONE, COMPRESSION_ZSTD, Checksum, LARGEST_CHUNK, LARGEST_HEADER, MAGIC, damaged,
};

struct Chunk {
    checksum: Vec<u8>,
    stored: u64,
    opened: u64,
}

/// Opens the chunks of a zchunk file one after the other, each checked before it is given out.
pub(in crate::compress) struct Chunks<R> {
    reader: R,
    chunks: std::vec::IntoIter<Chunk>,
    chunk_checksum: Checksum,
    data_checksum: Option<Checksum>,
    expected: Vec<u8>,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    stored: Vec<u8>,
    opened: Vec<u8>,
    given: usize,
}

impl<R: Read> Chunks<R> {
    /// Reads header and dictionary.
    pub(in crate::compress) fn new(mut reader: R) -> io::Result<Self> {
        let mut lead = [0; 5];
        reader.read_exact(&mut lead)?;
        if &lead != MAGIC {
            return Err(damaged("zchunk: wrong magic"));
        }
        let mut lead = lead.to_vec();
        let file_checksum = Checksum::of_type(number_from(&mut reader, &mut lead)?)?;
        let size = number_from(&mut reader, &mut lead)?;
        if size > LARGEST_HEADER {
            return Err(damaged("zchunk: the header is larger than 64 MiB"));
        }
        let expected = exactly(&mut reader, file_checksum.length() as u64)?;
        let header = exactly(&mut reader, size)?;
        let mut checksum = file_checksum.clone();
        checksum.update(&lead);
        checksum.update(&header);
        if checksum.finish() != expected {
            return Err(damaged("zchunk: the header does not match its checksum"));
        }
        let mut header = Header { rest: &header };
        let expected = header.take(file_checksum.length())?.to_vec();
        let flags = header.number()?;
        let compression = header.number()?;
        if !matches!(compression, COMPRESSION_NONE | COMPRESSION_ZSTD) {
            return Err(damaged("zchunk: unknown compression"));
        }
        if flags & 2 != 0 {
            for _ in 0..header.number()? {
                header.number()?;
                let length = header.number()?;
                header.take(
                    usize::try_from(length)
                        .map_err(|_| damaged("zchunk: a length is too large"))?,
                )?;
            }
        }
        header.number()?; // Size of the index: it ends where its chunks end.
        let chunk_checksum = Checksum::of_type(header.number()?)?;
        let count = header.number()?;
        let mut chunks = Vec::new();
        for _ in 0..count {
            chunks.push(header.chunk(flags, chunk_checksum.length())?);
        }
        let mut this = Self {
            reader,
            chunks: chunks.into_iter(),
            chunk_checksum,
            data_checksum: Some(file_checksum),
            expected,
            zstd: None,
            stored: Vec::new(),
            opened: Vec::new(),
            given: 0,
        };
        if compression == COMPRESSION_ZSTD {
            this.zstd = Some(zstd::bulk::Decompressor::new()?);
        }
        // The first chunk is the dictionary; mostly it is empty.
        if this.next()? && !this.opened.is_empty() {
            this.zstd = Some(zstd::bulk::Decompressor::with_dictionary(&this.opened)?);
            this.opened.clear();
        }
        Ok(this)
    }

    /// Opens the next chunk. False behind the last one.
    fn next(&mut self) -> io::Result<bool> {
        let Some(chunk) = self.chunks.next() else {
            if let Some(checksum) = self.data_checksum.take()
                && checksum.finish() != self.expected
            {
                return Err(damaged("zchunk: the data do not match their checksum"));
            }
            return Ok(false);
        };
        self.given = 0;
        self.opened.clear();
        self.stored.clear();
        if chunk.stored.max(chunk.opened) > LARGEST_CHUNK {
            return Err(damaged("zchunk: a chunk is larger than 128 MiB"));
        }
        if chunk.stored == 0 {
            return Ok(true);
        }
        let read = (&mut self.reader)
            .take(chunk.stored)
            .read_to_end(&mut self.stored)?;
        if read as u64 != chunk.stored {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut checksum = self.chunk_checksum.clone();
        checksum.update(&self.stored);
        if checksum.finish() != chunk.checksum {
            return Err(damaged("zchunk: a chunk does not match its checksum"));
        }
        if let Some(data) = &mut self.data_checksum {
            data.update(&self.stored);
        }
        self.opened = match &mut self.zstd {
            Some(zstd) => zstd.decompress(&self.stored, chunk.opened as usize)?,
            None => std::mem::take(&mut self.stored),
        };
        if self.opened.len() as u64 != chunk.opened {
            return Err(damaged(
                "zchunk: a chunk has another length than the index says",
            ));
        }
        Ok(true)
    }
}

impl<R: Read> Read for Chunks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.given == self.opened.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let rest = &self.opened[self.given..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Bytes of which there have to be so many; memory grows only with what comes.
fn exactly(reader: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn number_from(reader: &mut impl Read, seen: &mut Vec<u8>) -> io::Result<u64> {
    let start = seen.len();
    loop {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        seen.extend(byte);
        if byte[0] & 0x80 != 0 || seen.len() - start > 10 {
            return Header {
                rest: &seen[start..],
            }
            .number();
        }
    }
}

struct Header<'a> {
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 != 0 {
                return Ok(number);
            }
        }
        Err(damaged("zchunk: a number is too large"))
    }

    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| damaged("zchunk: the header is too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn chunk(&mut self, flags: u64, checksum: usize) -> io::Result<Chunk> {
        if flags & 1 != 0 {
            self.number()?; // Number of a stream.
        }
        let stored_checksum = self.take(checksum)?.to_vec();
        if flags & 4 != 0 {
            self.take(checksum)?; // Checksum of the opened chunk.
        }
        Ok(Chunk {
            checksum: stored_checksum,
            stored: self.number()?,
            opened: self.number()?,
        })
    }
}
