//! Reading versions: packages, errata, versions, diff.

use airlock_model::{DiffReport, ErratumRow, PackageRow, VersionInfo};

use super::Context;
use super::channel::{label, label_at};
use crate::cli::channel::Format;
use crate::client::encoded;
use crate::fail::Result;
use crate::show;
use crate::show::table::Table;

fn path(text: &str, what: &str) -> Result<String> {
    let (label, version) = label_at(text)?;
    let at = version.map_or_else(String::new, |version| format!("?at={}", encoded(&version)));
    Ok(format!("/api/v1/channels/{label}/{what}{at}"))
}

/// `channel packages`.
pub async fn packages(context: &Context, channel: &str, name: Option<&str>) -> Result {
    let mut path = path(channel, "packages")?;
    if let Some(name) = name {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&format!("name={}", encoded(name)));
    }
    let rows: Vec<PackageRow> = context.client.get(&path).await?;
    if context.json {
        return show::json(&rows);
    }
    let mut table = Table::new(&["~PACKAGE", ">SIZE", "HERE", "CHECKSUM"]);
    for row in &rows {
        let here = match (row.held, row.verified) {
            (true, true) => "verified",
            (true, false) => "held",
            (false, _) => "-",
        };
        table.row(vec![
            row.nevra(),
            show::size(row.size),
            here.to_owned(),
            row.checksum.chars().take(16).collect(),
        ]);
    }
    show::print(&table.text())
}

/// `channel errata`.
pub async fn errata(context: &Context, channel: &str) -> Result {
    let rows: Vec<ErratumRow> = context.client.get(&path(channel, "errata")?).await?;
    if context.json {
        return show::json(&rows);
    }
    let mut table = Table::new(&[
        "~ADVISORY",
        "~KIND",
        "~SEVERITY",
        "ISSUED",
        ">PACKAGES",
        "~TITLE",
    ]);
    for row in &rows {
        let issued = row.issued.map_or_else(
            || "-".to_owned(),
            |at| at.to_rfc3339().chars().take(10).collect(),
        );
        let severity = if row.severity.is_empty() {
            "-".to_owned()
        } else {
            row.severity.clone()
        };
        table.row(vec![
            row.advisory.clone(),
            row.kind.clone(),
            severity,
            issued,
            row.packages.len().to_string(),
            row.title.clone(),
        ]);
    }
    show::print(&table.text())
}

/// `channel versions`.
pub async fn versions(context: &Context, name: &str) -> Result {
    let rows: Vec<VersionInfo> = context
        .client
        .get(&format!("/api/v1/channels/{}/versions", label(name)?))
        .await?;
    if context.json {
        return show::json(&rows);
    }
    show::print(&show::channel::versions(&rows))
}

/// `channel diff`.
pub async fn diff(
    context: &Context,
    from: &str,
    to: Option<&str>,
    tree: bool,
    format: Format,
) -> Result {
    let (label, _) = label_at(from)?;
    let to = match to {
        Some(to) => {
            label_at(to)?;
            to.to_owned()
        }
        None => label.to_string(),
    };
    let path = format!(
        "/api/v1/diff?from={}&to={}&tree={tree}",
        encoded(from),
        encoded(&to)
    );
    let reports: Vec<DiffReport> = context.client.get(&path).await?;
    match format {
        _ if context.json => show::json(&reports),
        Format::Json => show::json(&reports),
        Format::Csv => show::print(&show::diff::csv(&reports)),
        Format::Text => show::print(&show::diff::text(&reports)),
    }
}
