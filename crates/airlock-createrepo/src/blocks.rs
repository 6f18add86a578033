//! Metadata in blocks: runs of packages, each compressed by itself.
//!
//! Where a block ends depends on the paths of its packages only, so a package that comes or goes changes the blocks
//! around it and no others, and an update makes the same blocks as a full run.

use std::io::{Cursor, Read, Write};
use std::ops::Range;

use airlock_repodata::compress::{self, Format, Writer};
use airlock_repodata::{Limits, MetadataKind};
use xxhash_rust::xxh3::xxh3_64;

use crate::duplicates::Identity;
use crate::error::{Error, Result};
use crate::options::{Compression, Options};
use crate::previous::{Indexed, Source};
use crate::walk::Stamp;

/// Packages in a block on average. More compress better (2,000 packages: 24 in a block cost a fifth more than one
/// frame for all, 64 a tenth); fewer are made again when one changes.
const USUAL: u64 = 64;
/// Packages in a block at most.
const MOST: usize = 256;
/// Level of zstd, that of createrepo_c.
const ZSTD_LEVEL: i32 = 9;
/// Level of gzip.
const GZ_LEVEL: u32 = 6;

/// A package of the new metadata.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its medium, where media are split, and path.
    pub(crate) key: String,
    pub(crate) stamp: Stamp,
    pub(crate) identity: Identity,
    pub(crate) source: Source,
}

/// The metadata files that a run makes, in order.
pub(crate) fn kinds(options: &Options) -> Vec<MetadataKind> {
    let mut kinds = vec![
        MetadataKind::Primary,
        MetadataKind::Filelists,
        MetadataKind::Other,
    ];
    if options.filelists_ext {
        kinds.push(MetadataKind::FilelistsExt);
    }
    kinds
}

/// How frames are compressed: frames are taken over only when this is the same. Empty without frames.
pub(crate) fn frame_key(compression: Compression) -> String {
    match compression {
        Compression::Zstd => format!("zstd {ZSTD_LEVEL}"),
        Compression::Gz => format!("gz {GZ_LEVEL}"),
        Compression::Xz | Compression::Bz2 => String::new(),
    }
}

/// Cuts items into blocks.
pub(crate) fn cut(items: &[Item]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for (at, item) in items.iter().enumerate() {
        let last = xxh3_64(item.key.as_bytes()).is_multiple_of(USUAL);
        if last || at + 1 - start == MOST || at + 1 == items.len() {
            blocks.push(start..at + 1);
            start = at + 1;
        }
    }
    blocks
}

/// The old block that consists of exactly these items.
pub(crate) fn same_block(items: &[Item], indexed: &Indexed) -> Option<u32> {
    let Source::Old { block, .. } = items.first()?.source else {
        return None;
    };
    let whole = indexed.cache.blocks[block as usize].packages as usize == items.len();
    let same = items.iter().enumerate().all(|(at, item)| {
        matches!(item.source, Source::Old { block: of, index } if of == block && index as usize == at)
    });
    (whole && same).then_some(block)
}

/// Compresses bytes by themselves.
pub(crate) fn compress(
    compression: Compression,
    bytes: &[u8],
) -> airlock_repodata::Result<Vec<u8>> {
    if compression == Compression::Zstd {
        return Ok(zstd::bulk::compress(bytes, ZSTD_LEVEL)?);
    }
    let level = (compression == Compression::Gz).then_some(GZ_LEVEL);
    let mut writer = Writer::new(compression.format(), level, Vec::new())?;
    writer.write_all(bytes)?;
    writer.finish()
}

/// The stored frame of an old block.
pub(crate) fn stored(indexed: &Indexed, block: u32, file: usize) -> Result<&[u8]> {
    let place = indexed.cache.blocks[block as usize].frames[file];
    usize::try_from(place.offset)
        .ok()
        .and_then(|offset| {
            indexed.files[file].get(offset..offset.checked_add(place.length as usize)?)
        })
        .ok_or_else(|| damaged(indexed, file))
}

fn damaged(indexed: &Indexed, file: usize) -> Error {
    Error::Damaged {
        path: indexed.cache.files[file].name.clone().into(),
    }
}

/// Opened bytes of an old block.
pub(crate) fn open(indexed: &Indexed, block: u32, file: usize) -> Result<Vec<u8>> {
    let frame = stored(indexed, block, file)?;
    let start = indexed.starts[block as usize];
    let packages = indexed.cache.blocks[block as usize].packages as usize;
    let length: usize = indexed.cache.entries[start..start + packages]
        .iter()
        .map(|entry| entry.lengths[file] as usize + 1)
        .sum();
    let opened = match Format::of(frame) {
        Format::Zstd => zstd::bulk::decompress(frame, length).ok(),
        _ => {
            let mut opened = Vec::with_capacity(length);
            compress::open(Cursor::new(frame.to_vec()), &Limits::default())
                .ok()
                .and_then(|mut reader| reader.read_to_end(&mut opened).ok())
                .map(|_| opened)
        }
    };
    opened
        .filter(|opened| opened.len() == length)
        .ok_or_else(|| damaged(indexed, file))
}

/// Opened bytes of a new block: the fragments, a line end behind each; and their lengths.
pub(crate) fn gather(
    items: &[Item],
    indexed: Option<&Indexed>,
    file: usize,
) -> Result<(Vec<u8>, Vec<u32>)> {
    let mut out = Vec::new();
    let mut lengths = Vec::with_capacity(items.len());
    let mut opened: Option<(u32, Vec<u8>)> = None;
    for item in items {
        let before = out.len();
        match (&item.source, indexed) {
            (Source::Ready(parts), _) => out.extend_from_slice(&parts[file]),
            (Source::Old { block, index }, Some(indexed)) => {
                if opened.as_ref().is_none_or(|(there, _)| there != block) {
                    opened = Some((*block, open(indexed, *block, file)?));
                }
                let start = indexed.starts[*block as usize];
                let entries = &indexed.cache.entries[start..=start + *index as usize];
                let (last, earlier) = entries.split_last().ok_or_else(|| damaged(indexed, file))?;
                let from: usize = earlier
                    .iter()
                    .map(|entry| entry.lengths[file] as usize + 1)
                    .sum();
                let bytes = opened
                    .as_ref()
                    .and_then(|(_, bytes)| bytes.get(from..from + last.lengths[file] as usize))
                    .ok_or_else(|| damaged(indexed, file))?;
                out.extend_from_slice(bytes);
            }
            // Only an index gives old blocks.
            (Source::Old { .. }, None) => {}
        }
        lengths.push(u32::try_from(out.len() - before).unwrap_or(u32::MAX));
        out.push(b'\n');
    }
    Ok((out, lengths))
}
