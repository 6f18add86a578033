//! comps files: groups of packages, categories and environments of groups.
//!
//! Each part is also there as its own bytes, so that parts can be moved between files with
//! everything in them that is not known here.

use crate::canonical::rewrite;
use crate::document::{self, DocumentType, Node, tree};
use crate::error::{Error, Flaw, Result};
use crate::limits::Limits;

const FILE: &str = "comps.xml";

/// A whole comps file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comps {
    /// Groups, in order.
    pub groups: Vec<Group>,
    /// Categories, in order.
    pub categories: Vec<Category>,
    /// Environments, in order.
    pub environments: Vec<Environment>,
    /// Other elements below the root (`langpacks` …), as XML that is complete in itself.
    pub other: Vec<String>,
}

/// How a group asks for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Always.
    Mandatory,
    /// Unless not wanted.
    Default,
    /// When wanted.
    Optional,
    /// When another package is there.
    Conditional {
        /// The other package.
        requires: String,
    },
    /// A word that is not known; treated as optional by clients.
    Other(String),
}

/// One package of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPackage {
    /// Name.
    pub name: String,
    /// How it is asked for; mandatory when the file does not say.
    pub requirement: Requirement,
}

/// A group of packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Id.
    pub id: String,
    /// Name, untranslated.
    pub name: String,
    /// Description, untranslated.
    pub description: String,
    /// Installed when nothing else is said.
    pub default: bool,
    /// Shown to users.
    pub user_visible: bool,
    /// Only for this language.
    pub langonly: Option<String>,
    /// Packages.
    pub packages: Vec<GroupPackage>,
    /// The whole element.
    pub xml: String,
}

/// A category of groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// Id.
    pub id: String,
    /// Name, untranslated.
    pub name: String,
    /// Description, untranslated.
    pub description: String,
    /// Ids of groups.
    pub groups: Vec<String>,
    /// The whole element.
    pub xml: String,
}

/// An environment: groups that make a whole system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Id.
    pub id: String,
    /// Name, untranslated.
    pub name: String,
    /// Description, untranslated.
    pub description: String,
    /// Ids of groups that belong to it.
    pub groups: Vec<String>,
    /// Ids of groups that can be added.
    pub options: Vec<String>,
    /// The whole element.
    pub xml: String,
}

impl Comps {
    /// Reads a comps file. A document type without definitions is let pass, because all comps
    /// files have one.
    ///
    /// # Errors
    /// [`Error::BadRepository`] for what is not well-formed, entity definitions, another root.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let limits = Limits::default();
        let text = document::text(FILE, bytes, &limits)?;
        let (start, end) = document::root(FILE, &text, &limits, DocumentType::NameOnly)?;
        let bad = |offset, why| Error::at(FILE, text.as_bytes(), start + offset, why);
        let root = tree(&text[start..end]).map_err(|why| bad(0, why))?;
        if root.name != "comps" {
            let found = root.name.chars().take(64).collect();
            let expected = "comps";
            return Err(bad(0, Flaw::RootElement { expected, found }));
        }
        let namespaces = root.namespaces();
        let own = namespaces.get("").unwrap_or_default().to_owned();
        let mut comps = Self::default();
        for child in &root.children {
            let mut xml = Vec::new();
            rewrite(child.raw, &own, &namespaces, &mut xml)
                .map_err(|why| bad(child.offset, why))?;
            let xml = String::from_utf8(xml).map_err(|_| bad(child.offset, Flaw::BadText))?;
            match child.name {
                "group" => comps.groups.push(group(child, xml)),
                "category" => comps.categories.push(category(child, xml)),
                "environment" => comps.environments.push(environment(child, xml)),
                _ => comps.other.push(xml),
            }
        }
        Ok(comps)
    }

    /// The file, made of the parts' own XML.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n<comps>\n".to_vec();
        let groups = self.groups.iter().map(|part| &part.xml);
        let categories = self.categories.iter().map(|part| &part.xml);
        let environments = self.environments.iter().map(|part| &part.xml);
        for xml in groups
            .chain(categories)
            .chain(environments)
            .chain(&self.other)
        {
            out.extend_from_slice(xml.as_bytes());
            out.push(b'\n');
        }
        out.extend_from_slice(b"</comps>\n");
        out
    }
}

/// Text of the child that is in no language.
fn untranslated(node: &Node<'_>, name: &str) -> String {
    let mut all = node.all(name);
    let plain = all.find(|child| child.attribute("xml:lang").is_none());
    plain
        .map(|child| child.trimmed().to_owned())
        .unwrap_or_default()
}

fn flag(node: &Node<'_>, name: &str, absent: bool) -> bool {
    node.child(name).map_or(absent, |child| {
        child.trimmed().eq_ignore_ascii_case("true") || child.trimmed() == "1"
    })
}

fn ids(node: &Node<'_>, list: &str) -> Vec<String> {
    let lists = node.all(list);
    lists
        .flat_map(|list| list.all("groupid"))
        .map(|id| id.trimmed().to_owned())
        .collect()
}

fn group(node: &Node<'_>, xml: String) -> Group {
    Group {
        id: node.child_text("id").unwrap_or_default(),
        name: untranslated(node, "name"),
        description: untranslated(node, "description"),
        default: flag(node, "default", false),
        user_visible: flag(node, "uservisible", true),
        langonly: node.child_text("langonly"),
        packages: node
            .all("packagelist")
            .flat_map(|list| list.all("packagereq"))
            .map(package)
            .collect(),
        xml,
    }
}

fn package(node: &Node<'_>) -> GroupPackage {
    let requirement = match node.attribute("type").unwrap_or("mandatory").trim() {
        "mandatory" | "" => Requirement::Mandatory,
        "default" => Requirement::Default,
        "optional" => Requirement::Optional,
        "conditional" => Requirement::Conditional {
            requires: node.attribute("requires").unwrap_or_default().to_owned(),
        },
        other => Requirement::Other(other.to_owned()),
    };
    GroupPackage {
        name: node.trimmed().to_owned(),
        requirement,
    }
}

fn category(node: &Node<'_>, xml: String) -> Category {
    Category {
        id: node.child_text("id").unwrap_or_default(),
        name: untranslated(node, "name"),
        description: untranslated(node, "description"),
        groups: ids(node, "grouplist"),
        xml,
    }
}

fn environment(node: &Node<'_>, xml: String) -> Environment {
    Environment {
        id: node.child_text("id").unwrap_or_default(),
        name: untranslated(node, "name"),
        description: untranslated(node, "description"),
        groups: ids(node, "grouplist"),
        options: ids(node, "optionlist"),
        xml,
    }
}
