//! A plan as text, all of it.

use airlock_model::{ChannelSummary, Plan, PlannedChannel, PlannedErratum, PlannedPackage};

use super::{asked, limit, reason, split, surprises};
use crate::show::fold::fold;

/// The whole plan, surprises first.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = fold(&format!("clone by date: {}", asked(plan)));
    for channel in &plan.channels {
        let summary = ChannelSummary::from(channel);
        out.push_str(&fold(&head(channel)));
        out.push_str(&fold(&format!(
            "  {} of {} errata selected, {} pulled in; packages +{} -{}, {} stay",
            summary.errata_selected,
            summary.errata_available,
            summary.errata_pulled,
            summary.packages,
            summary.removed,
            channel.kept
        )));
        if let Some(day) = channel.reaches {
            out.push_str(&fold(&format!("  {}", super::goes_on(day))));
        }
    }
    out.push_str(&super::children(plan, usize::MAX));
    let mut first = true;
    for channel in &plan.channels {
        for surprise in surprises(plan, channel) {
            if first {
                section(&mut out, &format!("Surprises: newer than {}", limit(plan)));
                first = false;
            }
            out.push_str(&fold(&format!(
                "  {} in {}: {}; {}",
                surprise.name, channel.destination.label, surprise.because, surprise.why
            )));
        }
    }
    for channel in &plan.channels {
        of_channel(&mut out, channel);
    }
    out
}

/// `el9-base@7 -> el9-2026q1 (new, a child of el9)`.
#[must_use]
pub fn head(channel: &PlannedChannel) -> String {
    let version = |version: &airlock_model::PlannedVersion| match version.version {
        Some(number) => format!("{}@{number}", version.label),
        None => version.label.to_string(),
    };
    let made = match &channel.create {
        None => String::new(),
        Some(creation) => match &creation.parent {
            None => " (new)".to_owned(),
            Some(parent) => format!(" (new, a child of {parent})"),
        },
    };
    format!(
        "{} -> {}{made}",
        version(&channel.source),
        version(&channel.destination)
    )
}

fn of_channel(out: &mut String, channel: &PlannedChannel) {
    let label = &channel.destination.label;
    if !channel.errata.is_empty() {
        section(out, &format!("{label}: errata that come in"));
    }
    for erratum in &channel.errata {
        out.push_str(&fold(&format!("  {}", erratum_line(erratum))));
        if !erratum.cves.is_empty() {
            out.push_str(&fold(&format!("    {}", erratum.cves.join(" "))));
        }
        out.push_str(&fold(&format!(
            "    because {}",
            reason::erratum(&erratum.reason)
        )));
    }
    if !channel.packages.is_empty() {
        section(out, &format!("{label}: packages that come in"));
    }
    for package in &channel.packages {
        out.push_str(&fold(&format!("  {}", package_line(package))));
    }
    if !channel.removals.is_empty() {
        section(out, &format!("{label}: packages that go"));
    }
    for removal in &channel.removals {
        let why = reason::removal(&removal.reason);
        out.push_str(&fold(&format!("  {}  {why}", removal.nevra)));
    }
    list(
        out,
        &format!("{label}: errata that go"),
        &channel.errata_removed,
    );
    list(
        out,
        &format!("{label}: put in by hand, and stay"),
        &channel.by_hand,
    );
    list(
        out,
        &format!("{label}: taken out by hand, and stay out"),
        &channel.left_out,
    );
    if !channel.open.is_empty() {
        section(out, &format!("{label}: requirements that stay open"));
    }
    for open in &channel.open {
        let providers = if open.providers.is_empty() {
            String::new()
        } else {
            format!(" ({})", open.providers.join(", "))
        };
        out.push_str(&fold(&format!(
            "  {} requires {}: {}{providers}",
            open.package,
            open.requires,
            reason::cause(open.cause)
        )));
    }
    if !channel.recommendations.is_empty() {
        section(
            out,
            &format!("{label}: recommendations that only the source meets"),
        );
    }
    for one in &channel.recommendations {
        out.push_str(&fold(&format!(
            "  {} recommends {} ({})",
            one.package,
            one.recommends,
            one.providers.join(", ")
        )));
    }
    if !channel.broken.is_empty() {
        section(out, &format!("{label}: packages that cannot be installed"));
    }
    for broken in &channel.broken {
        let also = if broken.source_broken {
            " (nor can the source's)"
        } else {
            ""
        };
        out.push_str(&fold(&format!("  {}{also}", broken.nevra)));
        for problem in &broken.problem {
            out.push_str(&fold(&format!("    {problem}")));
        }
    }
}

/// `RHSA-2026:0001 as CL-SA-2026:0001  security, Important, 2026-03-02: Title`.
fn erratum_line(erratum: &PlannedErratum) -> String {
    let name = if erratum.published_as == erratum.advisory {
        erratum.advisory.clone()
    } else {
        format!("{} as {}", erratum.advisory, erratum.published_as)
    };
    let mut parts = vec![erratum.kind.clone()];
    if !erratum.severity.is_empty() {
        parts.push(erratum.severity.clone());
    }
    parts.extend(erratum.issued.map(day));
    format!("{name}  {}: {}", parts.join(", "), erratum.title)
}

/// The day of an instant.
#[must_use]
pub fn day(instant: airlock_model::Instant) -> String {
    instant.to_rfc3339().chars().take(10).collect()
}

/// `bash.x86_64  5-1 → 5-2  because …`.
fn package_line(package: &PlannedPackage) -> String {
    let (name, evr, arch) = split(&package.nevra);
    let step = match &package.replaces {
        Some(before) => format!("{} → {}", super::evr(before), super::evr(evr)),
        None => super::evr(evr).to_owned(),
    };
    let inferred = if package.inferred {
        "; inferred from dates, not recorded"
    } else {
        ""
    };
    format!(
        "{name}.{arch}  {step}  because {}{inferred}",
        reason::package(&package.reason)
    )
}

fn list(out: &mut String, title: &str, names: &[String]) {
    if !names.is_empty() {
        section(out, title);
    }
    for name in names {
        out.push_str(&fold(&format!("  {name}")));
    }
}

fn section(out: &mut String, title: &str) {
    out.push('\n');
    out.push_str(&fold(title));
}
