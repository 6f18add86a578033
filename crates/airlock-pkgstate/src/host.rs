//! A real machine, or a root of one: its database, its files, its package managers.

mod acknowledged;
mod execute;
mod file;
mod protected;
mod repository;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use airlock_rpm::db;

use crate::decide::{Checker, Difference, FileProblem, Omit, Unmet, Verdict};
use crate::inventory::{Installed, Inventory, Signature, SignatureTag};
use crate::run::action::Action;
use crate::run::command::{Command, Manager, Ran};
use crate::run::{Machine, Obtained};
use crate::safety::Protected;
use crate::verify::{self, Checks, Problems};

/// Brings files from other machines.
pub trait Fetch {
    /// Writes what a URL gives to a file that does not exist yet; at most `limit` bytes.
    ///
    /// # Errors
    /// What went wrong, with the URL.
    fn fetch(&mut self, url: &str, to: &Path, limit: u64) -> Result<(), String>;
}

/// Fetches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&mut self, url: &str, _: &Path, _: u64) -> Result<(), String> {
        Err(format!("{url}: nothing is fetched here"))
    }
}

/// How a host is looked at and changed.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The root.
    pub root: PathBuf,
    /// The folder of the database inside the root, when it is not where rpm has it.
    pub dbpath: Option<PathBuf>,
    /// Further options of `rpm`.
    pub rpm_options: Vec<String>,
    /// The program that installs from repositories; found when not given.
    pub manager: Option<Manager>,
    /// Further options of that program.
    pub manager_options: Vec<String>,
    /// How long a command may take.
    pub timeout: Option<Duration>,
    /// Files that were fetched are kept here; `/var/cache/airlock-agent` inside the root when not given.
    pub cache: Option<PathBuf>,
    /// Package files need a good signature.
    pub require_signatures: bool,
    /// Key files are imported whatever they hold, as the old RPMng did.
    pub unchecked_keys: bool,
}

impl HostOptions {
    /// A root with everything else as usual.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            dbpath: None,
            rpm_options: Vec::new(),
            manager: None,
            manager_options: Vec::new(),
            timeout: None,
            cache: None,
            require_signatures: false,
            unchecked_keys: false,
        }
    }
}

/// Is told what comes next; an error stops the run there.
pub type Journal = Box<dyn FnMut(&str) -> Result<(), String>>;

/// A machine.
pub struct Host {
    options: HostOptions,
    fetch: Box<dyn Fetch>,
    machine: Option<verify::Machine>,
    /// Headers are read when they are looked at: all of them together are large.
    snapshot: Option<db::Snapshot>,
    acknowledged: Vec<acknowledged::Acknowledged>,
    journal: Option<Journal>,
    rpm_place: Option<Vec<String>>,
}

impl Host {
    /// A machine; nothing is read yet.
    pub fn new(options: HostOptions, fetch: Box<dyn Fetch>) -> Self {
        Self {
            options,
            fetch,
            machine: None,
            snapshot: None,
            acknowledged: Vec::new(),
            journal: None,
            rpm_place: None,
        }
    }

    /// Is told of every step before it is taken; an error stops the run there.
    pub fn keep_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// How it is looked at.
    pub fn options(&self) -> &HostOptions {
        &self.options
    }

    fn read(&mut self) -> Result<Inventory, String> {
        let machine = verify::Machine::open(&self.options.root, self.options.dbpath.as_deref())
            .map_err(|error| error.to_string())?;
        let database = machine.database();
        // A package that cannot be read might be any declared one: then nothing is decided.
        let packages = database
            .read(|snapshot| {
                let mut cursor = snapshot.cursor();
                let all = 0..snapshot.numbers().len();
                all.map(|position| cursor.load_at(position).map(|record| installed(&record)))
                    .collect::<db::Result<Vec<Installed>>>()
            })
            .map_err(|error| error.to_string())?;
        self.snapshot = Some(database.snapshot().map_err(|error| error.to_string())?);
        self.acknowledged = acknowledged::read(machine.root())?;
        self.machine = Some(machine);
        Ok(Inventory::new(packages))
    }
}

