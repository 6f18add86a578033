//! Where Candlepin is and how one logs in there: `rhsm.conf` and the options `rhsm_*`. Reference: virt-who, sections 1.3
//! and 7.2.

use std::path::PathBuf;
use std::time::Duration;

use airlock_ini::{Dialect, File, parse};

use super::addresses::without_password;
use super::files::{FileRead, NOT_THERE, Outcome, Paths, bytes};
use super::origin::{Origin, Told};
use super::reader::Reader;
use super::secrets::Vault;
use crate::backend::Level;
use crate::secret::Secret;
use crate::settings::{Proxy, boolean};

/// A Candlepin server (Satellite 6, Katello, SAM) and the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candlepin {
    /// The host's name.
    pub hostname: String,
    /// Its port.
    pub port: u16,
    /// The path before everything, `/subscription` or `/rhsm` or `/candlepin`; empty or with a slash in front.
    pub prefix: String,
    /// Takes any certificate.
    pub insecure: bool,
    /// Authorities: a file, or a folder of `*.pem`. The machine's when it does not exist.
    pub ca: PathBuf,
    /// `ca` was set for this source, so it has to be there.
    pub own_ca: bool,
    /// Through what it is reached.
    pub proxy: Proxy,
    /// The organization; none for reports of local guests.
    pub owner: Option<String>,
    /// A login; otherwise the machine's consumer certificate is shown.
    pub account: Option<(String, Secret)>,
    /// The folder with `cert.pem` and `key.pem`.
    pub consumer: PathBuf,
    /// What the agent calls itself.
    pub reporter_id: String,
    /// For one request.
    pub timeout: Duration,
    /// Use the old check-in whatever the server can.
    pub disable_async: bool,
}

impl Candlepin {
    /// The address before the paths.
    #[must_use]
    pub fn base(&self) -> String {
        let host = if self.hostname.contains(':') && !self.hostname.starts_with('[') {
            format!("[{}]", self.hostname)
        } else {
            self.hostname.clone()
        };
        format!("https://{host}:{}{}", self.port, self.prefix)
    }
}

/// What `rhsm.conf` says.
#[derive(Debug, Clone)]
pub(crate) struct Rhsm {
    file: Option<File>,
    paths: Paths,
}

impl Rhsm {
    /// Reads the file; one that is not there is as good as an empty one.
    pub(crate) fn read(paths: &Paths, told: &mut Vec<Told>, read: &mut Vec<FileRead>) -> Self {
        let path = paths.rhsm();
        let shown = path.display().to_string();
        let found = match bytes(&path) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => parse(&shown, &bytes, &Dialect::rhsm())
                .map(Some)
                .map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        let (file, outcome) = match found {
            Ok(None) => (None, Outcome::Skipped(NOT_THERE)),
            Ok(Some(file)) => {
                let names = file.sections.iter().map(|section| section.name.clone());
                let outcome = Outcome::Sections(names.collect());
                (Some(file), outcome)
            }
            Err(reason) => {
                told.push(Told::general(
                    Level::Warning,
                    None,
                    format!("{shown} is skipped: {reason}"),
                ));
                (None, Outcome::Failed(reason))
            }
        };
        read.push(FileRead { path, outcome });
        Self {
            file,
            paths: paths.clone(),
        }
    }

    /// The values that come from the file, by the options that a section has for them; those that it has itself are left
    /// out.
    pub(crate) fn shown(&self, has: impl Fn(&str) -> bool) -> Vec<(String, (String, Origin))> {
        const OPTIONS: [(&str, &str, &str); 11] = [
            ("rhsm_hostname", "server", "hostname"),
            ("rhsm_port", "server", "port"),
            ("rhsm_prefix", "server", "prefix"),
            ("rhsm_insecure", "server", "insecure"),
            ("rhsm_timeout", "server", "server_timeout"),
            ("rhsm_no_proxy", "server", "no_proxy"),
            ("rhsm_proxy_hostname", "server", "proxy_hostname"),
            ("rhsm_proxy_port", "server", "proxy_port"),
            ("rhsm_proxy_user", "server", "proxy_user"),
            ("rhsm_ca", "rhsm", "ca_cert_dir"),
            ("consumerCertDir", "rhsm", "consumercertdir"),
        ];
        let of = |section: &str, name: &str| {
            let found = self.file.as_ref()?.sections.iter();
            let mut found = found.filter(|found| found.name == section);
            let mut entries = found.next()?.entries.iter();
            let entry = entries.rfind(|entry| entry.name == name)?;
            let text = self.value(section, name)?;
            Some((text, Origin::File(entry.place.clone())))
        };
        OPTIONS
            .iter()
            .filter(|(option, _, _)| !has(option))
            .filter_map(|(option, section, name)| Some(((*option).to_owned(), of(section, name)?)))
            .collect()
    }

    fn value(&self, section: &str, name: &str) -> Option<String> {
        let text = self
            .file
            .as_ref()?
            .value(section, name)
            .map(str::trim)
            .filter(|value| !value.is_empty())?;
        // An address is shown, and a password is not used in one.
        let bare = (name == "hostname").then(|| without_password(text));
        Some(bare.flatten().unwrap_or_else(|| text.to_owned()))
    }

    /// Whether there is a consumer certificate, so that the machine is registered.
    pub(crate) fn registered(&self) -> bool {
        self.consumer().join("cert.pem").exists()
    }

