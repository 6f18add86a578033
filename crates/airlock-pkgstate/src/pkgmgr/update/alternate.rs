//! `Ignore` elements of another list.

use std::collections::HashSet;

use crate::xml::{Document, Element, Node};

/// Whether a second package of one name gets the elements too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// Each does.
    Copy,
    /// Only the first, as the old tool moved them from tree to tree.
    Move,
}

/// An element that is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignores {
    /// The element.
    pub element: Element,
    /// The text behind it in the other list, which the old tool took along.
    pub tail: String,
}

pub(super) struct Alternates<'d> {
    document: Option<&'d Document>,
    taking: Taking,
    taken: HashSet<String>,
}

impl<'d> Alternates<'d> {
    pub(super) fn new(document: Option<&'d Document>, taking: Taking) -> Self {
        Self {
            document,
            taking,
            taken: HashSet::new(),
        }
    }

    /// Those of the package of this name, when exactly one package of it has any of its own.
    pub(super) fn take(&mut self, name: &str) -> Vec<Ignores> {
        let Some(document) = self.document else {
            return Vec::new();
        };
        if self.taking == Taking::Move && self.taken.contains(name) {
            return Vec::new();
        }
        let of_name = document.root.walk().filter(|element| {
            element.name == "Package"
                && element.attribute("name") == Some(name)
                && element.all("Ignore").next().is_some()
        });
        let found: Vec<&Element> = of_name.collect();
        let [package] = found[..] else {
            return Vec::new();
        };
        self.taken.insert(name.to_owned());
        let mut ignores = Vec::new();
        collect(package, &mut ignores);
        ignores
    }
}

/// In the order of the document, whatever they stand in.
fn collect(element: &Element, ignores: &mut Vec<Ignores>) {
    for (number, child) in element.children.iter().enumerate() {
        let Node::Element(inner) = child else {
            continue;
        };
        if inner.name == "Ignore" {
            let tail = match element.children.get(number + 1) {
                Some(Node::Text(text)) => text.clone(),
                _ => String::new(),
            };
            ignores.push(Ignores {
                element: inner.clone(),
                tail,
            });
        }
        collect(inner, ignores);
    }
}
