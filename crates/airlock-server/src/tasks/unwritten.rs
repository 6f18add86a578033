//! Syncs that have changed nothing yet. They live in memory, and their rows are written with their first change, or
//! when they end with anything but "nothing new": a sync of every channel every hour that finds nothing new costs one
//! request a channel and no write.
//!
//! Only where the database belongs to this process alone; replicas that share one know of each other's tasks by rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use airlock_db::tasks::{self, ClaimedTask, NewTask, OpenTask};
use airlock_db::{Db, Tx};
use airlock_model::{Actor, Channel, ChannelId, Instant, OrgId, TaskId, TaskInfo, TaskState};

use super::board::End;

/// Numbers reserved at a time: one write for so many tasks.
const NUMBERS: i64 = 100;
/// Ended syncs without a row that are still shown.
const MOST_ENDED: usize = 200;

/// The syncs without a row.
#[derive(Debug, Default)]
pub struct Unwritten {
    sheets: Mutex<BTreeMap<TaskId, Sheet>>,
    numbers: tokio::sync::Mutex<Range<i64>>,
    /// Held while a worker chooses its next task, among rows and sheets.
    pub choosing: tokio::sync::Mutex<()>,
    due: Mutex<HashMap<ChannelId, Due>>,
}

/// One of them.
#[derive(Debug, Clone)]
struct Sheet {
    info: TaskInfo,
    task: ClaimedTask,
    key: Option<String>,
    lock_key: String,
    next_sync: Option<(ChannelId, Option<Instant>)>,
}

/// When a scheduled channel is due again, though its row says what it said before.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// What the row says: with another value there the schedule was set anew.
    stored: Option<Instant>,
    next: Instant,
}

/// A sync to be queued.
#[derive(Debug)]
pub struct NewSheet<'a> {
    /// Who asked.
    pub actor: &'a Actor,
    /// What it is, its number included.
    pub task: NewTask<'a>,
    /// The channel whose schedule it follows, and when that comes next: written with the row.
    pub next_sync: Option<(ChannelId, Option<Instant>)>,
}

impl Unwritten {
    fn sheets(&self) -> MutexGuard<'_, BTreeMap<TaskId, Sheet>> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task's number, for rows and sheets alike, so that numbers rise in the order of the queue.
    ///
    /// # Errors
    /// What the database said when more had to be reserved.
    pub async fn number(&self, db: &Db) -> Result<TaskId, airlock_db::Error> {
        let mut numbers = self.numbers.lock().await;
        if numbers.is_empty() {
            *numbers = tasks::reserve(db, NUMBERS).await?;
        }
        let number = numbers.start;
        numbers.start += 1;
        Ok(TaskId(number))
    }

    /// Reserves numbers, so that the first task finds some.
    ///
    /// # Errors
    /// What the database said.
    pub async fn begin(&self, db: &Db) -> Result<(), airlock_db::Error> {
        let mut numbers = self.numbers.lock().await;
        if numbers.is_empty() {
            *numbers = tasks::reserve(db, NUMBERS).await?;
        }
        Ok(())
    }

    /// At the clean end of the server: what still waits gets its row, and numbers that nobody had go back.
    ///
    /// # Errors
    /// What the database said.
    pub async fn end(&self, db: &Db) -> Result<(), airlock_db::Error> {
        let waiting: Vec<Sheet> = self
            .sheets()
            .values()
            .filter(|sheet| sheet.info.state == TaskState::Queued)
            .cloned()
            .collect();
        let mut tx = db.begin().await?;
        for sheet in &waiting {
            insert(&mut tx, sheet).await?;
        }
        let mut numbers = self.numbers.lock().await;
        if !numbers.is_empty() {
            tasks::give_back(&mut tx, &numbers).await?;
        }
        *numbers = 0..0;
        tx.commit().await
    }

    /// Queues a sync.
    pub fn add(&self, new: &NewSheet<'_>, id: TaskId, now: Instant) -> TaskInfo {
        let actor = new.actor.clone();
        let info = TaskInfo {
            id,
            kind: new.task.kind.to_owned(),
            subject: new.task.subject.to_owned(),
            state: TaskState::Queued,
            principal: actor.principal.clone(),
            cause: actor.cause.as_str().to_owned(),
            request_id: actor.request_id.clone(),
            progress: airlock_model::Progress::default(),
            notes: Vec::new(),
            result: None,
            error: None,
            created: now,
            started: None,
            finished: None,
            cancel_requested: false,
        };
        let sheet = Sheet {
            info: info.clone(),
            task: ClaimedTask {
                id,
                kind: new.task.kind.to_owned(),
                payload: new.task.payload.to_owned(),
                operation_id: new.task.operation_id.to_owned(),
                actor,
                fence: 0,
            },
            key: new.task.idempotency_key.map(str::to_owned),
            lock_key: new.task.lock_key.to_owned(),
            next_sync: new.next_sync,
        };
        self.sheets().insert(id, sheet);
        info
    }

