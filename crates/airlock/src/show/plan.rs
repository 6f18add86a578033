//! Plans of clones for people: in short, as text, CSV and one HTML page. Surprises come first everywhere.

pub mod csv;
pub mod html;
pub mod reason;
pub mod summary;
pub mod text;

use crate::show::fold;
pub use airlock_content::split_nevra as split;
use airlock_model::{Plan, PlannedBroken, PlannedChannel};

/// Something that a person would not expect in a clone as of that date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// `package` or `erratum`.
    pub what: &'static str,
    /// Its NEVRA or advisory.
    pub name: String,
    /// Why it counts as one.
    pub why: String,
    /// Why it is there all the same.
    pub because: String,
}

/// The surprises of one channel, errata before packages.
#[must_use]
pub fn surprises(plan: &Plan, channel: &PlannedChannel) -> Vec<Surprise> {
    let errata = channel.errata.iter().filter(|erratum| erratum.beyond);
    let errata = errata.map(|erratum| Surprise {
        what: "erratum",
        name: erratum.advisory.clone(),
        why: reason::later(plan, erratum).to_owned(),
        because: reason::erratum(&erratum.reason),
    });
    let packages = channel.packages.iter().filter_map(|package| {
        let beyond = package.beyond?;
        Some(Surprise {
            what: "package",
            name: package.nevra.clone(),
            why: reason::beyond(beyond).to_owned(),
            because: reason::package(&package.reason),
        })
    });
    errata.chain(packages).collect()
}

/// What was asked for, in a few words: `errata up to 2026-03-31 by issue date`.
#[must_use]
pub fn asked(plan: &Plan) -> String {
    let request = &plan.request;
    let mut parts = Vec::new();
    if let Some(date) = request.to_date {
        let which = if request.security_only {
            "security errata"
        } else {
            "errata"
        };
        let by = if request.use_update_date {
            "date of the last change"
        } else {
            "issue date"
        };
        parts.push(format!("{which} up to {date} by {by}"));
    }
    if !request.errata.is_empty() {
        parts.push(format!("errata {}", request.errata.join(", ")));
    }
    if let Some(as_of) = &request.as_of {
        let as_it_was = if request.to_date.is_some() {
            "of the content"
        } else {
            "the content"
        };
        parts.push(format!("{as_it_was} as of {as_of}"));
    }
    if parts.is_empty() {
        parts.push("original state".to_owned());
    }
    parts.join(", ")
}

/// The date that counts as the limit, for sentences about what is beyond it.
#[must_use]
pub fn limit(plan: &Plan) -> String {
    let request = &plan.request;
    match (&request.to_date, &request.as_of) {
        (Some(date), _) => date.to_string(),
        (None, Some(as_of)) => as_of.clone(),
        (None, None) => "what was asked for".to_owned(),
    }
}

/// What is said when a clone goes on beyond the day asked for.
#[must_use]
pub fn goes_on(day: jiff::civil::Date) -> String {
    format!("the clone already goes to {day}; nothing is taken back")
}

/// Children outside of the plan that lose something by the base's change, up to `most` packages each by name.
#[must_use]
pub fn children(plan: &Plan, most: usize) -> String {
    let mut out = String::new();
    for child in plan
        .children
        .iter()
        .filter(|child| !child.broken.is_empty())
    {
        let packages = count(child.broken.len() as u64, "package");
        out.push_str(&fold::fold(&format!(
            "{}: {packages} can no longer be installed beside the changed base, and the channel is not part of the plan",
            child.channel.label
        )));
        for broken in child.broken.iter().take(most) {
            out.push_str(&chain(broken, "  "));
        }
        if let Some(more) = child
            .broken
            .len()
            .checked_sub(most)
            .filter(|more| *more > 0)
        {
            out.push_str(&fold::fold(&format!("  … and {more} more")));
        }
    }
    out
}

/// An epoch, version and release as a NEVRA has them: an epoch of 0 is none.
#[must_use]
pub fn evr(text: &str) -> &str {
    text.strip_prefix("0:").unwrap_or(text)
}

/// Steps of a chain that stand in full.
const STEPS: usize = 6;

/// Why a package cannot be installed, a line a step down to the cause, which is never left out.
#[must_use]
pub fn chain(broken: &PlannedBroken, indent: &str) -> String {
    let mut lines: Vec<String> = broken.problem.clone();
    match lines.first_mut() {
        Some(first) if !first.contains(&broken.nevra) => {
            *first = format!("{}: {first}", broken.nevra);
        }
        Some(_) => {}
        None => lines.push(broken.nevra.clone()),
    }
    if lines.len() > STEPS {
        let left_out = STEPS - 2..lines.len() - 1;
        let more = format!("… {} …", count(left_out.len() as u64, "more step"));
        lines.splice(left_out, [more]);
    }
    let mut out = String::new();
    for (step, line) in lines.iter().enumerate() {
        let deeper = if step == 0 { "" } else { "  " };
        out.push_str(&fold::fold(&format!("{indent}{deeper}{line}")));
    }
    out
}

/// `1 package`, `3 packages`; `erratum` and `errata`.
#[must_use]
pub fn count(number: u64, one: &str) -> String {
    match (number, one) {
        (1, _) => format!("1 {one}"),
        (_, "erratum") => format!("{number} errata"),
        _ => format!("{number} {one}s"),
    }
}

#[cfg(test)]
pub mod tests;
