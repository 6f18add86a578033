//! Everything that a primary fragment says, as owned values.

use crate::document::{Node, tree};
use crate::error::{Error, Flaw, Result};

use super::{FILE, summarize};

/// Which versions a dependency speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `LT`
    Less,
    /// `LE`
    LessOrEqual,
    /// `EQ`
    Equal,
    /// `GE`
    GreaterOrEqual,
    /// `GT`
    Greater,
    /// Any other word, kept as it is.
    Other(String),
}

impl Comparison {
    fn new(word: &str) -> Self {
        match word {
            "LT" => Self::Less,
            "LE" => Self::LessOrEqual,
            "EQ" => Self::Equal,
            "GE" => Self::GreaterOrEqual,
            "GT" => Self::Greater,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word that metadata uses.
    pub fn word(&self) -> &str {
        match self {
            Self::Less => "LT",
            Self::LessOrEqual => "LE",
            Self::Equal => "EQ",
            Self::GreaterOrEqual => "GE",
            Self::Greater => "GT",
            Self::Other(word) => word,
        }
    }
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// Capability, file path or rich expression.
    pub name: String,
    /// Which versions; `None` for all.
    pub comparison: Option<Comparison>,
    /// Epoch as written.
    pub epoch: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Release.
    pub release: Option<String>,
    /// Needed before scripts run.
    pub pre: bool,
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A file, link or device that the package brings.
    File,
    /// A folder.
    Folder,
    /// Owned, but not brought.
    Ghost,
}

impl FileKind {
    pub(crate) fn new(word: Option<&str>) -> Self {
        match word {
            Some("dir") => Self::Folder,
            Some("ghost") => Self::Ghost,
            _ => Self::File,
        }
    }

    /// The word that metadata uses; empty for files.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "",
            Self::Folder => "dir",
            Self::Ghost => "ghost",
        }
    }
}

/// Everything in a package's primary element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryPackage {
    /// Type of the checksum.
    pub checksum_type: String,
    /// Checksum of the package file: its id.
    pub checksum: String,
    /// Name.
    pub name: String,
    /// Epoch; 0 when there is none.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// One line on what it is.
    pub summary: String,
    /// Several lines on what it is.
    pub description: String,
    /// Who packaged it.
    pub packager: String,
    /// Page of the project.
    pub url: String,
    /// Modification time of the file, seconds since 1970.
    pub time_file: i64,
    /// Build time, seconds since 1970.
    pub time_build: i64,
    /// Bytes of the package file.
    pub size_package: u64,
    /// Bytes of all files installed.
    pub size_installed: u64,
    /// Bytes of the payload opened.
    pub size_archive: u64,
    /// Location, checked to stay inside the repository.
    pub href: String,
    /// `xml:base` of the location: an `http(s)` or `ftp` URL.
    pub base: Option<String>,
    /// Licence.
    pub license: String,
    /// Vendor.
    pub vendor: String,
    /// Group.
    pub group: String,
    /// Host that built it.
    pub buildhost: String,
    /// Source package's file name.
    pub source_rpm: String,
    /// First and last-plus-one byte of the header in the file.
    pub header_range: Option<(u64, u64)>,
    /// What it offers.
    pub provides: Vec<Dependency>,
    /// What it needs.
    pub requires: Vec<Dependency>,
    /// What must not be there.
    pub conflicts: Vec<Dependency>,
    /// What it replaces.
    pub obsoletes: Vec<Dependency>,
    /// Weak, forward.
    pub suggests: Vec<Dependency>,
    /// Weak, backward.
    pub enhances: Vec<Dependency>,
    /// Strong-weak, forward.
    pub recommends: Vec<Dependency>,
    /// Strong-weak, backward.
    pub supplements: Vec<Dependency>,
    /// The files that primary lists.
    pub files: Vec<(String, FileKind)>,
}

/// Reads a whole primary fragment.
///
/// # Errors
/// As for [`summarize`].
pub fn parse(fragment: &[u8]) -> Result<PrimaryPackage> {
    let summary = summarize(fragment)?;
    let bad = |why| Error::at(FILE, fragment, 0, why);
    let text = std::str::from_utf8(fragment).map_err(|_| bad(Flaw::BadText))?;
    let node = tree(text).map_err(bad)?;
    let text_of = |node: &Node<'_>, name: &str| -> String {
        node.child(name)
            .map(|child| child.text.to_string())
            .unwrap_or_default()
    };
    let empty = Node::default();
    let format = node.child("format").unwrap_or(&empty);
    let dependencies = |kind: &str| -> Vec<Dependency> {
        let lists = format.all(kind).flat_map(|list| list.all("entry"));
        lists.map(dependency).collect()
    };
    Ok(PrimaryPackage {
        checksum_type: summary.checksum_type.into_owned(),
        checksum: summary.checksum.into_owned(),
        name: summary.name.into_owned(),
        epoch: summary.epoch,
        version: summary.version.into_owned(),
        release: summary.release.into_owned(),
        arch: summary.arch.into_owned(),
        summary: text_of(&node, "summary"),
        description: text_of(&node, "description"),
        packager: text_of(&node, "packager"),
        url: text_of(&node, "url"),
        time_file: summary.time_file,
        time_build: summary.time_build,
        size_package: summary.size_package,
        size_installed: summary.size_installed,
        size_archive: summary.size_archive,
        href: summary.href.into_owned(),
        base: summary.xml_base.map(|base| base.into_owned()),
        license: text_of(format, "license"),
        vendor: text_of(format, "vendor"),
        group: text_of(format, "group"),
        buildhost: text_of(format, "buildhost"),
        source_rpm: text_of(format, "sourcerpm"),
        header_range: summary.header_range,
        provides: dependencies("provides"),
        requires: dependencies("requires"),
        conflicts: dependencies("conflicts"),
        obsoletes: dependencies("obsoletes"),
        suggests: dependencies("suggests"),
        enhances: dependencies("enhances"),
        recommends: dependencies("recommends"),
        supplements: dependencies("supplements"),
        files: format
            .all("file")
            .map(|file| (file.text.to_string(), FileKind::new(file.attribute("type"))))
            .collect(),
    })
}

fn dependency(entry: &Node<'_>) -> Dependency {
    Dependency {
        name: entry.attribute("name").unwrap_or_default().to_owned(),
        comparison: entry
            .some_attribute("flags")
            .map(|word| Comparison::new(&word)),
        epoch: entry.some_attribute("epoch"),
        version: entry.some_attribute("ver"),
        release: entry.some_attribute("rel"),
        pre: matches!(entry.attribute("pre"), Some("1" | "true" | "True" | "TRUE")),
    }
}
