//! Checksums by the names that repository metadata uses.

mod thread;

pub use thread::HashThread;

use sha2::Digest as _;

/// A running checksum of one of the types that metadata may name.
#[derive(Clone)]
pub enum Hasher {
    /// `sha1`, written `sha` in `repomd.xml` of old.
    Sha1(sha1::Sha1),
    /// `sha224`.
    Sha224(sha2::Sha224),
    /// `sha256`.
    Sha256(sha2::Sha256),
    /// `sha384`.
    Sha384(sha2::Sha384),
    /// `sha512`.
    Sha512(sha2::Sha512),
    /// `md5`, for packages of EL 4 and older only.
    Md5(md5::Md5),
}

impl Hasher {
    /// A hasher of the named type; none for an unknown name.
    #[must_use]
    pub fn new(kind: &str) -> Option<Self> {
        Some(match kind {
            "sha" | "sha1" => Self::Sha1(sha1::Sha1::new()),
            "sha224" => Self::Sha224(sha2::Sha224::new()),
            "sha256" => Self::Sha256(sha2::Sha256::new()),
            "sha384" => Self::Sha384(sha2::Sha384::new()),
            "sha512" => Self::Sha512(sha2::Sha512::new()),
            "md5" => Self::Md5(md5::Md5::new()),
            _ => return None,
        })
    }

    /// Takes bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(h) => h.update(bytes),
            Self::Sha224(h) => h.update(bytes),
            Self::Sha256(h) => h.update(bytes),
            Self::Sha384(h) => h.update(bytes),
            Self::Sha512(h) => h.update(bytes),
            Self::Md5(h) => h.update(bytes),
        }
    }

    /// The checksum in lower-case hex.
    #[must_use]
    pub fn finish(self) -> String {
        match self {
            Self::Sha1(h) => hex::encode(h.finalize()),
            Self::Sha224(h) => hex::encode(h.finalize()),
            Self::Sha256(h) => hex::encode(h.finalize()),
            Self::Sha384(h) => hex::encode(h.finalize()),
            Self::Sha512(h) => hex::encode(h.finalize()),
            Self::Md5(h) => hex::encode(h.finalize()),
        }
    }
}

/// SHA-256 of bytes in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

/// Whether `value` can be a checksum of type `kind`: known type, right length, lower-case hex.
#[must_use]
pub fn is_checksum(kind: &str, value: &str) -> bool {
    let length = match kind {
        "md5" => 32,
        "sha" | "sha1" => 40,
        "sha224" => 56,
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    value.len() == length
        && value
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A checksum in the form that downloads verify; none for unknown types and values that do not fit.
#[must_use]
pub fn named_checksum(kind: &str, value: &str) -> Option<airlock_fetch::Checksum> {
    use airlock_fetch::Algorithm;
    let algorithm = match kind {
        "md5" => Algorithm::Md5,
        "sha" | "sha1" => Algorithm::Sha1,
        "sha224" => Algorithm::Sha224,
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        _ => return None,
    };
    airlock_fetch::Checksum::new(algorithm, value).ok()
}
