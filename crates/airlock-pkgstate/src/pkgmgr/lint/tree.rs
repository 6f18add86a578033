//! Which element may stand where.

use std::collections::HashSet;

use super::Findings;
use super::{attributes, package};
use crate::declared::{OTHER_ENTRIES, suspicious};
use crate::pkgmgr::list::{OWN, group_name, is_condition, is_negated, odd_negation};
use crate::pkgmgr::native;
use crate::pkgmgr::words::{self, nearest};
use crate::xml::{Element, Node};

/// What comes down to an element from those around it.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// Attributes; the innermost value of each.
    pub(super) attributes: Vec<(String, String)>,
    /// A condition around is negated.
    negated: bool,
}

impl Around {
    pub(super) fn within(&self, element: &Element) -> Self {
        let mut inner = self.clone();
        for (name, value) in &element.attributes {
            if !OWN.contains(&name.as_str()) {
                inner.attributes.retain(|(known, _)| known != name);
                inner.attributes.push((name.clone(), value.clone()));
            }
        }
        inner.negated |= is_condition(element) && is_negated(element);
        inner
    }

    /// The value that an element has, of its own or from around.
    pub(super) fn value<'a>(&'a self, element: &'a Element, name: &str) -> Option<&'a str> {
        let around = || self.attributes.iter().find(|(known, _)| known == name);
        element
            .attribute(name)
            .or_else(|| around().map(|(_, value)| value.as_str()))
    }
}

pub(super) fn package_list(root: &Element, findings: &mut Findings<'_>) {
    attributes::names(root, &[&words::PACKAGE, &["priority"]], findings);
    attributes::values(root, &Around::default(), findings);
    list_children(root, &Around::default().within(root), findings);
}

fn list_children(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    text(element, findings);
    let mut seen: HashSet<String> = HashSet::new();
    for child in element.elements() {
        match child.name.as_str() {
            "Package" => {
                package::check(child, around, findings);
                let named = child.attribute("name").map(str::to_owned);
                if let Some(name) = group_name(child).or(named)
                    && !seen.insert(name)
                {
                    let text =
                        "a package of this name stands here before; only the last one counts";
                    findings.warning(child, text);
                }
            }
            "Group" | "Client" => {
                attributes::names(child, &[&words::PACKAGE], findings);
                condition(child, around, findings);
                attributes::values(child, around, findings);
                list_children(child, &around.within(child), findings);
            }
            native::KEY if findings.native => key(child, Some(element), findings),
            _ => misplaced(child, element, &["Package", "Group", "Client"], findings),
        }
    }
}

fn condition(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    if element.attribute("name").is_none_or(str::is_empty) {
        findings.error(
            element,
            "the attribute name is missing; nothing inside is ever served",
        );
    }
    match (odd_negation(element), element.attribute("negate")) {
        (Some(text), _) => findings.error(
            element,
            format!("negate={text:?} is neither true nor false; only true turns the condition round"),
        ),
        (None, None) if around.negated => findings.warning(
            element,
            "it stands in a negated condition; Bcfg2 took it for negated too, here it is not. Write negate='false' or negate='true' to mean the same everywhere",
        ),
        _ => {}
    }
}

/// A key becomes a package, which needs what packages need; a list gives it what it does not say itself.
fn key(key: &Element, list: Option<&Element>, findings: &mut Findings<'_>) {
    let said = |name: &str| {
        let own = key.attribute(name);
        own.or_else(|| list.and_then(|list| list.attribute(name)))
    };
    match said("type") {
        None => findings.error(
            key,
            "it has no type, so that no driver takes it; write type = \"rpm\" or \"yum\"",
        ),
        Some("rpm") if key.attribute("file").is_some() && said("uri").is_none() => {
            findings.error(
                key,
                "it has a file and no uri, so that it cannot be imported",
            );
        }
        Some(_) => {}
    }
}

