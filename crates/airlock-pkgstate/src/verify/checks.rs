//! What is to be checked, and what was found: bits as rpm numbers them.

use std::fmt;

/// What a verification looks at. Everything, unless something is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checks {
    /// Attributes of files: bits of [`Problems`].
    pub attributes: Problems,
    /// Files at all.
    pub files: bool,
    /// Dependencies and conflicts.
    pub dependencies: bool,
    /// Digests of the header.
    pub digests: bool,
    /// Signatures of the header.
    pub signatures: bool,
    /// Says which packages bring a script for verification. It is never run.
    pub scripts: bool,
    /// Files that are owned but not installed (`%ghost`).
    pub ghosts: bool,
    /// Configuration files.
    pub configs: bool,
    /// Files that a build made by itself (`%artifact`: build ids).
    pub artifacts: bool,
}

impl Checks {
    /// Everything.
    pub const ALL: Self = Self {
        attributes: Problems::ATTRIBUTES,
        files: true,
        dependencies: true,
        digests: true,
        signatures: true,
        scripts: true,
        ghosts: true,
        configs: true,
        artifacts: true,
    };

    /// Takes out what one of rpm's or Bcfg2's words says, with or without dashes in front (`--nofiledigest`, `nomd5`).
    /// Returns false when the word is none of them.
    ///
    /// Words: nodeps, nodigest, nofiles, noscript, noscripts, nosignature, nolinkto, nofiledigest, nomd5, nosize,
    /// nouser, nogroup, nomtime, nomode, nordev, nocaps, noghost, noconfig, noartifact.
    pub fn take_out(&mut self, word: &str) -> bool {
        let bit = match word.trim_start_matches('-') {
            "nodeps" => {
                self.dependencies = false;
                return true;
            }
            "nodigest" => {
                self.digests = false;
                return true;
            }
            "nosignature" => {
                self.signatures = false;
                return true;
            }
            "nofiles" => {
                self.files = false;
                return true;
            }
            "noscript" | "noscripts" => {
                self.scripts = false;
                return true;
            }
            "noghost" => {
                self.ghosts = false;
                return true;
            }
            "noconfig" => {
                self.configs = false;
                return true;
            }
            "noartifact" => {
                self.artifacts = false;
                return true;
            }
            "nofiledigest" | "nomd5" => Problems::DIGEST,
            "nosize" => Problems::SIZE,
            "nolinkto" => Problems::LINK,
            "nouser" => Problems::USER,
            "nogroup" => Problems::GROUP,
            "nomtime" => Problems::MTIME,
            "nomode" => Problems::MODE,
            "nordev" => Problems::DEVICE,
            "nocaps" => Problems::CAPABILITIES,
            _ => return false,
        };
        self.attributes = self.attributes.without(bit);
        true
    }

    /// [`Checks::ALL`] without what the words say; the first word that is none as an error.
    ///
    /// # Errors
    /// The word.
    pub fn without<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, &'w str> {
        let mut checks = Self::ALL;
        for word in words {
            if !checks.take_out(word) {
                return Err(word);
            }
        }
        Ok(checks)
    }
}

/// What differs, or what is looked at: a set of bits, numbered as in rpm's `rpmvf.h`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Problems(u32);

impl Problems {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The digest of the content.
    pub const DIGEST: Self = Self(1);
    /// The size.
    pub const SIZE: Self = Self(1 << 1);
    /// The target of a symbolic link.
    pub const LINK: Self = Self(1 << 2);
    /// The owner.
    pub const USER: Self = Self(1 << 3);
    /// The group.
    pub const GROUP: Self = Self(1 << 4);
    /// The time of the last change.
    pub const MTIME: Self = Self(1 << 5);
    /// Permissions or type.
    pub const MODE: Self = Self(1 << 6);
    /// Kind or number of a device.
    pub const DEVICE: Self = Self(1 << 7);
    /// Capabilities.
    pub const CAPABILITIES: Self = Self(1 << 8);
    /// All nine.
    pub const ATTRIBUTES: Self = Self(0x1ff);
    /// The target of a link could not be read.
    pub const UNREADABLE_LINK: Self = Self(1 << 28);
    /// The content could not be read.
    pub const UNREADABLE: Self = Self(1 << 29);
    /// The file is not there, or cannot be looked at.
    pub const MISSING: Self = Self(1 << 30);

    /// The set of rpm's bits.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// rpm's bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// True when all bits of the other set are in this one.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True for the empty set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Adds the bits of the other set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The nine columns of `rpm -V`: `S.5....T.`; a question mark where something could not be read.
    pub fn columns(self) -> String {
        let column = |bit: Self, letter: char| if self.has(bit) { letter } else { '.' };
        [
            column(Self::SIZE, 'S'),
            column(Self::MODE, 'M'),
            match self.has(Self::UNREADABLE) {
                true => '?',
                false => column(Self::DIGEST, '5'),
            },
            column(Self::DEVICE, 'D'),
            match self.has(Self::UNREADABLE_LINK) {
                true => '?',
                false => column(Self::LINK, 'L'),
            },
            column(Self::USER, 'U'),
            column(Self::GROUP, 'G'),
            column(Self::MTIME, 'T'),
            column(Self::CAPABILITIES, 'P'),
        ]
        .iter()
        .collect()
    }

    /// rpm's names of the bits (`RPMVERIFY_…`), in the order in which Bcfg2 lists them.
    pub fn names(self) -> Vec<&'static str> {
        [
            (Self::MISSING, "RPMVERIFY_LSTATFAIL"),
            (Self::DIGEST, "RPMVERIFY_MD5"),
            (Self::UNREADABLE, "RPMVERIFY_READFAIL"),
            (Self::LINK, "RPMVERIFY_LINKTO"),
            (Self::UNREADABLE_LINK, "RPMVERIFY_READLINKFAIL"),
            (Self::SIZE, "RPMVERIFY_FILESIZE"),
            (Self::MODE, "RPMVERIFY_MODE"),
            (Self::DEVICE, "RPMVERIFY_RDEV"),
            (Self::MTIME, "RPMVERIFY_MTIME"),
            (Self::USER, "RPMVERIFY_USER"),
            (Self::GROUP, "RPMVERIFY_GROUP"),
            (Self::CAPABILITIES, "RPMVERIFY_CAPS"),
        ]
        .into_iter()
        .filter(|(bit, _)| self.has(*bit))
        .map(|(_, name)| name)
        .collect()
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problems({:#x}", self.0)?;
        match self.has(Self::MISSING) {
            true => f.write_str(" missing)"),
            false => write!(f, " {})", self.columns()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_rpm() {
        let found = Problems::SIZE.with(Problems::DIGEST).with(Problems::MTIME);
        assert_eq!(found.columns(), "S.5....T.");
        assert_eq!(Problems::ATTRIBUTES.columns(), "SM5DLUGTP");
        let unreadable = Problems::DIGEST.with(Problems::UNREADABLE);
        assert_eq!(unreadable.columns(), "..?......");
    }

    #[test]
    fn words_of_rpm_and_of_bcfg2_take_out_the_same() {
        let one = Checks::without(["--nofiledigest", "nodeps"]);
        let other = Checks::without(["nomd5", "nodeps"]);
        assert_eq!(one, other);
        assert_eq!(Checks::without(["nosuch"]), Err("nosuch"));
    }
}
