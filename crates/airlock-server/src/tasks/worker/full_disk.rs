//! A disk without room for the write that begins a task: whoever waits for it is told, instead of waiting for room.

use std::sync::Arc;
use std::time::Duration;

use airlock_content::Error;
use airlock_db::tasks::{self, Barred};
use airlock_model::{TaskId, TaskState};
use tracing::Instrument as _;

use super::super::board::End;
use super::{take_away_files, told};
use crate::app::App;

/// Ends the task whose turn it is: `error` is what its claim failed with. Its row says so once there is room.
///
/// # Errors
/// What the database said; `error` itself when no task waits.
pub(super) async fn end_next(
    app: &Arc<App>,
    owner: &str,
    error: airlock_db::Error,
) -> Result<(), airlock_db::Error> {
    let _choosing = app.unwritten.choosing.lock().await;
    let (keys, ended) = (app.unwritten.running_keys(), app.board.all_ended());
    let barred = Barred {
        keys: &keys,
        tasks: &ended,
    };
    let Some(task) = tasks::next(app.db(), barred).await? else {
        return Err(error);
    };
    let text = told(&Error::from(error));
    tracing::warn!(task = %task.id, kind = %task.kind, error = text.lines().next().unwrap_or_default(), "not begun");
    take_away_files(app, &task);
    app.metrics.task_ended(false);
    app.board.begin(task.id);
    app.board.ended(
        task.id,
        End {
            state: TaskState::Failed,
            result: None,
            error: Some(text.clone()),
        },
    );
    let writing = write_later(Arc::clone(app), task.id, owner.to_owned(), text);
    tokio::spawn(writing.in_current_span());
    Ok(())
}

/// Keeps trying until the row says that the task failed.
async fn write_later(app: Arc<App>, id: TaskId, owner: String, text: String) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if app.board.is_ending()
            || tasks::give_up(app.db(), id, &owner, &text, app.now())
                .await
                .is_ok()
        {
            break;
        }
    }
    app.board.end(id);
    app.new_task.notify_waiters();
}
