//! The log: standard error, the journal, `rhsm.log`. Reference: virt-who, section 8.
//!
//! Only this program's own lines go below warnings: what libraries say in detail could hold passwords.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Global;

/// Whether everything is logged; a reload may change it.
static DEBUG: AtomicBool = AtomicBool::new(false);

/// Where lines go.
struct Log {
    /// Somebody waits for the program's output: standard error has warnings only.
    command: bool,
    journal: bool,
    files: Option<Arc<Files>>,
}

/// Log files, opened again when somebody has moved them, and after a reload.
#[derive(Default)]
struct Files(Mutex<Open>);

#[derive(Default)]
struct Open {
    folder: PathBuf,
    one: String,
    /// One file for each part of the program instead.
    split: bool,
    files: std::collections::BTreeMap<PathBuf, File>,
}

/// The files of the log that was started, for a reload.
static FILES: OnceLock<Arc<Files>> = OnceLock::new();

/// What kind of program writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It runs on its own: everything goes everywhere.
    Daemon,
    /// Somebody waits for its output: only warnings go to standard error, and no file is written.
    Command,
}

/// Starts the log. A second call does nothing.
pub fn start(global: &Global, kind: Kind) {
    let daemon = kind == Kind::Daemon;
    let log = Log {
        command: !daemon,
        journal: std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal(),
        files: daemon.then(|| Arc::clone(FILES.get_or_init(Arc::default))),
    };
    let _ = tracing_subscriber::registry().with(log).try_init();
    debug(global.debug);
    if daemon {
        reopen(global);
    }
}

/// Opens the log files anew, where the configuration says now; makes their folder when it is missing.
pub fn reopen(global: &Global) {
    let Some(files) = FILES.get() else {
        return;
    };
    let folder = &global.log_dir;
    let made = if folder.is_dir() {
        Ok(())
    } else {
        std::fs::create_dir_all(folder)
    };
    *files.open() = Open {
        folder: folder.clone(),
        one: global.log_file.clone(),
        split: global.log_per_config,
        files: std::collections::BTreeMap::new(),
    };
    if let Err(error) = made {
        tracing::warn!(
            "log_dir {} cannot be made: {error}; the log goes to standard error only",
            folder.display()
        );
    }
}

/// Logs everything, or no longer.
pub fn debug(on: bool) {
    DEBUG.store(on, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
}

/// The name of the part of the program, kept with its span.
struct Part(String);

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            let _ = write!(self.fields, " {}={value}", field.name());
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = metadata.target().starts_with("airlock_virt_who");
        let least = match (own, DEBUG.load(Ordering::Relaxed)) {
            (true, true) => Level::DEBUG,
            (true, false) => Level::INFO,
            (false, _) => Level::WARN,
        };
        *metadata.level() <= least
    }

    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        context: Context<'_, S>,
    ) {
        if attributes.metadata().name() != "destination" {
            return;
        }
        let mut text = Text::default();
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            use sha2::Digest as _;
            let hash = hex::encode(sha2::Sha256::digest(text.fields.as_bytes()));
            let short = hash.get(..16).unwrap_or(&hash);
            span.extensions_mut()
                .insert(Part(format!("virtwho.destination_{short}")));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            _ => "DEBUG",
        };
        // One event is one line, whatever a server wrote into its messages.
        // It steers no terminal either.
        let message = format!("{}{}", text.message, text.fields).replace(char::is_control, " ");
        let place = format!(
            "@{}:{}",
            metadata
                .file()
                .and_then(|file| file.rsplit('/').next())
                .unwrap_or("?"),
            metadata.line().unwrap_or(0)
        );
        let quiet =
            self.command && !DEBUG.load(Ordering::Relaxed) && *metadata.level() > Level::WARN;
        if !quiet {
            let line = if self.journal {
                let priority = match *metadata.level() {
                    Level::ERROR => 3,
                    Level::WARN => 4,
                    Level::INFO => 6,
                    _ => 7,
                };
                format!("<{priority}>[{level}] {place} - {message}\n")
            } else {
                format!("{} {level}: {message}\n", now())
            };
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
        if let Some(files) = &self.files {
            let part = context
                .event_scope(event)
                .and_then(|mut scope| {
                    scope
                        .find_map(|span| span.extensions().get::<Part>().map(|part| part.0.clone()))
                })
                .unwrap_or_else(|| "virtwho.main".to_owned());
            files.write(&part, &format!("{} [{level}] {place} - {message}\n", now()));
        }
    }
}

fn now() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%d %H:%M:%S,%3f")
        .to_string()
}

impl Files {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self, part: &str, line: &str) {
        let mut open = self.open();
        if open.folder.as_os_str().is_empty() {
            return;
        }
        let path = if open.split {
            open.folder.join(format!("{part}.log"))
        } else {
            open.folder.join(&open.one)
        };
        let same = match (
            open.files.get(&path).map(File::metadata),
            std::fs::metadata(&path),
        ) {
            (Some(Ok(ours)), Ok(there)) => ours.ino() == there.ino() && ours.dev() == there.dev(),
            _ => false,
        };
        if !same {
            let opened = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o640)
                .open(&path);
            match opened {
                Ok(file) => {
                    open.files.insert(path.clone(), file);
                }
                Err(_) => {
                    // The log cannot tell in the log; standard error has the line anyway.
                    open.files.remove(&path);
                    return;
                }
            }
        }
        if let Some(file) = open.files.get_mut(&path) {
            let _ = file.write_all(line.as_bytes());
        }
    }
}
