//! Writing the metadata files out of blocks.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use airlock_repodata::compress::Writer;
use airlock_repodata::frame::{close_tag, open_tag};
use airlock_repodata::repomd::Record;
use airlock_repodata::{Checksum, MetadataKind};

use crate::blocks::{self, Item};
use crate::cache::{CachedBlock, CachedFile, Entry, Place};
use crate::checksum::{self, Hasher};
use crate::error::{Error, Result};
use crate::options::{Compression, Options};
use crate::parallel;
use crate::previous::Indexed;

/// Blocks that are worked on at a time: bounds the memory.
const BATCH: usize = 64;

/// A metadata file that was written.
pub(crate) struct Written {
    pub(crate) record: Record,
    pub(crate) name: String,
}

/// Everything that was written.
pub(crate) struct Files {
    pub(crate) written: Vec<Written>,
    pub(crate) cached: Vec<CachedFile>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) blocks: Vec<CachedBlock>,
}

/// One block in one file.
struct Piece {
    /// Compressed; empty for formats without frames.
    frame: Vec<u8>,
    opened: Vec<u8>,
    lengths: Vec<u32>,
}

/// Writes primary, filelists, other (and filelists-ext) into a folder.
pub(crate) fn write(
    options: &Options,
    items: &[Item],
    indexed: Option<&Indexed>,
    folder: &Path,
) -> Result<Files> {
    let kinds = blocks::kinds(options);
    let compression = options.general_compress_type;
    let takes_over =
        indexed.filter(|indexed| indexed.cache.frame_key == blocks::frame_key(compression));
    let ranges = blocks::cut(items);
    let mut outs = kinds
        .iter()
        .map(|kind| Out::new(options, *kind, items.len(), folder))
        .collect::<Result<Vec<_>>>()?;
    let mut entries: Vec<Entry> = items
        .iter()
        .map(|item| Entry {
            key: item.key.clone(),
            stamp: item.stamp,
            identity: item.identity.clone(),
            lengths: Vec::with_capacity(kinds.len()),
        })
        .collect();
    let mut cached_blocks = Vec::with_capacity(ranges.len());
    for batch in ranges.chunks(BATCH) {
        let jobs: Vec<(usize, usize)> = (0..batch.len())
            .flat_map(|block| (0..kinds.len()).map(move |file| (block, file)))
            .collect();
        let pieces = parallel::map(
            options.worker_count(),
            &jobs,
            || (),
            |(), (block, file)| {
                let items = &items[batch[*block].clone()];
                piece(items, indexed, takes_over, *file, compression)
            },
        );
        let mut pieces = pieces.into_iter();
        for range in batch {
            let mut block = CachedBlock {
                packages: range.len() as u32,
                frames: Vec::new(),
            };
            for (out, piece) in outs.iter_mut().zip(pieces.by_ref().take(kinds.len())) {
                let piece = piece?;
                if compression.has_frames() {
                    block.frames.push(Place {
                        offset: out.size,
                        length: piece.frame.len() as u32,
                    });
                }
                out.put(&piece.opened, &piece.frame)?;
                for (entry, length) in entries[range.clone()].iter_mut().zip(&piece.lengths) {
                    entry.lengths.push(*length);
                }
            }
            cached_blocks.push(block);
        }
    }
    let mut files = Files {
        written: Vec::new(),
        cached: Vec::new(),
        entries,
        blocks: cached_blocks,
    };
    for out in outs {
        let written = out.finish(options)?;
        files.cached.push(CachedFile {
            name: written.name.clone(),
            checksum: written.record.checksum.value.clone(),
            size: written.record.size.unwrap_or(0),
        });
        files.written.push(written);
    }
    Ok(files)
}

fn piece(
    items: &[Item],
    indexed: Option<&Indexed>,
    takes_over: Option<&Indexed>,
    file: usize,
    compression: Compression,
) -> Result<Piece> {
    if let Some(indexed) = takes_over
        && let Some(block) = blocks::same_block(items, indexed)
    {
        let start = indexed.starts[block as usize];
        return Ok(Piece {
            frame: blocks::stored(indexed, block, file)?.to_vec(),
            opened: blocks::open(indexed, block, file)?,
            lengths: indexed.cache.entries[start..start + items.len()]
                .iter()
                .map(|entry| entry.lengths[file])
                .collect(),
        });
    }
    let (opened, lengths) = blocks::gather(items, indexed, file)?;
    let frame = match compression.has_frames() {
        true => blocks::compress(compression, &opened).map_err(Error::metadata(Path::new("")))?,
        false => Vec::new(),
    };
    Ok(Piece {
        frame,
        opened,
        lengths,
    })
}

