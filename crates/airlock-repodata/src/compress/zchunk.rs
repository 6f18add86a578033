//! zchunk, read as a stream and written.
//!
//! Own code after the format's description, because counts and lengths come from outside: nothing
//! is allocated that the bytes do not back, and chunks can end between packages when writing.
//!
//! A file is a lead (magic, checksum type, header size, header checksum), a preface (data checksum,
//! flags, compression), an index (checksum, stored and opened length of each chunk, a dictionary
//! first) and signatures; then the chunks. Integers are little-endian groups of seven bits; the
//! last one has its top bit set.

mod decode;
mod encode;

use std::io;

pub(super) use decode::Chunks;
pub(super) use encode::Encoder;

use sha1::Digest;

const MAGIC: &[u8; 5] = b"\0ZCK1";
/// The header may have this many bytes: about two million chunks.
const LARGEST_HEADER: u64 = 64 << 20;
/// One chunk, stored or opened.
const LARGEST_CHUNK: u64 = 128 << 20;
const COMPRESSION_NONE: u64 = 0;
const COMPRESSION_ZSTD: u64 = 2;

/// Checksum types by their number in the format.
#[derive(Clone)]
enum Checksum {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    /// The first 16 bytes of SHA-512.
    Sha512Short(sha2::Sha512),
}

impl Checksum {
    fn of_type(number: u64) -> io::Result<Self> {
        Ok(match number {
            0 => Self::Sha1(sha1::Sha1::new()),
            1 => Self::Sha256(sha2::Sha256::new()),
            2 => Self::Sha512(sha2::Sha512::new()),
            3 => Self::Sha512Short(sha2::Sha512::new()),
            _ => return Err(damaged("zchunk: unknown checksum type")),
        })
    }

    fn length(&self) -> usize {
        match self {
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
            Self::Sha512(_) => 64,
            Self::Sha512Short(_) => 16,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) | Self::Sha512Short(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        let length = self.length();
        let mut digest = match self {
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) | Self::Sha512Short(hash) => hash.finalize().to_vec(),
        };
        digest.truncate(length);
        digest
    }
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8 | 0x80);
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{Chunks, Encoder};

    fn written(parts: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), 9).unwrap();
        for part in parts {
            encoder.write_all(part).unwrap();
            encoder.end_chunk().unwrap();
        }
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Chunks::new(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn what_is_written_is_read() {
        let big = b"0123456789".repeat(300_000);
        assert_eq!(read(&written(&[])).unwrap(), b"");
        assert_eq!(read(&written(&[b"one", b"", b"two"])).unwrap(), b"onetwo");
        assert_eq!(
            read(&written(&[&big, b"x"])).unwrap(),
            [&big[..], b"x"].concat()
        );
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let good = written(&[b"some text in a chunk", b"some more text in a chunk"]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            assert!(read(&bad).is_err(), "flip at {at}");
            assert!(read(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn lying_counts_allocate_nothing() {
        let mut bytes = b"\0ZCK1\x81".to_vec();
        super::push_number(&mut bytes, u64::MAX >> 1);
        bytes.extend([0; 64]);
        assert!(read(&bytes).is_err());
    }
}