    /// A task of an organization, if it has no row.
    pub fn find(&self, org: OrgId, id: TaskId) -> Option<TaskInfo> {
        let sheets = self.sheets();
        let sheet = sheets.get(&id)?;
        (sheet.task.actor.org == org).then(|| sheet.info.clone())
    }

    /// The task that a key of an organization gave before.
    pub fn by_key(&self, org: OrgId, key: &str) -> Option<TaskInfo> {
        self.sheets()
            .values()
            .find(|sheet| sheet.task.actor.org == org && sheet.key.as_deref() == Some(key))
            .map(|sheet| sheet.info.clone())
    }

    /// Tasks of an organization without a row, older than `before`; in this state, or in any.
    pub fn list(
        &self,
        org: OrgId,
        state: Option<TaskState>,
        before: Option<TaskId>,
    ) -> Vec<TaskInfo> {
        self.sheets()
            .values()
            .filter(|sheet| {
                sheet.task.actor.org == org
                    && state.is_none_or(|state| sheet.info.state == state)
                    && before.is_none_or(|before| sheet.info.id < before)
            })
            .map(|sheet| sheet.info.clone())
            .collect()
    }

    /// How many wait.
    pub fn queued(&self) -> usize {
        self.sheets()
            .values()
            .filter(|sheet| sheet.info.state == TaskState::Queued)
            .count()
    }

    /// Lock keys of those that run: no row with one of them may be begun.
    pub fn running_keys(&self) -> Vec<String> {
        self.sheets()
            .values()
            .filter(|sheet| sheet.info.state == TaskState::Running)
            .map(|sheet| sheet.lock_key.clone())
            .collect()
    }

    /// Takes the oldest one that nothing with its lock key runs or waits before. `open` are the rows that wait or run.
    pub fn claim(&self, open: &[OpenTask], now: Instant) -> Option<ClaimedTask> {
        let mut sheets = self.sheets();
        let mut taken: HashSet<String> = sheets
            .values()
            .filter(|sheet| sheet.info.state == TaskState::Running)
            .map(|sheet| sheet.lock_key.clone())
            .collect();
        for (id, sheet) in sheets.iter_mut() {
            if sheet.info.state != TaskState::Queued {
                continue;
            }
            let blocked = open.iter().any(|row| {
                row.lock_key == sheet.lock_key && (row.state == TaskState::Running || row.id < *id)
            });
            // One that waits for others keeps those behind it waiting, too.
            if !taken.insert(sheet.lock_key.clone()) || blocked {
                continue;
            }
            sheet.info.state = TaskState::Running;
            sheet.info.started = Some(now);
            return Some(sheet.task.clone());
        }
        None
    }

    /// Asks one to stop: a waiting one ends at once. None when it has a row, or never was.
    pub fn request_cancel(&self, org: OrgId, id: TaskId, now: Instant) -> Option<TaskState> {
        let mut sheets = self.sheets();
        let sheet = sheets
            .get_mut(&id)
            .filter(|sheet| sheet.task.actor.org == org)?;
        if !sheet.info.state.is_over() {
            sheet.info.cancel_requested = true;
        }
        if sheet.info.state == TaskState::Queued {
            sheet.info.state = TaskState::Cancelled;
            sheet.info.finished = Some(now);
        }
        Some(sheet.info.state)
    }

    /// Writes the row of a running one; from here on it is a task like any other. Gives the fence of its claim.
    ///
    /// # Errors
    /// What the database said; then there is no row.
    pub async fn write(
        &self,
        db: &Db,
        id: TaskId,
        owner: &str,
        until: Instant,
    ) -> Result<i64, airlock_db::Error> {
        let Some(sheet) = self.sheets().get(&id).cloned() else {
            return Err(airlock_db::Error::BadValue {
                what: "task without a row",
                value: id.to_string(),
            });
        };
        let mut tx = db.begin().await?;
        insert(&mut tx, &sheet).await?;
        let fence = tasks::begin(
            &mut tx,
            id,
            owner,
            sheet.info.started.unwrap_or(until),
            until,
        )
        .await?;
        tx.commit().await?;
        self.sheets().remove(&id);
        Ok(fence)
    }

    /// One has ended with nothing new, or its row found no room on the disk: it is shown for a while.
    pub fn finish(&self, id: TaskId, end: &End, notes: Vec<String>, now: Instant) {
        let mut sheets = self.sheets();
        if let Some(sheet) = sheets.get_mut(&id) {
            sheet.info.state = end.state;
            sheet.info.result.clone_from(&end.result);
            sheet.info.error.clone_from(&end.error);
            sheet.info.notes = notes;
            sheet.info.finished = Some(now);
        }
        let ended: Vec<TaskId> = sheets
            .iter()
            .filter(|(_, sheet)| sheet.info.state.is_over())
            .map(|(id, _)| *id)
            .collect();
        for id in ended.iter().rev().skip(MOST_ENDED) {
            sheets.remove(id);
        }
    }

