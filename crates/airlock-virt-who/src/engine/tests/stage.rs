//! The stage: a configuration in a folder of its own, backends and destinations that do as they are told, and a clock that
//! goes with tokio's simulated time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use airlock_model::{Clock, Instant};
use async_trait::async_trait;

use crate::backend::{self, Backend, Page, Sink, Watched, Whole};
use crate::config::{
    CommandLine, Configuration, DestinationSettings, Environment, Paths, Source, load,
};
use crate::destination::{self, Delivery, Destination, Error, Job, Named, Sent, Taken};
use crate::engine::{Engine, Make, Outcome, Shared, once};
use crate::model::{Guest, Hypervisor, State as GuestState};
use crate::state::{Held, State};

/// Hosts with so many guests each.
pub fn hosts(list: &[(&str, u64)]) -> Vec<Hypervisor> {
    let kind: Arc<str> = "fake".into();
    list.iter()
        .map(|(id, guests)| {
            let mut host = Hypervisor::new(*id);
            host.guests = (0..*guests)
                .map(|number| Guest::new(format!("{id}-{number}"), GuestState::Running, &kind))
                .collect();
            host
        })
        .collect()
}

/// Lets simulated time pass.
pub async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

/// What a destination saw.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Source, hosts, guests.
    pub sent: Vec<(String, u64, u64)>,
    pub heartbeats: usize,
    pub tries: usize,
    pub polls: usize,
    pub silent: Vec<String>,
    pub retired: Vec<String>,
    down: bool,
    /// Heartbeats fail, reports do not.
    mute: bool,
    refuses: bool,
    forgot: bool,
    busy: Option<Duration>,
    jobs: Vec<&'static str>,
}

enum Script {
    Hosts(Vec<Hypervisor>),
    Fails { refused: bool },
}

/// What a watch does.
#[derive(Clone, Copy, PartialEq)]
pub enum Watch {
    /// It says at once that something has changed.
    Changed,
    /// It ends at once, without a word.
    Ends,
    /// It waits, and hears nothing ever.
    Deaf,
}

#[derive(Default)]
struct Inner {
    watch: HashMap<String, Watch>,
    watches: HashMap<String, usize>,
    afresh: HashMap<String, usize>,
    sources: HashMap<String, Script>,
    connects: HashMap<String, usize>,
    reads: HashMap<String, usize>,
    /// After so many reads a session is no longer known.
    ends: HashMap<String, usize>,
    destinations: HashMap<&'static str, Seen>,
}

#[derive(Clone, Default)]
struct Scripts(Arc<Mutex<Inner>>);

impl Scripts {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

#[derive(Debug)]
struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn now(&self) -> Instant {
        let passed = i64::try_from(self.0.elapsed().as_micros()).unwrap();
        Instant(1_800_000_000_000_000 + passed)
    }
}

pub struct Stage {
    folder: tempfile::TempDir,
    scripts: Scripts,
    clock: Arc<TestClock>,
    interval: Mutex<u64>,
}

