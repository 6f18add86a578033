//! Putting a pool together: packages first, then the owners of the paths that they ask for.

use std::cmp::Ordering;

use airlock_repodata::primary::{self, DependencyKind, PrimaryPart, WrittenEvr};
use xxhash_rust::xxh3::xxh3_128;

use crate::dependency::{Dependencies, DependencyId, EvrParts, Expression, Sense, evr_ref};
use crate::draft::Draft;
use crate::error::{Error, Result, RichFault};
use crate::files::WantedPaths;
use crate::intern::{NumberMap, StringId, Strings};
use crate::pool::{Malformed, Package, PackageId, Pool, RepositoryId};
use crate::rich::{self, Refused};

/// A pool that is being made.
///
/// ```text
/// add_repository, add_primary …   for every repository
/// wanted_paths                    what has to be looked up in filelists
/// add_filelists …                 for every repository, if any path is not one that primary lists
/// finish
/// ```
#[derive(Debug)]
pub struct PoolBuilder {
    strings: Strings,
    dependencies: Dependencies,
    repositories: Vec<String>,
    packages: Vec<Package>,
    lists: Vec<DependencyId>,
    starts: Vec<u32>,
    /// Paths of primary as digests: which ones are asked for is known only at the end.
    primary_files: Vec<(u128, u32)>,
    files: Vec<(StringId, u32)>,
    by_checksum: NumberMap<[u64; 3], u32>,
    malformed: Vec<(u32, DependencyId, RichFault)>,
    scratch: [Vec<DependencyId>; 8],
}

impl Default for PoolBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl PoolBuilder {
    /// Without any package.
    pub fn new() -> Self {
        Self {
            strings: Strings::new(),
            dependencies: Dependencies::default(),
            repositories: Vec::new(),
            packages: Vec::new(),
            lists: Vec::new(),
            starts: vec![0],
            primary_files: Vec::new(),
            files: Vec::new(),
            by_checksum: NumberMap::default(),
            malformed: Vec::new(),
            scratch: Default::default(),
        }
    }

    /// A further repository. Earlier ones are preferred where packages are equal.
    pub fn add_repository(&mut self, label: &str) -> RepositoryId {
        let id = RepositoryId(self.repositories.len() as u32);
        // Labels are stored line by line.
        self.repositories.push(label.replace('\n', " "));
        id
    }

    /// Adds the package of a canonical primary fragment. `key` is the caller's number for it.
    ///
    /// # Errors
    /// [`Error::Repodata`] for a fragment that cannot be read, [`Error::Incomplete`], and
    /// [`Error::Full`]. The builder is as before then, but for texts that nothing speaks of.
    pub fn add_primary(
        &mut self,
        repository: RepositoryId,
        fragment: &[u8],
        key: u64,
    ) -> Result<()> {
        let number = self.packages.len() as u32;
        let mut draft = Parts::default();
        let (files, faults) = (self.primary_files.len(), self.malformed.len());
        for list in &mut self.scratch {
            list.clear();
        }
        let mut full = Ok(());
        let walked = primary::walk(fragment, |part| {
            if full.is_ok() {
                full = self.take(part, number, &mut draft);
            }
        });
        let taken = walked
            .map_err(Error::from)
            .and(full)
            .and_then(|()| self.push(repository, key, &draft));
        if taken.is_err() {
            self.primary_files.truncate(files);
            self.malformed.truncate(faults);
        }
        taken
    }

    /// Adds a package that is not read from metadata.
    ///
    /// # Errors
    /// As for [`PoolBuilder::add_primary`].
    pub fn add_draft(&mut self, repository: RepositoryId, draft: &Draft, key: u64) -> Result<()> {
        let number = self.packages.len() as u32;
        for list in &mut self.scratch {
            list.clear();
        }
        let parts = Parts {
            name: self.strings.intern(&draft.name)?,
            arch: self.strings.intern(&draft.arch)?,
            vendor: self.strings.intern(&draft.vendor)?,
            evr: Some(rich::intern_evr(&draft.evr, &mut self.strings)?),
            checksum: None,
            build_time: draft.build_time,
        };
        for (kind, text) in draft.dependencies() {
            let (name, flags, version) = match text.starts_with('(') {
                true => (text, "", ""),
                false => {
                    let mut words = text.split(rich::is_space).filter(|word| !word.is_empty());
                    let mut next = || words.next().unwrap_or_default();
                    (next(), next(), next())
                }
            };
            let evr = rich::intern_evr(version, &mut self.strings)?;
            self.add_dependency(number, kind, name, flags, evr)?;
        }
        for path in &draft.files {
            let digest = xxh3_128(path.as_bytes());
            self.primary_files.push((digest, number));
        }
        self.push(repository, key, &parts)
    }

