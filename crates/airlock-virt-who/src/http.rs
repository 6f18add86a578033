//! One HTTP client a source: verified TLS, its own authorities and proxy, time-outs, limits, no redirects.
//!
//! Redirects are not followed: a hypervisor that sends its agent elsewhere would get the password sent there.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use airlock_fetch::{Identity, TrustedServer};
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, NoProxy, Response, StatusCode};

use crate::backend::{Error, Result};
use crate::settings::{Proxy, Settings};

/// The largest answer that is read into memory.
pub const LIMIT: usize = 256 << 20;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(20);

/// A client for one source. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    /// For messages: scheme, host and port.
    server: String,
    timeout: Duration,
    /// As in [`Settings::prefix`].
    prefix: &'static str,
}

/// An answer that was read whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The values of a header.
    pub fn values(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        self.headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
    }
}

/// A request that can be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Headers beside those of the transport.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What is asked, for messages.
    pub doing: String,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>, doing: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            doing: doing.into(),
        }
    }

    /// With a header; a value that is none (control characters) is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With a header that is not shown.
    #[must_use]
    pub fn secret_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// What is trusted beside the settings of a source: a certificate of its own (kubeconfig has them inline).
#[derive(Default)]
pub struct Trust {
    /// Authorities in PEM, instead of the machine's.
    pub ca: Option<Vec<u8>>,
    /// Certificate and key in PEM, shown to the server.
    pub identity: Option<Vec<u8>>,
}

impl Http {
    /// A client for the server at `url`, as the settings say.
    ///
    /// # Errors
    /// A CA file that cannot be read, or a proxy that is no address.
    pub fn new(settings: &Settings, url: &str) -> Result<Self> {
        Self::with(settings, url, &Trust::default())
    }

    /// A client with trust of its own.
    ///
    /// # Errors
    /// Files that cannot be read, a proxy that is no address.
    pub fn with(settings: &Settings, url: &str, trust: &Trust) -> Result<Self> {
        // An error only means that there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = match (&settings.ca, &trust.ca) {
            (Some(path), _) => Some((read_file(path)?, path.display().to_string())),
            (None, Some(pem)) => Some((pem.clone(), "the kubeconfig's authority".to_owned())),
            (None, None) => None,
        };
        let setting = |name: &str, reason: String| Error::Setting {
            option: format!("{}{name}", settings.prefix),
            reason,
        };
        let setup = |error: reqwest::Error| Error::Setting {
            option: "server".to_owned(),
            reason: reason(&error),
        };
        let mut builder = Client::builder()
            .user_agent(concat!("airlock-virt-who/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT.min(settings.timeout))
            // NTLM belongs to one connection, and no backend asks twice at once.
            .pool_max_idle_per_host(1)
            .http1_only()
            .no_proxy();
        let own = Path::new("the client certificate");
        builder = match ca {
            Some((pem, shown)) => {
                let trusted = TrustedServer::from_pem(Path::new(&shown), &pem)
                    .map_err(|error| setting("ca", error.to_string()))?;
                if settings.insecure {
                    careless(builder, trust)?
                } else {
                    let identity = trust.identity.as_ref().map(|pem| Identity {
                        certificate: (own, pem.as_slice()),
                        key: (own, pem.as_slice()),
                    });
                    let tls = trusted
                        .client_config(identity)
                        .map_err(|error| setting("client certificate", error.to_string()))?;
                    builder.tls_backend_preconfigured(tls)
                }
            }
            None if settings.insecure => careless(builder, trust)?,
            None => identified(builder, trust)?.tls_certs_only(machine_roots()),
        };
        for proxy in proxies(&settings.proxy)? {
            builder = builder.proxy(proxy);
        }
        Ok(Self {
            client: builder.build().map_err(setup)?,
            server: shown(url),
            timeout: settings.timeout,
            prefix: settings.prefix,
        })
    }

    /// The server, for messages.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The same client with another time-out.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// Sends a request and reads the answer whole, up to [`LIMIT`] bytes.
    ///
    /// # Errors
    /// No connection, TLS, time-out, a body that ends early or is too long. Every status is an answer.
    pub async fn send(&self, request: Request) -> Result<Answer> {
        let doing = request.doing.clone();
        let begun = std::time::Instant::now();
        let work = async {
            let response = self.start(request, None).await?;
            let status = response.status();
            let headers = response.headers().clone();
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| self.error(&error, &doing))?;
                if body.len() + chunk.len() > LIMIT {
                    return Err(Error::TooMuch {
                        server: self.server.clone(),
                        doing: doing.clone(),
                        limit: LIMIT,
                        what: "bytes",
                    });
                }
                body.extend_from_slice(&chunk);
            }
            tracing::debug!(
                "{}: {doing}: HTTP status {}, {} bytes after {} ms",
                self.server,
                status.as_u16(),
                body.len(),
                begun.elapsed().as_millis()
            );
            Ok(Answer {
                status,
                headers,
                body: body.into(),
            })
        };
        match tokio::time::timeout(self.timeout, work).await {
            Ok(answer) => answer,
            Err(_) => Err(self.timed_out(&doing, self.timeout)),
        }
    }

    /// Sends a request and gives the answer with its body still to come; each part of the body has to come within
    /// `longer` (or the source's time-out).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn start(&self, request: Request, longer: Option<Duration>) -> Result<Response> {
        let timeout = longer.unwrap_or(self.timeout);
        let doing = request.doing;
        let built = self
            .client
            .request(request.method, &request.url)
            .headers(request.headers)
            .body(request.body);
        match tokio::time::timeout(timeout, built.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.error(&error, &doing)),
            Err(_) => Err(self.timed_out(&doing, timeout)),
        }
    }

    /// The error of an answer that did not come in time.
    #[must_use]
    pub fn timed_out(&self, doing: &str, after: Duration) -> Error {
        Error::TimedOut {
            server: self.server.clone(),
            doing: doing.to_owned(),
            after,
        }
    }

    /// The error for a transport's failure.
    #[must_use]
    pub fn error(&self, error: &reqwest::Error, doing: &str) -> Error {
        let server = self.server.clone();
        if let Some(tls) = find::<rustls::Error>(error) {
            return Error::Tls {
                server,
                reason: tls.to_string(),
                prefix: self.prefix,
            };
        }
        if error.is_timeout() {
            return self.timed_out(doing, self.timeout);
        }
        if error.is_connect() {
            return Error::Unreachable {
                server,
                reason: reason(error),
            };
        }
        if error.is_builder() {
            return Error::Setting {
                option: "server".to_owned(),
                reason: reason(error),
            };
        }
        Error::Partial {
            server,
            doing: doing.to_owned(),
            reason: reason(error),
        }
    }

    /// The error of a status that means failure.
    #[must_use]
    pub fn status(&self, doing: &str, status: StatusCode) -> Error {
        Error::Status {
            server: self.server.clone(),
            doing: doing.to_owned(),
            status: status.as_u16(),
        }
    }

    /// The error of an answer that nobody can read.
    #[must_use]
    pub fn protocol(&self, doing: &str, reason: impl Into<String>) -> Error {
        Error::Protocol {
            server: self.server.clone(),
            doing: doing.to_owned(),
            reason: reason.into(),
        }
    }

    /// The error of an account that was refused.
    #[must_use]
    pub fn refused(&self, reason: impl Into<String>) -> Error {
        Error::Refused {
            server: self.server.clone(),
            // The message goes on behind it.
            reason: reason.into().trim_end_matches('.').to_owned(),
        }
    }
}

