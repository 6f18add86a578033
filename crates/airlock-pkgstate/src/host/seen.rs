//! What was read of a machine: its database as it was then, and what is looked at beside it.

use std::os::fd::OwnedFd;

use airlock_rpm::db;

use super::HostOptions;
use super::acknowledged::{self, Acknowledged};
use super::running::{Holds, Running};
use crate::decide::{Difference, FileProblem, Omit, Unmet, Verdict};
use crate::inventory::{Installed, Inventory, Signature, SignatureTag};
use crate::verify::{self, Checks, Problems};

/// A machine as it was read.
pub(super) struct Seen {
    pub(super) machine: verify::Machine,
    /// Headers are read when they are looked at: all of them together are large.
    snapshot: db::Snapshot,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// What runs.
    pub(super) running: Running,
    /// Packages that own it.
    pub(super) held: Vec<(Installed, Holds)>,
}

impl Seen {
    /// Reads the database.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn read(options: &HostOptions) -> Result<(Self, Inventory), String> {
        let machine = verify::Machine::open(&options.root, options.dbpath.as_deref())
            .map_err(|error| error.to_string())?;
        let database = machine.database();
        let running = Running::here(&options.root);
        let mut held = Vec::new();
        // A package that cannot be read might be any declared one: then nothing is decided.
        let packages = database
            .read(|snapshot| {
                let mut cursor = snapshot.cursor();
                let all = 0..snapshot.numbers().len();
                all.map(|position| {
                    let record = cursor.load_at(position)?;
                    let package = installed(&record);
                    if let Some(holds) = running.held_by(&record) {
                        held.push((package.clone(), holds));
                    }
                    Ok(package)
                })
                .collect::<db::Result<Vec<Installed>>>()
            })
            .map_err(|error| error.to_string())?;
        let seen = Self {
            snapshot: database.snapshot().map_err(|error| error.to_string())?,
            acknowledged: acknowledged::read(machine.root())?,
            machine,
            running,
            held,
        };
        Ok((seen, Inventory::new(packages)))
    }

    /// The record of a package, as long as it is still that package.
    fn record(&self, package: &Installed) -> Result<db::Installed, String> {
        let record = self
            .snapshot
            .cursor()
            .load(package.number)
            .map_err(|error| error.to_string())?;
        match installed(&record) == *package {
            true => Ok(record),
            false => Err("it changed while it was looked at".to_owned()),
        }
    }

    /// Verifies an installed package.
    ///
    /// # Errors
    /// A text when it could not be looked at.
    pub(super) fn check(&self, package: &Installed, omit: &Omit) -> Result<Verdict, String> {
        let machine = &self.machine;
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

    /// The package has a file of that path.
    pub(super) fn owns(&self, package: &Installed, path: &str) -> bool {
        let Ok(record) = self.record(package) else {
            return false;
        };
        let Ok(package) = record.package() else {
            return false;
        };
        package.files().any(|file| file.path() == path)
    }

    /// The path is a symbolic link that leads nowhere.
    pub(super) fn is_dangling(&self, path: &str) -> bool {
        let link = self.open_inside(path, rustix::fs::OFlags::NOFOLLOW);
        let is_link = link
            .and_then(|file| rustix::fs::fstat(&file).ok())
            .is_some_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink());
        is_link
            && self
                .open_inside(path, rustix::fs::OFlags::empty())
                .is_none()
    }

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
        if !changed || problem.differs.contains(&Difference::Mtime) {
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
        let (Some(own), Ok(stat)) = (own, self.machine.root().stat(&file.path)) else {
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

    pub(super) fn open_with(
        &self,
        path: &str,
        flags: rustix::fs::OFlags,
    ) -> std::io::Result<OwnedFd> {
        self.machine.root().open_with(path.as_bytes(), flags)
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
        provide_versions: header.strings(main::PROVIDEVERSION).map(text).collect(),
        signatures,
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
