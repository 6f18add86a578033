//! Checksums, taken while the bytes pass by.

use std::fmt;
use std::str::FromStr;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::error::{Error, Result};

/// A kind of checksum that repository metadata uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5, in very old repositories.
    Md5,
    /// SHA-1, which metadata also calls `sha`.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name as createrepo writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The checksum's length in hex digits.
    #[must_use]
    pub fn hex_len(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A checksum kind that is not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown checksum type {0:?}; known are md5, sha, sha1, sha224, sha256, sha384, sha512")]
pub struct UnknownAlgorithm(pub String);

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Takes the names of metadata, in any case, with or without a dash: `sha`, `SHA-256`.
    fn from_str(text: &str) -> std::result::Result<Self, UnknownAlgorithm> {
        let plain: String = text
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Ok(match plain.as_str() {
            "md5" => Self::Md5,
            "sha" | "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return Err(UnknownAlgorithm(text.to_owned())),
        })
    }
}

/// A checksum that a file must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checksum {
    algorithm: Algorithm,
    hex: String,
}

impl Checksum {
    /// Takes a checksum in hex, in either case.
    ///
    /// # Errors
    /// [`Error::BadChecksum`] when the text is not hex of the right length: it also becomes a file's name.
    pub fn new(algorithm: Algorithm, hex: &str) -> Result<Self> {
        let hex_text = hex.trim().to_ascii_lowercase();
        if hex_text.len() != algorithm.hex_len() || !hex_text.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return Err(Error::BadChecksum {
                algorithm,
                value: hex.to_owned(),
            });
        }
        Ok(Self {
            algorithm,
            hex: hex_text,
        })
    }

    /// The kind.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// In lower-case hex.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.algorithm, self.hex)
    }
}

#[derive(Clone)]
enum Other {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// SHA-256 always, and the kind that the metadata names where it is another one.
#[derive(Clone)]
pub(crate) struct Hashers {
    sha256: Sha256,
    other: Option<Other>,
    len: u64,
}

impl Hashers {
    pub(crate) fn new(wanted: Option<Algorithm>) -> Self {
        let other = match wanted {
            None | Some(Algorithm::Sha256) => None,
            Some(Algorithm::Md5) => Some(Other::Md5(Md5::new())),
            Some(Algorithm::Sha1) => Some(Other::Sha1(Sha1::new())),
            Some(Algorithm::Sha224) => Some(Other::Sha224(Sha224::new())),
            Some(Algorithm::Sha384) => Some(Other::Sha384(Sha384::new())),
            Some(Algorithm::Sha512) => Some(Other::Sha512(Sha512::new())),
        };
        Self {
            sha256: Sha256::new(),
            other,
            len: 0,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        self.sha256.update(bytes);
        match &mut self.other {
            None => {}
            Some(Other::Md5(hasher)) => hasher.update(bytes),
            Some(Other::Sha1(hasher)) => hasher.update(bytes),
            Some(Other::Sha224(hasher)) => hasher.update(bytes),
            Some(Other::Sha384(hasher)) => hasher.update(bytes),
            Some(Other::Sha512(hasher)) => hasher.update(bytes),
        }
    }

    /// Bytes hashed so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The SHA-256, and the checksum of the wanted kind in hex.
    pub(crate) fn finish(self) -> Sums {
        let sha256: [u8; 32] = self.sha256.finalize().into();
        let wanted_hex = match self.other {
            None => hex::encode(sha256),
            Some(Other::Md5(hasher)) => hex::encode(hasher.finalize()),
            Some(Other::Sha1(hasher)) => hex::encode(hasher.finalize()),
            Some(Other::Sha224(hasher)) => hex::encode(hasher.finalize()),
            Some(Other::Sha384(hasher)) => hex::encode(hasher.finalize()),
            Some(Other::Sha512(hasher)) => hex::encode(hasher.finalize()),
        };
        Sums {
            sha256,
            wanted_hex,
            len: self.len,
        }
    }
}

/// What [`Hashers`] found.
#[derive(Debug)]
pub(crate) struct Sums {
    pub(crate) sha256: [u8; 32],
    pub(crate) wanted_hex: String,
    pub(crate) len: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_sums_of_abc() {
        for (algorithm, expected) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Algorithm::Sha224,
                "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            ),
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                Algorithm::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let mut hashers = Hashers::new(Some(algorithm));
            hashers.update(b"a");
            hashers.update(b"bc");
            assert_eq!(hashers.len(), 3);
            let sums = hashers.finish();
            assert_eq!(sums.wanted_hex, expected, "{algorithm}");
            assert_eq!(
                hex::encode(sums.sha256),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            );
            assert_eq!(expected.len(), algorithm.hex_len());
        }
    }

    #[test]
    fn names_and_texts() {
        assert_eq!("sha".parse(), Ok(Algorithm::Sha1));
        assert_eq!("SHA-512".parse(), Ok(Algorithm::Sha512));
        assert!("crc32".parse::<Algorithm>().is_err());
        assert!(Checksum::new(Algorithm::Md5, "../../../etc/passwd").is_err());
        assert!(Checksum::new(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f7g").is_err());
        let sum = Checksum::new(Algorithm::Md5, " 900150983CD24FB0D6963F7D28E17F72 ").unwrap();
        assert_eq!(sum.to_string(), "md5:900150983cd24fb0d6963f7d28e17f72");
    }
}