/// `Basic` credentials, in UTF-8.
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {text}")
}

/// Scheme, host and port of an address; no account, no query.
fn shown(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) => {
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            format!(
                "{}://{}{port}",
                url.scheme(),
                url.host_str().unwrap_or_default()
            )
        }
        Err(_) => "the server".to_owned(),
    }
}

/// A file, with an error that names it.
///
/// # Errors
/// It cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Takes any certificate.
fn careless(builder: ClientBuilder, trust: &Trust) -> Result<ClientBuilder> {
    Ok(identified(builder, trust)?
        .tls_certs_only(Vec::new())
        .tls_danger_accept_invalid_certs(true))
}

/// Shows the certificate of its own, if there is one.
fn identified(builder: ClientBuilder, trust: &Trust) -> Result<ClientBuilder> {
    let Some(pem) = &trust.identity else {
        return Ok(builder);
    };
    let identity = reqwest::Identity::from_pem(pem).map_err(|_| Error::Setting {
        option: "client certificate".to_owned(),
        reason: "it holds no certificate and key in PEM form".to_owned(),
    })?;
    Ok(builder.identity(identity))
}

fn machine_roots() -> Vec<reqwest::Certificate> {
    rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .filter_map(|der| reqwest::Certificate::from_der(der).ok())
        .collect()
}

fn proxies(proxy: &Proxy) -> Result<Vec<reqwest::Proxy>> {
    let bad = |_: reqwest::Error| Error::Setting {
        option: "proxy".to_owned(),
        reason: "it is no address of a proxy".to_owned(),
    };
    match proxy {
        Proxy::None => Ok(Vec::new()),
        Proxy::Url(url) => Ok(vec![reqwest::Proxy::all(url.reveal()).map_err(bad)?]),
        Proxy::Environment {
            http,
            https,
            except,
        } => {
            let except = except.as_deref().and_then(NoProxy::from_string);
            let mut found = Vec::new();
            if let Some(url) = http {
                found.push(reqwest::Proxy::http(url.reveal()).map_err(bad)?);
            }
            if let Some(url) = https {
                found.push(reqwest::Proxy::https(url.reveal()).map_err(bad)?);
            }
            Ok(found
                .into_iter()
                .map(|proxy| proxy.no_proxy(except.clone()))
                .collect())
        }
    }
}

/// The innermost cause, which says the most, without the address (it may hold a token).
fn reason(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    if error.source().is_none() {
        return "the request cannot be made".to_owned();
    }
    last.to_string()
}

fn find<Wanted: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&Wanted> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<Wanted>() {
            return Some(found);
        }
        // An io::Error does not show what it wraps as its source.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        at = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}
