//! Many packages at once: all processors, bounded memory, one state of the database.
//!
//! Workers take packages one after the other. The file list of a package is cut into pieces of limited bytes; a worker
//! takes some at once, and leaves the others to whoever comes: pieces go before packages. So only headers that are being
//! worked on are in memory, a package with most of the bytes does not leave the other workers idle, and there mostly is
//! a second file to read beside a large one.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use airlock_rpm::db::{self, Installed, Snapshot};
use airlock_rpm::package::Package;

use super::file::{Look, Part};
use super::finding::{FileFinding, HeaderFinding, PackageFindings};
use super::incremental::Known;
use super::pace::Pace;
use super::selection::{Chosen, Match, Named, Selection, settled};
use super::{Checks, Error, Machine, Others, Problems, Result, drop_shared_times, head};

/// Bytes of files that one piece of work reads, about.
const PIECE_BYTES: u64 = 24 * 1024 * 1024;
/// A worker reads so many bytes at a time, of several pieces where one is smaller.
const BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// Most pieces, and so headers, that a worker holds.
const BATCH_PIECES: usize = 12;
/// More workers than any machine has processors for.
const MOST_THREADS: usize = 256;
/// Files of one piece. The list is gone through from its start for each.
const PIECE_FILES: usize = 2048;
/// Files of one piece that reads no content.
const PIECE_LOOKS: usize = 16 * 1024;

/// How a pass is made.
#[derive(Debug)]
pub struct Options {
    /// What is looked at.
    pub checks: Checks,
    /// Which packages.
    pub selection: Selection,
    /// Workers; 0 is one a processor.
    pub threads: usize,
    /// How gently the disk is read.
    pub pace: Pace,
    /// What was verified before; such files are not read again.
    pub known: Option<Known>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            checks: Checks::ALL,
            selection: Selection::All,
            threads: 0,
            pace: Pace::default(),
            known: None,
        }
    }
}

/// What a pass found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Packages with findings, and those with a verify script, in the order of the database.
    pub packages: Vec<PackageFindings>,
    /// Packages that were looked at.
    pub package_count: usize,
    /// Files that they have.
    pub file_count: usize,
    /// Names asked for that no installed package has.
    pub not_installed: Vec<String>,
    /// What each of the names asked for stands for, in the order of asking.
    pub named: Vec<Named>,
}

impl Report {
    /// True when nothing was found.
    pub fn is_good(&self) -> bool {
        self.not_installed.is_empty() && self.packages.iter().all(PackageFindings::is_good)
    }
}

impl Machine {
    /// Verifies packages in parallel. When the database changes meanwhile, the pass begins anew.
    ///
    /// # Errors
    /// [`Error::Database`] when the database cannot be read or does not come to rest.
    pub fn verify_all(&self, options: &Options) -> Result<Report> {
        let report = self.database().read(|snapshot| {
            if let Some(known) = &options.known {
                known.restart();
            }
            Pass::run(self, options, snapshot)
        })?;
        Ok(report)
    }

    /// All installed packages as rpm lists them (`rpm -qa`): `name-version-release[.arch]`, in the order of the
    /// database. A record that holds no sound header is an error of its own; the others are there all the same.
    ///
    /// # Errors
    /// [`Error::Database`] when the database as a whole cannot be read.
    pub fn list(&self) -> Result<Vec<db::Result<String>>> {
        self.database().read(|snapshot| {
            let mut cursor = snapshot.cursor();
            (0..snapshot.numbers().len())
                .map(|position| match cursor.load_at(position) {
                    Ok(installed) => Ok(Ok(name_of(&installed))),
                    Err(error @ db::Error::Record { .. }) => Ok(Err(error)),
                    Err(error) => Err(error.into()),
                })
                .collect()
        })
    }
}

/// `name-version-release[.arch]`.
fn name_of(installed: &Installed) -> String {
    use airlock_rpm::tag::main;
    let header = installed.header();
    let text = |tag| header.string(tag).unwrap_or_default();
    let mut name = format!(
        "{}-{}-{}",
        text(main::NAME),
        text(main::VERSION),
        text(main::RELEASE)
    );
    if header.has(main::ARCH) {
        name.push('.');
        // As rpm prints it: what names no source package is one.
        match header.has(main::SOURCERPM) {
            true => name.push_str(&text(main::ARCH)),
            false => name.push_str("src"),
        }
    }
    name
}

