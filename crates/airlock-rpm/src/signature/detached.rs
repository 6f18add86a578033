//! Detached signatures over files: `repomd.xml.asc` and the like.

use pgp::packet::{Packet, PacketParser};

use super::keyring::{armored_blocks, dearmor};
use super::pending::{self, Pending};
use super::{BadSignature, Coverage, KeyRing, Policy, SignatureCheck, SignatureReport};

/// A signature file larger than this is none.
const LARGEST_FILE: usize = 1024 * 1024;
/// Signatures of one file that are looked at.
const MOST_SIGNATURES: usize = 16;

/// Checks the detached signatures of a file, armored or binary, against its bytes.
///
/// A file may hold several signatures, as during a change of keys; see
/// [`SignatureReport::overall`] for what they come to. A file without any is
/// [`super::Verdict::Unsigned`].
pub fn verify_detached(
    data: &[u8],
    signatures: &[u8],
    ring: &KeyRing,
    policy: &Policy,
) -> SignatureReport {
    let mut checks = Vec::new();
    let mut add = |created, verdict| {
        checks.push(SignatureCheck {
            tag: 0,
            coverage: Coverage::Data,
            created,
            verdict,
        });
    };
    let unreadable = |detail: String| pending::bad(BadSignature::Unreadable { detail });
    if signatures.len() > LARGEST_FILE {
        let (length, limit) = (signatures.len(), LARGEST_FILE);
        add(None, pending::bad(BadSignature::TooLong { length, limit }));
        return SignatureReport { checks };
    }
    let mut series = Vec::new();
    if signatures.first().is_some_and(|first| first & 0x80 != 0) {
        series.push(signatures.to_vec());
    } else {
        let blocks = armored_blocks(signatures);
        if blocks.is_empty() && !signatures.trim_ascii().is_empty() {
            add(None, unreadable("it holds no OpenPGP block".to_owned()));
        }
        for block in blocks {
            match dearmor(block) {
                Ok(packets) => series.push(packets),
                Err(detail) => add(None, unreadable(detail)),
            }
        }
    }
    let packets = series
        .iter()
        .flat_map(|packets| PacketParser::new(&packets[..]));
    for packet in packets.take(MOST_SIGNATURES) {
        match packet {
            Ok(Packet::Signature(signature)) => {
                let created = pending::created(&signature);
                let verdict = match Pending::new(signature, ring, policy) {
                    Ok(mut pending) => {
                        pending.update(data);
                        pending.finish()
                    }
                    Err(verdict) => verdict,
                };
                add(created, verdict);
            }
            // Anything else in the file vouches for nothing.
            Ok(_) => {}
            Err(error) => add(None, unreadable(error.to_string())),
        }
    }
    SignatureReport { checks }
}
