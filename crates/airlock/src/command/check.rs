//! `airlock channel check`.

use airlock_model::CheckReport;
use airlock_server::api;

use super::Context;
use super::channel::label_at;
use super::task::start;
use crate::cli::Waiting;
use crate::fail::{Fail, Result};
use crate::show;

/// Checks a version; fails when something counts as broken.
pub async fn run(
    context: &Context,
    channel: &str,
    with: Vec<String>,
    baseline: Option<String>,
    waiting: Waiting,
) -> Result {
    let (label, version) = label_at(channel)?;
    for other in with.iter().chain(&baseline) {
        label_at(other)?;
    }
    let path = format!("/api/v1/channels/{label}/check");
    let wish = api::Check {
        version,
        with,
        baseline,
    };
    let Some(report) = start::<CheckReport>(context, &path, &wish, waiting).await? else {
        return Ok(());
    };
    if context.json {
        show::json(&report)?;
    } else {
        show::print(&show::check::text(&report))?;
    }
    // Without a baseline all of them count.
    match report.newly_broken {
        0 => Ok(()),
        _ => Err(Fail::said()),
    }
}
