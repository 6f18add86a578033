//! Once: read all sources, send, and tell the truth about it.

use std::sync::Arc;
use std::time::Duration;

use super::across::doubles;
use super::source::{Read, close, read};
use super::{Shared, by_destination};
use crate::backend;
use crate::config::{Configuration, DestinationSettings, Source};
use crate::destination::{Delivery, Error, Job, Named};
use crate::filter::Match;
use crate::guard::{PROOF, suspicion};
use crate::inventory::Inventory;
use crate::state::Refused;

/// How long it is waited for a job on the server, at most.
const PATIENCE: u32 = 20;

/// Between two questions for a job.
const POLL: Duration = Duration::from_secs(3);

/// What came of one run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What went wrong, with the source or destination.
    pub failures: Vec<String>,
    /// Reports that were sent or are already there.
    pub good: u64,
}

/// What a source gave when it was read once.
pub struct ReadOnce {
    /// The source.
    pub source: Arc<Source>,
    /// What it has after the filter, or why it could not be read.
    pub inventory: Result<Arc<Inventory>, String>,
    /// Hosts before the filter.
    pub all: u64,
    /// Hosts that the filter leaves out, with the reason in words.
    pub left_out: Vec<(String, String)>,
    /// Notes.
    pub notes: Vec<String>,
    /// How many hosts each item of the filters has matched.
    pub matched: Vec<Match>,
}

impl ReadOnce {
    fn failed(source: Arc<Source>, why: String) -> Self {
        Self {
            source,
            inventory: Err(why),
            all: 0,
            left_out: Vec::new(),
            notes: Vec::new(),
            matched: Vec::new(),
        }
    }
}

async fn one(source: &Source, shared: &Shared) -> backend::Result<Read> {
    let mut backend = shared.make.backend(source)?;
    let found = async {
        backend.connect().await?;
        read(source, backend.as_mut()).await
    }
    .await;
    close(backend.as_mut()).await;
    found
}

/// Reads all sources once, at the same time. `quiet`: nothing is kept, but a refused login is.
pub async fn read_once(
    configuration: &Configuration,
    shared: &Shared,
    quiet: bool,
) -> Vec<ReadOnce> {
    let mut work = Vec::new();
    for source in &configuration.sources {
        let source = Arc::new(source.clone());
        let shared = shared.clone();
        let of = Arc::clone(&source);
        let task = tokio::spawn(async move {
            let fingerprint = hex::encode(source.fingerprint);
            let mut reads = shared.state.reads(&source.name);
            let now = shared.clock.now();
            let refused = reads.refused.as_ref().and_then(|refused| {
                Some((refused.until(&fingerprint, now)?, refused.reason.clone()))
            });
            let found = match refused {
                Some((until, reason)) => Err(format!("{reason} (not tried before {until})")),
                None => one(&source, &shared).await.map_err(|error| {
                    reads.refused = error.refused().then(|| Refused {
                        at: now.0,
                        fingerprint,
                        reason: error.to_string(),
                    });
                    reads.error = Some(error.to_string());
                    error.to_string()
                }),
            };
            if let Ok(found) = &found {
                let (hosts, guests) = found.inventory.counts();
                reads.read_at = Some(now.0);
                reads.hosts = hosts;
                reads.guests = guests;
                reads.error = None;
                reads.refused = None;
            }
            if (!quiet || reads.refused.is_some())
                && let Err(error) = shared.state.save_reads(&reads)
            {
                tracing::error!("{error}");
            }
            match found {
                Ok(found) => ReadOnce {
                    source,
                    inventory: Ok(Arc::new(found.inventory)),
                    all: found.all,
                    left_out: found
                        .left_out
                        .into_iter()
                        .map(|(host, verdict)| (host, words(&verdict)))
                        .collect(),
                    notes: found.notes,
                    matched: found.matched,
                },
                Err(error) => ReadOnce::failed(source, error),
            }
        });
        work.push((of, task));
    }
    let mut out = Vec::new();
    for (source, task) in work {
        out.push(task.await.unwrap_or_else(|error| {
            ReadOnce::failed(source, format!("the program failed while it read: {error}"))
        }));
    }
    out
}

