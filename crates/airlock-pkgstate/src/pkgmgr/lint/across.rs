//! What is wrong with several lists together: names that more than one of them serves to one client.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Severity};
use crate::pkgmgr::list::{group_name, is_condition, is_negated, priority};
use crate::xml::{Document, Element};

/// A condition: kind, name, whether it is turned round.
type Condition<'d> = (&'d str, &'d str, bool);

struct Place<'d> {
    document: &'d Document,
    element: &'d Element,
    priority: i64,
    conditions: Vec<Condition<'d>>,
}

/// Finds names that two lists of one kind serve with the same priority, and names that Pkgmgr and Rules both serve, where
/// some client can fulfil the conditions of both.
pub fn across(documents: &[Document]) -> Vec<Finding> {
    let mut places: BTreeMap<(&str, String), Vec<Place<'_>>> = BTreeMap::new();
    for document in documents {
        let root = &document.root;
        let Some(priority) = root.attribute("priority").and_then(priority) else {
            continue;
        };
        if ["PackageList", "Rules"].contains(&root.name.as_str()) {
            collect(document, root, priority, &[], &mut places);
        }
    }
    let mut findings = Vec::new();
    for ((tag, name), places) in &places {
        // One finding for each pair of files says it.
        let mut said = BTreeSet::new();
        for (number, two) in places.iter().enumerate() {
            for one in &places[..number] {
                let same_kind = one.document.root.name == two.document.root.name;
                let clash = !same_kind || one.priority == two.priority;
                let files = (one.document.file.as_str(), two.document.file.as_str());
                if files.0 == files.1 || !clash || !can_both(&one.conditions, &two.conditions) {
                    continue;
                }
                if said.insert(files) {
                    findings.push(finding(tag, name, one, two, same_kind));
                }
            }
        }
    }
    findings
}

fn finding(tag: &str, name: &str, one: &Place<'_>, two: &Place<'_>, same_kind: bool) -> Finding {
    let always = one.conditions.is_empty() && two.conditions.is_empty();
    let who = match always {
        true => "every client",
        false => "clients that are in the groups of both",
    };
    let other = format!("{}:{}", one.document.file, one.element.place.line);
    let message = match same_kind {
        true => format!(
            "{other} serves it too, with the same priority {}; {who} cannot get it. Give one of the files a higher priority",
            two.priority
        ),
        false => format!(
            "{other} serves it too; {who} cannot get it from both Pkgmgr and Rules. Take it out of one of them"
        ),
    };
    Finding {
        file: two.document.file.clone(),
        line: two.element.place.line,
        column: two.element.place.column,
        severity: match always {
            true => Severity::Error,
            false => Severity::Warning,
        },
        element: Some(format!("<{tag}> {name}")),
        message,
    }
}

fn collect<'d>(
    document: &'d Document,
    element: &'d Element,
    priority: i64,
    conditions: &[Condition<'d>],
    places: &mut BTreeMap<(&'d str, String), Vec<Place<'d>>>,
) {
    for child in element.elements() {
        let name = child.attribute("name");
        if is_condition(child) {
            let mut inner = conditions.to_vec();
            inner.push((&child.name, name.unwrap_or_default(), is_negated(child)));
            collect(document, child, priority, &inner, places);
        } else if let Some(name) = group_name(child).or(name.map(str::to_owned)) {
            places.entry((&child.name, name)).or_default().push(Place {
                document,
                element: child,
                priority,
                conditions: conditions.to_vec(),
            });
        }
    }
}

/// Whether a client can fulfil all of both.
fn can_both(one: &[Condition<'_>], two: &[Condition<'_>]) -> bool {
    let all = || one.iter().chain(two);
    let opposite =
        all().any(|(kind, name, negated)| all().any(|other| *other == (*kind, *name, !negated)));
    let hosts: BTreeSet<&str> = all()
        .filter(|(kind, _, negated)| *kind == "Client" && !negated)
        .map(|(_, name, _)| *name)
        .collect();
    !opposite && hosts.len() < 2
}
