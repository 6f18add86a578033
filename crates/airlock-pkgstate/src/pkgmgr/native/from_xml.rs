//! What of an XML list the native form can say: everything but stray texts and elements that no list has.

use super::Loss;
use super::value::is_attribute_name;
use crate::pkgmgr::list::{is_condition, odd_negation, priority};
use crate::xml::{Document, Element, Node};

pub(super) fn convert(document: &Document) -> Option<(Element, Vec<Loss>)> {
    let root = &document.root;
    if !["PackageList", "Rules"].contains(&root.name.as_str()) {
        return None;
    }
    let mut losses = Vec::new();
    root.attribute("priority").and_then(priority)?;
    let mut list = take(root, root.name == "Rules", &mut losses);
    // The form has no place behind everything but the end of the list.
    let after = document.after.iter().cloned().map(Node::Comment);
    list.children.extend(after);
    Some((list, losses))
}

/// Which elements may stand in which.
fn is_known(parent: &Element, child: &Element, is_rules: bool) -> bool {
    match parent.name.as_str() {
        "Package" => ["Instance", "Ignore"].contains(&child.name.as_str()),
        "Instance" => child.name == "Ignore",
        "Ignore" | "Path" => false,
        _ => child.name == "Package" || is_condition(child) || (is_rules && child.name == "Path"),
    }
}

fn is_named(element: &Element) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| element.attribute(name).is_some());
    match element.name.as_str() {
        "Package" => has(&["name", "group", "file"]),
        "Path" | "Ignore" | "Group" | "Client" => has(&["name"]),
        _ => true,
    }
}

fn take(element: &Element, is_rules: bool, losses: &mut Vec<Loss>) -> Element {
    let mut copy = Element {
        name: element.name.clone(),
        attributes: element.attributes.clone(),
        children: Vec::new(),
        place: element.place,
    };
    let mut lose = |line: u32, what: String| losses.push(Loss { line, what });
    let line = element.place.line;
    if element.name == "Ignore" {
        for (name, _) in element.attributes.iter().filter(|(name, _)| name != "name") {
            lose(line, format!("the attribute {name} of an Ignore"));
        }
    }
    if is_condition(element)
        && let Some(text) = odd_negation(element)
    {
        lose(
            line,
            format!("negate={text:?}, which is neither true nor false"),
        );
    }
    for (name, _) in &element.attributes {
        // The keys of these names hold comments.
        let is_taken =
            element.name == "Path" && ["comment", "end_comment"].contains(&name.as_str());
        if is_taken || !is_attribute_name(name) {
            lose(line, format!("the attribute {name}: its name is not plain"));
        }
    }
    let behind = behind(&element.children);
    let mut is_kept = false;
    for (child, is_behind) in element.children.iter().zip(behind) {
        match child {
            Node::Text(text) if text.trim().is_empty() => {}
            Node::Text(_) => lose(line, format!("the text inside <{}>", element.name)),
            Node::Instruction(_) => lose(line, "a processing instruction".to_owned()),
            Node::Comment(_) if is_behind && is_kept => {
                // It is about that element, and the form knows comments before elements.
                let last = copy.children.len().saturating_sub(1);
                copy.children.insert(last, child.clone());
            }
            Node::Comment(_) => copy.children.push(child.clone()),
            // The form does not read what has no name.
            Node::Element(inner) if is_known(element, inner, is_rules) && !is_named(inner) => {
                is_kept = false;
                let text = format!("a {} without a name", inner.name);
                lose(inner.place.line, text);
            }
            Node::Element(inner) if is_known(element, inner, is_rules) => {
                let mut inner_losses = Vec::new();
                copy.push(take(inner, is_rules, &mut inner_losses));
                is_kept = true;
                for loss in inner_losses {
                    lose(loss.line, loss.what);
                }
            }
            Node::Element(inner) => {
                is_kept = false;
                let (name, parent) = (&inner.name, &element.name);
                lose(
                    inner.place.line,
                    format!("the element <{name}> in <{parent}>"),
                );
            }
        }
    }
    copy
}

/// Which children are comments behind an element on its line, with nothing but comments up to the line's end.
fn behind(children: &[Node]) -> Vec<bool> {
    let mut are = vec![false; children.len()];
    let mut since = None;
    for (number, child) in children.iter().enumerate() {
        match child {
            Node::Element(_) => since = Some(number + 1),
            Node::Comment(_) => {}
            Node::Text(text) if text.contains('\n') => {
                if let Some(since) = since.take() {
                    are[since..number].fill(true);
                }
            }
            Node::Text(text) if text.trim().is_empty() => {}
            _ => since = None,
        }
    }
    are
}