fn words(verdict: &crate::filter::Verdict) -> String {
    match verdict {
        crate::filter::Verdict::Kept => "kept".to_owned(),
        crate::filter::Verdict::Excluded(item) => format!("excluded by \"{item}\""),
        crate::filter::Verdict::NotListed => "not in the list".to_owned(),
    }
}

/// Reads and sends once.
pub async fn once(configuration: &Configuration, shared: &Shared) -> Outcome {
    let mut outcome = Outcome::default();
    let found = read_once(configuration, shared, false).await;
    for read in &found {
        for note in &read.notes {
            tracing::warn!("Configuration \"{}\": {note}", read.source.name);
        }
        match &read.inventory {
            Ok(inventory) => {
                let (hosts, guests) = inventory.counts();
                tracing::info!(
                    "Hosts-to-guests mapping for config \"{}\": {hosts} hypervisors and {guests} guests found",
                    read.source.name
                );
            }
            Err(error) => outcome
                .failures
                .push(format!("source {}: {error}", read.source.name)),
        }
    }
    for (settings, sources) in by_destination(configuration) {
        let here: Vec<&ReadOnce> = found
            .iter()
            .filter(|read| sources.iter().any(|source| source.name == read.source.name))
            .collect();
        if let Err(error) = send(&settings, &here, shared, &mut outcome).await {
            note_refusal(&settings, &here, shared, &error);
            outcome
                .failures
                .push(format!("destination {}: {error}", settings.identity()));
        }
    }
    outcome
}

fn note_refusal(
    settings: &DestinationSettings,
    reads: &[&ReadOnce],
    shared: &Shared,
    error: &Error,
) {
    for read in reads {
        let mut report =
            shared
                .state
                .report(&settings.identity(), &read.source.name, read.source.kind);
        report.error = Some(error.to_string());
        report.refused = error.refused().then(|| Refused {
            at: shared.clock.now().0,
            fingerprint: hex::encode(read.source.fingerprint),
            reason: error.to_string(),
        });
        if let Err(error) = shared.state.save_report(&report) {
            tracing::error!("{error}");
        }
    }
}

