//! What installed packages need from each other.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use airlock_rpm::EvrRef;
use airlock_rpm::db::Installed;
use airlock_rpm::package::{Dependency, DependencyKind, Package, flag};
use airlock_rpm::text::decode;

use super::finding::{DependencyFault, DependencyFinding};
use super::rich::{self, Rich};
use super::root::Root;

/// What all packages of a machine offer, exclude and own.
#[derive(Debug, Default)]
pub(super) struct Index {
    provides: Capabilities,
    /// Packages by name: what obsoletes are about.
    names: Capabilities,
    conflicts: Capabilities,
    obsoletes: Capabilities,
    /// Requirements that a name can break by being there: `(a if name)`.
    conditions: Capabilities,
    /// Names of packages by number, for those that say something about others.
    labels: HashMap<u32, String>,
    paths: Paths,
    /// Folders that are links, with where they lead: `/bin/` is `/usr/bin/`.
    aliases: Vec<(Vec<u8>, Vec<u8>)>,
}

type Capabilities = HashMap<Box<[u8]>, Vec<Entry>>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    number: u32,
    flags: u32,
    evr: Box<[u8]>,
    /// The whole expression, where the name that it is found under is only a part of it.
    rich: Option<Box<[u8]>>,
}

/// Hashes of all paths. 64 bits each: a million files come to 16 MB, and two paths of one hash to one in ten million
/// machines.
#[derive(Debug, Default)]
struct Paths {
    all: HashSet<u64, BuildHasherDefault<AsIs>>,
    /// Those that several packages own.
    shared: HashSet<u64, BuildHasherDefault<AsIs>>,
}

/// The hash of a hash is itself.
#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only numbers are hashed with this.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

pub(super) fn path_hash(path: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(path)
}

impl Index {
    pub(super) fn add(&mut self, installed: &Installed, package: &Package<'_>) {
        let number = installed.number();
        for dependency in package.provides() {
            insert(&mut self.provides, number, &dependency);
        }
        let evr = evr_of(package);
        insert(&mut self.names, number, &itself(package, &evr));
        for (kind, into) in [
            (DependencyKind::Conflicts, &mut self.conflicts),
            (DependencyKind::Obsoletes, &mut self.obsoletes),
        ] {
            for dependency in package.dependencies(kind) {
                match dependency.is_rich() {
                    true => insert_rich(into, number, &dependency, true),
                    false => insert(into, number, &dependency),
                }
                self.labels
                    .entry(number)
                    .or_insert_with(|| label(installed, package));
            }
        }
        for dependency in package.requires().filter(Dependency::is_rich) {
            insert_rich(&mut self.conditions, number, &dependency, false);
            self.labels
                .entry(number)
                .or_insert_with(|| label(installed, package));
        }
        let mut path = Vec::new();
        for file in package.files() {
            path.clear();
            file.path_into(&mut path);
            let hash = path_hash(&path);
            // Nobody asks for the time of a folder.
            if !self.paths.all.insert(hash) && !file.is_dir() {
                self.paths.shared.insert(hash);
            }
        }
    }

    /// Looks at which of the old folders of a root are links.
    pub(super) fn find_aliases(&mut self, root: &Root) {
        for name in ["bin", "sbin", "lib", "lib64", "usr/sbin", "usr/lib64"] {
            let path = root.path().join(name);
            let Ok(target) = std::fs::read_link(&path) else {
                continue;
            };
            let parent = std::path::Path::new(name)
                .parent()
                .unwrap_or(std::path::Path::new(""));
            let whole = std::path::Path::new("/").join(parent).join(target);
            let as_folder = |text: String| format!("{text}/").into_bytes();
            self.aliases.push((
                as_folder(format!("/{name}")),
                as_folder(whole.to_string_lossy().into_owned()),
            ));
        }
    }

    /// True when more than one package owns a file.
    pub(super) fn is_shared(&self, path: &[u8]) -> bool {
        self.paths.shared.contains(&path_hash(path))
    }

    fn owns(&self, path: &[u8]) -> bool {
        let has = |path: &[u8]| self.paths.all.contains(&path_hash(path));
        let renamed = |from: &[u8], to: &[u8]| {
            path.strip_prefix(from)
                .is_some_and(|rest| has(&[to, rest].concat()))
        };
        has(path)
            || self
                .aliases
                .iter()
                .any(|(link, folder)| renamed(link, folder) || renamed(folder, link))
    }

