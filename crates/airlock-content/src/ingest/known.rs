//! What an upstream said before, by package.

use std::collections::HashMap;

use crate::pack::{PackIndex, Part, fragment_hash};

/// A package's identity as a fixed-size key: the first 32 bytes of type and checksum hashed together would lose the
/// meaning, so the checksum's own bytes are kept (SHA-512 has 64).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey(Box<[u8]>);

impl RecordKey {
    /// The key of a checksum in hex; none when it is not hex.
    #[must_use]
    pub fn new(kind: &str, checksum: &str) -> Option<Self> {
        let mut bytes = hex::decode(checksum).ok()?;
        // Types differ in length except sha1 under its two names.
        if kind == "md5" {
            bytes.push(0);
        }
        Some(Self(bytes.into_boxed_slice()))
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The newest record of one package.
#[derive(Debug, Clone, Copy)]
pub struct KnownRecord {
    /// Its id.
    pub record: u64,
    /// Hashes of its fragments.
    pub hashes: [u64; 3],
    /// Hash of where the upstream keeps the file: a file that moved is described anew, or it could not be fetched.
    href: u64,
}

impl KnownRecord {
    /// Whether the upstream said the same in this part.
    #[must_use]
    pub fn says(&self, part: Part, fragment: &[u8]) -> bool {
        self.hashes[part.position()] == fragment_hash(fragment)
    }

    /// Whether the file lay at `href` then.
    #[must_use]
    pub fn lies_at(&self, href: &str) -> bool {
        self.href == fragment_hash(href.as_bytes())
    }
}

/// All packages that an upstream described before.
#[derive(Debug, Default)]
pub struct KnownRecords {
    by_key: HashMap<RecordKey, KnownRecord>,
}

impl KnownRecords {
    /// Takes in a pack; later packs win, for they hold newer descriptions.
    pub fn add_pack(&mut self, first_record: u64, index: &PackIndex) {
        for (position, record) in index.records().enumerate() {
            if let Some(key) = RecordKey::new(record.checksum_type, record.checksum) {
                self.by_key.insert(
                    key,
                    KnownRecord {
                        record: first_record + position as u64,
                        hashes: record.hashes,
                        href: fragment_hash(record.href.as_bytes()),
                    },
                );
            }
        }
    }

    /// The record of a package.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<&KnownRecord> {
        self.by_key.get(key)
    }

    /// Packages known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether the upstream is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}
