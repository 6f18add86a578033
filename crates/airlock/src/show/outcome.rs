//! What long jobs end with, for people.

use airlock_model::{
    FsckReport, GcReport, PushOutcome, SeverityCounts, SyncOutcome, SyncState, VersionNumber,
};

use super::{plain, size};

/// `el9-base: +12 -3 packages, errata 1 critical 2 important, 3.2 MB, version 4 → 5`. What a gate holds has more lines.
#[must_use]
pub fn sync(outcome: &SyncOutcome) -> String {
    let label = &outcome.channel;
    let stays = outcome.from.map_or_else(
        || "it has no version yet".to_owned(),
        |number| format!("version {number} stays"),
    );
    let text = match outcome.state {
        SyncState::Unchanged => match outcome.to.or(outcome.from) {
            Some(number) => format!("{label}: unchanged, version {number}"),
            None => format!("{label}: unchanged"),
        },
        SyncState::Published => format!(
            "{label}: +{} -{} packages, {}, {}, {}",
            outcome.added,
            outcome.removed,
            errata(&outcome.errata),
            size(outcome.bytes),
            step(outcome.from, outcome.to),
        ),
        SyncState::Held if outcome.gate.is_some() => {
            let error = outcome.error.as_deref().unwrap_or_default();
            let (reason, packages) = error.split_once('\n').unwrap_or((error, ""));
            format!("{reason}; {stays}\n{packages}")
        }
        SyncState::Held if outcome.held.is_none() => {
            let reason = outcome.error.as_deref().unwrap_or("the gate holds it");
            format!("{label}: held: {reason}; {stays}")
        }
        SyncState::Held => {
            let reason = outcome
                .held
                .as_ref()
                .map_or("the upstream shrank", |held| held.reason.as_str());
            format!("{label}: held: {reason}; {stays} (--accept-shrink takes it)")
        }
        SyncState::Failed => {
            let reason = outcome
                .error
                .as_deref()
                .unwrap_or("the reason is in the server's log");
            format!("{label}: failed: {reason}; {stays}")
        }
    };
    plain(&text)
}

/// `version 4 → 5`, or `version 1` for the first.
#[must_use]
pub fn step(from: Option<VersionNumber>, to: Option<VersionNumber>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from != to => format!("version {from} → {to}"),
        (_, Some(to)) => format!("version {to}"),
        (Some(from), None) => format!("version {from}"),
        (None, None) => "no version".to_owned(),
    }
}

fn errata(counts: &SeverityCounts) -> String {
    let list = [
        (counts.critical, "critical"),
        (counts.important, "important"),
        (counts.moderate, "moderate"),
        (counts.low, "low"),
        (counts.other, "other"),
    ];
    let named: Vec<String> = list
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if named.is_empty() {
        "no errata".to_owned()
    } else {
        format!("errata {}", named.join(" "))
    }
}

/// Packages that were left out and are named one by one; two thousand unsigned packages are one fact.
const LEFT_OUT_SHOWN: usize = 3;

/// The lines behind a sync's line that a person should see.
#[must_use]
pub fn remarks(outcome: &SyncOutcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome
        .warnings
        .iter()
        .map(|warning| format!("{}: warning: {warning}", outcome.channel))
        .collect();
    let shown = outcome.refused.iter().take(LEFT_OUT_SHOWN);
    lines.extend(shown.map(|refused| {
        format!(
            "{}: left out {}: {}",
            outcome.channel, refused.package, refused.reason
        )
    }));
    // Older servers do not count them.
    let all = outcome.left_out.max(outcome.refused.len() as u64);
    match all.saturating_sub(LEFT_OUT_SHOWN as u64) {
        0 => {}
        more => lines.push(format!(
            "{}: left out {more} more (--json names up to a hundred)",
            outcome.channel
        )),
    }
    lines.iter().map(|line| plain(line)).collect()
}

/// `own-tools: +2 packages (1 was there already), version 3`.
#[must_use]
pub fn push(outcome: &PushOutcome) -> String {
    let there = match outcome.present.len() {
        0 => String::new(),
        1 => " (1 was there already)".to_owned(),
        count => format!(" ({count} were there already)"),
    };
    let version = outcome.version.map_or_else(
        || "no version".to_owned(),
        |number| format!("version {number}"),
    );
    format!(
        "{}: +{} packages{there}, {version}",
        outcome.channel,
        outcome.added.len()
    )
}

