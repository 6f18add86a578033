//! Where a source's reports go. Reference: virt-who, section 1.3, "Destination choice".

use std::path::PathBuf;
use std::time::Duration;

use super::candlepin::Candlepin;
use crate::secret::Secret;
use crate::settings::Proxy;

/// A Satellite 5 or Spacewalk server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Satellite5 {
    /// The address of its XML-RPC for systems, ending in `/XMLRPC`.
    pub server: String,
    /// The account that registers hosts.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Trusted authorities instead of the machine's.
    pub ca: Option<PathBuf>,
    /// Takes any certificate.
    pub insecure: bool,
    /// Through what it is reached.
    pub proxy: Proxy,
    /// For one request.
    pub timeout: Duration,
}

/// An Airlock server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Airlock {
    /// Its address.
    pub server: String,
    /// A token with the scope `hypervisors:write`.
    pub token: Secret,
    /// Trusted authorities instead of the machine's.
    pub ca: Option<PathBuf>,
    /// Takes any certificate.
    pub insecure: bool,
    /// Through what it is reached.
    pub proxy: Proxy,
    /// What the agent calls itself.
    pub reporter_id: String,
    /// How often something is heard of a source at least.
    pub interval: Duration,
    /// For one request.
    pub timeout: Duration,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationSettings {
    /// Candlepin: Satellite 6, Katello, SAM.
    Candlepin(Candlepin),
    /// Satellite 5, Spacewalk.
    Satellite5(Satellite5),
    /// Airlock.
    Airlock(Airlock),
}

impl DestinationSettings {
    /// What the destination is, without secrets: sources with the same one are reported together, and state is kept under
    /// it.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Candlepin(to) => format!(
                "candlepin {} {}{}",
                to.base(),
                to.owner.as_deref().unwrap_or("(this machine)"),
                to.account
                    .as_ref()
                    .map(|(user, _)| format!(" as {user}"))
                    .unwrap_or_default()
            ),
            Self::Satellite5(to) => format!("satellite5 {} as {}", to.server, to.username),
            Self::Airlock(to) => format!("airlock {}", to.server),
        }
    }

    /// Who is talked to, as `status` shows it.
    #[must_use]
    pub fn connection(&self) -> &str {
        match self {
            Self::Candlepin(to) => &to.hostname,
            Self::Satellite5(to) => &to.server,
            Self::Airlock(to) => &to.server,
        }
    }

    /// Whether it is another product's server, to which a report that looks wrong is not sent at once.
    #[must_use]
    pub fn foreign(&self) -> bool {
        !matches!(self, Self::Airlock(_))
    }
}
