//! Reading advisories, one at a time.

use std::borrow::Cow;

use super::{Collection, FILE, ModuleRef, Reference, Update, UpdatePackage};
use crate::canonical::{Namespaces, rewrite};
use crate::document::{self, DocumentType, Node, tree};
use crate::error::{Error, Flaw, Result};
use crate::limits::Limits;
use crate::scan::{Scan, Scanner};

/// A whole `updateinfo.xml` in memory, well-formed.
#[derive(Debug)]
pub struct Updates<'a> {
    text: Cow<'a, str>,
    start: usize,
    end: usize,
    namespaces: Namespaces,
}

/// One advisory as bytes and as values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawUpdate<'u> {
    /// The element, complete in itself: from `<update` to `</update>`.
    pub xml: Cow<'u, str>,
    /// What it says.
    pub update: Update,
}

impl<'a> Updates<'a> {
    /// Checks a whole file.
    ///
    /// # Errors
    /// [`Error::BadRepository`] for what is not well-formed or over a limit, and for another root
    /// element.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let text = document::text(FILE, bytes, limits)?;
        let (start, end) = document::root(FILE, &text, limits, DocumentType::Refused)?;
        let bad = |why| Error::at(FILE, text.as_bytes(), start, why);
        let body = start + tag_length(&text[start..end]);
        let opening = match text[start..body].strip_suffix("/>") {
            Some(_) => text[start..body].to_owned(),
            None => format!("{}/>", text[start..body].trim_end_matches('>')),
        };
        let root = tree(&opening).map_err(bad)?;
        if root.name != "updates" {
            let found = root.name.chars().take(64).collect();
            return Err(bad(Flaw::RootElement {
                expected: "updates",
                found,
            }));
        }
        let namespaces = root.namespaces();
        Ok(Self {
            start: body.min(end),
            end,
            text,
            namespaces,
        })
    }

    /// The advisories in order. Elements of other names are passed over.
    pub fn iter(&self) -> impl Iterator<Item = Result<RawUpdate<'_>>> {
        let mut at = self.start;
        let mut scanner = Scanner::default();
        std::iter::from_fn(move || {
            loop {
                let found = self.next_element(&mut scanner, &mut at)?;
                match found {
                    Ok((start, end, plain)) => match self.update(start, end, plain) {
                        Ok(None) => {}
                        Ok(Some(update)) => return Some(Ok(update)),
                        Err(why) => {
                            return Some(Err(Error::at(FILE, self.text.as_bytes(), start, why)));
                        }
                    },
                    Err(error) => {
                        at = self.end;
                        return Some(Err(error));
                    }
                }
            }
        })
    }

    /// Start and end of the next child of the root, and whether its bytes stand for themselves.
    fn next_element(
        &self,
        scanner: &mut Scanner,
        at: &mut usize,
    ) -> Option<Result<(usize, usize, bool)>> {
        loop {
            let rest = self.text.as_bytes().get(*at..self.end)?;
            let start = *at + memchr::memchr(b'<', rest)?;
            let rest = &self.text.as_bytes()[start..self.end];
            let skip = match rest {
                [b'<', b'/', ..] => return None,
                [b'<', b'?', ..] => memchr::memmem::find(rest, b"?>"),
                [b'<', b'!', b'-', ..] => memchr::memmem::find(rest, b"-->"),
                [b'<', b'!', ..] => memchr::memmem::find(rest, b"]]>"),
                _ => {
                    let limits = Limits::default();
                    return match scanner.element(rest, &limits) {
                        Ok(Scan::Whole(element)) => {
                            *at = start + element.end;
                            Some(Ok((start, *at, !element.foreign && !element.illegal)))
                        }
                        Ok(Scan::Incomplete) => None,
                        Err(fault) => Some(Err(Error::at(
                            FILE,
                            self.text.as_bytes(),
                            start + fault.offset,
                            fault.flaw,
                        ))),
                    };
                }
            };
            *at = start + skip? + 2;
        }
    }

    fn update(
        &self,
        start: usize,
        end: usize,
        plain: bool,
    ) -> std::result::Result<Option<RawUpdate<'_>>, Flaw> {
        let raw = &self.text[start..end];
        let node = tree(raw)?;
        if node.name != "update" {
            return Ok(None);
        }
        let update = read_update(&node);
        let xml = match plain && self.namespaces.bindings.is_empty() {
            true => Cow::Borrowed(raw),
            false => {
                let own = self.namespaces.get("").unwrap_or_default();
                let mut out = Vec::new();
                rewrite(raw, own, &self.namespaces, &mut out)?;
                Cow::Owned(String::from_utf8(out).map_err(|_| Flaw::BadText)?)
            }
        };
        Ok(Some(RawUpdate { xml, update }))
    }
}