pub(super) fn rules(root: &Element, findings: &mut Findings<'_>) {
    attributes::names(root, &[&["priority"]], findings);
    rules_children(root, &Around::default(), findings);
}

fn rules_children(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    text(element, findings);
    for child in element.elements() {
        match child.name.as_str() {
            // Nothing comes down to an entry of a rule.
            "Package" => package::check(child, &Around::default(), findings),
            "Path" => path(child, findings),
            "Group" | "Client" => {
                attributes::names(child, &[&["name", "negate"]], findings);
                condition(child, around, findings);
                rules_children(child, &around.within(child), findings);
            }
            // Entries of other kinds are not looked into.
            other if OTHER_ENTRIES.contains(&other) => {}
            native::KEY if findings.native => key(child, None, findings),
            _ => unknown(child, element, &["Package", "Group", "Client"], findings),
        }
    }
}

pub(super) fn bundle(root: &Element, findings: &mut Findings<'_>) {
    // A machine may read a bundle itself, and then its packages say what they are.
    let is_read = root
        .elements()
        .any(|entry| entry.name == "Package" && entry.attribute("type").is_some());
    if is_read {
        for entry in root.all("Package") {
            if entry.attribute("type").is_none() && entry.attribute("failure").is_none() {
                findings.error(
                    entry,
                    "it has no type, which others here have: a machine that reads the bundle itself refuses it. Add type='yum' or type='rpm'",
                );
            }
        }
    }
    contradictions(root.elements(), findings);
    bundle_children(root, &Around::default(), findings);
}

/// Packages that are declared more than once, as something else each time.
fn contradictions<'e>(entries: impl Iterator<Item = &'e Element>, findings: &mut Findings<'_>) {
    for (line, last, why) in suspicious(entries) {
        findings.warning(
            last,
            format!("line {line} declares it too; it is declared {why}"),
        );
    }
}

/// What a bundle may hold beside entries.
const BUNDLE_PARTS: [&str; 5] = ["Group", "Client", "Bundle", "RequiredBundle", "Package"];

fn bundle_children(element: &Element, around: &Around, findings: &mut Findings<'_>) {
    text(element, findings);
    for child in element.elements() {
        let plain = child.name.strip_prefix("Bound").unwrap_or(&child.name);
        match child.name.as_str() {
            "BoundPackage" => package::check(child, &Around::default(), findings),
            "BoundPath" => path(child, findings),
            "Package" => abstract_package(child, findings),
            "Path" if child.attribute("name").is_none() => {
                findings.error(child, "the attribute name is missing");
            }
            "Group" | "Client" => {
                condition(child, around, findings);
                bundle_children(child, &around.within(child), findings);
            }
            "Bundle" | "RequiredBundle" => {}
            template if template.starts_with("py:") => {
                findings.error(child, "templates are not evaluated; write the bundle out")
            }
            // Of a name space of its own, like xi:include.
            foreign if foreign.contains(':') => {}
            _ if OTHER_ENTRIES.contains(&plain) => {}
            _ => unknown(child, element, &BUNDLE_PARTS, findings),
        }
    }
}

/// A package that the server binds: it looks for what the name stands for in the lists.
fn abstract_package(package: &Element, findings: &mut Findings<'_>) {
    attributes::names(package, &[&words::PACKAGE], findings);
    attributes::values(package, &Around::default(), findings);
    if package.all("Instance").next().is_some() {
        findings.warning(
            package,
            "its instances are lost when it is bound; write BoundPackage, or put it into a PackageList",
        );
    }
    if package.attribute("name").is_none_or(str::is_empty) && package.attribute("group").is_none() {
        findings.error(package, "the attribute name is missing");
    }
    if let Some((_, archs)) = package
        .attribute("altsrc")
        .and_then(|asked| asked.split_once(':'))
        && archs.contains(char::is_whitespace)
    {
        findings.error(
            package,
            "altsrc: a blank among the architectures; between them stand commas alone",
        );
    }
    for child in package.elements() {
        match child.name.as_str() {
            // A machine that reads the bundle itself takes them.
            "Instance" | "Package" => instance_of_abstract(child, findings),
            "Ignore" => package::ignore(child, findings),
            _ => misplaced(child, package, &["Ignore"], findings),
        }
    }
}

