//! What is wrong with entries that somebody wrote by hand: a slip must not un-declare a package.

use super::{DeclaredError, twice};
use crate::pkgmgr::words::{self, ACTIONS, BOOLEANS, SAME, TYPES, boolean, nearest};
use crate::xml::Element;

/// Entries that clients of all releases know, beside packages.
pub const OTHER_ENTRIES: [&str; 25] = [
    "Path",
    "Service",
    "Action",
    "PostInstall",
    "ConfigFile",
    "ConfFile",
    "Directory",
    "SymLink",
    "Device",
    "Permissions",
    "POSIXUser",
    "POSIXGroup",
    "SELinux",
    "SEBoolean",
    "SEPort",
    "SEFcontext",
    "SENode",
    "SELogin",
    "SEUser",
    "SEInterface",
    "SEPermissive",
    "SEModule",
    "Ignore",
    "Nagios",
    "NagiosExtra",
];

/// Attributes of a package that a server or a client adds.
pub(crate) const ADDED: [&str; 8] = [
    "qtext",
    "current_version",
    "current_exists",
    "verify_status",
    "package_fail_action",
    "revision",
    "xmlns",
    "comment",
];

/// How many mistakes are told at once.
pub(super) const MOST: usize = 20;

/// Looks at a configuration, a bundle or an independent part. Gives what may be a slip but means what it meant to the old
/// client.
///
/// # Errors
/// [`DeclaredError::Slips`]: elements that nothing knows, packages without a type, settings that contradict each other.
pub fn check_entries(file: &str, root: &Element) -> Result<Vec<String>, DeclaredError> {
    let mut found = Slips {
        file,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    match root.name.as_str() {
        "Configuration" => {
            for structure in root.elements() {
                match structure.name.as_str() {
                    "Bundle" | "Independent" => found.structure(structure),
                    _ => found.misplaced(structure, root, &["Bundle", "Independent"]),
                }
            }
        }
        "Bundle" | "Independent" => found.structure(root),
        // What is no configuration is told elsewhere.
        _ => {}
    }
    found.contradictions(root);
    match found.errors.is_empty() {
        true => Ok(found.warnings),
        false => {
            let more = found.errors.len().saturating_sub(MOST);
            found.errors.truncate(MOST);
            if more > 0 {
                found.errors.push(format!("{file}: and {more} more"));
            }
            Err(DeclaredError::Slips(found.errors))
        }
    }
}

struct Slips<'f> {
    file: &'f str,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Slips<'_> {
    fn place(&self, element: &Element) -> String {
        let name = element.attribute("name").filter(|name| !name.is_empty());
        let name = name.map_or_else(String::new, |name| {
            let short: String = name.chars().take(80).collect();
            format!(" {short}")
        });
        // Some elements stand in no line.
        let line = match element.place.line {
            0 => String::new(),
            line => format!("{line}:"),
        };
        format!("{}:{line} <{}>{name}", self.file, element.name)
    }

    fn error(&mut self, element: &Element, text: &str) {
        let place = self.place(element);
        self.errors.push(format!("{place}: {text}"));
    }

    fn warning(&mut self, element: &Element, text: &str) {
        let place = self.place(element);
        self.warnings.push(format!("{place}: {text}"));
    }

    fn misplaced(&mut self, element: &Element, parent: &Element, allowed: &[&str]) {
        let text = match nearest(&element.name, allowed.iter().copied()) {
            Some(meant) => format!(
                "it cannot stand in <{}>; did you mean <{meant}>?",
                parent.name
            ),
            None if matches!(element.name.as_str(), "Group" | "Client") => format!(
                "conditions are resolved by the server; in <{}> stand entries alone. A <PackageList> may have conditions",
                parent.name
            ),
            None => format!("it cannot stand in <{}>; nothing knows it", parent.name),
        };
        self.error(element, &text);
    }

    /// Packages that are declared more than once, as something else each time. What is installed and which driver works is not
    /// known here: the entries are judged again when they are looked at.
    fn contradictions(&mut self, root: &Element) {
        let structures = match root.name.as_str() {
            "Configuration" => root.elements().collect(),
            _ => vec![root],
        };
        let entries = structures.into_iter().flat_map(Element::elements);
        for (line, last, why) in twice::suspicious(entries) {
            self.warning(
                last,
                &format!("line {line} declares it too; it is declared {why}"),
            );
        }
    }

    fn structure(&mut self, structure: &Element) {
        for entry in structure.elements() {
            let plain = entry.name.strip_prefix("Bound").unwrap_or(&entry.name);
            match plain {
                "Package" => self.package(entry),
                other if OTHER_ENTRIES.contains(&other) => {}
                _ => {
                    let known: Vec<&str> = ["Package", "BoundPackage", "BoundPath"]
                        .into_iter()
                        .chain(OTHER_ENTRIES)
                        .collect();
                    self.misplaced(entry, structure, &known);
                }
            }
        }
    }

    fn package(&mut self, package: &Element) {
        match package.attribute("type") {
            // The server could not bind it, and says so; its type is not known there either.
            None if package.attribute("failure").is_some() => {}
            None => self.error(
                package,
                "it has no type, so that no driver takes it and it would count as not declared; add type='yum' or type='rpm'",
            ),
            Some(kind) if !TYPES.contains(&kind) => {
                let meant = nearest(kind, TYPES).map(|meant| format!("; did you mean {meant}?"));
                let text = format!("no driver has the type {kind:?}{}", meant.unwrap_or_default());
                self.error(package, &text);
            }
            Some(_) => {}
        }
        if package
            .attribute("group")
            .is_some_and(|group| group.trim().is_empty())
        {
            self.error(
                package,
                "group='' names no group; write the name or id of one, or take it out",
            );
        }
        self.attributes(package, &[&words::PACKAGE, &ADDED]);
        for child in package.elements() {
            match child.name.as_str() {
                "Instance" | "Package" => {
                    self.attributes(child, &[&words::INSTANCE, &words::PACKAGE, &ADDED]);
                    for inner in child.elements().filter(|inner| inner.name != "Ignore") {
                        self.misplaced(inner, child, &["Ignore"]);
                    }
                }
                "Ignore" => {}
                _ => self.misplaced(child, package, &["Instance", "Ignore"]),
            }
        }
    }

    fn attributes(&mut self, element: &Element, known: &[&[&str]]) {
        let all = || known.iter().flat_map(|list| list.iter().copied());
        for (name, _) in &element.attributes {
            if !name.contains(':') && !all().any(|one| one == name) {
                let meant = nearest(name, all()).map(|meant| format!("; did you mean {meant}?"));
                let text = format!(
                    "nothing reads the attribute {name}{}",
                    meant.unwrap_or_default()
                );
                self.warning(element, &text);
            }
        }
        for name in BOOLEANS {
            if let Some(text) = element.attribute(name)
                && boolean(text).is_none()
            {
                let text = format!("{name}={text:?} is neither true nor false");
                self.warning(element, &text);
            }
        }
        for (name, word) in ACTIONS {
            if let Some(text) = element.attribute(name)
                && ![word, "none"].contains(&text.to_ascii_lowercase().as_str())
            {
                let text = format!("{name}={text:?} is neither {word} nor none; it counts as none");
                self.warning(element, &text);
            }
        }
        for (one, two) in SAME {
            let said = |name| says(element, name);
            if let (Some(first), Some(second)) = (said(one), said(two))
                && first != second
            {
                let text = format!(
                    "{one} and {two} are two names of one setting and contradict each other; take one out"
                );
                self.error(element, &text);
            }
        }
    }
}

/// What an action is set to, by whichever of its names.
fn says(element: &Element, name: &str) -> Option<bool> {
    let text = element.attribute(name)?.to_ascii_lowercase();
    let word = ACTIONS.iter().find(|(action, _)| *action == name);
    Some(match word {
        Some((_, word)) => text == *word,
        None => boolean(&text) == Some(true),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::Document;

    fn check(xml: &str) -> Result<Vec<String>, DeclaredError> {
        let document = Document::parse("e.xml", xml.as_bytes()).unwrap();
        check_entries("e.xml", &document.root)
    }

    #[test]
    fn a_slip_that_would_undeclare_a_package_is_an_error_with_its_place() {
        for (xml, expected) in [
            (
                "<Bundle>\n<Pakage name='a' type='rpm'/></Bundle>",
                "e.xml:2: <Pakage> a: it cannot stand in <Bundle>; did you mean <Package>?",
            ),
            (
                "<Bundle>\n<Package name='a'/></Bundle>",
                "e.xml:2: <Package> a: it has no type",
            ),
            (
                "<Bundle><Package name='a' type='rpn'/></Bundle>",
                "no driver has the type \"rpn\"; did you mean rpm?",
            ),
            (
                "<Bundle><Group name='g'><Package name='a' type='rpm'/></Group></Bundle>",
                "<Group> g: conditions are resolved by the server",
            ),
            (
                "<Configuration><Bundel><Package name='a' type='rpm'/></Bundel></Configuration>",
                "did you mean <Bundle>?",
            ),
            (
                "<Bundle><Package name='a' type='rpm'><Instanse version='1'/></Package></Bundle>",
                "did you mean <Instance>?",
            ),
            (
                "<Bundle><Package name='a' type='rpm'><Instance version='1' installed_action='install' install_action='none'/></Package></Bundle>",
                "contradict each other",
            ),
            (
                "<Bundle><Package name='a' type='rpm' version_fail_action='upgrade' fix_version='false'/></Bundle>",
                "contradict each other",
            ),
        ] {
            let error = check(xml).unwrap_err().to_string();
            assert!(error.contains(expected), "{xml}: {error}");
        }
    }

    #[test]
    fn what_the_old_client_passed_over_is_told() {
        let warnings = check(
            "<Configuration><Bundle name='b'><Package name='a' type='rpm' pkg_chekcs='false'/><Package name='f' failure='bind'/>\
             <BoundPackage name='b' type='yum' pkg_checks='no'/><Service name='s'/><Action name='x'/>\
             <BoundPath name='/x' type='ignore'/></Bundle><Independent/>\n<Bundle name='two'>\
             <BoundPackage name='b' type='yum' version='2-1'/><BoundPackage name='b' type='yum' version='3-1'/></Bundle></Configuration>",
        )
        .unwrap();
        assert_eq!(
            warnings,
            [
                "e.xml:1: <Package> a: nothing reads the attribute pkg_chekcs; did you mean pkg_checks?",
                "e.xml:1: <BoundPackage> b: pkg_checks=\"no\" is neither true nor false",
                "e.xml:2: <BoundPackage> b: line 1 declares it too; it is declared more than once, as 2-1 and as 3-1; declare it once, with an <Instance> for each that is to be there",
            ]
        );
    }
}
