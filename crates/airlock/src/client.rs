//! The client of the REST API: over the local socket, TCP or TLS. One connection a request.

mod credentials;
mod find;
mod link;

use std::path::PathBuf;

use airlock_server::Problem;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::credentials::Credentials;
pub use self::find::find;
use self::link::Trust;
use crate::fail::{Fail, Result};

/// A request's body.
pub type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By the local socket in this data folder.
    Socket(PathBuf),
    /// By network.
    Network(Url),
}

/// The parts of a server's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether it is https.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path in front of `/api`, without a slash at the end.
    pub path: String,
}

impl Url {
    /// Reads `http(s)://HOST[:PORT][/PATH]`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Fail::usage(format!("\"{text}\" is no URL of a server"))
                .hint("for example https://airlock.example.org or http://127.0.0.1:8080")
        };
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(wrong()),
        };
        let (authority, path) = rest
            .split_once('/')
            .map_or((rest, ""), |(authority, path)| (authority, path));
        if authority.contains('@') {
            return Err(
                Fail::usage("credentials do not belong into the server's URL")
                    .hint("airlock login, or AIRLOCK_TOKEN"),
            );
        }
        let default = if tls { 443 } else { 80 };
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => {
                let (host, port) = inner.split_once(']').ok_or_else(wrong)?;
                (host, port.strip_prefix(':'))
            }
            None => authority
                .split_once(':')
                .map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let port = port
            .map_or(Some(default), |port| port.parse().ok())
            .ok_or_else(wrong)?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(good) {
            return Err(wrong());
        }
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            path,
        })
    }

    /// Host and port as in the `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}://{}{}",
            if self.tls { "https" } else { "http" },
            self.authority(),
            self.path
        )
    }
}

/// A way to one server.
#[derive(Clone)]
pub struct Client {
    target: Target,
    token: Option<String>,
    ca: Option<PathBuf>,
}

/// An answer, read whole.
pub struct Answer {
    status: StatusCode,
    bytes: Bytes,
}

impl Client {
    /// A client of that server.
    #[must_use]
    pub const fn new(target: Target, token: Option<String>, ca: Option<PathBuf>) -> Self {
        Self { target, token, ca }
    }

    /// Whether the server is reached by its local socket.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self.target, Target::Socket(_))
    }

    /// The server's URL, when it is reached by network.
    #[must_use]
    pub const fn network(&self) -> Option<&Url> {
        match &self.target {
            Target::Socket(_) => None,
            Target::Network(url) => Some(url),
        }
    }

    /// The same way with another token.
    #[must_use]
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// GET, read as `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path, None, empty()).await?.json()
    }

    /// A request with a JSON body, its answer read as `T`.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            Fail::new(format!("the request cannot be written as JSON: {error}"))
        })?;
        self.call(method, path, Some("application/json"), full(bytes))
            .await?
            .json()
    }

    /// A request without a body, its answer read as `T`.
    pub async fn bare<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T> {
        self.call(method, path, None, empty()).await?.json()
    }

    /// GET, as it comes.
    pub async fn fetch(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None, empty()).await
    }

    /// A request with a body that is JSON already, its answer read as `T`.
    pub async fn send_bytes<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T> {
        self.call(method, path, Some("application/json"), full(body))
            .await?
            .json()
    }

    /// A request with any body.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: RequestBody,
    ) -> Result<Answer> {
        let prefix = match &self.target {
            Target::Socket(_) => "",
            Target::Network(url) => &url.path,
        };
        let host = match &self.target {
            Target::Socket(_) => "localhost".to_owned(),
            Target::Network(url) => url.authority(),
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{prefix}{path}"))
            .header(header::HOST, host)
            .header(
                header::USER_AGENT,
                concat!("airlock/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|error| Fail::usage(format!("the request cannot be made: {error}")))?;
        let response =
            link::exchange(&self.target, Trust::Server(self.ca.as_deref()), request).await?;
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| Fail::new(format!("the server's answer broke off: {error}")).lost())?
            .to_bytes();
        let answer = Answer { status, bytes };
        if status.is_success() {
            Ok(answer)
        } else {
            Err(answer.fail(&self.target))
        }
    }
}

impl Answer {
    /// The answer as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The answer's document.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let bytes: &[u8] = if self.bytes.is_empty() {
            b"null"
        } else {
            &self.bytes
        };
        serde_json::from_slice(bytes).map_err(|error| {
            Fail::new(format!("the server's answer is not understood: {error}"))
                .hint("server and command are perhaps of different releases: airlock --version")
        })
    }

    fn fail(&self, target: &Target) -> Fail {
        let Ok(problem) = serde_json::from_slice::<Problem>(&self.bytes) else {
            let fail = Fail::new(format!("the server answered {}", self.status));
            // A proxy in front of a server that is being started again.
            return if self.status.is_server_error() {
                fail.lost()
            } else {
                fail
            };
        };
        let mut fail = Fail::from(problem);
        if self.status == StatusCode::UNAUTHORIZED && fail.hint.is_none() {
            fail.hint = Some(match target {
                Target::Socket(_) => "run it as root or as the server's own user".to_owned(),
                Target::Network(url) => format!("airlock login --server {url}"),
            });
        }
        fail
    }
}

fn empty() -> RequestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(bytes: Vec<u8>) -> RequestBody {
    Full::new(Bytes::from(bytes))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Writes a text so that it is one segment or one value of a URL.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b':') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

pub use self::link::download;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            (
                "https://airlock.example.org/",
                "https://airlock.example.org:443",
            ),
            ("https://h/airlock/", "https://h:443/airlock"),
            ("http://[::1]:90", "http://[::1]:90"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "h:80",
            "ftp://h",
            "http://",
            "http://h:x",
            "https://user:pw@h",
            "http://h h",
            "http://[::1",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_encoded() {
        assert_eq!(encoded("el9-base@7"), "el9-base@7");
        assert_eq!(encoded("a b/ü&*"), "a%20b%2F%C3%BC%26%2A");
    }
}
