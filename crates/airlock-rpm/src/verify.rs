//! Digests and signatures of a package together, in one pass over its payload.

use std::io::Read;

use crate::digest::{BUFFER, DigestChecker, DigestReport, check_header};
use crate::error::Result;
use crate::read::PackageHead;
use crate::signature::{
    BadSignature, Coverage, KeyRing, PackageSignatures, Policy, SignatureReport, Verdict,
};

/// Everything that was found out about a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Its digests.
    pub digests: DigestReport,
    /// Its signatures.
    pub signatures: SignatureReport,
    /// True when the payload was read too.
    pub whole: bool,
}

impl Verification {
    /// The one verdict on the package.
    ///
    /// A wrong digest makes the package bad even when nobody signed it. A signature of the header
    /// is good for the whole package only if a digest in the header covers the payload; when the
    /// payload was not read, that is left open.
    pub fn verdict(&self) -> Verdict {
        if let Some(check) = self.digests.first_bad() {
            return Verdict::Bad {
                why: BadSignature::Digest { kind: check.kind },
            };
        }
        let overall = self.signatures.overall();
        if !overall.is_good() || !self.whole {
            return overall;
        }
        let covered = self.signatures.checks.iter().find(|check| {
            let covers = match check.coverage {
                Coverage::HeaderAndPayload | Coverage::Data => true,
                Coverage::Header => self.digests.payload_is_bound(),
            };
            covers && check.verdict.is_good()
        });
        match covered {
            Some(check) => check.verdict.clone(),
            None => Verdict::Bad {
                why: BadSignature::PayloadNotCovered,
            },
        }
    }
}

/// Checks a package while its payload passes by, so that a download is read only once.
pub struct Verifier<'k> {
    digests: DigestChecker,
    signatures: PackageSignatures<'k>,
}

impl<'k> Verifier<'k> {
    /// Starts with the head of the package.
    pub fn new(head: &PackageHead, ring: &'k KeyRing, policy: &Policy) -> Self {
        Self {
            digests: DigestChecker::new(head),
            signatures: PackageSignatures::new(head, ring, policy, true),
        }
    }

    /// Takes the next bytes of the payload.
    pub fn update(&mut self, payload: &[u8]) {
        self.digests.update(payload);
        self.signatures.update(payload);
    }

    /// The payload is at its end.
    pub fn finish(self) -> Verification {
        Verification {
            digests: self.digests.finish(),
            signatures: self.signatures.finish(),
            whole: true,
        }
    }
}

/// Checks a whole package; `payload` stands behind the main header and is read to its end.
///
/// # Errors
/// [`crate::Error::Io`] when reading fails. What is wrong with the package is in the result.
pub fn verify_package(
    head: &PackageHead,
    payload: &mut impl Read,
    ring: &KeyRing,
    policy: &Policy,
) -> Result<Verification> {
    let mut verifier = Verifier::new(head, ring, policy);
    let mut buffer = vec![0; BUFFER];
    loop {
        match payload.read(&mut buffer) {
            Ok(0) => return Ok(verifier.finish()),
            Ok(count) => verifier.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Checks what can be checked without the payload: header digests and header signatures.
pub fn verify_head(head: &PackageHead, ring: &KeyRing, policy: &Policy) -> Verification {
    Verification {
        digests: check_header(head),
        signatures: PackageSignatures::new(head, ring, policy, false).finish(),
        whole: false,
    }
}
