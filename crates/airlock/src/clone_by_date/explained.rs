//! `--explain` and `airlock plan explain`: what the plans say of a name, and where they do not know it, the channels.

use airlock_model::{
    CloneRequest, ErratumRow, PackageRow, Plan, PlannedChannel, PlannedVersion, TaskId,
};

use super::explain::absent::{Facts, absent, is_requirement, not_open};
use super::explain::in_plan;
use super::flow::{fetch, fetch_about};
use crate::client::encoded;
use crate::command::Context;
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::fold::fold;

/// What is said of one name: paragraphs of lines, each line a step towards the root.
#[derive(Debug, serde::Serialize)]
pub struct Explanation {
    /// As it was typed.
    name: String,
    /// Whether anything is known of it.
    known: bool,
    /// The paragraphs.
    reasons: Vec<Vec<String>>,
}

/// Explains names by the plans of tasks that have just ended. Only the parts that are about the names are fetched;
/// the whole plans where they do not know one.
///
/// # Errors
/// When nothing is known of one of them.
pub async fn of_tasks(context: &Context, tasks: &[TaskId], names: &[String]) -> Result {
    let mut found = Vec::new();
    for name in names {
        let name = name.trim();
        let mut reasons = Vec::new();
        for task in tasks {
            let part = fetch_about(context, *task, name).await?;
            reasons.extend(in_plan(&part, name));
        }
        if reasons.is_empty() {
            let mut plans = Vec::new();
            for task in tasks {
                plans.push(fetch(context, *task).await?.0);
            }
            let plans: Vec<&Plan> = plans.iter().collect();
            return run(context, &plans, names).await;
        }
        found.push(explanation(name, reasons));
    }
    print(&found, context.json)
}

/// Explains names by plans that were just made, and by the channels that they are of.
///
/// # Errors
/// When nothing is known of one of them.
pub async fn run(context: &Context, plans: &[&Plan], names: &[String]) -> Result {
    let mut found = Vec::new();
    for name in names {
        let name = name.trim();
        let mut reasons: Vec<Vec<String>> =
            plans.iter().flat_map(|plan| in_plan(plan, name)).collect();
        if reasons.is_empty() {
            for plan in plans {
                let mut facts = Vec::new();
                for channel in &plan.channels {
                    facts.push(gather(context, channel, name).await?);
                }
                reasons.extend(absent(plan, name, &facts));
                reasons.extend(not_open(plan, name, &facts));
            }
        }
        found.push(explanation(name, reasons));
    }
    print(&found, context.json)
}

/// Explains names by a written plan alone.
///
/// # Errors
/// When it does not know one of them.
pub fn of_file(plan: &Plan, names: &[String], json: bool) -> Result {
    let found: Vec<Explanation> = names
        .iter()
        .map(|name| {
            let name = name.trim();
            let mut reasons = in_plan(plan, name);
            if reasons.is_empty() {
                reasons = not_open(plan, name, &[]);
            }
            explanation(name, reasons)
        })
        .collect();
    print_with(&found, json, |unknown| {
        let hint = format!(
            "what the source has and why it stays out, the server knows: {}",
            asking_again(plan, unknown)
        );
        let it = match unknown.len() {
            1 => {
                "it neither comes in nor goes, and nothing that is open or broken has to do with it"
            }
            _ => {
                "they neither come in nor go, and nothing that is open or broken has to do with them"
            }
        };
        Fail::new(format!(
            "the plan says nothing of {}: {it}",
            unknown.join(", ")
        ))
        .hint(hint)
    })
}

/// The command that asks the server why something is not in a plan.
fn asking_again(plan: &Plan, names: &[&str]) -> String {
    let request = &plan.request;
    let mut words = vec!["airlock clone-by-date".to_owned()];
    if let Some(parents) = &request.parents {
        let source = parents.source.iter().map(|label| format!("{label} "));
        let source: String = source.collect();
        words.push(format!("-a {source}{}", parents.destination));
    }
    for pair in &request.channels {
        words.push(format!("-l {} {}", pair.source, pair.destination));
    }
    if let Some(date) = request.to_date {
        words.push(format!("-d {date}"));
    }
    if let Some(as_of) = &request.as_of {
        words.push(format!("--as-of {as_of}"));
    }
    if !request.errata.is_empty() {
        words.push(format!("-e {}", request.errata.join(",")));
    }
    let said = CloneRequest {
        channels: request.channels.clone(),
        parents: request.parents.clone(),
        to_date: request.to_date,
        as_of: request.as_of.clone(),
        errata: request.errata.clone(),
        ..CloneRequest::default()
    };
    if said != *request {
        words.push("(with the other options of then)".to_owned());
    }
    for name in names {
        words.push(format!("--explain '{name}'"));
    }
    words.join(" ")
}

