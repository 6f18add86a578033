//! `airlock plan …`: plans of clones from their files; no server is needed.

use std::path::Path;

use airlock_content::read_plan;
use airlock_model::{ChannelSummary, PlanSummary};
use sha2::{Digest, Sha256};

use crate::cli::plan::{Format, PlanCommand};
use crate::clone_by_date::{explained, flow};
use crate::fail::{Fail, Result};
use crate::show;

/// `airlock plan …`.
pub fn run(command: PlanCommand, json: bool) -> Result {
    match command {
        PlanCommand::Show { file, format } => show_one(&file, format, json),
        PlanCommand::Explain { file, names } => {
            let bytes = flow::read(&file)?;
            let plan = read_plan(&bytes).map_err(|error| flow::refused(&file, &error))?;
            explained::of_file(&plan, &names, json)
        }
    }
}

fn show_one(file: &Path, format: Option<Format>, json: bool) -> Result {
    let bytes = flow::read(file)?;
    let plan = read_plan(&bytes).map_err(|error| flow::refused(file, &error))?;
    match (json, format) {
        (true, None) => show::json(&PlanSummary {
            digest: hex::encode(Sha256::digest(&bytes)),
            channels: plan.channels.iter().map(ChannelSummary::from).collect(),
        }),
        (true, Some(_)) => Err(Fail::usage("--json and --format exclude each other")
            .hint("--json gives the plan in numbers; the file itself is JSON as well")),
        (false, None | Some(Format::Text)) => show::print(&show::plan::text::text(&plan)),
        (false, Some(Format::Csv)) => show::print(&show::plan::csv::csv(&plan)),
        (false, Some(Format::Html)) => show::print(&show::plan::html::html(&plan)),
    }
}
