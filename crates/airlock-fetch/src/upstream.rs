//! Where downloads come from, and how to log in there.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use url::Url;

use crate::error::{Error, Result};
use crate::shown::ShownUrl;

/// A place that serves a repository: addresses, credentials, trust.
///
/// `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Upstream {
    /// The addresses as set by an administrator, best first: `http:`, `https:` or `file:`. User and
    /// password in a URL are used like [`Upstream::basic_auth`], its query like [`Upstream::token`].
    /// Only these get passwords, client certificates and extra headers.
    pub bases: Vec<Url>,
    /// More addresses of the same content, from a mirror list or metalink. They get the token but no
    /// other credentials, never `file:`, and no address inside a private network that no base is in.
    pub mirrors: Vec<Url>,
    /// The list that names the mirrors, when there is no base: no file is asked from it, but it is what the administrator
    /// named, so credentials and the reach into private networks are those of its host.
    pub list: Option<Url>,
    /// `http:`, `https:`, `socks5:` or `socks5h:`, with user and password where the proxy wants them.
    pub proxy: Option<Url>,
    /// Shown to the bases (not to other hosts).
    pub client_certificate: Option<ClientCertificate>,
    /// User and password for the bases.
    pub basic_auth: Option<BasicAuth>,
    /// A query string (without `?`) that is put to every URL of bases and mirrors.
    pub token: Option<String>,
    /// Extra headers for the bases: name and value.
    pub headers: Vec<(String, String)>,
    /// The authorities trusted for this upstream, instead of the machine's.
    pub ca: Option<PemSource>,
    /// Takes any server certificate. Files are still checked by their checksums, but those come from
    /// metadata that anybody on the way could have changed.
    pub insecure: bool,
}

/// User and password.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A certificate and its key; read again at each start of a session, so that renewed ones are taken up.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, with its chain; other PEM parts (entitlement data) are skipped.
    pub certificate: PemSource,
    /// The private key; may be the same file.
    pub key: PemSource,
}

/// PEM data in a file, or as text.
#[derive(Clone, PartialEq, Eq)]
pub enum PemSource {
    /// A file, read at each start of a session.
    File(PathBuf),
    /// The text itself.
    Text(String),
}

impl PemSource {
    /// The bytes now.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(path) => read_pem(path),
            Self::Text(text) => Ok(text.clone().into_bytes()),
        }
    }

    /// A path for messages.
    pub(crate) fn shown(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Text(_) => Path::new("(certificate in the settings)"),
        }
    }
}

/// Largest PEM file read; a bundle of all public authorities has a quarter of it.
const PEM_LIMIT: u64 = 1 << 20;

/// A path comes from a channel's settings: a pipe must not hold us up, a device or a huge file not fill the memory.
fn read_pem(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::io(path, "cannot read the certificate file", 0, source);
    let refused = |reason| Error::Certificate {
        path: path.to_owned(),
        reason,
    };
    // Without NONBLOCK a pipe would hold us until somebody writes to it.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| failed(errno.into()))?;
    let state = file.metadata().map_err(failed)?;
    if !state.is_file() {
        return Err(refused("is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(PEM_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > PEM_LIMIT {
        return Err(refused("is larger than 1 MiB"));
    }
    Ok(bytes)
}

impl fmt::Debug for PemSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.shown(), out)
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BasicAuth")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |urls: &[Url]| urls.iter().map(ShownUrl::new).collect::<Vec<_>>();
        out.debug_struct("Upstream")
            .field("bases", &shown(&self.bases))
            .field("mirrors", &shown(&self.mirrors))
            .field("proxy", &self.proxy.as_ref().map(ShownUrl::new))
            .field("client_certificate", &self.client_certificate)
            .field("basic_auth", &self.basic_auth)
            .field("token", &self.token.is_some())
            .field(
                "headers",
                &self
                    .headers
                    .iter()
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .field("ca", &self.ca)
            .field("insecure", &self.insecure)
            .finish()
    }
}

impl Upstream {
    /// An upstream with one address and nothing else.
    #[must_use]
    pub fn new(base: Url) -> Self {
        Self {
            bases: vec![base],
            ..Self::default()
        }
    }
}

/// One address that files are asked from.
#[derive(Clone)]
pub(crate) enum Mirror {
    /// Over the network.
    Http {
        /// Ends with `/`; no user, no query.
        base: Url,
        /// The query to send.
        token: Option<String>,
    },
    /// A local folder.
    Local {
        /// The folder.
        root: PathBuf,
    },
}

/// Whose URL an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Set by an administrator.
    Base,
    /// From a mirror list.
    Mirror,
}

impl Mirror {
    /// Takes an address apart; the user and password in it come back beside it.
    pub(crate) fn new(
        url: &Url,
        token: Option<&str>,
        given: Given,
    ) -> Result<(Self, Option<BasicAuth>)> {
        let bad = |reason| Error::BadUpstream {
            url: ShownUrl::new(url),
            reason,
        };
        match url.scheme() {
            "http" | "https" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(bad("has no host"));
                }
                let auth = (!url.username().is_empty()).then(|| BasicAuth {
                    user: percent_decoded(url.username()),
                    password: percent_decoded(url.password().unwrap_or_default()),
                });
                let token = token
                    .or(url.query())
                    .map(|text| text.trim_start_matches('?').to_owned());
                let mut base = url.clone();
                base.set_query(None);
                base.set_fragment(None);
                let _ = base.set_username("");
                let _ = base.set_password(None);
                if !base.path().ends_with('/') {
                    base.set_path(&format!("{}/", base.path()));
                }
                Ok((Self::Http { base, token }, auth))
            }
            "file" if given == Given::Base => {
                let root = url
                    .to_file_path()
                    .map_err(|()| bad("a file URL needs an absolute path: file:///srv/repo"))?;
                Ok((Self::Local { root }, None))
            }
            "file" => Err(bad("a mirror list must not name local files")),
            _ => Err(bad("only http, https and file are possible")),
        }
    }
}

/// `%41` → `A`; what is not UTF-8 after that stays visible as the replacement character.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let value = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match value {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url = Url::parse("https://an%40na:p%3Aw@example.org/repo?tok=1#f").unwrap();
        let (mirror, auth) = Mirror::new(&url, None, Given::Base).unwrap();
        let Mirror::Http { base, token } = mirror else {
            panic!("not HTTP")
        };
        assert_eq!(base.as_str(), "https://example.org/repo/");
        assert_eq!(token.as_deref(), Some("tok=1"));
        let auth = auth.unwrap();
        assert_eq!(
            (auth.user.as_str(), auth.password.as_str()),
            ("an@na", "p:w")
        );
        assert!(!format!("{auth:?}").contains("p:w"));
    }

    #[test]
    fn odd_addresses_are_refused() {
        for (text, given) in [
            ("ftp://example.org/", Given::Base),
            ("file:///srv/repo", Given::Mirror),
            ("data:text/plain,x", Given::Base),
        ] {
            assert!(
                Mirror::new(&Url::parse(text).unwrap(), None, given).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut upstream =
            Upstream::new(Url::parse("https://u:secret1@example.org/?secret2").unwrap());
        upstream.token = Some("secret3".into());
        upstream.headers = vec![("X-Key".into(), "secret4".into())];
        upstream.proxy = Some(Url::parse("http://p:secret5@proxy:3128").unwrap());
        upstream.basic_auth = Some(BasicAuth {
            user: "u".into(),
            password: "secret6".into(),
        });
        upstream.ca = Some(PemSource::Text("secret7".into()));
        let text = format!("{upstream:?}");
        assert!(!text.contains("secret"), "{text}");
    }
}
