//! One destination: send what it has not taken yet, ask for jobs, show signs of life.

mod holding;
mod signs;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use holding::{holds, release};

use super::{Shared, pause};
use crate::config::{DestinationSettings, Source};
use crate::destination::{Accepted, Delivery, Destination, Error, Job, Sent};
use crate::guard::suspicion;
use crate::inventory::Inventory;
use crate::state::{Refused, Report};

/// Between two reports to a destination that takes whole reports only.
const SPACING: Duration = Duration::from_secs(60);

/// The first pause before a job is asked for, and the longest.
const POLL: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(120));

/// So long after a report was taken it is written down, where the next one need not wait for the disk: to such a server a
/// state that is too old only costs a full report.
const WRITE: Duration = Duration::from_secs(1);

/// How often it is looked whether somebody let a report go that is held back.
const LOOK: Duration = Duration::from_secs(10);

struct Outstanding {
    id: String,
    next: Instant,
    pause: Duration,
}

/// A source as this destination sees it.
struct Pair {
    source: Arc<Source>,
    report: Report,
    accepted: Accepted,
    /// The revision that was sent or needs no sending.
    seen: Option<u64>,
    /// The full read that was judged last.
    judged: u64,
    job: Option<Outstanding>,
    /// Send also what looks wrong.
    accept: bool,
    /// What the server was last told about the source being unreadable.
    silent: Option<String>,
    /// What was accepted is not written down yet.
    unwritten: bool,
}

struct Worker {
    settings: DestinationSettings,
    shared: Shared,
    interval: Duration,
    pairs: Vec<Pair>,
    destination: Option<Box<dyn Destination>>,
    failures: u32,
    next_try: Option<Instant>,
    next_heartbeat: Instant,
    /// Signs of life that failed in a row: they keep no report from being sent.
    mute: u32,
    last_sent: Option<Instant>,
    started: Instant,
    first: bool,
    /// The doubles between sources that were told.
    doubles: Vec<String>,
    /// Something is to be sent although nobody has changed anything.
    next_look: Option<Instant>,
    /// When what was accepted is written down.
    next_write: Option<Instant>,
    writing: Vec<tokio::task::JoinHandle<()>>,
}

/// Runs a destination until it is stopped.
pub(super) async fn run(
    settings: DestinationSettings,
    sources: Vec<Arc<Source>>,
    shared: Shared,
    interval: Duration,
    stop: CancellationToken,
) {
    use tracing::Instrument as _;
    let mut changed = shared.table.subscribe();
    let span = tracing::info_span!("destination", identity = settings.identity());
    let mut worker = Worker::new(settings, sources, shared, interval);
    loop {
        let due = worker.turn().instrument(span.clone()).await;
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep_until(due) => {}
            told = changed.changed() => {
                if told.is_err() {
                    break;
                }
            }
        }
    }
    worker.end().await;
}

impl Worker {
    fn new(
        settings: DestinationSettings,
        sources: Vec<Arc<Source>>,
        shared: Shared,
        interval: Duration,
    ) -> Self {
        let identity = settings.identity();
        let now = Instant::now();
        let pairs = sources
            .into_iter()
            .map(|source| {
                let report = shared.state.report(&identity, &source.name, source.kind);
                let job = report.job.clone().map(|id| Outstanding {
                    id,
                    next: now + POLL.0,
                    pause: POLL.0,
                });
                if report.held.is_some() {
                    shared.table.doubt(&source.name, true);
                }
                let mut accepted = report.accepted();
                if shared.resend {
                    accepted.forget();
                }
                Pair {
                    accepted,
                    report,
                    seen: None,
                    judged: shared.table.health(&source.name).full_reads,
                    job,
                    accept: shared.accept,
                    silent: None,
                    unwritten: false,
                    source,
                }
            })
            .collect();
        Self {
            settings,
            shared,
            interval,
            pairs,
            destination: None,
            failures: 0,
            next_try: None,
            next_heartbeat: now,
            mute: 0,
            last_sent: None,
            started: now,
            first: true,
            doubles: Vec::new(),
            next_look: None,
            next_write: None,
            writing: Vec::new(),
        }
    }

