//! The element as TOML.

use std::fmt::Write;

use super::{KEY, SET, VERSION, is_key};
use crate::pkgmgr::words::{self, BOOLEANS, boolean, flags};
use crate::xml::{Element, Node};

pub(super) fn text(root: &Element) -> String {
    let mut out = format!("airlock-packages = {VERSION}\n");
    if root.name == "Rules" {
        out.push_str("kind = \"rules\"\n");
    }
    let (leading, children) = split_comments(root);
    // Those before the first child belong to it, the rest to the file.
    keys(root, &words::PACKAGE, "", &mut out);
    comments(&leading, "", &mut out);
    contents(&children, "", &mut out);
    out
}

/// An element and the comments before it.
struct Child<'e> {
    element: &'e Element,
    comments: Vec<&'e str>,
}

/// The children with the comments before each, and the comments that stand before none.
fn split_comments(element: &Element) -> (Vec<&str>, Vec<Child<'_>>) {
    let mut waiting = Vec::new();
    let mut children = Vec::new();
    for node in &element.children {
        match node {
            Node::Comment(text) => waiting.push(text.as_str()),
            Node::Element(element) if element.name != "Ignore" => {
                children.push(Child {
                    element,
                    comments: std::mem::take(&mut waiting),
                });
            }
            _ => {}
        }
    }
    (waiting, children)
}

fn contents(children: &[Child<'_>], path: &str, out: &mut String) {
    let of = |names: &'static [&'static str]| {
        let named = move |child: &&Child<'_>| names.contains(&child.element.name.as_str());
        children.iter().filter(named)
    };
    for child in of(&["Package"]) {
        let _ = writeln!(out, "\n[[{path}package]]");
        package(child, out);
    }
    for child in of(&["Path"]) {
        let _ = writeln!(out, "\n[[{path}path]]");
        comments(&child.comments, "", out);
        for (name, value) in &child.element.attributes {
            let _ = writeln!(out, "{} = {}", key(name), quoted(value));
        }
    }
    for child in of(&[KEY]) {
        let _ = writeln!(out, "\n[[{path}key]]");
        comments(&child.comments, "", out);
        for (name, value) in &child.element.attributes {
            let value = match name.as_str() {
                "until" => value.clone(),
                _ => quoted(value),
            };
            let _ = writeln!(out, "{} = {value}", key(name));
        }
    }
    for child in of(&["Group", "Client"]) {
        let element = child.element;
        let _ = writeln!(out, "\n[[{path}when]]");
        let (trailing, inner) = split_comments(element);
        let all: Vec<&str> = child.comments.iter().copied().chain(trailing).collect();
        comments(&all, "", out);
        let name = element.attribute("name").unwrap_or_default();
        let kind = element.name.to_lowercase();
        let _ = writeln!(out, "{kind} = {}", quoted(name));
        if let Some(negated) = element.attribute("negate").and_then(boolean) {
            let _ = writeln!(out, "not = {negated}");
        }
        keys(element, &words::PACKAGE, "name negate", out);
        contents(&inner, &format!("{path}when."), out);
    }
}

fn package(child: &Child<'_>, out: &mut String) {
    let element = child.element;
    let (trailing, inner) = split_comments(element);
    let all: Vec<&str> = child.comments.iter().copied().chain(trailing).collect();
    comments(&all, "", out);
    keys(element, &words::PACKAGE, "", out);
    ignores(element, "", out);
    let instances = || {
        inner
            .iter()
            .filter(|child| child.element.name == "Instance")
    };
    if instances().next().is_some() {
        out.push_str("instances = [\n");
        for child in instances() {
            let mut fields = String::new();
            comments(&child.comments, "", &mut fields);
            let (trailing, _) = split_comments(child.element);
            debug_assert!(trailing.is_empty(), "taken out before");
            keys(child.element, &words::INSTANCE, "", &mut fields);
            ignores(child.element, "", &mut fields);
            let fields: Vec<&str> = fields.lines().collect();
            let _ = writeln!(out, "    {{ {} }},", fields.join(", "));
        }
        out.push_str("]\n");
    }
    for child in inner.iter().filter(|child| child.element.name == SET) {
        let set = child.element;
        let fields: Vec<String> = set
            .attributes
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let _ = writeln!(out, "set = {{ {} }}", fields.join(", "));
    }
}

fn ignores(element: &Element, indent: &str, out: &mut String) {
    let paths: Vec<String> = element
        .all("Ignore")
        .map(|ignore| quoted(ignore.attribute("name").unwrap_or_default()))
        .collect();
    if !paths.is_empty() {
        let _ = writeln!(out, "{indent}ignore = [{}]", paths.join(", "));
    }
}

fn comments(texts: &[&str], indent: &str, out: &mut String) {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    match &texts[..] {
        [] => {}
        [one] => {
            let _ = writeln!(out, "{indent}comment = {one}");
        }
        more => {
            let _ = writeln!(out, "{indent}comment = [{}]", more.join(", "));
        }
    }
}

/// The attributes of an element as keys, one a line; those in `without` are left out.
fn keys(element: &Element, known: &[&str], without: &str, out: &mut String) {
    let mut other = Vec::new();
    for (name, value) in &element.attributes {
        let name = name.as_str();
        if without.split(' ').any(|one| one == name) {
            continue;
        }
        if !is_key(element, name, known) {
            other.push(format!("{} = {}", key(name), quoted(value)));
            continue;
        }
        let _ = writeln!(out, "{name} = {}", written(name, value));
    }
    if !other.is_empty() {
        let _ = writeln!(out, "other = {{ {} }}", other.join(", "));
    }
}

/// A value in the form that fits its attribute, when it can be read back as it is.
fn written(name: &str, value: &str) -> String {
    let list = |words: Vec<&str>| {
        let words: Vec<String> = words.into_iter().map(quoted).collect();
        format!("[{}]", words.join(", "))
    };
    match name {
        _ if BOOLEANS.contains(&name) => {
            boolean(value).map_or_else(|| quoted(value), |value| value.to_string())
        }
        "priority" => super::super::list::priority(value)
            .map_or_else(|| quoted(value), |number| number.to_string()),
        "verify_flags" if !value.trim().is_empty() => list(flags(value).collect()),
        "multiarch" | "srcs" if !value.contains(',') && !value.trim().is_empty() => {
            list(value.split_whitespace().collect())
        }
        _ => quoted(value),
    }
}

/// A text in quotes, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Control characters, and line ends that only some programs know.
            c if c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key; in quotes where TOML wants them.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}
