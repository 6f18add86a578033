//! Reading a configuration: the document that a Bcfg2 server sends, or one bundle of it.

use super::{Configuration, Entry, Structure};
use crate::xml::{Document, Element, Node, XmlError};

/// Entries of one configuration.
const MOST_ENTRIES: usize = 200_000;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeclaredError {
    /// Not well-formed, or over a limit.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A document of another kind.
    #[error(
        "{file}:{line}: <{found}> is no configuration; give a <Configuration>, <Bundle> or <Independent> with bound entries (a <PackageList> has to be bound first)"
    )]
    Root {
        /// The file.
        file: String,
        /// The line of the root element.
        line: u32,
        /// Its name.
        found: String,
    },
    /// The server says that it has no configuration for this machine.
    #[error("the server has no configuration for this machine: {text}")]
    Refused {
        /// What it says.
        text: String,
    },
    /// An entry that lacks what every entry has.
    #[error("{file}:{line}: <{element}> has no name; add name='…'")]
    NoName {
        /// The file.
        file: String,
        /// The line of the element.
        line: u32,
        /// Its tag.
        element: String,
    },
    /// Slips by which packages would not count as declared.
    #[error("{}", .0.join("\n"))]
    Slips(Vec<String>),
    /// More entries than any machine has.
    #[error("{file}: more than {MOST_ENTRIES} entries")]
    TooMany {
        /// The file.
        file: String,
    },
}

/// Reads a configuration. `file` is for messages.
///
/// # Errors
/// What [`DeclaredError`] lists.
pub fn parse_configuration(file: &str, bytes: &[u8]) -> Result<Configuration, DeclaredError> {
    let document = Document::parse(file, bytes)?;
    configuration_of(file, &document.root)
}

/// The same out of an element that was read or made before.
///
/// # Errors
/// What [`DeclaredError`] lists.
pub fn configuration_of(file: &str, root: &Element) -> Result<Configuration, DeclaredError> {
    let mut configuration = Configuration {
        revision: root.attribute("revision").map(str::to_owned),
        ..Configuration::default()
    };
    match root.name.as_str() {
        "Configuration" => {
            for structure in root.elements() {
                take(file, structure, &mut configuration)?;
            }
        }
        "Bundle" | "Independent" => {
            configuration.revision = None;
            take(file, root, &mut configuration)?;
        }
        "error" => {
            return Err(DeclaredError::Refused { text: text(root) });
        }
        found => {
            return Err(DeclaredError::Root {
                file: file.to_owned(),
                line: root.place.line,
                found: found.to_owned(),
            });
        }
    }
    Ok(configuration)
}

fn take(
    file: &str,
    structure: &Element,
    configuration: &mut Configuration,
) -> Result<(), DeclaredError> {
    let at = configuration.structures.len();
    configuration.structures.push(Structure {
        tag: structure.name.clone(),
        name: structure.attribute("name").map(str::to_owned),
    });
    for child in structure.elements() {
        let mut element = child.clone();
        // A bundle's own file says BoundPackage where the server's answer says Package.
        if let Some(plain) = element.name.strip_prefix("Bound") {
            element.name = plain.to_owned();
        }
        // A group of packages is an entry under the group's name, whatever name it has besides.
        if element.name == "Package"
            && let Some(group) = element.attribute("group")
            && !group.trim().is_empty()
        {
            let name = format!("group:{group}");
            element.attributes.retain(|(name, _)| name != "name");
            element.attributes.insert(0, ("name".to_owned(), name));
        }
        let name = element.attribute("name").map(str::trim);
        if name.is_none_or(str::is_empty) && matches!(element.name.as_str(), "Package" | "Path") {
            return Err(DeclaredError::NoName {
                file: file.to_owned(),
                line: child.place.line,
                element: child.name.clone(),
            });
        }
        if configuration.entries.len() >= MOST_ENTRIES {
            return Err(DeclaredError::TooMany {
                file: file.to_owned(),
            });
        }
        configuration.entries.push(Entry {
            element,
            structure: at,
            packages: None,
        });
    }
    Ok(())
}

fn text(element: &Element) -> String {
    let words = element.children.iter().filter_map(|child| match child {
        Node::Text(text) => Some(text.trim()),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_gives_its_entries_in_order_and_knows_their_bundles() {
        let xml = b"<Configuration revision='7'><Bundle name='b1'><Package name='alpha' type='rpm'>\
            <Ignore name='/x'/><Instance version='1'/></Package><BoundPath name='/y' type='ignore'/></Bundle>\
            <Independent><Service name='sshd'/></Independent></Configuration>";
        let configuration = parse_configuration("c.xml", xml).unwrap();
        assert_eq!(configuration.revision.as_deref(), Some("7"));
        let labels: Vec<_> = configuration.entries.iter().map(Entry::label).collect();
        assert_eq!(labels, ["Package:alpha", "Path:/y", "Service:sshd"]);
        assert!(configuration.entries[1].is_ignored_path());
        assert_eq!(
            configuration.entries[0].ignores().collect::<Vec<_>>(),
            ["/x"]
        );
        assert_eq!(
            configuration.structures[configuration.entries[2].structure].tag,
            "Independent"
        );
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_place() {
        let error = parse_configuration("l.xml", b"<PackageList priority='0'/>").unwrap_err();
        assert!(
            error.to_string().starts_with("l.xml:1: <PackageList>"),
            "{error}"
        );
        let nameless = b"<Configuration>\n<Bundle>\n<Package type='rpm'/></Bundle></Configuration>";
        let error = parse_configuration("c.xml", nameless).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("c.xml:3: <Package> has no name"),
            "{error}"
        );
        for entry in [
            "<Package name='' type='rpm'/>",
            "<BoundPackage name=' ' type='yum'/>",
            "<Path name='' type='ignore'/>",
            "<Package group='' type='yum'/>",
        ] {
            let bundle = format!("<Bundle>\n<Package name='a' type='rpm'/>\n{entry}</Bundle>");
            let error = parse_configuration("c.xml", bundle.as_bytes()).unwrap_err();
            let tag = entry.split(' ').next().unwrap();
            let said = format!("c.xml:3: {tag}> has no name; add name='…'");
            assert_eq!(error.to_string(), said, "{entry}");
        }
        let error = parse_configuration("c.xml", b"<error>Failed to resolve the client</error>")
            .unwrap_err();
        assert!(
            error.to_string().contains("Failed to resolve the client"),
            "{error}"
        );
    }
}
