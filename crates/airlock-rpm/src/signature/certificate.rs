//! What a certificate lets each of its keys do, worked out once when it is read.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType, SubpacketData,
};
use pgp::types::{KeyDetails, PublicParams, SignatureBytes, Tag, VerifyingKey};

use super::{Fingerprint, KeyId};

/// A public key with its subkeys.
#[derive(Debug, Clone)]
pub struct Certificate {
    primary: Usable,
    subkeys: Vec<Usable>,
    user_ids: Vec<String>,
}

/// One key of a certificate that signatures can be checked with.
#[derive(Debug, Clone)]
pub(super) struct Usable {
    pub(super) key_id: KeyId,
    pub(super) fingerprint: Fingerprint,
    /// May sign data.
    pub(super) signs: bool,
    created: u64,
    expires: Option<u64>,
    revoked: Option<Revoked>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Primary(PublicKey),
    Subkey(PublicSubkey),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Revoked {
    /// The key may be in wrong hands: nothing that it ever signed counts.
    Always,
    /// It was put aside; what it signed before stays good.
    Since(u64),
}

impl Certificate {
    /// Checks all self-signatures. Subkeys without a valid binding are left out.
    pub(super) fn new(key: SignedPublicKey) -> Self {
        let user_ids = key
            .details
            .users
            .iter()
            .map(|user| crate::text::decode(user.id.id()).into_owned())
            .collect();
        let newest = newest_self_signature(&key);
        let created = u64::from(key.primary_key.created_at().as_secs());
        let expires = newest
            .and_then(|signature| expiry(signature, created))
            .or_else(|| {
                let days = key.primary_key.legacy_v3_expiration_days()?;
                (days > 0).then(|| created + u64::from(days) * 86_400)
            });
        let revoked = earliest_revocation(
            key.details
                .revocation_signatures
                .iter()
                .filter(|signature| signature.verify_key(&key.primary_key).is_ok()),
        );
        let primary = Usable {
            key_id: key_id(&key.primary_key),
            fingerprint: fingerprint(&key.primary_key),
            signs: newest.and_then(may_sign).unwrap_or(true),
            created,
            expires,
            revoked,
            material: Material::Primary(key.primary_key.clone()),
        };
        let subkeys = key
            .public_subkeys
            .iter()
            .filter_map(|subkey| usable_subkey(&key.primary_key, subkey))
            .collect();
        Self {
            primary,
            subkeys,
            user_ids,
        }
    }

    /// Full name of the primary key.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.primary.fingerprint
    }

    /// Short name of the primary key.
    pub fn key_id(&self) -> KeyId {
        self.primary.key_id
    }

    /// Short names of all keys that may sign, the primary key first if it may.
    pub fn signing_key_ids(&self) -> Vec<KeyId> {
        self.usable()
            .filter(|key| key.signs)
            .map(|key| key.key_id)
            .collect()
    }

    /// Who it belongs to, as the certificate says.
    pub fn user_ids(&self) -> &[String] {
        &self.user_ids
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.primary.created
    }

    /// When it expires, in seconds since 1970.
    pub fn expires(&self) -> Option<u64> {
        self.primary.expires
    }

    /// True when its owner revoked it.
    pub fn is_revoked(&self) -> bool {
        self.primary.revoked.is_some()
    }

    pub(super) fn usable(&self) -> impl Iterator<Item = &Usable> {
        std::iter::once(&self.primary).chain(&self.subkeys)
    }

    /// True when this key, or the certificate as a whole, was revoked for a signature of that time.
    pub(super) fn revoked_for(&self, key: &Usable, made: u64) -> bool {
        [self.primary.revoked, key.revoked]
            .into_iter()
            .flatten()
            .any(|revoked| match revoked {
                Revoked::Always => true,
                Revoked::Since(time) => made >= time,
            })
    }

    /// True when this key, or the certificate as a whole, had expired at that time.
    pub(super) fn expired_at(&self, key: &Usable, time: u64) -> bool {
        [self.primary.expires, key.expires]
            .into_iter()
            .flatten()
            .any(|expires| time >= expires)
    }

    /// True when this key, or the certificate, did not exist yet at that time.
    pub(super) fn younger_than(&self, key: &Usable, time: u64) -> bool {
        time < self.primary.created.max(key.created)
    }
}

impl Usable {
    /// The bare cryptography: does this key vouch for this hash value.
    pub(super) fn verifies(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
        signature: &SignatureBytes,
    ) -> bool {
        match &self.material {
            Material::Primary(key) => key.verify(hash, digest, signature).is_ok(),
            Material::Subkey(key) => key.verify(hash, digest, signature).is_ok(),
        }
    }

    pub(super) fn details(&self) -> &dyn KeyDetails {
        match &self.material {
            Material::Primary(key) => key,
            Material::Subkey(key) => key,
        }
    }