    /// Dependencies of an installed package that are not met.
    pub(super) fn check(
        &self,
        installed: &Installed,
        package: &Package<'_>,
    ) -> Vec<DependencyFinding> {
        let mut findings = Vec::new();
        let own = label(installed, package);
        for required in package.requires() {
            if !self.is_met(&required) {
                findings.push(finding(DependencyFault::Missing, &required, own.clone()));
            }
        }
        for conflict in package.dependencies(DependencyKind::Conflicts) {
            if self.is_in_force(&conflict, installed.number()) {
                findings.push(finding(DependencyFault::Conflict, &conflict, own.clone()));
            }
        }
        for obsolete in package.dependencies(DependencyKind::Obsoletes) {
            let mut named = self.names.get(obsolete.name).into_iter().flatten();
            if named.any(|one| {
                one.number != installed.number() && overlap(&one.as_dependency(b""), &obsolete)
            }) {
                findings.push(finding(DependencyFault::Obsoleted, &obsolete, own.clone()));
            }
        }
        // What others say about this package.
        let mut seen = HashSet::new();
        for provided in package.provides() {
            for other in self.conflicts.get(provided.name).into_iter().flatten() {
                let theirs = other.as_dependency(provided.name);
                let in_force = match theirs.is_rich() {
                    true => self.is_in_force(&theirs, other.number),
                    false => overlap(&theirs, &provided),
                };
                if other.number != installed.number()
                    && in_force
                    && seen.insert((other.number, theirs.name, theirs.evr))
                {
                    let label = self.label_of(other.number);
                    findings.push(finding(DependencyFault::Conflict, &theirs, label));
                }
            }
            for other in self.conditions.get(provided.name).into_iter().flatten() {
                let theirs = other.as_dependency(provided.name);
                if other.number != installed.number()
                    && !self.is_met(&theirs)
                    && seen.insert((other.number, theirs.name, theirs.evr))
                {
                    let label = self.label_of(other.number);
                    findings.push(finding(DependencyFault::Missing, &theirs, label));
                }
            }
        }
        for other in self
            .obsoletes
            .get(package.name().as_bytes())
            .into_iter()
            .flatten()
        {
            let theirs = other.as_dependency(package.name().as_bytes());
            let evr = evr_of(package);
            let this = itself(package, &evr);
            if other.number != installed.number() && overlap(&theirs, &this) {
                let label = self.label_of(other.number);
                findings.push(finding(DependencyFault::Obsoleted, &theirs, label));
            }
        }
        findings
    }

    fn label_of(&self, number: u32) -> String {
        self.labels.get(&number).cloned().unwrap_or_default()
    }

    fn is_met(&self, required: &Dependency<'_>) -> bool {
        if required.is_rpmlib() {
            // Features of the rpm that installed it. It did, so it has them.
            return true;
        }
        if required.is_rich() {
            return match rich::parse(required.name) {
                Some(expression) => self.holds(&expression),
                // What nobody can read is not met.
                None => false,
            };
        }
        self.providers(required).next().is_some()
            || (required.name.first() == Some(&b'/') && self.owns(required.name))
    }

    fn providers<'i>(&'i self, wanted: &'i Dependency<'_>) -> impl Iterator<Item = u32> + 'i {
        let entries = self.provides.get(wanted.name).into_iter().flatten();
        entries
            .filter(|entry| overlap(&entry.as_dependency(wanted.name), wanted))
            .map(|entry| entry.number)
    }

    /// True when something else is installed that a conflict of a package is about.
    fn is_in_force(&self, conflict: &Dependency<'_>, own: u32) -> bool {
        if conflict.is_rich() {
            return rich::parse(conflict.name).is_some_and(|expression| self.holds(&expression));
        }
        self.providers(conflict).any(|number| number != own)
    }

    fn holds(&self, expression: &Rich<'_>) -> bool {
        match expression {
            Rich::One(one) => self.is_met(one),
            Rich::And(all) => all.iter().all(|one| self.holds(one)),
            Rich::Or(any) => any.iter().any(|one| self.holds(one)),
            Rich::If {
                then,
                when,
                otherwise,
            } => match (self.holds(when), otherwise) {
                (true, _) => self.holds(then),
                (false, Some(otherwise)) => self.holds(otherwise),
                (false, None) => true,
            },
            Rich::Unless {
                then,
                when,
                otherwise,
            } => match (self.holds(when), otherwise) {
                (false, _) => self.holds(then),
                (true, Some(otherwise)) => self.holds(otherwise),
                (true, None) => true,
            },
            Rich::With(all) => !self.common(all).is_empty(),
            Rich::Without(one, other) => {
                let not = self.sets(other);
                self.sets(one).iter().any(|number| !not.contains(number))
            }
        }
    }

    /// The packages that meet a part of `with` and `without`, which speak of one package.
    fn sets(&self, expression: &Rich<'_>) -> HashSet<u32> {
        match expression {
            Rich::One(one) => self.providers(one).collect(),
            Rich::Or(any) => any.iter().flat_map(|one| self.sets(one)).collect(),
            Rich::With(all) => self.common(all),
            Rich::Without(one, other) => {
                let not = self.sets(other);
                let mut numbers = self.sets(one);
                numbers.retain(|number| !not.contains(number));
                numbers
            }
            Rich::And(_) | Rich::If { .. } | Rich::Unless { .. } => HashSet::new(),
        }
    }

    fn common(&self, all: &[Rich<'_>]) -> HashSet<u32> {
        let mut sets = all.iter().map(|one| self.sets(one));
        let first = sets.next().unwrap_or_default();
        sets.fold(first, |mut common, set| {
            common.retain(|number| set.contains(number));
            common
        })
    }
}

