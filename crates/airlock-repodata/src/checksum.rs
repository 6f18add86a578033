//! Checksums as metadata files write them.

use crate::error::Flaw;

/// Type and value of a checksum.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checksum {
    /// Type: `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
    pub kind: String,
    /// Lower-case hexadecimal.
    pub value: String,
}

impl Checksum {
    /// Takes what a file says: the old name `sha` becomes `sha1`, upper case lower case.
    ///
    /// # Errors
    /// [`Flaw::Checksum`] for unknown types and values that do not fit the type.
    pub fn new(kind: &str, value: &str) -> Result<Self, Flaw> {
        let refuse = || Flaw::checksum(kind, value);
        let lower = kind.trim().to_ascii_lowercase();
        let kind = match lower.as_str() {
            "sha" | "sha-1" => "sha1",
            "sha-256" => "sha256",
            "sha-512" => "sha512",
            other => other,
        };
        let value = value.trim().to_ascii_lowercase();
        let length = hex_length(kind).ok_or_else(refuse)?;
        if value.len() != length || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        Ok(Self {
            kind: kind.to_owned(),
            value,
        })
    }

    /// True for types that prove nothing any more (MD5, SHA-1).
    pub fn is_weak(&self) -> bool {
        matches!(self.kind.as_str(), "md5" | "sha1")
    }
}

/// Hexadecimal digits of a checksum type; `None` for unknown types.
pub fn hex_length(kind: &str) -> Option<usize> {
    Some(match kind {
        "md5" => 32,
        "sha" | "sha1" => 40,
        "sha224" => 56,
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return None,
    })
}
