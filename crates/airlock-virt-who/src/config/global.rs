//! `[global]`: what is the same for all sources. Reference: virt-who, section 1.2.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::files::Paths;
use super::origin::{Origin, RawSection, Told};
use super::reader::Reader;
use crate::backend::Level;

/// Seconds between two reads of a source, when nobody says.
pub const INTERVAL: u64 = 3600;

/// The shortest interval.
pub const SHORTEST: u64 = 60;

/// Values that are the same for all sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// Between two reads of a source, and between two signs of life.
    pub interval: Duration,
    /// Log everything (but no secrets).
    pub debug: bool,
    /// Read and send once, then end.
    pub oneshot: bool,
    /// Print what was read and send nothing.
    pub print: bool,
    /// What the agent calls itself.
    pub reporter_id: String,
    /// Where the log file is.
    pub log_dir: PathBuf,
    /// Its name, when there is one for all.
    pub log_file: String,
    /// One log file a part of the program.
    pub log_per_config: bool,
    /// A file for metrics in Prometheus' text form.
    pub metrics_file: Option<PathBuf>,
    /// An address of the loopback where metrics are served.
    pub metrics_listen: Option<String>,
    /// Use the old check-in even if the server could do better.
    pub disable_async: bool,
    /// Where the values that somebody has set come from.
    pub origins: BTreeMap<String, Origin>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(INTERVAL),
            debug: false,
            oneshot: false,
            print: false,
            reporter_id: "localhost".to_owned(),
            log_dir: PathBuf::from("/var/log/rhsm"),
            log_file: "rhsm.log".to_owned(),
            log_per_config: false,
            metrics_file: None,
            metrics_listen: None,
            disable_async: false,
            origins: BTreeMap::new(),
        }
    }
}

/// Reads the section `[global]`, into which environment and command line were laid before. `-c` files are taken out by the
/// caller.
pub(crate) fn read(section: &RawSection, paths: &Paths, told: &mut Vec<Told>) -> Global {
    let mut reader = Reader::new(section);
    let mut global = Global {
        debug: reader.boolean("debug", false),
        oneshot: reader.boolean("oneshot", false),
        log_per_config: reader.boolean("log_per_config", false),
        ..Global::default()
    };
    global.origins = section
        .values
        .iter()
        .map(|(name, value)| (name.clone(), value.origin.clone()))
        .collect();
    global.print = reader.boolean("print_", false) | reader.boolean("print", false);
    global.oneshot |= global.print;
    // Chosen by the command line only; known here so that they are no unknown options.
    let _ = (
        reader.take("status"),
        reader.take("json"),
        reader.take("configs"),
    );
    if let Some(value) = reader.fixed("interval") {
        match value.text.parse::<u64>() {
            Ok(seconds) if seconds >= SHORTEST => global.interval = Duration::from_secs(seconds),
            _ => reader.tell(
                Level::Warning,
                &value.origin,
                format!(
                    "interval must be a number of seconds from {SHORTEST} on, not \"{}\"; {INTERVAL} is used",
                    value.text
                ),
            ),
        }
    }
    global.reporter_id = match reader.text("reporter_id") {
        Some(id) => id.text,
        None => reporter_id(paths),
    };
    if let Some(folder) = reader.text("log_dir") {
        global.log_dir = paths.named(&folder.text);
    } else {
        global.log_dir = paths.named("/var/log/rhsm");
    }
    if let Some(file) = reader.text("log_file") {
        global.log_file = file.text;
    }
    global.metrics_file = reader
        .text("metrics_file")
        .map(|file| paths.named(&file.text));
    if let Some(address) = reader.fixed("metrics_listen") {
        match address.text.parse::<std::net::SocketAddr>() {
            Ok(found) if found.ip().is_loopback() => global.metrics_listen = Some(address.text),
            _ => reader.tell(
                Level::Warning,
                &address.origin,
                "metrics_listen must be a port of the loopback, such as 127.0.0.1:9177; metrics are not served",
            ),
        }
    }
    told.extend(reader.finish());
    global
}

/// `HOSTNAME-MACHINEID`, or the host's name alone.
fn reporter_id(paths: &Paths) -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let machine = std::fs::read_to_string(paths.machine_id()).unwrap_or_default();
    match machine.lines().next().map(str::trim) {
        Some(id) if !id.is_empty() => format!("{host}-{id}"),
        _ => host,
    }
}

/// The proxies that the environment names, by the rules of the old program: `http_proxy` is not used itself, but stands in
/// for a missing `https_proxy`, whose own scheme is always `http:`.
#[must_use]
pub fn proxy(variables: &super::Environment) -> crate::settings::Proxy {
    let value = |name: &str| {
        [name.to_owned(), name.to_uppercase()]
            .iter()
            .find_map(|name| variables.get(name))
            .filter(|text| !text.is_empty())
            .cloned()
    };
    let https = value("https_proxy")
        .or_else(|| value("http_proxy"))
        .map(|text| crate::secret::Secret::new(text.replace("https:", "http:")));
    if https.is_none() {
        return crate::settings::Proxy::None;
    }
    crate::settings::Proxy::Environment {
        http: None,
        https,
        except: value("no_proxy"),
    }
}
