//! Why something is in a plan: the chain of reasons down to a root. Why something is not: `absent`.

pub mod absent;

use std::collections::{HashMap, HashSet};

use airlock_model::{
    ErratumReason, PackageReason, Plan, PlannedChannel, PlannedErratum, PlannedPackage,
};

use airlock_content::{names_package as names, names_requirement};

use crate::show::plan::{limit, reason};

/// Packages of one name that are explained one by one.
const MOST: usize = 20;

/// What the plan itself says about a name: a paragraph for each thing that it names. Empty when the plan does not
/// know it.
#[must_use]
pub fn in_plan(plan: &Plan, typed: &str) -> Vec<Vec<String>> {
    let map = Map::new(plan);
    let mut found = Vec::new();
    for channel in &plan.channels {
        map.added(channel, typed, &mut found);
        leaving(channel, typed, &mut found);
        troubled(channel, typed, &mut found);
        map.met(channel, typed, &mut found);
    }
    let more = found.len().saturating_sub(MOST);
    if more > 0 {
        found.truncate(MOST);
        found.push(vec![format!(
            "… and {more} more of that name; say which one by its NEVRA"
        )]);
    }
    found
}

/// What goes.
fn leaving(channel: &PlannedChannel, typed: &str, found: &mut Vec<Vec<String>>) {
    let label = &channel.destination.label;
    for removal in channel
        .removals
        .iter()
        .filter(|one| names(typed, &one.nevra))
    {
        found.push(vec![format!(
            "{} goes from {label} because {}",
            removal.nevra,
            reason::removal(&removal.reason)
        )]);
    }
    if channel.errata_removed.iter().any(|one| one == typed) {
        found.push(vec![format!(
            "erratum {typed} goes from {label} because none of its packages stays, or the recorded version does not have it"
        )]);
    }
    for nevra in channel.by_hand.iter().filter(|one| names(typed, one)) {
        found.push(vec![format!(
            "{nevra} stays in {label} because it was put in by hand"
        )]);
    }
    for nevra in channel.left_out.iter().filter(|one| names(typed, one)) {
        found.push(vec![format!(
            "{nevra} stays out of {label} because it was taken out by hand; -e with its erratum brings it back"
        )]);
    }
}

/// What stays open or is broken.
fn troubled(channel: &PlannedChannel, typed: &str, found: &mut Vec<Vec<String>>) {
    let label = &channel.destination.label;
    for open in &channel.open {
        let provided = open.providers.iter().any(|one| names(typed, one));
        let required = names_requirement(typed, &open.requires);
        if !(names(typed, &open.package) || required || provided) {
            continue;
        }
        let mut lines = vec![
            format!(
                "{} in {label} requires {}, and nothing in the clone's tree meets it",
                open.package, open.requires
            ),
            format!("that is so because {}", reason::cause(open.cause)),
        ];
        if !open.providers.is_empty() {
            lines.push(format!("it would be met by {}", open.providers.join(", ")));
        }
        found.push(lines);
    }
    for broken in channel.broken.iter().filter(|one| names(typed, &one.nevra)) {
        let also = if broken.source_broken {
            ", nor can it from the source"
        } else {
            ", though it can from the source"
        };
        let mut lines = vec![format!(
            "{} cannot be installed from {label}{also}",
            broken.nevra
        )];
        lines.extend(broken.problem.iter().cloned());
        found.push(lines);
    }
}

/// Where a plan's packages and errata are.
struct Map<'a> {
    plan: &'a Plan,
    packages: HashMap<&'a str, (&'a PlannedChannel, &'a PlannedPackage)>,
    errata: HashMap<&'a str, (&'a PlannedChannel, &'a PlannedErratum)>,
}

/// What a chain went through already.
type Seen<'a> = HashSet<&'a str>;

