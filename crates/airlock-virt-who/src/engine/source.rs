//! One source: log in, read, watch, and again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Shared, pause};
use crate::backend::{self, Backend, Note, Page, Sink, Watched};
use crate::config::Source;
use crate::filter::{Match, Tally, Verdict};
use crate::inventory::Inventory;
use crate::model::duplicates::Duplicates;
use crate::model::{LocalGuests, Parent};
use crate::state::Refused;

/// A source that is watched is read whole at least this often.
const WHOLE: Duration = Duration::from_secs(24 * 3600);

/// The first and the longest pause between two whole reads that a watch asks for, and between two watches that end early.
const REST: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(300));

/// A session that was good for so long may end without being called a failure.
const SESSION: Duration = Duration::from_secs(60);

/// How long logging out may take.
const FAREWELL: Duration = Duration::from_secs(10);

/// How many notes of one read are logged.
const NOTES: usize = 20;

/// What a read gave.
pub(crate) struct Read {
    /// What the filter keeps.
    pub inventory: Inventory,
    /// Hosts before the filter.
    pub all: u64,
    /// Hosts that the filter leaves out, with the reason, the first ones.
    pub left_out: Vec<(String, Verdict)>,
    /// Notes of the backend and doubles.
    pub notes: Vec<String>,
    /// How many hosts each item of the filters has matched.
    pub matched: Vec<Match>,
}

struct Filtering<'a> {
    source: &'a Source,
    read: Read,
    guests: Vec<crate::model::Guest>,
    doubles: Duplicates,
    by_host: Tally,
    by_parent: Tally,
}

impl Filtering<'_> {
    fn left_out(&mut self, host: &str, verdict: Verdict) {
        if self.read.left_out.len() < 1000 {
            self.read.left_out.push((host.to_owned(), verdict));
        }
    }
}

#[async_trait]
impl Sink for Filtering<'_> {
    async fn page(&mut self, page: Page) {
        match page {
            Page::Hosts(hosts) => {
                for host in hosts {
                    self.read.all += 1;
                    let parents = &self.source.settings.parents;
                    parents.tally(&mut self.by_parent, host.parent.as_ref());
                    self.source.filter.tally(&mut self.by_host, &host);
                    let verdict = self.source.filter.verdict(&host);
                    if verdict.keeps() {
                        self.doubles.add(&host);
                        self.read.inventory.push(host);
                    } else {
                        let shown = host.name.as_deref().unwrap_or(&host.id);
                        self.left_out(shown, verdict);
                    }
                }
            }
            Page::Local(mut guests) => self.guests.append(&mut guests),
        }
    }

    fn note(&mut self, note: Note) {
        self.read.notes.push(note.to_string());
    }

    fn below(&mut self, host: &str, parent: Option<&Parent>, verdict: Verdict) {
        self.read.all += 1;
        let parents = &self.source.settings.parents;
        parents.tally(&mut self.by_parent, parent);
        self.left_out(host, verdict);
    }
}

/// Reads a source whole, through its filter.
pub(crate) async fn read(source: &Source, backend: &mut dyn Backend) -> backend::Result<Read> {
    let mut sink = Filtering {
        source,
        read: Read {
            inventory: Inventory::default(),
            all: 0,
            left_out: Vec::new(),
            notes: Vec::new(),
            matched: Vec::new(),
        },
        guests: Vec::new(),
        doubles: Duplicates::new(),
        by_host: Tally::default(),
        by_parent: Tally::default(),
    };
    let whole = backend.read(&mut sink).await?;
    let Filtering {
        mut read,
        guests,
        doubles,
        by_host,
        by_parent,
        ..
    } = sink;
    read.matched = source.settings.parents.matched(&by_parent);
    read.matched.extend(source.filter.matched(&by_host));
    if let Some(hypervisor_id) = whole.local {
        read.inventory = Inventory::of_local(LocalGuests {
            guests,
            hypervisor_id,
        });
    }
    read.notes
        .extend(doubles.findings().iter().map(ToString::to_string));
    Ok(read)
}

