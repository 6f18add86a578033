//! Settings of the server: `airlock.toml`, then `AIRLOCK_*` variables, then flags; a later one wins.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;

/// Where data lies when nothing says otherwise.
pub const DEFAULT_DATA: &str = "/var/lib/airlock";
/// Where the server listens when nothing says otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Tasks at the same time, at most.
const MOST_WORKERS: u16 = 64;

/// Settings from one place; absent ones are decided by an earlier place. This is also the shape of `airlock.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Layer {
    /// The folder that holds everything.
    pub data: Option<PathBuf>,
    /// `ADDRESS:PORT` to listen on; port 0 takes a free one (it is written to `DATA/address`).
    pub listen: Option<String>,
    /// `postgres://…`; none for the embedded SQLite under the data folder.
    pub database_url: Option<String>,
    /// PEM file of the certificate chain; with `tls-key` the server speaks TLS.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key: Option<PathBuf>,
    /// PEM file of the CA that signed the certificate; served at `/ca.pem` for clients to fetch.
    pub tls_ca: Option<PathBuf>,
    /// Where clients keep that CA; written into `.repo` files as `sslcacert`.
    pub client_ca_path: Option<String>,
    /// Folders below which `file://` upstreams may be named over the network.
    pub file_upstream_roots: Option<Vec<PathBuf>>,
    /// Folders below which PEM files of upstreams may be named over the network.
    pub upstream_pem_roots: Option<Vec<PathBuf>>,
    /// Percent of the file system that always stays free.
    pub min_free: Option<u8>,
    /// Time zone of bare dates and schedules: `UTC`, `Europe/Berlin`.
    pub zone: Option<String>,
    /// Bytes a second for all downloads from upstreams together: `500k`, `10M`, `1G`.
    pub bandwidth: Option<String>,
    /// How clients reach the server: `https://airlock.example.org`; the default is the `Host` that they asked for.
    pub public_url: Option<String>,
    /// Tasks worked on at the same time.
    pub workers: Option<u16>,
    /// Log lines as JSON.
    pub log_json: Option<bool>,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds everything.
    pub data: PathBuf,
    /// `ADDRESS:PORT` to listen on.
    pub listen: String,
    /// The database, when it is not the embedded one. Holds a password: never shown.
    pub database_url: Option<String>,
    /// Certificate chain and key.
    pub tls: Option<TlsFiles>,
    /// The CA's certificate, served at `/ca.pem`.
    pub tls_ca: Option<PathBuf>,
    /// `sslcacert` of `.repo` files.
    pub client_ca_path: Option<String>,
    /// Folders below which `file://` upstreams may be named over the network.
    pub file_upstream_roots: Vec<PathBuf>,
    /// Folders below which PEM files of upstreams may be named over the network.
    pub upstream_pem_roots: Vec<PathBuf>,
    /// Percent of the file system that always stays free.
    pub min_free: u8,
    /// Time zone of bare dates and schedules.
    pub zone: TimeZone,
    /// Bytes a second for all downloads together.
    pub bandwidth: Option<NonZeroU64>,
    /// How clients reach the server, without a slash at the end.
    pub public_url: Option<String>,
    /// Tasks worked on at the same time.
    pub workers: u16,
    /// Log lines as JSON.
    pub log_json: bool,
}

/// PEM files of the server's certificate; read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML, or has a key that does not exist. The line itself is not shown: it may hold a password.
    #[error("{path}, line {line}, column {column}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// A value that a setting cannot take.
    #[error("setting {name} = \"{value}\": {why}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        why: String,
    },
    /// Only one of certificate and key.
    #[error("tls-certificate and tls-key belong together: set both or none")]
    HalfTls,
}

