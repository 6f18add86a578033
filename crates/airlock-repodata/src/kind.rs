//! The files of a repository that hold one element a package.

/// Namespace of `primary.xml` and of everything without a prefix in it.
pub(crate) const COMMON: &str = "http://linux.duke.edu/metadata/common";
/// Namespace of the `rpm:` elements in `primary.xml`.
pub(crate) const RPM: &str = "http://linux.duke.edu/metadata/rpm";

/// One of the metadata files that hold one `<package>` element a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetadataKind {
    /// `primary.xml`: what a solver needs.
    Primary,
    /// `filelists.xml`: all files.
    Filelists,
    /// `filelists-ext.xml`: all files with their digests.
    FilelistsExt,
    /// `other.xml`: changelogs.
    Other,
}

impl MetadataKind {
    /// Name of the type in `repomd.xml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Filelists => "filelists",
            Self::FilelistsExt => "filelists-ext",
            Self::Other => "other",
        }
    }

    /// Usual name of the file without the ending of its compression.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Primary => "primary.xml",
            Self::Filelists => "filelists.xml",
            Self::FilelistsExt => "filelists-ext.xml",
            Self::Other => "other.xml",
        }
    }

    /// Local name of the root element.
    pub(crate) fn root(self) -> &'static str {
        match self {
            Self::Primary => "metadata",
            Self::Filelists => "filelists",
            Self::FilelistsExt => "filelists-ext",
            Self::Other => "otherdata",
        }
    }

    /// Default namespace of the file.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Primary => COMMON,
            Self::Filelists => "http://linux.duke.edu/metadata/filelists",
            Self::FilelistsExt => "http://linux.duke.edu/metadata/filelists-ext",
            Self::Other => "http://linux.duke.edu/metadata/other",
        }
    }

    /// True when the package's checksum is an attribute of its element.
    pub(crate) fn has_pkgid(self) -> bool {
        self != Self::Primary
    }
}
