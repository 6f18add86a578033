//! TOML into the element that says the same.
//!
//! Reading goes on behind a flaw, so that all of them can be told. An element with one in it is left out: what is wrong
//! with the rest is found without it.

mod key;

use toml::de::DeTable;

use super::flaw::{Lines, NativeError};
use super::value::{
    Field, Flawed, attribute_name, comments, fields, integer, list, plain, string, tables, texts,
};
use super::{VERSION, is_key};
use crate::pkgmgr::list::{is_condition, priority};
use crate::pkgmgr::words::{self, nearest};
use crate::xml::{DEEPEST, Element, LARGEST, Node};

/// What a file says.
pub(super) struct Read {
    pub(super) root: Element,
    /// The comments at the top of the file.
    pub(super) top: Vec<String>,
    /// What is wrong, in the order of the file.
    pub(super) flaws: Vec<NativeError>,
}

/// How many flaws are told.
const MOST: usize = 200;

pub(super) fn read(file: &str, bytes: &[u8]) -> Read {
    let mut read = Read {
        root: Element::new("PackageList"),
        top: Vec::new(),
        flaws: Vec::new(),
    };
    let flaw = |lines: &Lines<'_>, offset: usize, why: String| {
        let (line, column) = lines.position(offset);
        NativeError {
            file: file.to_owned(),
            line,
            column,
            why,
        }
    };
    if bytes.len() > LARGEST {
        let why = format!("more than {LARGEST} bytes; split the file");
        read.flaws.push(flaw(&Lines::new(""), 0, why));
        return read;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let why = "this is no UTF-8; save the file as UTF-8".to_owned();
            read.flaws.push(flaw(&Lines::new(&good), good.len(), why));
            return read;
        }
    };
    let mut reader = Reader {
        lines: Lines::new(text),
        flaws: Vec::new(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut wrong: Vec<(usize, &str)> = errors
        .iter()
        .map(|error| (error.span().map_or(0, |span| span.start), error.message()))
        .collect();
    wrong.sort_by_key(|(offset, _)| *offset);
    for (offset, why) in wrong {
        let wrong = flaw(&reader.lines, offset, why.to_owned());
        // What follows in the same line follows from it.
        if read.flaws.last().is_none_or(|last| last.line != wrong.line) && read.flaws.len() < MOST {
            read.flaws.push(wrong);
        }
    }
    // What stands in a file that is no TOML is guessed only.
    if !errors.is_empty() {
        return read;
    }
    (read.root, read.top) = reader.root(table.get_ref());
    reader.flaws.sort_by_key(|(offset, _)| *offset);
    let flaws = reader.flaws.into_iter().take(MOST);
    read.flaws = flaws
        .map(|(offset, why)| flaw(&reader.lines, offset, why))
        .collect();
    read
}

struct Reader<'t> {
    lines: Lines<'t>,
    flaws: Vec<(usize, String)>,
}

/// What may stand in a table, beside its attributes.
const CONTENTS: [&str; 4] = ["package", "path", "key", "when"];

/// Comments of a table: those before the element that it is, and those at the end inside it.
#[derive(Default)]
struct Comments {
    before: Vec<Node>,
    end: Vec<Node>,
}