/// Logs out; a server that does not answer does not keep the program from ending.
pub(crate) async fn close(backend: &mut dyn Backend) {
    let _ = tokio::time::timeout(FAREWELL, backend.close()).await;
}

/// Runs a source until it is stopped.
pub(crate) async fn run(
    source: Arc<Source>,
    shared: Shared,
    interval: Duration,
    stop: CancellationToken,
) {
    let mut failures: u32 = 0;
    let fingerprint = hex::encode(source.fingerprint);
    loop {
        if let Some(wait) = refused(&source, &shared, &fingerprint)
            && !sleep(wait, &stop).await
        {
            return;
        }
        let before = shared.table.health(&source.name).full_reads;
        let begun = Instant::now();
        let ended = match shared.make.backend(&source) {
            Ok(mut backend) => {
                let ended = session(&source, backend.as_mut(), &shared, interval, &stop).await;
                close(backend.as_mut()).await;
                ended
            }
            Err(error) => Err(error),
        };
        let Err(error) = ended else {
            return;
        };
        let good = shared.table.health(&source.name).full_reads > before;
        if good && error.passing() && begun.elapsed() >= SESSION {
            // Sessions end, servers are restarted: that is worth a word only if the next login fails too.
            tracing::info!("Source \"{}\" is connected again: {error}", source.name);
            failures = 0;
            continue;
        }
        if good {
            failures = 0;
        }
        failures += 1;
        failed(&source, &shared, &error, &fingerprint);
        if error.refused() {
            continue;
        }
        let wait = if error.passing() {
            pause(failures, interval)
        } else {
            // Only another configuration helps, or somebody who mends a file.
            interval
        };
        if !sleep(wait, &stop).await {
            return;
        }
    }
}

/// How long a refused login is not tried again.
fn refused(source: &Source, shared: &Shared, fingerprint: &str) -> Option<Duration> {
    let reads = shared.state.reads(&source.name);
    let refused = reads.refused?;
    let now = shared.clock.now();
    let until = refused.until(fingerprint, now)?;
    shared.table.fail(&source.name, &refused.reason);
    let micros = u64::try_from(until.0 - now.0).unwrap_or(0);
    Some(Duration::from_micros(micros))
}

fn failed(source: &Source, shared: &Shared, error: &backend::Error, fingerprint: &str) {
    tracing::error!("Source \"{}\" fails with error: {error}", source.name);
    shared.metrics.source_failed(&source.name, error.refused());
    let mut reads = shared.state.reads(&source.name);
    reads.error = Some(error.to_string());
    reads.refused = error.refused().then(|| Refused {
        at: shared.clock.now().0,
        fingerprint: fingerprint.to_owned(),
        reason: error.to_string(),
    });
    if let Err(error) = shared.state.save_reads(&reads) {
        tracing::error!("{error}");
    }
    shared.table.fail(&source.name, &error.to_string());
}

