//! The tasks of this process as they run: progress and notes in memory, so that watching costs no database writes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use airlock_model::{CancelFlag, Progress, Reporter, TaskId, TaskInfo, TaskState};
use tokio::sync::Notify;

/// Notes kept of a task.
const MOST_NOTES: usize = 200;

/// What runs here.
#[derive(Debug, Default)]
pub struct Board {
    running: Mutex<HashMap<TaskId, Arc<Entry>>>,
    changed: Notify,
    ending: AtomicBool,
}

/// One running task.
#[derive(Debug, Default)]
pub struct Entry {
    state: Mutex<(Progress, Vec<String>)>,
    cancel: CancelFlag,
    /// Its end, while the database does not take it.
    end: OnceLock<End>,
}

/// How a task ended.
#[derive(Debug, Clone)]
pub struct End {
    /// Well or not.
    pub state: TaskState,
    /// What it did.
    pub result: Option<serde_json::Value>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Entry {
    /// The newest progress and the notes so far.
    #[must_use]
    pub fn state(&self) -> (Progress, Vec<String>) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The flag that stops it.
    #[must_use]
    pub const fn cancel(&self) -> &CancelFlag {
        &self.cancel
    }
}

impl Reporter for Entry {
    fn report(&self, progress: Progress) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = progress;
    }

    fn note(&self, line: String) {
        let notes = &mut self.state.lock().unwrap_or_else(PoisonError::into_inner).1;
        if notes.len() < MOST_NOTES {
            // A note is a line: its end is where the next one begins.
            notes.push(line.replace(['\n', '\r'], " "));
        }
    }
}

impl Board {
    /// A task begins.
    pub fn begin(&self, id: TaskId) -> Arc<Entry> {
        let entry = Arc::new(Entry::default());
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&entry));
        entry
    }

    /// A task is over, and its row says so.
    pub fn end(&self, id: TaskId) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        self.changed.notify_waiters();
    }

    /// A task is over, but its row cannot say so yet (a full disk): whoever waits is told from here.
    pub fn ended(&self, id: TaskId, end: End) {
        let entry = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(entry) = entry {
            // A task ends once.
            let _ = entry.end.set(end);
        }
        self.changed.notify_waiters();
    }

    /// Whether a task is over though its row does not say so.
    #[must_use]
    pub fn has_ended(&self, id: TaskId) -> bool {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .is_some_and(|entry| entry.end.get().is_some())
    }

    /// Tasks that are over though their rows do not say so.
    #[must_use]
    pub fn all_ended(&self) -> Vec<TaskId> {
        let mut ended: Vec<TaskId> = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|(_, entry)| entry.end.get().is_some())
            .map(|(id, _)| *id)
            .collect();
        ended.sort_unstable();
        ended
    }

    /// Asks a task of this process to stop at once.
    pub fn cancel(&self, id: TaskId) {
        if let Some(entry) = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
        {
            entry.cancel.cancel();
        }
    }

    /// Asks all of them to stop, at the end of the server.
    pub fn cancel_all(&self) {
        self.ending.store(true, Ordering::SeqCst);
        for entry in self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            entry.cancel.cancel();
        }
    }

    /// Whether the server is ending: then work that stopped was interrupted, not cancelled by somebody.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Puts the newest progress into a task's row.
    pub fn show(&self, task: &mut TaskInfo) {
        let entry = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&task.id)
            .cloned();
        if let Some(entry) = entry
            && !task.state.is_over()
        {
            (task.progress, task.notes) = entry.state();
            if let Some(end) = entry.end.get() {
                task.state = end.state;
                task.result.clone_from(&end.result);
                task.error.clone_from(&end.error);
            }
        }
    }

    /// Ends soon after some task ended.
    pub fn some_end(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Tasks that run here.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// A short text that changes when a watcher would see something new.
#[must_use]
pub fn seen(task: &TaskInfo) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (
        task.state.as_str(),
        &task.progress.stage,
        task.progress.done,
        task.progress.total,
        task.notes.len(),
        task.cancel_requested,
    )
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