impl Host {
    /// The record of a package, as long as it is still that package.
    fn record(&self, package: &Installed) -> Result<db::Installed, String> {
        let snapshot = self.snapshot.as_ref().ok_or("nothing was read yet")?;
        let record = snapshot
            .cursor()
            .load(package.number)
            .map_err(|error| error.to_string())?;
        match installed(&record) == *package {
            true => Ok(record),
            false => Err("it changed while it was looked at".to_owned()),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What decisions need of a record.
fn installed(record: &db::Installed) -> Installed {
    use airlock_rpm::tag::main;
    let header = record.header();
    let field = |tag| header.bytes(tag).map(text).unwrap_or_default();
    let provides = header.strings(main::PROVIDENAME).map(text).collect();
    let signatures = record
        .signatures()
        .into_iter()
        .filter_map(|signature| {
            let tag = match signature.tag {
                "RSAHEADER" => SignatureTag::RsaHeader,
                "DSAHEADER" => SignatureTag::DsaHeader,
                "SIGPGP" => SignatureTag::Pgp,
                "SIGGPG" => SignatureTag::Gpg,
                _ => SignatureTag::OpenPgp,
            };
            let key = signature.summary?.key_id?.to_string();
            Some(Signature { tag, key })
        })
        .collect();
    Installed {
        number: record.number(),
        name: text(record.name()),
        epoch: header.u32(main::EPOCH),
        version: field(main::VERSION),
        release: field(main::RELEASE),
        arch: match record.is_key() {
            true => None,
            false => record.arch().map(text),
        },
        provides,
        signatures,
    }
}

impl Checker for Host {
    fn check(&mut self, package: &Installed, omit: &Omit) -> Result<Verdict, String> {
        let machine = self.machine.as_ref().ok_or("nothing was read yet")?;
        let record = &self.record(package)?;
        let mut checks = Checks::ALL;
        for word in omit.words() {
            checks.take_out(word);
        }
        // The old drivers know neither capabilities nor ghosts.
        checks.ghosts = false;
        machine.keys().map_err(|error| error.to_string())?;
        let found = machine.verify(record, &checks);
        let mut verdict = Verdict {
            package: found.package.clone(),
            ..Verdict::default()
        };
        for finding in &found.header {
            match finding.is_missing_key() {
                true => verdict.notes.push(format!(
                    "{}: the key of a signature is not imported",
                    found.package
                )),
                false => verdict.header.push(header_text(finding)),
            }
        }
        verdict.dependencies = found
            .dependencies
            .iter()
            .map(|finding| Unmet {
                requirement: finding.text.clone(),
                name: text(&finding.name),
                version: text(&finding.evr),
                flags: finding.flags & 0xf,
            })
            .collect();
        for file in &found.files {
            let mut problem = file_problem(file);
            self.add_shared_time(record, file, &mut problem);
            if problem.kind == 'c' && self.is_acknowledged(&found.package, &problem.path) {
                verdict
                    .notes
                    .push(format!("{}: the change is acknowledged", problem.path));
                continue;
            }
            if !problem.differs.is_empty() {
                verdict.files.push(problem);
            }
        }
        Ok(verdict)
    }

    fn newest(&mut self, name: &str) -> Option<Vec<Installed>> {
        self.ask_repositories(name)
    }

    fn owns(&mut self, package: &Installed, path: &str) -> bool {
        let Ok(record) = self.record(package) else {
            return false;
        };
        let Ok(package) = record.package() else {
            return false;
        };
        package.files().any(|file| file.path() == path)
    }

    fn is_dangling(&mut self, path: &str) -> bool {
        let link = self.open_inside(path, rustix::fs::OFlags::NOFOLLOW);
        let is_link = link
            .and_then(|file| rustix::fs::fstat(&file).ok())
            .is_some_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink());
        is_link
            && self
                .open_inside(path, rustix::fs::OFlags::empty())
                .is_none()
    }
}

fn header_text(finding: &verify::HeaderFinding) -> String {
    match finding {
        verify::HeaderFinding::Digest { kind, .. } => format!("the {kind} digest is wrong"),
        verify::HeaderFinding::Signature { verdict } => {
            format!("the signature is not good: {verdict:?}")
        }
        verify::HeaderFinding::Unusable { why } => why.clone(),
    }
}

/// The order in which the old drivers list differences.
const ORDER: [(Problems, Difference); 12] = [
    (Problems::MISSING, Difference::Missing),
    (Problems::DIGEST, Difference::Digest),
    (Problems::UNREADABLE, Difference::Unreadable),
    (Problems::LINK, Difference::Link),
    (Problems::UNREADABLE_LINK, Difference::UnreadableLink),
    (Problems::SIZE, Difference::Size),
    (Problems::MODE, Difference::Mode),
    (Problems::DEVICE, Difference::Device),
    (Problems::MTIME, Difference::Mtime),
    (Problems::USER, Difference::User),
    (Problems::GROUP, Difference::Group),
    (Problems::CAPABILITIES, Difference::Capabilities),
];

fn file_problem(file: &verify::FileFinding) -> FileProblem {
    use airlock_rpm::package::file_flag;
    let kinds = [
        (file_flag::CONFIG, 'c'),
        (file_flag::DOC, 'd'),
        (file_flag::GHOST, 'g'),
        (file_flag::LICENSE, 'l'),
        (file_flag::README, 'r'),
    ];
    let kind = kinds
        .into_iter()
        .find(|(bit, _)| file.flags & bit != 0)
        .map_or(' ', |(_, letter)| letter);
    FileProblem {
        path: text(&file.path),
        kind,
        differs: ORDER
            .into_iter()
            .filter(|(bit, _)| file.problems.has(*bit))
            .map(|(_, difference)| difference)
            .collect(),
        became_link: file.differences.iter().any(|difference| {
            matches!(difference, verify::Difference::Link { expected, .. } if expected.is_empty())
        }),
    }
}

impl Host {
    /// The time of a file that several packages own is left out of verification, because it is right for one of them only.
    /// Where such a file differs anyway, the time belongs to what is said about it.
    fn add_shared_time(
        &self,
        record: &db::Installed,
        file: &verify::FileFinding,
        problem: &mut FileProblem,
    ) {
        let changed = problem
            .differs
            .iter()
            .any(|one| matches!(one, Difference::Digest | Difference::Size));
        let (Some(machine), true) = (&self.machine, changed) else {
            return;
        };
        if problem.differs.contains(&Difference::Mtime) {
            return;
        }
        let Ok(package) = record.package() else {
            return;
        };
        let mut path = Vec::new();
        let own = package.files().find(|own| {
            path.clear();
            own.path_into(&mut path);
            path == file.path
        });
        let (Some(own), Ok(stat)) = (own, machine.root().stat(&file.path)) else {
            return;
        };
        let masked = own.verify_flags & Problems::MTIME.bits() == 0;
        if !masked && i64::from(own.mtime) != stat.st_mtime {
            let at = problem
                .differs
                .iter()
                .position(|one| matches!(one, Difference::User | Difference::Group))
                .unwrap_or(problem.differs.len());
            problem.differs.insert(at, Difference::Mtime);
        }
    }

    /// Opens what a path inside the root leads to, only to look at it.
    fn open_inside(&self, path: &str, more: rustix::fs::OFlags) -> Option<OwnedFd> {
        let look = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
        self.open_with(path, look | more).ok()
    }

    fn open_with(&self, path: &str, flags: rustix::fs::OFlags) -> std::io::Result<OwnedFd> {
        let machine = self.machine.as_ref();
        let machine = machine.ok_or(std::io::ErrorKind::NotConnected)?;
        machine.root().open_with(path.as_bytes(), flags)
    }
}

impl Machine for Host {
    fn inventory(&mut self) -> Result<Inventory, String> {
        self.read()
    }

    fn obtain(&mut self, action: &Action) -> Obtained {
        self.obtain_file(action)
    }

    fn run(&mut self, command: &Command) -> Ran {
        self.execute(command)
    }

    fn manager(&self) -> Manager {
        self.options
            .manager
            .unwrap_or_else(repository::find_manager)
    }

    fn protected(&self) -> Protected {
        protected::read(self.machine.as_ref().map(verify::Machine::root))
    }

    fn has_prelink(&self) -> bool {
        self.options.root.join("usr/sbin/prelink").exists()
    }

    fn step(&mut self, what: &str) -> Result<(), String> {
        match &mut self.journal {
            Some(journal) => journal(what),
            None => Ok(()),
        }
    }
}
