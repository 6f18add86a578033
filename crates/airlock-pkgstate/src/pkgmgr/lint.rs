//! What is wrong with lists: with each one, and with several together.
//!
//! Errors are what makes an entry unusable for a client; warnings are what means something else than it seems to. Every
//! finding names file, line, column and element.

mod across;
mod attributes;
mod instance;
mod package;
mod tree;

use std::fmt;

use serde::Serialize;

use super::list::{ListError, group_name, priority};
use super::native;
use crate::settings::{Remark, examine_settings};
use crate::xml::{Document, Element};

pub use across::across;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It works, but perhaps not as meant.
    Warning,
    /// It does not work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is wrong, or looks so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The element, with its name where it has one: `<Package> glibc`.
    pub element: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, column, ..
        } = self;
        write!(f, "{file}:{line}:{column}: {}: ", self.severity)?;
        if let Some(element) = &self.element {
            write!(f, "{}: ", one_line(element))?;
        }
        f.write_str(&one_line(&self.message))
    }
}

/// Values of the file may hold line ends, and what terminals take for orders.
fn one_line(text: &str) -> String {
    let shown = |one: char| if one.is_control() { ' ' } else { one };
    text.chars().map(shown).collect()
}

/// Collects findings of one file.
pub(super) struct Findings<'f> {
    file: &'f str,
    /// The file is in the native form, which has elements of its own.
    native: bool,
    /// The entries are those of a client: bound, or of a bundle.
    bound: bool,
    /// The package that is looked at: its instances have no name of their own.
    package: String,
    all: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, severity: Severity, element: &Element, message: String) {
        let name = element.attribute("name").filter(|name| !name.is_empty());
        let group = || match element.name.ends_with("Package") {
            true => group_name(element),
            false => None,
        };
        let name = name.map(str::to_owned).or_else(group);
        let name = name.map_or_else(String::new, |name| {
            let short: String = name.chars().take(80).collect();
            format!(" {short}")
        });
        self.all.push(Finding {
            file: self.file.to_owned(),
            line: element.place.line,
            column: element.place.column,
            severity,
            element: Some(match element.name.as_str() {
                "Instance" | "Ignore" if !self.package.is_empty() => {
                    format!("<{}>{name} of {}", element.name, self.package)
                }
                tag => format!("<{tag}>{name}"),
            }),
            message,
        });
    }

    fn error(&mut self, element: &Element, message: impl Into<String>) {
        self.add(Severity::Error, element, message.into());
    }

    fn warning(&mut self, element: &Element, message: impl Into<String>) {
        self.add(Severity::Warning, element, message.into());
    }
}

/// A file that was looked at.
#[derive(Debug, Clone)]
pub struct Linted {
    /// The document, when it is one: for [`across`].
    pub document: Option<Document>,
    /// What was found, in the order of the file.
    pub findings: Vec<Finding>,
    /// Keys of a list in the native form whose file has to be read: for [`missing_keys`].
    pub keys: Vec<Element>,
}

/// Finds keys whose file is not there, as `is_there` says it.
pub fn missing_keys(file: &str, linted: &Linted, is_there: impl Fn(&str) -> bool) -> Vec<Finding> {
    let missing = linted.keys.iter().filter_map(|key| {
        let name = key.attribute("file").filter(|name| !is_there(name))?;
        Some(Finding {
            file: file.to_owned(),
            line: key.place.line,
            column: key.place.column,
            severity: Severity::Error,
            element: None,
            message: format!(
                "the key file {name:?} is not there; put it beside the list, or name its folder with --keys"
            ),
        })
    });
    missing.collect()
}

