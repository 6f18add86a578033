//! A whole bundle for a client: which of its entries apply, and each of them bound.

use std::collections::BTreeSet;

use super::{Binder, Problem, RulesOptions};
use crate::pkgmgr::list::{Client, List, holds, is_condition, split_file_name};
use crate::xml::{Element, Node};

/// The entries of a bundle that apply to a client, in the order of the document.
pub fn matching<'b>(bundle: &'b Element, client: &Client) -> Vec<&'b Element> {
    let mut found = Vec::new();
    for element in bundle.elements() {
        match is_condition(element) {
            true if holds(element, client) => found.extend(matching(element, client)),
            true => {}
            false => found.push(element),
        }
    }
    found
}

/// The bundle as the client receives it. `BoundPackage` and `BoundPath` lose their prefix and go as they are written;
/// every other entry is bound, and gets `failure` when that cannot be done.
pub fn bind_structure(
    lists: &[List],
    bundle: &Element,
    client: &Client,
    options: RulesOptions,
) -> (Element, Vec<Problem>) {
    let mut structure = Element {
        name: bundle.name.clone(),
        attributes: bundle.attributes.clone(),
        ..Element::default()
    };
    let binder = Binder::new(lists, client, options);
    for entry in matching(bundle, client) {
        let mut entry = entry.clone();
        if let Some(name) = entry.name.strip_prefix("Bound") {
            entry.name = name.to_owned();
        } else {
            match binder.bind(&entry) {
                Ok(bound) => entry = bound,
                Err(error) => entry.set("failure", format!("bind error: {error}")),
            }
        }
        structure.children.push(Node::Element(entry));
    }
    (structure, binder.problems)
}

/// Everything that the lists have for a client, bound, sorted by kind and name.
pub fn bind_all(lists: &[List], client: &Client, options: RulesOptions) -> (Element, Vec<Problem>) {
    let mut names = BTreeSet::new();
    for list in lists {
        for served in list.served(client) {
            let element = served.element;
            if ["Package", "Path"].contains(&element.name.as_str()) {
                // A package may be known by the name of its file only.
                let split = || {
                    let kind = served.attribute("type")?;
                    split_file_name(kind, served.attribute("file")?)
                };
                let named = served.called();
                if let Some(name) = named.or_else(|| split().map(|parts| parts.name)) {
                    names.insert((element.name.clone(), name));
                }
            }
        }
    }
    let mut asked = Element::new("Independent");
    for (tag, name) in names {
        asked.push(Element::new(tag).with("name", name));
    }
    bind_structure(lists, &asked, client, options)
}