async fn send(
    settings: &DestinationSettings,
    reads: &[&ReadOnce],
    shared: &Shared,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let identity = settings.identity();
    let now = shared.clock.now();
    let mut reports = Vec::new();
    for read in reads {
        let Ok(inventory) = &read.inventory else {
            continue;
        };
        let report = shared
            .state
            .report(&identity, &read.source.name, read.source.kind);
        let refused = report.refused.as_ref().and_then(|refused| {
            Some((
                refused.until(&hex::encode(read.source.fingerprint), now)?,
                &refused.reason,
            ))
        });
        if let Some((until, reason)) = refused {
            outcome.failures.push(format!(
                "destination {identity}: {reason} (not tried before {until})"
            ));
            return Ok(());
        }
        let mut accepted = report.accepted();
        if shared.resend {
            accepted.forget();
        }
        reports.push((*read, inventory, report, accepted));
    }
    if reports.is_empty() {
        return Ok(());
    }
    let mut destination = shared.make.destination(settings)?;
    let named: Vec<Named<'_>> = reports
        .iter()
        .map(|(read, _, _, accepted)| Named {
            source: &read.source.name,
            kind: read.source.kind,
            id_kind: read.source.settings.hypervisor_id,
            marks: &accepted.marks,
        })
        .collect();
    let forgotten = match destination.heartbeat(&named).await {
        Ok(forgotten) => forgotten,
        Err(error) if error.refused() || error.wait().is_some() => return Err(error),
        // A sign of life that fails keeps no report from being sent; what really is wrong, the report will tell.
        Err(error) => {
            tracing::warn!("Destination {identity}: the sign of life failed: {error}");
            Vec::new()
        }
    };
    drop(named);
    for (read, _, _, accepted) in &mut reports {
        if forgotten.contains(&read.source.name) {
            accepted.forget();
        }
    }
    let mut deliveries = Vec::new();
    for (read, inventory, report, accepted) in &mut reports {
        let id_kind = read.source.settings.hypervisor_id;
        let same = accepted.ever
            && accepted.id_kind.as_deref() == Some(id_kind.word())
            && inventory.equals(&accepted.digests);
        // Another run may be long ago, and the server's memory shorter than ours: only Airlock says when it wants more.
        if same && !settings.foreign() {
            outcome.good += 1;
            continue;
        }
        if settings.foreign()
            && !shared.accept
            && let Some(found) = suspicion(accepted, inventory, id_kind)
        {
            let reason = &found.reason;
            let before = report.held.take();
            let mut held = before
                .filter(|held| found.is_that_of(held))
                .unwrap_or_else(|| found.held(now.0));
            held.reads += 1;
            if held.reads < PROOF {
                report.held = Some(held);
                if let Err(error) = shared.state.save_report(report) {
                    tracing::error!("{error}");
                }
                outcome.failures.push(format!(
                    "source {} is held back from {identity}: {reason}. Run again with --accept-change if that is right",
                    read.source.name
                ));
                continue;
            }
        }
        report.held = None;
        deliveries.push(Delivery {
            source: &read.source.name,
            kind: read.source.kind,
            id_kind,
            inventory,
            accepted,
        });
    }
    if deliveries.is_empty() {
        return Ok(());
    }
    if settings.foreign() {
        let all: Vec<&Inventory> = deliveries
            .iter()
            .map(|delivery| delivery.inventory)
            .collect();
        for double in doubles(&all) {
            tracing::warn!("Destination {identity}: {double}");
        }
    }
    let sent = destination.send(&deliveries).await;
    let names: Vec<String> = deliveries
        .iter()
        .map(|delivery| delivery.source.to_owned())
        .collect();
    drop(deliveries);
    let mut jobs = Vec::new();
    for taken in sent.taken {
        let Some((_, inventory, report, _)) = reports
            .iter_mut()
            .find(|(read, ..)| read.source.name == taken.source)
        else {
            continue;
        };
        // What is only odd, as two hosts of one name, is no failure; hosts that were not taken are.
        let whole = inventory.equals(&taken.accepted.digests);
        for remark in &taken.remarks {
            tracing::warn!("Configuration \"{}\": {remark}", taken.source);
            if !whole {
                outcome
                    .failures
                    .push(format!("source {}: {remark}", taken.source));
            }
        }
        report.accept(&taken.accepted);
        if whole {
            outcome.good += 1;
            tracing::info!("Mapping for config \"{}\" sent to {identity}", taken.source);
            report.sent_at = Some(now.0);
            report.job.clone_from(&taken.job);
            report.job_state = None;
            report.error = None;
            report.refused = None;
        }
        jobs.extend(taken.job);
        if let Err(error) = shared.state.save_report(report) {
            tracing::error!("{error}");
        }
    }
    if let Some(error) = sent.error {
        return Err(error);
    }
    jobs.sort();
    jobs.dedup();
    for id in jobs {
        let (state, failed) = wait(destination.as_mut(), &id).await;
        for (_, _, report, _) in reports
            .iter_mut()
            .filter(|(read, ..)| names.contains(&read.source.name))
        {
            report.job_state = Some(state.clone());
            if failed.is_some() {
                // Nothing of it counts: the next run sends it again.
                report.accept(&crate::destination::Accepted {
                    digests: std::collections::BTreeMap::new(),
                    ..report.accepted()
                });
            }
            if let Err(error) = shared.state.save_report(report) {
                tracing::error!("{error}");
            }
        }
        outcome.failures.extend(failed);
    }
    Ok(())
}

/// Waits for a job; its last state, and what went wrong.
async fn wait(
    destination: &mut dyn crate::destination::Destination,
    id: &str,
) -> (String, Option<String>) {
    let mut last = "UNKNOWN".to_owned();
    for _ in 0..PATIENCE {
        match destination.job(id).await {
            Ok(Job::Done(state, remarks)) => {
                for remark in remarks {
                    tracing::warn!("Job {id}: {remark}");
                }
                return (state, None);
            }
            Ok(Job::Failed(state, remarks)) => {
                let text = format!(
                    "the server's job {id} ended as {state}: {}",
                    remarks.join("; ")
                );
                return (state, Some(text));
            }
            Ok(Job::Running(state)) => last = state,
            Err(error) => {
                tracing::warn!("Job {id}: {error}; the report was taken, its outcome is not known");
                return (last, None);
            }
        }
        tokio::time::sleep(POLL).await;
    }
    tracing::warn!("Job {id} is still {last}; the report was taken, its outcome is not known yet");
    (last, None)
}
