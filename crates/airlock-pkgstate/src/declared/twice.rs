//! Packages that are declared more than once. The old client let each entry undo what the other had done, and told both as
//! good; here entries that no installed package can satisfy together are known before anything is done.

use std::collections::BTreeMap;

use super::Entry;
use crate::xml::Element;

/// So many entries of one name are compared with each other.
const MOST_OF_A_NAME: usize = 64;

/// The parts of an instance; `None` takes any.
type Parts<'e> = [Option<&'e str>; 4];

/// The names whose entries contradict each other, each with the reason.
pub fn contradictions(entries: &[Entry]) -> BTreeMap<String, String> {
    let elements = entries.iter().map(|entry| &entry.element);
    contradicted(elements)
        .into_iter()
        .map(|(name, (one, other))| {
            let why = format!("Package:{name} is declared {}", advice(one, other));
            (name.to_owned(), why)
        })
        .collect()
}

/// Two packages that contradict each other, by their name.
pub(super) fn contradicted<'e>(
    elements: impl Iterator<Item = &'e Element>,
) -> BTreeMap<&'e str, (&'e Element, &'e Element)> {
    let mut named: BTreeMap<&str, Vec<&Element>> = BTreeMap::new();
    for element in elements.filter(|element| is_one_package(element)) {
        let name = element.attribute("name").unwrap_or_default();
        named.entry(name).or_default().push(element);
    }
    named
        .into_iter()
        .filter_map(|(name, elements)| Some((name, first_contradiction(&elements)?)))
        .collect()
}

/// The first two of entries of one name that contradict each other.
fn first_contradiction<'e>(elements: &[&'e Element]) -> Option<(&'e Element, &'e Element)> {
    // Of thousands of the same name not every pair is looked at.
    let few = &elements[..elements.len().min(MOST_OF_A_NAME)];
    few.iter().enumerate().find_map(|(at, one)| {
        let other = few[at + 1..].iter().find(|other| contradict(one, other))?;
        Some((*one, *other))
    })
}

/// What is to be done about two entries that contradict each other.
pub(super) fn advice(one: &Element, other: &Element) -> String {
    format!(
        "more than once, as {} and as {}; declare it once, with an <Instance> for each that is to be there",
        shown(one),
        shown(other)
    )
}

/// It declares one package by its name for a driver of packages, not a group.
fn is_one_package(element: &Element) -> bool {
    matches!(element.name.as_str(), "Package" | "BoundPackage")
        && element.attribute("name").is_some()
        && element.attribute("group").is_none()
        && matches!(element.attribute("type"), Some("rpm" | "yum"))
}

/// What satisfies one of them cannot satisfy the other: an instance of one fits none of the other.
fn contradict(one: &Element, other: &Element) -> bool {
    let (one, other) = (instances(one), instances(other));
    let alone = |instance: &Parts<'_>, others: &[Parts<'_>]| {
        !others.iter().any(|other| agree(instance, other))
    };
    one.iter().any(|instance| alone(instance, &other))
        || other.iter().any(|instance| alone(instance, &one))
}

fn agree(one: &Parts<'_>, other: &Parts<'_>) -> bool {
    one.iter().zip(other).all(|pair| match pair {
        (Some(one), Some(other)) => one == other,
        _ => true,
    })
}

fn instances(element: &Element) -> Vec<Parts<'_>> {
    let children: Vec<Parts<'_>> = element
        .elements()
        .filter(|child| matches!(child.name.as_str(), "Instance" | "Package"))
        .map(parts)
        .collect();
    match children.is_empty() {
        true => vec![parts(element)],
        false => children,
    }
}

fn parts(element: &Element) -> Parts<'_> {
    let part = |name| {
        element
            .attribute(name)
            .filter(|value| !matches!(*value, "" | "any" | "auto"))
    };
    let (version, release) = match (part("version"), part("release")) {
        // The old style has both in one.
        (Some(version), None) => match version.split_once('-') {
            Some((version, release)) => (Some(version), Some(release)),
            None => (Some(version), None),
        },
        whole => whole,
    };
    [part("epoch"), version, release, part("arch")]
}

fn shown(element: &Element) -> String {
    let mut all: Vec<String> = instances(element)
        .iter()
        .map(|[epoch, version, release, arch]| {
            let mut text = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
            text.push_str(version.unwrap_or("any version"));
            for (mark, part) in [('-', release), ('.', arch)] {
                if let Some(part) = part {
                    text.push(mark);
                    text.push_str(part);
                }
            }
            text
        })
        .collect();
    let more = all.len().saturating_sub(3);
    all.truncate(3);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    all.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::declared::parse_configuration;

    fn of(entries: &str) -> Vec<String> {
        let xml = format!("<Configuration><Bundle name='b'>{entries}</Bundle></Configuration>");
        let configuration = parse_configuration("c.xml", xml.as_bytes()).unwrap();
        contradictions(&configuration.entries)
            .into_values()
            .collect()
    }

    #[test]
    fn entries_that_no_package_satisfies_together_contradict_each_other() {
        for (one, other) in [
            (
                "<Package name='a' type='yum' version='1.0-1'/>",
                "<Package name='a' type='yum' version='2.0-1'/>",
            ),
            (
                "<Package name='a' type='rpm'><Instance version='1' release='1' arch='x86_64'/></Package>",
                "<Package name='a' type='rpm'><Instance version='1' release='1' arch='i686'/></Package>",
            ),
            (
                "<Package name='a' type='rpm'><Instance version='1' release='1'/></Package>",
                "<Package name='a' type='yum'><Instance version='1' release='1'/><Instance version='2' release='1'/></Package>",
            ),
            (
                "<Package name='a' type='rpm'><Instance epoch='1' version='1'/></Package>",
                "<Package name='a' type='rpm'><Instance epoch='2' version='1'/></Package>",
            ),
        ] {
            assert_eq!(of(&format!("{one}{other}")).len(), 1, "{one} {other}");
            assert_eq!(of(&format!("{other}{one}")).len(), 1, "{other} {one}");
        }
        assert_eq!(
            of(
                "<Package name='a' type='yum' version='any'/><Package name='a' type='yum' version='1.0-1'/>\
                 <Package name='a' type='yum' version='2.0-1'/>"
            )[0],
            "Package:a is declared more than once, as 1.0-1 and as 2.0-1; declare it once, with an <Instance> for each that is \
             to be there"
        );
    }

    #[test]
    fn entries_that_one_package_satisfies_do_not() {
        for entries in [
            "<Package name='a' type='yum' version='1.0-1'/><Package name='a' type='yum' version='1.0-1' pkg_checks='no'/>",
            "<Package name='a' type='yum' version='auto'/><Package name='a' type='yum' version='1.0-1'/>",
            "<Package name='a' type='yum' version='1.0-1'/><Package name='a' type='yum'><Instance version='1.0' release='1' arch='noarch'/></Package>",
            "<Package name='a' type='yum' version='1'/><Package name='b' type='yum' version='2'/>",
            "<Package name='a' type='deb' version='1'/><Package name='a' type='yum' version='2'/>",
            "<Package name='g' group='g' type='yum'/><Package name='g' type='yum' version='2'/>",
        ] {
            assert_eq!(of(entries), Vec::<String>::new(), "{entries}");
        }
    }
}
