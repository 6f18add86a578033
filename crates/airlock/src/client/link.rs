//! The connection under a request.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{RequestBody, Target, Url, empty};
use crate::fail::{Fail, Result};

const CONNECT: Duration = Duration::from_secs(30);

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Those of the machine's authorities, or of this one alone.
    Server(Option<&'a Path>),
    /// Those of the machine's authorities, and of this one.
    Anybody(Option<&'a Path>),
}

/// Sends a request over a new connection.
pub async fn exchange(
    target: &Target,
    trust: Trust<'_>,
    request: Request<RequestBody>,
) -> Result<Response<Incoming>> {
    match target {
        Target::Socket(data) => {
            let stream = local(data)?;
            over(stream, request).await
        }
        Target::Network(url) => {
            let stream = tcp(url).await?;
            if !url.tls {
                return over(stream, request).await;
            }
            let name = ServerName::try_from(url.host.clone()).map_err(|_| {
                Fail::usage(format!(
                    "\"{}\" cannot be the name of a TLS server",
                    url.host
                ))
            })?;
            let connector = tokio_rustls::TlsConnector::from(Arc::new(tls(trust)?));
            let stream = tokio::time::timeout(CONNECT, connector.connect(name, stream))
                .await
                .map_err(|_| Fail::new(format!("{url} does not finish the TLS handshake")))?
                .map_err(|error| {
                    Fail::new(format!("no trusted connection to {url}: {error}"))
                        .hint("if its certificate is signed by an own CA: --server-ca FILE (or AIRLOCK_CA)")
                })?;
            over(stream, request).await
        }
    }
}

fn local(data: &Path) -> Result<UnixStream> {
    let stream = airlock_server::local_socket::connect(data).map_err(|error| {
        let shown = data.display();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Fail::new(format!("no airlock server runs over {shown}"))
                .lost()
                .hint(format!("start one: airlock serve --data {shown}   (or name another with --data or --server)")),
            ErrorKind::PermissionDenied => Fail::new(format!("the server over {shown} belongs to another user"))
                .hint("run the command as that user or as root, or log in over the network: airlock login --server URL"),
            _ => Fail::new(format!("cannot reach the server over {shown}: {error}")),
        }
    })?;
    UnixStream::from_std(stream)
        .map_err(|error| Fail::new(format!("the local socket cannot be used: {error}")))
}

async fn tcp(url: &Url) -> Result<TcpStream> {
    let unreachable = |why: String| {
        Fail::new(format!("cannot reach {url}: {why}"))
            .lost()
            .hint("is the server running there? Its /healthz answers without a token")
    };
    tokio::time::timeout(CONNECT, TcpStream::connect((url.host.as_str(), url.port)))
        .await
        .map_err(|_| unreachable("it does not answer".to_owned()))?
        .map_err(|error| unreachable(error.to_string()))
}