    async fn end(&mut self) {
        self.write();
        for writing in std::mem::take(&mut self.writing) {
            let _ = writing.await;
        }
        for pair in self.pairs.iter().filter(|pair| pair.report.held.is_some()) {
            self.shared.table.doubt(&pair.source.name, false);
        }
    }

    /// Writes down what was accepted, beside everything else.
    fn write(&mut self) {
        self.next_write = None;
        self.writing.retain(|writing| !writing.is_finished());
        for pair in self.pairs.iter_mut().filter(|pair| pair.unwritten) {
            pair.unwritten = false;
            pair.report.accept(&pair.accepted);
            let (state, report) = (self.shared.state.clone(), pair.report.clone());
            let turn = state.turn();
            self.writing.push(tokio::task::spawn_blocking(move || {
                if let Err(error) = state.save_report_as(turn, &report) {
                    tracing::error!("{error}");
                }
            }));
        }
    }

    /// Does everything that is due, and says when it has to look again.
    async fn turn(&mut self) -> Instant {
        let far = Instant::now() + self.interval;
        if self.next_write.is_some_and(|next| next <= Instant::now()) {
            self.write();
        }
        if let Some(until) = self.refused() {
            return until;
        }
        if let Some(next) = self.next_try
            && next > Instant::now()
        {
            return next;
        }
        if self.destination.is_none() {
            match self.shared.make.destination(&self.settings) {
                Ok(destination) => self.destination = Some(destination),
                Err(error) => {
                    self.fail(&error);
                    return self.next_try.unwrap_or(far);
                }
            }
        }
        self.poll().await;
        let mut due = self.deliver().await.unwrap_or(far);
        self.alive().await;
        due = due.min(self.next_heartbeat);
        if let Some(look) = self.next_look.take() {
            due = due.min(look);
        }
        if let Some(write) = self.next_write {
            due = due.min(write);
        }
        due = self
            .pairs
            .iter()
            .filter_map(|pair| pair.job.as_ref())
            .fold(due, |due, job| due.min(job.next));
        if self.pairs.iter().any(|pair| pair.report.held.is_some()) {
            due = due.min(Instant::now() + LOOK);
        }
        match self.next_try {
            Some(next) if next > Instant::now() => next,
            _ => due,
        }
    }

    /// Until when a refused login is not tried again.
    fn refused(&self) -> Option<Instant> {
        let now = self.shared.clock.now();
        let until = self
            .pairs
            .iter()
            .filter_map(|pair| {
                let refused = pair.report.refused.as_ref()?;
                refused.until(&hex::encode(pair.source.fingerprint), now)
            })
            .max()?;
        let micros = u64::try_from(until.0 - now.0).unwrap_or(0);
        Some(Instant::now() + Duration::from_micros(micros))
    }

    fn fail(&mut self, error: &Error) {
        self.failures += 1;
        let identity = self.settings.identity();
        tracing::error!("Destination {identity}: {error}");
        self.shared
            .metrics
            .destination_failed(&identity, error.refused());
        let wait = error
            .wait()
            .unwrap_or_else(|| pause(self.failures, self.interval));
        self.next_try = Some(Instant::now() + wait);
        let now = self.shared.clock.now().0;
        for pair in &mut self.pairs {
            pair.report.error = Some(error.to_string());
            pair.report.refused = error.refused().then(|| Refused {
                at: now,
                fingerprint: hex::encode(pair.source.fingerprint),
                reason: error.to_string(),
            });
            save(&self.shared, &pair.report);
        }
        // The next try begins with a new connection.
        self.destination = None;
    }

    fn well(&mut self) {
        self.failures = 0;
        self.next_try = None;
        for pair in &mut self.pairs {
            if pair.report.error.take().is_some() | pair.report.refused.take().is_some() {
                save(&self.shared, &pair.report);
            }
        }
    }