    fn take(&mut self, part: PrimaryPart<'_>, number: u32, draft: &mut Parts) -> Result<()> {
        match part {
            PrimaryPart::Name(name) => draft.name = self.strings.intern(name.trim())?,
            PrimaryPart::Arch(arch) => draft.arch = self.strings.intern(arch.trim())?,
            PrimaryPart::Vendor(vendor) => draft.vendor = self.strings.intern(&vendor)?,
            PrimaryPart::Version(evr) => draft.evr = Some(self.written_evr(&evr)?),
            PrimaryPart::Checksum(checksum) => {
                draft.checksum = Some(xxh3_128(checksum.trim().as_bytes()));
            }
            PrimaryPart::BuildTime(time) => draft.build_time = time,
            PrimaryPart::Dependency {
                kind,
                name,
                flags,
                evr,
            } => {
                let evr = self.written_evr(&evr)?;
                self.add_dependency(number, kind, &name, &flags, evr)?;
            }
            PrimaryPart::File(path) => {
                self.primary_files.push((xxh3_128(path.as_bytes()), number));
            }
        }
        Ok(())
    }

    fn written_evr(&mut self, evr: &WrittenEvr<'_>) -> Result<EvrParts> {
        Ok(EvrParts {
            epoch: evr.epoch.trim().parse().unwrap_or(0),
            version: self.strings.intern(&evr.version)?,
            release: self.strings.intern(&evr.release)?,
        })
    }

    fn add_dependency(
        &mut self,
        number: u32,
        kind: DependencyKind,
        name: &str,
        flags: &str,
        evr: EvrParts,
    ) -> Result<()> {
        // What rpm itself can do is the client's matter.
        if name.is_empty() || (kind == DependencyKind::Requires && name.starts_with("rpmlib(")) {
            return Ok(());
        }
        let expression = if flags.is_empty() && name.starts_with('(') {
            match rich::parse(name, &mut self.strings, &mut self.dependencies) {
                Ok(id) => {
                    self.scratch[kind as usize].push(id);
                    return Ok(());
                }
                Err(Refused::Full(error)) => return Err(error),
                Err(Refused::Fault(fault)) => {
                    let text = self.strings.intern(name)?;
                    let expression = Expression::Malformed(text);
                    let id = self.dependencies.intern(expression)?;
                    self.malformed.push((number, id, fault));
                    expression
                }
            }
        } else {
            let name = self.strings.intern(name)?;
            match Sense::parse(flags).filter(|_| evr.version != StringId::EMPTY) {
                None => Expression::Name(name),
                Some(sense) => Expression::Version(name, sense, self.dependencies.intern_evr(evr)?),
            }
        };
        let id = self.dependencies.intern(expression)?;
        self.scratch[kind as usize].push(id);
        Ok(())
    }

    fn push(&mut self, repository: RepositoryId, key: u64, parts: &Parts) -> Result<()> {
        let missing = |part| Error::Incomplete {
            repository: self
                .repositories
                .get(repository.index())
                .cloned()
                .unwrap_or_default(),
            part,
        };
        let evr = parts
            .evr
            .filter(|evr| evr.version != StringId::EMPTY)
            .ok_or_else(|| missing("version"))?;
        if parts.name == StringId::EMPTY {
            return Err(missing("name"));
        }
        if parts.arch == StringId::EMPTY {
            return Err(missing("architecture"));
        }
        let number = self.packages.len() as u32;
        let evr = self.dependencies.intern_evr(evr)?;
        // Every package offers itself; metadata of old makers leaves that out.
        let itself = Expression::Version(parts.name, Sense::EQUAL, evr);
        let itself = self.dependencies.intern(itself)?;
        if !self.scratch[0].contains(&itself) {
            self.scratch[0].push(itself);
        }
        for list in &self.scratch {
            self.lists.extend_from_slice(list);
            let end = u32::try_from(self.lists.len()).map_err(|_| Error::Full {
                what: "dependencies",
                limit: u64::from(u32::MAX),
            })?;
            self.starts.push(end);
        }
        self.packages.push(Package {
            name: parts.name,
            evr,
            arch: parts.arch,
            vendor: parts.vendor,
            repository,
            build_time: parts.build_time,
            key,
        });
        if let Some(checksum) = parts.checksum {
            self.by_checksum
                .insert(checksum_key(repository, checksum), number);
        }
        Ok(())
    }

    /// Number of packages so far.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// True without any package.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The paths that dependencies of all packages so far ask for.
    pub fn wanted_paths(&self) -> WantedPaths {
        let names = self.dependencies.expressions.iter();
        let names = names.filter_map(|expression| match expression {
            Expression::Name(name) | Expression::Version(name, ..) => Some(*name),
            _ => None,
        });
        let paths = names.map(|name| (self.strings.get(name), name));
        WantedPaths::new(paths.filter(|(path, _)| path.starts_with('/')))
    }

