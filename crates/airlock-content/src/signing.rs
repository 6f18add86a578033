//! The server's own key for repository metadata: made when it is first needed, kept with the data.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use airlock_rpm::SigningKey;
use airlock_rpm::signature::KeyKind;

use crate::{Content, Error, Result};

/// The key's file in the data folder; a backup holds it as well.
pub const METADATA_KEY: &str = "metadata-signing-key.asc";

impl Content {
    fn signing_key_path(&self) -> PathBuf {
        self.settings().data.join(METADATA_KEY)
    }

    /// The server's key; made at the first call.
    pub(crate) async fn signing_key(&self) -> Result<SigningKey> {
        self.blocking("making the signing key", |content| {
            // Two first signatures at once make one key.
            static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
            let _making = MAKING
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let path = content.signing_key_path();
            let shown = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => SigningKey::from_armored(&text)
                    .map_err(|e| Error::damaged(format!("{shown}: {e}"))),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    let created = u64::try_from(content.now().seconds()).unwrap_or(0);
                    let key = SigningKey::generate(
                        KeyKind::Rsa3072,
                        "Airlock repository metadata",
                        created,
                    )
                    .map_err(|e| Error::damaged(format!("making a key: {e}")))?;
                    let text = key
                        .to_armored_secret()
                        .map_err(|e| Error::damaged(format!("writing a key: {e}")))?;
                    let temporary = path.with_extension("new");
                    let mut file = std::fs::OpenOptions::new()
                        .write(true)
                        .create(true)
                        .truncate(true)
                        .mode(0o600)
                        .open(&temporary)
                        .map_err(|e| Error::io(&shown, e))?;
                    file.write_all(text.as_bytes())
                        .and_then(|()| file.sync_all())
                        .map_err(|e| Error::io(&shown, e))?;
                    std::fs::rename(&temporary, &path)
                        .and_then(|()| match path.parent() {
                            Some(folder) => std::fs::File::open(folder)?.sync_all(),
                            None => Ok(()),
                        })
                        .map_err(|e| Error::io(&shown, e))?;
                    Ok(key)
                }
                Err(e) => Err(Error::io(shown, e)),
            }
        })
        .await
    }

    /// Signs metadata with the server's key.
    pub(crate) async fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let key = self.signing_key().await?;
        let bytes = bytes.to_vec();
        self.blocking("signing metadata", move |_| {
            key.sign_detached(&bytes)
                .map(String::into_bytes)
                .map_err(|e| Error::damaged(format!("signing: {e}")))
        })
        .await
    }

    /// The server's public key, armored, for clients to check `repomd.xml.asc` with.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub async fn metadata_public_key(&self) -> Result<String> {
        self.signing_key()
            .await?
            .to_armored_public()
            .map_err(|e| Error::damaged(format!("the signing key: {e}")))
    }
}
