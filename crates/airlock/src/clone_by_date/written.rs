//! Plans from files: applied, and taken back.

use std::path::{Path, PathBuf};

use airlock_content::{UndoStep, Undone, read_plan, read_plan_to_apply};
use airlock_model::{ChannelSummary, CloneOutcome, Plan, PlanSummary, TaskInfo, UndonePlan};
use airlock_server::api;
use http::Method;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::ask::{self, Interrupts};
use super::flow::{done, not_changed, numbered, read, refused};
use super::rebased;
use super::wish::{Applied, Wish};
use crate::cli::Waiting;
use crate::command::{Context, task};
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::fold::fold;
use crate::show::plan::{summary, text};

/// A plan's file.
pub struct Written {
    /// Its file.
    pub file: PathBuf,
    /// What stands in it.
    pub bytes: Vec<u8>,
    /// The same, read.
    pub plan: Plan,
    /// The file is still to be written.
    pub is_new: bool,
}

impl Written {
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }

    fn summary(&self) -> PlanSummary {
        PlanSummary {
            digest: self.digest(),
            channels: self
                .plan
                .channels
                .iter()
                .map(ChannelSummary::from)
                .collect(),
        }
    }
}

/// The plans of files. A name that `--plan` numbered stands for all its files; where there is a file of that name, too,
/// nobody can tell which of them are meant.
fn plans(
    files: &[PathBuf],
    understand: fn(&[u8]) -> Result<Plan, airlock_content::Error>,
) -> Result<Vec<Written>> {
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
        let plan = understand(&bytes).map_err(|error| refused(&file, &error))?;
        plans.push(Written {
            file,
            bytes,
            plan,
            is_new: false,
        });
    }
    Ok(plans)
}

/// Applies plans, one after the other, once all of them are shown and agreed to: those that are shown, and no others.
pub async fn apply(
    context: &Context,
    wish: &Wish,
    (files, how): (&[PathBuf], Applied),
    interrupts: &mut Interrupts,
) -> Result {
    let mut plans = plans(files, read_plan_to_apply)?;
    if !wish.yes && !how.dry_run {
        ask::somebody_is_there(context.json)?;
    }
    if how.rebase {
        plans = rebased::rebase(context, plans).await?;
    }
    if how.dry_run && context.json {
        let summaries: Vec<PlanSummary> = plans.iter().map(Written::summary).collect();
        return show::json(&summaries);
    }
    for written in plans.iter().filter(|_| !context.json) {
        show_creations(context, &written.plan).await?;
        if how.dry_run {
            show::print(&format!("{}\n", text::text(&written.plan)))?;
        }
        show::print(&summary::text(&written.plan))?;
    }
    if how.dry_run || (!wish.yes && !ask::yes("Continue?", interrupts).await?) {
        return not_changed();
    }
    rebased::keep(&plans)?;
    let mut outcomes = Vec::new();
    for (number, written) in plans.iter().enumerate() {
        match apply_one(context, wish, written).await {
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

/// The channels that would be made, unless they are there by now: what applying comes to then is the server's to say.
async fn show_creations(context: &Context, plan: &Plan) -> Result {
    let mut there = Vec::new();
    for channel in plan.channels.iter().filter(|one| one.create.is_some()) {
        let label = &channel.destination.label;
        let path = format!("/api/v1/channels/{label}");
        if context.client.get::<IgnoredAny>(&path).await.is_ok() {
            eprintln!("note: channel {label} is there already");
            there.push(label);
        }
    }
    let creations = summary::creations(plan, &there);
    match creations.is_empty() {
        true => Ok(()),
        false => show::print(&format!("These channels would be made:\n{creations}")),
    }
}

async fn apply_one(
    context: &Context,
    wish: &Wish,
    written: &Written,
) -> Result<Option<CloneOutcome>> {
    let bytes = written.bytes.clone();
    let path = "/api/v1/clones/apply?rebase=false";
    let started: TaskInfo = context.client.send_bytes(Method::POST, path, bytes).await?;
    let waiting = Waiting {
        no_wait: wish.no_wait,
    };
    let Some(outcome) = task::follow::<CloneOutcome>(context, started, waiting).await? else {
        return Ok(None);
    };
    if !context.json {
        done(&outcome)?;
        show::print(&summary::surprising_text(&written.plan))?;
    }
    Ok(Some(outcome))
}

/// Takes back what plans did, all of it or nothing. The server looks at what the channels hold.
pub async fn undo(
    context: &Context,
    wish: &Wish,
    (files, dry_run): (&[PathBuf], bool),
    interrupts: &mut Interrupts,
) -> Result {
    let plans = plans(files, read_plan)?;
    let undone = plans
        .iter()
        .map(|written| UndonePlan::new(&written.plan, written.digest()));
    let undone: Vec<UndonePlan> = undone.filter(|plan| !plan.channels.is_empty()).collect();
    if undone.is_empty() {
        return not_changed();
    }
    if dry_run || !wish.yes {
        if !dry_run {
            ask::somebody_is_there(context.json)?;
        }
        let (undone, waiting) = (undone.clone(), Waiting { no_wait: false });
        let would = ask_undo(context, &plans, (undone, true), waiting).await?;
        let would = would.unwrap_or_default();
        if dry_run && context.json {
            return show::json(&would);
        }
        tell(context, &plans, &would)?;
        if dry_run || !ask::yes("Continue?", interrupts).await? {
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