    /// True when this build does not know the kind of key.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.details().public_params(), PublicParams::Unknown { .. })
    }

    /// Kind and bits of keys whose strength is a matter of bits.
    pub(super) fn bits(&self) -> Option<(&'static str, usize)> {
        match self.details().public_params() {
            PublicParams::RSA(params) => Some(("RSA", rsa_bits(params))),
            PublicParams::DSA(params) => Some(("DSA", params.key.components().p().bits())),
            _ => None,
        }
    }
}

fn rsa_bits(params: &pgp::types::RsaPublicParams) -> usize {
    use pgp::ser::Serialize;
    // Two numbers, each with its own count of bits in front; the modulus comes first.
    let mut bytes = Vec::new();
    match params.to_writer(&mut bytes) {
        Ok(()) if bytes.len() >= 2 => usize::from(u16::from_be_bytes([bytes[0], bytes[1]])),
        _ => 0,
    }
}

pub(super) fn key_id(key: &impl KeyDetails) -> KeyId {
    id_bytes(key.legacy_key_id().as_ref())
}

pub(super) fn id_bytes(bytes: &[u8]) -> KeyId {
    let mut id = [0; 8];
    let count = bytes.len().min(8);
    id[..count].copy_from_slice(&bytes[..count]);
    KeyId(id)
}

pub(super) fn fingerprint(key: &impl KeyDetails) -> Fingerprint {
    Fingerprint(key.fingerprint().as_bytes().to_vec())
}

/// The newest valid statement that a key makes on itself.
///
/// SHA-1 is accepted here whatever the policy: the key was put into the ring by a person, and old
/// vendors' keys carry no other self-signature. MD5 is not.
fn newest_self_signature(key: &SignedPublicKey) -> Option<&Signature> {
    let primary = &key.primary_key;
    let direct = key.details.direct_signatures.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::Key)
            && acceptable(signature)
            && signature.verify_key(primary).is_ok()
    });
    let users = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(move |signature| {
            signature.is_certification()
                && signature.typ() != Some(SignatureType::CertRevocation)
                && may_be_by(signature, primary)
                && acceptable(signature)
                && signature
                    .verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
        })
    });
    direct.chain(users).max_by_key(|signature| made(signature))
}

/// Keys collect thousands of signatures of others; only those naming the key itself are verified.
fn may_be_by(signature: &Signature, key: &PublicKey) -> bool {
    let own = key.legacy_key_id();
    signature.issuer_key_id().into_iter().any(|id| *id == own)
        || signature
            .issuer_fingerprint()
            .into_iter()
            .any(|print| *print == key.fingerprint())
}

fn acceptable(signature: &Signature) -> bool {
    !matches!(
        signature.hash_alg(),
        None | Some(HashAlgorithm::Md5 | HashAlgorithm::None | HashAlgorithm::Other(_))
    )
}

fn made(signature: &Signature) -> u64 {
    signature
        .created()
        .map_or(0, |time| u64::from(time.as_secs()))
}

fn expiry(signature: &Signature, created: u64) -> Option<u64> {
    let lifetime = signature.key_expiration_time()?.as_secs();
    (lifetime > 0).then(|| created + u64::from(lifetime))
}

/// What the key flags say on signing; `None` when there are none, as in old keys.
fn may_sign(signature: &Signature) -> Option<bool> {
    signature
        .config()?
        .hashed_subpackets()
        .find_map(|subpacket| match &subpacket.data {
            SubpacketData::KeyFlags(flags) => Some(flags.sign()),
            _ => None,
        })
}

fn usable_subkey(primary: &PublicKey, subkey: &SignedPublicSubKey) -> Option<Usable> {
    let binding = subkey
        .signatures
        .iter()
        .filter(|signature| {
            signature.typ() == Some(SignatureType::SubkeyBinding)
                && acceptable(signature)
                && signature
                    .verify_subkey_binding(primary, &subkey.key)
                    .is_ok()
        })
        .max_by_key(|signature| made(signature))?;
    // A subkey that signs has to agree to belong here, else anybody could adopt it.
    let agrees = || {
        binding.embedded_signature().is_some_and(|back| {
            acceptable(back)
                && back
                    .verify_primary_key_binding(&subkey.key, primary)
                    .is_ok()
        })
    };
    let created = u64::from(subkey.key.created_at().as_secs());
    Some(Usable {
        key_id: key_id(&subkey.key),
        fingerprint: fingerprint(&subkey.key),
        signs: may_sign(binding).unwrap_or(false) && agrees(),
        created,
        expires: expiry(binding, created),
        revoked: earliest_revocation(subkey.signatures.iter().filter(|signature| {
            signature.typ() == Some(SignatureType::SubkeyRevocation)
                && signature
                    .verify_subkey_binding(primary, &subkey.key)
                    .is_ok()
        })),
        material: Material::Subkey(subkey.key.clone()),
    })
}

/// What several valid revocations come to: the hardest, else the earliest.
fn earliest_revocation<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Option<Revoked> {
    signatures
        .map(|signature| match signature.revocation_reason_code() {
            Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired) => {
                Revoked::Since(made(signature))
            }
            _ => Revoked::Always,
        })
        .min_by_key(|revoked| match revoked {
            Revoked::Always => 0,
            Revoked::Since(time) => *time,
        })
}
