//! OpenPGP signatures of packages and of repository metadata, and what counts as good.
//!
//! The cryptography is rPGP's. What it leaves to its caller is decided here: which hashes are
//! strong enough, which key of a certificate may sign and since when, what an expired or revoked
//! key is still good for, and which of several signatures decides.
//!
//! A key counts from the moment somebody put it into the [`KeyRing`]; there is no web of trust.

mod certificate;
mod detached;
mod installed;
mod keyring;
mod package;
mod pending;
mod signing_key;

use std::fmt;

pub use certificate::Certificate;
pub use detached::verify_detached;
pub(crate) use installed::InstalledSignatures;
pub use installed::SignatureSummary;
pub use keyring::{KeyProblem, KeyRing};
pub(crate) use package::PackageSignatures;
pub use signing_key::{KeyKind, SigningKey};

use crate::digest::DigestKind;

/// The short name of an OpenPGP key: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

/// 16 hexadecimal digits in lower case, as rpm prints it.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The full name of an OpenPGP key: 16, 20 or 32 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub Vec<u8>);

/// Hexadecimal digits in upper case, as gpg prints it.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// What is asked of a signature beyond being right.
///
/// MD5 and RIPEMD-160 are refused whatever is set here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Accept SHA-1, which packages of EL5 and before need. Off by default.
    pub allow_sha1: bool,
    /// Smallest RSA or DSA key in bits. 1024 by default: keys of old vendors are that small.
    pub minimum_key_bits: usize,
    /// Instant in seconds since 1970 at which keys must not have expired.
    ///
    /// A key always has to be valid at the time of the signature. Without this it may have expired
    /// since: packages outlive the keys that signed them.
    pub now: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_sha1: false,
            minimum_key_bits: 1024,
            now: None,
        }
    }
}

/// What came of one signature, or of all of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Right, by a key of the ring, and strong enough.
    Good {
        /// Short name of the key or subkey that made it.
        key_id: KeyId,
        /// Full name of the certificate that the key belongs to.
        fingerprint: Fingerprint,
        /// Hash that it is made over, as in `SHA256`.
        hash: String,
    },
    /// There is no signature.
    Unsigned,
    /// Made by a key that is not in the ring; nothing else is known about it.
    UnknownKey {
        /// Short name of the key, where the signature says it.
        key_id: Option<KeyId>,
    },
    /// Wrong. The bytes are not what was signed, or the signature is broken.
    Bad {
        /// What is wrong.
        why: BadSignature,
    },
    /// Right, but the key had expired.
    Expired {
        /// Full name of the certificate.
        fingerprint: Fingerprint,
    },
    /// Right, but the key was revoked.
    Revoked {
        /// Full name of the certificate.
        fingerprint: Fingerprint,
    },
    /// Made over a hash, or with a key, that is too weak for the policy.
    Weak {
        /// What is weak, as in `SHA1` or `RSA with 768 bits`.
        what: String,
    },
    /// Made in a way that nobody here can check.
    Unsupported {
        /// What is not supported.
        what: String,
    },
}

impl Verdict {
    /// True only for [`Verdict::Good`].
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }

    /// How much a verdict weighs where no signature is good: the one that tells most wins.
    fn weight(&self) -> u8 {
        match self {
            Self::Unsigned => 0,
            Self::UnknownKey { .. } => 1,
            Self::Unsupported { .. } => 2,
            Self::Weak { .. } => 3,
            Self::Expired { .. } => 4,
            Self::Revoked { .. } => 5,
            Self::Good { .. } => 6,
            Self::Bad { .. } => 7,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { key_id, hash, .. } => write!(f, "good signature by key {key_id} ({hash})"),
            Self::Unsigned => f.write_str("not signed"),
            Self::UnknownKey { key_id: Some(id) } => write!(
                f,
                "signed by key {id}, which is not among the accepted keys"
            ),
            Self::UnknownKey { key_id: None } => {
                f.write_str("signed by a key that is not among the accepted keys")
            }
            Self::Bad { why } => write!(f, "bad signature: {why}"),
            Self::Expired { fingerprint } => {
                write!(f, "signed by key {fingerprint} after it expired")
            }
            Self::Revoked { fingerprint } => write!(f, "signed by key {fingerprint}, now revoked"),
            Self::Weak { what } => write!(f, "the signature is too weak ({what})"),
            Self::Unsupported { what } => {
                write!(f, "the signature cannot be checked here ({what})")
            }
        }
    }
}

/// Why a signature is bad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignature {
    /// The bytes are no OpenPGP signature.
    #[error("it cannot be read ({detail})")]
    Unreadable {
        /// What the reader said.
        detail: String,
    },
    /// It is longer than any signature.
    #[error("it is {length} bytes long, the limit is {limit}")]
    TooLong {
        /// Length found.
        length: usize,
        /// The bound.
        limit: usize,
    },
    /// It is a signature, but not one over data.
    #[error("it is of kind {kind}, not a signature over data")]
    WrongKind {
        /// Kind found.
        kind: String,
    },
    /// It does not belong to these bytes.
    #[error("it does not match the data: the file was changed or damaged")]
    Mismatch,
    /// The key that made it is not one for signing.
    #[error("key {key_id} may not sign")]
    KeyMayNotSign {
        /// Short name of the key.
        key_id: KeyId,
    },
    /// It says that it was made before its key.
    #[error("it claims to be older than its key {key_id}")]
    OlderThanKey {
        /// Short name of the key.
        key_id: KeyId,
    },
    /// It carries an end of its own and that has passed.
    #[error("it was only valid for some time, which is over")]
    SignatureExpired,
    /// A digest that the signature relies on is wrong.
    #[error("the {kind} is wrong: the file was changed or damaged")]
    Digest {
        /// Which digest.
        kind: DigestKind,
    },
    /// The signature covers the header only, and nothing in the header covers the payload.
    #[error("nothing that is signed covers the payload")]
    PayloadNotCovered,
}

/// What a signature of a package covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// The main header; the payload only through digests in it.
    Header,
    /// Main header and payload (rpm 3 and 4, no longer made).
    HeaderAndPayload,
    /// A file as a whole (`repomd.xml`).
    Data,
}

/// One signature and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureCheck {
    /// Tag of the signature header that holds it; 0 for detached signatures.
    pub tag: u32,
    /// What it covers.
    pub coverage: Coverage,
    /// When it says that it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// What came of it.
    pub verdict: Verdict,
}

/// All signatures that were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureReport {
    /// In the order of the header.
    pub checks: Vec<SignatureCheck>,
}

impl SignatureReport {
    /// The one verdict over all signatures.
    ///
    /// A bad one decides: somebody tampered, whatever else is there. Else a good one decides, else
    /// the one that says most.
    pub fn overall(&self) -> Verdict {
        self.checks
            .iter()
            .map(|check| &check.verdict)
            .max_by_key(|verdict| verdict.weight())
            .cloned()
            .unwrap_or(Verdict::Unsigned)
    }
}
