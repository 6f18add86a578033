//! The native form of a list: TOML, with what Pkgmgr's XML cannot say.
//!
//! ```toml
//! airlock-packages = 1
//! priority = 0
//! type = "rpm"
//! uri = "http://fortress/"
//!
//! [[package]]
//! name = "glibc"
//! ignore = ["/etc/rpc"]
//! instances = [
//!     { simplefile = "glibc-2.3.4-2.25.x86_64.rpm", version = "2.3.4", release = "2.25", arch = "x86_64" },
//! ]
//!
//! [[package]]
//! name = "kernel"
//! type = "yum"
//! set = { running = true, newest = 2 }
//!
//! [[when]]
//! group = "web"
//! not = true
//!
//! [[when.key]]
//! fingerprint = "1A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4D"
//! file = "RPM-GPG-KEY-site"
//! ```
//!
//! A table is what an element of the same meaning is in XML, its keys are the attributes. `[[when]]` is `Group` or `Client`.
//! `comment` is what stands as comments before the element (in the file's own table: before everything), `end_comment` what
//! stands at the end inside it.
//! A *set* stands for instances that are looked up when the list is used: the one that runs, and the newest ones. A *key*
//! stands for the instance of `gpg-pubkey` that it becomes once it is imported. In memory a policy is the element that the
//! XML would have, with `Set` and `Key` elements for these two.

mod flaw;
mod from_xml;
mod read;
mod resolve;
mod to_xml;
mod value;
mod write;

pub use flaw::NativeError;
pub use resolve::{Facts, KeySource, ResolveError};

use crate::pkgmgr::binding::{Problem, RulesOptions, bind_all};
use crate::pkgmgr::list::{Client, List, is_condition};
use crate::xml::{Document, Element};

/// Version of the form that is read and written.
pub const VERSION: i64 = 1;

/// The element that stands for a set inside a `Package`.
pub(crate) const SET: &str = "Set";
/// The element that stands for a key in a list.
pub(crate) const KEY: &str = "Key";

/// Whether an attribute is a key of its own in the table of an element. The others stand in the table `other`: those that
/// nothing reads, and those whose name means something else in that table.
fn is_key(element: &Element, attribute: &str, known: &[&str]) -> bool {
    let is_root = ["PackageList", "Rules"].contains(&element.name.as_str());
    known.contains(&attribute)
        && match attribute {
            "negate" | "comment" | "end_comment" => false,
            "priority" => is_root,
            // The condition itself.
            "group" => !is_condition(element) && !element.name.is_empty(),
            _ => true,
        }
}

/// A list in the native form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `PackageList` or `Rules`, with `Set` and `Key` elements in it.
    root: Element,
    /// The comments at the top of the file.
    top: Vec<String>,
}

/// Something that one form says and the other cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Line in the file that was read, 0 when it is not known.
    pub line: u32,
    /// What cannot be said.
    pub what: String,
}

impl Policy {
    /// Reads a list in the native form; `file` is for messages.
    ///
    /// # Errors
    /// The first [`NativeError`], with line and column; [`Policy::examine`] gives all.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, NativeError> {
        let (policy, flaws) = Self::examine(file, bytes);
        match flaws.into_iter().next() {
            Some(flaw) => Err(flaw),
            None => Ok(policy),
        }
    }

    /// Reads what can be read, without the elements in which something is wrong, and tells all that is wrong.
    pub(crate) fn examine(file: &str, bytes: &[u8]) -> (Self, Vec<NativeError>) {
        let read::Read { root, top, flaws } = read::read(file, bytes);
        (Self { root, top }, flaws)
    }

    /// The element that the list is in memory.
    pub(crate) fn root(&self) -> &Element {
        &self.root
    }

    /// The list of a document, and what is lost. `None` when the document is no list with a priority.
    pub fn from_document(document: &Document) -> Option<(Self, Vec<Loss>)> {
        let (root, losses) = from_xml::convert(document)?;
        let top = document.before.clone();
        Some((Self { root, top }, losses))
    }

    /// The list as an element of the other form, and what is lost.
    pub fn to_xml(&self) -> (Element, Vec<Loss>) {
        to_xml::convert(&self.root)
    }

    /// The text of the element of [`Policy::to_xml`], indented.
    pub fn to_xml_text(&self) -> (String, Vec<Loss>) {
        let (root, losses) = self.to_xml();
        let top: Vec<String> = self
            .top
            .iter()
            .map(|text| format!("<!--{text}-->\n"))
            .collect();
        (top.concat() + &crate::xml::indented(&root), losses)
    }

    /// The list as text in the native form.
    pub fn to_toml(&self) -> String {
        write::text(&self.root, &self.top)
    }

    /// The list with instances in place of sets and keys.
    ///
    /// # Errors
    /// [`ResolveError`]: what has to be known and is not.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        let mut root = self.root.clone();
        resolve::resolve(&mut root, None, facts)?;
        let top = self.top.clone();
        Ok(Self { root, top })
    }

    /// The entries of a client as it receives them, bound, in one `Independent` element: what a machine of its own, without
    /// a server, declares. `file` is for messages.
    ///
    /// # Errors
    /// [`ResolveError`]: what has to be known and is not.
    pub fn entries(
        &self,
        file: &str,
        client: &Client,
        facts: &Facts<'_>,
    ) -> Result<(Element, Vec<Problem>), ResolveError> {
        let root = self.resolve(facts)?.root;
        // A policy is a list with a priority, else it would not have been read.
        let list = List::from_document(Document::of(file, root));
        let lists: Vec<List> = list.into_iter().collect();
        Ok(bind_all(&lists, client, RulesOptions::default()))
    }

    /// Whether something in it has to be looked up.
    pub fn needs_facts(&self) -> bool {
        let mut inside = self.root.walk();
        inside.any(|element| element.name == SET || element.name == KEY)
    }
}
