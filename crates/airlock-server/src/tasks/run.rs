//! A job becomes a call of the domain, and what it answers becomes the task's result.

use airlock_content::{
    AddFrom, Content, Error, FetchOutcome, StagedFile, SyncOptions, TaskContext, split_label,
};
use airlock_model::{ChannelLabel, SyncOutcome, SyncState, VersionSelector};
use serde::Serialize;
use serde_json::Value;

use super::Job;

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What it did.
    pub result: Value,
    /// What went wrong in parts of it.
    pub trouble: Option<String>,
}

/// Carries a job out.
///
/// # Errors
/// What the domain said.
pub async fn run(content: &Content, context: &TaskContext, job: Job) -> Result<Ended, Error> {
    match job {
        Job::Sync {
            labels,
            accept_shrink,
            together,
        } => {
            let outcomes = content
                .sync(
                    context,
                    &labels,
                    SyncOptions {
                        accept_shrink,
                        together,
                    },
                )
                .await?;
            let trouble = trouble(&outcomes);
            Ok(Ended {
                trouble,
                ..ended(&outcomes)?
            })
        }
        Job::Push { label, files } => {
            let files = files
                .into_iter()
                .map(|file| StagedFile {
                    path: file.path,
                    name: file.name,
                })
                .collect();
            ended(&content.push(context, &label, files).await?)
        }
        Job::Add {
            label,
            items,
            from,
            with_dependencies,
        } => {
            let from = AddFrom {
                channel: from.as_ref(),
                with_dependencies,
            };
            ended(&content.add(context, &label, &items, from).await?)
        }
        Job::Remove { label, items } => ended(&content.remove(context, &label, &items).await?),
        Job::Rollback {
            label,
            version,
            tree,
        } => {
            let selector = selector(content, Some(&version))?;
            ended(&content.rollback(context, &label, selector, tree).await?)
        }
        Job::Promote {
            source,
            version,
            label,
            tree,
        } => {
            let selector = selector(content, version.as_deref())?;
            ended(
                &content
                    .promote(context, &source, selector, &label, tree)
                    .await?,
            )
        }
        Job::Fetch { label, version } => {
            let selector = selector(content, version.as_deref())?;
            let outcome = content.fetch_packages(context, &label, selector).await?;
            Ok(Ended {
                trouble: missing(&label, &outcome),
                ..ended(&outcome)?
            })
        }
        Job::Check {
            label,
            version,
            with,
            baseline,
        } => {
            let at = selector(content, version.as_deref())?;
            let with = with
                .iter()
                .map(|text| label_at(content, text))
                .collect::<Result<Vec<_>, Error>>()?;
            let baseline = baseline.map(|text| label_at(content, &text)).transpose()?;
            let baseline = baseline.as_ref().map(|(label, at)| (label, *at));
            ended(&content.check(context, &label, at, &with, baseline).await?)
        }
        Job::Plan { request } => ended(&content.plan_clone(context, &request).await?),
        Job::Clone { digest, rebase, .. } => {
            ended(&content.apply_plan(context, &digest, rebase).await?)
        }
        Job::Undo { plans, dry_run } => ended(&content.undo_plans(context, &plans, dry_run).await?),
        Job::Fsck { deep, repair } => ended(&content.fsck(context, deep, repair).await?),
        Job::Gc { grace_seconds } => ended(&content.gc(context, grace_seconds).await?),
        Job::Backup { directory } => {
            ended(&crate::backup::backup(content, context, &directory).await?)
        }
    }
}

fn selector(content: &Content, text: Option<&str>) -> Result<VersionSelector, Error> {
    match text {
        None => Ok(VersionSelector::Current),
        Some(text) => Ok(VersionSelector::parse(text, &content.settings().zone)?),
    }
}

/// `LABEL[@VERSION]`.
fn label_at(content: &Content, text: &str) -> Result<(ChannelLabel, VersionSelector), Error> {
    let (name, version) = split_label(text);
    let label = ChannelLabel::new(name).map_err(|_| Error::NoChannel {
        label: name.to_owned(),
    })?;
    Ok((label, selector(content, version)?))
}

fn ended(value: &impl Serialize) -> Result<Ended, Error> {
    let result = serde_json::to_value(value).map_err(|error| Error::Internal {
        what: format!("writing the result down: {error}"),
    })?;
    Ok(Ended {
        result,
        trouble: None,
    })
}

/// A fetch that could not bring all packages here has failed, though others came.
fn missing(label: &ChannelLabel, outcome: &FetchOutcome) -> Option<String> {
    let first = outcome.missing.first()?;
    let more = match outcome.missing.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "{label}: {} cannot be had: {}{more}",
        first.package, first.reason
    ))
}

/// A sync in which a channel failed or was held has failed, though others went well.
fn trouble(outcomes: &[SyncOutcome]) -> Option<String> {
    let lines: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| match outcome.state {
            SyncState::Failed => Some(format!(
                "{}: {}",
                outcome.channel,
                outcome.error.as_deref().unwrap_or("failed")
            )),
            SyncState::Held => {
                let guard = outcome.held.as_ref().map(|held| held.reason.as_str());
                let error = outcome.error.as_deref();
                match (&outcome.gate, error) {
                    // It names its channel.
                    (Some(_), Some(error)) => Some(error.to_owned()),
                    _ => {
                        let reason = guard.or(error).unwrap_or_default();
                        Some(format!("{}: held: {reason}", outcome.channel))
                    }
                }
            }
            SyncState::Unchanged | SyncState::Published => None,
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
