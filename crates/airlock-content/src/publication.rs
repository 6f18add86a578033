//! Making a version's metadata files out of packs.
//!
//! Filelists and other of a version are mostly whole blocks of its packs, so their frames are copied as stored and
//! only blocks with missing records are encoded again; primary is always encoded, because locations are filled in
//! here. The same content gives the same bytes on the same encoder, which is what allows dropping the files of old
//! versions and making them again ([`crate::rebuild`]).

mod part;
mod repomd;

pub use part::{BuiltFile, PackSource, PartRequest, build_part};
pub(crate) use repomd::encode;
pub use repomd::{MetadataFile, Publication, PublishRequest, PublishedFiles, publish};

#[cfg(test)]
mod tests;

/// Names the encoder whose bytes a publication holds: a release that would write other bytes must change it, for then
/// the files of versions that were made before can not be made again and are kept. `tests.rs` holds bytes of this one.
pub const ENCODER: &str = "zstd-1.5.7/flate2-zlib-rs-1;blocks-1";
