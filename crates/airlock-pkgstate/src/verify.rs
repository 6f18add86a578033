//! Verification of installed packages, as deep as `rpm -V`: files, dependencies, digests and signatures of headers.
//!
//! ```no_run
//! use std::path::Path;
//! use airlock_pkgstate::verify::{Checks, Machine};
//!
//! let machine = Machine::open(Path::new("/"), None)?;
//! // One package:
//! for installed in machine.database().packages()? {
//!     let found = machine.verify(&installed?, &Checks::ALL);
//!     for file in &found.files {
//!         println!("{}  {} {}", file.problems.columns(), file.kind(), String::from_utf8_lossy(&file.path));
//!     }
//! }
//! // All of them, on all processors:
//! let report = machine.verify_all(&Default::default())?;
//! # Ok::<(), airlock_pkgstate::verify::Error>(())
//! ```
//!
//! - [`Machine`] is a root with its database, accounts and keys. [`Machine::verify`] looks at one installed package,
//!   [`Machine::verify_all`] at many, in parallel ([`Options`]); [`Machine::list`] only lists.
//! - [`Checks`] says what is looked at; [`Checks::take_out`] understands rpm's and Bcfg2's words (`nomd5`, …).
//! - [`PackageFindings`], [`FileFinding`], [`DependencyFinding`], [`HeaderFinding`] are what comes out;
//!   [`Problems`] has rpm's bits, [`Problems::names`] its names, [`rpm_lines`] its text.
//! - Nothing is changed, no script of a package is run, and no path leads out of the root.

mod accounts;
mod capabilities;
mod checks;
mod dependency;
mod document;
mod file;
mod finding;
mod hash;
mod incremental;
mod lines;
mod pace;
mod pass;
mod prelink;
mod rich;
mod root;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use airlock_rpm::db::{self, Database, Installed, Snapshot};
use airlock_rpm::package::Package;
use airlock_rpm::signature::{KeyRing, Policy, Verdict};

pub use accounts::Accounts;
pub use checks::{Checks, Problems};
pub use document::{DOCUMENT_VERSION, document, text};
pub use finding::{
    DependencyFault, DependencyFinding, Difference, FileFinding, HeaderFinding, PackageFindings,
};
pub use incremental::Known;
pub use lines::rpm_lines;
pub use pace::Pace;
pub use pass::{Options, Report, Selection};
pub use root::Root;

use dependency::Index;
use file::Look;

/// Everything that can go wrong with a verification as a whole. What is wrong with a package is a finding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database of installed packages.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The root.
    #[error("cannot look into {}: {source}", path.display())]
    Root {
        /// Which root.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file that an incremental verification remembers in.
    #[error("cannot keep what was verified in {}: {source}; name another file with --state", path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A worker ended before its work.
    #[error("a worker thread died; this is a mistake of the program, please report it")]
    Worker,
}

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// A root with everything that verification needs to know about it.
#[derive(Debug)]
pub struct Machine {
    root: Root,
    database: Database,
    accounts: Accounts,
    prelink: Option<prelink::Prelink>,
    others: OnceLock<Others>,
}

/// What is known about all installed packages. Read when it is first needed.
#[derive(Debug, Default)]
struct Others {
    index: Index,
    keys: KeyRing,
}

impl Machine {
    /// Opens a root and finds its database (see [`db::locate`] for where).
    ///
    /// # Errors
    /// [`Error::Root`], [`Error::Database`].
    pub fn open(root: &Path, dbpath: Option<&Path>) -> Result<Self> {
        let database = Database::open(root, dbpath)?;
        Self::with_database(root, database)
    }

    /// The same with a database that was found already.
    ///
    /// # Errors
    /// [`Error::Root`].
    pub fn with_database(path: &Path, database: Database) -> Result<Self> {
        let root = Root::open(path).map_err(|source| Error::Root {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            accounts: Accounts::load(&root),
            prelink: prelink::Prelink::find(&root),
            others: OnceLock::new(),
            root,
            database,
        })
    }