    /// When a channel is due next, which may be later than its row says.
    pub fn next_sync(&self, channel: &Channel) -> Option<Instant> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match due.get(&channel.id) {
            Some(due) if due.stored == channel.next_sync => Some(due.next),
            _ => channel.next_sync,
        }
    }

    /// Remembers when a channel is due next.
    pub fn set_next_sync(&self, channel: &Channel, next: Instant) {
        let due = Due {
            stored: channel.next_sync,
            next,
        };
        self.due
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(channel.id, due);
    }
}

/// Writes a sheet down as a row that waits.
async fn insert(tx: &mut Tx, sheet: &Sheet) -> Result<(), airlock_db::Error> {
    let task = NewTask {
        kind: &sheet.task.kind,
        subject: &sheet.info.subject,
        payload: &sheet.task.payload,
        lock_key: &sheet.lock_key,
        operation_id: &sheet.task.operation_id,
        idempotency_key: sheet.key.as_deref(),
    };
    tasks::enqueue_as(
        tx,
        &sheet.task.actor,
        &task,
        sheet.info.id,
        sheet.info.created,
    )
    .await?;
    if let Some((channel, next)) = sheet.next_sync {
        airlock_db::channels::set_next_sync(tx, channel, next).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_model::{Cause, Role};

    fn actor() -> Actor {
        Actor {
            org: OrgId::DEFAULT,
            principal: "local:0".to_owned(),
            role: Role::Administrator,
            request_id: "test".to_owned(),
            cause: Cause::Request,
        }
    }

    fn add(list: &Unwritten, id: i64, lock_key: &str) {
        let actor = actor();
        let operation_id = format!("operation-{id}");
        let task = NewTask {
            kind: "sync",
            subject: "el9-base",
            payload: "{}",
            lock_key,
            operation_id: &operation_id,
            idempotency_key: Some(&operation_id),
        };
        let new = NewSheet {
            actor: &actor,
            task,
            next_sync: None,
        };
        list.add(&new, TaskId(id), Instant(id));
    }

    fn nothing_new() -> End {
        End {
            state: TaskState::Done,
            result: Some(serde_json::Value::Null),
            error: None,
        }
    }

    fn row(id: i64, state: TaskState, lock_key: &str) -> OpenTask {
        OpenTask {
            id: TaskId(id),
            kind: "push".to_owned(),
            state,
            lock_key: lock_key.to_owned(),
        }
    }

    #[test]
    fn what_shares_a_lock_key_goes_in_the_order_of_the_queue() {
        let list = Unwritten::default();
        for (id, key) in [(2, "a"), (4, "b"), (5, "a"), (6, "c"), (7, "d")] {
            add(&list, id, key);
        }
        let rows = [
            row(1, TaskState::Queued, "b"),
            row(3, TaskState::Queued, "a"),
            row(8, TaskState::Running, "c"),
        ];
        let claim = |rows: &[OpenTask]| list.claim(rows, Instant(9)).map(|task| task.id.0);
        // 4 waits for row 1, 5 for 2 and row 3, 6 for the row that runs.
        assert_eq!(claim(&rows), Some(2));
        assert_eq!(claim(&rows), Some(7));
        assert_eq!(claim(&rows), None);
        assert_eq!(claim(&[]), Some(4));
        assert_eq!(claim(&[]), Some(6));
        assert_eq!(claim(&[]), None, "2 runs still, and 5 has its key");
        list.finish(TaskId(2), &nothing_new(), Vec::new(), Instant(10));
        assert_eq!(list.claim(&[], Instant(11)).map(|task| task.id.0), Some(5));
        assert_eq!(list.running_keys().len(), 4);
    }

    #[test]
    fn others_see_none_and_a_waiting_one_is_cancelled_at_once() {
        let list = Unwritten::default();
        add(&list, 1, "a");
        assert!(list.find(OrgId(2), TaskId(1)).is_none());
        assert!(list.list(OrgId(2), None, None).is_empty());
        assert!(list.by_key(OrgId(2), "operation-1").is_none());
        assert_eq!(list.request_cancel(OrgId(2), TaskId(1), Instant(2)), None);
        let ended = list.request_cancel(OrgId::DEFAULT, TaskId(1), Instant(2));
        assert_eq!(ended, Some(TaskState::Cancelled));
        assert_eq!(list.claim(&[], Instant(3)).map(|task| task.id), None);
        let found = list.by_key(OrgId::DEFAULT, "operation-1").unwrap();
        assert!(found.cancel_requested && found.finished == Some(Instant(2)));
    }

    #[test]
    fn only_so_many_that_ended_are_kept() {
        let list = Unwritten::default();
        let most = i64::try_from(MOST_ENDED).unwrap();
        for id in 0..most + 5 {
            add(&list, id, "a");
            list.claim(&[], Instant(1)).unwrap();
            list.finish(TaskId(id), &nothing_new(), Vec::new(), Instant(2));
        }
        let kept = list.list(OrgId::DEFAULT, None, None);
        assert_eq!(kept.len(), MOST_ENDED);
        assert_eq!(kept[0].id, TaskId(5));
    }
}
