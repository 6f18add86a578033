//! What is installed, as decisions need it.

use std::collections::HashMap;

use crate::evra::{Evra, Part};

/// One installed package, or one imported key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Its number in the database; grows with each installation.
    pub number: u32,
    /// Name.
    pub name: String,
    /// Epoch, when the header has one.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture; keys have none.
    pub arch: Option<String>,
    /// Names that it provides.
    pub provides: Vec<String>,
    /// The version of each of these, empty where it has none: `[EPOCH:]VERSION[-RELEASE]`.
    pub provide_versions: Vec<String>,
    /// Who signed it.
    pub signatures: Vec<Signature>,
}

/// A signature that a header carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which tag holds it.
    pub tag: SignatureTag,
    /// The signing key's id: 16 lower-case hexadecimal digits.
    pub key: String,
}

/// Where a signature stands in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureTag {
    /// RSA over the header.
    RsaHeader,
    /// DSA over the header.
    DsaHeader,
    /// RSA over header and payload (rpm 3 and 4).
    Pgp,
    /// DSA over header and payload (rpm 3 and 4).
    Gpg,
    /// The list of rpm 4.20 and 6.
    OpenPgp,
}

impl Installed {
    /// Epoch, version, release and architecture.
    pub fn evra(&self) -> Evra {
        Evra {
            epoch: Part::installed(self.epoch),
            version: Part::Text(self.version.clone()),
            release: Part::Text(self.release.clone()),
            arch: Part::installed(self.arch.as_ref()),
        }
    }

    /// `NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`, which `rpm` and dnf both take.
    pub fn spec(&self) -> String {
        let epoch = match self.epoch {
            Some(epoch) => format!("{epoch}:"),
            None => String::new(),
        };
        let arch = match &self.arch {
            Some(arch) => format!(".{arch}"),
            None => String::new(),
        };
        let Self {
            name,
            version,
            release,
            ..
        } = self;
        format!("{name}-{epoch}{version}-{release}{arch}")
    }

    /// The versions of a name that it provides.
    pub fn provided(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.provides.iter().zip(&self.provide_versions);
        pairs
            .filter(move |(provided, _)| *provided == name)
            .map(|(_, version)| version.as_str())
    }

    /// It is a key, not a package.
    pub fn is_key(&self) -> bool {
        self.name == KEY
    }
}

/// The name that the database gives to keys.
pub const KEY: &str = "gpg-pubkey";

/// All that is installed, in the order of the database.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    packages: Vec<Installed>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Inventory {
    /// Sorts packages by their number and indexes them.
    pub fn new(mut packages: Vec<Installed>) -> Self {
        packages.sort_by_key(|package| package.number);
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(at);
        }
        Self { packages, by_name }
    }

    /// All packages.
    pub fn packages(&self) -> &[Installed] {
        &self.packages
    }

    /// The packages of one name.
    pub fn named(&self, name: &str) -> Vec<&Installed> {
        let places = self.by_name.get(name).map(Vec::as_slice);
        let places = places.unwrap_or_default().iter();
        places.filter_map(|at| self.packages.get(*at)).collect()
    }

    /// The packages that provide something of that name.
    pub fn providing(&self, name: &str) -> Vec<&Installed> {
        let all = self.packages.iter();
        all.filter(|package| package.provides.iter().any(|what| what == name))
            .collect()
    }

    /// Whether the key with this id (its last 8 digits count) is imported.
    pub fn has_key(&self, id: &str) -> bool {
        let last = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
        self.named(KEY)
            .iter()
            .any(|key| key.version.ends_with(last))
    }
}
