//! Attributes: known names, known values.

use super::Findings;
use super::tree::Around;
use crate::declared::ADDED;
use crate::pkgmgr::arch;
use crate::pkgmgr::words::{
    self, ACTIONS, BOOLEANS, CHOICES, SAME, TYPES, boolean, flag_flaw, flags, nearest,
};
use crate::xml::Element;

/// Finds attributes that nothing reads.
pub(super) fn names(element: &Element, known: &[&[&str]], findings: &mut Findings<'_>) {
    let all = || known.iter().flat_map(|list| list.iter().copied());
    for (name, _) in &element.attributes {
        if name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:") {
            continue;
        }
        if name.starts_with("py:") {
            let text = format!("{name}: templates are not evaluated; write the list out");
            findings.error(element, text);
        } else if findings.bound && ADDED.contains(&name.as_str()) {
            // A server or a client put it there.
        } else if !all().any(|one| one == name) {
            let meant = nearest(name, all()).map(|meant| format!("; did you mean {meant}?"));
            let meant = meant.unwrap_or_default();
            findings.warning(
                element,
                format!("nothing reads the attribute {name} here{meant}"),
            );
        }
    }
}

/// Finds values that mean nothing, on whatever carries attributes of packages.
pub(super) fn values(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    for name in BOOLEANS {
        if let Some(text) = element.attribute(name)
            && boolean(text).is_none()
        {
            findings.error(
                element,
                format!("{name}={text:?} is neither true nor false"),
            );
        }
    }
    for (name, word) in ACTIONS {
        if let Some(text) = element.attribute(name)
            && ![word, "none"].contains(&text.to_ascii_lowercase().as_str())
        {
            let text = format!("{name}={text:?} is neither {word} nor none; it counts as none");
            findings.error(element, text);
        }
    }
    conflicts(element, findings);
    group(element, findings);
    architecture(element, findings);
    let kind = around.value(element, "type");
    if let Some(kind) = element.attribute("type")
        && !TYPES.contains(&kind)
    {
        let meant = nearest(kind, TYPES).map(|meant| format!("; did you mean {meant}?"));
        let meant = meant.unwrap_or_default();
        findings.error(element, format!("no driver has the type {kind:?}{meant}"));
    }
    if let Some(text) = element.attribute("verify_flags") {
        check_flags(element, text, kind, findings);
    }
}

/// An architecture that no package has: nothing is ever as declared.
fn architecture(element: &Element, findings: &mut Findings<'_>) {
    let Some(arch) = element.attribute("arch") else {
        return;
    };
    // A % stands for what multiarch names.
    if ["", "any"].contains(&arch) || arch.contains('%') || arch::is_known(arch) {
        return;
    }
    let meant = arch::meant(arch).map(|meant| format!("; did you mean {meant}?"));
    let meant = meant.unwrap_or_default();
    findings.warning(
        element,
        format!("rpm knows no architecture {arch:?}{meant}"),
    );
}

/// A group of yum, and which of its packages are meant.
fn group(element: &Element, findings: &mut Findings<'_>) {
    let group = element.attribute("group");
    if group.is_some_and(|group| group.trim().is_empty()) {
        findings.error(
            element,
            "group='' names no group; write the name or id of one, or take it out",
        );
    }
    let Some(choose) = element.attribute("choose") else {
        return;
    };
    if !CHOICES.contains(&choose) {
        let meant = nearest(choose, CHOICES).map(|meant| format!("; did you mean {meant}?"));
        let text = format!(
            "choose={choose:?} is not one of {}{}",
            CHOICES.join(", "),
            meant.unwrap_or_default()
        );
        findings.error(element, text);
    } else if group.is_none() && element.name == "Package" {
        findings.warning(element, "choose counts only beside group; take it out");
    }
}

/// Two names for one thing that say different things (section 8, number 1).
fn conflicts(element: &Element, findings: &mut Findings<'_>) {
    let does = |name: &str| {
        let text = element.attribute(name)?.to_ascii_lowercase();
        match boolean(&text) {
            Some(does) => Some(does),
            None => Some(text != "none"),
        }
    };
    for (one, two) in SAME {
        if let (Some(first), Some(second)) = (does(one), does(two))
            && first != second
        {
            let text =
                format!("{one} and {two} are two names of one setting and differ; take one out");
            findings.error(element, text);
        }
    }
}

fn check_flags(element: &Element, text: &str, kind: Option<&str>, findings: &mut Findings<'_>) {
    for flag in flags(text) {
        match flag_flaw(flag, kind) {
            Some(flaw) if flaw.is_unknown => findings.error(element, flaw.text),
            Some(flaw) => findings.warning(element, flaw.text),
            None => {}
        }
    }
    if kind == Some("rpm") && text.contains(char::is_whitespace) {
        let written: Vec<&str> = flags(text).collect();
        let text = format!(
            "verify_flags: Bcfg2's RPMng knows no flag with a blank before or behind it and takes commas alone; write {}",
            written.join(",")
        );
        findings.warning(element, text);
    }
}

/// Attributes that belong to the file or to a condition and mean nothing on an entry (section 8, number 13).
pub(super) fn out_of_place(element: &Element, findings: &mut Findings<'_>) {
    for name in ["priority", "negate"] {
        if element.attribute(name).is_some() {
            let place = match name {
                "priority" => "the root element",
                _ => "Group and Client",
            };
            findings.warning(
                element,
                format!("{name} means nothing here; it belongs on {place}"),
            );
        }
    }
}

/// Attributes of packages.
pub(super) fn of_package(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    names(element, &[&words::PACKAGE], findings);
    values(element, around, findings);
    out_of_place(element, findings);
}
