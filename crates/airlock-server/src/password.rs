//! Passwords (argon2id) and tokens (random, stored as a hash).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

/// What tokens begin with, so that scanners for leaked secrets know them.
pub const TOKEN_PREFIX: &str = "airl_";
/// Passwords shorter than this are refused when they are set.
pub const SHORTEST_PASSWORD: usize = 12;
/// Passwords longer than this many bytes are refused, so that nobody can make the server hash megabytes.
pub const LONGEST_PASSWORD: usize = 1_024;

/// Passwords that wait for their turn or are hashed; more are refused, so that the last one still waits seconds only.
const MOST_WAITING: usize = 64;

static HASHING: Hashing = Hashing::new();

/// Whose turn it is: two hashes at a time, since each takes 19 MiB and a core.
struct Hashing {
    turns: Semaphore,
    places: Semaphore,
}

impl Hashing {
    const fn new() -> Self {
        Self {
            turns: Semaphore::const_new(2),
            places: Semaphore::const_new(MOST_WAITING),
        }
    }

    /// A turn, over when both are dropped.
    async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), PasswordError> {
        let place = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| PasswordError::Hash)?;
        Ok((place, turn))
    }
}

/// Why a password cannot be hashed or set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too short.
    #[error("the password has {0} characters; at least {SHORTEST_PASSWORD} are needed")]
    Short(usize),
    /// Too long.
    #[error("the password has {0} bytes; at most {LONGEST_PASSWORD} are allowed")]
    Long(usize),
    /// One of the first to be guessed.
    #[error("the password is one of the first that are guessed")]
    Common,
    /// Too many wait already.
    #[error("too many passwords are being looked at; try again in a moment")]
    Busy,
    /// The hash function failed, or its worker did.
    #[error("the password could not be hashed")]
    Hash,
}

/// Whether a password may be set.
///
/// # Errors
/// [`PasswordError`] says why not.
pub fn check_new(password: &str) -> Result<(), PasswordError> {
    if password.len() > LONGEST_PASSWORD {
        return Err(PasswordError::Long(password.len()));
    }
    let characters = password.chars().count();
    if characters < SHORTEST_PASSWORD {
        return Err(PasswordError::Short(characters));
    }
    let lower = password.to_lowercase();
    let one_character = lower.chars().all(|c| lower.starts_with(c));
    let common = [
        "passwordpassword",
        "password1234",
        "123456789012",
        "1234567890123456",
        "administrator",
        "qwertyuiop12",
        "airlockairlock",
        "changemechangeme",
    ];
    if one_character || common.contains(&lower.as_str()) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

fn argon() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| PasswordError::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The argon2id hash of a password, with its salt and parameters, as stored.
///
/// # Errors
/// [`PasswordError`] for a password that is too long, and when too many wait.
pub async fn hash(password: String) -> Result<String, PasswordError> {
    if password.len() > LONGEST_PASSWORD {
        return Err(PasswordError::Long(password.len()));
    }
    let turn = HASHING.turn().await?;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let salt =
            SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|_| PasswordError::Hash)?;
        argon()?
            .hash_password(password.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|_| PasswordError::Hash)
    })
    .await
    .map_err(|_| PasswordError::Hash)?
}

/// Whether a password belongs to a stored hash. `None` (an unknown login) takes as long as a wrong password.
///
/// # Errors
/// [`PasswordError::Busy`] when too many wait, [`PasswordError::Hash`] when the worker failed.
pub async fn verify(password: String, stored: Option<String>) -> Result<bool, PasswordError> {
    if password.len() > LONGEST_PASSWORD {
        return Ok(false);
    }
    let turn = HASHING.turn().await?;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let known = stored.is_some();
        let text = stored.unwrap_or_else(|| NOBODY.to_owned());
        let hash = PasswordHash::new(&text).map_err(|_| PasswordError::Hash)?;
        Ok(argon()?.verify_password(password.as_bytes(), &hash).is_ok() && known)
    })
    .await
    .map_err(|_| PasswordError::Hash)?
}

/// A hash of a password that nobody knows, with the parameters of all others.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$YWlybG9ja25vYm9keXM$0000000000000000000000000000000000000000000";

/// A new token: 256 random bits behind [`TOKEN_PREFIX`].
#[must_use]
pub fn new_token() -> String {
    format!(
        "{TOKEN_PREFIX}{}",
        URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
    )
}

/// A random password for the first administrator.
#[must_use]
pub fn new_password() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>())
}

/// What is stored of a token: its SHA-256 (hex). A fast hash is enough, since tokens are random.
#[must_use]
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn hashes_verify_and_unknown_logins_never_do() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(
            verify("correct horse battery".into(), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(
            !verify("correct horse batterz".into(), Some(stored))
                .await
                .unwrap()
        );
        assert!(!verify("correct horse battery".into(), None).await.unwrap());
        assert!(!verify("x".repeat(2_000), None).await.unwrap());
    }

    #[test]
    fn only_so_many_wait_for_their_turn() {
        let hashing = Hashing::new();
        let mut waiting: Vec<_> = (0..MOST_WAITING)
            .map(|_| Box::pin(hashing.turn()))
            .collect();
        let held: Vec<_> = waiting
            .iter_mut()
            .filter_map(|turn| turn.now_or_never())
            .collect();
        assert!(held.len() == 2 && held.iter().all(Result::is_ok));
        let refused = hashing.turn().now_or_never().unwrap();
        assert_eq!(refused.err(), Some(PasswordError::Busy));
        // A client that went away leaves its place.
        waiting.pop();
        assert!(hashing.turn().now_or_never().is_none());
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert_eq!(check_new("short"), Err(PasswordError::Short(5)));
        assert_eq!(check_new("Password1234"), Err(PasswordError::Common));
        assert_eq!(check_new("aaaaaaaaaaaaaaa"), Err(PasswordError::Common));
        assert!(matches!(
            check_new(&"xy".repeat(600)),
            Err(PasswordError::Long(1_200))
        ));
        assert_eq!(check_new("correct horse battery"), Ok(()));
    }

    #[test]
    fn tokens_are_long_random_and_marked() {
        let token = new_token();
        assert!(
            token.starts_with(TOKEN_PREFIX) && token.len() == 48,
            "{token}"
        );
        assert_ne!(token, new_token());
        assert_eq!(
            token_hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
