//! What the server makes of an abstract entry: the entry with everything that the lists say about it.
//!
//! Bcfg2 reference, section 2.1. Among the files of one kind that serve the entry the one with the highest priority wins; two
//! of the same priority are an error. A Pkgmgr list overwrites what the abstract entry says, a Rules list does not. Unlike
//! in Bcfg2, `priority` and `negate` of the elements around an entry never appear on it (section 8, number 13).

mod package;
mod rule;
mod structure;

use crate::pkgmgr::list::{Client, List, ListKind, group_name};
use crate::xml::Element;

pub use structure::{bind_all, bind_structure, matching};

/// A failure of binding: the entry cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// No file serves the entry for this client.
    #[error(
        "{tag} {name}: no list serves it to {}; add it to a list, in a group of this client",
        called(hostname)
    )]
    NoSource {
        /// `Package` or `Path`.
        tag: String,
        /// The entry.
        name: String,
        /// The client.
        hostname: String,
    },
    /// Several files serve the entry with the highest priority.
    #[error(
        "{tag} {name}: {} serve it to {} with the same priority {priority}; give one of them a higher priority",
        files.join(" and "),
        called(hostname)
    )]
    Conflict {
        /// `Package` or `Path`.
        tag: String,
        /// The entry.
        name: String,
        /// The client.
        hostname: String,
        /// All files that serve it.
        files: Vec<String>,
        /// The highest priority among them.
        priority: i64,
    },
    /// Pkgmgr and Rules both serve the entry.
    #[error("{tag} {name}: both {pkgmgr} and {rules} serve it; take it out of one of them")]
    TwoGenerators {
        /// `Package`.
        tag: String,
        /// The entry.
        name: String,
        /// The Pkgmgr list.
        pkgmgr: String,
        /// The Rules list.
        rules: String,
    },
}

/// A client may be looked at by its groups alone.
fn called(hostname: &str) -> &str {
    match hostname {
        "" => "this client",
        name => name,
    }
}

/// Something in a list that spoils one of its packages, found on the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file name that cannot be taken apart: the entry binds with nothing but its name.
    #[error(
        "{list}:{line}: <Package>: the file name {file:?} cannot be taken apart; name the package and its version, release and arch instead"
    )]
    FileName {
        /// The list.
        list: String,
        /// Line of the package.
        line: u32,
        /// The file name.
        file: String,
    },
    /// `multiarch`, `srcs` and `file` that do not fit each other: no URL.
    #[error(
        "{list}:{line}: <Package>: multiarch, srcs and the % in {file:?} do not fit each other; give as many srcs as multiarch"
    )]
    Multiarch {
        /// The list.
        list: String,
        /// Line of the package.
        line: u32,
        /// The file name.
        file: String,
    },
    /// A rule's name that is no regular expression.
    #[error("{list}:{line}: <{tag}>: the name {name:?} is no regular expression: {why}")]
    Pattern {
        /// The list.
        list: String,
        /// Line of the rule.
        line: u32,
        /// The element.
        tag: String,
        /// Its name.
        name: String,
        /// The library's reason.
        why: String,
    },
}

/// How Rules lists are read (`rules.conf` of the server).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RulesOptions {
    /// Names are regular expressions, anchored at the end as at the start.
    pub regex: bool,
    /// `%{name}` in attributes stands for the entry's name.
    pub replace_name: bool,
}

/// A bound entry and what was wrong on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The entry as the client receives it.
    pub entry: Element,
    /// Flaws of the lists.
    pub problems: Vec<Problem>,
}

/// Binds one abstract entry for a client; [`Binder`] is for several.
///
/// # Errors
/// [`BindError`]; the entry then goes to the client with `failure`, as [`bind_structure`] does it.
pub fn bind(
    lists: &[List],
    entry: &Element,
    client: &Client,
    options: RulesOptions,
) -> Result<Bound, BindError> {
    let binder = Binder::new(lists, client, options);
    Ok(Bound {
        entry: binder.bind(entry)?,
        problems: binder.problems,
    })
}

