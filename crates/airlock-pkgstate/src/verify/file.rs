//! Files of one package against the disk. The rules, in their order, are rpm's (`rpmfilesVerify`).

use std::io;
use std::ops::Range;

use airlock_rpm::db::{FileState, Installed};
use airlock_rpm::package::{DigestAlgorithm, File, Package, file_flag};
use rustix::fs::Stat;
use rustix::io::Errno;

use super::Machine;
use super::capabilities::Capabilities;
use super::checks::{Checks, Problems};
use super::finding::{Difference, FileFinding};
use super::hash::{Hashing, Outcome};
use super::incremental::Known;
use super::pace::Pace;
use super::root::{BLOCK_DEVICE, CHARACTER_DEVICE, FOLDER, Folder, LINK, REGULAR, file_type};

/// A file that was looked at, and whether its content is still to be read.
struct Examined<'h> {
    file: File<'h>,
    /// As the package says.
    capabilities: &'h [u8],
    finding: FileFinding,
    /// Which of the parts that are looked at together it is of.
    part: usize,
    algorithm: DigestAlgorithm,
    status: Option<Stat>,
    reads: bool,
    checks: Problems,
}

/// Files of one package, by their positions in its list.
pub(super) struct Part<'h> {
    pub(super) installed: &'h Installed,
    pub(super) package: &'h Package<'h>,
    pub(super) range: Range<usize>,
}

/// What one look at files needs beside them.
pub(super) struct Look<'m> {
    pub(super) machine: &'m Machine,
    pub(super) checks: Checks,
    pub(super) pace: &'m Pace,
    pub(super) known: Option<&'m Known>,
}

