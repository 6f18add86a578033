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
mod selection;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use airlock_rpm::db::{self, Database, Installed, Snapshot};
use airlock_rpm::package::Package;
use airlock_rpm::signature::{KeyRing, Policy, Verdict};

pub use accounts::Accounts;
pub use checks::{Checks, Problems};
pub(crate) use dependency::overlap;
pub use document::{DOCUMENT_VERSION, document, text};
pub use finding::{
    DependencyFault, DependencyFinding, Difference, FileFinding, HeaderFinding, PackageFindings,
};
pub use incremental::Known;
pub use lines::rpm_lines;
pub use pace::Pace;
pub use pass::{Options, Report};
pub use root::Root;
pub use selection::{Named, Pattern, PatternError, Selection};

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
    #[error(
        "cannot look into the root {}: {source}; name the folder that holds the files of a system, such as /mnt/sysroot",
        path.display()
    )]
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
    others: Others,
}

fn open_root(path: &Path) -> Result<Root> {
    Root::open(path).map_err(|source| Error::Root {
        path: path.to_owned(),
        source,
    })
}

/// What is known about all installed packages. Each part is read when it is first needed.
#[derive(Debug, Default)]
struct Others {
    index: OnceLock<Index>,
    keys: OnceLock<KeyRing>,
    /// Held while a part is read, so that two workers do not both read it.
    reading: Mutex<()>,
}

impl Machine {
    /// Opens a root and finds its database (see [`db::locate`] for where).
    ///
    /// # Errors
    /// [`Error::Root`], [`Error::Database`].
    pub fn open(root: &Path, dbpath: Option<&Path>) -> Result<Self> {
        // First the root: without one, what its database lacks is no help.
        let opened = open_root(root)?;
        let database = Database::open(root, dbpath)?;
        Ok(Self::of(opened, database))
    }

    /// The same with a database that was found already.
    ///
    /// # Errors
    /// [`Error::Root`].
    pub fn with_database(path: &Path, database: Database) -> Result<Self> {
        Ok(Self::of(open_root(path)?, database))
    }

    fn of(root: Root, database: Database) -> Self {
        Self {
            accounts: Accounts::load(&root),
            prelink: prelink::Prelink::find(&root),
            others: Others::default(),
            root,
            database,
        }
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
        self.others.keys(&self.database, None)
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
        let mut findings = PackageFindings {
            number: installed.number(),
            ..PackageFindings::default()
        };
        let others = &self.others;
        let (package, _) = head(&look, installed, (others, None), &mut findings);
        if let Some(package) = package
            && checks.files
        {
            findings.files = look.files(installed, &package, 0..package.files().len());
            // Without the database no time can be shared.
            let _ = drop_shared_times(&mut findings, self, (others, None));
        }
        findings
    }
}

impl Others {
    /// What packages offer, exclude and own: of this state of the database, or of its state now.
    fn index(&self, machine: &Machine, snapshot: Option<&Snapshot>) -> Result<&Index> {
        let read = |snapshot: &Snapshot| {
            let mut index = Index::default();
            each(snapshot, |installed| {
                if let Ok(package) = installed.package() {
                    index.add(installed, &package);
                }
            })?;
            index.find_aliases(&machine.root);
            Ok(index)
        };
        self.once(&self.index, &machine.database, snapshot, read)
    }

    /// The imported keys.
    fn keys(&self, database: &Database, snapshot: Option<&Snapshot>) -> Result<&KeyRing> {
        let read = |snapshot: &Snapshot| {
            let mut keys = KeyRing::default();
            each(snapshot, |installed| installed.add_key_to(&mut keys))?;
            Ok(keys)
        };
        self.once(&self.keys, database, snapshot, read)
    }

    fn once<'o, T>(
        &self,
        part: &'o OnceLock<T>,
        database: &Database,
        snapshot: Option<&Snapshot>,
        read: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<&'o T> {
        if let Some(part) = part.get() {
            return Ok(part);
        }
        let _reading = self.reading.lock().map_err(|_| Error::Worker)?;
        if let Some(part) = part.get() {
            return Ok(part);
        }
        let value = match snapshot {
            Some(snapshot) => read(snapshot)?,
            None => database.read(read)?,
        };
        Ok(part.get_or_init(|| value))
    }
}

/// Looks at every package of a state. A record that cannot be read is a finding where the package is looked at.
fn each(snapshot: &Snapshot, mut look: impl FnMut(&Installed)) -> Result<()> {
    let mut cursor = snapshot.cursor();
    for position in 0..snapshot.numbers().len() {
        match cursor.load_at(position) {
            Ok(installed) => look(&installed),
            Err(db::Error::Record { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Everything about a package but its files. Gives the package, unless its header cannot be used, and what prevented
/// a check.
fn head<'i>(
    look: &Look<'_>,
    installed: &'i Installed,
    (others, snapshot): (&Others, Option<&Snapshot>),
    findings: &mut PackageFindings,
) -> (Option<Package<'i>>, Result<()>) {
    let checks = &look.checks;
    let mut outcome = Ok(());
    let package = match installed.package() {
        Ok(package) => package,
        Err(error) => {
            findings.package = String::from_utf8_lossy(installed.name()).into_owned();
            findings
                .header
                .push(HeaderFinding::Unusable { why: error.flaw() });
            return (None, outcome);
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
    if checks.signatures && !installed.is_key() && installed.has_header_signature() {
        // Packages outlive the strength of their hashes; whether they should is not asked here.
        let policy = Policy {
            allow_sha1: true,
            ..Policy::default()
        };
        match others.keys(&look.machine.database, snapshot) {
            Ok(keys) => match installed.verify_signatures(keys, &policy).overall() {
                Verdict::Good { .. } | Verdict::Unsigned => {}
                verdict => findings.header.push(HeaderFinding::Signature { verdict }),
            },
            Err(error) => outcome = Err(error),
        }
    }
    if checks.dependencies {
        match others.index(look.machine, snapshot) {
            Ok(index) => findings.dependencies = index.check(installed, &package),
            Err(error) => outcome = Err(error),
        }
    }
    (Some(package), outcome)
}

/// A file that several packages own has the time of one of them.
fn drop_shared_times(
    findings: &mut PackageFindings,
    machine: &Machine,
    (others, snapshot): (&Others, Option<&Snapshot>),
) -> Result<()> {
    let differs = |file: &FileFinding| file.problems.has(Problems::MTIME);
    if !findings.files.iter().any(differs) {
        return Ok(());
    }
    let index = others.index(machine, snapshot)?;
    for file in &mut findings.files {
        if differs(file) && index.is_shared(&file.path) {
            file.problems = file.problems.without(Problems::MTIME);
            file.differences
                .retain(|difference| !matches!(difference, Difference::Mtime { .. }));
        }
    }
    findings.files.retain(|file| !file.problems.is_empty());
    Ok(())
}
