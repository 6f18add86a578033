//! Keys of our own: made, stored, and used to sign repository metadata.

use pgp::composed::{
    ArmorOptions, Deserializable, DetachedSignature, KeyType, SecretKeyParamsBuilder,
    SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::{KeyVersion, Password, Timestamp};
use rand_core::OsRng;

use super::certificate::{fingerprint, key_id};
use super::{Fingerprint, KeyId};
use crate::error::{Error, Result};

/// What kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519: small and fast; needs GnuPG 2.1 or newer on the clients (EL8 and newer).
    Ed25519,
    /// RSA with 3072 bits: for clients of every age.
    Rsa3072,
    /// RSA with 4096 bits: the same with more margin.
    Rsa4096,
}

/// A secret key that signs metadata.
#[derive(Clone)]
pub struct SigningKey {
    key: SignedSecretKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.fingerprint())
    }
}

impl SigningKey {
    /// Makes a key that signs and does nothing else, without passphrase and without end.
    ///
    /// `created` is in seconds since 1970; an instant before the first signature, because no
    /// signature may be older than its key.
    ///
    /// # Errors
    /// [`Error::SigningKey`] when the owner's name is not usable or `created` lies after 2106.
    pub fn generate(kind: KeyKind, owner: &str, created: u64) -> Result<Self> {
        let created = u32::try_from(created).map_err(|_| key_error("its time is after 2106"))?;
        let mut builder = SecretKeyParamsBuilder::default();
        builder
            // Version 4: rpm and GnuPG of today do not read version 6.
            .version(KeyVersion::V4)
            .key_type(match kind {
                KeyKind::Ed25519 => KeyType::Ed25519Legacy,
                KeyKind::Rsa3072 => KeyType::Rsa(3072),
                KeyKind::Rsa4096 => KeyType::Rsa(4096),
            })
            .can_certify(true)
            .can_sign(true)
            .created_at(Timestamp::from_secs(created))
            .preferred_hash_algorithms(
                [HashAlgorithm::Sha512, HashAlgorithm::Sha256]
                    .into_iter()
                    .collect(),
            )
            .primary_user_id(owner.to_owned());
        let params = builder.build().map_err(key_error)?;
        let key = params.generate(OsRng).map_err(key_error)?;
        Ok(Self { key })
    }

    /// Reads an armored secret key without passphrase, as [`SigningKey::to_armored_secret`] or gpg
    /// write it.
    ///
    /// # Errors
    /// [`Error::SigningKey`].
    pub fn from_armored(text: &str) -> Result<Self> {
        let (key, _) = SignedSecretKey::from_string(text).map_err(key_error)?;
        if key.primary_key.secret_params().is_encrypted() {
            return Err(key_error("it is protected by a passphrase"));
        }
        Ok(Self { key })
    }

    /// The secret key, armored. Whoever reads it can sign in our name.
    ///
    /// # Errors
    /// [`Error::SigningKey`].
    pub fn to_armored_secret(&self) -> Result<String> {
        self.key
            .to_armored_string(ArmorOptions::default())
            .map_err(key_error)
    }

    /// The public key, armored, as clients import it.
    ///
    /// # Errors
    /// [`Error::SigningKey`].
    pub fn to_armored_public(&self) -> Result<String> {
        self.key
            .to_public_key()
            .to_armored_string(ArmorOptions::default())
            .map_err(key_error)
    }

    /// Full name of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.key.primary_key)
    }

    /// Short name of the key.
    pub fn key_id(&self) -> KeyId {
        key_id(&self.key.primary_key)
    }

    /// An armored detached signature over the data with SHA-256.
    ///
    /// # Errors
    /// [`Error::SigningKey`] when the key cannot sign.
    pub fn sign_detached(&self, data: &[u8]) -> Result<String> {
        DetachedSignature::sign_binary_data(
            OsRng,
            &self.key.primary_key,
            &Password::empty(),
            HashAlgorithm::Sha256,
            data,
        )
        .and_then(|signature| signature.to_armored_string(ArmorOptions::default()))
        .map_err(key_error)
    }
}

fn key_error(why: impl ToString) -> Error {
    Error::SigningKey {
        why: why.to_string(),
    }
}