    /// Looks for wanted paths in a canonical filelists fragment. Packages that were not added are
    /// passed over.
    ///
    /// # Errors
    /// [`Error::Repodata`] for a fragment that cannot be read.
    pub fn add_filelists(
        &mut self,
        repository: RepositoryId,
        wanted: &WantedPaths,
        pkgid: &str,
        fragment: &[u8],
    ) -> Result<()> {
        let digest = xxh3_128(pkgid.trim().as_bytes());
        let Some(number) = self.by_checksum.get(&checksum_key(repository, digest)) else {
            return Ok(());
        };
        let (number, files) = (*number, &mut self.files);
        wanted.scan(fragment, |path| files.push((path, number)))
    }

    /// The same for the package that was added as the given one, counted from 0: for fragments whose package is known
    /// without looking at its checksum. A number that was not given out is passed over.
    ///
    /// # Errors
    /// [`Error::Repodata`] for a fragment that cannot be read.
    pub fn add_paths_of(
        &mut self,
        number: usize,
        wanted: &WantedPaths,
        fragment: &[u8],
    ) -> Result<()> {
        if number >= self.packages.len() {
            return Ok(());
        }
        let (number, files) = (number as u32, &mut self.files);
        wanted.scan(fragment, |path| files.push((path, number)))
    }

    /// The pool. Its packages have their numbers by name, architecture and version, so that every
    /// answer is the same whatever the order was in which they came.
    pub fn finish(mut self) -> Pool {
        let wanted = self.wanted_paths();
        for (digest, number) in &self.primary_files {
            if let Some(path) = wanted.by_digest(*digest) {
                self.files.push((path, *number));
            }
        }
        let mut order: Vec<u32> = (0..self.packages.len() as u32).collect();
        order.sort_by(|one, two| self.compare(*one, *two));
        let mut numbers = vec![0_u32; order.len()];
        for (new, old) in order.iter().enumerate() {
            numbers[*old as usize] = new as u32;
        }
        let mut lists = Vec::with_capacity(self.lists.len());
        let mut starts = Vec::with_capacity(self.starts.len());
        starts.push(0);
        for old in &order {
            let first = *old as usize * 8;
            for place in first..first + 8 {
                let (start, end) = (self.starts[place], self.starts[place + 1]);
                lists.extend_from_slice(&self.lists[start as usize..end as usize]);
                starts.push(lists.len() as u32);
            }
        }
        let mut files: Vec<(StringId, PackageId)> = self
            .files
            .iter()
            .map(|(path, old)| (*path, PackageId(numbers[*old as usize])))
            .collect();
        files.sort_unstable();
        files.dedup();
        let mut malformed: Vec<Malformed> = self
            .malformed
            .iter()
            .map(|(old, dependency, fault)| Malformed {
                package: PackageId(numbers[*old as usize]),
                dependency: *dependency,
                fault: *fault,
            })
            .collect();
        malformed.sort_by_key(|malformed| malformed.package);
        self.dependencies.freeze();
        Pool {
            strings: self.strings,
            dependencies: self.dependencies,
            packages: order
                .iter()
                .map(|old| self.packages[*old as usize])
                .collect(),
            repositories: self.repositories,
            lists,
            starts,
            files,
            malformed,
        }
    }

    fn compare(&self, one: u32, two: u32) -> Ordering {
        let (one, two) = (&self.packages[one as usize], &self.packages[two as usize]);
        let text = |id| self.strings.get(id);
        let evr = |package: &Package| {
            let parts = self.dependencies.evrs[package.evr.0 as usize];
            (evr_ref(&self.strings, parts), parts)
        };
        let by_name = match one.name == two.name {
            true => Ordering::Equal,
            false => text(one.name).cmp(text(two.name)),
        };
        by_name
            .then_with(|| text(one.arch).cmp(text(two.arch)))
            .then_with(|| evr(one).0.cmp(&evr(two).0))
            // Versions that rpm takes as equal (1.0 and 1_0) still have an order here.
            .then_with(|| {
                let (one, two) = (evr(one).1, evr(two).1);
                let texts = |parts: EvrParts| (text(parts.version), text(parts.release));
                texts(one).cmp(&texts(two))
            })
            // Of equal packages that of the earlier repository comes last, as if newest.
            .then_with(|| two.repository.cmp(&one.repository))
            .then_with(|| one.build_time.cmp(&two.build_time))
            .then_with(|| one.key.cmp(&two.key))
    }
}

fn checksum_key(repository: RepositoryId, checksum: u128) -> [u64; 3] {
    [
        u64::from(repository.0),
        (checksum >> 64) as u64,
        checksum as u64,
    ]
}

/// What was read of a package so far.
#[derive(Default)]
struct Parts {
    name: StringId,
    arch: StringId,
    vendor: StringId,
    evr: Option<EvrParts>,
    checksum: Option<u128>,
    build_time: i64,
}
