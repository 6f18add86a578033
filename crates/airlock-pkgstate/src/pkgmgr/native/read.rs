//! TOML into the element that says the same.

use toml::de::{DeTable, DeValue};

use super::flaw::{Lines, NativeError};
use super::value::{
    Field, Flawed, attribute_name, comment, fields, ignores, integer, plain, string, tables,
};
use super::{KEY, SET, VERSION, is_key};
use crate::pkgmgr::words::{self, nearest};
use crate::xml::{DEEPEST, Element, LARGEST};

pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Element, NativeError> {
    let flawed = |text: &str, offset: usize, why: String| {
        let (line, column) = Lines::new(text).position(offset);
        NativeError {
            file: file.to_owned(),
            line,
            column,
            why,
        }
    };
    if bytes.len() > LARGEST {
        let why = format!("more than {LARGEST} bytes; split the file");
        return Err(flawed("", 0, why));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        flawed(
            &good,
            good.len(),
            "this is no UTF-8; save the file as UTF-8".to_owned(),
        )
    })?;
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        flawed(text, offset, error.message().to_owned())
    })?;
    let reader = Reader {
        lines: Lines::new(text),
    };
    reader
        .root(table.get_ref())
        .map_err(|(offset, why)| flawed(text, offset, why))
}

struct Reader<'t> {
    lines: Lines<'t>,
}

/// What may stand in a table, beside its attributes.
const CONTENTS: [&str; 4] = ["package", "path", "key", "when"];

