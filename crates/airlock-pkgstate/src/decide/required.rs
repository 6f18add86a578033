//! What an entry has to say before it can be verified or installed.

use super::Context;
use crate::declared::Entry;
use crate::inventory::KEY;
use crate::settings::Driver;

/// Whether an entry can be verified; the error says what is missing.
///
/// # Errors
/// The reason, for the operator.
pub fn to_verify(entry: &Entry, context: &Context<'_>) -> Result<(), String> {
    if let Some(failure) = entry.attribute("failure") {
        return Err(format!(
            "{} was not bound by the server: {failure}",
            entry.label()
        ));
    }
    if let Some(group) = entry.attribute("group")
        && entry.is_unknown_group()
    {
        return Err(format!(
            "{}{}: what is in the group {group} is not known; declare its packages one by one",
            entry.label(),
            place(entry.element.place.line)
        ));
    }
    if let Some(why) = context.contradictions.get(entry.name()) {
        return Err(why.clone());
    }
    if context.driver == Driver::Yum {
        return Ok(());
    }
    // Who checks nothing needs to say nothing.
    let unchecked = entry
        .attribute("pkg_checks")
        .is_some_and(|word| word.eq_ignore_ascii_case("false"));
    let settings = context.settings;
    if (!settings.pkg_checks && settings.incomplete_without_checks) || unchecked {
        return Ok(());
    }
    let key = entry.name() == KEY;
    let written = entry.element.all("Instance").count() > 0;
    if !written {
        return has(entry, "verify", &["version"]);
    }
    let needed: &[&str] = match key {
        true => &["version", "release"],
        false => &["version", "release", "arch"],
    };
    instances_have(entry, "verify", needed)
}

/// Whether an entry can be installed; the error says what is missing.
///
/// # Errors
/// The reason, for the operator.
pub fn to_install(entry: &Entry, context: &Context<'_>) -> Result<(), String> {
    to_verify(entry, context)?;
    if context.driver == Driver::Yum {
        return Ok(());
    }
    let key = entry.name() == KEY;
    let written = entry.element.all("Instance").count() > 0;
    match (written, key) {
        (false, true) => has(entry, "install", &["version"]),
        (false, false) => has(entry, "install", &["url"]),
        (true, true) => instances_have(entry, "install", &["version", "release"]),
        (true, false) => {
            has(entry, "install", &["uri"])?;
            instances_have(entry, "install", &["simplefile"])
        }
    }
}

fn has(entry: &Entry, what: &str, names: &[&str]) -> Result<(), String> {
    let missing: Vec<_> = names
        .iter()
        .filter(|name| entry.attribute(name).is_none())
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "incomplete information for {}{}; cannot {what}: add {}",
        entry.label(),
        place(entry.element.place.line),
        missing.join(", ")
    ))
}

fn instances_have(entry: &Entry, what: &str, names: &[&str]) -> Result<(), String> {
    for instance in entry.element.all("Instance") {
        let missing: Vec<_> = names
            .iter()
            .filter(|name| instance.attribute(name).is_none())
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "incomplete information for an Instance of {}{}; cannot {what}: add {}",
                entry.label(),
                place(instance.place.line),
                missing.join(", ")
            ));
        }
    }
    Ok(())
}

fn place(line: u32) -> String {
    match line {
        0 => String::new(),
        line => format!(" (line {line})"),
    }
}
