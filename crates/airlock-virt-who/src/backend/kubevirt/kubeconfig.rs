//! The kubeconfig: the current context's server, what is trusted, and who asks.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::yaml;
use crate::backend::{Error, Result};
use crate::http::{basic, read_file};
use crate::secret::Secret;

/// The largest kubeconfig that is read.
const LIMIT: u64 = 4 << 20;

/// How to reach a cluster.
pub struct Access {
    /// Without a slash at its end.
    pub server: String,
    /// `insecure-skip-tls-verify` of the cluster.
    pub insecure: bool,
    /// Authorities in PEM.
    pub ca: Option<Vec<u8>>,
    /// Client certificate and key in PEM.
    pub identity: Option<Vec<u8>>,
    /// Files with secrets that it names.
    pub beside: Vec<PathBuf>,
    user: User,
}

impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Access").field(&self.server).finish()
    }
}

enum User {
    /// Read at every request: such tokens are renewed in place.
    TokenFile(PathBuf),
    Token(Secret),
    Basic(String, Secret),
    /// Nothing but the certificate.
    None,
}

impl Access {
    /// The value of `Authorization`.
    ///
    /// # Errors
    /// The token's file cannot be read.
    pub fn login(&self) -> Result<Option<String>> {
        Ok(match &self.user {
            User::TokenFile(path) => {
                let token = read_file(path)?;
                let token = String::from_utf8_lossy(&token);
                Some(format!("Bearer {}", token.trim()))
            }
            User::Token(token) => Some(format!("Bearer {}", token.reveal())),
            User::Basic(user, password) => Some(basic(user, password.reveal())),
            User::None => None,
        })
    }
}

/// Reads a kubeconfig.
///
/// # Errors
/// It cannot be read, its current context is not whole, or it wants a plugin.
pub fn read(path: &Path) -> Result<Access> {
    let bad = |reason: String| Error::File {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?;
    if size.len() > LIMIT {
        return Err(bad(format!("it is larger than {LIMIT} bytes")));
    }
    let text = String::from_utf8(read_file(path)?).map_err(|_| bad("it is no UTF-8".to_owned()))?;
    let config = yaml::read(&text).map_err(bad)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = word(&config, "current-context")
        .ok_or_else(|| bad("it has no current-context".to_owned()))?;
    let context = named(&config, "contexts", name, "context").map_err(bad)?;
    let cluster = word(context, "cluster")
        .ok_or_else(|| bad(format!("the context {name} names no cluster")))?;
    let cluster = named(&config, "clusters", cluster, "cluster").map_err(bad)?;
    let server =
        word(cluster, "server").ok_or_else(|| bad("the cluster has no server".to_owned()))?;
    let user = match word(context, "user") {
        Some(user) => named(&config, "users", user, "user").map_err(bad)?,
        None => &Value::Null,
    };
    for plugin in ["exec", "auth-provider"] {
        if user.get(plugin).is_some() {
            return Err(Error::Unsupported {
                what: format!(
                    "{}: its user logs in through {plugin}, a program that is not run here",
                    path.display()
                ),
                instead: "Make a service account and put its token into the kubeconfig (token or tokenFile)"
                    .to_owned(),
            });
        }
    }
    let certificate = content(user, "client-certificate", folder, &bad)?;
    let key = content(user, "client-key", folder, &bad)?;
    let identity = match (certificate, key) {
        (Some(mut certificate), Some(key)) => {
            certificate.push(b'\n');
            certificate.extend(key);
            Some(certificate)
        }
        (None, None) => None,
        _ => {
            return Err(bad(
                "client-certificate and client-key belong together".to_owned()
            ));
        }
    };
    let login = if let Some(file) = word(user, "tokenFile") {
        User::TokenFile(folder.join(file))
    } else if let Some(token) = word(user, "token") {
        User::Token(Secret::new(token))
    } else if let (Some(name), Some(password)) = (word(user, "username"), word(user, "password")) {
        User::Basic(name.to_owned(), Secret::new(password))
    } else {
        User::None
    };
    let beside = ["client-key", "tokenFile"]
        .iter()
        .filter_map(|name| word(user, name))
        .map(|file| folder.join(file))
        .collect();
    Ok(Access {
        beside,
        server: server.trim_end_matches('/').to_owned(),
        insecure: word(cluster, "insecure-skip-tls-verify") == Some("true"),
        ca: content(cluster, "certificate-authority", folder, &bad)?,
        identity,
        user: login,
    })
}

fn word<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value
        .get(name)?
        .as_str()
        .filter(|text| !text.is_empty() && *text != "~" && *text != "null")
}

/// The entry of a list that has this name.
fn named<'a>(
    config: &'a Value,
    list: &str,
    name: &str,
    inner: &str,
) -> std::result::Result<&'a Value, String> {
    config
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|entry| word(entry, "name") == Some(name))
        .and_then(|entry| entry.get(inner))
        .ok_or_else(|| format!("{list} has no {name}"))
}

/// What `NAME-data` holds, or the file that `NAME` names.
fn content(
    value: &Value,
    name: &str,
    folder: &Path,
    bad: &impl Fn(String) -> Error,
) -> Result<Option<Vec<u8>>> {
    if let Some(data) = word(value, &format!("{name}-data")) {
        let compact: String = data.split_whitespace().collect();
        return STANDARD
            .decode(compact)
            .map(Some)
            .map_err(|_| bad(format!("{name}-data is no base64")));
    }
    word(value, name)
        .map(|file| read_file(&folder.join(file)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(user: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "current-context: c\ncontexts:\n- name: c\n  context: {{cluster: k, user: u}}\nclusters:\n- name: k\n  \
             cluster:\n    server: https://k:6443/\n    insecure-skip-tls-verify: true\nusers:\n- name: u\n  user:\n{user}"
        );
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_token_file_is_found_beside_the_config_and_read_anew() {
        let (folder, path) = written("    tokenFile: token\n");
        let access = read(&path).unwrap();
        assert_eq!(access.server, "https://k:6443");
        assert!(access.insecure);
        for token in ["one", "two"] {
            std::fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
            assert_eq!(access.login().unwrap(), Some(format!("Bearer {token}")));
        }
    }

    #[test]
    fn a_plugin_is_refused_with_what_to_do() {
        let (_folder, path) = written("    exec:\n      command: aws\n");
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("exec") && error.contains("service account"),
            "{error}"
        );
    }

    #[test]
    fn half_a_certificate_is_refused() {
        let (_folder, path) = written("    client-certificate-data: eA==\n");
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("belong together")
        );
    }
}