/// What the lists serve to one client, ready to be asked for.
pub struct Binder<'l> {
    packages: Vec<package::Index<'l>>,
    rules: Vec<rule::Index<'l>>,
    hostname: String,
    options: RulesOptions,
    /// Flaws of the lists.
    pub problems: Vec<Problem>,
}

impl<'l> Binder<'l> {
    /// Looks through the lists once.
    pub fn new(lists: &'l [List], client: &Client, options: RulesOptions) -> Self {
        let mut problems = Vec::new();
        let of = |kind| lists.iter().filter(move |list| list.kind == kind);
        let packages = of(ListKind::Pkgmgr)
            .map(|list| package::Index::new(list, client, &mut problems))
            .collect();
        let rules = of(ListKind::Rules)
            .map(|list| rule::Index::new(list, client, options, &mut problems))
            .collect();
        Self {
            packages,
            rules,
            hostname: client.hostname.clone(),
            options,
            problems,
        }
    }

    /// Binds one abstract entry.
    ///
    /// `altsrc` on the entry is the name to look for; the bound entry keeps its own. A name `libfoo:i386,i686` binds as
    /// `libfoo` with the instances of these architectures only. A group of yum without a name is asked for as `group:NAME`.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(&self, entry: &Element) -> Result<Element, BindError> {
        let mut entry = entry.clone();
        if entry.name == "Package"
            && let Some(name) = group_name(&entry)
        {
            entry.attributes.retain(|(key, _)| key != "name");
            entry.attributes.insert(0, ("name".to_owned(), name));
        }
        if let Some(source) = entry.remove("altsrc") {
            let own = entry.attribute("name").unwrap_or_default().to_owned();
            let mut asked = entry.clone();
            asked.set("name", source);
            // An alternative that is not served falls back to the name.
            if let Ok(mut bound) = self.bind_plain(asked) {
                bound.set("name", own);
                return Ok(bound);
            }
        }
        self.bind_plain(entry)
    }

    fn bind_plain(&self, entry: Element) -> Result<Element, BindError> {
        let packages: Vec<_> = self
            .packages
            .iter()
            .filter_map(|index| Some((index.list, index.find(&entry)?)))
            .collect();
        let rules: Vec<_> = self
            .rules
            .iter()
            .filter_map(|index| Some((index.list, index.find(&entry)?)))
            .collect();
        if let (Some((package, _)), Some((rule, _))) = (packages.first(), rules.first()) {
            return Err(BindError::TwoGenerators {
                tag: entry.name.clone(),
                name: name_of(&entry),
                pkgmgr: package.file().to_owned(),
                rules: rule.file().to_owned(),
            });
        }
        if packages.is_empty() {
            let rule = self.winner(&rules, &entry)?;
            return Ok(rule::apply(entry, rule, self.options));
        }
        let package = self.winner(&packages, &entry)?;
        Ok(package::apply(entry, package))
    }

    /// What the list with the highest priority has.
    fn winner<F: Copy>(&self, found: &[(&List, F)], entry: &Element) -> Result<F, BindError> {
        let highest = found.iter().map(|(list, _)| list.priority).max();
        let mut best = found
            .iter()
            .filter(|(list, _)| Some(list.priority) == highest);
        let (tag, name) = (entry.name.clone(), name_of(entry));
        let hostname = self.hostname.clone();
        match (best.next(), best.next()) {
            (Some((_, winner)), None) => Ok(*winner),
            (Some((list, _)), Some(_)) => Err(BindError::Conflict {
                tag,
                name,
                hostname,
                files: found
                    .iter()
                    .map(|(list, _)| list.file().to_owned())
                    .collect(),
                priority: list.priority,
            }),
            (None, _) => Err(BindError::NoSource {
                tag,
                name,
                hostname,
            }),
        }
    }
}

fn name_of(entry: &Element) -> String {
    entry.attribute("name").unwrap_or_default().to_owned()
}
