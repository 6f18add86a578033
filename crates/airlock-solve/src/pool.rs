//! The packages of some repositories and what they say of each other.

use airlock_repodata::primary::DependencyKind;
use airlock_rpm::EvrRef;

use crate::dependency::{self, Dependencies, DependencyId, EvrId, Expression};
use crate::error::RichFault;
use crate::intern::{StringId, Strings};

/// A package of a pool. Numbers follow name, architecture and version, whatever the order was in
/// which packages were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageId(pub(crate) u32);

impl PackageId {
    /// Its place in [`Pool::packages`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A repository of a pool, in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryId(pub(crate) u32);

impl RepositoryId {
    /// Its place in [`Pool::repositories`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What identifies a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    pub(crate) name: StringId,
    pub(crate) evr: EvrId,
    pub(crate) arch: StringId,
    pub(crate) vendor: StringId,
    pub(crate) repository: RepositoryId,
    pub(crate) build_time: i64,
    pub(crate) key: u64,
}

impl Package {
    /// The repository it comes from.
    pub fn repository(&self) -> RepositoryId {
        self.repository
    }

    /// Build time, seconds since 1970.
    pub fn build_time(&self) -> i64 {
        self.build_time
    }

    /// The number that the caller gave it.
    pub fn key(&self) -> u64 {
        self.key
    }
}

/// A dependency that could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Whose it is.
    pub package: PackageId,
    /// The dependency; its text is what was written.
    pub dependency: DependencyId,
    /// Why.
    pub fault: RichFault,
}

/// Packages, their dependencies, and the owners of all paths that some dependency asks for.
#[derive(Debug, Clone)]
pub struct Pool {
    pub(crate) strings: Strings,
    pub(crate) dependencies: Dependencies,
    pub(crate) repositories: Vec<String>,
    pub(crate) packages: Vec<Package>,
    /// Dependencies of all packages, list by list.
    pub(crate) lists: Vec<DependencyId>,
    /// Where each list starts: eight a package, and the end.
    pub(crate) starts: Vec<u32>,
    /// Who has which path, of those that are asked for; sorted.
    pub(crate) files: Vec<(StringId, PackageId)>,
    pub(crate) malformed: Vec<Malformed>,
}

impl Pool {
    /// All packages, in the order of their numbers.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = (PackageId, &Package)> + Clone {
        let numbered = self.packages.iter().enumerate();
        numbered.map(|(index, package)| (PackageId(index as u32), package))
    }

    /// Number of packages.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// True without any package.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// What identifies a package of this pool.
    pub fn package(&self, id: PackageId) -> &Package {
        &self.packages[id.index()]
    }

    /// Labels of the repositories.
    pub fn repositories(&self) -> &[String] {
        &self.repositories
    }

    /// Dependencies that could not be understood. As a requirement such a one is never met; in
    /// other lists it means nothing.
    pub fn malformed(&self) -> &[Malformed] {
        &self.malformed
    }

    /// One list of a package's dependencies, in the order written.
    pub fn list(&self, id: PackageId, kind: DependencyKind) -> &[DependencyId] {
        let place = id.index() * 8 + kind as usize;
        match self.starts.get(place..place + 2) {
            Some(&[start, end]) => &self.lists[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Name of a package.
    pub fn name(&self, id: PackageId) -> &str {
        self.strings.get(self.package(id).name)
    }

    /// Architecture of a package.
    pub fn arch(&self, id: PackageId) -> &str {
        self.strings.get(self.package(id).arch)
    }

    /// Vendor of a package; empty when not said.
    pub fn vendor(&self, id: PackageId) -> &str {
        self.strings.get(self.package(id).vendor)
    }

    /// Version of a package.
    pub fn evr(&self, id: PackageId) -> EvrRef<'_> {
        let evr = self.package(id).evr;
        dependency::evr_ref(&self.strings, self.dependencies.evrs[evr.0 as usize])
    }

    /// `name-[epoch:]version-release.arch`.
    pub fn nevra(&self, id: PackageId) -> String {
        let package = self.package(id);
        let mut out = String::with_capacity(64);
        out.push_str(self.strings.get(package.name));
        out.push('-');
        let evr = self.dependencies.evrs[package.evr.0 as usize];
        dependency::push_evr(&self.strings, evr, &mut out);
        out.push('.');
        out.push_str(self.strings.get(package.arch));
        out
    }

    /// What a dependency says.
    pub fn expression(&self, id: DependencyId) -> Expression {
        self.dependencies.expression(id)
    }

    /// The text of a dependency.
    pub fn dependency_text(&self, id: DependencyId) -> String {
        let mut out = String::new();
        dependency::display(&self.strings, &self.dependencies, id, &mut out);
        out
    }

    /// True when the package's name and version are in what a dependency says. Obsoletes are
    /// about names, never about what packages offer.
    pub(crate) fn is_named_by(&self, id: PackageId, dependency: DependencyId) -> bool {
        let package = self.package(id);
        match self.expression(dependency) {
            Expression::Name(name) => package.name == name,
            Expression::Version(name, sense, evr) => {
                package.name == name
                    && dependency::ranges_meet(
                        &self.strings,
                        (
                            dependency::Sense::EQUAL,
                            self.dependencies.evrs[package.evr.0 as usize],
                        ),
                        (sense, self.dependencies.evrs[evr.0 as usize]),
                    )
            }
            _ => false,
        }
    }
}