impl Stage {
    pub fn new(text: &str) -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            scripts: Scripts::default(),
            clock: Arc::new(TestClock(tokio::time::Instant::now())),
            interval: Mutex::new(3600),
        };
        std::fs::write(
            stage.folder.path().join("source.json"),
            "{\"hypervisors\":[]}",
        )
        .unwrap();
        std::fs::create_dir_all(stage.folder.path().join("etc/virt-who.d")).unwrap();
        stage.write(text);
        stage
    }

    pub fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("etc/virt-who.d/a.conf"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn interval(&self, seconds: u64) {
        *self.interval.lock().unwrap() = seconds;
    }

    pub fn configuration(&self) -> Configuration {
        let mut line = CommandLine::default();
        let interval = self.interval.lock().unwrap().to_string();
        line.global
            .insert("interval".to_owned(), (interval, "--interval".to_owned()));
        load(
            &Paths::below(self.folder.path()),
            &line,
            &Environment::new(),
        )
    }

    fn shared(&self) -> Shared {
        Shared::new(
            self.state(),
            self.clock.clone(),
            Arc::new(self.scripts.clone()),
        )
    }

    pub fn state(&self) -> State {
        State::new(self.folder.path().join("state"))
    }

    pub async fn start(&self) -> Engine {
        let mut engine = Engine::new(self.shared());
        engine.apply(self.configuration()).await;
        engine
    }

    pub async fn once(&self) -> Outcome {
        once(&self.configuration(), &self.shared()).await
    }

    pub async fn once_accepting(&self) -> Outcome {
        let mut shared = self.shared();
        shared.accept = true;
        once(&self.configuration(), &shared).await
    }

    pub async fn start_resending(&self) -> Engine {
        let mut shared = self.shared();
        shared.resend = true;
        let mut engine = Engine::new(shared);
        engine.apply(self.configuration()).await;
        engine
    }

    pub async fn status(&self) -> crate::status::Status {
        crate::status::ask(&self.configuration(), &self.shared()).await
    }

    pub fn source(&self, name: &str, hosts: Vec<Hypervisor>) {
        self.scripts
            .inner()
            .sources
            .insert(name.to_owned(), Script::Hosts(hosts));
    }

    pub fn fails(&self, name: &str, refused: bool) {
        self.scripts
            .inner()
            .sources
            .insert(name.to_owned(), Script::Fails { refused });
    }

    pub fn sessions_end(&self, name: &str, reads: usize) {
        self.scripts.inner().ends.insert(name.to_owned(), reads);
    }

    pub fn watch(&self, name: &str, watch: Watch) {
        self.scripts.inner().watch.insert(name.to_owned(), watch);
    }

    pub fn watches(&self, name: &str) -> usize {
        self.scripts.inner().watches.get(name).copied().unwrap_or(0)
    }

    pub fn afresh(&self, name: &str) -> usize {
        self.scripts.inner().afresh.get(name).copied().unwrap_or(0)
    }

    pub fn connects(&self, name: &str) -> usize {
        self.scripts
            .inner()
            .connects
            .get(name)
            .copied()
            .unwrap_or(0)
    }

    pub fn reads(&self, name: &str) -> usize {
        self.scripts.inner().reads.get(name).copied().unwrap_or(0)
    }

    pub fn seen(&self, kind: &str) -> Seen {
        self.scripts
            .inner()
            .destinations
            .get(kind)
            .cloned()
            .unwrap_or_default()
    }

    fn change(&self, kind: &'static str, change: impl FnOnce(&mut Seen)) {
        change(self.scripts.inner().destinations.entry(kind).or_default());
    }

    pub fn down(&self, kind: &'static str, down: bool) {
        self.change(kind, |seen| seen.down = down);
    }

    pub fn mute(&self, kind: &'static str, mute: bool) {
        self.change(kind, |seen| seen.mute = mute);
    }

    pub fn refuses(&self, kind: &'static str, refuses: bool) {
        self.change(kind, |seen| seen.refuses = refuses);
    }

    pub fn forgets(&self, kind: &'static str) {
        self.change(kind, |seen| seen.forgot = true);
    }

    pub fn busy(&self, kind: &'static str, busy: Option<Duration>) {
        self.change(kind, |seen| seen.busy = busy);
    }

    pub fn jobs(&self, kind: &'static str, states: &[&'static str]) {
        self.change(kind, |seen| seen.jobs = states.to_vec());
    }

    pub fn held(&self, source: &str) -> Option<Held> {
        self.state()
            .reports()
            .into_iter()
            .find(|report| report.source == source)
            .and_then(|report| report.held)
    }

    pub fn accept(&self, source: &str) {
        self.state()
            .ask_to_accept(source, self.clock.now())
            .unwrap();
    }
}

impl Make for Scripts {
    fn backend(&self, source: &Source) -> backend::Result<Box<dyn Backend>> {
        Ok(Box::new(Puppet {
            name: source.name.clone(),
            scripts: self.clone(),
            reads: 0,
        }))
    }

    fn destination(
        &self,
        settings: &DestinationSettings,
    ) -> destination::Result<Box<dyn Destination>> {
        let kind = match settings {
            DestinationSettings::Airlock(_) => "airlock",
            DestinationSettings::Candlepin(_) => "candlepin",
            DestinationSettings::Satellite5(_) => "satellite5",
        };
        Ok(Box::new(Target {
            kind,
            scripts: self.clone(),
        }))
    }
}

struct Puppet {
    name: String,
    scripts: Scripts,
    reads: usize,
}