/// One session, until it is stopped (`Ok`) or breaks.
async fn session(
    source: &Source,
    backend: &mut dyn Backend,
    shared: &Shared,
    interval: Duration,
    stop: &CancellationToken,
) -> backend::Result<()> {
    tokio::select! {
        connected = backend.connect() => connected?,
        () = stop.cancelled() => return Ok(()),
    }
    let mut between_reads = Rest::new(interval);
    let mut between_watches = Rest::new(interval);
    // Whether the next read asks the source for everything, and is not put together from what a watch has told.
    let mut anew = true;
    loop {
        let whole = Instant::now();
        let mut turn = whole;
        let found = tokio::select! {
            found = read(source, backend) => found?,
            () = stop.cancelled() => return Ok(()),
        };
        put(source, shared, found, anew);
        anew = true;
        let read = Instant::now();
        loop {
            let left = interval.saturating_sub(turn.elapsed());
            if left.is_zero() {
                let watched = backend.watches()
                    && !shared.table.doubted(&source.name)
                    && whole.elapsed() < WHOLE;
                if !watched {
                    // Three equal reads prove a report only if each of them asked the source, and so does the daily one.
                    tokio::select! {
                        () = backend.afresh() => break,
                        () = stop.cancelled() => return Ok(()),
                    }
                }
                turn = Instant::now();
                continue;
            }
            let begun = Instant::now();
            let heard = tokio::select! {
                heard = backend.watch(left) => heard?,
                () = stop.cancelled() => return Ok(()),
            };
            match heard {
                Watched::Quiet if begun.elapsed() >= left => {}
                Watched::Quiet => {
                    if !between_watches.take(begun, stop).await {
                        return Ok(());
                    }
                }
                Watched::Changed => {
                    if shared.table.doubted(&source.name) {
                        backend.afresh().await;
                    }
                    if !between_reads.take(read, stop).await {
                        return Ok(());
                    }
                    break;
                }
                Watched::Changes(changes) => {
                    for note in changes.notes.iter().take(NOTES) {
                        tracing::info!(source = source.name, "{note}");
                    }
                    let kept =
                        |host: &crate::model::Hypervisor| source.filter.verdict(host).keeps();
                    if !shared.table.change(&source.name, changes, kept) {
                        anew = shared.table.doubted(&source.name);
                        if anew {
                            backend.afresh().await;
                        }
                        if !between_reads.take(read, stop).await {
                            return Ok(());
                        }
                        break;
                    }
                    let counts = shared
                        .table
                        .health(&source.name)
                        .inventory
                        .map_or((0, 0), |inventory| inventory.counts());
                    shared
                        .metrics
                        .source_read(&source.name, counts, shared.clock.now());
                }
            }
        }
    }
}

/// A pause that keeps a server from being asked without end: what comes after a quiet time is looked at once, what comes in
/// a hurry waits, each time twice as long.
struct Rest {
    now: Duration,
    most: Duration,
}

impl Rest {
    fn new(interval: Duration) -> Self {
        Self {
            now: REST.0,
            most: REST.1.min(interval).max(REST.0),
        }
    }

    /// Waits until so long after `since`; false when it was stopped.
    async fn take(&mut self, since: Instant, stop: &CancellationToken) -> bool {
        let passed = since.elapsed();
        let wait = self.now.saturating_sub(passed);
        self.now = if passed < self.now * 2 {
            (self.now * 2).min(self.most)
        } else {
            REST.0
        };
        wait.is_zero() || sleep(wait, stop).await
    }
}

/// Puts what was read into the table.
fn put(source: &Source, shared: &Shared, found: Read, anew: bool) {
    let (hosts, guests) = found.inventory.counts();
    for note in found.notes.iter().take(NOTES) {
        tracing::warn!("Configuration \"{}\": {note}", source.name);
    }
    if found.notes.len() > NOTES {
        tracing::warn!(
            "Configuration \"{}\": {} more remarks; airlock-virt-who check --connect shows all",
            source.name,
            found.notes.len() - NOTES
        );
    }
    tracing::info!(
        "Hosts-to-guests mapping for config \"{}\": {hosts} hypervisors and {guests} guests found",
        source.name
    );
    shared
        .metrics
        .source_read(&source.name, (hosts, guests), shared.clock.now());
    let mut reads = shared.state.reads(&source.name);
    reads.read_at = Some(shared.clock.now().0);
    reads.hosts = hosts;
    reads.guests = guests;
    reads.error = None;
    reads.refused = None;
    if let Err(error) = shared.state.save_reads(&reads) {
        tracing::error!("{error}");
    }
    shared.table.put(&source.name, found.inventory, anew);
}

/// Sleeps; false when it was stopped.
pub(crate) async fn sleep(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        () = stop.cancelled() => false,
    }
}
