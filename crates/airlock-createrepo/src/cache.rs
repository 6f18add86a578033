//! The cache file: an index of the metadata files that lie beside it.
//!
//! It holds no metadata: for each package its path, NEVRA, build time, size, modification time, inode and the length of its fragments,
//! for each block where its compressed frame lies in the published files. A frame is used only after the whole file
//! around it had the checksum that is noted here, so a cache can be stale or damaged, but never wrong.
//!
//! Layout: magic, then little-endian numbers and length-prefixed texts in the order of the fields of [`Cache`], then
//! the XXH3 of everything before.

use xxhash_rust::xxh3::xxh3_64;

use crate::duplicates::Identity;
use crate::walk::Stamp;

const MAGIC: &[u8; 16] = b"airlock-cache-2\n";

/// Usual name of the cache file in the `repodata` folder.
pub const FILE_NAME: &str = ".airlock-cache";

/// The index as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cache {
    /// What the fragments depend on beside the packages.
    pub(crate) fragment_key: String,
    /// What the published files depend on beside the fragments.
    pub(crate) output_key: String,
    /// How frames are compressed.
    pub(crate) frame_key: String,
    /// Checksum of `repomd.xml`.
    pub(crate) repomd: String,
    /// The metadata files.
    pub(crate) files: Vec<CachedFile>,
    /// All packages in order.
    pub(crate) entries: Vec<Entry>,
    /// All blocks in order.
    pub(crate) blocks: Vec<CachedBlock>,
    /// Packages that could not be read.
    pub(crate) failed: u64,
}

/// A published metadata file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CachedFile {
    pub(crate) name: String,
    pub(crate) checksum: String,
    pub(crate) size: u64,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// Its medium, where media are split, and path.
    pub(crate) key: String,
    pub(crate) stamp: Stamp,
    pub(crate) identity: Identity,
    /// Bytes of its fragment in each file.
    pub(crate) lengths: Vec<u32>,
}

/// A run of packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CachedBlock {
    pub(crate) packages: u32,
    /// Where its frame lies in each file; empty when the files have no frames.
    pub(crate) frames: Vec<Place>,
}

/// Where a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Cache {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for text in [
            &self.fragment_key,
            &self.output_key,
            &self.frame_key,
            &self.repomd,
        ] {
            push_text(&mut out, text);
        }
        push(&mut out, self.failed);
        push(&mut out, self.files.len() as u64);
        for file in &self.files {
            push_text(&mut out, &file.name);
            push_text(&mut out, &file.checksum);
            push(&mut out, file.size);
        }
        push(&mut out, self.entries.len() as u64);
        for entry in &self.entries {
            push_text(&mut out, &entry.key);
            push_text(&mut out, &entry.identity.nevra);
            out.extend_from_slice(&entry.identity.built.to_le_bytes());
            push(&mut out, entry.stamp.size);
            out.extend_from_slice(&entry.stamp.mtime.to_le_bytes());
            push(&mut out, entry.stamp.inode);
            for length in &entry.lengths {
                out.extend_from_slice(&length.to_le_bytes());
            }
        }
        push(&mut out, self.blocks.len() as u64);
        for block in &self.blocks {
            out.extend_from_slice(&block.packages.to_le_bytes());
            push(&mut out, block.frames.len() as u64);
            for place in &block.frames {
                push(&mut out, place.offset);
                out.extend_from_slice(&place.length.to_le_bytes());
            }
        }
        let sum = xxh3_64(&out);
        push(&mut out, sum);
        out
    }

    /// Reads it back; `None` for anything that was not written by [`Cache::to_bytes`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(body) != u64::from_le_bytes(*sum) {
            return None;
        }
        let mut rest = Rest(body.strip_prefix(MAGIC)?);
        let mut cache = Self {
            fragment_key: rest.text()?,
            output_key: rest.text()?,
            frame_key: rest.text()?,
            repomd: rest.text()?,
            failed: rest.number()?,
            ..Self::default()
        };
        for _ in 0..rest.count()? {
            cache.files.push(CachedFile {
                name: rest.text()?,
                checksum: rest.text()?,
                size: rest.number()?,
            });
        }
        for _ in 0..rest.count()? {
            cache.entries.push(Entry {
                key: rest.text()?,
                identity: Identity {
                    nevra: rest.text()?,
                    built: i64::from_le_bytes(rest.take()?),
                },
                stamp: Stamp {
                    size: rest.number()?,
                    mtime: i128::from_le_bytes(rest.take()?),
                    inode: rest.number()?,
                },
                lengths: (0..cache.files.len())
                    .map(|_| rest.take().map(u32::from_le_bytes))
                    .collect::<Option<_>>()?,
            });
        }
        let mut packages = 0;
        for _ in 0..rest.count()? {
            let mut block = CachedBlock {
                packages: u32::from_le_bytes(rest.take()?),
                frames: Vec::new(),
            };
            packages += block.packages as usize;
            for _ in 0..rest.count()? {
                block.frames.push(Place {
                    offset: rest.number()?,
                    length: u32::from_le_bytes(rest.take()?),
                });
            }
            cache.blocks.push(block);
        }
        (rest.0.is_empty() && packages == cache.entries.len()).then_some(cache)
    }
}

fn push(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn comes_back_and_notices_every_changed_byte() {
        let cache = Cache {
            fragment_key: "a".into(),
            repomd: "b".into(),
            files: vec![CachedFile::default(); 2],
            entries: vec![Entry {
                key: "x/y.rpm".into(),
                identity: Identity {
                    nevra: "y-0:1-1.noarch".into(),
                    built: -7,
                },
                stamp: Stamp {
                    size: 1,
                    mtime: -5,
                    inode: 9,
                },
                lengths: vec![3, 4],
            }],
            blocks: vec![CachedBlock {
                packages: 1,
                frames: vec![Place::default(); 2],
            }],
            ..Cache::default()
        };
        let bytes = cache.to_bytes();
        assert_eq!(Cache::from_bytes(&bytes).unwrap(), cache);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            assert!(Cache::from_bytes(&damaged).is_none(), "byte {at}");
            assert!(Cache::from_bytes(&bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
