//! Reading `repomd.xml`.

use super::{Distro, FILE, NAMESPACE, Record, Repomd};
use crate::canonical::{Namespaces, rewrite};
use crate::checksum::Checksum;
use crate::document::{DocumentType, Node, root, text, tree};
use crate::error::{Error, Flaw, Result};
use crate::limits::Limits;
use crate::location::{check_base, check_plain_href};

/// Types of which there can be only one, because clients take any.
const SINGLE: [&str; 6] = [
    "primary",
    "filelists",
    "other",
    "updateinfo",
    "modules",
    "group",
];
/// Records of one repository; the largest known has about 30.
const MOST_RECORDS: usize = 1000;
/// Characters of a record's type; the longest known has about 20.
const LONGEST_TYPE: usize = 64;
/// Bytes of a `repomd.xml`; the largest known has about 20 kB.
const LARGEST: usize = 16 << 20;

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Repomd> {
    let limits = Limits {
        max_document: limits.max_document.min(LARGEST),
        ..*limits
    };
    let text = text(FILE, bytes, &limits)?;
    let (start, end) = root(FILE, &text, &limits, DocumentType::Refused)?;
    let bad = |node: &Node<'_>, why| Error::at(FILE, text.as_bytes(), start + node.offset, why);
    let tree =
        tree(&text[start..end]).map_err(|why| Error::at(FILE, text.as_bytes(), start, why))?;
    if tree.name != "repomd" {
        let found = tree.name.chars().take(64).collect();
        let expected = "repomd";
        return Err(bad(&tree, Flaw::RootElement { expected, found }));
    }
    let namespaces = tree.namespaces();
    let mut repomd = Repomd::default();
    for child in &tree.children {
        match child.name {
            "revision" => {
                repomd.revision = Some(child.trimmed().to_owned()).filter(|text| !text.is_empty())
            }
            "tags" => tags(child, &mut repomd),
            "data" => {
                if repomd.records.len() >= MOST_RECORDS {
                    let limit = MOST_RECORDS as u64;
                    return Err(bad(
                        child,
                        Flaw::Limit {
                            what: "the number of records",
                            limit,
                        },
                    ));
                }
                let record = record(child, &namespaces).map_err(|why| bad(child, why))?;
                if SINGLE.contains(&record.kind.as_str()) && repomd.record(&record.kind).is_some() {
                    let what = format!("the record of type {}", record.kind);
                    return Err(bad(child, Flaw::Duplicate { what }));
                }
                repomd.records.push(record);
            }
            _ => repomd
                .unknown
                .push(unknown(child, &namespaces).map_err(|why| bad(child, why))?),
        }
    }
    if repomd.record("primary").is_none() {
        let (element, parent) = ("data type=\"primary\"", "repomd");
        return Err(bad(&tree, Flaw::MissingElement { element, parent }));
    }
    Ok(repomd)
}

fn tags(node: &Node<'_>, repomd: &mut Repomd) {
    for tag in &node.children {
        let name = tag.trimmed().to_owned();
        match tag.name {
            "content" => repomd.tags.content.push(name),
            "repo" => repomd.tags.repo.push(name),
            "distro" => repomd.tags.distro.push(Distro {
                cpeid: tag.some_attribute("cpeid"),
                name,
            }),
            _ => {}
        }
    }
}

fn unknown(node: &Node<'_>, namespaces: &Namespaces) -> std::result::Result<String, Flaw> {
    let mut out = Vec::new();
    rewrite(node.raw, NAMESPACE, namespaces, &mut out)?;
    String::from_utf8(out).map_err(|_| Flaw::BadText)
}

fn record(node: &Node<'_>, namespaces: &Namespaces) -> std::result::Result<Record, Flaw> {
    let kind = node
        .attribute("type")
        .map(str::trim)
        .filter(|kind| !kind.is_empty());
    let kind = kind.ok_or(Flaw::MissingAttribute {
        attribute: "type",
        element: "data",
    })?;
    // Types become parts of file names and of our own kinds of attachments.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if kind.len() > LONGEST_TYPE || !kind.chars().all(is_plain) {
        let kind = kind.chars().take(LONGEST_TYPE).collect();
        return Err(Flaw::RecordType { kind });
    }
    let missing = |element| Flaw::MissingElement {
        element,
        parent: "data",
    };
    let sum = node.child("checksum").ok_or_else(|| missing("checksum"))?;
    let location = node.child("location").ok_or_else(|| missing("location"))?;
    let mut record = Record::new(
        kind,
        checksum(sum)?,
        location.attribute("href").unwrap_or_default().trim(),
    );
    check_plain_href(&record.href)?;
    record.base = location.some_attribute("xml:base");
    if let Some(base) = &record.base {
        check_base(base)?;
    }
    for child in &node.children {
        match child.name {
            "checksum" | "location" => {}
            "open-checksum" => record.open_checksum = Some(checksum(child)?),
            "header-checksum" => record.header_checksum = Some(checksum(child)?),
            "timestamp" => record.timestamp = timestamp(child.trimmed())?,
            "size" => record.size = number("size", child)?,
            "open-size" => record.open_size = number("open-size", child)?,
            "header-size" => record.header_size = number("header-size", child)?,
            "database_version" => record.database_version = number("database_version", child)?,
            _ => record.unknown.push(unknown(child, namespaces)?),
        }
    }
    Ok(record)
}

fn checksum(node: &Node<'_>) -> std::result::Result<Checksum, Flaw> {
    Checksum::new(node.attribute("type").unwrap_or_default(), node.trimmed())
}

fn number<N: std::str::FromStr>(
    field: &'static str,
    node: &Node<'_>,
) -> std::result::Result<Option<N>, Flaw> {
    match node.trimmed() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Flaw::number(field, text)),
    }
}

/// Whole seconds; yum wrote fractions.
fn timestamp(text: &str) -> std::result::Result<Option<i64>, Flaw> {
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match whole.parse() {
        Ok(seconds) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(seconds)),
        _ => Err(Flaw::number("timestamp", text)),
    }
}
