//! `status`: logs in everywhere and says how it went. Reference: virt-who, section 8.

use std::fmt::Write as _;

use airlock_model::Instant;
use serde::Serialize;

use crate::config::{Configuration, DestinationSettings, Source};
use crate::engine::Shared;
use crate::state::Refused;

/// How all sources and destinations are.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// One a source and destination.
    pub configurations: Vec<OfSource>,
}

/// How a source and its destination are.
#[derive(Debug, Clone, Serialize)]
pub struct OfSource {
    /// The source's name.
    pub name: String,
    /// The source.
    pub source: Side,
    /// Its first destination.
    pub destination: Other,
    /// All of them, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Other>,
}

/// How a source is.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// The address.
    pub connection: Option<String>,
    /// `success` or `failure`.
    pub status: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was read last.
    pub last_successful_retrieve: Option<String>,
    /// Hosts then.
    pub hypervisors: Option<u64>,
    /// Guests then.
    pub guests: Option<u64>,
}

/// How a destination is.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// The address.
    pub connection: Option<String>,
    /// `success` or `failure`.
    pub status: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it took a report last.
    pub last_successful_send: Option<String>,
    /// How its job stands.
    pub last_successful_send_job_status: Option<String>,
    /// The report that is held back, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<String>,
}

/// Asks everybody. A login that was refused lately is not tried.
pub async fn ask(configuration: &Configuration, shared: &Shared) -> Status {
    let mut configurations = Vec::new();
    for source in &configuration.sources {
        let side = side(source, shared).await;
        let mut others = Vec::new();
        for settings in &source.destinations {
            others.push(other(source, settings, shared).await);
        }
        let mut others = others.into_iter();
        let Some(destination) = others.next() else {
            continue;
        };
        let mut destinations: Vec<Other> = others.collect();
        if !destinations.is_empty() {
            destinations.insert(0, destination.clone());
        }
        configurations.push(OfSource {
            name: source.name.clone(),
            source: side,
            destination,
            destinations,
        });
    }
    Status { configurations }
}

fn shown(micros: i64) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn refusal(refused: Option<&Refused>, source: &Source, now: Instant) -> Option<String> {
    let refused = refused?;
    let until = refused.until(&hex::encode(source.fingerprint), now)?;
    Some(format!(
        "{}; not tried again before {}.",
        refused.reason,
        shown(until.0)?
    ))
}

async fn side(source: &Source, shared: &Shared) -> Side {
    let now = shared.clock.now();
    let mut reads = shared.state.reads(&source.name);
    let message = match refusal(reads.refused.as_ref(), source, now) {
        Some(message) => Some(message),
        None => match login(source, shared).await {
            Ok(()) => None,
            Err(error) => {
                if error.refused() {
                    reads.refused = Some(Refused {
                        at: now.0,
                        fingerprint: hex::encode(source.fingerprint),
                        reason: error.to_string(),
                    });
                    if let Err(error) = shared.state.save_reads(&reads) {
                        tracing::error!("{error}");
                    }
                }
                Some(format!("{error}."))
            }
        },
    };
    let ever = reads.read_at.is_some();
    Side {
        connection: Some(source.settings.server.clone()).filter(|server| !server.is_empty()),
        status: word(message.is_none()),
        message,
        last_successful_retrieve: reads.read_at.and_then(shown),
        hypervisors: ever.then_some(reads.hosts),
        guests: ever.then_some(reads.guests),
    }
}

async fn login(source: &Source, shared: &Shared) -> crate::backend::Result<()> {
    let mut backend = shared.make.backend(source)?;
    let done = backend.connect().await;
    backend.close().await;
    done
}

