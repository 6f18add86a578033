//! The network: calls to the Bcfg2 server, and package files from URLs.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use airlock_fetch::{Identity, TrustedServer, speaks_only_old_tls};
use airlock_pkgstate::host::Fetch;
use airlock_pkgstate::run::action::without_password;
use airlock_pkgstate::server::{Transport, TransportError};
use airlock_pkgstate::settings::{Communication, Settings};
use anyhow::Context as _;
use reqwest::{Client, ClientBuilder, Url};
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

/// How the server is known, and how this machine shows itself.
fn tls(communication: &Communication) -> anyhow::Result<rustls::ClientConfig> {
    let read = |path: &String| std::fs::read(path).with_context(|| format!("cannot read {path}"));
    let trusted = match &communication.ca {
        Some(path) => TrustedServer::from_file(Path::new(path))?,
        None => TrustedServer::of_machine(),
    };
    let trusted = trusted.names(communication.server_names.clone());
    let (Some(key), Some(certificate)) = (&communication.key, &communication.certificate) else {
        return Ok(trusted.client_config(None)?);
    };
    let (key_pem, certificate_pem) = (read(key)?, read(certificate)?);
    Ok(trusted.client_config(Some(Identity {
        certificate: (Path::new(certificate), &certificate_pem),
        key: (Path::new(key), &key_pem),
    }))?)
}

/// A connection to a Bcfg2 server.
pub struct Connection {
    runtime: Runtime,
    client: Client,
    server: Url,
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
        let client = builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls(communication)?)
            .build()?;
        Ok(Self {
            runtime: runtime()?,
            client,
            server,
            user: communication.user.clone(),
            password: communication.password.0.clone(),
            delay: Duration::from_secs(u64::from(communication.retry_delay)),
        })
    }
}

impl Transport for Connection {
    fn post(&mut self, body: &[u8]) -> Result<Vec<u8>, TransportError> {
        let request = self
            .client
            .post(self.server.clone())
            .basic_auth(&self.user, Some(&self.password))
            .header("Content-Type", "text/xml")
            .body(body.to_vec());
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| unanswered(&error))?;
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
            while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
                if answer.len() + chunk.len() > LARGEST_ANSWER {
                    return Err(TransportError {
                        again: false,
                        why: format!("the answer has more than {LARGEST_ANSWER} bytes"),
                    });
                }
                answer.extend_from_slice(&chunk);
            }
            Ok(answer)
        })
    }

    fn pause(&mut self) {
        std::thread::sleep(self.delay);
    }
}

/// A connection that did not come about, or broke.
fn unanswered(error: &reqwest::Error) -> TransportError {
    let old = speaks_only_old_tls(error);
    TransportError {
        again: !old,
        why: match old {
            true => "the server speaks no TLS newer than 1.1, which is not spoken here; let it speak TLS 1.2 (Python 2.7.9 or newer, and OpenSSL 1.0.1), or put a proxy that does before it".to_owned(),
            false => causes(error),
        },
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
        let trusted = settings
            .communication
            .ca
            .as_deref()
            .and_then(|path| TrustedServer::from_file(Path::new(path)).ok())
            .map_or_else(TrustedServer::of_machine, TrustedServer::and_machine);
        let tls = trusted.client_config(None)?;
        Ok(Self {
            runtime: runtime()?,
            client: builder.tls_backend_preconfigured(tls).build()?,
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