    /// Asks for the jobs that are due.
    async fn poll(&mut self) {
        let now = Instant::now();
        let mut ids: Vec<String> = self
            .pairs
            .iter()
            .filter_map(|pair| pair.job.as_ref())
            .filter(|job| job.next <= now)
            .map(|job| job.id.clone())
            .collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let Some(destination) = &mut self.destination else {
                return;
            };
            let found = destination.job(&id).await;
            match found {
                // It will not be known later either; the report itself was taken.
                Err(error @ Error::Rejected { .. }) => {
                    self.job_ended(&id, "UNKNOWN", &[error.to_string()], true);
                }
                Err(error) => {
                    self.job_later(&id);
                    self.fail(&error);
                    return;
                }
                Ok(Job::Running(state)) => {
                    self.job_later(&id);
                    for pair in self.with_job(&id) {
                        pair.report.job_state = Some(state.clone());
                    }
                }
                Ok(Job::Done(state, remarks)) => self.job_ended(&id, &state, &remarks, true),
                Ok(Job::Failed(state, remarks)) => {
                    self.job_ended(&id, &state, &remarks, false);
                    self.failures += 1;
                    self.next_try = Some(Instant::now() + pause(self.failures, self.interval));
                }
            }
        }
    }

    fn with_job(&mut self, id: &str) -> impl Iterator<Item = &mut Pair> {
        self.pairs
            .iter_mut()
            .filter(move |pair| pair.job.as_ref().is_some_and(|job| job.id == id))
    }

    fn job_later(&mut self, id: &str) {
        for pair in self.with_job(id) {
            if let Some(job) = &mut pair.job {
                job.pause = (job.pause * 2).min(POLL.1);
                job.next = Instant::now() + job.pause;
            }
        }
    }

    fn job_ended(&mut self, id: &str, state: &str, remarks: &[String], good: bool) {
        for remark in remarks {
            tracing::error!("Job {id}: {remark}");
        }
        let shared = self.shared.clone();
        for pair in self.with_job(id) {
            pair.job = None;
            pair.report.job_state = Some(state.to_owned());
            if good {
                tracing::info!("Mapping for config \"{}\" updated", pair.source.name);
            } else {
                tracing::error!(
                    "Mapping for config \"{}\": the server's job {id} ended as {state}; it is sent again",
                    pair.source.name
                );
                // Nothing of it counts.
                pair.accepted.digests.clear();
                pair.report.accept(&pair.accepted);
                pair.seen = None;
            }
            pair.report.job = None;
            save(&shared, &pair.report);
        }
    }

    /// Sends what is to be sent; says when it has to look again because of its own pauses.
    async fn deliver(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if self.next_try.is_some_and(|next| next > now) {
            return self.next_try;
        }
        let batches = self.destination.as_ref().is_some_and(|to| to.batches());
        if self.first && batches {
            // One message for all sources instead of one for each that happens to be quick.
            let all = self.pairs.iter().all(|pair| {
                let health = self.shared.table.health(&pair.source.name);
                health.inventory.is_some() || health.error.is_some()
            });
            let deadline = self.started + self.interval.min(SPACING * 5);
            if !all && now < deadline {
                return Some(deadline);
            }
        }
        self.first = false;
        let ready: Vec<(usize, Arc<Inventory>, u64)> = (0..self.pairs.len())
            .filter_map(|at| {
                let (inventory, revision) = self.ready(at)?;
                Some((at, inventory, revision))
            })
            .collect();
        if ready.is_empty() {
            return None;
        }
        let spaced = self
            .destination
            .as_ref()
            .is_some_and(|to| !to.takes_differences());
        if let Some(last) = self.last_sent.filter(|_| spaced)
            && last + SPACING > now
        {
            return Some(last + SPACING);
        }
        self.across();
        let deliveries: Vec<Delivery<'_>> = ready
            .iter()
            .filter_map(|(at, inventory, _)| {
                let pair = self.pairs.get(*at)?;
                Some(Delivery {
                    source: &pair.source.name,
                    kind: pair.source.kind,
                    id_kind: pair.source.settings.hypervisor_id,
                    inventory,
                    accepted: &pair.accepted,
                })
            })
            .collect();
        let sent = match &mut self.destination {
            Some(destination) => destination.send(&deliveries).await,
            None => return None,
        };
        drop(deliveries);
        self.last_sent = Some(Instant::now());
        self.taken(sent, &ready);
        self.next_try
    }

    fn taken(&mut self, sent: Sent, ready: &[(usize, Arc<Inventory>, u64)]) {
        let identity = self.settings.identity();
        let later = sent.error.is_none()
            && self
                .destination
                .as_ref()
                .is_some_and(|to| to.takes_differences());
        for taken in sent.taken {
            let found = ready.iter().find(|(at, ..)| {
                self.pairs
                    .get(*at)
                    .is_some_and(|pair| pair.source.name == taken.source)
            });
            let Some((at, inventory, revision)) = found else {
                continue;
            };
            let now = self.shared.clock.now();
            let Some(pair) = self.pairs.get_mut(*at) else {
                continue;
            };
            for remark in &taken.remarks {
                tracing::warn!("Configuration \"{}\": {remark}", taken.source);
            }
            let whole = inventory.equals(&taken.accepted.digests);
            // A first report is written down at once: from then on there is something to retire.
            let later = later && pair.accepted.ever;
            pair.accepted = taken.accepted;
            if !later {
                pair.report.accept(&pair.accepted);
            }
            if whole {
                pair.seen = Some(*revision);
                pair.accept = false;
                pair.report.sent_at = Some(now.0);
                pair.report.job.clone_from(&taken.job);
                pair.report.job_state = None;
                pair.job = taken.job.map(|id| Outstanding {
                    id,
                    next: Instant::now() + POLL.0,
                    pause: POLL.0,
                });
                if pair.job.is_none() {
                    tracing::info!("Mapping for config \"{}\" updated", pair.source.name);
                }
                self.shared.metrics.sent(&identity, now);
            }
            pair.unwritten = later;
            if later {
                self.next_write
                    .get_or_insert_with(|| Instant::now() + WRITE);
            } else {
                save(&self.shared, &pair.report);
            }
        }
        match sent.error {
            Some(error) => self.fail(&error),
            None => self.well(),
        }
    }

    /// What there is to send of a pair.
    fn ready(&mut self, at: usize) -> Option<(Arc<Inventory>, u64)> {
        let foreign = self.settings.foreign();
        let identity = self.settings.identity();
        let shared = self.shared.clone();
        let pair = self.pairs.get_mut(at)?;
        if pair.job.is_some() {
            return None;
        }
        let health = shared.table.health(&pair.source.name);
        let inventory = health.inventory?;
        if pair.seen == Some(health.revision) {
            return None;
        }
        let id_kind = pair.source.settings.hypervisor_id;
        let same_ids = pair.accepted.id_kind.as_deref() == Some(id_kind.word());
        if pair.accepted.ever && same_ids && inventory.equals(&pair.accepted.digests) {
            tracing::debug!(
                "Duplicate report found for config \"{}\", ignoring",
                pair.source.name
            );
            pair.seen = Some(health.revision);
            release(&shared, &identity, pair);
            return None;
        }
        if foreign && let Some(found) = suspicion(&pair.accepted, &inventory, id_kind) {
            if !holds(&shared, &identity, pair, health.full_reads, &found) {
                return Some((inventory, health.revision));
            }
            return None;
        }
        release(&shared, &identity, pair);
        Some((inventory, health.revision))
    }
}

fn save(shared: &Shared, report: &Report) {
    if let Err(error) = shared.state.save_report(report) {
        tracing::error!("{error}");
    }
}
