//! The signatures in a package's signature header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pending::{self, Pending};
use super::{BadSignature, Coverage, KeyRing, Policy, SignatureCheck, SignatureReport, Verdict};
use crate::header::Header;
use crate::read::PackageHead;
use crate::tag::signature;

/// More signatures than any package carries; each costs a hash over the payload at worst.
const MOST_SIGNATURES: usize = 16;

/// Signatures of a package that are being checked while its payload passes by.
pub(crate) struct PackageSignatures<'k> {
    started: Vec<Started<'k>>,
}

struct Started<'k> {
    tag: u32,
    coverage: Coverage,
    created: Option<u64>,
    state: Result<Pending<'k>, Verdict>,
}

impl<'k> PackageSignatures<'k> {
    /// Reads all signatures and hashes the main header. `with_payload` says whether the payload
    /// will follow; without it, signatures that cover it are left out.
    pub(crate) fn new(
        head: &PackageHead,
        ring: &'k KeyRing,
        policy: &Policy,
        with_payload: bool,
    ) -> Self {
        let mut started = Vec::new();
        for (tag, coverage, bytes) in packets(&head.signature) {
            if coverage == Coverage::HeaderAndPayload && !with_payload {
                continue;
            }
            if started.len() >= MOST_SIGNATURES {
                started.push(Started {
                    tag,
                    coverage,
                    created: None,
                    state: Err(Verdict::Unsupported {
                        what: format!("more than {MOST_SIGNATURES} signatures"),
                    }),
                });
                break;
            }
            let signature = bytes.and_then(|bytes| pending::read(&bytes));
            let created = signature.as_ref().ok().and_then(pending::created);
            let mut state = signature.and_then(|signature| Pending::new(signature, ring, policy));
            if let Ok(pending) = &mut state {
                pending.update(head.header.as_bytes());
            }
            started.push(Started {
                tag,
                coverage,
                created,
                state,
            });
        }
        Self { started }
    }

    /// Takes the next bytes of the payload.
    pub(crate) fn update(&mut self, payload: &[u8]) {
        for started in &mut self.started {
            if started.coverage == Coverage::HeaderAndPayload
                && let Ok(pending) = &mut started.state
            {
                pending.update(payload);
            }
        }
    }

    /// The payload is at its end.
    pub(crate) fn finish(self) -> SignatureReport {
        let checks = self
            .started
            .into_iter()
            .map(|started| SignatureCheck {
                tag: started.tag,
                coverage: started.coverage,
                created: started.created,
                verdict: started
                    .state
                    .map_or_else(|verdict| verdict, Pending::finish),
            })
            .collect();
        SignatureReport { checks }
    }
}

type Found = (u32, Coverage, Result<Vec<u8>, Verdict>);

/// All signatures of a signature header, as bytes of OpenPGP packets.
fn packets(header: &Header) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (tag, coverage) in [
        (signature::RSA, Coverage::Header),
        (signature::DSA, Coverage::Header),
        (signature::PGP, Coverage::HeaderAndPayload),
        (signature::GPG, Coverage::HeaderAndPayload),
        (signature::PGP5, Coverage::HeaderAndPayload),
    ] {
        if let Some(bytes) = header.binary(tag) {
            found.push((tag, coverage, Ok(bytes.to_vec())));
        } else if header.has(tag) {
            found.push((tag, coverage, Err(unreadable("it is not binary data"))));
        }
    }
    // One string in base64 each; the same signatures may be in the tags above as well.
    for text in header.strings(signature::OPENPGP) {
        let bytes = STANDARD.decode(text.trim_ascii());
        if let Ok(bytes) = &bytes
            && found
                .iter()
                .any(|(_, _, known)| known.as_ref().is_ok_and(|known| known == bytes))
        {
            continue;
        }
        let bytes = bytes.map_err(|_| unreadable("it is not base64"));
        found.push((signature::OPENPGP, Coverage::Header, bytes));
    }
    found
}

fn unreadable(detail: &str) -> Verdict {
    pending::bad(BadSignature::Unreadable {
        detail: detail.to_owned(),
    })
}
