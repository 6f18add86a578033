//! `updateinfo.xml`: advisories (errata).
//!
//! Read as leniently as createrepo_c does: every field may be missing, dates come in several
//! spellings, numbers may be wrong. Each update is also there as its own bytes, so that a mirror
//! can hand it on unharmed.

mod cut;
mod date;
mod read;
mod rename;
mod write;

pub use cut::with_packages;
pub use date::parse_date;
pub use read::{RawUpdate, Updates};
pub use rename::with_id;
pub use write::{CLOSE_TAG, OPEN_TAG, write_update};

const FILE: &str = "updateinfo.xml";

/// One advisory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Who sends it.
    pub from: Option<String>,
    /// State (`final`, `stable` …).
    pub status: Option<String>,
    /// Kind (`security`, `bugfix`, `enhancement`, `newpackage` …).
    pub kind: Option<String>,
    /// Version of the advisory itself.
    pub version: Option<String>,
    /// Name (`RHSA-2026:0001`). Empty when the file gives none.
    pub id: String,
    /// One line.
    pub title: String,
    /// When it was issued, as written.
    pub issued: Option<String>,
    /// When it was last changed, as written.
    pub updated: Option<String>,
    /// Copyright and the like.
    pub rights: Option<String>,
    /// Release that it belongs to.
    pub release: Option<String>,
    /// Push count, seldom used.
    pub pushcount: Option<String>,
    /// Severity, security ones only (`Critical`, `Important` …).
    pub severity: Option<String>,
    /// Summary.
    pub summary: Option<String>,
    /// What it is about; may hold HTML that nobody should trust.
    pub description: Option<String>,
    /// What to do.
    pub solution: Option<String>,
    /// The machine has to be restarted afterwards.
    pub reboot_suggested: bool,
    /// Bugs, CVEs and pages.
    pub references: Vec<Reference>,
    /// The packages that bring it.
    pub collections: Vec<Collection>,
}

impl Update {
    /// Names of all CVEs, each once, in order.
    pub fn cves(&self) -> Vec<&str> {
        let mut cves = Vec::new();
        for reference in &self.references {
            let id = reference.cve();
            cves.extend(id.filter(|id| !cves.contains(id)));
        }
        cves
    }

    /// When it was issued, in seconds since 1970.
    pub fn issued_time(&self) -> Option<i64> {
        self.issued.as_deref().and_then(parse_date)
    }

    /// When it was last changed, in seconds since 1970.
    pub fn updated_time(&self) -> Option<i64> {
        self.updated.as_deref().and_then(parse_date)
    }
}

/// Something that an advisory refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// Address, as written. Anything can stand here: see [`Reference::link`].
    pub href: Option<String>,
    /// Name (bug number, CVE).
    pub id: Option<String>,
    /// Kind (`bugzilla`, `cve`, `self`, `other` …).
    pub kind: Option<String>,
    /// Text.
    pub title: Option<String>,
}

impl Reference {
    /// The address when it is safe to show as a link: `http` and `https` only.
    pub fn link(&self) -> Option<&str> {
        let href = self.href.as_deref()?.trim();
        let lower = href.get(..8).unwrap_or(href).to_ascii_lowercase();
        (lower.starts_with("http://") || lower.starts_with("https://")).then_some(href)
    }

    /// The name of the CVE that it speaks of.
    pub fn cve(&self) -> Option<&str> {
        let texts = [self.id.as_deref(), self.title.as_deref()];
        if self.kind.as_deref() != Some("cve") {
            return texts[0].filter(|id| is_cve(id));
        }
        texts
            .into_iter()
            .flatten()
            .find(|id| is_cve(id))
            .or(texts[0])
    }
}

fn is_cve(id: &str) -> bool {
    id.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| {
            year.len() == 4
                && number.len() >= 4
                && [year, number]
                    .iter()
                    .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// Packages of one product or module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collection {
    /// Short name.
    pub short: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// The module that the packages belong to.
    pub module: Option<ModuleRef>,
    /// Its packages.
    pub packages: Vec<UpdatePackage>,
}

/// A module build that a collection belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleRef {
    /// Name.
    pub name: String,
    /// Stream.
    pub stream: String,
    /// Version.
    pub version: String,
    /// Context.
    pub context: String,
    /// Architecture.
    pub arch: String,
}

/// A package that an advisory brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdatePackage {
    /// Name.
    pub name: String,
    /// Epoch as written; `None` when missing, which means 0.
    pub epoch: Option<String>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// File name of the source package.
    pub src: Option<String>,
    /// File name.
    pub filename: Option<String>,
    /// Checksums, type and value as written.
    pub sums: Vec<(String, String)>,
    /// The machine has to be restarted afterwards.
    pub reboot_suggested: bool,
    /// The program has to be restarted afterwards.
    pub restart_suggested: bool,
    /// Users have to log in again afterwards.
    pub relogin_suggested: bool,
}

impl UpdatePackage {
    /// Epoch as a number; what is missing or no number is 0.
    pub fn epoch_number(&self) -> u64 {
        self.epoch
            .as_deref()
            .and_then(|epoch| epoch.trim().parse().ok())
            .unwrap_or(0)
    }
}