/// A metadata file being written.
struct Out {
    kind: MetadataKind,
    path: PathBuf,
    compression: Compression,
    file: File,
    /// For formats without frames: one stream for the whole file.
    stream: Option<Writer<Vec<u8>>>,
    open_hasher: Hasher,
    hasher: Hasher,
    open_size: u64,
    size: u64,
}

impl Out {
    fn new(options: &Options, kind: MetadataKind, packages: usize, folder: &Path) -> Result<Self> {
        let path = folder.join(kind.file_name());
        let compression = options.general_compress_type;
        let stream = match compression.has_frames() {
            true => None,
            false => Some(
                Writer::new(compression.format(), None, Vec::new())
                    .map_err(Error::metadata(&path))?,
            ),
        };
        let mut out = Self {
            kind,
            compression,
            file: File::create(&path).map_err(Error::io(&path))?,
            path,
            stream,
            open_hasher: Hasher::new(options.metadata_checksum()),
            hasher: Hasher::new(options.metadata_checksum()),
            open_size: 0,
            size: 0,
        };
        out.put_alone(&open_tag(kind, packages as u64))?;
        Ok(out)
    }

    /// Bytes as a frame of their own.
    fn put_alone(&mut self, opened: &[u8]) -> Result<()> {
        let frame = match self.stream {
            Some(_) => Vec::new(),
            None => {
                blocks::compress(self.compression, opened).map_err(Error::metadata(&self.path))?
            }
        };
        self.put(opened, &frame)
    }

    fn put(&mut self, opened: &[u8], frame: &[u8]) -> Result<()> {
        self.open_hasher.update(opened);
        self.open_size += opened.len() as u64;
        match &mut self.stream {
            Some(stream) => stream.write_all(opened).map_err(Error::io(&self.path)),
            None => self.store(frame),
        }
    }

    fn store(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(Error::io(&self.path))
    }

    fn finish(mut self, options: &Options) -> Result<Written> {
        self.put_alone(close_tag(self.kind))?;
        if let Some(stream) = self.stream.take() {
            let bytes = stream.finish().map_err(Error::metadata(&self.path))?;
            self.store(&bytes)?;
        }
        let plain = format!(
            "{}{}",
            self.kind.file_name(),
            self.compression.format().ending()
        );
        let sum = self.hasher.finish();
        let name = match options.simple_md_filenames {
            true => plain,
            false => format!("{sum}-{plain}"),
        };
        let target = self.path.with_file_name(&name);
        fs::rename(&self.path, &target).map_err(Error::io(&target))?;
        let mut record = record(options, self.kind.name(), &name, sum);
        record.open_checksum = Some(named(options, self.open_hasher.finish()));
        record.size = Some(self.size);
        record.open_size = Some(self.open_size);
        Ok(Written { record, name })
    }
}

/// Writes an additional file (comps) that is held in memory.
pub(crate) fn additional(
    options: &Options,
    kind: &str,
    plain_name: &str,
    bytes: &[u8],
    folder: &Path,
) -> Result<Written> {
    let compression = options
        .compress_type
        .unwrap_or(options.general_compress_type);
    let path = folder.join(plain_name);
    let (stored, ending) = match options.plain_group {
        true => (bytes.to_vec(), ""),
        false => (
            blocks::compress(compression, bytes).map_err(Error::metadata(&path))?,
            compression.format().ending(),
        ),
    };
    let sum = checksum::of(options.metadata_checksum(), &stored);
    let plain = format!("{plain_name}{ending}");
    let name = match options.simple_md_filenames {
        true => plain,
        false => format!("{sum}-{plain}"),
    };
    let target = folder.join(&name);
    fs::write(&target, &stored).map_err(Error::io(&target))?;
    let mut record = record(options, kind, &name, sum);
    record.size = Some(stored.len() as u64);
    if !options.plain_group {
        let opened = checksum::of(options.metadata_checksum(), bytes);
        record.open_checksum = Some(named(options, opened));
        record.open_size = Some(bytes.len() as u64);
    }
    Ok(Written { record, name })
}

fn record(options: &Options, kind: &str, name: &str, sum: String) -> Record {
    Record::new(kind, named(options, sum), &format!("repodata/{name}"))
}

fn named(options: &Options, value: String) -> Checksum {
    Checksum {
        kind: options.metadata_checksum().name().to_owned(),
        value,
    }
}
