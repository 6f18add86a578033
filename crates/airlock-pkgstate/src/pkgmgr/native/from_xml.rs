//! What of an XML list the native form can say: everything but stray texts and elements that no list has.

use super::Loss;
use super::value::is_attribute_name;
use crate::pkgmgr::list::{is_condition, priority};
use crate::pkgmgr::words::boolean;
use crate::xml::{Document, Element, Node};

pub(super) fn convert(document: &Document) -> Option<(Element, Vec<Loss>)> {
    let root = &document.root;
    if !["PackageList", "Rules"].contains(&root.name.as_str()) {
        return None;
    }
    let mut losses = Vec::new();
    root.attribute("priority").and_then(priority)?;
    let mut list = taken(root, &mut losses);
    // What stood outside the root element belongs to the file.
    let outside = document.outside.iter().cloned().map(Node::Comment);
    list.children.extend(outside);
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

fn taken(element: &Element, losses: &mut Vec<Loss>) -> Element {
    take(element, element.name == "Rules", losses)
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
    let has = |names: &[&str]| names.iter().any(|name| element.attribute(name).is_some());
    let is_named = match element.name.as_str() {
        "Package" => has(&["name", "group", "file"]),
        "Path" | "Ignore" | "Group" | "Client" => has(&["name"]),
        _ => true,
    };
    if !is_named {
        lose(line, format!("a {} without a name", element.name));
    }
    if is_condition(element)
        && let Some(text) = element.attribute("negate")
        && boolean(text).is_none()
    {
        lose(
            line,
            format!("negate={text:?}, which is neither true nor false"),
        );
    }
    for (name, _) in &element.attributes {
        // The key of that name holds comments.
        let is_taken = element.name == "Path" && name == "comment";
        if is_taken || !is_attribute_name(name) {
            lose(line, format!("the attribute {name}: its name is not plain"));
        }
    }
    let mut inner_comments = Vec::new();
    for child in &element.children {
        match child {
            Node::Text(text) if text.trim().is_empty() => {}
            Node::Text(_) => lose(line, format!("the text inside <{}>", element.name)),
            Node::Instruction(_) => lose(line, "a processing instruction".to_owned()),
            // A file of its own writes them beside the instance.
            Node::Comment(text) => match element.name.as_str() {
                "Instance" | "Ignore" | "Path" => inner_comments.push(Node::Comment(text.clone())),
                _ => copy.children.push(child.clone()),
            },
            Node::Element(inner) if is_known(element, inner, is_rules) => {
                let mut inner_losses = Vec::new();
                let mut taken = take(inner, is_rules, &mut inner_losses);
                let comments = taken.children.iter().position(|node| *node == MARK);
                if let Some(at) = comments {
                    let mut moved = taken.children.split_off(at);
                    copy.children.extend(moved.drain(1..));
                }
                for loss in inner_losses {
                    lose(loss.line, loss.what);
                }
                copy.push(taken);
            }
            Node::Element(inner) => {
                let (name, parent) = (&inner.name, &element.name);
                lose(
                    inner.place.line,
                    format!("the element <{name}> in <{parent}>"),
                );
            }
        }
    }
    if !inner_comments.is_empty() {
        copy.children.push(MARK);
        copy.children.extend(inner_comments);
    }
    copy
}

/// Stands before comments that go to the element around. No source has it: an empty text is never kept.
const MARK: Node = Node::Text(String::new());