/// Files of one package that one worker looks at.
struct Piece {
    position: usize,
    installed: Arc<Installed>,
    range: Range<usize>,
    /// What there is to read, by the list.
    bytes: u64,
}

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    /// Workers that may still bring pieces.
    busy: usize,
    failed: Option<Error>,
}

#[derive(Default)]
struct Found {
    packages: Vec<(usize, PackageFindings)>,
    files: Vec<(usize, usize, Vec<FileFinding>)>,
    matches: Vec<Match>,
}

struct Pass<'m> {
    machine: &'m Machine,
    look: Look<'m>,
    snapshot: &'m Snapshot,
    others: Others,
    selection: &'m Selection,
    chosen: Chosen<'m>,
    next: AtomicUsize,
    queue: Mutex<Queue>,
    wake: Condvar,
    found: Mutex<Found>,
}

impl<'m> Pass<'m> {
    fn run(machine: &'m Machine, options: &'m Options, snapshot: &'m Snapshot) -> Result<Report> {
        let checks = options.checks;
        let pass = Self {
            machine,
            look: Look {
                machine,
                checks,
                pace: &options.pace,
                known: options.known.as_ref(),
            },
            snapshot,
            others: Others::default(),
            selection: &options.selection,
            chosen: Chosen::new(&options.selection),
            next: AtomicUsize::new(0),
            queue: Mutex::new(Queue::default()),
            wake: Condvar::new(),
            found: Mutex::new(Found::default()),
        };
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(MOST_THREADS) {
                // With fewer than asked for it takes longer, that is all.
                let started = std::thread::Builder::new().spawn_scoped(scope, || pass.work());
                if started.is_err() {
                    break;
                }
            }
            pass.work();
        });
        pass.finish()
    }

    /// One worker, until there is nothing to do and nobody brings more.
    fn work(&self) {
        let mut cursor = self.snapshot.cursor();
        while let Some(pieces) = self.gather(&mut cursor) {
            self.look_at(&pieces);
        }
    }

    /// Takes some pieces, and packages where there are no pieces. `None` at the end.
    fn gather(&self, cursor: &mut db::Cursor<'_>) -> Option<Vec<Piece>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES && pieces.len() < BATCH_PIECES {
            let mut queue = self.queue.lock().ok()?;
            if queue.failed.is_some() {
                return None;
            }
            if let Some(piece) = queue.pieces.pop_front() {
                bytes = bytes.saturating_add(piece.bytes);
                pieces.push(piece);
                continue;
            }
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            if position < self.snapshot.numbers().len() {
                queue.busy += 1;
                drop(queue);
                let outcome = self.begin(cursor, position);
                let mut queue = self.queue.lock().ok()?;
                queue.busy -= 1;
                match outcome {
                    Ok(more) => queue.pieces.extend(more),
                    Err(error) => queue.failed = Some(error),
                }
                drop(queue);
                self.wake.notify_all();
                continue;
            }
            if !pieces.is_empty() {
                break;
            }
            if queue.busy == 0 {
                return None;
            }
            // Another worker may still bring pieces.
            drop(self.wake.wait(queue).ok()?);
        }
        Some(pieces)
    }

    /// Reads a header, checks it and cuts its files into pieces.
    fn begin(&self, cursor: &mut db::Cursor<'_>, position: usize) -> Result<Vec<Piece>> {
        let number = self.snapshot.numbers()[position];
        let mut findings = PackageFindings {
            number,
            ..PackageFindings::default()
        };
        // What is read of a database that is being changed proves nothing.
        if !self.snapshot.is_current()? {
            return Err(Error::Database(db::Error::Busy {
                path: self.machine.database().location().file.clone(),
                why: "packages were changed during the pass",
            }));
        }
        let installed = match cursor.load_at(position) {
            Ok(installed) => Arc::new(installed),
            Err(db::Error::Record { flaw, .. }) => {
                findings.package = format!("#{number}");
                findings
                    .header
                    .push(HeaderFinding::Unusable { why: flaw.flaw() });
                self.keep(position, findings);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        if !self.is_selected(position, &installed) {
            return Ok(Vec::new());
        }
        let mut pieces = Vec::new();
        let others = (&self.others, Some(self.snapshot));
        let (package, outcome) = head(&self.look, &installed, others, &mut findings);
        outcome?;
        if let Some(package) = package
            && self.look.checks.files
        {
            for (range, bytes) in self.ranges(&package) {
                pieces.push(Piece {
                    position,
                    installed: Arc::clone(&installed),
                    range,
                    bytes,
                });
            }
        }
        self.keep(position, findings);
        Ok(pieces)
    }

    /// Cuts the file list of a package; each range with the bytes to read.
    fn ranges(&self, package: &Package<'_>) -> Vec<(Range<usize>, u64)> {
        let files = package.files();
        let count = files.len();
        if !self.look.checks.attributes.has(Problems::DIGEST) {
            return (0..count)
                .step_by(PIECE_LOOKS)
                .map(|start| (start..(start + PIECE_LOOKS).min(count), 0))
                .collect();
        }
        let mut ranges = Vec::new();
        let (mut start, mut bytes) = (0, 0_u64);
        for (index, file) in files.enumerate() {
            if file.is_regular() {
                bytes = bytes.saturating_add(file.size);
            }
            if bytes >= PIECE_BYTES || index + 1 - start >= PIECE_FILES {
                ranges.push((start..index + 1, bytes));
                (start, bytes) = (index + 1, 0);
            }
        }
        if start < count {
            ranges.push((start..count, bytes));
        }
        ranges
    }

    fn is_selected(&self, position: usize, installed: &Installed) -> bool {
        let (taken, matches) = self.chosen.takes(position, installed);
        if !matches.is_empty()
            && let Ok(mut found) = self.found.lock()
        {
            found.matches.extend(matches);
        }
        taken
    }

    fn keep(&self, position: usize, findings: PackageFindings) {
        if let Ok(mut found) = self.found.lock() {
            found.packages.push((position, findings));
        }
    }

    fn look_at(&self, pieces: &[Piece]) {
        let packages: Vec<(&Piece, Package<'_>)> = pieces
            .iter()
            .filter_map(|piece| Some((piece, piece.installed.package().ok()?)))
            .collect();
        let parts: Vec<Part<'_>> = packages
            .iter()
            .map(|(piece, package)| Part {
                installed: &piece.installed,
                package,
                range: piece.range.clone(),
            })
            .collect();
        let findings = self.look.parts(&parts);
        let Ok(mut found) = self.found.lock() else {
            return;
        };
        for ((piece, _), files) in packages.iter().zip(findings) {
            if !files.is_empty() {
                found.files.push((piece.position, piece.range.start, files));
            }
        }
    }

    fn finish(self) -> Result<Report> {
        let queue = self.queue.into_inner().map_err(|_| Error::Worker)?;
        if let Some(error) = queue.failed {
            return Err(error);
        }
        let mut found = self.found.into_inner().map_err(|_| Error::Worker)?;
        found
            .packages
            .sort_unstable_by_key(|(position, _)| *position);
        found
            .files
            .sort_unstable_by_key(|(position, start, _)| (*position, *start));
        let names = match self.selection {
            Selection::Named(names) => &names[..],
            _ => &[],
        };
        let stands_for = settled(names.len(), &found.matches);
        if let Selection::Named(_) = self.selection {
            let asked: HashSet<usize> = stands_for.iter().flatten().copied().collect();
            let otherwise = found.matches.iter().map(|one| one.position);
            let otherwise: HashSet<usize> = otherwise.filter(|at| !asked.contains(at)).collect();
            // A record that says no name stays: any of the names may be its.
            found.packages.retain(|(at, _)| !otherwise.contains(at));
            found.files.retain(|(at, ..)| !otherwise.contains(at));
        }
        let package_count = found.packages.len();
        let file_count = found.packages.iter().map(|(_, one)| one.file_count).sum();
        let mut files = found.files.into_iter().peekable();
        let mut packages = Vec::new();
        for (position, mut findings) in found.packages {
            while let Some((_, _, more)) = files.next_if(|piece| piece.0 == position) {
                findings.files.extend(more);
            }
            drop_shared_times(
                &mut findings,
                self.machine,
                (&self.others, Some(self.snapshot)),
            )?;
            if !findings.is_good() || findings.has_script {
                packages.push(findings);
            }
        }
        let numbers = self.snapshot.numbers();
        let named: Vec<Named> = names
            .iter()
            .zip(stands_for)
            .map(|(name, positions)| Named {
                name: name.clone(),
                numbers: positions
                    .iter()
                    .map(|position| numbers[*position])
                    .collect(),
            })
            .collect();
        let unknown = named.iter().filter(|one| one.numbers.is_empty());
        let not_installed = unknown.map(|one| one.name.clone()).collect();
        Ok(Report {
            packages,
            package_count,
            file_count,
            not_installed,
            named,
        })
    }
}
