//! One of primary, filelists and other, as a file.

use std::io::Write;

use roaring::RoaringTreemap;

use crate::Error;
use crate::checksum::{HashThread, Hasher};
use crate::location::{Locations, href};
use crate::pack::{BLOCK_LEVEL, Block, BlockOpener, OpenBlock, PackReader, Part};
use airlock_model::Compression;
use airlock_repodata::frame;
use airlock_repodata::primary::LOCATION_PLACEHOLDER;

/// Opened bytes gathered before they become a frame of their own.
const FRAME_BYTES: usize = 1 << 20;
/// gzip level: 6, as createrepo_c.
const GZIP_LEVEL: u32 = 6;

/// A pack and the record id of its first record.
#[derive(Debug)]
pub struct PackSource {
    /// The pack.
    pub reader: PackReader,
    /// Record id of its first record.
    pub first_record: u64,
}

/// A metadata file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFile {
    /// Bytes as stored.
    pub size: u64,
    /// Bytes when opened.
    pub open_size: u64,
    /// Checksum of the stored bytes, of the type asked for; none for `sha256`, which the store takes anyway.
    pub checksum: Option<String>,
    /// Checksum of the opened bytes, of the type asked for.
    pub open_checksum: String,
}

/// What [`build_part`] is to write.
#[derive(Debug, Clone, Copy)]
pub struct PartRequest<'a> {
    /// Which file.
    pub part: Part,
    /// The version's packs in record order.
    pub packs: &'a [PackSource],
    /// The version's records.
    pub records: &'a RoaringTreemap,
    /// How it is compressed.
    pub compression: Compression,
    /// Checksum type for `repomd.xml`.
    pub checksum: &'a str,
}

struct Output<'a> {
    out: &'a mut dyn Write,
    compression: Compression,
    zstd: zstd::bulk::Compressor<'static>,
    pending: Vec<u8>,
    stored: Option<Hasher>,
    open: HashThread,
    size: u64,
    open_size: u64,
}

impl Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(Error::write_metadata)?;
        if let Some(stored) = &mut self.stored {
            stored.update(bytes);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn push(&mut self, open: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(open);
        if self.pending.len() >= FRAME_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut open = std::mem::take(&mut self.pending);
        self.open_size += open.len() as u64;
        let frame = match self.compression {
            Compression::Zstd => self.zstd.compress(&open).map_err(Error::write_metadata)?,
            Compression::Gz => {
                let mut gz = flate2::GzBuilder::new()
                    .mtime(0)
                    .write(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
                gz.write_all(&open).map_err(Error::write_metadata)?;
                gz.finish().map_err(Error::write_metadata)?
            }
        };
        self.write(&frame)?;
        self.open.take(&mut open)?;
        self.pending = open;
        Ok(())
    }

    /// Copies a stored frame whose opened bytes are known.
    fn copy(&mut self, (frame, open): (&[u8], &mut Vec<u8>)) -> Result<(), Error> {
        self.flush()?;
        self.open_size += open.len() as u64;
        self.open.take(open)?;
        self.write(frame)
    }
}

/// Writes one metadata file of a version.
///
/// # Errors
/// When a pack is damaged or the output cannot be written.
pub fn build_part(request: PartRequest<'_>, out: &mut dyn Write) -> Result<BuiltFile, Error> {
    let hasher =
        || Hasher::new(request.checksum).ok_or_else(|| Error::unknown_checksum(request.checksum));
    let mut output = Output {
        out,
        compression: request.compression,
        zstd: zstd::bulk::Compressor::new(BLOCK_LEVEL).map_err(Error::write_metadata)?,
        pending: Vec::with_capacity(FRAME_BYTES + (FRAME_BYTES >> 2)),
        stored: (request.checksum != "sha256").then(hasher).transpose()?,
        open: HashThread::start(hasher()?)?,
        size: 0,
        open_size: 0,
    };
    let kind = match request.part {
        Part::Primary => airlock_repodata::MetadataKind::Primary,
        Part::Filelists => airlock_repodata::MetadataKind::Filelists,
        Part::Other => airlock_repodata::MetadataKind::Other,
    };
    output.push(&frame::open_tag(kind, request.records.len()))?;
    let mut locations = Locations::new();
    let mut opener = BlockOpener::new();
    for pack in request.packs {
        let index = pack.reader.index().clone();
        for block in index.blocks(request.part) {
            let range = block_range(pack.first_record, block);
            let members = request.records.range_cardinality(range.clone());
            if members == 0 {
                continue;
            }
            let OpenBlock { open, .. } = pack.reader.open_block(block, &mut opener)?;
            let whole = members == range.end - range.start;
            if whole && request.part != Part::Primary && request.compression == Compression::Zstd {
                output.copy(opener.last())?;
                continue;
            }
            if whole && request.part != Part::Primary {
                output.push(open)?;
                continue;
            }
            pack.reader
                .fragments::<Error>(request.part, block, open, |position, fragment| {
                    if !request
                        .records
                        .contains(pack.first_record + position as u64)
                    {
                        return Ok(());
                    }
                    if request.part == Part::Primary
                        && let Some(record) = index.record(position)
                    {
                        let at = memchr::memmem::find(fragment, LOCATION_PLACEHOLDER)
                            .ok_or_else(|| Error::fragment_without_location(record.nevra()))?;
                        let (before, after) = fragment.split_at(at);
                        output.pending.extend_from_slice(before);
                        output.pending.extend_from_slice(b"<location href=\"");
                        output
                            .pending
                            .extend_from_slice(href(&locations.assign(&record)).as_bytes());
                        output.pending.extend_from_slice(b"\"/>");
                        output.push(after.get(LOCATION_PLACEHOLDER.len()..).unwrap_or_default())
                    } else {
                        output.push(fragment)
                    }
                })?;
        }
    }
    output.push(frame::close_tag(kind))?;
    output.flush()?;
    Ok(BuiltFile {
        size: output.size,
        open_size: output.open_size,
        checksum: output.stored.map(Hasher::finish),
        open_checksum: output.open.finish()?,
    })
}

fn block_range(first_record: u64, block: &Block) -> std::ops::Range<u64> {
    let begin = first_record + u64::from(block.first);
    begin..begin + u64::from(block.records)
}