/// Length of the start tag, quotes respected.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn read_update(node: &Node<'_>) -> Update {
    let mut update = Update {
        from: node.some_attribute("from"),
        status: node.some_attribute("status"),
        kind: node.some_attribute("type"),
        version: node.some_attribute("version"),
        ..Update::default()
    };
    let text = |child: &Node<'_>| Some(child.text.to_string()).filter(|text| !text.is_empty());
    for child in &node.children {
        match child.name {
            "id" => update.id = child.trimmed().to_owned(),
            "title" => update.title = child.text.to_string(),
            "issued" => update.issued = date(child),
            "updated" => update.updated = date(child),
            "rights" => update.rights = text(child),
            "release" => update.release = text(child),
            "pushcount" => update.pushcount = text(child),
            "severity" => update.severity = text(child),
            "summary" => update.summary = text(child),
            "description" => update.description = text(child),
            "solution" => update.solution = text(child),
            "reboot_suggested" => update.reboot_suggested = is_set(child),
            "references" => update
                .references
                .extend(child.all("reference").map(reference)),
            "pkglist" => update
                .collections
                .extend(child.all("collection").map(collection)),
            _ => {}
        }
    }
    update
}

/// The date stands in an attribute; some makers write it as text.
fn date(node: &Node<'_>) -> Option<String> {
    let date = node
        .attribute("date")
        .unwrap_or_else(|| node.trimmed())
        .trim();
    (!date.is_empty()).then(|| date.to_owned())
}

/// An empty element counts as set, as for createrepo_c.
fn is_set(node: &Node<'_>) -> bool {
    !matches!(
        node.trimmed().to_ascii_lowercase().as_str(),
        "0" | "false" | "no" | "f"
    )
}

fn reference(node: &Node<'_>) -> Reference {
    Reference {
        href: node.some_attribute("href"),
        id: node.some_attribute("id"),
        kind: node.some_attribute("type"),
        title: node.some_attribute("title"),
    }
}

fn collection(node: &Node<'_>) -> Collection {
    let module = node.child("module").map(|module| {
        let text = |name| module.attribute(name).unwrap_or_default().to_owned();
        ModuleRef {
            name: text("name"),
            stream: text("stream"),
            version: text("version"),
            context: text("context"),
            arch: text("arch"),
        }
    });
    Collection {
        short: node.some_attribute("short"),
        name: node.child_text("name"),
        module,
        packages: node.all("package").map(package).collect(),
    }
}

fn package(node: &Node<'_>) -> UpdatePackage {
    let text = |name| node.attribute(name).unwrap_or_default().to_owned();
    let flag = |name| node.child(name).is_some_and(is_set);
    UpdatePackage {
        name: text("name"),
        epoch: node.some_attribute("epoch"),
        version: text("version"),
        release: text("release"),
        arch: text("arch"),
        src: node.some_attribute("src"),
        filename: node.child_text("filename"),
        sums: node
            .all("sum")
            .map(|sum| {
                (
                    sum.attribute("type").unwrap_or_default().to_owned(),
                    sum.trimmed().to_owned(),
                )
            })
            .filter(|(_, value)| !value.is_empty())
            .collect(),
        reboot_suggested: flag("reboot_suggested"),
        restart_suggested: flag("restart_suggested"),
        relogin_suggested: flag("relogin_suggested"),
    }
}