impl<'a> Map<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut map = Self {
            plan,
            packages: HashMap::new(),
            errata: HashMap::new(),
        };
        for channel in &plan.channels {
            for package in &channel.packages {
                map.packages
                    .entry(&package.nevra)
                    .or_insert((channel, package));
            }
            for erratum in &channel.errata {
                map.errata
                    .entry(&erratum.advisory)
                    .or_insert((channel, erratum));
            }
        }
        map
    }

    /// What comes in, with the chain of reasons.
    fn added(&self, channel: &'a PlannedChannel, typed: &str, found: &mut Vec<Vec<String>>) {
        let label = &channel.destination.label;
        for package in channel
            .packages
            .iter()
            .filter(|one| names(typed, &one.nevra))
        {
            let mut lines = Vec::new();
            let mut seen = Seen::new();
            self.package(
                channel,
                package,
                &format!(" in {label}"),
                &mut seen,
                &mut lines,
            );
            if let Some(beyond) = package.beyond {
                lines.push(format!(
                    "it is newer than {}: {}",
                    limit(self.plan),
                    reason::beyond(beyond)
                ));
            }
            if package.inferred {
                lines
                    .push("that it was there then is inferred from dates, not recorded".to_owned());
            }
            found.push(lines);
        }
        for erratum in &channel.errata {
            if typed != erratum.advisory && typed != erratum.published_as {
                continue;
            }
            let mut lines = Vec::new();
            let place = if erratum.published_as == erratum.advisory {
                format!(" in {label}")
            } else {
                format!(" in {label} (as {})", erratum.published_as)
            };
            self.erratum(channel, erratum, &place, &mut Seen::new(), &mut lines);
            if erratum.beyond {
                let why = reason::later(self.plan, erratum);
                lines.push(format!("{why} than {}", limit(self.plan)));
            }
            found.push(lines);
        }
    }

    /// Requirements that something comes in for, and what was there before and has such a requirement.
    fn met(&self, channel: &'a PlannedChannel, typed: &str, found: &mut Vec<Vec<String>>) {
        let label = &channel.destination.label;
        for package in &channel.packages {
            let PackageReason::Needed { by, requires, .. } = &package.reason else {
                continue;
            };
            // What is explained by its own name needs no other line.
            let was_there = names(typed, by) && !self.packages.contains_key(by.as_str());
            let required = names_requirement(typed, requires) && !names(typed, &package.nevra);
            if !(was_there || required) {
                continue;
            }
            let nevra = &package.nevra;
            let mut lines = vec![match was_there {
                true => format!(
                    "{by} was there before; it requires {requires}, and {nevra} comes into {label} for it"
                ),
                false => format!(
                    "{requires}, which {by} requires, is met by {nevra}, which comes into {label} for it"
                ),
            }];
            let mut seen = Seen::new();
            self.needing(by, &mut seen, &mut lines);
            if was_there {
                lines.truncate(1);
            }
            found.push(lines);
        }
    }

    fn package(
        &self,
        channel: &'a PlannedChannel,
        package: &'a PlannedPackage,
        place: &str,
        seen: &mut Seen<'a>,
        lines: &mut Vec<String>,
    ) {
        let nevra = &package.nevra;
        if !seen.insert(nevra) {
            return;
        }
        match &package.reason {
            PackageReason::OriginalState => lines.push(format!(
                "{nevra} is there{place} because no erratum of {} lists it: it is original state",
                channel.source.label
            )),
            PackageReason::Erratum { advisory } => lines.push(format!(
                "{nevra} is there{place} because erratum {advisory} {}",
                self.selected(advisory)
            )),
            PackageReason::Needed {
                by,
                requires,
                advisory,
            } => {
                let brings = advisory
                    .as_ref()
                    .map_or_else(String::new, |name| format!("; erratum {name} brings it"));
                lines.push(format!(
                    "{nevra} is there{place} because {by} requires {requires}{brings}"
                ));
                self.needing(by, seen, lines);
            }
            PackageReason::WithErratum { advisory } => {
                lines.push(format!(
                    "{nevra} is there{place} because it belongs to erratum {advisory}"
                ));
                if let Some((channel, erratum)) = self.errata.get(advisory.as_str()) {
                    self.erratum(channel, erratum, "", seen, lines);
                }
            }
            PackageReason::Recorded => lines.push(format!(
                "{nevra} is there{place} because {} has it as of {}",
                channel.source.label,
                limit(self.plan)
            )),
            PackageReason::Revised { advisory } => lines.push(format!(
                "{nevra} is there{place} because erratum {advisory}, which the clone has already, got it later"
            )),
            PackageReason::Missing { advisory } => lines.push(format!(
                "{nevra} is there{place} because erratum {advisory}, which the clone has, lists it, and it was missing"
            )),
        }
    }

    /// How an erratum that brings packages was selected.
    fn selected(&self, advisory: &str) -> &'static str {
        match self
            .errata
            .get(advisory)
            .map(|(_, erratum)| &erratum.reason)
        {
            Some(ErratumReason::Named) => "was asked for by name",
            Some(ErratumReason::Recorded) => "is in the recorded version",
            Some(ErratumReason::Revised) => "was revised",
            Some(ErratumReason::Needed { .. }) => "is needed",
            Some(ErratumReason::Date) | None => "is in range",
        }
    }

    fn erratum(
        &self,
        channel: &'a PlannedChannel,
        erratum: &'a PlannedErratum,
        place: &str,
        seen: &mut Seen<'a>,
        lines: &mut Vec<String>,
    ) {
        let advisory = &erratum.advisory;
        if !seen.insert(advisory) {
            return;
        }
        match &erratum.reason {
            ErratumReason::Date => {
                let by = if self.plan.request.use_update_date {
                    ("was changed", erratum.updated)
                } else {
                    ("was issued", erratum.issued)
                };
                let when = by.1.map_or_else(String::new, |at| {
                    format!(": it {} {}", by.0, crate::show::plan::text::day(at))
                });
                lines.push(format!(
                    "erratum {advisory} is there{place} because it is in range{when}"
                ));
            }
            ErratumReason::Named => lines.push(format!(
                "erratum {advisory} is there{place} because it was asked for by name"
            )),
            ErratumReason::Needed {
                package,
                by,
                requires,
            } => {
                lines.push(format!(
                    "erratum {advisory} is there{place} because its package {package} is needed: {by} requires {requires}"
                ));
                self.needing(by, seen, lines);
            }
            ErratumReason::Recorded => lines.push(format!(
                "erratum {advisory} is there{place} because {} has it as of {}",
                channel.source.label,
                limit(self.plan)
            )),
            ErratumReason::Revised => lines.push(format!(
                "erratum {advisory} is there{place} because the clone has it, and its original was revised"
            )),
        }
    }

    /// Goes on with the package that needs something.
    fn needing(&self, by: &'a str, seen: &mut Seen<'a>, lines: &mut Vec<String>) {
        match self.packages.get(by) {
            Some((channel, package)) => self.package(channel, package, "", seen, lines),
            None => lines.push(format!("{by} was there before")),
        }
    }
}

#[cfg(test)]
mod tests;
