//! `airlock task …`, and the waiting that every command with a task does.

use std::time::{Duration, Instant};

use airlock_model::{CheckReport, TaskId, TaskInfo, TaskState};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Context;
use crate::cli::Waiting;
use crate::cli::server::TaskCommand;
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::progress::Shown;
use crate::show::table::Table;

/// How long one look at a task waits for news.
const POLL: Duration = Duration::from_secs(20);
/// A server that says nothing for this much longer has gone without closing the connection.
const SILENCE: Duration = Duration::from_secs(10);
/// Between two tries to reach a server that went away.
const AGAIN: Duration = Duration::from_millis(100);
/// How long a server on this machine is looked for after it went away.
const LOCAL_PATIENCE: Duration = Duration::from_millis(500);
/// The same over a network, where proxies and servers start again.
const NETWORK_PATIENCE: Duration = Duration::from_secs(5);

/// `airlock task …`.
pub async fn run(context: &Context, command: TaskCommand) -> Result {
    match command {
        TaskCommand::List { all } => list(context, all).await,
        TaskCommand::Show { id } => {
            let task: TaskInfo = context.client.get(&format!("/api/v1/tasks/{id}")).await?;
            describe(context, &task)
        }
        TaskCommand::Watch { id } => {
            let task: TaskInfo = context.client.get(&format!("/api/v1/tasks/{id}")).await?;
            let task = wait(context, task).await?;
            describe(context, &task)?;
            ended_well(&task)
        }
        TaskCommand::Cancel { id } => {
            let task: TaskInfo = context
                .client
                .bare(Method::POST, &format!("/api/v1/tasks/{id}/cancel"))
                .await?;
            if context.json {
                return show::json(&task);
            }
            show::line(&if task.state.is_over() {
                format!("task {id} is over already: {}", task.state.as_str())
            } else {
                format!("task {id} was asked to stop")
            })
        }
    }
}

async fn list(context: &Context, all: bool) -> Result {
    let tasks: Vec<TaskInfo> = context
        .client
        .get(&format!("/api/v1/tasks?all={all}"))
        .await?;
    if context.json {
        return show::json(&tasks);
    }
    let mut table = Table::new(&[">ID", "~KIND", "~SUBJECT", "STATE", "~BY", "CREATED"]);
    for task in &tasks {
        let state = match task.state {
            TaskState::Running if task.progress.total > 0 => format!(
                "running {} %",
                task.progress.done.saturating_mul(100) / task.progress.total
            ),
            state => state.as_str().to_owned(),
        };
        table.row(vec![
            task.id.to_string(),
            task.kind.clone(),
            task.subject.clone(),
            state,
            task.principal.clone(),
            show::time(task.created),
        ]);
    }
    show::print(&table.text())
}

fn describe(context: &Context, task: &TaskInfo) -> Result {
    if context.json {
        return show::json(task);
    }
    let mut text = format!(
        "task {}: {} {}\nstate:    {}\nby:       {} ({}, request {})\ncreated:  {}\n",
        task.id,
        task.kind,
        task.subject,
        task.state.as_str(),
        task.principal,
        task.cause,
        task.request_id,
        show::time(task.created),
    );
    if let Some(started) = task.started {
        text.push_str(&format!("started:  {}\n", show::time(started)));
    }
    if let Some(finished) = task.finished {
        text.push_str(&format!("finished: {}\n", show::time(finished)));
    }
    if !task.progress.stage.is_empty() && !task.state.is_over() {
        text.push_str(&format!(
            "stage:    {} {}/{} {}\n",
            task.progress.stage, task.progress.done, task.progress.total, task.progress.unit
        ));
    }
    for note in &task.notes {
        text.push_str(&format!("note:     {note}\n"));
    }
    if let Some(error) = &task.error {
        text.push_str(&format!("error:    {error}\n"));
    }
    show::print(&show::plain(&text))?;
    for report in gates(task) {
        show::print(&show::check::text(&report))?;
    }
    Ok(())
}

/// What gates found that held versions of this task, all of it. A sync says so channel by channel.
fn gates(task: &TaskInfo) -> Vec<CheckReport> {
    let Some(result) = &task.result else {
        return Vec::new();
    };
    let found: Vec<&Value> = match result {
        Value::Array(outcomes) => outcomes.iter().filter_map(|one| one.get("gate")).collect(),
        one => one
            .get("gate")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect(),
    };
    found
        .into_iter()
        .filter_map(|report| serde_json::from_value(report.clone()).ok())
        .collect()
}

