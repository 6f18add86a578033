//! Workers: claim a task, keep its lease, carry it out, write its end.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use airlock_content::{BeforeChange, Error, TaskContext};
use airlock_db::tasks::{self, Barred, ClaimedTask};
use airlock_model::{ErrorKind, Instant, TaskState};
use tokio::sync::{OnceCell, watch};
use tracing::Instrument as _;

use super::board::{End, Entry};
use super::run::{Ended, run};
use super::{Job, staging};
use crate::app::App;

/// How long a claim holds without a heartbeat.
const LEASE_SECONDS: i64 = 60;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often progress is written down for other replicas and for the time after a crash.
const PROGRESS: Duration = Duration::from_secs(5);
/// A channel that somebody else changed meanwhile is worth another try.
const TRIES: u32 = 3;

/// At the start of the server: tasks that an earlier process left running are over, and so are their files.
///
/// # Errors
/// What the database said.
pub async fn begin(app: &App) -> Result<(), airlock_db::Error> {
    let now = app.now();
    // Nobody else works on an embedded database, so every lease is stale; with others only those that ran out are.
    let before = if app.db().is_exclusive() {
        Instant(i64::MAX)
    } else {
        now
    };
    interrupt(app, before, now).await?;
    if app.db().is_exclusive() {
        match app.unwritten.begin(app.db()).await {
            // What only reads goes on; the first task tries again.
            Err(error) if error.is_full() => {
                tracing::warn!(%error, "the disk is full: nothing can be changed");
            }
            begun => begun?,
        }
    }
    let waiting = tasks::open(app.db()).await?;
    staging::sweep(
        &app.settings.data,
        waiting
            .iter()
            .any(|task| task.kind == "push" && task.state == TaskState::Queued),
    );
    Ok(())
}

async fn interrupt(app: &App, before: Instant, now: Instant) -> Result<(), airlock_db::Error> {
    for id in tasks::interrupt_expired(app.db(), before, now).await? {
        tracing::warn!(task = %id, "the task was interrupted by the end of the server");
    }
    Ok(())
}

