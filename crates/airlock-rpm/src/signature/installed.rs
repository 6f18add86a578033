//! The signatures that a database of installed packages keeps.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pending::{self, Pending};
use super::{Coverage, KeyId, KeyRing, Policy, SignatureCheck, SignatureReport};
use crate::db::InstalledSignature;
use crate::header::Header;
use crate::tag::{main, signature};

/// More signatures than any package carries.
const MOST_SIGNATURES: usize = 16;

/// What the packet of a signature says about itself. Nothing of it is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureSummary {
    /// Short name of the key, where the packet says it.
    pub key_id: Option<KeyId>,
    /// When it says that it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// Hash that it is made over, as in `SHA256`.
    pub hash: String,
    /// Kind of key, as in `RSA`.
    pub algorithm: String,
}

/// Signatures in the header of an installed package. The tag numbers of the signature header are taken by other
/// things there, so rpm keeps some of them under others.
pub(crate) struct InstalledSignatures;

impl InstalledSignatures {
    pub(crate) fn list(header: &Header) -> Vec<InstalledSignature> {
        packets(header)
            .into_iter()
            .map(|(_, tag, coverage, bytes)| InstalledSignature {
                tag,
                coverage,
                summary: pending::read(&bytes).ok().map(|one| pending::summary(&one)),
            })
            .collect()
    }

    pub(crate) fn check(
        header: &Header,
        pieces: &[Cow<'_, [u8]>],
        ring: &KeyRing,
        policy: &Policy,
    ) -> SignatureReport {
        let checks = packets(header)
            .into_iter()
            .filter(|(_, _, coverage, _)| *coverage == Coverage::Header)
            .map(|(tag, _, coverage, bytes)| {
                let packet = pending::read(&bytes);
                let created = packet.as_ref().ok().and_then(pending::created);
                let verdict = match packet.and_then(|one| Pending::new(one, ring, policy)) {
                    Ok(mut pending) => {
                        for piece in pieces {
                            pending.update(piece);
                        }
                        pending.finish()
                    }
                    Err(verdict) => verdict,
                };
                SignatureCheck {
                    tag,
                    coverage,
                    created,
                    verdict,
                }
            })
            .collect();
        SignatureReport { checks }
    }
}

type Found<'h> = (u32, &'static str, Coverage, Cow<'h, [u8]>);

fn packets(header: &Header) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    for (tag, name, coverage) in [
        (signature::RSA, "RSAHEADER", Coverage::Header),
        (signature::DSA, "DSAHEADER", Coverage::Header),
        (main::SIGPGP, "SIGPGP", Coverage::HeaderAndPayload),
        (main::SIGGPG, "SIGGPG", Coverage::HeaderAndPayload),
    ] {
        if let Some(bytes) = header.binary(tag) {
            found.push((tag, name, coverage, Cow::Borrowed(bytes)));
        }
    }
    for text in header.strings(signature::OPENPGP).take(MOST_SIGNATURES) {
        // What is no base64 is kept as it is, and fails as a packet.
        let bytes = STANDARD
            .decode(text.trim_ascii())
            .map_or(Cow::Borrowed(text), Cow::Owned);
        if !found.iter().any(|known| known.3 == bytes) {
            found.push((signature::OPENPGP, "OPENPGP", Coverage::Header, bytes));
        }
    }
    found
}
