//! Packages that are declared more than once, as something else each time. The old client let each entry undo what the other
//! had done, and told both as good.

use std::collections::{BTreeMap, HashSet};

use crate::settings::DriverSettings;
use crate::xml::Element;

/// So many different declarations of one name, and so many instances of each, are compared with each other.
const MOST: usize = 64;

/// What one instance declares: epoch, version, release, architecture. `None` takes any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Parts {
    /// Epoch.
    pub epoch: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Release.
    pub release: Option<String>,
    /// Architecture.
    pub arch: Option<String>,
}

impl Parts {
    /// What an element says in so many words.
    pub fn of(element: &Element) -> Self {
        let part = |name| {
            let value = element.attribute(name);
            let value = value.filter(|value| !matches!(*value, "" | "any" | "auto"));
            value.map(str::to_owned)
        };
        let (mut version, mut release) = (part("version"), part("release"));
        // The old style has both in one.
        if let (Some(whole), None) = (&version, &release)
            && let Some((first, second)) = whole.split_once('-')
        {
            (version, release) = (Some(first.to_owned()), Some(second.to_owned()));
        }
        Self {
            epoch: part("epoch"),
            version,
            release,
            arch: part("arch"),
        }
    }

    /// An installed package may be both.
    fn agrees(&self, other: &Self) -> bool {
        self.same_arch(other) && self.same_version(other)
    }

    /// Of one architecture, or of any.
    pub fn same_arch(&self, other: &Self) -> bool {
        same(&self.arch, &other.arch)
    }

    fn same_version(&self, other: &Self) -> bool {
        same(&self.epoch, &other.epoch)
            && same(&self.version, &other.version)
            && same(&self.release, &other.release)
    }

    /// A package of these parts is meant.
    pub fn takes(&self, package: &Self) -> bool {
        self.agrees(package)
    }

    fn shown(&self) -> String {
        let mut text = self
            .epoch
            .as_ref()
            .filter(|epoch| *epoch != "0")
            .map(|epoch| format!("{epoch}:"))
            .unwrap_or_default();
        text.push_str(self.version.as_deref().unwrap_or("any version"));
        for (mark, part) in [('-', &self.release), ('.', &self.arch)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }
}

fn same(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// Why declarations of one name, each with its instances, cannot be met together; `None` when they can.
pub fn contradiction<'p>(declared: impl Iterator<Item = &'p [Parts]>) -> Option<String> {
    let mut seen: HashSet<&[Parts]> = HashSet::new();
    let distinct = declared.filter(|one| seen.insert(one));
    let distinct: Vec<&[Parts]> = distinct.take(MOST).collect();
    let found = distinct.iter().enumerate().find_map(|(at, one)| {
        let mut later = distinct[at + 1..].iter();
        let other = later.find(|other| contradict(one, other))?;
        Some((*one, *other))
    });
    let (one, other) = found?;
    Some(format!(
        "more than once, as {} and as {}; declare it once, with an <Instance> for each that is to be there",
        shown(one),
        shown(other)
    ))
}

/// Of one architecture they want different versions, and only one can be there. What one of them has beside the other is
/// declared by both together.
fn contradict(one: &[Parts], other: &[Parts]) -> bool {
    let some = |instances: &'_ [Parts]| instances.len().min(MOST);
    one[..some(one)].iter().any(|one| {
        let mut others = other[..some(other)].iter();
        others.any(|other| one.same_arch(other) && !one.same_version(other))
    })
}

fn shown(instances: &[Parts]) -> String {
    let mut all: Vec<String> = instances.iter().take(3).map(Parts::shown).collect();
    if instances.len() > all.len() {
        all.push(format!("{} more", instances.len() - all.len()));
    }
    all.join(", ")
}

/// What looks like a contradiction among elements, whatever driver will read them: by name, the line of the first, the last
/// element, and why.
pub(crate) fn suspicious<'e>(
    elements: impl Iterator<Item = &'e Element>,
) -> Vec<(u32, &'e Element, String)> {
    let side_by_side = DriverSettings::default().installonly;
    let mut named: BTreeMap<(&str, &str), Vec<&Element>> = BTreeMap::new();
    for element in elements {
        let plain = matches!(element.name.as_str(), "Package" | "BoundPackage");
        let unchecked = element
            .attribute("pkg_checks")
            .is_some_and(|word| word.eq_ignore_ascii_case("false"));
        let (Some(name), Some(kind)) = (element.attribute("name"), element.attribute("type"))
        else {
            continue;
        };
        let apart = side_by_side.iter().any(|one| one == name) || name == crate::inventory::KEY;
        if plain && !unchecked && !apart && element.attribute("group").is_none() {
            named.entry((name, kind)).or_default().push(element);
        }
    }
    let several = named.into_values().filter(|elements| elements.len() > 1);
    several
        .filter_map(|elements| {
            let declared: Vec<Vec<Parts>> = elements.iter().map(|one| instances(one)).collect();
            let why = contradiction(declared.iter().map(Vec::as_slice))?;
            Some((elements.first()?.place.line, *elements.last()?, why))
        })
        .collect()
}