impl Reader<'_> {
    fn root(&self, table: &DeTable<'_>) -> Flawed<Element> {
        let mut root = Element::new("PackageList");
        let mut has_version = false;
        let mut comments = Element::new("");
        let mut contents = Vec::new();
        for field in fields(table) {
            match field.key {
                "airlock-packages" => {
                    if integer(field.value) != Some(VERSION) {
                        let why =
                            format!("this is another form of the file; {VERSION} is read here");
                        return Err((field.at, why));
                    }
                    has_version = true;
                }
                "kind" => match field.value.as_str() {
                    Some("pkgmgr") => {}
                    Some("rules") => root.name = "Rules".to_owned(),
                    _ => return Err((field.at, "kind is \"pkgmgr\" or \"rules\"".to_owned())),
                },
                "comment" => comment(&mut comments, &field)?,
                key if CONTENTS.contains(&key) => contents.push(field),
                _ => self.attribute(&mut root, &field, &words::PACKAGE)?,
            }
        }
        if !has_version {
            let why =
                format!("airlock-packages = {VERSION} is missing; put it into the first line");
            return Err((0, why));
        }
        if root.attribute("priority").is_none() {
            return Err((0, "priority is missing; add priority = 0".to_owned()));
        }
        self.contents(&mut root, contents, 1)?;
        // Behind everything: before a child they would be that one's.
        root.children.append(&mut comments.children);
        Ok(root)
    }

    /// Packages first: their place beside conditions means nothing.
    fn contents(
        &self,
        parent: &mut Element,
        mut contents: Vec<Field<'_, '_>>,
        depth: usize,
    ) -> Flawed<()> {
        let order = |key: &str| CONTENTS.iter().position(|one| *one == key);
        contents.sort_by_key(|field| order(field.key));
        for field in contents {
            if depth > DEEPEST - 8 {
                return Err((field.at, "conditions are nested too deep".to_owned()));
            }
            for (table, at) in tables(&field)? {
                let mut comments = Element::new("");
                let mut element = match field.key {
                    "package" => self.package(table, at, &mut comments)?,
                    "path" => self.path(table, at, &mut comments)?,
                    "key" => self.key(table, at, &mut comments)?,
                    _ => self.when(table, at, &mut comments, depth)?,
                };
                parent.children.append(&mut comments.children);
                (element.place.line, element.place.column) = self.lines.position(at);
                parent.push(element);
            }
        }
        Ok(())
    }

    fn when(
        &self,
        table: &DeTable<'_>,
        at: usize,
        comments: &mut Element,
        depth: usize,
    ) -> Flawed<Element> {
        let mut element = Element::new("");
        let mut negated = None;
        let mut contents = Vec::new();
        for field in fields(table) {
            match field.key {
                "group" | "client" if element.name.is_empty() => {
                    element.name = match field.key {
                        "group" => "Group".to_owned(),
                        _ => "Client".to_owned(),
                    };
                    let name = string(&field)?;
                    element.attributes.insert(0, ("name".to_owned(), name));
                }
                "group" | "client" => {
                    let why =
                        "one condition is a group or a client; nest a second [[when]] for both";
                    return Err((field.at, why.to_owned()));
                }
                "not" => {
                    let not = field.value.as_bool();
                    negated =
                        Some(not.ok_or_else(|| (field.at, "not is true or false".to_owned()))?);
                }
                "comment" => comment(comments, &field)?,
                key if CONTENTS.contains(&key) => contents.push(field),
                _ => self.attribute(&mut element, &field, &words::PACKAGE)?,
            }
        }
        if element.name.is_empty() {
            return Err((
                at,
                "a [[when]] needs group = \"…\" or client = \"…\"".to_owned(),
            ));
        }
        if let Some(negated) = negated {
            let attribute = ("negate".to_owned(), negated.to_string());
            element.attributes.insert(1, attribute);
        }
        self.contents(&mut element, contents, depth + 1)?;
        Ok(element)
    }

    fn package(&self, table: &DeTable<'_>, at: usize, comments: &mut Element) -> Flawed<Element> {
        let mut package = Element::new("Package");
        for field in fields(table) {
            match field.key {
                "comment" => comment(comments, &field)?,
                "ignore" => ignores(&mut package, &field)?,
                "instances" => {
                    for (table, at) in tables(&field)? {
                        let instance = self.instance(table, at, &mut package)?;
                        package.push(instance);
                    }
                }
                "set" => {
                    let set = self.set(&field)?;
                    package.push(set);
                }
                _ => self.attribute(&mut package, &field, &words::PACKAGE)?,
            }
        }
        if ["name", "group", "file"]
            .iter()
            .all(|key| package.attribute(key).is_none())
        {
            return Err((at, "a package needs a name".to_owned()));
        }
        Ok(package)
    }

    fn instance(&self, table: &DeTable<'_>, at: usize, package: &mut Element) -> Flawed<Element> {
        let mut instance = Element::new("Instance");
        for field in fields(table) {
            match field.key {
                "comment" => comment(package, &field)?,
                "ignore" => ignores(&mut instance, &field)?,
                _ => self.attribute(&mut instance, &field, &words::INSTANCE)?,
            }
        }
        (instance.place.line, instance.place.column) = self.lines.position(at);
        Ok(instance)
    }

    fn set(&self, field: &Field<'_, '_>) -> Flawed<Element> {
        let table = field.value.as_table();
        let table = table.ok_or((
            field.at,
            "a set is { running = true, newest = N }".to_owned(),
        ))?;
        let mut set = Element::new(SET);
        (set.place.line, set.place.column) = self.lines.position(field.at);
        for field in fields(table) {
            match (field.key, field.value) {
                ("running", DeValue::Boolean(running)) => set.set("running", running.to_string()),
                ("newest", value) => {
                    let newest = integer(value).filter(|number| (1..=100).contains(number));
                    let newest =
                        newest.ok_or((field.at, "newest is a number from 1 to 100".to_owned()))?;
                    set.set("newest", newest.to_string());
                }
                _ => {
                    let why = "a set knows running = true and newest = N";
                    return Err((field.at, why.to_owned()));
                }
            }
        }
        if set.attribute("running") != Some("true") && set.attribute("newest").is_none() {
            return Err((
                field.at,
                "an empty set would remove everything; say newest = N".to_owned(),
            ));
        }
        Ok(set)
    }

    fn key(&self, table: &DeTable<'_>, at: usize, comments: &mut Element) -> Flawed<Element> {
        let mut key = Element::new(KEY);
        for field in fields(table) {
            match field.key {
                "comment" => comment(comments, &field)?,
                "fingerprint" => {
                    let text: String = string(&field)?.split_whitespace().collect();
                    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
                    if !is_hex || ![40, 64].contains(&text.len()) {
                        let why = "a fingerprint has 40 hexadecimal digits (64 for keys of version 6); gpg --show-keys FILE shows it";
                        return Err((field.at, why.to_owned()));
                    }
                    key.set("fingerprint", text.to_ascii_uppercase());
                }
                "file" | "type" | "uri" => key.set(field.key, string(&field)?),
                "created" => {
                    let text = string(&field)?;
                    if text.len() != 8
                        || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                    {
                        let why = "created is what rpm shows as the release of a key: 8 hexadecimal digits in lower case";
                        return Err((field.at, why.to_owned()));
                    }
                    key.set("created", text);
                }
                "until" => {
                    let text = match field.value.as_datetime() {
                        Some(date) => date.to_string(),
                        None => string(&field)?,
                    };
                    if text.parse::<jiff::civil::Date>().is_err() || text.len() != 10 {
                        let why = "until is the last day, as 2027-03-31";
                        return Err((field.at, why.to_owned()));
                    }
                    key.set("until", text);
                }
                other => {
                    let known = [
                        "fingerprint",
                        "file",
                        "created",
                        "until",
                        "comment",
                        "type",
                        "uri",
                    ];
                    return Err((field.at, unknown(other, known)));
                }
            }
        }
        match key.attribute("fingerprint") {
            Some(_) => Ok(key),
            None => Err((at, "a key needs its fingerprint".to_owned())),
        }
    }

    /// A path of a Rules list: what it is for is the driver's business, so its attributes are not looked at.
    fn path(&self, table: &DeTable<'_>, at: usize, comments: &mut Element) -> Flawed<Element> {
        let mut path = Element::new("Path");
        for field in fields(table) {
            match field.key {
                "comment" => comment(comments, &field)?,
                key => {
                    attribute_name(&field)?;
                    path.set(key, plain(&field, key)?);
                }
            }
        }
        match path.attribute("name") {
            Some(_) => Ok(path),
            None => Err((at, "a path needs a name".to_owned())),
        }
    }

    /// One attribute; those that nothing reads stand in `other`.
    fn attribute(
        &self,
        element: &mut Element,
        field: &Field<'_, '_>,
        known: &[&str],
    ) -> Flawed<()> {
        if field.key == "other" {
            let table = field.value.as_table();
            let table = table.ok_or((field.at, "other is a table".to_owned()))?;
            for field in fields(table) {
                attribute_name(&field)?;
                if is_key(element, field.key, known) || element.attribute(field.key).is_some() {
                    let why = format!("{} has a key of its own; take it out of other", field.key);
                    return Err((field.at, why));
                }
                element.set(field.key, string(&field)?);
            }
            return Ok(());
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
            ];
            return Err((
                field.at,
                unknown(field.key, known.iter().copied().chain(more)),
            ));
        }
        if field.key == "priority" && element.name != "PackageList" && element.name != "Rules" {
            return Err((
                field.at,
                "priority is the file's; write it at its top".to_owned(),
            ));
        }
        element.set(field.key, plain(field, field.key)?);
        Ok(())
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
