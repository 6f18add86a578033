//! What the program does, mode by mode. Exit status: 0 all went well, 1 something did not, 2 and 64 wrong usage.

mod connect;
mod daemon;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use airlock_model::{Clock, SystemClock};

use crate::backend::Level;
use crate::cli::{Mode, Wanted};
use crate::config::explain::explain;
use crate::config::{Configuration, Paths, load};
use crate::engine::{Real, Shared, once, read_once};
use crate::logging::{self, Kind};
use crate::model::Report;
use crate::model::json::{Form, Printed};
use crate::password::Key;
use crate::state::State;
use crate::status;

/// Everything went well.
const GOOD: u8 = 0;
/// Something did not.
const BAD: u8 = 1;

fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// What a run is about.
pub(crate) struct Run {
    pub wanted: Wanted,
    pub paths: Paths,
}

impl Run {
    /// Reads the configuration anew.
    pub(crate) fn load(&self) -> Configuration {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        load(&self.paths, &self.wanted.line, &environment)
    }
}

/// Does what is wanted; the exit status.
#[must_use]
pub fn run(wanted: Wanted) -> u8 {
    let paths = Paths::below(&wanted.root).state_in(wanted.state.clone());
    let run = Run { wanted, paths };
    match run.wanted.mode.clone() {
        Mode::Password { password } => encrypt(&run.paths, password),
        Mode::AcceptChange(sources) => accept(&run.paths, &sources),
        mode => {
            let configuration = run.load();
            let mode = match mode {
                Mode::Daemon if configuration.global.print => Mode::Print(Form::New),
                Mode::Daemon if configuration.global.oneshot => Mode::Once,
                mode => mode,
            };
            let kind = match mode {
                Mode::Daemon | Mode::Once => Kind::Daemon,
                _ => Kind::Command,
            };
            logging::start(&configuration.global, kind);
            let runtime = match tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    complain(&format!("The program cannot start: {error}"));
                    return BAD;
                }
            };
            runtime.block_on(started(&run, configuration, mode))
        }
    }
}

async fn started(run: &Run, configuration: Configuration, mode: Mode) -> u8 {
    if let Mode::Check { connect, json } = mode {
        return check(run, &configuration, connect, json).await;
    }
    tell(&configuration);
    if configuration.sources.is_empty() {
        return BAD;
    }
    let dropped = !configuration.dropped.is_empty();
    let shared = shared(run);
    match mode {
        Mode::Daemon => daemon::run(run, configuration, shared).await,
        Mode::Once => {
            tracing::info!("Using reporter_id='{}'", configuration.global.reporter_id);
            let outcome = once(&configuration, &shared).await;
            for failure in &outcome.failures {
                tracing::error!("{failure}");
            }
            status_of(outcome.failures.is_empty() && !dropped)
        }
        Mode::Print(form) => status_of(print(&configuration, &shared, form).await && !dropped),
        Mode::Status { json } => {
            let found = status::ask(&configuration, &shared).await;
            if json {
                say(&format!(
                    "{}\n",
                    serde_json::to_string_pretty(&found).unwrap_or_default()
                ));
            } else {
                let colours = run.wanted.old || std::io::stdout().is_terminal();
                say(&found.text(colours, !run.wanted.old));
            }
            status_of(found.good() && !dropped)
        }
        Mode::Check { .. } | Mode::Password { .. } | Mode::AcceptChange(_) => GOOD,
    }
}

fn status_of(good: bool) -> u8 {
    if good { GOOD } else { BAD }
}

fn shared(run: &Run) -> Shared {
    let folder: PathBuf = run.paths.state();
    let mut shared = Shared::new(
        State::new(&folder),
        Arc::new(SystemClock),
        Arc::new(Real { state: folder }),
    );
    shared.accept = run.wanted.accept;
    shared.resend = run.wanted.resend;
    shared
}

/// Logs what there is to say about a configuration.
pub(crate) fn tell(configuration: &Configuration) {
    for told in &configuration.told {
        match told.level {
            Level::Error => tracing::error!("{told}"),
            Level::Warning => tracing::warn!("{told}"),
            Level::Info => tracing::info!("{told}"),
        }
    }
    for dropped in &configuration.dropped {
        for told in &dropped.told {
            match told.level {
                Level::Error => tracing::error!("{told}"),
                Level::Warning => tracing::warn!("{told}"),
                Level::Info => tracing::info!("{told}"),
            }
        }
        tracing::error!("Dropping invalid configuration \"{}\"", dropped.name);
    }
}

