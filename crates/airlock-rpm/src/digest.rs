//! The digests that a package carries over its own header and payload.
//!
//! Header digests lie in the signature header and cover the main header byte by byte. Digests of
//! the payload lie in the main header, so that a signature of the header covers the payload too.
//! Packages of rpm before 4.14 have only an MD5 over header and payload together.
//!
//! Digests prove that a file arrived whole; only a signature says from whom.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use pgp::crypto::hash::HashAlgorithm;

use crate::error::Result;
use crate::header::Header;
use crate::package::DigestAlgorithm;
use crate::read::PackageHead;
use crate::tag::{main, signature, signature as tag_of};

/// Which digest of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestKind {
    /// Of the main header, from the signature header.
    Header(DigestAlgorithm),
    /// Of the payload as it is in the file, from the main header.
    Payload(DigestAlgorithm),
    /// MD5 of main header and payload together, from the signature header.
    HeaderAndPayload,
}

impl fmt::Display for DigestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(algorithm) => write!(f, "{algorithm} of the header"),
            Self::Payload(algorithm) => write!(f, "{algorithm} of the payload"),
            Self::HeaderAndPayload => f.write_str("MD5 of header and payload"),
        }
    }
}

/// What came of comparing one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigestOutcome {
    /// It is right.
    Good,
    /// It is wrong: the file is damaged or was changed.
    Bad {
        /// What the package says, in hexadecimal.
        expected: String,
        /// What its bytes give, in hexadecimal.
        found: String,
    },
    /// Nobody here knows the algorithm, or the value is no digest.
    Unsupported,
}

/// One digest and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestCheck {
    /// Which digest.
    pub kind: DigestKind,
    /// What came of it.
    pub outcome: DigestOutcome,
}

/// All digests of a package that were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestReport {
    /// In the order: header, payload, both.
    pub checks: Vec<DigestCheck>,
}

impl DigestReport {
    /// The first digest that is wrong.
    pub fn first_bad(&self) -> Option<&DigestCheck> {
        self.checks
            .iter()
            .find(|check| matches!(check.outcome, DigestOutcome::Bad { .. }))
    }

    /// True when nothing is wrong and header and payload are both covered by some good digest.
    pub fn is_complete(&self) -> bool {
        let both = self.has_good(|kind| kind == DigestKind::HeaderAndPayload);
        let header = self.has_good(|kind| matches!(kind, DigestKind::Header(_)));
        self.first_bad().is_none() && (both || (header && self.payload_is_bound()))
    }

    /// True when a digest inside the main header was found right for the payload: whoever vouches
    /// for the header then vouches for the payload as well.
    pub fn payload_is_bound(&self) -> bool {
        self.has_good(|kind| matches!(kind, DigestKind::Payload(_)))
    }

    fn has_good(&self, which: impl Fn(DigestKind) -> bool) -> bool {
        self.checks
            .iter()
            .any(|check| which(check.kind) && check.outcome == DigestOutcome::Good)
    }
}

/// Checks the header digests of a package. Needs no payload.
pub fn check_header(head: &PackageHead) -> DigestReport {
    let pieces = [Cow::Borrowed(head.header.as_bytes())];
    check_all(&head.signature, &pieces, false)
}