impl Look<'_> {
    /// Verifies some files of one package.
    pub(super) fn files(
        &self,
        installed: &Installed,
        package: &Package<'_>,
        range: Range<usize>,
    ) -> Vec<FileFinding> {
        let parts = [Part {
            installed,
            package,
            range,
        }];
        self.parts(&parts).pop().unwrap_or_default()
    }

    /// Verifies files of several packages; their contents are read together. Gives those that differ, for each part in
    /// the order of its list.
    pub(super) fn parts(&self, parts: &[Part<'_>]) -> Vec<Vec<FileFinding>> {
        let mut examined = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            self.look_over(number, part, &mut examined);
        }
        self.read_contents(&mut examined);
        let mut findings: Vec<Vec<FileFinding>> = parts.iter().map(|_| Vec::new()).collect();
        for one in examined {
            if one.finding.problems.is_empty() {
                continue;
            }
            if let Some(findings) = findings.get_mut(one.part) {
                findings.push(FileFinding {
                    path: full_path(&one.file),
                    ..one.finding
                });
            }
        }
        findings
    }

    /// Everything but the contents.
    fn look_over<'h>(&self, number: usize, part: &Part<'h>, examined: &mut Vec<Examined<'h>>) {
        let algorithm = part.package.file_digest_algorithm();
        let mut states = part.installed.file_states().skip(part.range.start);
        let mut texts = part.installed.file_capabilities().skip(part.range.start);
        let mut folder: Option<(&[u8], Folder)> = None;
        let files = part.package.files();
        for file in files.skip(part.range.start).take(part.range.len()) {
            let state = states.next().unwrap_or(FileState::Normal);
            let capabilities = texts.next().unwrap_or_default();
            if state != FileState::Normal || self.is_left_out(&file) {
                continue;
            }
            // Only one is open at a time: a package may have more than a process may have open.
            let here = match folder.take() {
                Some((path, here)) if path == file.dir => here,
                _ => Folder::open(&self.machine.root, file.dir),
            };
            if let Some(one) = self.examine(file, capabilities, &here) {
                examined.push(Examined {
                    part: number,
                    algorithm,
                    ..one
                });
            }
            folder = Some((file.dir, here));
        }
    }

    fn is_left_out(&self, file: &File<'_>) -> bool {
        (file.is_ghost() && !self.checks.ghosts)
            || (file.is_config() && !self.checks.configs)
            || (file.flags & file_flag::ARTIFACT != 0 && !self.checks.artifacts)
    }

    /// Everything but the content. `None` when nothing differs and nothing is to be read.
    fn examine<'h>(
        &self,
        file: File<'h>,
        capabilities: &'h [u8],
        folder: &Folder,
    ) -> Option<Examined<'h>> {
        let mut finding = FileFinding::new(&file);
        let mut status = match folder.lstat(file.base) {
            Ok(status) => status,
            Err(error) => {
                let optional = file_flag::MISSINGOK | file_flag::GHOST;
                if file.flags & optional != 0 {
                    return None;
                }
                finding.set_missing(&error);
                return Some(Examined {
                    file,
                    capabilities,
                    finding,
                    part: 0,
                    algorithm: DigestAlgorithm::Sha256,
                    status: None,
                    reads: false,
                    checks: Problems::NONE,
                });
            }
        };
        // A folder may be moved and a link put in its place, by root or by who owns the folder.
        if file.is_dir()
            && file_type(&status) == LINK
            && let Ok(target) = self.machine.root.stat(&full_path(&file))
            && file_type(&target) == FOLDER
        {
            let owner = self.machine.accounts.user_number(file.user);
            if status.st_uid == 0 || owner == Some(status.st_uid) {
                status = target;
            }
        }
        let mut checks = self.checks_for(&file, &status);
        let mut reads = checks.has(Problems::DIGEST);
        if reads
            && let Some(known) = self.known
            && known.is_unchanged(&full_path(&file), (file.digest, capabilities), &status)
        {
            reads = false;
            checks = checks.without(Problems::CAPABILITIES);
        }
        self.attributes(&mut finding, &file, folder, &status, capabilities, checks);
        if finding.problems.is_empty() && !reads {
            return None;
        }
        Some(Examined {
            file,
            capabilities,
            finding,
            part: 0,
            algorithm: DigestAlgorithm::Sha256,
            status: Some(status),
            reads,
            checks,
        })
    }

    /// What can be compared, by what the package says, by what is there, and by what is asked for.
    fn checks_for(&self, file: &File<'_>, status: &Stat) -> Problems {
        let content = Problems::DIGEST
            .with(Problems::SIZE)
            .with(Problems::MTIME)
            .with(Problems::CAPABILITIES);
        let mut checks = Problems::from_bits(file.verify_flags).and(Problems::ATTRIBUTES);
        match file_type(status) {
            LINK => checks = checks.without(Problems::MODE),
            _ => checks = checks.without(Problems::LINK),
        }
        if file_type(status) != REGULAR {
            checks = checks.without(content);
        }
        if file.is_ghost() {
            checks = checks
                .without(Problems::DIGEST)
                .without(Problems::SIZE)
                .without(Problems::MTIME)
                .without(Problems::LINK);
        }
        checks.and(self.checks.attributes)
    }

    fn attributes(
        &self,
        finding: &mut FileFinding,
        file: &File<'_>,
        folder: &Folder,
        status: &Stat,
        capabilities: &[u8],
        checks: Problems,
    ) {
        if checks.has(Problems::LINK) {
            match folder.read_link(file.base) {
                Ok(target) if target == file.link_target => {}
                Ok(target) => finding.differs(
                    Problems::LINK,
                    Difference::Link {
                        expected: file.link_target.to_vec(),
                        found: target,
                    },
                ),
                Err(error) => {
                    finding.problems.add(Problems::UNREADABLE_LINK);
                    finding.differs(Problems::LINK, Difference::unreadable(&error));
                }
            }
        }
        let size = status.st_size as u64;
        if checks.has(Problems::SIZE) && size != file.size {
            finding.differs(
                Problems::SIZE,
                Difference::Size {
                    expected: file.size,
                    found: size,
                },
            );
        }
        if checks.has(Problems::MODE) {
            self.mode(finding, file, status);
        }
        if checks.has(Problems::DEVICE) {
            self.device(finding, file, status);
        }
        if checks.has(Problems::CAPABILITIES) {
            self.capabilities(finding, file, folder, capabilities);
        }
        let mtime = status.st_mtime;
        if checks.has(Problems::MTIME) && mtime != i64::from(file.mtime) {
            finding.differs(
                Problems::MTIME,
                Difference::Mtime {
                    expected: i64::from(file.mtime),
                    found: mtime,
                },
            );
        }
        let accounts = &self.machine.accounts;
        if checks.has(Problems::USER) && !accounts.user_is(file.user, status.st_uid) {
            finding.differs(
                Problems::USER,
                Difference::User {
                    expected: lossy(file.user),
                    found: accounts.user_text(status.st_uid),
                },
            );
        }
        if checks.has(Problems::GROUP) && !accounts.group_is(file.group, status.st_gid) {
            finding.differs(
                Problems::GROUP,
                Difference::Group {
                    expected: lossy(file.group),
                    found: accounts.group_text(status.st_gid),
                },
            );
        }
    }

    fn mode(&self, finding: &mut FileFinding, file: &File<'_>, status: &Stat) {
        let (mut expected, mut found) = (u32::from(file.mode), status.st_mode & 0xffff);
        // What a ghost is, is up to who makes it; who may read it is not.
        if file.is_ghost() {
            expected &= 0o7777;
            found &= 0o7777;
        }
        if expected != found {
            finding.differs(Problems::MODE, Difference::Mode { expected, found });
        }
    }

    fn device(&self, finding: &mut FileFinding, file: &File<'_>, status: &Stat) {
        let expected_type = u32::from(file.mode) & 0o170_000;
        let found_type = file_type(status);
        let is = |kind: u32| (expected_type == kind, found_type == kind);
        let (character, block) = (is(CHARACTER_DEVICE), is(BLOCK_DEVICE));
        let same_kind = character.0 == character.1 && block.0 == block.1;
        // The header has room for 16 bits.
        let (expected, found) = (u32::from(file.rdev), (status.st_rdev & 0xffff) as u32);
        let is_device = character.0 || block.0;
        if !same_kind || (is_device && expected != found) {
            finding.differs(Problems::DEVICE, Difference::Device { expected, found });
        }
    }

    fn capabilities(
        &self,
        finding: &mut FileFinding,
        file: &File<'_>,
        folder: &Folder,
        text: &[u8],
    ) {
        let mut buffer = [0; 64];
        // Where they cannot be read, rpm takes them as none.
        let length = folder
            .capabilities(file.base, &mut buffer)
            .unwrap_or_default();
        if length == 0 && text.is_empty() {
            return;
        }
        let expected = Capabilities::from_text(text).unwrap_or_default();
        let found = match length {
            0 => Capabilities::default(),
            length => Capabilities::from_attribute(&buffer[..length]),
        };
        if expected != found {
            finding.differs(
                Problems::CAPABILITIES,
                Difference::Capabilities {
                    expected: expected.text(),
                    found: found.text(),
                },
            );
        }
    }

    fn read_contents(&self, examined: &mut [Examined<'_>]) {
        let mut jobs: Vec<usize> = (0..examined.len())
            .filter(|position| examined[*position].reads)
            .collect();
        // Large ones first, so that there is a second file to read beside them.
        jobs.sort_by_key(|position| std::cmp::Reverse(examined[*position].file.size));
        while let Some(algorithm) = jobs.first().map(|position| examined[*position].algorithm) {
            let (now, later) = jobs
                .into_iter()
                .partition(|position| examined[*position].algorithm == algorithm);
            jobs = later;
            self.read_some(examined, now, algorithm);
        }
    }

    fn read_some(
        &self,
        examined: &mut [Examined<'_>],
        jobs: Vec<usize>,
        algorithm: DigestAlgorithm,
    ) {
        let hashing = Hashing {
            algorithm,
            pace: self.pace,
        };
        let mut outcomes = Vec::with_capacity(jobs.len());
        hashing.run(
            jobs,
            |position| {
                self.machine
                    .root
                    .open_file(&full_path(&examined[position].file))
            },
            |position, outcome| outcomes.push((position, outcome)),
        );
        for (position, outcome) in outcomes {
            self.judge(&mut examined[position], outcome, algorithm);
        }
    }

    fn judge(&self, one: &mut Examined<'_>, outcome: Outcome, algorithm: DigestAlgorithm) {
        let expected = one.file.digest;
        match outcome {
            Ok((digest, _)) if expected.eq_ignore_ascii_case(digest.as_bytes()) => {
                let whole = one.checks.has(Problems::CAPABILITIES)
                    && !one.finding.problems.has(Problems::CAPABILITIES);
                if let (Some(known), Some(status), true) = (self.known, &one.status, whole) {
                    let asked = (expected, one.capabilities);
                    known.remember(&full_path(&one.file), asked, status);
                }
            }
            Ok((digest, length)) => {
                let unlinked = self.machine.prelink.as_ref().and_then(|prelink| {
                    prelink.original(&self.machine.root, &full_path(&one.file), algorithm)
                });
                if let Some((digest, size)) = unlinked {
                    one.finding.set_size(one.checks, one.file.size, size);
                    if expected.eq_ignore_ascii_case(digest.as_bytes()) {
                        return;
                    }
                } else {
                    // rpm compares the bytes that it read.
                    one.finding.set_size(one.checks, one.file.size, length);
                }
                one.finding.differs(
                    Problems::DIGEST,
                    Difference::Digest {
                        algorithm: algorithm.to_string(),
                        expected: lossy(expected),
                        found: digest,
                    },
                );
            }
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {
                // It was there a moment ago.
                one.finding.set_missing(&error);
            }
            Err(error) => {
                one.finding.problems.add(Problems::UNREADABLE);
                one.finding
                    .differs(Problems::DIGEST, Difference::unreadable(&error));
            }
        }
    }
}

pub(super) fn full_path(file: &File<'_>) -> Vec<u8> {
    let mut path = Vec::with_capacity(file.dir.len() + file.base.len());
    file.path_into(&mut path);
    path
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl FileFinding {
    fn new(file: &File<'_>) -> Self {
        Self {
            // Known when it is told; most files are not.
            path: Vec::new(),
            flags: file.flags,
            problems: Problems::NONE,
            differences: Vec::new(),
            missing: None,
        }
    }

    fn differs(&mut self, problem: Problems, difference: Difference) {
        self.problems.add(problem);
        self.differences.push(difference);
    }

    fn set_missing(&mut self, error: &io::Error) {
        self.problems = Problems::MISSING;
        self.differences.clear();
        self.missing = Some(error.raw_os_error().unwrap_or(0));
    }

    /// The size counts as the bytes that were read.
    fn set_size(&mut self, checks: Problems, expected: u64, found: u64) {
        if !checks.has(Problems::SIZE) {
            return;
        }
        self.differences
            .retain(|difference| !matches!(difference, Difference::Size { .. }));
        self.problems = self.problems.without(Problems::SIZE);
        if expected != found {
            self.differs(Problems::SIZE, Difference::Size { expected, found });
        }
    }
}
