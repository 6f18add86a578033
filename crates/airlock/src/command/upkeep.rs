//! `airlock fsck`, `gc`, `backup`, `audit`.

use std::path::Path;

use airlock_model::{FsckReport, GcReport};
use airlock_server::api;
use serde_json::Value;

use super::Context;
use super::access::of_org;
use super::task::start;
use crate::cli::Waiting;
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::table::Table;

/// `airlock fsck`: exit 1 when something is broken and was not mended.
pub async fn fsck(context: &Context, deep: bool, repair: bool, waiting: Waiting) -> Result {
    let Some(report) = start::<FsckReport>(
        context,
        "/api/v1/fsck",
        &api::Fsck { deep, repair },
        waiting,
    )
    .await?
    else {
        return Ok(());
    };
    if context.json {
        show::json(&report)?;
    } else {
        show::line(&show::outcome::fsck(&report))?;
    }
    if report.findings.iter().all(|finding| finding.repaired) {
        Ok(())
    } else {
        Err(Fail::said())
    }
}

/// `airlock gc`.
pub async fn gc(context: &Context, grace_seconds: Option<i64>, waiting: Waiting) -> Result {
    let Some(report) =
        start::<GcReport>(context, "/api/v1/gc", &api::Gc { grace_seconds }, waiting).await?
    else {
        return Ok(());
    };
    if context.json {
        show::json(&report)
    } else {
        show::line(&show::outcome::gc(&report))
    }
}

/// `airlock backup`.
pub async fn backup(context: &Context, directory: &Path, waiting: Waiting) -> Result {
    let absolute = std::path::absolute(directory)
        .map_err(|error| Fail::file("cannot use", directory, &error))?;
    let Some(text) = absolute.to_str() else {
        return Err(Fail::usage(format!(
            "{} is not written in UTF-8",
            absolute.display()
        )));
    };
    let wish = api::Backup {
        directory: text.to_owned(),
    };
    let Some(outcome) = start::<Value>(context, "/api/v1/backup", &wish, waiting).await? else {
        return Ok(());
    };
    if context.json {
        return show::json(&outcome);
    }
    let number = |name: &str| outcome.get(name).and_then(Value::as_u64).unwrap_or(0);
    let mended = match number("replaced") {
        0 => String::new(),
        1 => ", 1 damaged copy replaced".to_owned(),
        count => format!(", {count} damaged copies replaced"),
    };
    let removed = match number("removed") {
        0 => String::new(),
        count => format!(", {count} damaged and not needed any more removed"),
    };
    show::line(&format!(
        "{text}: {} files, {}, verified{mended}{removed}",
        number("blobs"),
        show::size(number("bytes"))
    ))
}

/// `airlock audit`.
pub async fn audit(
    context: &Context,
    before: Option<i64>,
    limit: u32,
    org: Option<&str>,
) -> Result {
    let before = before.map_or_else(String::new, |id| format!("&before={id}"));
    let path = of_org(&format!("/api/v1/audit?limit={limit}{before}"), org);
    let rows: Vec<api::AuditRow> = context.client.get(&path).await?;
    if context.json {
        return show::json(&rows);
    }
    let mut table = Table::new(&[">ID", "INSTANT", "~BY", "~VERB", "~OBJECT", "~DETAIL"]);
    for row in &rows {
        table.row(vec![
            row.id.to_string(),
            show::time(row.instant),
            row.principal.clone(),
            row.verb.clone(),
            row.object.clone(),
            row.detail.clone(),
        ]);
    }
    show::print(&table.text())
}
