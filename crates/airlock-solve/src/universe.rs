//! A pool made ready for questions: which packages a machine may have, who meets each
//! requirement, and who excludes whom.

use std::sync::OnceLock;

use airlock_repodata::primary::DependencyKind;

use crate::arch;
use crate::clause::{Clause, Conditions};
use crate::dependency::{DependencyId, Expression};
use crate::hopeless::Backwards;
use crate::intern::StringId;
use crate::lists::Lists;
use crate::pool::{PackageId, Pool};
use crate::providers::ProviderIndex;
use crate::resolve::Resolver;

/// What is not in the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Architecture of the machine; `None` for the one that most packages are made for.
    pub machine: Option<String>,
    /// Capabilities whose providers stand side by side in several versions.
    pub installonly: Vec<String>,
}

impl Default for Settings {
    /// The capabilities are dnf's default `installonlypkgs`.
    fn default() -> Self {
        let installonly = [
            "kernel",
            "kernel-PAE",
            "installonlypkg(kernel)",
            "installonlypkg(kernel-module)",
            "installonlypkg(vm)",
            "multiversion(kernel)",
        ];
        Self {
            machine: None,
            installonly: installonly.map(str::to_owned).to_vec(),
        }
    }
}

/// A requirement that is met by one package of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RequirementId(pub(crate) u32);

/// A clause of a package that came from a rich dependency.
#[derive(Debug, Clone)]
pub(crate) struct OwnedClause {
    pub(crate) owner: PackageId,
    pub(crate) dependency: DependencyId,
    pub(crate) kind: DependencyKind,
    pub(crate) clause: Clause,
}

/// See the module.
#[derive(Debug)]
pub struct Universe<'p> {
    pub(crate) pool: &'p Pool,
    pub(crate) machine: String,
    /// Packages that the machine may have.
    pub(crate) takes: Vec<bool>,
    /// Packages that stand side by side with other versions of themselves.
    pub(crate) several: Vec<bool>,
    colors: Vec<u8>,
    /// Lower is preferred.
    pub(crate) rank: Vec<u32>,
    pub(crate) index: ProviderIndex,
    /// Requirements of each package that it does not meet itself.
    pub(crate) requirements: Lists<RequirementId>,
    /// Providers of each requirement, preferred ones first.
    pub(crate) providers: Lists<PackageId>,
    pub(crate) requirement_dependency: Vec<DependencyId>,
    /// Clauses of rich dependencies of each package.
    pub(crate) clauses: Lists<u32>,
    pub(crate) owned: Vec<OwnedClause>,
    pub(crate) conditions: Conditions,
    /// Conditions that each package is a provider of.
    pub(crate) implied: Lists<u32>,
    /// Who cannot be there beside whom by conflicts and obsoletes, both ways.
    pub(crate) conflicts: Lists<PackageId>,
    /// Where the packages of the same name end and start.
    group: Vec<(u32, u32)>,
    backwards: OnceLock<Backwards>,
}

impl<'p> Universe<'p> {
    /// Prepares a pool.
    pub fn new(pool: &'p Pool, settings: &Settings) -> Self {
        let arches = || pool.packages().map(|(id, _)| pool.arch(id));
        let machine = match &settings.machine {
            Some(machine) => machine.clone(),
            None => arch::machine_of(arches()).to_owned(),
        };
        let mut by_arch: Vec<(StringId, Option<u32>, u8)> = Vec::new();
        let fits: Vec<(Option<u32>, u8)> = pool
            .packages
            .iter()
            .map(|package| {
                let known = by_arch.iter().find(|entry| entry.0 == package.arch);
                let (_, fit, color) = known.copied().unwrap_or_else(|| {
                    let text = pool.strings.get(package.arch);
                    let entry = (package.arch, arch::fit(&machine, text), arch::color(text));
                    by_arch.push(entry);
                    entry
                });
                (fit, color)
            })
            .collect();
        let takes: Vec<bool> = fits.iter().map(|fit| fit.0.is_some()).collect();
        let index = ProviderIndex::new(pool, |id| takes[id.index()]);
        let mut several = vec![false; pool.len()];
        for capability in &settings.installonly {
            if let Some(name) = pool.strings.find(capability) {
                index.for_name(name, |id| several[id.index()] = true);
            }
        }
        let mut resolver = Resolver::new(pool, &takes, &index);
        resolver.read_packages();
        let Resolver {
            requirements,
            requirement_dependency,
            clauses,
            owned,
            conditions,
            conflicts,
            ..
        } = resolver;
        let implied: Vec<(u32, u32)> = (0..)
            .zip(&conditions.providers)
            .flat_map(|(number, providers)| providers.iter().map(move |id| (id.0, number)))
            .collect();
        let mut universe = Self {
            pool,
            machine,
            rank: rank(pool, &fits),
            colors: fits.iter().map(|fit| fit.1).collect(),
            takes,
            several,
            index,
            requirements,
            providers: Lists::default(),
            requirement_dependency,
            clauses,
            owned,
            conditions,
            implied: Lists::from_pairs(pool.len(), &implied),
            conflicts,
            group: groups(pool),
            backwards: OnceLock::new(),
        };
        for number in 0..universe.requirement_dependency.len() {
            let dependency = universe.requirement_dependency[number];
            let found = universe.preferred_providers(dependency);
            universe.providers.push(&found);
        }
        universe
    }