#[async_trait]
impl Backend for Puppet {
    async fn connect(&mut self) -> backend::Result<()> {
        let mut inner = self.scripts.inner();
        *inner.connects.entry(self.name.clone()).or_default() += 1;
        let server = "https://vc.example.com".to_owned();
        match inner.sources.get(&self.name) {
            Some(Script::Fails { refused: true }) => Err(backend::Error::Refused {
                server,
                reason: "wrong password".to_owned(),
            }),
            Some(Script::Fails { refused: false }) => Err(backend::Error::Unreachable {
                server,
                reason: "nobody there".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> backend::Result<Whole> {
        let hosts = {
            let mut inner = self.scripts.inner();
            *inner.reads.entry(self.name.clone()).or_default() += 1;
            self.reads += 1;
            if inner
                .ends
                .get(&self.name)
                .is_some_and(|&most| self.reads > most)
            {
                return Err(backend::Error::SessionLost {
                    server: "https://vc.example.com".to_owned(),
                    reason: "not authenticated".to_owned(),
                });
            }
            match inner.sources.get(&self.name) {
                Some(Script::Hosts(hosts)) => hosts.clone(),
                _ => {
                    return Err(backend::Error::Unreachable {
                        server: "https://vc.example.com".to_owned(),
                        reason: "nobody there".to_owned(),
                    });
                }
            }
        };
        sink.page(Page::Hosts(hosts)).await;
        Ok(Whole::default())
    }

    async fn afresh(&mut self) {
        let mut inner = self.scripts.inner();
        *inner.afresh.entry(self.name.clone()).or_default() += 1;
    }

    async fn watch(&mut self, limit: Duration) -> backend::Result<Watched> {
        let watch = {
            let mut inner = self.scripts.inner();
            *inner.watches.entry(self.name.clone()).or_default() += 1;
            inner.watch.get(&self.name).copied()
        };
        match watch {
            Some(Watch::Changed) => Ok(Watched::Changed),
            Some(Watch::Ends) => Ok(Watched::Quiet),
            Some(Watch::Deaf) | None => {
                tokio::time::sleep(limit).await;
                Ok(Watched::Quiet)
            }
        }
    }

    fn watches(&self) -> bool {
        let inner = self.scripts.inner();
        matches!(
            inner.watch.get(&self.name),
            Some(Watch::Changed | Watch::Ends)
        )
    }

    async fn close(&mut self) {}
}

struct Target {
    kind: &'static str,
    scripts: Scripts,
}

impl Target {
    fn try_once(&self) -> destination::Result<MutexGuard<'_, Inner>> {
        let mut inner = self.scripts.inner();
        let seen = inner.destinations.entry(self.kind).or_default();
        let server = "https://server.example.com".to_owned();
        if seen.refuses {
            seen.tries += 1;
            return Err(backend::Error::Refused {
                server,
                reason: "no".to_owned(),
            }
            .into());
        }
        if let Some(after) = seen.busy {
            seen.tries += 1;
            return Err(Error::Busy { server, after });
        }
        if seen.down {
            seen.tries += 1;
            return Err(backend::Error::Unreachable {
                server,
                reason: "down".to_owned(),
            }
            .into());
        }
        Ok(inner)
    }
}

#[async_trait]
impl Destination for Target {
    fn batches(&self) -> bool {
        self.kind == "candlepin"
    }

    fn takes_differences(&self) -> bool {
        self.kind == "airlock"
    }

    async fn check(&mut self) -> destination::Result<String> {
        Ok(self.kind.to_owned())
    }

    async fn heartbeat(&mut self, sources: &[Named<'_>]) -> destination::Result<Vec<String>> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let mut inner = self.try_once()?;
        let seen = inner.destinations.entry(self.kind).or_default();
        if seen.mute {
            seen.tries += 1;
            return Err(Error::Rejected {
                server: "https://server.example.com".to_owned(),
                reason: "no heartbeats here".to_owned(),
            });
        }
        seen.heartbeats += 1;
        let forgotten = std::mem::take(&mut seen.forgot);
        Ok(sources
            .iter()
            .filter(|_| forgotten)
            .map(|named| named.source.to_owned())
            .collect())
    }

    async fn send(&mut self, deliveries: &[Delivery<'_>]) -> Sent {
        let mut sent = Sent::default();
        let mut inner = match self.try_once() {
            Ok(inner) => inner,
            Err(error) => {
                sent.error = Some(error);
                return sent;
            }
        };
        let seen = inner.destinations.entry(self.kind).or_default();
        seen.tries += 1;
        for delivery in deliveries {
            let (hosts, guests) = delivery.inventory.counts();
            seen.sent.push((delivery.source.to_owned(), hosts, guests));
            let mut taken = Taken::whole(delivery, delivery.accepted.marks.clone());
            if !seen.jobs.is_empty() {
                taken.job = Some("job".to_owned());
            }
            sent.taken.push(taken);
        }
        sent
    }

    async fn job(&mut self, _: &str) -> destination::Result<Job> {
        let mut inner = self.try_once()?;
        let seen = inner.destinations.entry(self.kind).or_default();
        seen.polls += 1;
        let state = if seen.jobs.len() > 1 {
            seen.jobs.remove(0)
        } else {
            seen.jobs.first().copied().unwrap_or("FINISHED")
        };
        Ok(match state {
            "FINISHED" => Job::Done(state.to_owned(), Vec::new()),
            "FAILED" | "ABORTED" => Job::Failed(state.to_owned(), vec!["for a reason".to_owned()]),
            _ => Job::Running(state.to_owned()),
        })
    }

    async fn silent(&mut self, _: Named<'_>, reason: &str) -> destination::Result<()> {
        let mut inner = self.try_once()?;
        let seen = inner.destinations.entry(self.kind).or_default();
        seen.silent.push(reason.to_owned());
        Ok(())
    }

    async fn retire(&mut self, source: Named<'_>) -> destination::Result<Option<&'static str>> {
        let mut inner = self.try_once()?;
        let seen = inner.destinations.entry(self.kind).or_default();
        seen.retired.push(source.source.to_owned());
        Ok(None)
    }
}
