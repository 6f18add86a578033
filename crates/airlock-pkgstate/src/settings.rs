//! `bcfg2.conf`: what it may say, in the spelling of every release.
//!
//! The driver sections come in two generations. `[RPMng]` and `[YUMng]` (1.0 to 1.2) take names in any case and words as
//! those releases compared them; `[RPM]` and `[YUM]` (1.3, 1.4) are exact. What a release did not understand silently is
//! said here ([`Settings::warnings`]); what contradicts itself is an error.

mod driver;
mod examine;
mod lists;
mod read;

pub use driver::{DEFAULT_INSTALLONLY, DriverSettings, InstallonlyTest, modern_word, words};
pub use examine::examine_settings;
pub use read::{SettingsError, parse_settings};

use std::fmt;

use crate::declared::Configuration;

/// Which of the two drivers works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// Packages come from files or URLs and go in with `rpm`.
    Rpm,
    /// Packages come from repositories and go in with dnf, yum or zypper.
    Yum,
}

impl Driver {
    /// The type that its extra packages have in reports.
    pub fn package_type(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Yum => "yum",
        }
    }

    /// The types of packages that it looks after.
    pub fn handles(self) -> &'static [&'static str] {
        match self {
            Self::Rpm => &["rpm"],
            Self::Yum => &["yum", "rpm"],
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Rpm => "RPMng",
            Self::Yum => "YUMng",
        })
    }
}

/// One thing that there is to say about a file of settings; each text starts with file and line.
#[derive(Debug)]
pub enum Remark {
    /// The file cannot be used with it.
    Refused(SettingsError),
    /// A word that does nothing, where one that does something was meant.
    Idle(String),
    /// It was read although it looks like a mistake.
    Odd(String),
    /// It means here what it says, and not in the release of Bcfg2 that the section is of.
    Elsewhere(String),
}

impl From<SettingsError> for Remark {
    fn from(error: SettingsError) -> Self {
        Self::Refused(error)
    }
}

/// Whose rules the words of a driver section follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 1.0 to 1.2.
    #[default]
    Old,
    /// 1.3.
    V1_3,
    /// 1.4.
    V1_4,
}

/// The names of drivers that are Airlock's, with what they do.
pub const DRIVERS: [(&str, &str); 2] = [
    ("RPMng (RPM)", "package files through rpm"),
    (
        "YUMng (YUM, YUM24, Yum)",
        "packages of repositories through dnf, yum or zypper",
    ),
];

/// What to do with the list of decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DecisionMode {
    /// Nothing.
    #[default]
    None,
    /// Only what it names is touched.
    Whitelist,
    /// What it names is left alone.
    Blacklist,
}

impl DecisionMode {
    /// From the word of the file or the command line.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "" | "none" => Some(Self::None),
            "whitelist" => Some(Self::Whitelist),
            "blacklist" => Some(Self::Blacklist),
            _ => None,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Whitelist => "whitelist",
            Self::Blacklist => "blacklist",
        }
    }
}

/// A secret that never shows itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.0.is_empty() { "none" } else { "***" })
    }
}

/// `[communication]`: how the server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Communication {
    /// `xmlrpc/ssl` or `xmlrpc/tlsv1`.
    pub protocol: String,
    /// The user of HTTP basic authentication.
    pub user: String,
    /// Their password.
    pub password: Secret,
    /// Tries of each call.
    pub retries: u32,
    /// Seconds between tries.
    pub retry_delay: u32,
    /// Seconds for a call.
    pub timeout: u32,
    /// File of the client's private key.
    pub key: Option<String>,
    /// File of the client's certificate.
    pub certificate: Option<String>,
    /// File of the certificates that sign the server's.
    pub ca: Option<String>,
    /// Names that the server's certificate may have; empty: the name in the URL.
    pub server_names: Vec<String>,
}

impl Default for Communication {
    fn default() -> Self {
        Self {
            protocol: "xmlrpc/ssl".into(),
            user: "root".into(),
            password: Secret::default(),
            retries: 3,
            retry_delay: 1,
            timeout: 90,
            key: None,
            certificate: None,
            ca: None,
            server_names: Vec::new(),
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[communication]`.
    pub communication: Communication,
    /// The server of `[components]`.
    pub server: String,
    /// The lock of a run.
    pub lockfile: String,
    /// The encoding of files; only UTF-8 is known.
    pub encoding: String,
    /// Drivers of `[client]`, in order; empty when the key is not there.
    pub drivers: Vec<String>,
    /// `decision` of `[client]`.
    pub decision: DecisionMode,
    /// `profile` of `[client]`.
    pub profile: Option<String>,
    /// Seconds that the package manager may take; `None`: any time.
    pub command_timeout: Option<u64>,
    /// Seconds that a probe of the server may take; `None`: any time.
    pub probe_timeout: Option<u64>,
    /// A probe that fails ends the run.
    pub exit_on_probe_failure: bool,
    /// `[RPMng]` or `[RPM]`.
    pub rpm: DriverSettings,
    /// `[YUMng]` or `[YUM]`.
    pub yum: DriverSettings,
    /// Which drivers have a section.
    pub sections: Vec<Driver>,
    /// What was read although it looks like a mistake, each with its place.
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            communication: Communication::default(),
            server: "https://localhost:6789".into(),
            lockfile: "/var/lock/bcfg2.run".into(),
            encoding: "UTF-8".into(),
            drivers: Vec::new(),
            decision: DecisionMode::None,
            profile: None,
            command_timeout: None,
            probe_timeout: None,
            exit_on_probe_failure: true,
            rpm: DriverSettings::default(),
            yum: DriverSettings::default(),
            sections: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings of a driver.
    pub fn driver(&self, driver: Driver) -> &DriverSettings {
        match driver {
            Driver::Rpm => &self.rpm,
            Driver::Yum => &self.yum,
        }
    }

    /// Which driver works, and the names of drivers that are not Airlock's. With both named it is YUMng, which always
    /// displaced RPMng. With other drivers named only, no packages are looked after. With none named it is the one that has
    /// a section; without that RPMng when all packages are declared by their files, else YUMng.
    pub fn chosen_driver(
        &self,
        names: &[String],
        configuration: &Configuration,
    ) -> (Option<Driver>, Vec<String>) {
        let mut named = Vec::new();
        let mut others = Vec::new();
        for name in names {
            match name.as_str() {
                "RPMng" | "RPM" => named.push(Driver::Rpm),
                "YUMng" | "YUM" | "YUM24" | "Yum" => named.push(Driver::Yum),
                _ => others.push(name.clone()),
            }
        }
        if named.is_empty() && !others.is_empty() {
            return (None, others);
        }
        let known = if named.is_empty() {
            &self.sections
        } else {
            &named
        };
        let driver = if known.contains(&Driver::Yum) {
            Driver::Yum
        } else if known.contains(&Driver::Rpm) || are_files(configuration) {
            Driver::Rpm
        } else {
            Driver::Yum
        };
        (Some(driver), others)
    }
}

/// All packages say which file they are in.
fn are_files(configuration: &Configuration) -> bool {
    let mut packages = configuration
        .entries
        .iter()
        .filter(|entry| entry.tag() == "Package")
        .peekable();
    packages.peek().is_some()
        && packages.all(|entry| {
            entry.is_package(&["rpm"])
                && (entry.attribute("simplefile").is_some()
                    || entry.attribute("url").is_some()
                    || entry
                        .instances()
                        .iter()
                        .any(|instance| instance.attribute("simplefile").is_some()))
        })
}