    /// The root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Users and groups of the root.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The keys that are imported. Read once.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn keys(&self) -> Result<&KeyRing> {
        Ok(&self.others()?.keys)
    }

    /// Verifies one installed package. For a fresh look after packages changed, open the machine again: what others
    /// provide and which keys there are is read once.
    ///
    /// What prevents a check is a finding, or, where the database as a whole cannot be read, leaves out the checks that
    /// need the other packages: call [`Machine::keys`] before to hear of it.
    pub fn verify(&self, installed: &Installed, checks: &Checks) -> PackageFindings {
        let pace = Pace::default();
        let look = Look {
            machine: self,
            checks: *checks,
            pace: &pace,
            known: None,
        };
        let others = self.others().ok();
        let mut findings = PackageFindings {
            number: installed.number(),
            ..PackageFindings::default()
        };
        if let Some(package) = head(&look, installed, others, &mut findings)
            && checks.files
        {
            findings.files = look.files(installed, &package, 0..package.files().len());
            drop_shared_times(&mut findings, others);
        }
        findings
    }

    fn others(&self) -> Result<&Others> {
        if let Some(others) = self.others.get() {
            return Ok(others);
        }
        let others = self
            .database
            .read(|snapshot| Others::read(self, snapshot))?;
        Ok(self.others.get_or_init(|| others))
    }
}

impl Others {
    fn read(machine: &Machine, snapshot: &Snapshot) -> Result<Self> {
        let mut others = Self::default();
        let mut cursor = snapshot.cursor();
        for position in 0..snapshot.numbers().len() {
            match cursor.load_at(position) {
                Ok(installed) => {
                    installed.add_key_to(&mut others.keys);
                    if let Ok(package) = installed.package() {
                        others.index.add(&installed, &package);
                    }
                }
                // It is a finding where the package is looked at.
                Err(db::Error::Record { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        others.index.find_aliases(&machine.root);
        Ok(others)
    }
}

/// Everything about a package but its files. Gives the package, unless its header cannot be used.
fn head<'i>(
    look: &Look<'_>,
    installed: &'i Installed,
    others: Option<&Others>,
    findings: &mut PackageFindings,
) -> Option<Package<'i>> {
    let checks = &look.checks;
    let package = match installed.package() {
        Ok(package) => package,
        Err(error) => {
            findings.package = String::from_utf8_lossy(installed.name()).into_owned();
            findings.header.push(HeaderFinding::Unusable {
                why: error.to_string(),
            });
            return None;
        }
    };
    findings.package = dependency::label(installed, &package);
    findings.file_count = package.files().len();
    findings.has_script = checks.scripts && installed.has_verify_script();
    if checks.digests {
        for check in installed.verify_digests().checks {
            if let airlock_rpm::digest::DigestOutcome::Bad { expected, found } = check.outcome {
                findings.header.push(HeaderFinding::Digest {
                    kind: check.kind.to_string(),
                    expected,
                    found,
                });
            }
        }
    }
    if checks.signatures
        && let Some(others) = others
        && !installed.is_key()
    {
        // Packages outlive the strength of their hashes; whether they should is not asked here.
        let policy = Policy {
            allow_sha1: true,
            ..Policy::default()
        };
        match installed.verify_signatures(&others.keys, &policy).overall() {
            Verdict::Good { .. } | Verdict::Unsigned => {}
            verdict => findings.header.push(HeaderFinding::Signature { verdict }),
        }
    }
    if checks.dependencies
        && let Some(others) = others
    {
        findings.dependencies = others.index.check(installed, &package);
    }
    Some(package)
}

/// A file that several packages own has the time of one of them.
fn drop_shared_times(findings: &mut PackageFindings, others: Option<&Others>) {
    let Some(others) = others else {
        return;
    };
    for file in &mut findings.files {
        if file.problems.has(Problems::MTIME) && others.index.is_shared(&file.path) {
            file.problems = file.problems.without(Problems::MTIME);
            file.differences
                .retain(|difference| !matches!(difference, Difference::Mtime { .. }));
        }
    }
    findings.files.retain(|file| !file.problems.is_empty());
}
