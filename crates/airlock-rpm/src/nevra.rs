//! Name, epoch, version, release, architecture: what people call a package by.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::{Error, Result};
use crate::evr::EvrRef;

/// Name, epoch, version, release and architecture of a package.
///
/// Equality and hash are by text, with "no epoch" equal to epoch 0; [`Nevra::evr`] has rpm's order.
#[derive(Debug, Clone)]
pub struct Nevra {
    /// Package name.
    pub name: String,
    /// Epoch; `None` is "not given" and the same as 0.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture; `src` or `nosrc` for source packages.
    pub arch: String,
}

impl Nevra {
    /// Takes a package name apart. These forms are understood:
    /// `name-[epoch:]version-release.arch`, `epoch:name-version-release.arch` (yum's), and both
    /// with `.rpm` behind.
    ///
    /// # Errors
    /// [`Error::BadNevra`] when a part is missing.
    pub fn parse(text: &str) -> Result<Self> {
        Self::split(text).ok_or_else(|| Error::BadNevra {
            text: text.to_owned(),
        })
    }

    fn split(text: &str) -> Option<Self> {
        let text = text.strip_suffix(".rpm").unwrap_or(text);
        let (rest, arch) = text.rsplit_once('.')?;
        let (rest, release) = rest.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let (name_epoch, name) = epoch_before(name)?;
        let (version_epoch, version) = epoch_before(version)?;
        let epoch = match (name_epoch, version_epoch) {
            (Some(_), Some(_)) => return None,
            (one, two) => one.or(two),
        };
        let parts = [name, version, release, arch];
        if parts.iter().any(|part| part.is_empty()) || arch.contains(['-', ':', '/']) {
            return None;
        }
        // A second colon would be taken for the one behind an epoch when printed and read again.
        if name.contains(':') || version.contains(':') {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            epoch,
            version: version.to_owned(),
            release: release.to_owned(),
            arch: arch.to_owned(),
        })
    }

    /// Epoch, version and release, with rpm's order.
    pub fn evr(&self) -> EvrRef<'_> {
        EvrRef::new(self.epoch, &self.version, Some(&self.release))
    }

    /// `name-version-release.arch`, without the epoch: the usual file name is this and `.rpm`.
    pub fn nvra(&self) -> String {
        format!(
            "{}-{}-{}.{}",
            self.name, self.version, self.release, self.arch
        )
    }

    fn identity(&self) -> (&str, u32, &str, &str, &str) {
        (
            &self.name,
            self.epoch.unwrap_or(0),
            &self.version,
            &self.release,
            &self.arch,
        )
    }
}

/// `(epoch, rest)` of `[epoch:]rest`; `None` when what stands before the colon is no number.
fn epoch_before(text: &str) -> Option<(Option<u32>, &str)> {
    match text.split_once(':') {
        None => Some((None, text)),
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
            Some((Some(epoch.parse().ok()?), rest))
        }
        Some(_) => None,
    }
}

impl PartialEq for Nevra {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Nevra {}

impl Hash for Nevra {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// `name-[epoch:]version-release.arch`; an epoch of 0 is left out, as rpm and dnf do.
impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.name)?;
        if let Some(epoch) = self.epoch.filter(|epoch| *epoch != 0) {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}-{}.{}", self.version, self.release, self.arch)
    }
}

impl std::str::FromStr for Nevra {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
