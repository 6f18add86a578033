//! One signature on its way: read, hashed, decided.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType, SignatureVersionSpecific};
use pgp::types::KeyVersion;

use super::certificate::{Certificate, Usable, id_bytes};
use super::{BadSignature, Fingerprint, KeyId, KeyRing, Policy, SignatureSummary, Verdict};
use crate::digest::Hasher;

/// No signature of any kind is longer; post-quantum ones come to about 50 kB.
const LONGEST: usize = 64 * 1024;

/// A signature that waits for the data that it covers.
pub(super) struct Pending<'k> {
    signature: Signature,
    hash: HashAlgorithm,
    hasher: Hasher,
    candidates: Vec<(&'k Certificate, &'k Usable)>,
    policy: Policy,
}

/// The first packet of the bytes as a signature.
pub(super) fn read(bytes: &[u8]) -> Result<Signature, Verdict> {
    if bytes.len() > LONGEST {
        return Err(bad(BadSignature::TooLong {
            length: bytes.len(),
            limit: LONGEST,
        }));
    }
    let unreadable = |detail: String| bad(BadSignature::Unreadable { detail });
    match PacketParser::new(bytes).next() {
        Some(Ok(Packet::Signature(signature))) => Ok(signature),
        Some(Ok(other)) => Err(unreadable(format!(
            "a packet of type {:?} where a signature should be",
            pgp::packet::PacketTrait::tag(&other)
        ))),
        Some(Err(error)) => Err(unreadable(error.to_string())),
        None => Err(unreadable("no OpenPGP packet".to_owned())),
    }
}

/// When the signature says that it was made.
pub(super) fn created(signature: &Signature) -> Option<u64> {
    signature.created().map(|time| u64::from(time.as_secs()))
}

/// What a signature says about itself.
pub(super) fn summary(signature: &Signature) -> SignatureSummary {
    let key_id = signature.issuer_key_id().into_iter().next();
    let by_print = || {
        let print = signature.issuer_fingerprint().into_iter().next()?;
        let bytes = print.as_bytes();
        let short = match bytes.len() {
            32 => bytes.get(..8),
            length => bytes.get(length.saturating_sub(8)..),
        };
        short.map(id_bytes)
    };
    SignatureSummary {
        key_id: key_id.map(|id| id_bytes(id.as_ref())).or_else(by_print),
        created: created(signature),
        hash: signature
            .hash_alg()
            .map_or_else(String::new, |hash| hash.to_string()),
        algorithm: signature
            .config()
            .map_or_else(String::new, |config| format!("{:?}", config.pub_alg)),
    }
}

impl<'k> Pending<'k> {
    /// Finds the keys that may have made the signature and starts its hash.
    ///
    /// A verdict instead means that the data is not needed any more.
    pub(super) fn new(
        signature: Signature,
        ring: &'k KeyRing,
        policy: &Policy,
    ) -> Result<Self, Verdict> {
        let Some(config) = signature.config() else {
            return Err(Verdict::Unsupported {
                what: format!("signature version {:?}", signature.version()),
            });
        };
        if config.typ != SignatureType::Binary {
            return Err(bad(BadSignature::WrongKind {
                kind: format!("{:?}", config.typ),
            }));
        }
        let key_ids: Vec<KeyId> = signature
            .issuer_key_id()
            .into_iter()
            .map(|id| id_bytes(id.as_ref()))
            .collect();
        let fingerprints: Vec<Fingerprint> = signature
            .issuer_fingerprint()
            .into_iter()
            .map(|print| Fingerprint(print.as_bytes().to_vec()))
            .collect();
        let candidates: Vec<_> = ring
            .candidates(&key_ids, &fingerprints)
            .into_iter()
            .filter(|(_, key)| key.details().algorithm() == config.pub_alg)
            .collect();
        if candidates.is_empty() {
            let named = || {
                let print = fingerprints.first()?;
                // The short name is the end of a 20-byte name and the start of a 32-byte one.
                let short = match print.0.len() {
                    32 => print.0.get(..8),
                    length => print.0.get(length.saturating_sub(8)..),
                };
                short.map(id_bytes)
            };
            return Err(Verdict::UnknownKey {
                key_id: key_ids.first().copied().or_else(named),
            });
        }
        let hash = config.hash_alg;
        let strong = match hash {
            HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha224
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512 => true,
            HashAlgorithm::Sha1 => policy.allow_sha1,
            _ => false,
        };
        if !strong {
            return Err(Verdict::Weak {
                what: hash.to_string(),
            });
        }
        let mut hasher = hash.new_hasher().map_err(|_| Verdict::Unsupported {
            what: hash.to_string(),
        })?;
        if let SignatureVersionSpecific::V6 { salt } = &config.version_specific {
            if hash.salt_len() != Some(salt.len()) {
                let detail = "its salt has the wrong length".to_owned();
                return Err(bad(BadSignature::Unreadable { detail }));
            }
            hasher.update(salt);
        }
        Ok(Self {
            signature,
            hash,
            hasher,
            candidates,
            policy: policy.clone(),
        })
    }

