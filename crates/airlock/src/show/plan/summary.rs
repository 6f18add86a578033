//! A plan in short: what a person reads before saying yes. Nothing is wider than 100 columns.

use airlock_model::{ChannelLabel, ChannelSummary, OpenCause, PackageReason, Plan, PlannedChannel};

use super::{asked, count, limit, reason, surprises};
use crate::show::fold::fold;

/// Things of one kind that are named; the rest is counted.
const NAMED: usize = 5;

/// The channels that would be made, besides those that are there; empty when all are.
#[must_use]
pub fn creations(plan: &Plan, there: &[&ChannelLabel]) -> String {
    let mut text = String::new();
    let missing = |channel: &&PlannedChannel| !there.contains(&&channel.destination.label);
    for channel in plan.channels.iter().filter(missing) {
        let Some(creation) = &channel.create else {
            continue;
        };
        let below = creation
            .parent
            .as_ref()
            .map_or_else(String::new, |parent| format!(", a child of {parent}"));
        let (label, source) = (&channel.destination.label, &channel.source.label);
        line(&mut text, &format!("  {label}  of {source}{below}"));
    }
    text
}

/// What the plan does, channel by channel, with what is surprising, open and broken by name.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut text = String::new();
    line(&mut text, &format!("clone by date: {}", asked(plan)));
    for channel in &plan.channels {
        of_channel(&mut text, plan, channel);
    }
    text.push_str(&super::children(plan, NAMED));
    text
}