/// One worker, until the server ends.
pub async fn work(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let owner = format!("{}:{:016x}", std::process::id(), rand::random::<u64>());
    // A notification can come between a look and the wait, and other replicas do not notify at all.
    let poll = if app.db().is_exclusive() {
        Duration::from_secs(5)
    } else {
        Duration::from_secs(1)
    };
    let mut settled = true;
    while !*stop.borrow() {
        match next(&app, &owner).await {
            Ok(Some(claim)) => {
                let task = &claim.task;
                let span = tracing::info_span!("task", id = %task.id, kind = %task.kind, request = %task.actor.request_id);
                carry_out(&app, claim).instrument(span).await;
                settled = false;
                // The next one may have waited for this one's lock.
                app.new_task.notify_waiters();
            }
            Ok(None) => {
                tokio::select! {
                    () = app.new_task.notified() => {}
                    () = tokio::time::sleep(poll) => {
                        // What answered the waiting client and what ended threads held is free only now.
                        if !std::mem::replace(&mut settled, true) || app.content.has_stale_plan() {
                            give_back(&app).await;
                        }
                    }
                    _ = stop.changed() => {}
                }
            }
            Err(error) if error.is_full() => {
                if let Err(error) = full_disk::end_next(&app, &owner, error).await {
                    tracing::error!(%error, "the task queue cannot be read");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the task queue cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// A task in the hands of a worker.
struct Claim {
    task: ClaimedTask,
    owner: String,
    /// To be named in every write about its row; unset while it has none.
    fence: OnceCell<i64>,
}

/// The oldest task whose lock key nobody holds, with a row or without.
async fn next(app: &App, owner: &str) -> Result<Option<Arc<Claim>>, airlock_db::Error> {
    let claim = |task: ClaimedTask, fence: OnceCell<i64>| {
        Arc::new(Claim {
            task,
            owner: owner.to_owned(),
            fence,
        })
    };
    let _choosing = app.unwritten.choosing.lock().await;
    if app.unwritten.queued() > 0 {
        let mut open = tasks::open(app.db()).await?;
        open.retain(|row| !app.board.has_ended(row.id));
        if let Some(task) = app.unwritten.claim(&open, app.now()) {
            return Ok(Some(claim(task, OnceCell::new())));
        }
    }
    if !app.db().is_exclusive() {
        // A server that crashed a moment ago left leases that its next start had to respect; until they are ended, their
        // lock keys hold back every later task. A look comes first: an idle server writes nothing.
        let now = app.now();
        if !tasks::running_without_lease(app.db(), now)
            .await?
            .is_empty()
        {
            interrupt(app, now, now).await?;
        }
    }
    let (keys, ended) = (app.unwritten.running_keys(), app.board.all_ended());
    let barred = Barred {
        keys: &keys,
        tasks: &ended,
    };
    let task = tasks::claim(app.db(), owner, app.now(), LEASE_SECONDS, barred).await?;
    Ok(task.map(|task| {
        let fence = OnceCell::new_with(Some(task.fence));
        claim(task, fence)
    }))
}

impl Claim {
    /// The fence of the row, which is written now if there is none yet.
    async fn written(&self, app: &App) -> Result<i64, airlock_db::Error> {
        let write = || async {
            let until = app.now().plus_seconds(LEASE_SECONDS);
            app.unwritten
                .write(app.db(), self.task.id, &self.owner, until)
                .await
        };
        self.fence.get_or_try_init(write).await.copied()
    }
}

/// Writes the row of a task before its work changes anything.
struct WriteFirst {
    app: Arc<App>,
    claim: Arc<Claim>,
}

impl BeforeChange for WriteFirst {
    fn begin(&self) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> {
        Box::pin(async move {
            self.claim.written(&self.app).await?;
            Ok(())
        })
    }
}

async fn carry_out(app: &Arc<App>, claim: Arc<Claim>) {
    let task = &claim.task;
    let id = task.id;
    let entry = app.board.begin(id);
    tracing::info!("begun");
    let ended = {
        let work = attempt(app, &claim, &entry);
        let lease = keep_lease(app, &claim, &entry);
        tokio::pin!(work);
        tokio::select! {
            ended = &mut work => ended,
            () = lease => {
                // The lease is lost: the flag is raised, and whatever the work still does cannot be written down.
                entry.cancel().cancel();
                work.await
            }
        }
    };
    let found = held(&ended);
    let (state, result, error) = match &ended {
        Ok(Ended {
            result,
            trouble: None,
        }) => (TaskState::Done, Some(result), None),
        Ok(Ended {
            result,
            trouble: Some(text),
        }) => (TaskState::Failed, Some(result), Some(text.clone())),
        Err(error) if error.kind() == ErrorKind::Cancelled && app.board.is_ending() => {
            let text = "the server ended while this ran; nothing was changed";
            (TaskState::Interrupted, None, Some(text.to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::Cancelled => (TaskState::Cancelled, None, None),
        Err(error) => (TaskState::Failed, found.as_ref(), Some(told(error))),
    };
    match &error {
        None => tracing::info!(state = state.as_str(), "ended"),
        Some(error) => tracing::warn!(
            state = state.as_str(),
            error = error.lines().next().unwrap_or_default(),
            "ended"
        ),
    }
    app.metrics.task_ended(state == TaskState::Done);
    let (_, notes) = entry.state();
    let end = End {
        state,
        result: result.cloned(),
        error,
    };
    let nothing_new = end.state == TaskState::Done && end.result.is_some();
    let written = if claim.fence.get().is_none() && nothing_new {
        app.unwritten.finish(id, &end, notes.clone(), app.now());
        true
    } else {
        match write_end(app, &claim, &end, &notes).await {
            // It never had a row and there is no room for one: memory and the log have to do.
            Err(error) if error.is_full() && claim.fence.get().is_none() => {
                app.unwritten.finish(id, &end, notes.clone(), app.now());
                true
            }
            written => written.is_ok(),
        }
    };
    take_away_files(app, task);
    app.lookup.forget();
    if written {
        app.board.end(id);
    } else {
        app.board.ended(id, end.clone());
        let app = Arc::clone(app);
        tokio::spawn(write_end_later(app, Arc::clone(&claim), end, notes).in_current_span());
    }
    give_back(app).await;
}

/// Takes away what was uploaded for a task.
fn take_away_files(app: &App, task: &ClaimedTask) {
    if let Ok(Job::Push { files, .. }) = serde_json::from_str::<Job>(&task.payload)
        && let Some(file) = files.first()
    {
        staging::remove_of(&app.settings.data, &file.path);
    }
}

/// Empties caches and returns what is free to the system.
async fn give_back(app: &App) {
    app.content.trim_caches();
    app.db().shrink().await;
    // It cannot fail; a panic in it would only leave memory as it is.
    let _ = tokio::task::spawn_blocking(crate::memory::give_back).await;
}

/// Writes down how a task ended.
async fn write_end(
    app: &App,
    claim: &Claim,
    end: &End,
    notes: &[String],
) -> Result<(), airlock_db::Error> {
    let finish = async {
        let fence = claim.written(app).await?;
        tasks::finish(
            app.db(),
            claim.task.id,
            fence,
            end.state,
            end.result.as_ref(),
            end.error.as_deref(),
            notes,
            app.now(),
        )
        .await
    };
    match finish.await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::error!(%error, "the end of the task cannot be written down");
            Err(error)
        }
    }
}

/// Keeps trying until the database takes it: until then the row keeps others from its channel.
async fn write_end_later(app: Arc<App>, claim: Arc<Claim>, end: End, notes: Vec<String>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if app.board.is_ending() || write_end(&app, &claim, &end, &notes).await.is_ok() {
            break;
        }
    }
    app.board.end(claim.task.id);
    app.new_task.notify_waiters();
}

/// All that gates found in versions that they held, as the task's result.
fn held(ended: &Result<Ended, Error>) -> Option<serde_json::Value> {
    match ended {
        Err(Error::Held(held)) => Some(serde_json::json!({ "gate": held.reports })),
        _ => None,
    }
}

/// The error for people, with its hint behind it.
fn told(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

async fn attempt(app: &Arc<App>, claim: &Arc<Claim>, entry: &Arc<Entry>) -> Result<Ended, Error> {
    let task = &claim.task;
    let job: Job = serde_json::from_str(&task.payload).map_err(|error| Error::Internal {
        what: format!("reading what task {} is to do ({error})", task.id),
    })?;
    let mut tried = 0;
    loop {
        tried += 1;
        let context = TaskContext {
            actor: task.actor.clone(),
            task: Some(task.id),
            operation: format!("{}-{tried}", task.operation_id),
            before_change: Arc::new(WriteFirst {
                app: Arc::clone(app),
                claim: Arc::clone(claim),
            }),
            reporter: Arc::clone(entry) as Arc<dyn airlock_model::Reporter>,
            cancel: entry.cancel().clone(),
            clock: Arc::clone(&app.clock),
        };
        // A panic in the domain ends this task, not the worker.
        let content = app.content.clone();
        let once = job.clone();
        let handle =
            tokio::spawn(async move { run(&content, &context, once).await }.in_current_span());
        let ended = handle.await.unwrap_or_else(|error| {
            Err(Error::Internal {
                what: format!("the task ({error})"),
            })
        });
        match ended {
            // Uploaded files are taken away by the first try.
            Err(error)
                if error.kind() == ErrorKind::Busy
                    && tried < TRIES
                    && !matches!(job, Job::Push { .. }) =>
            {
                tracing::info!(%error, "once more");
            }
            ended => return ended,
        }
    }
}

/// Prolongs the lease, writes progress down, looks for a wish to stop. Ends when the lease is lost.
async fn keep_lease(app: &App, claim: &Claim, entry: &Entry) {
    let id = claim.task.id;
    let mut written = entry.state();
    let mut since_beat = Duration::ZERO;
    let mut since_progress = Duration::ZERO;
    let step = Duration::from_secs(1);
    loop {
        tokio::time::sleep(step).await;
        let Some(fence) = claim.fence.get().copied() else {
            // Without a row there is nothing to keep.
            let org = claim.task.actor.org;
            if app
                .unwritten
                .find(org, id)
                .is_some_and(|task| task.cancel_requested)
            {
                entry.cancel().cancel();
            }
            continue;
        };
        since_beat += step;
        since_progress += step;
        if let Ok(true) = tasks::cancel_requested(app.db(), id).await {
            entry.cancel().cancel();
        }
        if since_progress >= PROGRESS {
            since_progress = Duration::ZERO;
            let state = entry.state();
            if state != written {
                if let Err(error) =
                    tasks::write_progress(app.db(), id, fence, &state.0, &state.1).await
                {
                    tracing::warn!(%error, "progress cannot be written down");
                }
                written = state;
            }
        }
        if since_beat >= HEARTBEAT {
            since_beat = Duration::ZERO;
            let until = app.now().plus_seconds(LEASE_SECONDS);
            match tasks::heartbeat(app.db(), id, fence, until).await {
                Ok((true, _)) => {}
                Ok((false, _)) => return,
                Err(error) => tracing::warn!(%error, "the lease cannot be prolonged"),
            }
        }
    }
}

mod full_disk;
#[cfg(test)]
mod tests;
