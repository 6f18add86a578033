//! Trees as text, in the form that lxml (libxml2) gives them: double quotes, no declaration, empty elements as `<a/>`,
//! characters beyond ASCII as references. It is the form that `pkgmgr_update.py` wrote.

use std::fmt::Write;

use super::{Element, Node};

pub(super) fn element(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    // libxml2 keeps declarations of namespaces apart and writes them first.
    let (declared, plain): (Vec<_>, Vec<_>) = element
        .attributes
        .iter()
        .partition(|(name, _)| name == "xmlns" || name.starts_with("xmlns:"));
    for (name, value) in declared.into_iter().chain(plain) {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        ascii(&escaped_attribute(value, '"'), out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in &element.children {
        node(child, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

fn node(node: &Node, out: &mut String) {
    match node {
        Node::Element(inner) => element(inner, out),
        Node::Text(text) => ascii(&escaped_text(text), out),
        Node::Comment(text) => {
            out.push_str("<!--");
            ascii(text, out);
            out.push_str("-->");
        }
        Node::Instruction(text) => {
            out.push_str("<?");
            ascii(text, out);
            out.push_str("?>");
        }
    }
}

fn ascii(text: &str, out: &mut String) {
    for character in text.chars() {
        match character.is_ascii() {
            true => out.push(character),
            false => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
        }
    }
}

fn escaped_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

pub(super) fn escaped_attribute(value: &str, quote: char) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quote == '"' => out.push_str("&quot;"),
            '\'' if quote == '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            other => out.push(other),
        }
    }
    out
}

/// The element as people write it: four blanks a level, single quotes, a line end behind it. White space between elements
/// is not kept, nor is text.
pub fn indented(root: &Element) -> String {
    let mut out = String::new();
    indent(&Node::Element(root.clone()), 0, &mut out);
    out
}

fn indent(node: &Node, level: usize, out: &mut String) {
    let blanks = "    ".repeat(level);
    match node {
        Node::Element(element) => {
            out.push_str(&blanks);
            out.push('<');
            out.push_str(&element.name);
            for (name, value) in &element.attributes {
                out.push_str(&format!(" {name}='{}'", escaped_attribute(value, '\'')));
            }
            let kept = |child: &&Node| !matches!(child, Node::Text(text) if text.trim().is_empty());
            let children: Vec<&Node> = element.children.iter().filter(kept).collect();
            if children.is_empty() {
                out.push_str("/>\n");
                return;
            }
            out.push_str(">\n");
            for child in children {
                indent(child, level + 1, out);
            }
            out.push_str(&format!("{blanks}</{}>\n", element.name));
        }
        Node::Comment(text) => out.push_str(&format!("{blanks}<!--{text}-->\n")),
        Node::Text(_) | Node::Instruction(_) => {}
    }
}
