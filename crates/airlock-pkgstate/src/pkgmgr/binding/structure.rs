//! A whole bundle for a client: which of its entries apply, and each of them bound.

use super::{Problem, RulesOptions, bind};
use crate::pkgmgr::list::{Client, List, holds, is_condition};
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
    let mut problems = Vec::new();
    for entry in matching(bundle, client) {
        let mut entry = entry.clone();
        if let Some(name) = entry.name.strip_prefix("Bound") {
            entry.name = name.to_owned();
        } else {
            match bind(lists, &entry, client, options) {
                Ok(bound) => {
                    entry = bound.entry;
                    problems.extend(bound.problems);
                }
                Err(error) => entry.set("failure", format!("bind error: {error}")),
            }
        }
        structure.children.push(Node::Element(entry));
    }
    problems.dedup();
    (structure, problems)
}
