//! One file of Pkgmgr or Rules: its priority, and which of its entries a client is served.
//!
//! Bcfg2 reference, section 2.1. A `Group` or `Client` lets its content through when all conditions around it hold too.
//! Of several matching entries of one name the last one counts, and those that stand directly in an element come before
//! those in its groups.

mod file_name;

use std::collections::BTreeSet;

use crate::xml::{Document, Element, XmlError};

pub(crate) use file_name::expand;
pub use file_name::{Parts, is_split, split_file_name};

/// The client that entries are bound for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name, as `Client` elements have it.
    pub hostname: String,
    /// The groups that it is in.
    pub groups: BTreeSet<String>,
}

impl Client {
    /// A client by name and groups.
    pub fn new<G: Into<String>>(hostname: &str, groups: impl IntoIterator<Item = G>) -> Self {
        Self {
            hostname: hostname.to_owned(),
            groups: groups.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListKind {
    /// `<PackageList>`: attributes go down to the packages, URLs are made.
    Pkgmgr,
    /// `<Rules>`: entries are given as they stand.
    Rules,
}

/// A list that cannot be used as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// It is no XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Another root element.
    #[error(
        "{file}:{line}: <{found}> is no list; the root element has to be <PackageList> or <Rules>"
    )]
    Root {
        /// The file.
        file: String,
        /// Where.
        line: u32,
        /// The root element.
        found: String,
    },
    /// No priority, or one that is no number.
    #[error(
        "{file}:{line}: <{element}>: {}; give it a whole number, e.g. priority='0'",
        match found { Some(text) => format!("the priority {text:?} is no number"), None => "the attribute priority is missing".to_owned() }
    )]
    Priority {
        /// The file.
        file: String,
        /// Where.
        line: u32,
        /// The root element.
        element: String,
        /// What stands there.
        found: Option<String>,
    },
}

/// A file of Pkgmgr or Rules.
#[derive(Debug, Clone)]
pub struct List {
    /// The document.
    pub document: Document,
    /// What it is for.
    pub kind: ListKind,
    /// The highest wins when several files serve one name.
    pub priority: i64,
}

impl List {
    /// Reads a list; `file` is for messages.
    ///
    /// # Errors
    /// [`ListError`]: no XML, another root element, no priority.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ListError> {
        Self::from_document(Document::parse(file, bytes)?)
    }

    /// The list in a document.
    ///
    /// # Errors
    /// [`ListError`]: another root element, no priority.
    pub fn from_document(document: Document) -> Result<Self, ListError> {
        let root = &document.root;
        let (file, line) = (document.file.clone(), root.place.line);
        let kind = match root.name.as_str() {
            "PackageList" => ListKind::Pkgmgr,
            "Rules" => ListKind::Rules,
            other => {
                let found = other.chars().take(64).collect();
                return Err(ListError::Root { file, line, found });
            }
        };
        let found = root.attribute("priority");
        let Some(priority) = found.and_then(priority) else {
            return Err(ListError::Priority {
                file,
                line,
                element: root.name.clone(),
                found: found.map(|text| text.chars().take(64).collect()),
            });
        };
        Ok(Self {
            document,
            kind,
            priority,
        })
    }

    /// The file's name as the caller gave it.
    pub fn file(&self) -> &str {
        &self.document.file
    }

    /// The entries that the client is served from this file, in the order in which they count: the last of a name wins.
    pub fn served(&self, client: &Client) -> Vec<Served<'_>> {
        let mut served = Vec::new();
        collect(&self.document.root, &[], client, self.kind, &mut served);
        served
    }
}

/// An integer as Python's `int` reads it, within 64 bits.
pub fn priority(text: &str) -> Option<i64> {
    let text = text.trim();
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

/// An entry of a list that a client is served.
#[derive(Debug, Clone)]
pub struct Served<'l> {
    /// The element in the file.
    pub element: &'l Element,
    /// Its attributes, with those that came down to it.
    pub attributes: Vec<(String, String)>,
}

impl Served<'_> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The name that it is asked for by, as far as its attributes say it: a group of yum goes by the group's.
    pub fn called(&self) -> Option<String> {
        let named = self.attribute("name").filter(|name| !name.is_empty());
        let group = || match self.element.name == "Package" {
            true => group_name(self.element),
            false => None,
        };
        named.map(str::to_owned).or_else(group)
    }
}

/// The name of a package that stands for a group of yum and has no name of its own: `group:web`.
pub fn group_name(package: &Element) -> Option<String> {
    let said = |name| package.attribute(name).filter(|text| !text.is_empty());
    match said("name") {
        Some(_) => None,
        None => said("group").map(|group| format!("group:{group}")),
    }
}

/// Whether an element only holds others under a condition.
pub fn is_condition(element: &Element) -> bool {
    element.name == "Group" || element.name == "Client"
}

/// Whether the client fulfils the condition of a `Group` or `Client` itself.
pub fn holds(condition: &Element, client: &Client) -> bool {
    let name = condition.attribute("name").unwrap_or_default();
    let is_so = match condition.name.as_str() {
        "Client" => client.hostname == name,
        _ => client.groups.contains(name),
    };
    is_so != is_negated(condition)
}

/// Whether a condition is turned round.
pub fn is_negated(condition: &Element) -> bool {
    condition
        .attribute("negate")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// What stands in `negate` and is neither true nor false: it does not turn the condition round.
pub fn odd_negation(condition: &Element) -> Option<&str> {
    let text = condition.attribute("negate")?;
    let is_word = ["true", "false"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    (!is_word).then_some(text)
}

/// Attributes that belong to the element they stand on and do not go down: `name` never did; `priority` is the file's, and
/// `negate` the condition's (section 8, number 13).
pub const OWN: [&str; 3] = ["name", "priority", "negate"];

fn collect<'l>(
    element: &'l Element,
    inherited: &[(String, String)],
    client: &Client,
    kind: ListKind,
    served: &mut Vec<Served<'l>>,
) {
    let own = element.attributes.iter();
    let own = own.filter(|(name, _)| !OWN.contains(&name.as_str()));
    let down = match kind {
        ListKind::Pkgmgr => merged(own, inherited),
        ListKind::Rules => Vec::new(),
    };
    for entry in element.elements().filter(|inner| !is_condition(inner)) {
        let own = entry.attributes.iter();
        served.push(Served {
            element: entry,
            attributes: merged(own, &down),
        });
    }
    for condition in element.elements().filter(|inner| is_condition(inner)) {
        if holds(condition, client) {
            collect(condition, &down, client, kind, served);
        }
    }
}

/// The own attributes, and behind them those that came down and are not there yet.
fn merged<'a>(
    own: impl Iterator<Item = &'a (String, String)>,
    inherited: &[(String, String)],
) -> Vec<(String, String)> {
    let mut all: Vec<_> = own.cloned().collect();
    let length = all.len();
    for pair in inherited {
        if all[..length].iter().all(|(name, _)| *name != pair.0) {
            all.push(pair.clone());
        }
    }
    all
}
