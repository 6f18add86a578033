//! Plans from files: applied, and taken back.

use std::path::{Path, PathBuf};

use airlock_content::{UndoStep, Undone, read_plan};
use airlock_model::{CloneOutcome, Plan, TaskInfo, UndonePlan};
use airlock_server::api;
use http::Method;
use sha2::{Digest, Sha256};

use super::ask::{self, Interrupts};
use super::flow::{done, fetch, not_changed, numbered, read, refused};
use super::wish::Wish;
use crate::cli::Waiting;
use crate::command::{Context, task};
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::fold::fold;
use crate::show::plan::summary;

/// A plan's file.
struct Written {
    file: PathBuf,
    bytes: Vec<u8>,
    plan: Plan,
}

impl Written {
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }
}

/// The plans of files. A name that `--plan` numbered stands for all its files; where there is a file of that name, too,
/// nobody can tell which of them are meant.
fn plans(files: &[PathBuf]) -> Result<Vec<Written>> {
    let mut all = Vec::new();
    for file in files {
        let first = numbered(file, Some(1));
        if file.exists() && first.exists() && !files.contains(&first) {
            let (file, first) = (file.display(), first.display());
            return Err(Fail::new(format!(
                "both {file} and {first} are there, and they are of different runs"
            ))
            .hint(format!(
                "name {first} and those that follow it, or take them away if {file} is meant"
            )));
        }
        if file == Path::new("-") || file.exists() || !first.exists() {
            all.push(file.clone());
            continue;
        }
        let mut number = 1;
        loop {
            let next = numbered(file, Some(number));
            if !next.exists() {
                break;
            }
            all.push(next);
            number += 1;
        }
    }
    let mut plans = Vec::new();
    for file in all {
        let bytes = read(&file)?;
        let plan = read_plan(&bytes).map_err(|error| refused(&file, &error))?;
        plans.push(Written { file, bytes, plan });
    }
    Ok(plans)
}

/// Applies plans, one after the other, once all of them are shown and agreed to.
pub async fn apply(
    context: &Context,
    wish: &Wish,
    (files, rebase): (&[PathBuf], bool),
    interrupts: &mut Interrupts,
) -> Result {
    let plans = plans(files)?;
    if !wish.yes {
        ask::somebody_is_there(context.json)?;
    }
    for written in plans.iter().filter(|_| !context.json) {
        let creations = summary::creations(&written.plan);
        if !creations.is_empty() {
            show::print(&format!("These channels would be made:\n{creations}"))?;
        }
        show::print(&summary::text(&written.plan))?;
    }
    if !wish.yes && !ask::yes("Continue?", interrupts).await? {
        return not_changed();
    }
    let mut outcomes = Vec::new();
    for (number, written) in plans.iter().enumerate() {
        match apply_one(context, wish, written, rebase).await {
            Ok(outcome) => outcomes.extend(outcome),
            Err(fail) => {
                // What was done before stays done.
                let before: Vec<String> = plans[..number]
                    .iter()
                    .map(|written| written.file.display().to_string())
                    .collect();
                if number > 0 {
                    eprintln!(
                        "note: {number} of {} plans were applied before; this takes them back: airlock clone-by-date --undo {}",
                        plans.len(),
                        before.join(" ")
                    );
                }
                if context.json && !outcomes.is_empty() {
                    show::json(&outcomes)?;
                }
                return Err(fail);
            }
        }
    }
    match context.json && !wish.no_wait {
        true => show::json(&outcomes),
        false => Ok(()),
    }
}

async fn apply_one(
    context: &Context,
    wish: &Wish,
    written: &Written,
    rebase: bool,
) -> Result<Option<CloneOutcome>> {
    let path = format!("/api/v1/clones/apply?rebase={rebase}");
    let bytes = written.bytes.clone();
    let started: TaskInfo = context
        .client
        .send_bytes(Method::POST, &path, bytes)
        .await?;
    let task = started.id;
    let waiting = Waiting {
        no_wait: wish.no_wait,
    };
    let Some(outcome) = task::follow::<CloneOutcome>(context, started, waiting).await? else {
        return Ok(None);
    };
    if context.json {
        return Ok(Some(outcome));
    }
    done(&outcome)?;
    if outcome.summary.digest == written.digest() {
        show::print(&summary::surprising_text(&written.plan))?;
        return Ok(Some(outcome));
    }
    // It was planned anew. What was done is done, whether or not its plan can still be had.
    match fetch(context, task).await {
        Ok((plan, _)) => show::print(&summary::surprising_text(&plan))?,
        Err(_) => show::print(&summary::counted(&outcome.summary))?,
    }
    Ok(Some(outcome))
}

/// Takes back what plans did, all of it or nothing. The server looks at what the channels hold.
pub async fn undo(
    context: &Context,
    wish: &Wish,
    files: &[PathBuf],
    interrupts: &mut Interrupts,
) -> Result {
    let plans = plans(files)?;
    let undone = plans
        .iter()
        .map(|written| UndonePlan::new(&written.plan, written.digest()));
    let undone: Vec<UndonePlan> = undone.filter(|plan| !plan.channels.is_empty()).collect();
    if undone.is_empty() {
        return not_changed();
    }
    if !wish.yes {
        ask::somebody_is_there(context.json)?;
        let (undone, waiting) = (undone.clone(), Waiting { no_wait: false });
        let would = ask_undo(context, &plans, (undone, true), waiting).await?;
        tell(context, &plans, &would.unwrap_or_default())?;
        if !ask::yes("Continue?", interrupts).await? {
            return not_changed();
        }
    }
    let waiting = Waiting {
        no_wait: wish.no_wait,
    };
    let Some(done) = ask_undo(context, &plans, (undone, false), waiting).await? else {
        return Ok(());
    };
    if context.json {
        return show::json(&done);
    }
    if wish.yes {
        tell(context, &plans, &done)?;
    }
    if done.steps.is_empty() {
        return not_changed();
    }
    for channel in &done.channels {
        let step = show::outcome::step(channel.from, channel.to);
        show::print(&fold(&format!(
            "{}: +{} -{} packages, {step}",
            channel.channel, channel.added, channel.removed
        )))?;
    }
    Ok(())
}

async fn ask_undo(
    context: &Context,
    written: &[Written],
    (plans, dry_run): (Vec<UndonePlan>, bool),
    waiting: Waiting,
) -> Result<Option<Undone>> {
    let wish = api::Undo { plans, dry_run };
    let undone = task::start(context, "/api/v1/clones/undo", &wish, waiting).await;
    undone.map_err(|fail| Fail {
        message: by_files(&fail.message, written),
        ..fail
    })
}

/// What goes back, and what does not.
fn tell(context: &Context, written: &[Written], undone: &Undone) -> Result {
    for note in &undone.notes {
        eprintln!("note: {}", by_files(note, written));
    }
    for step in undone.steps.iter().filter(|_| !context.json) {
        let UndoStep { channel, from, to } = step;
        let to = to.map_or_else(|| "nothing".to_owned(), |to| format!("what {to} held"));
        show::print(&fold(&format!(
            "{channel}: from version {from} back to {to}"
        )))?;
    }
    Ok(())
}

/// The server calls plans by their digests; here they are files.
fn by_files(text: &str, written: &[Written]) -> String {
    let mut text = text.to_owned();
    for one in written {
        let called = UndonePlan::new(&one.plan, one.digest()).called();
        text = text.replace(&called, &one.file.display().to_string());
    }
    text
}