fn of_channel(text: &mut String, plan: &Plan, channel: &PlannedChannel) {
    let summary = ChannelSummary::from(channel);
    line(
        text,
        &format!(
            "{} -> {} ({}/{} Errata)",
            summary.source, summary.destination, summary.errata_selected, summary.errata_available
        ),
    );
    let mut parts = vec![format!("+{} -{}", summary.packages, summary.removed)];
    let of = |test: fn(&PackageReason) -> bool| {
        let found = channel.packages.iter().filter(|one| test(&one.reason));
        found.count() as u64
    };
    for (number, what) in [
        (summary.original_state, "original state"),
        (
            of(|why| matches!(why, PackageReason::Erratum { .. })),
            "of selected errata",
        ),
        (
            of(|why| matches!(why, PackageReason::Recorded)),
            "as recorded",
        ),
        (
            of(|why| matches!(why, PackageReason::Revised { .. })),
            "added to errata since",
        ),
        (
            of(|why| matches!(why, PackageReason::Missing { .. })),
            "of errata that are there, and were missing",
        ),
        (summary.pulled, "pulled in by dependencies"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    parts.push(format!("{} stay", channel.kept));
    line(text, &format!("  packages: {}", parts.join(", ")));
    let mut parts = Vec::new();
    for (number, what) in [
        (summary.errata_pulled, "pulled in by dependencies"),
        (summary.errata_revised, "brought up to date"),
        (channel.errata_removed.len() as u64, "taken out"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if !parts.is_empty() {
        line(text, &format!("  errata: {}", parts.join(", ")));
    }
    let inferred = channel.packages.iter().filter(|one| one.inferred).count();
    if inferred > 0 {
        line(
            text,
            &format!(
                "  inferred from dates, not recorded: {}",
                count(inferred as u64, "package")
            ),
        );
    }
    if !channel.by_hand.is_empty() {
        let by_hand = count(channel.by_hand.len() as u64, "package");
        line(text, &format!("  put in by hand, and stay: {by_hand}"));
        names(text, channel.by_hand.iter().cloned());
    }
    if !channel.left_out.is_empty() {
        let left_out = count(channel.left_out.len() as u64, "package");
        line(
            text,
            &format!("  taken out by hand, and stay out: {left_out}"),
        );
        names(text, channel.left_out.iter().cloned());
    }
    if let Some(day) = channel.reaches {
        line(text, &format!("  {}", super::goes_on(day)));
    }
    surprising(text, plan, channel);
    open(text, channel, &summary);
    broken(text, channel, &summary);
    if !channel.recommendations.is_empty() {
        let unmet = count(channel.recommendations.len() as u64, "recommendation");
        line(
            text,
            &format!("  only the source meets: {unmet} (weak, nothing lacks)"),
        );
    }
    naked(text, &summary);
    if !channel.changes_anything() {
        line(text, "  nothing changes");
    }
}

/// The surprises of all channels, counted and named; empty when there are none.
#[must_use]
pub fn surprising_text(plan: &Plan) -> String {
    let mut text = String::new();
    for channel in &plan.channels {
        let mut own = String::new();
        surprising(&mut own, plan, channel);
        if !own.is_empty() {
            line(&mut text, &format!("{}:", channel.destination.label));
            text.push_str(&own);
        }
    }
    text
}

fn surprising(text: &mut String, plan: &Plan, channel: &PlannedChannel) {
    let found = surprises(plan, channel);
    if found.is_empty() {
        return;
    }
    let number = |what| found.iter().filter(|one| one.what == what).count() as u64;
    let mut parts = Vec::new();
    for what in ["package", "erratum"] {
        if number(what) > 0 {
            parts.push(count(number(what), what));
        }
    }
    line(
        text,
        &format!(
            "  surprises: {} newer than {}",
            parts.join(" and "),
            limit(plan)
        ),
    );
    names(
        text,
        found
            .iter()
            .map(|one| format!("{}: {}; {}", one.name, one.because, one.why)),
    );
}

fn open(text: &mut String, channel: &PlannedChannel, summary: &ChannelSummary) {
    if summary.open > 0 {
        let requirements = count(summary.open, "requirement");
        line(
            text,
            &format!("  open: {requirements} that the source can meet"),
        );
        names(
            text,
            channel
                .open
                .iter()
                .filter(|open| open.cause != OpenCause::Source)
                .map(|open| {
                    format!(
                        "{} requires {}: {}",
                        open.package,
                        open.requires,
                        reason::cause(open.cause)
                    )
                }),
        );
    }
    if summary.open_in_source > 0 {
        let requirements = count(summary.open_in_source, "requirement");
        line(text, &format!("  open in the source, too: {requirements}"));
    }
}

fn broken(text: &mut String, channel: &PlannedChannel, summary: &ChannelSummary) {
    let in_source = channel.broken.len() as u64 - summary.broken;
    if summary.broken > 0 {
        let packages = count(summary.broken, "package");
        line(
            text,
            &format!("  cannot be installed, though the source's can: {packages}"),
        );
        let broken = channel.broken.iter().filter(|one| !one.source_broken);
        for broken in broken.take(NAMED) {
            text.push_str(&super::chain(broken, "    "));
        }
        more(text, usize::try_from(summary.broken).unwrap_or_default());
    }
    if in_source > 0 {
        let packages = count(in_source, "package");
        line(
            text,
            &format!("  cannot be installed, nor can the source's: {packages}"),
        );
    }
}

/// What the other choices of `--naked` would leave out.
fn naked(text: &mut String, summary: &ChannelSummary) {
    let naked = summary.naked;
    // Only a first clone counts them.
    if naked.all == 0 {
        return;
    }
    line(
        text,
        &format!(
            "  packages without an erratum: {}; --naked first-seen leaves out {}, build-date {}",
            naked.all, naked.first_seen, naked.build_date
        ),
    );
}

/// A line for each, up to [`NAMED`]; how many more there are.
fn names(text: &mut String, list: impl Iterator<Item = String>) {
    let mut all = 0;
    for (index, name) in list.enumerate() {
        if index < NAMED {
            line(text, &format!("    {name}"));
        }
        all += 1;
    }
    more(text, all);
}

/// How many of all are not named.
fn more(text: &mut String, all: usize) {
    if let Some(more) = all.checked_sub(NAMED).filter(|more| *more > 0) {
        line(
            text,
            &format!(
                "    … and {more} more; --dry-run, or airlock plan show FILE for a written plan, names all"
            ),
        );
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(&fold(line));
}