/// What `fsck` saw; a line a finding before the last line.
#[must_use]
pub fn fsck(report: &FsckReport) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let state = if finding.repaired { "mended" } else { "broken" };
        text.push_str(&format!(
            "{state} {}: {}\n",
            finding.invariant, finding.what
        ));
    }
    let deep = if report.deep {
        format!(", {} hashed", size(report.bytes))
    } else {
        String::new()
    };
    let broken = report
        .findings
        .iter()
        .filter(|finding| !finding.repaired)
        .count();
    text.push_str(&format!(
        "{} channels, {} versions, {} files{deep}: {}",
        report.channels,
        report.versions,
        report.blobs,
        match (report.findings.len(), broken) {
            (0, _) => "clean".to_owned(),
            (all, 0) => format!("{all} found, all mended"),
            (all, broken) => format!("{all} found, {broken} broken"),
        }
    ));
    plain(&text)
}

/// What `gc` took.
#[must_use]
pub fn gc(report: &GcReport) -> String {
    format!(
        "{} files removed, {} freed; {} unneeded ones are younger than the grace period; {} deleted channels purged",
        report.blobs + report.temporary_files,
        size(report.bytes),
        report.in_grace,
        report.channels,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_model::{ChannelLabel, HeldSync};

    fn outcome(state: SyncState) -> SyncOutcome {
        SyncOutcome {
            channel: ChannelLabel::new("el9-base").unwrap(),
            state,
            from: Some(4),
            to: Some(5),
            added: 12,
            removed: 3,
            packages: 100,
            errata: SeverityCounts {
                critical: 1,
                important: 2,
                ..SeverityCounts::default()
            },
            bytes: 3_200_000,
            refused: Vec::new(),
            left_out: 0,
            warnings: vec!["certificate ends soon".into()],
            held: Some(HeldSync {
                reason: "60 of 100 packages would go".into(),
                packages_before: 100,
                packages_after: 40,
            }),
            gate: None,
            error: Some("repomd.xml: HTTP 503".into()),
        }
    }

    #[test]
    fn one_line_a_channel() {
        assert_eq!(
            sync(&outcome(SyncState::Published)),
            "el9-base: +12 -3 packages, errata 1 critical 2 important, 3.2 MB, version 4 → 5"
        );
        assert_eq!(
            sync(&outcome(SyncState::Unchanged)),
            "el9-base: unchanged, version 5"
        );
        assert_eq!(
            sync(&outcome(SyncState::Held)),
            "el9-base: held: 60 of 100 packages would go; version 4 stays (--accept-shrink takes it)"
        );
        let gated = SyncOutcome {
            held: None,
            gate: Some(airlock_model::CheckReport::default()),
            error: Some(
                "el9-base is held by its gate: 1 package cannot be installed\n  a needs b\nhint: c"
                    .into(),
            ),
            ..outcome(SyncState::Held)
        };
        assert_eq!(
            sync(&gated),
            "el9-base is held by its gate: 1 package cannot be installed; version 4 stays\n  a needs b\nhint: c"
        );
        assert_eq!(
            sync(&outcome(SyncState::Failed)),
            "el9-base: failed: repomd.xml: HTTP 503; version 4 stays"
        );
        assert_eq!(
            remarks(&outcome(SyncState::Published)),
            ["el9-base: warning: certificate ends soon"]
        );
        let refused = |number: usize| airlock_model::RefusedPackage {
            package: format!("p{number}.rpm"),
            reason: "unsigned".to_owned(),
        };
        let left_out = SyncOutcome {
            warnings: Vec::new(),
            refused: (0..100).map(refused).collect(),
            left_out: 2000,
            ..outcome(SyncState::Published)
        };
        let lines = remarks(&left_out);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2], "el9-base: left out p2.rpm: unsigned");
        assert_eq!(
            lines[3],
            "el9-base: left out 1997 more (--json names up to a hundred)"
        );
        assert_eq!(step(None, Some(1)), "version 1");
    }
}