/// Looks at one file: a `PackageList`, `Rules`, `Bundle`, `Independent` or `Configuration`, a list in the native form
/// (`*.toml`), or a client's settings (`*.conf`).
pub fn lint(file: &str, bytes: &[u8]) -> Linted {
    if file.ends_with(".conf") {
        return settings(file, bytes);
    }
    if file.ends_with(".toml") {
        return native_file(file, bytes);
    }
    match Document::parse(file, bytes) {
        Ok(document) => {
            let mut findings = Findings {
                file,
                native: false,
                bound: ["Configuration", "Bundle", "Independent"]
                    .contains(&document.root.name.as_str()),
                package: String::new(),
                all: Vec::new(),
            };
            root(&document.root, &mut findings);
            let mut findings = findings.all;
            findings.sort_by_key(|finding| (finding.line, finding.column));
            Linted {
                document: Some(document),
                findings,
                keys: Vec::new(),
            }
        }
        Err(error) => Linted {
            document: None,
            findings: vec![Finding {
                file: error.file,
                line: error.line,
                column: error.column,
                severity: Severity::Error,
                element: None,
                message: error.flaw.to_string(),
            }],
            keys: Vec::new(),
        },
    }
}

/// What the agent says about its settings, all of it.
fn settings(file: &str, bytes: &[u8]) -> Linted {
    let finding = |remark: Remark| {
        let (severity, text) = match remark {
            Remark::Refused(error) => (Severity::Error, error.to_string()),
            Remark::Idle(text) => (Severity::Error, text),
            Remark::Odd(text) | Remark::Elsewhere(text) => (Severity::Warning, text),
        };
        let placed = text
            .strip_prefix(file)
            .and_then(|rest| rest.strip_prefix(':'));
        let split = placed.and_then(|rest| {
            let (line, message) = rest.split_once(": ")?;
            Some((line.parse().ok()?, message))
        });
        let (line, message) = split.unwrap_or((1, &text));
        Finding {
            file: file.to_owned(),
            line,
            column: 1,
            severity,
            element: None,
            message: message.to_owned(),
        }
    };
    let remarks = examine_settings(file, bytes);
    let mut findings: Vec<Finding> = remarks.into_iter().map(finding).collect();
    findings.sort_by_key(|finding| finding.line);
    Linted {
        document: None,
        findings,
        keys: Vec::new(),
    }
}

fn native_file(file: &str, bytes: &[u8]) -> Linted {
    let (policy, flaws) = native::Policy::examine(file, bytes);
    let flawed = |flaw: native::NativeError| Finding {
        file: flaw.file,
        line: flaw.line,
        column: flaw.column,
        severity: Severity::Error,
        element: None,
        message: flaw.why,
    };
    let mut findings = Findings {
        file,
        native: true,
        bound: false,
        package: String::new(),
        all: Vec::new(),
    };
    // The rules are the same as for XML. What is wrong with the root was told by the reader.
    match policy.root().name.as_str() {
        "Rules" => tree::rules(policy.root(), &mut findings),
        _ => tree::package_list(policy.root(), &mut findings),
    }
    let of_file = |key: &&Element| {
        key.name == native::KEY
            && key.attribute("file").is_some()
            && key.attribute("created").is_none()
    };
    let keys = policy.root().walk().filter(of_file).cloned().collect();
    let mut findings = findings.all;
    findings.extend(flaws.into_iter().map(flawed));
    findings.sort_by_key(|finding| (finding.line, finding.column));
    Linted {
        document: None,
        findings,
        keys,
    }
}

fn root(root: &Element, findings: &mut Findings<'_>) {
    match root.name.as_str() {
        "PackageList" => {
            check_priority(root, findings);
            tree::package_list(root, findings);
        }
        "Rules" => {
            check_priority(root, findings);
            tree::rules(root, findings);
        }
        "Bundle" => tree::bundle(root, findings),
        "Independent" => tree::independent(root, findings),
        "Configuration" => tree::configuration(root, findings),
        _ => findings.error(
            root,
            "this is no list; the root element has to be <PackageList>, <Rules>, <Bundle>, <Independent> or <Configuration>",
        ),
    }
}

fn check_priority(root: &Element, findings: &mut Findings<'_>) {
    let found = root.attribute("priority");
    if found.and_then(priority).is_none() {
        let error = ListError::Priority {
            file: String::new(),
            line: 0,
            element: root.name.clone(),
            found: found.map(str::to_owned),
        };
        // The place and the element stand before it anyway.
        let text = error.to_string();
        let text = text.split_once(">: ").map_or(text.as_str(), |(_, why)| why);
        findings.error(root, text);
    }
}