fn instances(element: &Element) -> Vec<Parts> {
    let children = element
        .elements()
        .filter(|child| matches!(child.name.as_str(), "Instance" | "Package"));
    let children: Vec<Parts> = children.map(Parts::of).collect();
    match children.is_empty() {
        true => vec![Parts::of(element)],
        false => children,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::Document;

    fn of(entries: &str) -> Vec<String> {
        let xml = format!("<Bundle name='b'>{entries}</Bundle>");
        let document = Document::parse("c.xml", xml.as_bytes()).unwrap();
        let found = suspicious(document.root.elements());
        found.into_iter().map(|(_, _, why)| why).collect()
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
                "<Package name='a' type='rpm'><Instance version='1' release='1' arch='i686'/><Instance version='2' release='1' arch='x86_64'/></Package>",
            ),
            (
                "<Package name='a' type='rpm'><Instance version='1' release='1'/></Package>",
                "<Package name='a' type='rpm'><Instance version='1' release='1'/><Instance version='2' release='1'/></Package>",
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
            ),
            [
                "more than once, as 1.0-1 and as 2.0-1; declare it once, with an <Instance> for each that is to be there"
            ]
        );
        let many: String = (0..200)
            .map(|at| format!("<Package name='a' type='yum' version='{at}-1'/>"))
            .collect();
        assert_eq!(of(&many).len(), 1);
        let last = "<Package name='a' type='yum' version='1-1'/>".repeat(200);
        assert_eq!(
            of(&format!(
                "{last}<Package name='a' type='yum' version='2-1'/>"
            ))
            .len(),
            1
        );
    }

    #[test]
    fn entries_that_one_package_satisfies_do_not() {
        for entries in [
            "<Package name='a' type='yum' version='1.0-1'/><Package name='a' type='yum' version='1.0-1' other='no'/>",
            "<Package name='a' type='yum' version='auto'/><Package name='a' type='yum' version='1.0-1'/>",
            "<Package name='a' type='yum' version='1.0-1'/><Package name='a' type='yum'><Instance version='1.0' release='1' arch='noarch'/></Package>",
            "<Package name='a' type='yum' version='1'/><Package name='b' type='yum' version='2'/>",
            "<Package name='a' type='rpm'><Instance version='1' release='1' arch='x86_64'/></Package><Package name='a' type='rpm'><Instance version='1' release='1' arch='i686'/></Package>",
            "<Package name='a' type='rpm' version='1'/><Package name='a' type='yum' version='2'/>",
            "<Package name='g' group='g' type='yum'/><Package name='g' type='yum' version='2'/>",
            "<Package name='kernel' type='yum' version='1-1'/><Package name='kernel' type='yum' version='2-1'/>",
            "<Package name='gpg-pubkey' type='rpm'><Instance version='a' release='1'/></Package><Package name='gpg-pubkey' type='rpm'><Instance version='b' release='1'/></Package>",
            "<Package name='a' type='rpm' version='1-1' pkg_checks='false'/><Package name='a' type='rpm' version='2-1' pkg_checks='false'/>",
        ] {
            assert_eq!(of(entries), Vec::<String>::new(), "{entries}");
        }
    }
}
