//! An updated list as text.

use std::collections::HashMap;

use super::{Change, Ignores, Plan};
use crate::xml::{Document, Element, Node, edit_tag, escaped_attribute};

/// The list as the old tool wrote it: the root element alone, in lxml's form.
pub fn serialized(document: &Document, plan: &Plan) -> String {
    let mut root = document.root.clone();
    let by_instance: HashMap<usize, &Change> = plan
        .changes
        .iter()
        .map(|change| (change.start, change))
        .collect();
    apply(&mut root, &by_instance);
    root.to_xml()
}

fn apply(element: &mut Element, changes: &HashMap<usize, &Change>) {
    let mut ignores: Vec<&Ignores> = Vec::new();
    for child in &mut element.children {
        let Node::Element(child) = child else {
            continue;
        };
        if let Some(change) = changes.get(&child.place.start) {
            for (name, value) in &change.attributes {
                child.set(name, value.as_str());
            }
            ignores.extend(&change.ignores);
        }
        apply(child, changes);
    }
    for ignore in ignores {
        element.push(ignore.element.clone());
        if !ignore.tail.is_empty() {
            element.children.push(Node::Text(ignore.tail.clone()));
        }
    }
}

/// The list with every byte of its layout that does not have to change.
pub fn edited(document: &Document, plan: &Plan) -> String {
    let text = &document.text;
    let packages: HashMap<usize, &Element> = document
        .root
        .walk()
        .map(|element| (element.place.start, element))
        .collect();
    // From where to where, and what stands there then.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for change in &plan.changes {
        let Some(instance) = packages.get(&change.start) else {
            continue;
        };
        let (start, end) = (instance.place.start, instance.place.tag_end);
        edits.push((start, end, edit_tag(&text[start..end], &change.attributes)));
        if let Some(package) = packages.get(&change.package_start)
            && let Some(last) = package.elements().last()
            && !change.ignores.is_empty()
        {
            let at = last.place.end;
            edits.push((at, at, lines_of(text, package, last, &change.ignores)));
        }
    }
    edits.sort_by_key(|(start, _, _)| *start);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (start, end, new) in edits {
        out.push_str(&text[copied..start]);
        out.push_str(&new);
        copied = end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The elements, each on a line of its own when the last child of the package is.
fn lines_of(text: &str, package: &Element, last: &Element, ignores: &[Ignores]) -> String {
    let line_start = text[..last.place.start]
        .rfind('\n')
        .map_or(0, |end| end + 1);
    let indent = &text[line_start..last.place.start];
    let before = match indent.trim().is_empty() && line_start > 0 {
        true => {
            let has_return = text[..line_start].ends_with("\r\n");
            format!("{}{indent}", if has_return { "\r\n" } else { "\n" })
        }
        false => String::new(),
    };
    let tag = &text[package.place.start..package.place.tag_end];
    let quote = if tag.contains('\'') { '\'' } else { '"' };
    let mut out = String::new();
    for ignore in ignores {
        out.push_str(&before);
        out.push_str("<Ignore");
        for (name, value) in &ignore.element.attributes {
            let value = escaped_attribute(value, quote);
            out.push_str(&format!(" {name}={quote}{value}{quote}"));
        }
        out.push_str("/>");
    }
    out
}
