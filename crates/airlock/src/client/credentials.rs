//! Tokens kept by `airlock login`: `~/.config/airlock/credentials.json`, readable by its owner only.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fail::{Fail, Result};

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub struct Credentials {
    /// The server logged in to last.
    #[serde(default)]
    pub last: Option<String>,
    /// Tokens by server.
    #[serde(default)]
    tokens: BTreeMap<String, String>,
}

impl Credentials {
    /// Reads the file; none is as good as an empty one.
    pub fn load(variable: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(path) = path(variable) else {
            return Ok(Self::default());
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Fail::file("cannot read", &path, &error)),
        };
        let mode = std::fs::metadata(&path)
            .map(|found| found.permissions().mode())
            .unwrap_or(0);
        if mode & 0o077 != 0 {
            return Err(Fail::new(format!(
                "{} can be read by others and holds tokens",
                path.display()
            ))
            .hint(format!(
                "chmod 600 {}; and make new tokens if somebody did read it",
                path.display()
            )));
        }
        serde_json::from_str(&text).map_err(|error| {
            Fail::new(format!("{}: {error}", path.display()))
                .hint("remove the file and log in again")
        })
    }

    /// The token for a server.
    #[must_use]
    pub fn token(&self, server: &str) -> Option<String> {
        self.tokens.get(server).cloned()
    }

    /// Keeps a token. Returns where.
    pub fn keep(
        variable: &impl Fn(&str) -> Option<String>,
        server: &str,
        token: &str,
    ) -> Result<PathBuf> {
        let path = path(variable).ok_or_else(|| {
            Fail::new(
                "neither HOME nor XDG_CONFIG_HOME is set: there is no place to keep the token",
            )
        })?;
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        let failed = |error: &std::io::Error| Fail::file("cannot write", &path, error);
        let mut all = Self::load(variable)?;
        all.tokens.insert(server.to_owned(), token.to_owned());
        all.last = Some(server.to_owned());
        let text =
            serde_json::to_string_pretty(&all).map_err(|error| Fail::new(error.to_string()))?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| failed(&error))?;
        // A temporary file is made with 0600.
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes())
            .map_err(|error| failed(&error))?;
        file.persist(&path).map_err(|error| failed(&error.error))?;
        Ok(path)
    }
}

fn path(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let text = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder =
        text("XDG_CONFIG_HOME").or_else(|| text("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("airlock/credentials.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_for_their_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let text = home.path().to_str().unwrap().to_owned();
        let variable = |name: &str| (name == "HOME").then(|| text.clone());
        let path = Credentials::keep(&variable, "http://h:1", "airl_x").unwrap();
        Credentials::keep(&variable, "http://h:2", "airl_y").unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let kept = Credentials::load(&variable).unwrap();
        assert_eq!(kept.token("http://h:1").as_deref(), Some("airl_x"));
        assert_eq!(kept.last.as_deref(), Some("http://h:2"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Credentials::load(&variable).is_err());
    }
}