async fn print(configuration: &Configuration, shared: &Shared, form: Form) -> bool {
    let mut good = true;
    let mut reports = Vec::new();
    for read in read_once(configuration, shared, true).await {
        for note in &read.notes {
            tracing::warn!("Configuration \"{}\": {note}", read.source.name);
        }
        match read.inventory {
            Ok(inventory) => {
                let inventory = Arc::unwrap_or_clone(inventory);
                reports.push(match inventory.local.clone() {
                    Some(local) => Report::Local(local),
                    None => Report::Hosts(
                        inventory
                            .hosts()
                            .iter()
                            .map(|host| (**host).clone())
                            .collect(),
                    ),
                });
            }
            Err(error) => {
                good = false;
                tracing::error!("Source \"{}\" fails with error: {error}", read.source.name);
            }
        }
    }
    let text = match form {
        Form::Old => serde_json::to_string(&Printed(&reports, form)),
        Form::New => indented(&Printed(&reports, form)),
    };
    match text {
        Ok(text) => say(&format!("{text}\n")),
        Err(error) => {
            complain(&format!("The report cannot be written: {error}"));
            good = false;
        }
    }
    good
}

/// JSON with four blanks a level, as Python's `indent=4` writes it.
fn indented<T: serde::Serialize>(value: &T) -> serde_json::Result<String> {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    value.serialize(&mut serializer)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

async fn check(run: &Run, configuration: &Configuration, connect: bool, json: bool) -> u8 {
    let explanation = explain(configuration);
    let mut good = configuration.dropped.is_empty()
        && !configuration.sources.is_empty()
        && !configuration
            .told
            .iter()
            .any(|told| told.level == Level::Error);
    let mut document = serde_json::json!(explanation);
    let mut text = explanation.text();
    if connect {
        let (connected, all_well) = connect::connected(configuration, &shared(run)).await;
        good &= all_well;
        for line in &connected {
            text.push_str(line);
            text.push('\n');
        }
        if let Some(map) = document.as_object_mut() {
            map.insert("connected".to_owned(), serde_json::json!(connected));
        }
    }
    if json {
        say(&format!(
            "{}\n",
            serde_json::to_string_pretty(&document).unwrap_or_default()
        ));
    } else {
        say(&text);
    }
    status_of(good)
}

fn encrypt(paths: &Paths, password: Option<String>) -> u8 {
    let password = match password {
        Some(password) => password,
        None => match ask_for_password() {
            Ok(password) => password,
            Err(error) => {
                complain(&format!("The password cannot be read: {error}"));
                return BAD;
            }
        },
    };
    match Key::read_or_make(&paths.key()) {
        Ok(key) => {
            complain(
                "Use following as value for encrypted_password key in the configuration file:",
            );
            say(&format!("{}\n", key.encrypt(&password)));
            GOOD
        }
        Err(error) => {
            complain(&error.to_string());
            BAD
        }
    }
}

/// One line of standard input; on a terminal it is not shown.
fn ask_for_password() -> std::io::Result<String> {
    let input = std::io::stdin();
    let terminal = input.is_terminal();
    let before = if terminal {
        let mut error = std::io::stderr().lock();
        write!(error, "Password: ")?;
        error.flush()?;
        let before = rustix::termios::tcgetattr(&input)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Now, &hidden)?;
        Some(before)
    } else {
        None
    };
    let mut line = String::new();
    let read = input.read_line(&mut line);
    if let Some(before) = before {
        rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Now, &before)?;
        complain("");
    }
    read?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

fn accept(paths: &Paths, sources: &[String]) -> u8 {
    let state = State::new(paths.state());
    let now = SystemClock.now();
    let all = [String::new()];
    let sources = if sources.is_empty() { &all } else { sources };
    for source in sources {
        if let Err(error) = state.ask_to_accept(source, now) {
            complain(&error.to_string());
            return BAD;
        }
    }
    complain("The running program sends what it holds back within seconds.");
    GOOD
}
