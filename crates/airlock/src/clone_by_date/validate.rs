//! `--validate`: whether everything in the destinations can be installed, each with the others of its tree beside it.

use airlock_model::{ChannelLabel, CheckReport, CloneRequest};
use serde::Serialize;

use crate::cli::Waiting;
use crate::command::{Context, task};
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::fold::fold;
use crate::show::plan::count;

/// `POST /api/v1/channels/{label}/check`.
#[derive(Serialize)]
struct Check<'a> {
    with: Vec<&'a ChannelLabel>,
}

/// Checks the destinations of every tree.
///
/// # Errors
/// A destination that does not exist; something in one that cannot be installed.
pub async fn run(context: &Context, requests: &[CloneRequest]) -> Result {
    let mut reports = Vec::new();
    for request in requests {
        let parents = request.parents.iter().map(|parents| &parents.destination);
        let tree: Vec<&ChannelLabel> = request
            .channels
            .iter()
            .map(|pair| &pair.destination)
            .chain(parents)
            .collect();
        for pair in &request.channels {
            let label = &pair.destination;
            let with = tree.iter().copied().filter(|other| *other != label);
            let wish = Check {
                with: with.collect(),
            };
            let path = format!("/api/v1/channels/{label}/check");
            let report: Option<CheckReport> =
                task::start(context, &path, &wish, Waiting::default()).await?;
            let Some(report) = report else { continue };
            if !context.json {
                show::print(&text(&report))?;
            }
            reports.push(report);
        }
    }
    if context.json {
        show::json(&reports)?;
    }
    if reports.iter().all(|report| report.broken.is_empty()) {
        Ok(())
    } else {
        Err(Fail::said())
    }
}

fn text(report: &CheckReport) -> String {
    let mut text = fold(&format!(
        "{}: {}, {} cannot be installed",
        report.channel,
        count(report.packages, "package"),
        report.broken.len()
    ));
    for broken in &report.broken {
        text.push_str(&fold(&format!("  {}", broken.nevra)));
        for line in broken.problem.lines() {
            text.push_str(&fold(&format!("    {line}")));
        }
    }
    text
}
