//! A package written down by hand: for callers without metadata, and for tests.

use airlock_repodata::primary::DependencyKind;

/// A package to be added with [`crate::PoolBuilder::add_draft`]. Dependencies are texts as spec
/// files have them: `name`, `name >= 1:2-3`, `(a or b)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Name.
    pub name: String,
    /// `[EPOCH:]VERSION-RELEASE`.
    pub evr: String,
    /// Architecture.
    pub arch: String,
    /// Vendor.
    pub vendor: String,
    /// Build time, seconds since 1970.
    pub build_time: i64,
    /// Dependencies by list.
    pub lists: Vec<(DependencyKind, String)>,
    /// Its paths.
    pub files: Vec<String>,
}

impl Draft {
    /// A package without dependencies.
    pub fn new(name: &str, evr: &str, arch: &str) -> Self {
        Self {
            name: name.to_owned(),
            evr: evr.to_owned(),
            arch: arch.to_owned(),
            ..Self::default()
        }
    }

    /// The same with a further dependency.
    #[must_use]
    pub fn with(mut self, kind: DependencyKind, text: &str) -> Self {
        self.lists.push((kind, text.to_owned()));
        self
    }

    /// The same with a further path.
    #[must_use]
    pub fn with_file(mut self, path: &str) -> Self {
        self.files.push(path.to_owned());
        self
    }

    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (DependencyKind, &str)> {
        self.lists.iter().map(|(kind, text)| (*kind, text.as_str()))
    }
}