async fn other(source: &Source, settings: &DestinationSettings, shared: &Shared) -> Other {
    let now = shared.clock.now();
    let mut report = shared
        .state
        .report(&settings.identity(), &source.name, source.kind);
    let mut job = report.job_state.clone();
    let message = match refusal(report.refused.as_ref(), source, now) {
        Some(message) => Some(message),
        None => match shared.make.destination(settings) {
            Err(error) => Some(format!("{error}.")),
            Ok(mut destination) => match destination.status().await {
                Ok(_) => {
                    if let Some(id) = &report.job {
                        job = Some(match destination.job(id).await {
                            Ok(
                                crate::destination::Job::Running(state)
                                | crate::destination::Job::Done(state, _)
                                | crate::destination::Job::Failed(state, _),
                            ) => state,
                            Err(_) => "UNKNOWN".to_owned(),
                        });
                    }
                    None
                }
                Err(error) => {
                    if error.refused() {
                        report.refused = Some(Refused {
                            at: now.0,
                            fingerprint: hex::encode(source.fingerprint),
                            reason: error.to_string(),
                        });
                        if let Err(error) = shared.state.save_report(&report) {
                            tracing::error!("{error}");
                        }
                    }
                    Some(format!("{error}."))
                }
            },
        },
    };
    Other {
        connection: Some(settings.connection().to_owned()),
        status: word(message.is_none()),
        message,
        last_successful_send: report.sent_at.and_then(shown),
        last_successful_send_job_status: job,
        held_back: report
            .held
            .as_ref()
            .map(|held| format!("{} ({} equal full reads)", held.reason, held.reads)),
    }
}

fn word(good: bool) -> &'static str {
    if good { "success" } else { "failure" }
}

impl Status {
    /// Whether everything is well.
    #[must_use]
    pub fn good(&self) -> bool {
        self.configurations.iter().all(|of| {
            of.source.message.is_none()
                && of.destination.message.is_none()
                && of.destinations.iter().all(|other| other.message.is_none())
        })
    }

    /// The text form. Without `full` it is virt-who's, line by line.
    #[must_use]
    pub fn text(&self, colours: bool, full: bool) -> String {
        let paint = |word: &str| match (colours, word) {
            (false, _) => word.to_owned(),
            (true, "success") => format!("\u{1b}[1;32m{word}\u{1b}[0;0m"),
            (true, _) => format!("\u{1b}[1;31m{word}\u{1b}[0;0m"),
        };
        let line = "+-------------------------------------------+";
        let mut out = format!("{line}\n           Configuration Status\n{line}\n");
        for of in &self.configurations {
            let _ = writeln!(out, "Configuration Name: {}", of.name);
            let _ = writeln!(out, "Source Status: {}", paint(of.source.status));
            if full {
                details(&mut out, of.source.message.as_deref(), None);
                if let (Some(at), Some(hosts), Some(guests)) = (
                    &of.source.last_successful_retrieve,
                    of.source.hypervisors,
                    of.source.guests,
                ) {
                    let _ = writeln!(
                        out,
                        "  last read {at}: {hosts} hypervisors, {guests} guests"
                    );
                }
            }
            let others = if of.destinations.is_empty() {
                std::slice::from_ref(&of.destination)
            } else {
                of.destinations.as_slice()
            };
            for other in others {
                let _ = writeln!(out, "Destination Status: {}", paint(other.status));
                if full {
                    let _ = writeln!(out, "  {}", other.connection.as_deref().unwrap_or(""));
                    details(
                        &mut out,
                        other.message.as_deref(),
                        other.held_back.as_deref(),
                    );
                    if let Some(at) = &other.last_successful_send {
                        let job = other.last_successful_send_job_status.as_deref();
                        let job = job.map(|job| format!(", job {job}")).unwrap_or_default();
                        let _ = writeln!(out, "  last sent {at}{job}");
                    }
                }
            }
            out.push('\n');
        }
        out
    }
}

fn details(out: &mut String, message: Option<&str>, held: Option<&str>) {
    if let Some(message) = message {
        let _ = writeln!(out, "  {message}");
    }
    if let Some(held) = held {
        let _ = writeln!(out, "  held back: {held}");
    }
}
