//! The loop: one task a source, one task a destination, and a table between them.
//!
//! A source task reads, filters and puts what it has into the table; a destination task looks at the table whenever something
//! in it has changed, and sends what it has not taken yet. What counts is always the newest state, never a queue of reports:
//! a destination that was away gets one report when it is back. Waiting is done with tokio's time and instants come from the
//! [`Clock`], so that tests simulate hours.

mod across;
mod once;
mod retire;
mod source;
mod table;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airlock_model::Clock;
pub use once::{Outcome, ReadOnce, once, read_once};
pub use table::{Health, Table};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::backend::{self, Backend};
use crate::config::{Configuration, DestinationSettings, Source};
use crate::destination::{self, Destination};
use crate::metrics::Metrics;
use crate::state::State;

/// How backends and destinations are made; tests make their own.
pub trait Make: Send + Sync {
    /// A backend for a source.
    ///
    /// # Errors
    /// Settings that cannot work.
    fn backend(&self, source: &Source) -> backend::Result<Box<dyn Backend>>;

    /// A destination.
    ///
    /// # Errors
    /// Settings that cannot work.
    fn destination(
        &self,
        settings: &DestinationSettings,
    ) -> destination::Result<Box<dyn Destination>>;
}

/// The real ones.
#[derive(Debug)]
pub struct Real {
    /// The folder of the state, where Satellite 5's system ids are.
    pub state: std::path::PathBuf,
}

impl Make for Real {
    fn backend(&self, source: &Source) -> backend::Result<Box<dyn Backend>> {
        match source.kind() {
            Some(kind) => kind.open(source.settings.clone()),
            None => Err(backend::Error::Unsupported {
                what: format!("type={}", source.kind),
                instead: "Choose another type".to_owned(),
            }),
        }
    }

    fn destination(
        &self,
        settings: &DestinationSettings,
    ) -> destination::Result<Box<dyn Destination>> {
        destination::open(settings, &self.state)
    }
}

/// What all tasks share.
#[derive(Clone)]
pub struct Shared {
    /// What sources have.
    pub table: Arc<Table>,
    /// What is kept over restarts.
    pub state: State,
    /// The present instant.
    pub clock: Arc<dyn Clock>,
    /// Makes backends and destinations.
    pub make: Arc<dyn Make>,
    /// Numbers for whoever watches.
    pub metrics: Arc<Metrics>,
    /// Send what looks wrong too: asked for on the command line.
    pub accept: bool,
    /// Send everything again, whatever was taken before: asked for on the command line.
    pub resend: bool,
}

impl Shared {
    /// Everything that tasks need.
    #[must_use]
    pub fn new(state: State, clock: Arc<dyn Clock>, make: Arc<dyn Make>) -> Self {
        Self {
            table: Arc::new(Table::default()),
            state,
            clock,
            make,
            metrics: Arc::new(Metrics::default()),
            accept: false,
            resend: false,
        }
    }
}

