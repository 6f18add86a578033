//! What of a policy XML can say: everything but sets, keys, and the days that keys end on.

use super::{KEY, Loss, SET};
use crate::xml::{Element, Node};

pub(super) fn convert(root: &Element) -> (Element, Vec<Loss>) {
    let mut losses = Vec::new();
    let list = said(root, &mut losses);
    (list, losses)
}

fn said(element: &Element, losses: &mut Vec<Loss>) -> Element {
    let mut copy = Element {
        children: Vec::new(),
        ..element.clone()
    };
    for child in &element.children {
        match child {
            Node::Element(inner) if inner.name == SET => {
                let name = element.attribute("name").unwrap_or_default();
                losses.push(Loss {
                    line: inner.place.line,
                    what: format!("the set of {name}: which instances it is has to be looked up"),
                });
            }
            Node::Element(inner) if inner.name == KEY => {
                let fingerprint = inner.attribute("fingerprint").unwrap_or_default();
                losses.push(Loss {
                    line: inner.place.line,
                    what: format!("the key {fingerprint}: XML names keys by the end of their id and the time when they were made"),
                });
            }
            Node::Element(inner) => {
                let inner = said(inner, losses);
                copy.push(inner);
            }
            other => copy.children.push(other.clone()),
        }
    }
    copy
}