impl Reader<'_> {
    fn flaw(&mut self, at: usize, why: impl Into<String>) {
        self.flaws.push((at, why.into()));
    }

    /// What was read; what is wrong with it is remembered.
    fn keep<T>(&mut self, read: Flawed<T>) -> Option<T> {
        read.map_err(|flaw| self.flaws.push(flaw)).ok()
    }

    fn element(&self, name: &str, at: usize) -> Element {
        let mut element = Element::new(name);
        (element.place.line, element.place.column) = self.lines.position(at);
        element
    }

    /// Whether the field was a comment.
    fn comment(&mut self, to: &mut Comments, field: &Field<'_, '_>) -> bool {
        let to = match field.key {
            "comment" => &mut to.before,
            "end_comment" => &mut to.end,
            _ => return false,
        };
        to.extend(self.keep(comments(field)).unwrap_or_default());
        true
    }

    fn root(&mut self, table: &DeTable<'_>) -> (Element, Vec<String>) {
        let first = fields(table).first().map_or(0, |field| field.at);
        let mut root = self.element("PackageList", first);
        let mut has_version = false;
        let mut is_rules = false;
        let mut own = Comments::default();
        let mut contents = Vec::new();
        for field in fields(table) {
            match field.key {
                "airlock-packages" => {
                    if integer(field.value) != Some(VERSION) {
                        let why =
                            format!("this is another form of the file; {VERSION} is read here");
                        self.flaw(field.at, why);
                    }
                    has_version = true;
                }
                "kind" => {
                    let kind = field.value.as_str();
                    is_rules = kind != Some("pkgmgr");
                    match kind {
                        Some("pkgmgr") => {}
                        Some("rules") => root.name = "Rules".to_owned(),
                        _ => self.flaw(field.at, "kind is \"pkgmgr\" or \"rules\""),
                    }
                }
                _ if self.comment(&mut own, &field) => {}
                key if CONTENTS.contains(&key) => contents.push(field),
                _ => self.attribute(&mut root, &field, &words::PACKAGE),
            }
        }
        if !has_version {
            let why =
                format!("airlock-packages = {VERSION} is missing; put it into the first line");
            self.flaw(0, why);
        }
        let said = fields(table).into_iter().find(|one| one.key == "priority");
        match (said, root.attribute("priority")) {
            (None, _) => self.flaw(0, "priority is missing; add priority = 0"),
            (Some(said), Some(text)) if priority(text).is_none() => {
                let why = format!("priority = {text:?} is no number; write priority = 0");
                self.flaw(said.at, why);
            }
            _ => {}
        }
        self.contents(&mut root, contents, 1, is_rules);
        root.children.append(&mut own.end);
        let text = |node| match node {
            Node::Comment(text) => Some(text),
            _ => None,
        };
        (root, own.before.into_iter().filter_map(text).collect())
    }

    /// Packages first: their place beside conditions means nothing.
    fn contents(
        &mut self,
        parent: &mut Element,
        mut contents: Vec<Field<'_, '_>>,
        depth: usize,
        is_rules: bool,
    ) {
        let order = |key: &str| CONTENTS.iter().position(|one| *one == key);
        contents.sort_by_key(|field| order(field.key));
        for field in contents {
            if depth > DEEPEST - 8 {
                self.flaw(field.at, "conditions are nested too deep");
                continue;
            }
            for (table, at) in self.keep(tables(&field)).unwrap_or_default() {
                let mut own = Comments::default();
                let before = self.flaws.len();
                let mut element = match field.key {
                    "package" => self.package(table, at, &mut own),
                    "path" => self.path(table, at, &mut own, is_rules),
                    "key" => self.key(table, at, &mut own),
                    _ => self.when(table, at, &mut own, (depth, is_rules)),
                };
                // A condition without what is wrong in it says what it says.
                if self.flaws.len() > before && !is_condition(&element) {
                    continue;
                }
                parent.children.append(&mut own.before);
                element.children.append(&mut own.end);
                parent.push(element);
            }
        }
    }

    fn when(
        &mut self,
        table: &DeTable<'_>,
        at: usize,
        own: &mut Comments,
        (depth, is_rules): (usize, bool),
    ) -> Element {
        let mut element = self.element("", at);
        let before = self.flaws.len();
        let mut negated = None;
        let mut contents = Vec::new();
        for field in fields(table) {
            match field.key {
                "group" | "client" if element.name.is_empty() => {
                    element.name = match field.key {
                        "group" => "Group".to_owned(),
                        _ => "Client".to_owned(),
                    };
                    let name = self.keep(string(&field)).unwrap_or_default();
                    element.attributes.insert(0, ("name".to_owned(), name));
                }
                "group" | "client" => self.flaw(
                    field.at,
                    "one condition is a group or a client; nest a second [[when]] for both",
                ),
                "not" => match field.value.as_bool() {
                    Some(not) => negated = Some(not),
                    None => self.flaw(field.at, "not is true or false"),
                },
                _ if self.comment(own, &field) => {}
                key if CONTENTS.contains(&key) => contents.push(field),
                _ => self.attribute(&mut element, &field, &words::PACKAGE),
            }
        }
        if element.name.is_empty() && self.flaws.len() == before {
            self.flaw(at, "a [[when]] needs group = \"…\" or client = \"…\"");
        }
        if let Some(negated) = negated {
            let attribute = ("negate".to_owned(), negated.to_string());
            element
                .attributes
                .insert(1.min(element.attributes.len()), attribute);
        }
        self.contents(&mut element, contents, depth + 1, is_rules);
        element
    }

    fn package(&mut self, table: &DeTable<'_>, at: usize, own: &mut Comments) -> Element {
        let mut package = self.element("Package", at);
        let before = self.flaws.len();
        for field in fields(table) {
            match field.key {
                _ if self.comment(own, &field) => {}
                "ignore" => self.ignores(&mut package, &field),
                "instances" => {
                    for (table, at) in self.keep(tables(&field)).unwrap_or_default() {
                        self.instance(table, at, &mut package);
                    }
                }
                "set" => {
                    let set = self.set(&field);
                    package.children.extend(set.map(Node::Element));
                }
                _ => self.attribute(&mut package, &field, &words::PACKAGE),
            }
        }
        let has = |key: &&str| package.attribute(key).is_some();
        if !["name", "group", "file"].iter().any(has) && self.flaws.len() == before {
            self.flaw(at, "a package needs a name");
        }
        package
    }

    fn instance(&mut self, table: &DeTable<'_>, at: usize, package: &mut Element) {
        let mut instance = self.element("Instance", at);
        let mut own = Comments::default();
        for field in fields(table) {
            match field.key {
                _ if self.comment(&mut own, &field) => {}
                "ignore" => self.ignores(&mut instance, &field),
                _ => self.attribute(&mut instance, &field, &words::INSTANCE),
            }
        }
        package.children.append(&mut own.before);
        instance.children.append(&mut own.end);
        package.push(instance);
    }

    /// Paths; one with comments is a table.
    fn ignores(&mut self, element: &mut Element, field: &Field<'_, '_>) {
        for item in list(field) {
            let Some(table) = item.value.as_table() else {
                let path = self.keep(texts(&item)).unwrap_or_default();
                let ignore = |name| self.element("Ignore", item.at).with("name", name);
                element
                    .children
                    .extend(path.into_iter().map(|name| Node::Element(ignore(name))));
                continue;
            };
            let mut own = Comments::default();
            let mut ignore = self.element("Ignore", item.at);
            for field in fields(table) {
                match field.key {
                    _ if self.comment(&mut own, &field) => {}
                    "name" => {
                        let name = self.keep(string(&field));
                        ignore
                            .attributes
                            .extend(name.map(|name| ("name".to_owned(), name)));
                    }
                    other => {
                        let why = unknown(other, ["name", "comment", "end_comment"]);
                        self.flaw(field.at, why);
                    }
                }
            }
            if ignore.attribute("name").is_none() {
                self.flaw(
                    item.at,
                    "an ignored path is a text, or { name = \"/…\", comment = \"…\" }",
                );
            }
            element.children.append(&mut own.before);
            ignore.children.append(&mut own.end);
            element.push(ignore);
        }
    }

    /// A path of a Rules list: what it is for is the driver's business, so its attributes are not looked at.
    fn path(
        &mut self,
        table: &DeTable<'_>,
        at: usize,
        own: &mut Comments,
        is_rules: bool,
    ) -> Element {
        let mut path = self.element("Path", at);
        if !is_rules {
            let why = "a [[path]] stands in rules alone; write kind = \"rules\" at the top of the file, above all tables";
            self.flaw(at, why);
            return path;
        }
        let before = self.flaws.len();
        for field in fields(table) {
            match field.key {
                _ if self.comment(own, &field) => {}
                key => {
                    let read = attribute_name(&field).and_then(|()| plain(&field, key));
                    if let Some(value) = self.keep(read) {
                        path.set(key, value);
                    }
                }
            }
        }
        if path.attribute("name").is_none() && self.flaws.len() == before {
            self.flaw(at, "a path needs a name");
        }
        path
    }

    /// One attribute; those that nothing reads stand in `other`.
    fn attribute(&mut self, element: &mut Element, field: &Field<'_, '_>, known: &[&str]) {
        if field.key == "other" {
            let Some(table) = field.value.as_table() else {
                return self.flaw(field.at, "other is a table");
            };
            for field in fields(table) {
                let read = attribute_name(&field).and_then(|()| string(&field));
                let Some(value) = self.keep(read) else {
                    continue;
                };
                if is_key(element, field.key, known) || element.attribute(field.key).is_some() {
                    let why = format!("{} has a key of its own; take it out of other", field.key);
                    self.flaw(field.at, why);
                } else {
                    element.set(field.key, value);
                }
            }
            return;
        }
        let is_list = ["PackageList", "Rules"].contains(&element.name.as_str());
        if field.key == "priority" && !is_list {
            return self.flaw(field.at, "priority is the file's; write it at its top");
        }
        if !is_key(element, field.key, known) && field.key != "priority" {
            let more = [
                "instances",
                "ignore",
                "set",
                "package",
                "path",
                "key",
                "when",
                "group",
                "comment",
                "end_comment",
            ];
            let why = unknown(field.key, known.iter().copied().chain(more));
            return self.flaw(field.at, why);
        }
        if let Some(value) = self.keep(plain(field, field.key)) {
            element.set(field.key, value);
        }
    }
}

fn unknown<'k>(key: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    match nearest(key, known) {
        Some(meant) => format!("there is no key {key}; did you mean {meant}?"),
        None => format!(
            "there is no key {key} here; an attribute of your own goes into other = {{ {key} = … }}"
        ),
    }
}
