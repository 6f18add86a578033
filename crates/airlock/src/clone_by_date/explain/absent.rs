//! Why something is not in a plan, by what source and destination hold.

use airlock_content::meets_by_name;
use airlock_model::{ErratumRow, Naked, PackageRow, Plan, PlannedChannel, PlannedVersion};

use super::names;
use crate::show::plan::limit;
use crate::show::plan::text::day;

/// What the server says about a name that the plan does not know, for one channel of the plan.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Packages of that name in the source version.
    pub source: Vec<PackageRow>,
    /// Packages of that name in the destination, as it is.
    pub destination: Vec<PackageRow>,
    /// Errata of the source version that have that name, or list one of its packages.
    pub errata: Vec<ErratumRow>,
    /// Errata of the destination that have that name.
    pub destination_errata: Vec<String>,
}

/// Why it is not there, a paragraph for each thing of that name; empty when nothing is known of it.
#[must_use]
pub fn absent(plan: &Plan, typed: &str, facts: &[Facts]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (channel, facts) in plan.channels.iter().zip(facts) {
        let label = &channel.destination.label;
        let here: Vec<String> = facts.destination.iter().map(PackageRow::nevra).collect();
        for nevra in here.iter().filter(|nevra| names(typed, nevra)) {
            found.push(vec![format!(
                "{nevra} is in {} already, and stays",
                at(&channel.destination)
            )]);
        }
        for package in &facts.source {
            let nevra = package.nevra();
            if names(typed, &nevra) && !here.contains(&nevra) {
                found.push(of_package(plan, channel, facts, package));
            }
        }
        for name in &facts.destination_errata {
            found.push(vec![format!(
                "erratum {name} is in {} already",
                at(&channel.destination)
            )]);
        }
        for erratum in facts.errata.iter().filter(|one| one.advisory == typed) {
            let why = left_out(plan, erratum);
            found.push(vec![format!(
                "erratum {typed} does not come into {label}: {why}, and none of its packages is needed"
            )]);
        }
    }
    found
}

/// Whether a typed text can only be a requirement: of a version, of a file, or a function of packages.
#[must_use]
pub fn is_requirement(typed: &str) -> bool {
    typed.contains([' ', '(']) || typed.starts_with('/')
}

/// A requirement that does not stay open, and what meets it by its name and version.
#[must_use]
pub fn not_open(plan: &Plan, typed: &str, facts: &[Facts]) -> Vec<Vec<String>> {
    if !is_requirement(typed) {
        return Vec::new();
    }
    let labels: Vec<&str> = plan
        .channels
        .iter()
        .map(|channel| channel.destination.label.as_str())
        .collect();
    let mut lines = vec![format!(
        "{typed} is a requirement that does not stay open in {}: whatever there requires it has it",
        labels.join(", ")
    )];
    for (place, channel) in plan.channels.iter().enumerate() {
        let label = &channel.destination.label;
        let coming = channel.packages.iter().map(|one| &one.nevra);
        let coming = coming.filter(|nevra| meets_by_name(typed, nevra));
        lines.extend(coming.map(|nevra| format!("{nevra}, which comes into {label}, meets it")));
        let there = facts
            .get(place)
            .into_iter()
            .flat_map(|facts| &facts.destination);
        let there = there
            .map(PackageRow::nevra)
            .filter(|nevra| meets_by_name(typed, nevra));
        lines.extend(there.map(|nevra| {
            format!(
                "{nevra}, which is in {} already, meets it",
                at(&channel.destination)
            )
        }));
    }
    vec![lines]
}

/// Why a package of the source does not come in.
fn of_package(
    plan: &Plan,
    channel: &PlannedChannel,
    facts: &Facts,
    package: &PackageRow,
) -> Vec<String> {
    let nevra = package.nevra();
    let mut lines = vec![format!(
        "{nevra} does not come into {}, and nothing there needs it",
        channel.destination.label
    )];
    let listing: Vec<&ErratumRow> = facts
        .errata
        .iter()
        .filter(|erratum| erratum.packages.contains(&package.file_name))
        .collect();
    for erratum in &listing {
        let comes = channel
            .errata
            .iter()
            .any(|one| one.advisory == erratum.advisory);
        lines.push(if comes {
            format!(
                "its erratum {} comes in, but the package is kept out",
                erratum.advisory
            )
        } else {
            format!(
                "of its errata, {} does not come in: {}",
                erratum.advisory,
                left_out(plan, erratum)
            )
        });
    }
    let request = &plan.request;
    if listing.is_empty() {
        lines.push(match (&channel.create, request.naked) {
            _ if request.as_of.is_some() && request.to_date.is_none() => {
                format!("what is there as of {} is copied, and this is kept out", limit(plan))
            }
            (None, _) => "no erratum lists it, and the clone exists: original state comes in when a clone is made".to_owned(),
            (Some(_), Naked::Original) => "no erratum lists it, and it is kept out".to_owned(),
            (Some(_), Naked::FirstSeen) => format!(
                "no erratum lists it, and {} got it after {} (--naked first-seen)",
                channel.source.label,
                limit(plan)
            ),
            (Some(_), Naked::BuildDate) => format!(
                "no erratum lists it, and it was built after {} (--naked build-date)",
                limit(plan)
            ),
        });
    }
    for (name, lists) in [
        ("blacklist", &request.blacklist),
        ("removelist", &request.removelist),
    ] {
        let own = lists.iter().filter(|(label, _)| {
            *label == crate::clone_by_date::config::ALL
                || *label == channel.destination.label.as_str()
        });
        let all: Vec<&str> = own.flat_map(|(_, list)| list).map(String::as_str).collect();
        if !all.is_empty() {
            lines.push(format!("the {name} keeps out {}", all.join(", ")));
        }
    }
    lines
}

/// Why an erratum of the source was not selected.
fn left_out(plan: &Plan, erratum: &ErratumRow) -> String {
    let request = &plan.request;
    let (which, date) = if request.use_update_date {
        ("changed", erratum.updated)
    } else {
        ("issued", erratum.issued)
    };
    let Some(to_date) = request.to_date else {
        return if request.errata.is_empty() {
            "no date and no advisory was given that would select it".to_owned()
        } else {
            "it was not asked for by name".to_owned()
        };
    };
    let Some(date) = date.map(day) else {
        return "its date cannot be read".to_owned();
    };
    if date > to_date.to_string() {
        return format!("it was {which} {date}, after {to_date}");
    }
    if request.security_only && erratum.kind != "security" {
        return format!(
            "it is of type {}, and only security errata are taken",
            erratum.kind
        );
    }
    "the destination has it already, or all of its packages are kept out".to_owned()
}

/// `LABEL@N`.
fn at(version: &PlannedVersion) -> String {
    match version.version {
        Some(number) => format!("{}@{number}", version.label),
        None => version.label.to_string(),
    }
}