/// The strongest digest of an installed package's header, and the weaker ones when it is not right. `signature` is the
/// header itself, which holds the digests under the tags of the signature header; the pieces follow each other.
pub(crate) fn check_installed(signature: &Header, pieces: &[Cow<'_, [u8]>]) -> DigestReport {
    check_all(signature, pieces, true)
}

fn check_all(signature: &Header, pieces: &[Cow<'_, [u8]>], one_is_enough: bool) -> DigestReport {
    let mut report = DigestReport::default();
    for (tag, algorithm) in [
        (tag_of::SHA3_256, DigestAlgorithm::Sha3_256),
        (tag_of::SHA256, DigestAlgorithm::Sha256),
        (tag_of::SHA1, DigestAlgorithm::Sha1),
    ] {
        if !signature.has(tag) {
            continue;
        }
        let kind = DigestKind::Header(algorithm);
        let outcome = match (signature.bytes(tag), hasher(algorithm)) {
            (Some(expected), Some(mut hasher)) => {
                for piece in pieces {
                    hasher.update(piece);
                }
                compare(expected, &hasher.finalize())
            }
            _ => DigestOutcome::Unsupported,
        };
        let good = outcome == DigestOutcome::Good;
        report.checks.push(DigestCheck { kind, outcome });
        if good && one_is_enough {
            break;
        }
    }
    report
}

/// Checks all digests of a package; `payload` stands behind the main header and is read to its
/// end.
///
/// # Errors
/// [`crate::Error::Io`] when reading fails. A wrong digest is not an error but in the report.
pub fn check(head: &PackageHead, payload: &mut impl Read) -> Result<DigestReport> {
    let mut checker = DigestChecker::new(head);
    let mut buffer = vec![0; BUFFER];
    loop {
        match payload.read(&mut buffer) {
            Ok(0) => return Ok(checker.finish()),
            Ok(count) => checker.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) const BUFFER: usize = 64 * 1024;

/// Checks digests while the payload passes by, so that a file is read only once.
pub struct DigestChecker {
    report: DigestReport,
    running: Vec<Expected>,
}

struct Expected {
    kind: DigestKind,
    hasher: Hasher,
    /// Any of these is right: the digest of the payload as it is, and that of its uncompressed
    /// form, which is the one that fits when the payload was stored without compression.
    expected: Vec<Vec<u8>>,
}

impl DigestChecker {
    /// Starts: checks the header digests and prepares those of the payload.
    pub fn new(head: &PackageHead) -> Self {
        let mut checker = Self {
            report: check_header(head),
            running: Vec::new(),
        };
        let header = &head.header;
        let algorithm = header
            .u32(main::PAYLOADDIGESTALGO)
            .map_or(DigestAlgorithm::Sha256, DigestAlgorithm::from_number);
        for (tag, alternative, algorithm) in [
            (main::PAYLOADDIGEST, main::PAYLOADDIGESTALT, algorithm),
            (
                main::PAYLOADSHA512,
                main::PAYLOADSHA512ALT,
                DigestAlgorithm::Sha512,
            ),
            (
                main::PAYLOADSHA3_256,
                main::PAYLOADSHA3_256ALT,
                DigestAlgorithm::Sha3_256,
            ),
        ] {
            // One is enough, and each costs a pass over the payload. Format 6 carries three.
            if checker.running.is_empty() && (header.has(tag) || header.has(alternative)) {
                let expected = expected(header, [tag, alternative]);
                checker.add(DigestKind::Payload(algorithm), algorithm, expected, &[]);
            }
        }
        // MD5 says nothing that these do not say better.
        if checker.running.is_empty()
            && let Some(md5) = head.signature.binary(signature::MD5)
        {
            let expected = vec![hex::encode(md5).into_bytes()];
            let kind = DigestKind::HeaderAndPayload;
            checker.add(kind, DigestAlgorithm::Md5, expected, header.as_bytes());
        }
        checker
    }

    fn add(
        &mut self,
        kind: DigestKind,
        algorithm: DigestAlgorithm,
        expected: Vec<Vec<u8>>,
        before: &[u8],
    ) {
        match hasher(algorithm) {
            Some(mut hasher) if !expected.is_empty() => {
                hasher.update(before);
                self.running.push(Expected {
                    kind,
                    hasher,
                    expected,
                });
            }
            _ => self.report.checks.push(DigestCheck {
                kind,
                outcome: DigestOutcome::Unsupported,
            }),
        }
    }

    /// Takes the next bytes of the payload.
    pub fn update(&mut self, payload: &[u8]) {
        for running in &mut self.running {
            running.hasher.update(payload);
        }
    }

    /// The payload is at its end.
    pub fn finish(mut self) -> DigestReport {
        for running in self.running {
            let found = running.hasher.finalize();
            let mut outcome = DigestOutcome::Unsupported;
            for expected in &running.expected {
                match compare(expected, &found) {
                    DigestOutcome::Good => {
                        outcome = DigestOutcome::Good;
                        break;
                    }
                    other if outcome == DigestOutcome::Unsupported => outcome = other,
                    _ => {}
                }
            }
            self.report.checks.push(DigestCheck {
                kind: running.kind,
                outcome,
            });
        }
        self.report
    }
}

fn expected(header: &Header, tags: [u32; 2]) -> Vec<Vec<u8>> {
    tags.iter()
        .filter_map(|tag| header.bytes(*tag))
        .map(<[u8]>::to_vec)
        .collect()
}

/// Compares a digest in hexadecimal with the bytes of another one.
fn compare(expected: &[u8], found: &[u8]) -> DigestOutcome {
    let found = hex::encode(found);
    if expected.eq_ignore_ascii_case(found.as_bytes()) {
        DigestOutcome::Good
    } else {
        // A header can hold anything here; a digest is short and plain.
        let shown: Vec<u8> = expected.iter().copied().take(128).collect();
        DigestOutcome::Bad {
            expected: shown.escape_ascii().to_string(),
            found,
        }
    }
}

pub(crate) fn openpgp(algorithm: DigestAlgorithm) -> Option<HashAlgorithm> {
    Some(match algorithm {
        DigestAlgorithm::Md5 => HashAlgorithm::Md5,
        DigestAlgorithm::Sha1 => HashAlgorithm::Sha1,
        DigestAlgorithm::Sha256 => HashAlgorithm::Sha256,
        DigestAlgorithm::Sha384 => HashAlgorithm::Sha384,
        DigestAlgorithm::Sha512 => HashAlgorithm::Sha512,
        DigestAlgorithm::Sha224 => HashAlgorithm::Sha224,
        DigestAlgorithm::Sha3_256 => HashAlgorithm::Sha3_256,
        DigestAlgorithm::Sha3_512 => HashAlgorithm::Sha3_512,
        DigestAlgorithm::Other(_) => return None,
    })
}

/// A running hash. OpenPGP needs all of these kinds, so its library has them all.
pub(crate) type Hasher = Box<dyn digest::DynDigest + Send>;

/// A digest over any bytes that is being taken, as of a file of a package.
pub struct Running {
    hasher: Hasher,
}

impl Running {
    /// Starts one; `None` when nobody here knows the algorithm.
    pub fn new(algorithm: DigestAlgorithm) -> Option<Self> {
        hasher(algorithm).map(|hasher| Self { hasher })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Lower-case hexadecimal.
    pub fn finish(self) -> String {
        hex::encode(self.hasher.finalize())
    }
}

fn hasher(algorithm: DigestAlgorithm) -> Option<Hasher> {
    openpgp(algorithm)?.new_hasher().ok()
}