    pub(crate) fn backwards(&self) -> &Backwards {
        self.backwards.get_or_init(|| Backwards::new(self))
    }

    /// The pool that it was made of.
    pub fn pool(&self) -> &'p Pool {
        self.pool
    }

    /// Architecture of the machine that is asked about.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// False for sources and foreign architectures, which no machine of this kind installs.
    pub fn takes(&self, id: PackageId) -> bool {
        self.takes[id.index()]
    }

    /// Other packages of the same name that cannot be there at the same time.
    pub(crate) fn rivals(&self, id: PackageId) -> impl Iterator<Item = PackageId> + '_ {
        let (start, end) = self.group[id.index()];
        (start..end)
            .map(PackageId)
            .filter(move |other| *other != id && self.are_rivals(id, *other))
    }

    /// True for packages of one name that cannot be there at the same time: libraries in the same
    /// folders, unless both stand side by side and are not the same build.
    pub(crate) fn are_rivals(&self, one: PackageId, two: PackageId) -> bool {
        let (a, b) = (self.pool.package(one), self.pool.package(two));
        if a.name != b.name {
            return false;
        }
        if self.several[one.index()] && self.several[two.index()] {
            return a.evr == b.evr && a.arch == b.arch;
        }
        a.arch == b.arch || self.colors[one.index()] & self.colors[two.index()] != 0
    }

    /// Providers of a capability, preferred ones first: alternatives in their order, then
    /// packages named like it, then by [`Universe::rank`].
    pub(crate) fn preferred_providers(&self, dependency: DependencyId) -> Vec<PackageId> {
        let mut found = match self.pool.expression(dependency) {
            Expression::Or(one, two) => {
                let mut found = self.preferred_providers(one);
                for id in self.preferred_providers(two) {
                    if !found.contains(&id) {
                        found.push(id);
                    }
                }
                return found;
            }
            _ => self.index.providers(self.pool, dependency),
        };
        if found.len() > 1 {
            let name = self.capability_name(dependency);
            found.sort_by_key(|id| {
                let named = Some(self.pool.package(*id).name) == name;
                (!named, self.rank[id.index()])
            });
        }
        found
    }

    fn capability_name(&self, dependency: DependencyId) -> Option<StringId> {
        match self.pool.expression(dependency) {
            Expression::Name(name) | Expression::Version(name, ..) => Some(name),
            Expression::With(one, _) | Expression::Without(one, _) => self.capability_name(one),
            _ => None,
        }
    }
}

/// Place of each package when all are sorted by how well they fit the machine, name, newest first.
fn rank(pool: &Pool, fits: &[(Option<u32>, u8)]) -> Vec<u32> {
    let mut order: Vec<PackageId> = pool.packages().map(|(id, _)| id).collect();
    order.sort_by(|one, two| {
        let fit = |id: &PackageId| fits[id.index()].0.unwrap_or(u32::MAX);
        let (a, b) = (pool.package(*one), pool.package(*two));
        fit(one)
            .cmp(&fit(two))
            .then_with(|| match a.name == b.name {
                true => pool.evr(*two).cmp(&pool.evr(*one)),
                // Packages are numbered by name.
                false => one.cmp(two),
            })
            .then_with(|| two.cmp(one))
    });
    let mut rank = vec![0; order.len()];
    for (place, id) in (0..).zip(&order) {
        rank[id.index()] = place;
    }
    rank
}

/// Range of the packages with the same name, for each package.
fn groups(pool: &Pool) -> Vec<(u32, u32)> {
    let mut groups = Vec::with_capacity(pool.len());
    for same in pool.packages.chunk_by(|one, two| one.name == two.name) {
        let start = groups.len() as u32;
        let end = start + same.len() as u32;
        groups.extend(same.iter().map(|_| (start, end)));
    }
    groups
}