fn insert(into: &mut Capabilities, number: u32, dependency: &Dependency<'_>) {
    let entry = Entry {
        number,
        flags: dependency.flags,
        evr: dependency.evr.into(),
        rich: None,
    };
    push(into, dependency.name, entry);
}

/// Keeps an expression under every name in it: those that make it true by being there, or those that make it false.
fn insert_rich(
    into: &mut Capabilities,
    number: u32,
    dependency: &Dependency<'_>,
    by_being_there: bool,
) {
    let Some(expression) = rich::parse(dependency.name) else {
        return;
    };
    let mut names = Vec::new();
    expression.names(true, &mut names);
    for (name, _) in names.iter().filter(|(_, there)| *there == by_being_there) {
        let entry = Entry {
            number,
            flags: dependency.flags,
            evr: dependency.evr.into(),
            rich: Some(dependency.name.into()),
        };
        push(into, name, entry);
    }
}

fn push(into: &mut Capabilities, name: &[u8], entry: Entry) {
    match into.get_mut(name) {
        Some(entries) => entries.push(entry),
        None => {
            into.insert(name.into(), vec![entry]);
        }
    }
}

impl Entry {
    fn as_dependency<'e>(&'e self, name: &'e [u8]) -> Dependency<'e> {
        Dependency {
            name: self.rich.as_deref().unwrap_or(name),
            evr: &self.evr,
            flags: self.flags,
        }
    }
}

/// True when some version is spoken of by both. Names are not compared.
pub(crate) fn overlap(one: &Dependency<'_>, other: &Dependency<'_>) -> bool {
    const SENSE: u32 = flag::LESS | flag::GREATER | flag::EQUAL;
    if one.flags & SENSE == 0
        || other.flags & SENSE == 0
        || one.evr.is_empty()
        || other.evr.is_empty()
    {
        return true;
    }
    let both = |bit: u32| one.flags & bit != 0 && other.flags & bit != 0;
    let (mine, theirs) = (one.evr_text(), other.evr_text());
    match compare(&mine, &theirs) {
        Ordering::Less => one.flags & flag::GREATER != 0 || other.flags & flag::LESS != 0,
        Ordering::Greater => one.flags & flag::LESS != 0 || other.flags & flag::GREATER != 0,
        Ordering::Equal => both(flag::EQUAL) || both(flag::LESS) || both(flag::GREATER),
    }
}

/// Compares two versions; releases only where both have one.
fn compare(one: &str, other: &str) -> Ordering {
    let mut one = parse(one);
    let mut other = parse(other);
    if one.release.is_none() || other.release.is_none() {
        one.release = None;
        other.release = None;
    }
    one.cmp(&other)
}

fn parse(text: &str) -> EvrRef<'_> {
    EvrRef::parse(text).unwrap_or_else(|_| EvrRef::new(None, text, None))
}

fn finding(
    fault: DependencyFault,
    dependency: &Dependency<'_>,
    package: String,
) -> DependencyFinding {
    let mut text = decode(dependency.name).into_owned();
    if let Some(sense) = dependency.sense()
        && !dependency.evr.is_empty()
    {
        text = format!("{text} {} {}", sense.sign(), dependency.evr_text());
    }
    DependencyFinding {
        fault,
        name: dependency.name.to_vec(),
        evr: dependency.evr.to_vec(),
        flags: dependency.flags,
        text,
        package,
    }
}

fn evr_of(package: &Package<'_>) -> String {
    match package.epoch() {
        Some(epoch) => format!("{epoch}:{}-{}", package.version(), package.release()),
        None => format!("{}-{}", package.version(), package.release()),
    }
}

/// A package as something that a dependency can be about.
fn itself<'p>(package: &'p Package<'_>, evr: &'p str) -> Dependency<'p> {
    Dependency {
        name: package.name().as_bytes(),
        evr: evr.as_bytes(),
        flags: flag::EQUAL,
    }
}

/// A package as rpm prints it: `name-[epoch:]version-release[.arch]`, an epoch of 0 too.
pub(super) fn label(installed: &Installed, package: &Package<'_>) -> String {
    let mut text = format!("{}-{}", package.name(), evr_of(package));
    if installed.arch().is_some() {
        text.push('.');
        text.push_str(package.arch());
    }
    text
}
