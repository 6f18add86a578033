//! Plans from files: applied, and taken back.

use std::path::{Path, PathBuf};

use airlock_content::read_plan;
use airlock_model::{ChannelLabel, CloneOutcome, Plan, TaskInfo, VersionInfo, VersionNumber};
use airlock_server::api;
use http::Method;
use serde_json::Value;
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

/// The plans of files. A name that `--plan` numbered stands for all its files.
fn plans(files: &[PathBuf]) -> Result<Vec<Written>> {
    let mut all = Vec::new();
    for file in files {
        let first = numbered(file, Some(1));
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
                if number > 0 {
                    eprintln!(
                        "note: {number} of {} plans were applied before; --undo takes them back",
                        plans.len()
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

/// A channel that goes back.
struct Step {
    label: ChannelLabel,
    from: VersionNumber,
    to: VersionNumber,
}

/// Takes back what plans did. Nothing is begun unless each of their channels is still as its plan left it.
pub async fn undo(
    context: &Context,
    wish: &Wish,
    files: &[PathBuf],
    interrupts: &mut Interrupts,
) -> Result {
    let plans = plans(files)?;
    let mut steps = Vec::new();
    for written in plans.iter().rev() {
        // Children before their base.
        for channel in written.plan.channels.iter().rev() {
            if !channel.changes_anything() {
                continue;
            }
            let label = &channel.destination.label;
            let from = made_by(context, label, written).await?;
            match channel.destination.version {
                Some(to) => steps.push(Step {
                    label: label.clone(),
                    from,
                    to,
                }),
                None => eprintln!(
                    "note: {label} had no content before the plan, so it stays as it is: airlock channel delete {label}"
                ),
            }
        }
    }
    if !wish.yes {
        ask::somebody_is_there(context.json)?;
    }
    for step in steps.iter().filter(|_| !context.json) {
        let Step { label, from, to } = step;
        show::print(&fold(&format!(
            "{label}: from version {from} back to what {to} held"
        )))?;
    }
    if steps.is_empty() {
        return not_changed();
    }
    if !wish.yes && !ask::yes("Continue?", interrupts).await? {
        return not_changed();
    }
    let waiting = Waiting {
        no_wait: wish.no_wait,
    };
    let mut outcomes: Vec<Value> = Vec::new();
    for step in &steps {
        let path = format!("/api/v1/channels/{}/rollback", step.label);
        let back = api::Rollback {
            version: step.to.to_string(),
            tree: false,
        };
        let outcome: Option<Value> = task::start(context, &path, &back, waiting).await?;
        if outcome.is_some() && !context.json {
            show::print(&fold(&format!("{}: as at version {}", step.label, step.to)))?;
        }
        outcomes.extend(outcome);
    }
    match context.json && !wish.no_wait {
        true => show::json(&outcomes),
        false => Ok(()),
    }
}

/// The current version of a channel, which the plan has to have made.
async fn made_by(
    context: &Context,
    label: &ChannelLabel,
    written: &Written,
) -> Result<VersionNumber> {
    let path = format!("/api/v1/channels/{label}/versions");
    let versions: Vec<VersionInfo> = context.client.get(&path).await?;
    let digest = written.digest();
    let is_made = |info: &&VersionInfo| info.plan_digest.as_ref() == Some(&digest);
    let file = written.file.display();
    match versions.iter().find(|info| info.current) {
        Some(current) if is_made(&current) => Ok(current.number),
        Some(current) if versions.iter().any(|info| is_made(&info)) => Err(Fail::new(format!(
            "{label} has moved on since {file} was applied: it is at version {} now",
            current.number
        ))
        .hint(format!(
            "airlock channel versions {label} shows what came after; airlock channel rollback {label} VERSION goes back"
        ))),
        _ => Err(
            Fail::new(format!("{file} was not applied to {label} as it stands")).hint(format!(
                "with --rebase another plan was made of it; airlock channel versions {label} shows what there is"
            )),
        ),
    }
}