    /// Takes the next bytes of the data.
    pub(super) fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
    }

    /// The data is at its end: decides.
    pub(super) fn finish(mut self) -> Verdict {
        let mismatch = || bad(BadSignature::Mismatch);
        let (Some(config), Some(value)) = (self.signature.config(), self.signature.signature())
        else {
            return mismatch();
        };
        let trailer = config
            .hash_signature_data(&mut self.hasher)
            .and_then(|length| config.trailer(length));
        let trailer = match trailer {
            Ok(trailer) => trailer,
            Err(error) => {
                let detail = error.to_string();
                return bad(BadSignature::Unreadable { detail });
            }
        };
        self.hasher.update(&trailer);
        let digest = self.hasher.finalize();
        // The first two bytes of the hash are in the packet in the clear.
        if self
            .signature
            .signed_hash_value()
            .as_ref()
            .map(|two| &two[..])
            != digest.get(..2)
        {
            return mismatch();
        }
        let is_v6 = matches!(config.version_specific, SignatureVersionSpecific::V6 { .. });
        let maker = self.candidates.iter().find(|(_, key)| {
            let same_generation = (key.details().version() == KeyVersion::V6) == is_v6;
            same_generation && key.verifies(self.hash, &digest, value)
        });
        match maker {
            // A kind of key whose numbers could not even be read proves nothing either way.
            None if self.candidates.iter().all(|(_, key)| key.is_opaque()) => {
                Verdict::Unsupported {
                    what: format!("{:?}", config.pub_alg),
                }
            }
            None => mismatch(),
            Some((certificate, key)) => {
                judge(&self.signature, self.hash, certificate, key, &self.policy)
            }
        }
    }
}

/// The signature is right; is it also good.
fn judge(
    signature: &Signature,
    hash: HashAlgorithm,
    certificate: &Certificate,
    key: &Usable,
    policy: &Policy,
) -> Verdict {
    let key_id = key.key_id;
    let fingerprint = certificate.fingerprint().clone();
    // Every version of the format carries a time; one without would be good for ever.
    let Some(made) = created(signature) else {
        let detail = "it does not say when it was made".to_owned();
        return bad(BadSignature::Unreadable { detail });
    };
    if certificate.revoked_for(key, made) {
        return Verdict::Revoked { fingerprint };
    }
    if !key.signs {
        return bad(BadSignature::KeyMayNotSign { key_id });
    }
    if certificate.younger_than(key, made) {
        return bad(BadSignature::OlderThanKey { key_id });
    }
    let expired_now = policy
        .now
        .is_some_and(|now| certificate.expired_at(key, now));
    if certificate.expired_at(key, made) || expired_now {
        return Verdict::Expired { fingerprint };
    }
    let lifetime = signature
        .signature_expiration_time()
        .map_or(0, |time| u64::from(time.as_secs()));
    if lifetime > 0 && policy.now.is_some_and(|now| now >= made + lifetime) {
        return bad(BadSignature::SignatureExpired);
    }
    if let Some((kind, bits)) = key.bits()
        && bits < policy.minimum_key_bits
    {
        return Verdict::Weak {
            what: format!("{kind} with {bits} bits"),
        };
    }
    Verdict::Good {
        key_id,
        fingerprint,
        hash: hash.to_string(),
    }
}

pub(super) fn bad(why: BadSignature) -> Verdict {
    Verdict::Bad { why }
}
