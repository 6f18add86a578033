//! The packages that there are: in folders, or in yum repositories.

mod folders;
mod repositories;

use std::cmp::Ordering;

use airlock_rpm::EvrRef;

pub use folders::{load_folders, matching_folders};
pub use repositories::{Join, RepositorySettings, load_repositories};

/// Where packages come from. The two differ in how an epoch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Headers of package files: an epoch may be absent.
    Folders,
    /// Metadata of repositories: there always is one.
    Repositories,
}

/// A package that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// Name.
    pub name: String,
    /// Epoch; `None` when the header has none.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture; `src` or `nosrc` for source packages.
    pub arch: String,
    /// The file: its name, or its location in the repository.
    pub file: String,
    /// When it was built, in seconds since 1970; `None` when nobody says.
    pub built: Option<i64>,
    /// When the file was changed, in seconds since 1970; `None` when nobody says.
    pub modified: Option<i64>,
}

impl Available {
    /// Epoch, version and release in rpm's order; an absent epoch is 0 (section 8, number 15).
    pub fn evr(&self) -> EvrRef<'_> {
        EvrRef::new(self.epoch, &self.version, Some(&self.release))
    }

    /// `[EPOCH:]VERSION-RELEASE.ARCH`, the epoch when there is one.
    pub fn evra(&self) -> String {
        format!("{}.{}", self.evr(), self.arch)
    }

    /// Rpm's order of two packages of one name.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.evr().cmp(&other.evr())
    }
}

/// All packages of one origin, in the order in which they were found: folders as they were named, files by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Where they come from.
    pub origin: Origin,
    /// The packages.
    pub all: Vec<Available>,
}

/// Told what is read, while it is read.
pub trait Listener {
    /// A folder is begun.
    fn folder(&mut self, path: &str) {
        let _ = path;
    }
    /// A repository is begun; the URL is that of its `repomd.xml`.
    fn repository(&mut self, url: &str) {
        let _ = url;
    }
    /// A repository's list of packages is begun.
    fn primary(&mut self, url: &str) {
        let _ = url;
    }
    /// A package was read.
    fn package(&mut self) {}
    /// The folder or repository is done.
    fn done(&mut self) {}
}

/// Tells nobody.
impl Listener for () {}