fn tls(trust: Trust<'_>) -> Result<ClientConfig> {
    let roots = roots(trust, || rustls_native_certs::load_native_certs().certs)?;
    let config = ClientConfig::builder_with_provider(airlock_server::tls_provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Fail::new(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn roots(
    trust: Trust<'_>,
    machine: impl FnOnce() -> Vec<CertificateDer<'static>>,
) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (Trust::Server(ca) | Trust::Anybody(ca)) = trust;
    if let Some(path) = ca {
        let wrong = |why: String| {
            Fail::usage(format!(
                "the CA file {} cannot be used: {why}",
                path.display()
            ))
        };
        let list = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        for certificate in list {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| wrong(error.to_string()))?;
        }
    }
    if ca.is_none() || matches!(trust, Trust::Anybody(_)) {
        roots.add_parsable_certificates(machine());
    }
    Ok(roots)
}

async fn over<T>(stream: T, request: Request<RequestBody>) -> Result<Response<Incoming>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        Fail::new(format!("the connection to the server broke off: {error}"))
            .lost()
            .hint("what was asked for may have been done; airlock task list shows it")
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the connection; its errors reach the request.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

/// Downloads a small public file over http(s), following a few redirects: a key. It lies anywhere, so the machine's
/// authorities count beside the server's own; it says whom to trust, so https never becomes http.
pub async fn download(url: &str, ca: Option<&PathBuf>, limit: usize) -> Result<Vec<u8>> {
    let mut url = url.to_owned();
    for _ in 0..5 {
        let (place, path) = split(&url)?;
        let request = Request::get(&path)
            .header(header::HOST, place.authority())
            .header(
                header::USER_AGENT,
                concat!("airlock/", env!("CARGO_PKG_VERSION")),
            )
            .body(empty())
            .map_err(|error| Fail::usage(format!("{url}: {error}")))?;
        let response = exchange(
            &Target::Network(place),
            Trust::Anybody(ca.map(PathBuf::as_path)),
            request,
        )
        .await?;
        let status = response.status();
        if status.is_redirection()
            && let Some(next) = response
                .headers()
                .get(header::LOCATION)
                .and_then(|next| next.to_str().ok())
        {
            url = redirected(&url, next)?;
            continue;
        }
        if status != StatusCode::OK {
            return Err(Fail::new(format!("{url} answered {status}")));
        }
        let body = http_body_util::Limited::new(response.into_body(), limit);
        let bytes = body
            .collect()
            .await
            .map_err(|error| Fail::new(format!("{url}: {error}")))?
            .to_bytes();
        return Ok(bytes.to_vec());
    }
    Err(Fail::new(format!("{url} redirects too often")))
}

/// Where a redirect leads.
fn redirected(url: &str, next: &str) -> Result<String> {
    let secure = url.starts_with("https://");
    let to = if let Some(place) = next.strip_prefix("//") {
        format!("{}://{place}", if secure { "https" } else { "http" })
    } else if next.starts_with('/') {
        format!("{}{next}", origin(url))
    } else {
        next.to_owned()
    };
    if secure && !to.starts_with("https://") {
        return Err(Fail::new(format!(
            "{url} redirects to {to}, which anybody on the way can change"
        ))
        .hint("download the key, look at its fingerprint, and give the file"));
    }
    Ok(to)
}

/// The server of a URL, and the path on it.
fn split(url: &str) -> Result<(Url, String)> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path_at = url[start..].find('/').map_or(url.len(), |at| start + at);
    let place = Url::parse(&url[..path_at])?;
    let path = &url[path_at..];
    Ok((
        place,
        if path.is_empty() {
            "/".to_owned()
        } else {
            path.to_owned()
        },
    ))
}

fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    url[start..].find('/').map_or(url, |at| &url[..start + at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_authority_says_nothing_of_a_key_elsewhere() {
        let authority = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.self_signed(&key).unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority().pem()).unwrap();
        let machine = vec![authority().der().clone(), authority().der().clone()];
        for (trust, count) in [
            (Trust::Server(None), 2),
            (Trust::Server(Some(file.as_path())), 1),
            (Trust::Anybody(None), 2),
            (Trust::Anybody(Some(&file)), 3),
        ] {
            let roots = roots(trust, || machine.clone()).unwrap();
            assert_eq!(roots.len(), count, "{trust:?}");
        }
    }

    #[test]
    fn a_key_from_https_comes_from_https_to_the_end() {
        for (from, next, to) in [
            ("https://h/a", "/b", Some("https://h/b")),
            ("https://h/a", "https://other/b", Some("https://other/b")),
            ("https://h/a", "//other/b", Some("https://other/b")),
            ("http://h/a", "//other/b", Some("http://other/b")),
            ("http://h/a", "https://h/a", Some("https://h/a")),
            ("http://h/a", "http://h/b", Some("http://h/b")),
            ("https://h/a", "http://h/a", None),
            ("https://h/a", "HTTP://h/a", None),
        ] {
            assert_eq!(redirected(from, next).ok().as_deref(), to, "{from} {next}");
        }
    }
}
