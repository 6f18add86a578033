//! The element as TOML.

use std::fmt::Write;

use super::{KEY, SET, VERSION, is_key};
use crate::pkgmgr::words::{self, BOOLEANS, boolean, flags};
use crate::xml::{Element, Node};

pub(super) fn text(root: &Element, top: &[String]) -> String {
    let mut out = format!("airlock-packages = {VERSION}\n");
    if root.name == "Rules" {
        out.push_str("kind = \"rules\"\n");
    }
    let (end, children) = split_comments(root);
    keys(root, &words::PACKAGE, "", &mut out);
    let top: Vec<&str> = top.iter().map(String::as_str).collect();
    comments("comment", &top, &mut out);
    comments("end_comment", &end, &mut out);
    contents(&children, "", &mut out);
    out
}

/// An element and the comments before it.
struct Child<'e> {
    element: &'e Element,
    comments: Vec<&'e str>,
}

/// The comments at the end, and the children with the comments before each.
fn split_comments(element: &Element) -> (Vec<&str>, Vec<Child<'_>>) {
    let mut waiting = Vec::new();
    let mut children = Vec::new();
    for node in &element.children {
        match node {
            Node::Comment(text) => waiting.push(text.as_str()),
            Node::Element(element) => {
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
        own_comments(child, out);
        for (name, value) in &child.element.attributes {
            let _ = writeln!(out, "{} = {}", key(name), quoted(value));
        }
    }
    for child in of(&[KEY]) {
        let _ = writeln!(out, "\n[[{path}key]]");
        own_comments(child, out);
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
        let (_, inner) = split_comments(element);
        own_comments(child, out);
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
    let (_, inner) = split_comments(element);
    own_comments(child, out);
    keys(element, &words::PACKAGE, "", out);
    ignores(&inner, out);
    let mut instances = inner
        .iter()
        .filter(|child| child.element.name == "Instance")
        .peekable();
    if instances.peek().is_some() {
        out.push_str("instances = [\n");
        for child in instances {
            let mut fields = String::new();
            own_comments(child, &mut fields);
            keys(child.element, &words::INSTANCE, "", &mut fields);
            ignores(&split_comments(child.element).1, &mut fields);
            let _ = writeln!(out, "    {},", inline(&fields));
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

/// A table of keys, one a line, on one line.
fn inline(fields: &str) -> String {
    let fields: Vec<&str> = fields.lines().collect();
    format!("{{ {} }}", fields.join(", "))
}

/// The paths as texts, and as tables where there are comments.
fn ignores(children: &[Child<'_>], out: &mut String) {
    let all = children
        .iter()
        .filter(|child| child.element.name == "Ignore");
    let written = |child: &Child<'_>| {
        let name = quoted(child.element.attribute("name").unwrap_or_default());
        let mut fields = String::new();
        own_comments(child, &mut fields);
        match fields.is_empty() {
            true => name,
            false => inline(&format!("name = {name}\n{fields}")),
        }
    };
    let paths: Vec<String> = all.map(written).collect();
    if !paths.is_empty() {
        let _ = writeln!(out, "ignore = [{}]", paths.join(", "));
    }
}

/// The comments before an element, and those at its end.
fn own_comments(child: &Child<'_>, out: &mut String) {
    comments("comment", &child.comments, out);
    comments("end_comment", &split_comments(child.element).0, out);
}

fn comments(key: &str, texts: &[&str], out: &mut String) {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    match &texts[..] {
        [] => {}
        [one] => {
            let _ = writeln!(out, "{key} = {one}");
        }
        more => {
            let _ = writeln!(out, "{key} = [{}]", more.join(", "));
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
