//! Reading packs: the index, whole frames, single fragments.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Block, PackError, PackIndex, Part};

/// Index text larger than this is not believed (200 bytes a record, ten million records).
const INDEX_LIMIT: usize = 2 << 30;

/// What opening one block after the other needs: contexts and buffers that are costly to make anew.
pub struct BlockOpener {
    decompressor: zstd::bulk::Decompressor<'static>,
    frame: Vec<u8>,
    open: Vec<u8>,
}

impl BlockOpener {
    /// An opener for any pack.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decompressor: zstd::bulk::Decompressor::default(),
            frame: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The block that was opened last: its frame, and its opened bytes, which may be taken away.
    pub(crate) fn last(&mut self) -> (&[u8], &mut Vec<u8>) {
        (&self.frame, &mut self.open)
    }
}

impl Default for BlockOpener {
    fn default() -> Self {
        Self::new()
    }
}

/// A block as stored and opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenBlock<'a> {
    /// The stored frame, as it can be copied into a zstd file.
    pub frame: &'a [u8],
    /// Its fragments, each with a line end.
    pub open: &'a [u8],
}

/// An open pack.
#[derive(Debug)]
pub struct PackReader {
    path: PathBuf,
    file: File,
    index: Arc<PackIndex>,
}

impl PackReader {
    /// Opens a pack and reads its index.
    ///
    /// # Errors
    /// When the file cannot be read or is not a whole pack.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let io = |source| PackError::Io {
            path: path.to_owned(),
            source,
        };
        let damaged = |why| PackError::Damaged {
            path: path.to_owned(),
            why,
        };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut trailer = [0_u8; 32];
        let trailer_at = size.checked_sub(32).ok_or_else(|| damaged("too short"))?;
        file.read_exact_at(&mut trailer, trailer_at).map_err(io)?;
        let (numbers, magic) = trailer.split_at(24);
        if magic != b"ALPKEND\n" {
            return Err(damaged("the end mark is missing"));
        }
        let mut numbers = numbers
            .chunks_exact(8)
            .map(|bytes| bytes.try_into().map_or(u64::MAX, u64::from_le_bytes));
        let mut number = || numbers.next().unwrap_or(u64::MAX);
        let (offset, length, open) = (number(), number(), number());
        if offset.checked_add(length) != Some(trailer_at) {
            return Err(damaged("the index lies outside"));
        }
        let open = usize::try_from(open)
            .ok()
            .filter(|open| *open <= INDEX_LIMIT)
            .ok_or_else(|| damaged("the index is too large"))?;
        let mut frame =
            vec![0; usize::try_from(length).map_err(|_| damaged("the index is too large"))?];
        file.read_exact_at(&mut frame, offset).map_err(io)?;
        let text = zstd::bulk::decompress(&frame, open).map_err(io)?;
        let text = String::from_utf8(text).map_err(|_| damaged("the index is no text"))?;
        let index = Arc::new(PackIndex::parse(path, text, offset)?);
        Ok(Self {
            path: path.to_owned(),
            file,
            index,
        })
    }

    /// Opens a pack whose index is known already.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn with_index(path: &Path, index: Arc<PackIndex>) -> Result<Self, PackError> {
        let file = File::open(path).map_err(|source| PackError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            index,
        })
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Arc<PackIndex> {
        &self.index
    }

    /// Opens a block.
    ///
    /// # Errors
    /// When it does not give the bytes that the index promises.
    pub fn open_block<'a>(
        &self,
        block: &Block,
        opener: &'a mut BlockOpener,
    ) -> Result<OpenBlock<'a>, PackError> {
        let io = |source| PackError::Io {
            path: self.path.clone(),
            source,
        };
        let BlockOpener {
            decompressor,
            frame,
            open,
        } = opener;
        frame.resize(block.stored as usize, 0);
        self.file.read_exact_at(frame, block.offset).map_err(io)?;
        open.clear();
        open.reserve(block.open as usize);
        let length = decompressor
            .decompress_to_buffer(frame.as_slice(), open)
            .map_err(io)?;
        if length == block.open as usize {
            Ok(OpenBlock { frame, open })
        } else {
            Err(PackError::Damaged {
                path: self.path.clone(),
                why: "a block is shorter than its index says",
            })
        }
    }

    /// Calls `each` with position and fragment (line end included) of every record of a block's opened bytes.
    ///
    /// # Errors
    /// When the lengths of the index do not fit the bytes, and what `each` returns.
    pub fn fragments<E: From<PackError>>(
        &self,
        part: Part,
        block: &Block,
        open: &[u8],
        mut each: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0_usize;
        for position in block.first as usize..(block.first + block.records) as usize {
            let length = self
                .index
                .length(part, position)
                .map_or(0, |length| length as usize);
            let fragment = open
                .get(at..at + length)
                .filter(|f| !f.is_empty())
                .ok_or_else(|| PackError::Damaged {
                    path: self.path.clone(),
                    why: "fragment lengths do not fit the block",
                })?;
            each(position, fragment)?;
            at += length;
        }
        Ok(())
    }

    /// One fragment, without line end.
    ///
    /// # Errors
    /// When the position is not in the pack or the block is damaged.
    pub fn fragment(&self, part: Part, position: usize) -> Result<Vec<u8>, PackError> {
        let blocks = self.index.blocks(part);
        let number = blocks
            .partition_point(|b| (b.first as usize) <= position)
            .saturating_sub(1);
        let block = blocks
            .get(number)
            .filter(|b| position < (b.first + b.records) as usize)
            .ok_or_else(|| PackError::Damaged {
                path: self.path.clone(),
                why: "no such record",
            })?;
        let mut opener = BlockOpener::new();
        let opened = self.open_block(block, &mut opener)?;
        let mut found = Vec::new();
        self.fragments(part, block, opened.open, |at, fragment| {
            if at == position {
                found = fragment.strip_suffix(b"\n").unwrap_or(fragment).to_vec();
            }
            Ok::<(), PackError>(())
        })?;
        Ok(found)
    }
}
