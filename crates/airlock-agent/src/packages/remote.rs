//! The network: calls to the Bcfg2 server, and package files from URLs.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use airlock_pkgstate::host::Fetch;
use airlock_pkgstate::run::action::without_password;
use airlock_pkgstate::server::{Transport, TransportError};
use airlock_pkgstate::settings::{Communication, Settings};
use anyhow::Context as _;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Url};
use tokio::runtime::Runtime;

/// The largest answer of a server.
const LARGEST_ANSWER: usize = 64 << 20;

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the network")
}

fn builder() -> ClientBuilder {
    // The first one that is installed stays; a second try is no fault.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().user_agent(concat!("airlock-agent/", env!("CARGO_PKG_VERSION")))
}

fn with_identity(
    mut builder: ClientBuilder,
    communication: &Communication,
) -> anyhow::Result<ClientBuilder> {
    let read = |path: &String| std::fs::read(path).with_context(|| format!("cannot read {path}"));
    builder = match &communication.ca {
        Some(path) => {
            let roots = Certificate::from_pem_bundle(&read(path)?)
                .with_context(|| format!("{path} holds no certificates in PEM form"))?;
            builder.tls_certs_only(roots)
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            let roots = found.certs.iter();
            builder.tls_certs_only(roots.filter_map(|der| Certificate::from_der(der).ok()))
        }
    };
    if let (Some(key), Some(certificate)) = (&communication.key, &communication.certificate) {
        let mut pem = read(key)?;
        pem.push(b'\n');
        pem.extend(read(certificate)?);
        let identity = Identity::from_pem(&pem).with_context(|| {
            format!("{key} and {certificate} are no key and certificate in PEM form")
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// A connection to a Bcfg2 server.
pub struct Connection {
    runtime: Runtime,
    /// The server under each name that its certificate may have.
    clients: Vec<(Client, Url)>,
    user: String,
    password: String,
    delay: Duration,
}

impl Connection {
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let communication = &settings.communication;
        let server = Url::parse(&settings.server)
            .with_context(|| format!("the server {:?} is no URL", settings.server))?;
        let timeout = Duration::from_secs(u64::from(communication.timeout.max(1)));
        let base = || -> anyhow::Result<ClientBuilder> {
            let builder = builder()
                .timeout(timeout)
                .redirect(reqwest::redirect::Policy::none());
            with_identity(builder, communication)
        };
        let mut clients = Vec::new();
        let host = server.host_str().unwrap_or_default().to_owned();
        let names = &communication.server_names;
        if names.is_empty() || names.contains(&host) || server.scheme() != "https" {
            clients.push((base()?.build()?, server));
        } else {
            // The certificate has one of these names: the server is called so, and reached where it is.
            let addresses = addresses(&server)?;
            for name in names {
                let mut url = server.clone();
                url.set_host(Some(name))
                    .with_context(|| format!("serverCommonNames: {name:?} is no name of a host"))?;
                let client = base()?.resolve_to_addrs(name, &addresses).build()?;
                clients.push((client, url));
            }
        }
        Ok(Self {
            runtime: runtime()?,
            clients,
            user: communication.user.clone(),
            password: communication.password.0.clone(),
            delay: Duration::from_secs(u64::from(communication.retry_delay)),
        })
    }
}

fn addresses(server: &Url) -> anyhow::Result<Vec<SocketAddr>> {
    let host = server.host_str().unwrap_or_default();
    let port = server.port_or_known_default().unwrap_or(6789);
    let found = (host, port).to_socket_addrs();
    let found = found.with_context(|| format!("{host} is not known"))?;
    Ok(found.collect())
}

impl Transport for Connection {
    fn post(&mut self, body: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut last = TransportError {
            again: false,
            why: "no name of the server is given".to_owned(),
        };
        for (client, url) in &self.clients {
            let request = client
                .post(url.clone())
                .basic_auth(&self.user, Some(&self.password))
                .header("Content-Type", "text/xml")
                .body(body.to_vec());
            let answer = self.runtime.block_on(async {
                let mut response = request.send().await.map_err(|error| TransportError {
                    again: true,
                    why: causes(&error),
                })?;
                let status = response.status();
                if !status.is_success() {
                    return Err(TransportError {
                        again: status.is_server_error(),
                        why: match status.as_u16() {
                            401 | 403 => format!(
                                "{status}: the server does not accept user and password of [communication]"
                            ),
                            _ => status.to_string(),
                        },
                    });
                }
                let mut answer = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(|error| TransportError {
                    again: true,
                    why: causes(&error),
                })? {
                    if answer.len() + chunk.len() > LARGEST_ANSWER {
                        return Err(TransportError {
                            again: false,
                            why: format!("the answer has more than {LARGEST_ANSWER} bytes"),
                        });
                    }
                    answer.extend_from_slice(&chunk);
                }
                Ok(answer)
            });
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn pause(&mut self) {
        std::thread::sleep(self.delay);
    }
}

/// An error with everything below it: "certificate unknown" stands at the bottom.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}

/// Package files from URLs.
pub struct Files {
    runtime: Runtime,
    client: Client,
}

impl Files {
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let builder = builder()
            .connect_timeout(Duration::from_secs(30))
            .read_timeout(Duration::from_secs(60));
        // A repository beside the Bcfg2 server may stand on its certificates as well as on the machine's.
        let found = rustls_native_certs::load_native_certs();
        let mut roots: Vec<Certificate> = found
            .certs
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok())
            .collect();
        if let Some(path) = &settings.communication.ca
            && let Ok(bytes) = std::fs::read(path)
        {
            roots.extend(Certificate::from_pem_bundle(&bytes).unwrap_or_default());
        }
        Ok(Self {
            runtime: runtime()?,
            client: builder.tls_certs_only(roots).build()?,
        })
    }
}

impl Fetch for Files {
    fn fetch(&mut self, url: &str, to: &Path, limit: u64) -> Result<(), String> {
        let outcome: anyhow::Result<()> = self.runtime.block_on(async {
            let mut response = self.client.get(url).send().await?.error_for_status()?;
            let mut file = File::options().write(true).create_new(true).open(to)?;
            let mut count = 0u64;
            while let Some(chunk) = response.chunk().await? {
                count += chunk.len() as u64;
                anyhow::ensure!(count <= limit, "it has more than {limit} bytes");
                file.write_all(&chunk)?;
            }
            file.sync_all()?;
            Ok(())
        });
        outcome.map_err(|error| format!("{}: {error:#}", without_password(url)))
    }
}
