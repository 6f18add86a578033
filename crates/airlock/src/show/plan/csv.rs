//! A plan as CSV: a header row, then a line for each thing that it does, surprises first.

use airlock_model::{OpenRequirement, Plan, PlannedChannel, PlannedErratum, PlannedPackage};

use super::text::day;
use super::{reason, split};
use crate::show::csv::cell;

const HEADER: &str =
    "channel,change,name,before,after,kind,severity,issued,cves,title,reason,surprise\r\n";

/// One line.
#[derive(Default)]
struct Row<'a> {
    change: &'static str,
    name: &'a str,
    before: &'a str,
    after: &'a str,
    kind: &'a str,
    severity: &'a str,
    issued: String,
    cves: String,
    title: &'a str,
    reason: String,
    surprise: &'a str,
}

/// The whole plan.
#[must_use]
pub fn csv(plan: &Plan) -> String {
    let mut out = HEADER.to_owned();
    for surprising in [true, false] {
        for channel in &plan.channels {
            let mut write = |row: &Row<'_>| push(&mut out, channel, row);
            for erratum in channel.errata.iter().filter(|e| e.beyond == surprising) {
                write(&of_erratum(plan, erratum));
            }
            for package in &channel.packages {
                if package.beyond.is_some() == surprising {
                    let (name, evr, arch) = split(&package.nevra);
                    write(&of_package(package, &format!("{name}.{arch}"), evr));
                }
            }
            if !surprising {
                of_rest(channel, &mut write);
            }
        }
    }
    out
}

fn of_erratum<'e>(plan: &Plan, erratum: &'e PlannedErratum) -> Row<'e> {
    Row {
        change: "erratum added",
        name: &erratum.advisory,
        after: &erratum.published_as,
        kind: &erratum.kind,
        severity: &erratum.severity,
        issued: erratum.issued.map(day).unwrap_or_default(),
        cves: erratum.cves.join(" "),
        title: &erratum.title,
        reason: reason::erratum(&erratum.reason),
        surprise: if erratum.beyond {
            reason::later(plan, erratum)
        } else {
            ""
        },
        ..Row::default()
    }
}

fn of_package<'a>(package: &'a PlannedPackage, name: &'a str, evr: &'a str) -> Row<'a> {
    let mut reason = reason::package(&package.reason);
    if package.inferred {
        reason.push_str("; inferred from dates, not recorded");
    }
    Row {
        change: "package added",
        name,
        before: package.replaces.as_deref().map_or("", super::evr),
        after: super::evr(evr),
        reason,
        surprise: package.beyond.map(reason::beyond).unwrap_or_default(),
        ..Row::default()
    }
}

/// What goes, stays open and is broken.
fn of_rest(channel: &PlannedChannel, write: &mut impl FnMut(&Row<'_>)) {
    for removal in &channel.removals {
        let (name, evr, arch) = split(&removal.nevra);
        write(&Row {
            change: "package removed",
            name: &format!("{name}.{arch}"),
            before: evr,
            reason: reason::removal(&removal.reason),
            ..Row::default()
        });
    }
    for advisory in &channel.errata_removed {
        write(&Row {
            change: "erratum removed",
            name: advisory,
            ..Row::default()
        });
    }
    for nevra in &channel.by_hand {
        write(&Row {
            change: "put in by hand, stays",
            name: nevra,
            ..Row::default()
        });
    }
    for nevra in &channel.left_out {
        write(&Row {
            change: "taken out by hand, stays out",
            name: nevra,
            ..Row::default()
        });
    }
    for OpenRequirement {
        package,
        requires,
        cause,
        providers,
    } in &channel.open
    {
        write(&Row {
            change: "requirement open",
            name: package,
            after: requires,
            reason: format!("{} {}", reason::cause(*cause), providers.join(" "))
                .trim_end()
                .to_owned(),
            ..Row::default()
        });
    }
    for one in &channel.recommendations {
        write(&Row {
            change: "recommendation open",
            name: &one.package,
            after: &one.recommends,
            reason: format!("the source has {}", one.providers.join(" ")),
            ..Row::default()
        });
    }
    for broken in &channel.broken {
        write(&Row {
            change: if broken.source_broken {
                "cannot be installed, nor can the source's"
            } else {
                "cannot be installed"
            },
            name: &broken.nevra,
            reason: broken.problem.join(" "),
            ..Row::default()
        });
    }
}

fn push(out: &mut String, channel: &PlannedChannel, row: &Row<'_>) {
    let cells = [
        channel.destination.label.as_str(),
        row.change,
        row.name,
        row.before,
        row.after,
        row.kind,
        row.severity,
        &row.issued,
        &row.cves,
        row.title,
        &row.reason,
        row.surprise,
    ]
    .map(cell);
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}
