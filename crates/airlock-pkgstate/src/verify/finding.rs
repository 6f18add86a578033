//! What a verification found.

use std::io;

use airlock_rpm::package::file_flag;
use airlock_rpm::signature::Verdict;

use super::checks::Problems;

/// One way in which a file differs from what its package says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // `expected` is what the package says, `found` what is there.
pub enum Difference {
    /// Bytes.
    Size { expected: u64, found: u64 },
    /// Type and permissions, as in `st_mode`.
    Mode { expected: u32, found: u32 },
    /// Content, as hexadecimal digests.
    Digest {
        algorithm: String,
        expected: String,
        found: String,
    },
    /// Kind or number of a device.
    Device { expected: u32, found: u32 },
    /// Target of a symbolic link.
    Link { expected: Vec<u8>, found: Vec<u8> },
    /// Owner.
    User { expected: String, found: String },
    /// Group.
    Group { expected: String, found: String },
    /// Time of the last change, in seconds since 1970.
    Mtime { expected: i64, found: i64 },
    /// Capabilities.
    Capabilities { expected: String, found: String },
    /// It could not be read.
    Unreadable { why: String },
}

impl Difference {
    pub(super) fn unreadable(error: &io::Error) -> Self {
        Self::Unreadable {
            why: error.to_string(),
        }
    }
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFinding {
    /// Its path inside the root.
    pub path: Vec<u8>,
    /// What the package says about it: bits of [`file_flag`].
    pub flags: u32,
    /// What differs. [`Problems::MISSING`] stands alone.
    pub problems: Problems,
    /// The same with values.
    pub differences: Vec<Difference>,
    /// For a file that is missing: the error number of the system (2 is "no such file").
    pub missing: Option<i32>,
}

impl FileFinding {
    /// The letter of its kind as `rpm -V` shows it: the first of `d` documentation, `c` configuration, `s` spec file,
    /// `m` may be missing, `n` not replaced, `g` ghost, `l` licence, `r` readme, `a` artifact; else a blank.
    pub fn kind(&self) -> char {
        [
            (file_flag::DOC, 'd'),
            (file_flag::CONFIG, 'c'),
            (file_flag::SPECFILE, 's'),
            (file_flag::MISSINGOK, 'm'),
            (file_flag::NOREPLACE, 'n'),
            (file_flag::GHOST, 'g'),
            (file_flag::LICENSE, 'l'),
            (file_flag::README, 'r'),
            (file_flag::ARTIFACT, 'a'),
        ]
        .into_iter()
        .find(|(bit, _)| self.flags & bit != 0)
        .map_or(' ', |(_, letter)| letter)
    }

    /// True for configuration files, which people change on purpose.
    pub fn is_config(&self) -> bool {
        self.flags & file_flag::CONFIG != 0
    }
}

/// In which way a dependency is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DependencyFault {
    /// Nothing installed provides what is required.
    Missing,
    /// Something installed conflicts.
    Conflict,
    /// Something installed obsoletes the package.
    Obsoleted,
}

/// A dependency that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyFinding {
    /// In which way.
    pub fault: DependencyFault,
    /// Name of the capability, as in the header.
    pub name: Vec<u8>,
    /// Version that it speaks of; empty for all.
    pub evr: Vec<u8>,
    /// Bits of [`airlock_rpm::package::flag`].
    pub flags: u32,
    /// The dependency as rpm prints it: `alpha >= 1.0`.
    pub text: String,
    /// The package that says it, as rpm prints it: mostly the one that was verified, else one whose conflict, condition
    /// or obsoletes is about it.
    pub package: String,
}

/// A digest or a signature of a header that is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderFinding {
    /// A digest is wrong: the database is damaged, or was changed by hand.
    Digest {
        /// Which one.
        kind: String,
        /// What the database says.
        expected: String,
        /// What its bytes give.
        found: String,
    },
    /// A signature is not good, or was made by a key that is not imported.
    Signature {
        /// What came of it.
        verdict: Verdict,
    },
    /// The header contradicts itself, so that its files cannot be told.
    Unusable {
        /// What is wrong.
        why: String,
    },
}

impl HeaderFinding {
    /// True when nothing is wrong but that the key of the signature is not imported.
    pub fn is_missing_key(&self) -> bool {
        matches!(
            self,
            Self::Signature {
                verdict: Verdict::UnknownKey { .. }
            }
        )
    }
}

/// Everything that was found about one package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageFindings {
    /// Its number in the database.
    pub number: u32,
    /// Name, epoch, version, release and architecture as rpm prints them: `name-[epoch:]version-release[.arch]`.
    pub package: String,
    /// Its header.
    pub header: Vec<HeaderFinding>,
    /// Its dependencies.
    pub dependencies: Vec<DependencyFinding>,
    /// Its files, in the order of the header.
    pub files: Vec<FileFinding>,
    /// It brings a script for verification, which was not run. Not a finding, only worth telling.
    pub has_script: bool,
    /// Files that were looked at or left out: all that the package has.
    pub file_count: usize,
}

impl PackageFindings {
    /// True when nothing was found.
    pub fn is_good(&self) -> bool {
        self.header.is_empty() && self.dependencies.is_empty() && self.files.is_empty()
    }
}
