//! A channel with its settings, and the list of its versions.

use airlock_model::{Channel, ChannelLabel, LastSync, PackageFilter, SyncState, VersionInfo};
use unicode_width::UnicodeWidthStr as _;

use super::fold::{WIDTH, fold};
use super::table::Table;
use super::{plain, time};

/// All settings, one a line; what is not set is left out.
#[must_use]
pub fn text(channel: &Channel) -> String {
    let signatures = channel.effective_signatures();
    let default = if channel.signatures.is_none() {
        " (by default)"
    } else {
        ""
    };
    let text = |label: Option<&ChannelLabel>| label.map_or_else(String::new, ToString::to_string);
    let mut rows: Vec<(&str, String)> = vec![
        ("label", channel.label.to_string()),
        ("name", channel.name.clone()),
        ("summary", channel.summary.clone()),
        ("description", channel.description.clone()),
        ("parent", text(channel.parent.as_ref())),
        ("cloned from", text(channel.cloned_from.as_ref())),
        ("arch", channel.arch.clone()),
        (
            "version",
            channel
                .current
                .map_or_else(|| "none yet".to_owned(), |number| number.to_string()),
        ),
        ("packages", channel.packages.to_string()),
        ("errata", channel.errata.to_string()),
        ("policy", channel.policy.to_string()),
        ("signatures", format!("{signatures}{default}")),
        ("access", channel.access.to_string()),
        (
            "metadata",
            format!(
                "{}, {}, {}{}",
                channel.metadata,
                channel.compression,
                channel.checksum,
                if channel.sign_metadata {
                    ", signed"
                } else {
                    ""
                }
            ),
        ),
        ("gate", channel.gate.to_string()),
        ("schedule", channel.schedule.clone().unwrap_or_default()),
        (
            "next sync",
            channel.next_sync.map_or_else(String::new, time),
        ),
        ("created", time(channel.created)),
    ];
    if let Some(sync) = &channel.last_sync {
        rows.push(("last sync", last_sync(sync)));
    }
    for upstream in &channel.upstreams {
        let synced = upstream.last_synced.map_or_else(
            || "never synced".to_owned(),
            |at| format!("synced {}", time(at)),
        );
        rows.push(("upstream", format!("{}  ({synced})", upstream.url)));
    }
    for key in &channel.keys {
        rows.push(("key", key.clone()));
    }
    if channel.filter != PackageFilter::default() {
        rows.push(("taken", taken(&channel.filter)));
    }
    // One space at least stands behind the longest name.
    let wide = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for (name, value) in rows {
        if !value.is_empty() {
            let name = format!("{name}:");
            text.push_str(&format!("{name:<wide$}{}\n", plain(&value)));
        }
    }
    text
}

/// `2026-06-01 02:00:00Z: failed: HTTP 503`.
fn last_sync(sync: &LastSync) -> String {
    let state = match sync.state {
        SyncState::Unchanged => "nothing new",
        SyncState::Published => "published",
        SyncState::Held => "held",
        SyncState::Failed => "failed",
    };
    let at = time(sync.at);
    match sync.reason.as_deref() {
        // A gate names packages below.
        Some(reason) => format!(
            "{state} {at}: {}",
            reason.lines().next().unwrap_or_default()
        ),
        None => format!("{state} {at}"),
    }
}

/// What is taken of the upstreams, in words.
fn taken(filter: &PackageFilter) -> String {
    let mut words = Vec::new();
    match filter.latest {
        Some(1) => words.push("the newest version of each package".to_owned()),
        Some(count) => words.push(format!("the newest {count} versions of each package")),
        None => {}
    }
    for (what, list) in [
        ("names", &filter.include),
        ("not names", &filter.exclude),
        ("architectures", &filter.arches),
        ("not architectures", &filter.exclude_arches),
        ("modules", &filter.modules),
        ("not modules", &filter.exclude_modules),
    ] {
        if !list.is_empty() {
            words.push(format!("{what} {}", list.join(", ")));
        }
    }
    if filter.source_packages {
        words.push("source packages too".to_owned());
    }
    words.join("; ")
}

/// Where notes that find no room in their row begin.
const NOTES: &str = "         ";

/// The history, one version a row. A note that does not fit behind its row stands below it, whole.
#[must_use]
pub fn versions(rows: &[VersionInfo]) -> String {
    let mut table = Table::new(&[
        ">VERSION",
        "INSTANT",
        "KIND",
        ">PACKAGES",
        ">HELD",
        ">CHANGED",
        ">ERRATA",
        "~BY",
    ]);
    for row in rows {
        let held = row
            .held
            .map_or_else(|| "-".to_owned(), |held| held.to_string());
        table.row(vec![
            format!("{}{}", if row.current { "* " } else { "" }, row.number),
            time(row.instant),
            row.kind.as_str().to_owned(),
            row.packages.to_string(),
            held,
            format!("+{} -{}", row.added, row.removed),
            row.errata.to_string(),
            row.principal.clone(),
        ]);
    }
    let table = table.text();
    let wide = table.lines().map(|line| line.width()).max().unwrap_or(0);
    let notes = std::iter::once("NOTE").chain(rows.iter().map(|row| row.note.as_str()));
    let mut text = String::new();
    for (line, note) in table.lines().zip(notes) {
        text.push_str(line);
        let note = plain(note).replace(['\n', '\t'], " ");
        if !note.is_empty() && wide + 2 + note.width() <= WIDTH {
            text.push_str(&" ".repeat(wide + 2 - line.width()));
            text.push_str(&note);
        } else if !note.is_empty() && note != "NOTE" {
            text.push('\n');
            text.push_str(fold(&format!("{NOTES}{note}")).trim_end());
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