impl Layer {
    /// Reads `airlock.toml`.
    ///
    /// # Errors
    /// [`SettingsError::Read`], or [`SettingsError::File`] naming the line of an unknown key or a wrong value.
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let last = before.rsplit('\n').next().unwrap_or_default();
            SettingsError::File {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: last.chars().count() + 1,
                what: error.message().to_owned(),
            }
        })
    }

    /// [`Self::from_file`] of a file that need not exist. One that exists and cannot be read is an error: a server
    /// without its settings would be another server.
    fn from_file_if_any(path: &Path) -> Result<Option<Self>, SettingsError> {
        match Self::from_file(path) {
            Err(SettingsError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// Reads `AIRLOCK_*` variables through `variable`, which answers none for an unset one. Lists are separated by `:`.
    ///
    /// # Errors
    /// [`SettingsError::Value`] for a number that is none.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| text(name).map(PathBuf::from);
        let paths = |name: &str| {
            text(name).map(|list| {
                list.split(':')
                    .filter(|part| !part.is_empty())
                    .map(PathBuf::from)
                    .collect()
            })
        };
        Ok(Self {
            data: path("AIRLOCK_DATA"),
            listen: text("AIRLOCK_LISTEN"),
            database_url: text("AIRLOCK_DATABASE_URL"),
            tls_certificate: path("AIRLOCK_TLS_CERTIFICATE"),
            tls_key: path("AIRLOCK_TLS_KEY"),
            tls_ca: path("AIRLOCK_TLS_CA"),
            client_ca_path: text("AIRLOCK_CLIENT_CA_PATH"),
            file_upstream_roots: paths("AIRLOCK_FILE_UPSTREAM_ROOTS"),
            upstream_pem_roots: paths("AIRLOCK_UPSTREAM_PEM_ROOTS"),
            min_free: number("AIRLOCK_MIN_FREE", text("AIRLOCK_MIN_FREE"))?,
            zone: text("AIRLOCK_ZONE"),
            bandwidth: text("AIRLOCK_BANDWIDTH"),
            public_url: text("AIRLOCK_PUBLIC_URL"),
            workers: number("AIRLOCK_WORKERS", text("AIRLOCK_WORKERS"))?,
            log_json: match text("AIRLOCK_LOG_JSON").as_deref() {
                None => None,
                Some("1" | "true" | "yes") => Some(true),
                Some("0" | "false" | "no") => Some(false),
                Some(other) => return Err(value("AIRLOCK_LOG_JSON", other, "true or false")),
            },
        })
    }

    /// These settings, with those of `later` in front.
    #[must_use]
    pub fn overridden_by(self, later: Self) -> Self {
        Self {
            data: later.data.or(self.data),
            listen: later.listen.or(self.listen),
            database_url: later.database_url.or(self.database_url),
            tls_certificate: later.tls_certificate.or(self.tls_certificate),
            tls_key: later.tls_key.or(self.tls_key),
            tls_ca: later.tls_ca.or(self.tls_ca),
            client_ca_path: later.client_ca_path.or(self.client_ca_path),
            file_upstream_roots: later.file_upstream_roots.or(self.file_upstream_roots),
            upstream_pem_roots: later.upstream_pem_roots.or(self.upstream_pem_roots),
            min_free: later.min_free.or(self.min_free),
            zone: later.zone.or(self.zone),
            bandwidth: later.bandwidth.or(self.bandwidth),
            public_url: later.public_url.or(self.public_url),
            workers: later.workers.or(self.workers),
            log_json: later.log_json.or(self.log_json),
        }
    }

    /// Checks everything and fills in the defaults.
    ///
    /// # Errors
    /// [`SettingsError`] naming the setting.
    pub fn settle(self) -> Result<Settings, SettingsError> {
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => return Err(SettingsError::HalfTls),
        };
        let zone = match self.zone.as_deref() {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                value(
                    "zone",
                    name,
                    "a name of the time zone database, such as Europe/Berlin",
                )
            })?,
        };
        let min_free = self.min_free.unwrap_or(5);
        if min_free > 90 {
            return Err(value(
                "min-free",
                &min_free.to_string(),
                "a percentage from 0 to 90",
            ));
        }
        let listen = self.listen.unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        if listen
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
        {
            return Err(value(
                "listen",
                &listen,
                "ADDRESS:PORT, such as 0.0.0.0:8080 or [::]:8080",
            ));
        }
        let public_url = match self.public_url {
            None => None,
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                Some(url.trim_end_matches('/').to_owned())
            }
            Some(url) => return Err(value("public-url", &url, "an http:// or https:// URL")),
        };
        let bandwidth = match self.bandwidth.as_deref() {
            None | Some("0") => None,
            Some(text) => Some(
                bytes(text)
                    .and_then(NonZeroU64::new)
                    .ok_or_else(|| value("bandwidth", text, "bytes a second: 500k, 10M, 1G"))?,
            ),
        };
        let workers = self.workers.unwrap_or(2);
        if !(1..=MOST_WORKERS).contains(&workers) {
            return Err(value(
                "workers",
                &workers.to_string(),
                "a number of tasks at the same time, 1 to 64",
            ));
        }
        Ok(Settings {
            data: self.data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA)),
            listen,
            database_url: self.database_url,
            tls,
            tls_ca: self.tls_ca,
            client_ca_path: self.client_ca_path,
            file_upstream_roots: self.file_upstream_roots.unwrap_or_default(),
            upstream_pem_roots: self.upstream_pem_roots.unwrap_or_default(),
            min_free,
            zone,
            bandwidth,
            public_url,
            workers,
            log_json: self.log_json.unwrap_or(false),
        })
    }
}