fn explanation(name: &str, reasons: Vec<Vec<String>>) -> Explanation {
    Explanation {
        name: name.to_owned(),
        known: !reasons.is_empty(),
        reasons,
    }
}

fn print(found: &[Explanation], json: bool) -> Result {
    print_with(found, json, |unknown| {
        Fail::new(format!("nothing is known of {}", unknown.join(", "))).hint(
            "name a package by NEVRA or name, an erratum by its advisory, as airlock channel packages and errata show them",
        )
    })
}

fn print_with(found: &[Explanation], json: bool, of: impl Fn(&[&str]) -> Fail) -> Result {
    if json {
        show::json(found)?;
    } else {
        let mut text = String::new();
        for one in found {
            for (step, line) in one
                .reasons
                .iter()
                .flat_map(|lines| lines.iter().enumerate())
            {
                let indent = if step == 0 { "" } else { "  " };
                text.push_str(&fold(&format!("{indent}{line}")));
            }
        }
        show::print(&text)?;
    }
    let unknown: Vec<&str> = found
        .iter()
        .filter(|one| !one.known)
        .map(|one| one.name.as_str())
        .collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(of(&unknown)),
    }
}

/// What the server knows of a name, for one channel of a plan.
async fn gather(context: &Context, channel: &PlannedChannel, name: &str) -> Result<Facts> {
    let mut facts = Facts {
        source: packages(context, &channel.source, name).await?,
        destination: packages(context, &channel.destination, name).await?,
        ..Facts::default()
    };
    if facts.source.is_empty() && !facts.destination.is_empty() {
        return Ok(facts);
    }
    let files: Vec<&str> = facts
        .source
        .iter()
        .map(|package| package.file_name.as_str())
        .collect();
    let mut of_source: Vec<ErratumRow> = errata(context, &channel.source).await?;
    of_source.retain(|erratum| {
        erratum.advisory == name
            || erratum
                .packages
                .iter()
                .any(|file| files.contains(&file.as_str()))
    });
    facts.errata = of_source;
    if facts.source.is_empty() {
        let cloned = name.strip_prefix("RH").unwrap_or(name);
        let all = errata(context, &channel.destination).await?;
        facts.destination_errata = all
            .into_iter()
            .map(|erratum| erratum.advisory)
            .filter(|known| known == name || known.get(3..) == Some(cloned))
            .collect();
    }
    Ok(facts)
}

async fn packages(
    context: &Context,
    version: &PlannedVersion,
    typed: &str,
) -> Result<Vec<PackageRow>> {
    let Some(number) = version.version else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    // Of a requirement its first word may be a package's name.
    let typed = match is_requirement(typed) {
        true => typed.split(' ').next().unwrap_or_default(),
        false => typed,
    };
    for name in perhaps_names(typed) {
        let path = format!(
            "/api/v1/channels/{}/packages?at={number}&name={}",
            version.label,
            encoded(&literal(name))
        );
        let found: Vec<PackageRow> = context.client.get(&path).await?;
        rows.extend(found);
    }
    Ok(rows)
}

async fn errata(context: &Context, version: &PlannedVersion) -> Result<Vec<ErratumRow>> {
    let Some(number) = version.version else {
        return Ok(Vec::new());
    };
    let path = format!("/api/v1/channels/{}/errata?at={number}", version.label);
    context.client.get(&path).await
}

/// The names of packages that a typed text may stand for: without architecture, release, version.
fn perhaps_names(typed: &str) -> Vec<&str> {
    let mut names = vec![typed];
    names.extend(typed.rsplit_once('.').map(|(name, _)| name));
    let mut dashes = typed.rmatch_indices('-').map(|(at, _)| at);
    names.extend(
        [dashes.next(), dashes.next()]
            .into_iter()
            .flatten()
            .map(|at| &typed[..at]),
    );
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

/// A glob that matches just this text.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']') {
            out.push_str(&format!("[{c}]"));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_guessed_from_what_was_typed() {
        assert_eq!(
            perhaps_names("lib-foo-1:2.0-1.el9.x86_64"),
            [
                "lib-foo",
                "lib-foo-1:2.0",
                "lib-foo-1:2.0-1.el9",
                "lib-foo-1:2.0-1.el9.x86_64"
            ]
        );
        assert_eq!(perhaps_names("bash"), ["bash"]);
        assert_eq!(literal("a+b[c]*"), "a+b[[]c[]][*]");
    }
}