struct Task {
    fingerprint: [u8; 32],
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

/// The running program.
pub struct Engine {
    shared: Shared,
    interval: Duration,
    sources: BTreeMap<String, Task>,
    workers: Vec<(CancellationToken, JoinHandle<()>)>,
    configuration: Configuration,
}

impl Engine {
    /// Starts nothing yet; [`Engine::apply`] does.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self {
            shared,
            interval: Duration::ZERO,
            sources: BTreeMap::new(),
            workers: Vec::new(),
            configuration: Configuration::default(),
        }
    }

    /// What tasks share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Takes over a configuration that was read anew, unless a part of it could not be read: then everything stays as it is.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn reload(&mut self, configuration: Configuration) -> Result<(), String> {
        if let Some(why) = configuration.refusal(&self.configuration) {
            return Err(why);
        }
        self.apply(configuration).await;
        Ok(())
    }

    /// Makes the running tasks those of this configuration: what is the same goes on, what has changed is started again, what
    /// is gone is stopped and retired.
    pub async fn apply(&mut self, configuration: Configuration) {
        for (stop, handle) in std::mem::take(&mut self.workers) {
            stop.cancel();
            finish(handle).await;
        }
        let configuration = configuration.keeping(&self.configuration);
        let same_interval = self.interval == configuration.global.interval;
        self.interval = configuration.global.interval;
        let mut gone = Vec::new();
        for (name, task) in std::mem::take(&mut self.sources) {
            match configuration.source(&name) {
                Some(source) if source.fingerprint == task.fingerprint && same_interval => {
                    self.sources.insert(name, task);
                }
                other => {
                    if other.is_some() {
                        tracing::info!("Configuration \"{name}\" has changed and is read again");
                    } else {
                        tracing::info!("Configuration \"{name}\" is gone");
                        gone.push(name.clone());
                    }
                    task.stop.cancel();
                    finish(task.handle).await;
                    self.shared.table.remove(&name);
                    self.shared.metrics.forget_source(&name);
                }
            }
        }
        let old = std::mem::replace(&mut self.configuration, configuration);
        self.retire(&old).await;
        for name in gone {
            self.shared.state.forget_reads(&name);
        }
        for source in &self.configuration.sources {
            if self.sources.contains_key(&source.name) {
                continue;
            }
            tracing::info!(
                "Using configuration \"{}\" (\"{}\" mode)",
                source.name,
                source.kind
            );
            let stop = CancellationToken::new();
            self.shared.table.expect(&source.name);
            let task = source::run(
                Arc::new(source.clone()),
                self.shared.clone(),
                self.interval,
                stop.clone(),
            );
            self.sources.insert(
                source.name.clone(),
                Task {
                    fingerprint: source.fingerprint,
                    stop,
                    handle: tokio::spawn(task),
                },
            );
        }
        for (settings, sources) in by_destination(&self.configuration) {
            let stop = CancellationToken::new();
            let worker = worker::run(
                settings,
                sources,
                self.shared.clone(),
                self.interval,
                stop.clone(),
            );
            self.workers.push((stop, tokio::spawn(worker)));
        }
    }

    /// Tells servers about pairs of destination and source that are no longer configured.
    async fn retire(&self, old: &Configuration) {
        let now: Vec<(String, &str)> = pairs(&self.configuration);
        for report in self.shared.state.reports() {
            let known = now.iter().any(|(destination, source)| {
                *destination == report.destination && *source == report.source
            });
            // A section that is there but cannot be used, or a file that cannot be read, is a mistake and no farewell.
            if known || self.configuration.may_hold(&report.source) {
                continue;
            }
            let settings = by_destination(&self.configuration)
                .into_iter()
                .chain(by_destination(old))
                .map(|(settings, _)| settings)
                .find(|settings| settings.identity() == report.destination);
            retire::retire(settings.as_ref(), report, &self.shared).await;
        }
    }

    /// Stops all tasks; each ends what it is doing and logs out.
    pub async fn stop(mut self) {
        for (stop, _) in &self.workers {
            stop.cancel();
        }
        for task in self.sources.values() {
            task.stop.cancel();
        }
        for (_, handle) in std::mem::take(&mut self.workers) {
            finish(handle).await;
        }
        for task in std::mem::take(&mut self.sources).into_values() {
            finish(task.handle).await;
        }
    }
}

/// How long a task may take to end what it is doing.
const FAREWELL: Duration = Duration::from_secs(20);

/// Waits for a task that was told to stop; one that hangs in a request is dropped.
async fn finish(mut handle: JoinHandle<()>) {
    if tokio::time::timeout(FAREWELL, &mut handle).await.is_err() {
        handle.abort();
    }
}

/// The destinations with their sources; sources whose destinations are the same are together.
pub(crate) fn by_destination(
    configuration: &Configuration,
) -> Vec<(DestinationSettings, Vec<Arc<Source>>)> {
    let mut out: Vec<(DestinationSettings, Vec<Arc<Source>>)> = Vec::new();
    for source in &configuration.sources {
        let source = Arc::new(source.clone());
        for settings in &source.destinations {
            match out.iter_mut().find(|(found, _)| found == settings) {
                Some((_, sources)) => sources.push(Arc::clone(&source)),
                None => out.push((settings.clone(), vec![Arc::clone(&source)])),
            }
        }
    }
    out
}

fn pairs(configuration: &Configuration) -> Vec<(String, &str)> {
    configuration
        .sources
        .iter()
        .flat_map(|source| {
            source
                .destinations
                .iter()
                .map(|settings| (settings.identity(), source.name.as_str()))
        })
        .collect()
}

/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(900);

/// The first pause after a failure.
const FIRST: Duration = Duration::from_secs(15);

/// The pause after so many failures in a row: doubling, never longer than the interval or a quarter of an hour, and spread by
/// up to a half, so that many agents do not come back at the same moment.
pub(crate) fn pause(failures: u32, interval: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(
        1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    let most = interval.clamp(FIRST, LONGEST);
    let whole = doubled.min(most);
    let spread: f64 = rand::random_range(0.5..=1.0);
    whole.mul_f64(spread)
}

#[cfg(test)]
mod tests;
