//! One instance of a package.

use airlock_rpm::Nevra;

use super::Findings;
use super::tree::{Around, misplaced, text};
use super::{attributes, package};
use crate::pkgmgr::words;
use crate::xml::Element;

pub(super) fn check(
    instance: &Element,
    name: &str,
    kind: Option<&str>,
    checked: bool,
    around: &Around,
    findings: &mut Findings<'_>,
) {
    attributes::names(instance, &[&words::INSTANCE], findings);
    attributes::values(instance, around, findings);
    text(instance, findings);
    let part = |name| instance.attribute(name).filter(|text| !text.is_empty());
    let is_key = name == "gpg-pubkey";
    let needed: &[&str] = match (kind, is_key) {
        (_, true) => &["version", "release"],
        (Some("rpm"), false) => &["version", "release", "arch"],
        _ => &[],
    };
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|name| part(name).is_none())
        .collect();
    if !missing.is_empty() && (checked || is_key) {
        let text = format!(
            "missing: {}; the client cannot verify it",
            missing.join(", ")
        );
        findings.error(instance, text);
    }
    if kind == Some("rpm") && part("simplefile").is_none() {
        findings.warning(instance, "simplefile is missing; RPMng cannot install it");
    }
    if let Some(epoch) = part("epoch")
        && epoch.trim().parse::<u32>().is_err()
    {
        findings.error(instance, format!("epoch={epoch:?} is no number"));
    }
    for name in ["version", "release"] {
        if let Some(text) = part(name)
            && (text.contains('-') || text.contains(char::is_whitespace))
        {
            findings.error(
                instance,
                format!("{name}={text:?}: no {name} has a - or a blank"),
            );
        }
    }
    if is_key {
        for name in ["version", "release"] {
            let is_hex = |text: &str| {
                text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            };
            if let Some(text) = part(name)
                && !is_hex(text)
            {
                let text = format!(
                    "{name}={text:?}: that of a key is 8 hexadecimal digits in lower case (the end of its id; when it was made)"
                );
                findings.error(instance, text);
            }
        }
    } else if let Some(file) = part("simplefile") {
        named_otherwise(instance, name, file, findings);
    }
    if part("simplefile").is_some_and(|file| file.starts_with('/')) {
        findings.warning(instance, "simplefile starts with /, so it replaces the uri");
    }
    for child in instance.elements() {
        match child.name.as_str() {
            "Ignore" => package::ignore(child, findings),
            _ => misplaced(child, instance, &["Ignore"], findings),
        }
    }
}

/// A file that is of another version than the instance says: a slip when a list is edited by hand.
fn named_otherwise(instance: &Element, name: &str, file: &str, findings: &mut Findings<'_>) {
    let base = file.rsplit('/').next().unwrap_or(file);
    let Ok(said) = Nevra::parse(base) else {
        return;
    };
    let differs = |attribute, value: &str| {
        let declared = instance.attribute(attribute);
        declared.is_some_and(|declared| declared != value && declared != "any")
    };
    if said.name != name
        || differs("version", &said.version)
        || differs("release", &said.release)
        || differs("arch", &said.arch)
    {
        findings.warning(
            instance,
            format!("its file {base} is by its name {said}, which is not what the instance says"),
        );
    }
}
