//! Packages of Pkgmgr lists.

use std::collections::HashMap;

use super::Problem;
use crate::pkgmgr::list::{Client, List, Served, split_file_name};
use crate::pkgmgr::list::{expand, is_split};
use crate::xml::{Element, Node};

/// A package as a list serves it.
pub(super) struct Package<'l> {
    attributes: Vec<(String, String)>,
    element: &'l Element,
}

/// The packages that one list serves to a client, by name.
pub(super) struct Index<'l> {
    pub(super) list: &'l List,
    /// The last one of a name counts.
    packages: HashMap<String, Package<'l>>,
}

impl<'l> Index<'l> {
    pub(super) fn new(list: &'l List, client: &Client, problems: &mut Vec<Problem>) -> Self {
        let mut all = HashMap::new();
        for served in list.served(client) {
            if served.element.name == "Package" {
                all.extend(packages(list, &served, problems));
            }
        }
        Self {
            list,
            packages: all,
        }
    }

    /// What the list has for an entry. A name with a colon is looked for as it is first.
    pub(super) fn find(&self, entry: &Element) -> Option<&Package<'l>> {
        if entry.name != "Package" {
            return None;
        }
        let asked = entry.attribute("name").unwrap_or_default();
        let exact = self.packages.get(asked);
        exact.or_else(|| self.packages.get(fuzzy(asked)?.0))
    }
}

/// `NAME:ARCH,ARCH`: what is asked for, and the architectures that instances may have.
fn fuzzy(name: &str) -> Option<(&str, Vec<&str>)> {
    let (name, archs) = name.rsplit_once(':')?;
    let is_list = !archs.is_empty() && !archs.contains(char::is_whitespace);
    is_list.then(|| (name, archs.split(',').collect()))
}

/// The names that a package of a list is known by, with what it is under each.
fn packages<'l>(
    list: &List,
    served: &Served<'l>,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Package<'l>)> {
    let element = served.element;
    let package = |attributes| Package {
        attributes,
        element,
    };
    let name = served.called();
    let uri = served.attribute("uri");
    let url = |file: &str| uri.map(|uri| format!("{uri}/{file}"));
    let mut attributes = served.attributes.clone();
    // What it is asked for by stays.
    attributes.retain(|(key, value)| key != "name" || !value.is_empty());
    let mut set = |attribute: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.retain(|(key, _)| key != attribute);
            attributes.push((attribute.to_owned(), value));
        }
    };
    if let Some(simplefile) = served.attribute("simplefile") {
        set("url", url(simplefile));
        return name
            .map(|name| (name, package(attributes)))
            .into_iter()
            .collect();
    }
    let Some(file) = served.attribute("file") else {
        return name
            .map(|name| (name, package(attributes)))
            .into_iter()
            .collect();
    };
    let line = served.element.place.line;
    match served.attribute("multiarch") {
        None => set("url", url(file)),
        Some(archs) => match expand(file, archs, served.attribute("srcs")) {
            Some(files) => {
                let urls: Option<Vec<_>> = files.iter().map(|file| url(file)).collect();
                set("url", urls.map(|urls| urls.join(" ")));
            }
            None => problems.push(Problem::Multiarch {
                list: list.file().to_owned(),
                line,
                file: file.to_owned(),
            }),
        },
    }
    let kind = served.attribute("type").unwrap_or_default();
    if !is_split(kind) {
        return name
            .map(|name| (name, package(attributes)))
            .into_iter()
            .collect();
    }
    let Some(parts) = split_file_name(kind, file) else {
        problems.push(Problem::FileName {
            list: list.file().to_owned(),
            line,
            file: file.to_owned(),
        });
        // Nothing is known of it but its name.
        return name
            .map(|name| (name, package(Vec::new())))
            .into_iter()
            .collect();
    };
    let mut all = vec![
        ("name".to_owned(), parts.name.clone()),
        ("version".to_owned(), parts.version),
    ];
    all.extend(parts.arch.map(|arch| ("arch".to_owned(), arch)));
    // What the package itself says goes before what its file name says.
    for (key, value) in attributes {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => all.push((key, value)),
        }
    }
    let mut served = Vec::new();
    if let Some(name) = name.filter(|name| *name != parts.name) {
        served.push((name, package(Vec::new())));
    }
    served.push((parts.name, package(all)));
    served
}

/// The entry with the package's attributes over its own, and copies of the package's children.
pub(super) fn apply(mut entry: Element, package: &Package<'_>) -> Element {
    let asked = entry.attribute("name").unwrap_or_default().to_owned();
    if entry.place.line == 0 {
        entry.place = package.element.place;
    }
    for (name, value) in &package.attributes {
        entry.set(name, value.as_str());
    }
    let children = package.element.elements().cloned();
    entry.children.extend(children.map(Node::Element));
    // Only what the list serves under another name was asked for with architectures.
    if let Some((name, archs)) = fuzzy(&asked) {
        let same = entry.attribute("name") == Some(name);
        entry.children.retain(|child| match child {
            Node::Element(child) if same && child.name == "Instance" => child
                .attribute("arch")
                .is_some_and(|arch| archs.contains(&arch)),
            _ => true,
        });
    }
    entry
}
