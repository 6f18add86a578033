//! Passwords and tokens: written in the file, encrypted there, in a file of their own, or a systemd credential.
//!
//! For an option `NAME` that holds a secret there are `NAME_file=PATH` (the first line of a file) and
//! `NAME_credential=ID` (a file in `$CREDENTIALS_DIRECTORY`, see systemd.exec(5), `LoadCredential=`). Of several the
//! credential counts, then the file, then the encrypted form, then the plain one.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;

use super::files::Paths;
use super::reader::Reader;
use crate::backend::Level;
use crate::password::Key;
use crate::secret::Secret;

/// The encrypted form of each secret option.
const ENCRYPTED: [(&str, &str); 4] = [
    ("password", "encrypted_password"),
    ("rhsm_password", "rhsm_encrypted_password"),
    ("rhsm_proxy_password", "rhsm_encrypted_proxy_password"),
    ("sat_password", "sat_encrypted_password"),
];

/// Where secrets that are not plain come from.
#[derive(Debug)]
pub(crate) struct Vault {
    paths: Paths,
    credentials: Option<PathBuf>,
    key: OnceCell<Result<Key, String>>,
    /// That others can read the key is told once.
    told: Cell<bool>,
}

impl Vault {
    pub(crate) fn new(paths: &Paths, credentials: Option<PathBuf>) -> Self {
        Self {
            paths: paths.clone(),
            credentials,
            key: OnceCell::new(),
            told: Cell::new(false),
        }
    }

    fn key(&self) -> Result<&Key, &str> {
        self.key
            .get_or_init(|| Key::read(&self.paths.key()).map_err(|error| error.to_string()))
            .as_ref()
            .map_err(String::as_str)
    }

    /// Takes a secret out of a section.
    pub(crate) fn secret(&self, reader: &mut Reader<'_>, name: &str) -> Option<Secret> {
        let plain = reader
            .take(name)
            .map(|value| Secret::new(value.text.clone()));
        let encrypted = match ENCRYPTED.iter().find(|(of, _)| *of == name) {
            Some((_, encrypted)) => self.encrypted(reader, encrypted),
            None => self.encrypted(reader, &format!("encrypted_{name}")),
        };
        let file = reader.text(&format!("{name}_file")).and_then(|value| {
            let path = self.paths.named(&value.text);
            if let Some(who) = super::files::exposed(&path) {
                reader.tell(
                    Level::Warning,
                    &value.origin,
                    format!(
                        "{name}_file: {} holds a secret and can be read by {who}",
                        path.display()
                    ),
                );
            }
            first_line(&path)
                .map_err(|error| {
                    reader.tell(
                        Level::Error,
                        &value.origin,
                        format!("{name}_file: {}: {error}", path.display()),
                    );
                })
                .ok()
        });
        let credential = reader.text(&format!("{name}_credential")).and_then(|value| {
            let found = match &self.credentials {
                None => Err("there is no $CREDENTIALS_DIRECTORY; name the credential with LoadCredential= in the unit".to_owned()),
                Some(_) if value.text.contains('/') || value.text.starts_with('.') => {
                    Err("the name of a credential has no slash and no dot in front".to_owned())
                }
                Some(folder) => first_line(&folder.join(&value.text)),
            };
            found
                .map_err(|error| {
                    reader.tell(
                        Level::Error,
                        &value.origin,
                        format!("{name}_credential: {}: {error}", value.text),
                    );
                })
                .ok()
        });
        credential.or(file).or(encrypted).or(plain)
    }

    fn encrypted(&self, reader: &mut Reader<'_>, name: &str) -> Option<Secret> {
        let value = reader.take(name)?;
        match self.key() {
            Err(error) => {
                let text = error.to_owned();
                reader.tell(Level::Error, &value.origin, text);
                None
            }
            Ok(key) => {
                if let Some(who) = super::files::exposed(&self.paths.key())
                    && !self.told.replace(true)
                {
                    let text = format!(
                        "{} is the key of encrypted passwords and can be read by {who}",
                        self.paths.key().display()
                    );
                    reader.tell(Level::Warning, &value.origin, text);
                }
                key.decrypt(&value.text)
                    .map_err(|error| {
                        tracing::debug!(option = name, %error, "not decrypted");
                        reader.tell(
                            Level::Warning,
                            &value.origin,
                            format!("Option \"{name}\" cannot be decrypted, possibly corrupted"),
                        );
                    })
                    .ok()
            }
        }
    }
}

/// The first line of a file, without white space at its ends.
fn first_line(path: &std::path::Path) -> Result<Secret, String> {
    let bytes = super::files::bytes(path)?.ok_or("there is no such file")?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err("its first line is empty".to_owned()),
    }
}
