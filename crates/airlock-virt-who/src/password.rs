//! Encrypted passwords: AES-128-CBC with a key file, as virt-who writes them. Reference: virt-who, section 2.
//!
//! The scheme only keeps passwords from being read over somebody's shoulder: the key lies on the same machine, and equal
//! passwords give equal texts. Secrets in files or systemd credentials are the better way; this one is kept for old files.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};

use crate::secret::Secret;

/// Bytes of a block, of the key and of the initialisation vector.
const BLOCK: usize = 16;

/// The largest encrypted text that is looked at.
const LONGEST: usize = 64 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("Unable to read key file: {}: {source}. Passwords were encrypted on a machine with this file; copy it, or encrypt them again with airlock-virt-who password", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is no key.
    #[error(
        "Invalid format of the key file: {why}; it has two lines of at least 32 hexadecimal digits"
    )]
    Format {
        /// What is wrong.
        why: &'static str,
    },
}

/// Why a text could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// No hexadecimal digits, an odd number of them, or none.
    #[error("it is no text of hexadecimal digits")]
    NotHex,
    /// Not a whole number of blocks.
    #[error("its length is no multiple of 32 digits")]
    Length,
    /// What came out is no text: another key, or a damaged value.
    #[error("what comes out is no text; was it encrypted with another key?")]
    NotText,
}

/// A key with its initialisation vector.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    key: [u8; BLOCK],
    iv: [u8; BLOCK],
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key")
    }
}

impl Key {
    /// Reads the text of a key file: two lines of hexadecimal digits, of which the first 16 bytes count.
    ///
    /// # Errors
    /// A missing line, other characters, too few of them.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines().map(str::trim);
        let mut part = || -> Result<[u8; BLOCK], KeyError> {
            let line = lines
                .next()
                .filter(|line| !line.is_empty())
                .ok_or(KeyError::Format {
                    why: "a line is missing or empty",
                })?;
            let bytes = hex::decode(line).map_err(|_| KeyError::Format {
                why: "a line has other characters or an odd number of digits",
            })?;
            bytes
                .get(..BLOCK)
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(KeyError::Format {
                    why: "a line is too short",
                })
        };
        Ok(Self {
            key: part()?,
            iv: part()?,
        })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads the key file, or makes one that only its owner can read.
    ///
    /// # Errors
    /// A file that cannot be read or made.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            }
            found => return found,
        }
        let made = Self {
            key: rand::random(),
            iv: rand::random(),
        };
        let text = format!("{}\n{}\n", hex::encode(made.key), hex::encode(made.iv));
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        match write() {
            Ok(()) => Ok(made),
            // Another one made it at the same moment.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(path),
            Err(source) => Err(KeyError::File {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The text for a configuration.
    #[must_use]
    pub fn encrypt(&self, plain: &str) -> String {
        let cipher = Aes128::new(GenericArray::from_slice(&self.key));
        let pad = BLOCK - plain.len() % BLOCK;
        let mut bytes = plain.as_bytes().to_vec();
        bytes.resize(plain.len() + pad, u8::try_from(pad).unwrap_or(16));
        let mut before = self.iv;
        for block in bytes.chunks_exact_mut(BLOCK) {
            for (byte, mask) in block.iter_mut().zip(before) {
                *byte ^= mask;
            }
            cipher.encrypt_block(GenericArray::from_mut_slice(block));
            before.copy_from_slice(block);
        }
        hex::encode(bytes)
    }

    /// The password behind a text of a configuration. As in virt-who the padding is not verified: the last byte says how
    /// much is cut.
    ///
    /// # Errors
    /// Anything that [`Key::encrypt`] cannot have made.
    pub fn decrypt(&self, text: &str) -> Result<Secret, DecryptError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(DecryptError::NotHex);
        }
        let mut bytes = hex::decode(text).map_err(|_| DecryptError::NotHex)?;
        if !bytes.len().is_multiple_of(BLOCK) {
            return Err(DecryptError::Length);
        }
        let cipher = Aes128::new(GenericArray::from_slice(&self.key));
        let mut before = self.iv;
        for block in bytes.chunks_exact_mut(BLOCK) {
            let mut now = [0; BLOCK];
            now.copy_from_slice(block);
            cipher.decrypt_block(GenericArray::from_mut_slice(block));
            for (byte, mask) in block.iter_mut().zip(before) {
                *byte ^= mask;
            }
            before = now;
        }
        let cut = bytes.last().copied().map_or(0, usize::from);
        let left = if cut == 0 {
            0
        } else {
            bytes.len().saturating_sub(cut)
        };
        bytes.truncate(left);
        String::from_utf8(bytes)
            .map(Secret::new)
            .map_err(|_| DecryptError::NotText)
    }
}
