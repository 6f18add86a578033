//! What a backend is told about its source. The configuration fills it; backends read it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::filter::ParentFilter;
use crate::model::IdKind;
use crate::secret::Secret;

/// How long one request to a hypervisor may take, when the configuration does not say: what virt-who had for ESX.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Through what a source is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Straight.
    #[default]
    None,
    /// As the environment says (`http_proxy`, `https_proxy`, `no_proxy`; read by the configuration).
    Environment {
        /// For `http:` addresses.
        http: Option<Secret>,
        /// For `https:` addresses.
        https: Option<Secret>,
        /// Hosts, domains and networks that are reached straight, separated by commas.
        except: Option<String>,
    },
    /// This one: `http:`, `https:`, `socks5:` or `socks5h:`, maybe with user and password, hence a secret.
    Url(Secret),
}

/// What is the same for sources of every kind.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The section's name, for messages.
    pub name: String,
    /// The server, completed by [`Kind::complete`](crate::backend::Kind::complete); empty for kinds without one, and for
    /// the local libvirt.
    pub server: String,
    /// The account.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// How hosts are called.
    pub hypervisor_id: IdKind,
    /// Which parents' hosts are read; only ESX has parents.
    pub parents: ParentFilter,
    /// What stands before the names of its options in the section: nothing for a source, `rhsm_` for Candlepin.
    pub prefix: &'static str,
    /// Trusted authorities, or the server's own certificate (PEM), instead of the machine's authorities.
    pub ca: Option<PathBuf>,
    /// Takes any certificate.
    pub insecure: bool,
    /// Through what the server is reached.
    pub proxy: Proxy,
    /// For one request.
    pub timeout: Duration,
    /// Also hosts that virt-who left out: ESX hosts without a DNS name, AHV hosts without a running guest.
    pub all_hosts: bool,
    /// The folder below which files are looked for, `/` but for checks of a copied configuration and for tests.
    pub root: PathBuf,
    /// Those variables of the environment that the kind looks at ([`Kind::variables`](crate::backend::Kind::variables)).
    pub variables: BTreeMap<String, String>,
    /// Values of the options that the kind lists ([`Kind::options`](crate::backend::Kind::options)), those that are set.
    pub options: BTreeMap<String, String>,
}

impl Settings {
    /// Settings with nothing but a name, a server and defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            server: server.into(),
            username: None,
            password: None,
            hypervisor_id: IdKind::default(),
            parents: ParentFilter::default(),
            prefix: "",
            ca: None,
            insecure: false,
            proxy: Proxy::default(),
            timeout: TIMEOUT,
            all_hosts: false,
            root: PathBuf::from("/"),
            variables: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }

    /// An option's value, if it is set and not empty.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A boolean option; the configuration has checked the word already, so any other is the default.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.option(name).and_then(boolean).unwrap_or(default)
    }

    /// User and password, as a backend with a login needs them.
    #[must_use]
    pub fn account(&self) -> (&str, Secret) {
        (
            self.username.as_deref().unwrap_or_default(),
            self.password.clone().unwrap_or_default(),
        )
    }
}

/// `yes true on 1` and `no false off 0`, in any case and trimmed.
#[must_use]
pub fn boolean(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}
