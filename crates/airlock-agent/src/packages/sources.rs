//! Where settings, entries and decisions come from: files, or the Bcfg2 server.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use airlock_pkgstate::decide::lists::{Decision, parse_decisions};
use airlock_pkgstate::declared::{Configuration, check_entries, configuration_of};
use airlock_pkgstate::host::Scripts;
use airlock_pkgstate::pkgmgr::available::{load_folders, matching_folders};
use airlock_pkgstate::pkgmgr::list::Client;
use airlock_pkgstate::pkgmgr::native::{Facts, KeySource};
use airlock_pkgstate::pkgmgr::standalone::entries;
use airlock_pkgstate::plan::is_plan;
use airlock_pkgstate::run::action::without_password;
use airlock_pkgstate::server::{Probing, Server};
use airlock_pkgstate::settings::{DecisionMode, Settings, parse_settings};
use airlock_pkgstate::xml::Element;
use anyhow::Context as _;

use super::arguments::Common;
use super::remote::Connection;
use crate::Usage;

/// Used when no settings are named and it is there.
const SETTINGS: &str = "/etc/bcfg2.conf";

/// What is declared for this machine.
pub struct Declared {
    pub configuration: Configuration,
    pub decisions: Vec<Decision>,
    pub from_server: bool,
    pub notes: Vec<String>,
}

/// Reads the settings.
pub fn settings(common: &Common) -> anyhow::Result<Settings> {
    let path = match &common.config {
        Some(path) => path.as_path(),
        None if Path::new(SETTINGS).exists() => Path::new(SETTINGS),
        None => return Ok(Settings::default()),
    };
    let bytes = read(path)?;
    Ok(parse_settings(&path.display().to_string(), &bytes)?)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The server, or nothing.
pub struct Source {
    connection: Option<Connection>,
    retries: u32,
}

impl Source {
    pub fn of(common: &Common, settings: &Settings) -> anyhow::Result<Self> {
        let connection = match common.entries {
            Some(_) => None,
            None => Some(Connection::new(settings)?),
        };
        Ok(Self {
            connection,
            retries: settings.communication.retries,
        })
    }

    /// Loads entries and decisions.
    pub fn load(&mut self, common: &Common, settings: &Settings) -> anyhow::Result<Declared> {
        let mode = common.decision_mode(settings);
        let mut declared = match (&common.entries, &mut self.connection) {
            (Some(path), _) => from_file(common, path)?,
            (None, Some(connection)) => {
                let wanted = match common.decision_list {
                    Some(_) => DecisionMode::None,
                    None => mode,
                };
                let profile = common.profile.as_deref().or(settings.profile.as_deref());
                let mut server = Server::new(connection, self.retries);
                let mut scripts = Scripts {
                    timeout: settings.probe_timeout.map(Duration::from_secs),
                };
                let mut probing = Probing {
                    prober: &mut scripts,
                    exit_on_failure: settings.exit_on_probe_failure,
                };
                // What is true of this machine is not true of another root.
                let trusted = may_give_scripts(&settings.server);
                let runs = !common.no_probes && common.root == Path::new("/") && trusted;
                let probing = runs.then_some(&mut probing);
                let fetched = server.fetch(profile, wanted, probing).with_context(|| {
                    format!(
                        "no entries from {}; --entries FILE takes them from a file",
                        without_password(&settings.server)
                    )
                })?;
                if let Some(path) = &common.keep {
                    keep(path, &fetched.text)?;
                }
                let mut notes = fetched.notes;
                if !trusted && !common.no_probes {
                    notes.push(format!(
                        "{} is neither known by a certificate (https) nor this machine: its probes are not run",
                        without_password(&settings.server)
                    ));
                }
                Declared {
                    configuration: fetched.configuration,
                    decisions: fetched.decisions,
                    from_server: !common.bundle_quick,
                    notes,
                }
            }
            (None, None) => anyhow::bail!("no entries: give --entries FILE"),
        };
        match &common.decision_list {
            Some(_) if mode == DecisionMode::None => {
                return Err(Usage::error(
                    "--decision-list needs -l whitelist or -l blacklist, or decision in [client] of the settings",
                ));
            }
            Some(path) => {
                let shown = path.display().to_string();
                let (decisions, notes) =
                    parse_decisions(&shown, &read(path)?, &client(common), mode)?;
                declared.decisions = decisions;
                declared.notes.extend(notes);
            }
            None if mode != DecisionMode::None && common.entries.is_some() => {
                return Err(Usage::error(format!(
                    "-l {} with --entries needs --decision-list FILE",
                    mode.word()
                )));
            }
            None => {}
        }
        if let Some(note) = common.unused_decision(settings) {
            declared.notes.push(note);
        }
        Ok(declared)
    }

    /// Sends the report of the run.
    pub fn report(&mut self, statistics: &Element) -> anyhow::Result<()> {
        if let Some(connection) = &mut self.connection {
            Server::new(connection, self.retries).report(statistics)?;
        }
        Ok(())
    }
}

/// Scripts that run as root come from a server that is known by its certificate, or from this machine.
fn may_give_scripts(server: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(server) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = host.parse().ok();
    let here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    url.scheme() == "https" || here
}

fn proc(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()
}

/// This machine, as lists speak of it.
fn client(common: &Common) -> Client {
    let own = proc("hostname").unwrap_or_default();
    let hostname = common.hostname.as_deref().unwrap_or(own.trim());
    Client::new(hostname, common.groups.iter().cloned())
}

/// Entries of a file of any form: as a server would send them, or a list that is bound here.
fn from_file(common: &Common, path: &Path) -> anyhow::Result<Declared> {
    let client = client(common);
    let mut folders = Vec::new();
    for pattern in &common.rpmdirs {
        folders.extend(matching_folders(pattern)?);
    }
    let packages = match common.rpmdirs.is_empty() {
        true => None,
        false => Some(load_folders(&folders, &mut ())?.all),
    };
    let kernel = proc("osrelease");
    let keys = Beside(path.parent().unwrap_or(Path::new("")).to_owned());
    let facts = Facts {
        packages: packages.as_deref(),
        running_kernel: kernel.as_deref().map(str::trim),
        keys: &keys,
        today: jiff::Zoned::now().date(),
    };
    let file = path.display().to_string();
    let (root, mut notes) = entries(&file, &read(path)?, &client, &facts)?;
    notes.extend(check_entries(&file, &root)?);
    Ok(Declared {
        configuration: configuration_of(&file, &root)?,
        decisions: Vec::new(),
        from_server: false,
        notes,
    })
}

/// Key files that lists name lie beside the list.
#[derive(Debug)]
struct Beside(PathBuf);

impl KeySource for Beside {
    fn read(&self, file: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(file)).ok()
    }
}

/// Keeps a plan, in the place of an older one at most: a slip must not cost the list of entries.
pub fn keep_plan(path: &Path, text: &str) -> anyhow::Result<()> {
    let is_file = std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() > 0);
    if is_file && !is_plan(&read(path)?) {
        anyhow::bail!(
            "{} is there and is no plan; nothing is written over it: give -o another name",
            path.display()
        );
    }
    keep(path, text)
}

/// Keeps a configuration or a plan; it may hold secrets.
pub fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