    /// The consumer certificate's key.
    pub(crate) fn key(&self) -> PathBuf {
        self.consumer().join("key.pem")
    }

    fn consumer(&self) -> PathBuf {
        let folder = self
            .value("rhsm", "consumercertdir")
            .unwrap_or_else(|| "/etc/pki/consumer".to_owned());
        self.paths.named(&folder)
    }

    /// The destination of a section: its own `rhsm_*` before `rhsm.conf`.
    pub(crate) fn destination(
        &self,
        reader: &mut Reader<'_>,
        vault: &Vault,
        owner: Option<String>,
        reporter_id: &str,
        disable_async: bool,
        environment: &Proxy,
    ) -> Candlepin {
        let or = |reader: &mut Reader<'_>, own: &str, name: &str| {
            reader
                .text(own)
                .map(|value| value.text.trim().to_owned())
                .or_else(|| self.value("server", name))
        };
        let hostname = or(reader, "rhsm_hostname", "hostname")
            .unwrap_or_else(|| "subscription.rhsm.redhat.com".to_owned());
        let port = or(reader, "rhsm_port", "port");
        let port = match port.as_deref().map(str::parse::<u16>) {
            Some(Ok(port)) if port > 0 => port,
            None => 443,
            Some(_) => {
                reader.complain(Level::Error, "rhsm_port must be a number from 1 to 65535");
                443
            }
        };
        let prefix =
            or(reader, "rhsm_prefix", "prefix").unwrap_or_else(|| "/subscription".to_owned());
        let insecure = or(reader, "rhsm_insecure", "insecure");
        let insecure = insecure.is_some_and(|word| {
            boolean(&word).unwrap_or_else(|| {
                reader.complain(
                    Level::Warning,
                    "rhsm_insecure must be a valid boolean, using default: False. See man virt-who-config for more info",
                );
                false
            })
        });
        let own_ca = reader
            .text("rhsm_ca")
            .map(|value| self.paths.named(&value.text));
        let folder = self
            .value("rhsm", "ca_cert_dir")
            .or_else(|| self.value("server", "ca_cert_dir"))
            .unwrap_or_else(|| "/etc/rhsm/ca".to_owned());
        let account = reader.text("rhsm_username").map(|value| value.text);
        let password = vault.secret(reader, "rhsm_password");
        let account = match (account, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => {
                reader.complain(
                    Level::Warning,
                    "rhsm_username and rhsm_password belong together; one alone is not used",
                );
                None
            }
        };
        let timeout = reader
            .fixed("rhsm_timeout")
            .map(|value| value.text)
            .or_else(|| self.value("server", "server_timeout"))
            .and_then(|seconds| seconds.parse().ok())
            .filter(|&seconds| seconds > 0)
            .unwrap_or(180);
        Candlepin {
            hostname,
            port,
            prefix: prefixed(&prefix),
            insecure,
            own_ca: own_ca.is_some(),
            ca: own_ca.unwrap_or_else(|| self.paths.named(&folder)),
            proxy: self.proxy(reader, vault, environment),
            owner,
            account,
            consumer: self.consumer(),
            reporter_id: reporter_id.to_owned(),
            timeout: Duration::from_secs(timeout),
            disable_async,
        }
    }

    /// `rhsm_proxy_*`, else rhsm.conf, else what the environment says.
    fn proxy(&self, reader: &mut Reader<'_>, vault: &Vault, environment: &Proxy) -> Proxy {
        let own = reader.text("rhsm_proxy_hostname").map(|value| value.text);
        let except = reader
            .text("rhsm_no_proxy")
            .map(|value| value.text)
            .or_else(|| self.value("server", "no_proxy"));
        let port = reader.text("rhsm_proxy_port").map(|value| value.text);
        let user = reader.text("rhsm_proxy_user").map(|value| value.text);
        let password = vault.secret(reader, "rhsm_proxy_password");
        let Some(host) = own.or_else(|| self.value("server", "proxy_hostname")) else {
            return match environment {
                Proxy::Environment { http, https, .. } if except.is_some() => Proxy::Environment {
                    http: http.clone(),
                    https: https.clone(),
                    except,
                },
                other => other.clone(),
            };
        };
        let port = port
            .or_else(|| self.value("server", "proxy_port"))
            .unwrap_or_else(|| "3128".to_owned());
        let user = user.or_else(|| self.value("server", "proxy_user"));
        let password = password.or_else(|| self.value("server", "proxy_password").map(Secret::new));
        let scheme = self
            .value("server", "proxy_scheme")
            .unwrap_or_else(|| "http".to_owned());
        let mut url = match url::Url::parse(&format!("{scheme}://{host}:{port}")) {
            Ok(url) => url,
            Err(_) => {
                reader.complain(
                    Level::Error,
                    "rhsm_proxy_hostname and rhsm_proxy_port are no address of a proxy",
                );
                return Proxy::None;
            }
        };
        if let Some(user) = user {
            // The rest that has to be escaped is, but a percent sign passes for an escape.
            let escaped = |text: &str| text.replace('%', "%25");
            let password = password.as_ref().map(|password| escaped(password.reveal()));
            let _ = url.set_username(&escaped(&user));
            let _ = url.set_password(password.as_deref());
        }
        Proxy::Environment {
            http: None,
            https: Some(Secret::new(url.to_string())),
            except,
        }
    }
}

fn prefixed(prefix: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    if prefix.is_empty() || prefix.starts_with('/') {
        prefix.to_owned()
    } else {
        format!("/{prefix}")
    }
}