fn instance_of_abstract(instance: &Element, findings: &mut Findings<'_>) {
    attributes::names(instance, &[&words::INSTANCE, &words::PACKAGE], findings);
    attributes::values(instance, &Around::default(), findings);
    for child in instance.elements() {
        match child.name.as_str() {
            "Ignore" => package::ignore(child, findings),
            _ => misplaced(child, instance, &["Ignore"], findings),
        }
    }
}

/// What a server sends, or a machine keeps: bundles of bound entries.
pub(super) fn configuration(root: &Element, findings: &mut Findings<'_>) {
    text(root, findings);
    contradictions(root.elements().flat_map(Element::elements), findings);
    for child in root.elements() {
        match child.name.as_str() {
            "Bundle" | "Independent" => bound_children(child, findings),
            _ => misplaced(child, root, &["Bundle", "Independent"], findings),
        }
    }
}

/// Bound entries, without conditions.
pub(super) fn independent(root: &Element, findings: &mut Findings<'_>) {
    contradictions(root.elements(), findings);
    bound_children(root, findings);
}

fn bound_children(element: &Element, findings: &mut Findings<'_>) {
    text(element, findings);
    for child in element.elements() {
        match child.name.strip_prefix("Bound").unwrap_or(&child.name) {
            "Package" => package::check(child, &Around::default(), findings),
            "Path" => path(child, findings),
            "Group" | "Client" => findings.error(
                child,
                "conditions are resolved by the server; here stand entries alone",
            ),
            other if OTHER_ENTRIES.contains(&other) => {}
            _ => unknown(child, element, &["Package"], findings),
        }
    }
}

fn path(element: &Element, findings: &mut Findings<'_>) {
    match element.attribute("name") {
        None | Some("") => findings.error(element, "the attribute name is missing"),
        Some(name) if !name.starts_with('/') => {
            findings.error(element, "the name of a path starts with /");
        }
        Some(_) => {}
    }
    if element.attribute("type").is_none() {
        findings.error(
            element,
            "the attribute type is missing; a path that packages may change has type='ignore'",
        );
    }
}

pub(super) fn misplaced(
    element: &Element,
    parent: &Element,
    allowed: &[&str],
    findings: &mut Findings<'_>,
) {
    let (name, parent) = (&element.name, &parent.name);
    let meant = match nearest(name, allowed.iter().copied()) {
        Some(meant) => format!("did you mean <{meant}>?"),
        None => format!("it may hold {}", allowed.join(", ")),
    };
    findings.error(element, format!("it cannot stand in <{parent}>; {meant}"));
}

/// An entry of a kind that no client has: it is never done, and the client reports it as bad.
fn unknown(element: &Element, parent: &Element, parts: &[&str], findings: &mut Findings<'_>) {
    let (name, parent) = (&element.name, &parent.name);
    let known = parts.iter().copied().chain(OTHER_ENTRIES);
    let bound = name.strip_prefix("Bound");
    let meant = match nearest(bound.unwrap_or(name), known) {
        Some(meant) if bound.is_some() => format!("did you mean <Bound{meant}>?"),
        Some(meant) => format!("did you mean <{meant}>?"),
        None => "no client knows entries of that kind; take it out".to_owned(),
    };
    findings.error(element, format!("it cannot stand in <{parent}>; {meant}"));
}

/// Text between elements means nothing: a slip of the pen, or a broken comment.
pub(super) fn text(element: &Element, findings: &mut Findings<'_>) {
    let stray = element.children.iter().find_map(|child| match child {
        Node::Text(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    });
    if let Some(text) = stray {
        let short: String = text.chars().take(40).collect();
        findings.error(
            element,
            format!("the text {short:?} inside means nothing; take it out"),
        );
    }
}