impl Settings {
    /// All places together. The file is `config`, else `DATA/airlock.toml`, else `/etc/airlock/airlock.toml`, where
    /// the last two may be missing.
    ///
    /// # Errors
    /// [`SettingsError`] of the first place that is wrong.
    pub fn gather(
        config: Option<&Path>,
        flags: Layer,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let environment = Layer::from_environment(variable)?;
        let file = match config {
            Some(path) => Layer::from_file(path)?,
            None => {
                let data = flags
                    .data
                    .as_deref()
                    .or(environment.data.as_deref())
                    .unwrap_or_else(|| Path::new(DEFAULT_DATA));
                let own = data.join("airlock.toml");
                let shared = Path::new("/etc/airlock/airlock.toml");
                match Layer::from_file_if_any(&own)? {
                    Some(layer) => layer,
                    None => Layer::from_file_if_any(shared)?.unwrap_or_default(),
                }
            }
        };
        file.overridden_by(environment)
            .overridden_by(flags)
            .settle()
    }
}

fn value(name: &'static str, value: &str, why: &str) -> SettingsError {
    SettingsError::Value {
        name,
        value: value.to_owned(),
        why: format!("give {why}"),
    }
}

fn number<T: std::str::FromStr>(
    name: &'static str,
    text: Option<String>,
) -> Result<Option<T>, SettingsError> {
    text.map(|text| {
        text.parse()
            .map_err(|_| value(name, &text, "a whole number"))
    })
    .transpose()
}

/// `500k`, `10M`, `1G` or a plain number, in bytes (powers of 1,000).
fn bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1_000),
        b'm' | b'M' => (&text[..text.len() - 1], 1_000_000),
        b'g' | b'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_places_win() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("airlock.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nmin-free = 7\nbandwidth = \"10M\"\nfile-upstream-roots = [\"/srv\"]\n").unwrap();
        let flags = Layer {
            listen: Some("127.0.0.1:3".into()),
            ..Layer::default()
        };
        let settings = Settings::gather(Some(&file), flags, |name| {
            (name == "AIRLOCK_LISTEN")
                .then(|| "127.0.0.1:2".to_owned())
                .or((name == "AIRLOCK_MIN_FREE").then(|| "9".to_owned()))
        })
        .unwrap();
        assert_eq!(settings.listen, "127.0.0.1:3");
        assert_eq!(settings.min_free, 9);
        assert_eq!(settings.bandwidth.unwrap().get(), 10_000_000);
        assert_eq!(settings.file_upstream_roots, [PathBuf::from("/srv")]);
        assert_eq!(settings.data, PathBuf::from(DEFAULT_DATA));
    }

    #[test]
    fn an_unknown_key_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("airlock.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nlissten = 3\n").unwrap();
        let error = Layer::from_file(&file).unwrap_err().to_string();
        assert!(
            error.contains("line 2") && error.contains("lissten"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_line_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("airlock.toml");
        for line in [
            "database-url = postgres://u:s3cret@db/x",
            "database-url = \"postgres://u:s3cret@db/x",
            "database-url = [\"postgres://u:s3cret@db/x\"]",
        ] {
            std::fs::write(&file, format!("min-free = 7\n{line}\n")).unwrap();
            let error = Layer::from_file(&file).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                !text.contains("s3cret") && text.contains("line 2"),
                "{text}"
            );
        }
    }

    #[test]
    fn settings_that_are_there_and_cannot_be_read_are_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let gather = || {
            let flags = Layer {
                data: Some(folder.path().to_owned()),
                ..Layer::default()
            };
            Settings::gather(None, flags, |_| None)
        };
        assert!(gather().is_ok());
        // A loop of links fails for root as well, as a file without read permission does for others.
        let file = folder.path().join("airlock.toml");
        std::os::unix::fs::symlink(&file, &file).unwrap();
        assert!(matches!(gather(), Err(SettingsError::Read { .. })));
    }

    #[test]
    fn wrong_values_name_their_setting() {
        let wrong = |layer: Layer| layer.settle().unwrap_err().to_string();
        assert!(
            wrong(Layer {
                zone: Some("Mars/Base".into()),
                ..Layer::default()
            })
            .contains("zone")
        );
        assert!(
            wrong(Layer {
                listen: Some("8080".into()),
                ..Layer::default()
            })
            .contains("listen")
        );
        assert!(
            wrong(Layer {
                bandwidth: Some("fast".into()),
                ..Layer::default()
            })
            .contains("bandwidth")
        );
        assert!(
            wrong(Layer {
                public_url: Some("ftp://x".into()),
                ..Layer::default()
            })
            .contains("public-url")
        );
        assert!(
            wrong(Layer {
                min_free: Some(99),
                ..Layer::default()
            })
            .contains("min-free")
        );
        assert!(
            wrong(Layer {
                tls_key: Some("/k".into()),
                ..Layer::default()
            })
            .contains("both")
        );
        for many in [0, 65] {
            let said = wrong(Layer {
                workers: Some(many),
                ..Layer::default()
            });
            assert!(
                said.contains("workers") && said.contains("1 to 64"),
                "{said}"
            );
        }
        let error =
            Layer::from_environment(|name| (name == "AIRLOCK_WORKERS").then(|| "many".into()));
        assert!(error.unwrap_err().to_string().contains("AIRLOCK_WORKERS"));
    }
}