/// Starts a task by a POST and sees it through.
///
/// Returns what it did, or none when nobody wanted to wait (then its number is printed).
pub async fn start<T: DeserializeOwned>(
    context: &Context,
    path: &str,
    body: &(impl Serialize + Sync),
    waiting: Waiting,
) -> Result<Option<T>> {
    let task: TaskInfo = context.client.send(Method::POST, path, body).await?;
    follow(context, task, waiting).await
}

/// Sees a started task through.
pub async fn follow<T: DeserializeOwned>(
    context: &Context,
    task: TaskInfo,
    waiting: Waiting,
) -> Result<Option<T>> {
    if waiting.no_wait {
        if context.json {
            show::json(&task)?;
        } else {
            show::line(&task.id.to_string())?;
        }
        return Ok(None);
    }
    let task = wait(context, task).await?;
    // A task that failed in parts has a result that says which; what gates found is no result of the work.
    let in_parts = task
        .result
        .as_ref()
        .is_some_and(|result| result.get("gate").is_none());
    if !in_parts || task.state != TaskState::Failed {
        ended_well(&task)?;
    }
    let result = task.result.unwrap_or(serde_json::Value::Null);
    serde_json::from_value(result).map(Some).map_err(|error| {
        Fail::new(format!(
            "the result of task {} is not understood: {error}",
            task.id
        ))
        .hint("server and command are perhaps of different releases")
    })
}

fn ended_well(task: &TaskInfo) -> Result {
    let id = task.id;
    match task.state {
        TaskState::Done => Ok(()),
        TaskState::Cancelled => Err(Fail::new(format!(
            "task {id} was cancelled; nothing was changed"
        ))),
        TaskState::Interrupted => Err(Fail::new(format!("the server ended while task {id} ran"))
            .hint("the last published version is served; run the command again")),
        _ => {
            let text = task
                .error
                .clone()
                .unwrap_or_else(|| format!("task {id} failed"));
            // The worker writes the hint behind the first line.
            Err(match text.split_once("\nhint: ") {
                Some((message, hint)) => Fail::new(message).hint(hint),
                None => Fail::new(text),
            })
        }
    }
}

/// Waits for the end of a task and shows its progress. Ctrl-C leaves it running.
async fn wait(context: &Context, task: TaskInfo) -> Result<TaskInfo> {
    let id = task.id;
    let mut shown = Shown::new(context.json);
    tokio::select! {
        ended = until_over(context, task, &mut shown) => {
            shown.end();
            ended
        }
        _ = tokio::signal::ctrl_c() => Err(Fail::new(format!("not waiting any longer; task {id} goes on"))
            .hint(format!("airlock task watch {id}, or airlock task cancel {id}"))
            .stopped()),
    }
}

async fn until_over(context: &Context, mut task: TaskInfo, shown: &mut Shown) -> Result<TaskInfo> {
    // On this machine a closed connection means that the server ended; over a network there are hiccups.
    let patience = if context.client.is_local() {
        LOCAL_PATIENCE
    } else {
        NETWORK_PATIENCE
    };
    let mut lost: Option<Instant> = None;
    loop {
        shown.update(&task);
        if task.state.is_over() {
            return Ok(task);
        }
        let TaskId(id) = task.id;
        let path = format!(
            "/api/v1/tasks/{id}?wait={}&seen={}",
            POLL.as_secs(),
            crate::client::encoded(&airlock_server::seen(&task))
        );
        let answer = tokio::time::timeout(POLL + SILENCE, context.client.get(&path)).await;
        let fail = match answer {
            Ok(Ok(next)) => {
                lost = None;
                task = next;
                continue;
            }
            Ok(Err(fail)) if !fail.lost => return Err(fail),
            Ok(Err(fail)) => fail,
            Err(_) => Fail::new("it does not answer any more"),
        };
        if lost.get_or_insert_with(Instant::now).elapsed() >= patience {
            return Err(Fail::new(format!(
                "the server went away while task {id} ran: {}",
                fail.message
            ))
            .hint(format!(
                "nothing half-done is visible; when the server runs again, airlock task show {id} says what became of it"
            )));
        }
        tokio::time::sleep(AGAIN).await;
    }
}
