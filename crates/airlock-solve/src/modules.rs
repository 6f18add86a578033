//! Module streams: which packages can see each other.
//!
//! A client has at most one stream of a module enabled. A package of a stream is judged with its
//! own stream, what that stream's module requires, and the defaults of all other modules; any
//! other package with the defaults, or without modules where a default stream hides it. Packages of streams that are not enabled are not there, and
//! neither are packages outside of modules that provide a name which an enabled stream has (dnf's
//! modular filtering).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use airlock_repodata::modules::{ModuleContent, ModuleDependencies, ModuleDocument};
use airlock_rpm::Nevra;

use crate::installable::Installability;
use crate::pool::{PackageId, Pool};
use crate::set::PackageSet;
use crate::universe::Universe;

/// Stands for the distribution itself; no repository has it.
const PLATFORM: &str = "platform";

/// All builds of one stream in one context: they need the same modules.
#[derive(Debug, Clone)]
struct Unit {
    module: String,
    stream: String,
    /// The build context.
    context: String,
    requires: Vec<ModuleDependencies>,
    packages: Vec<PackageId>,
    /// The same by build.
    builds: Vec<Vec<PackageId>>,
    /// Names of all its packages, whether they are in the pool or not.
    names: BTreeSet<String>,
}

/// Streams that are enabled together, and whom they are enabled for.
#[derive(Debug, Clone)]
pub struct Context {
    /// The stream whose packages are judged, `MODULE:STREAM`; none for the defaults and for no modules at all.
    pub stream: Option<String>,
    /// The build context of that stream: one stream may have been built for several streams of what it needs.
    pub build: Option<String>,
    /// Modules and their enabled streams.
    pub enabled: BTreeMap<String, Enabled>,
    /// A module that the stream needs and that has no stream which goes with the others. What is
    /// judged here cannot be enabled then.
    pub unmet: Option<String>,
    /// Packages that are there.
    pub scope: PackageSet,
    /// Packages that are judged with these streams.
    pub judged: Vec<PackageId>,
}

/// A stream that is enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enabled {
    /// The stream.
    pub stream: String,
    /// The build context whose packages are taken.
    pub build: String,
}

/// The modules of a pool's repositories.
#[derive(Debug, Default)]
pub struct Modules {
    units: Vec<Unit>,
    /// The units of each module, which stand side by side.
    by_module: BTreeMap<String, Range<usize>>,
    defaults: BTreeMap<String, String>,
    modular: PackageSet,
}

/// Unit by module.
type Chosen = BTreeMap<String, usize>;

impl Modules {
    /// Takes in the documents of all repositories of a pool. Of several defaults for a module the
    /// last one counts.
    pub fn new(pool: &Pool, documents: &[ModuleDocument]) -> Self {
        let mut by_nevra: HashMap<String, Vec<PackageId>> = HashMap::new();
        if !documents.is_empty() {
            for (id, _) in pool.packages() {
                by_nevra.entry(pool.nevra(id)).or_default().push(id);
            }
        }
        let mut units: BTreeMap<(String, String, String), Unit> = BTreeMap::new();
        let mut defaults = BTreeMap::new();
        let mut modular = PackageSet::default();
        for document in documents {
            match &document.content {
                ModuleContent::Stream(build) => {
                    let (module, stream) = (build.name.clone(), build.stream.clone());
                    let key = (module.clone(), stream.clone(), build.context.clone());
                    let unit = units.entry(key).or_insert_with(|| Unit {
                        module,
                        stream,
                        context: build.context.clone(),
                        requires: build.dependencies.clone(),
                        packages: Vec::new(),
                        builds: Vec::new(),
                        names: BTreeSet::new(),
                    });
                    let mut packages = Vec::new();
                    for artifact in &build.artifacts {
                        let Ok(nevra) = Nevra::parse(artifact) else {
                            continue;
                        };
                        for id in by_nevra.get(&nevra.to_string()).into_iter().flatten() {
                            modular.insert(*id);
                            packages.push(*id);
                        }
                        if !crate::arch::is_source(&nevra.arch) {
                            unit.names.insert(nevra.name);
                        }
                    }
                    unit.packages.extend(&packages);
                    unit.builds.push(packages);
                }
                ModuleContent::Defaults(found) => {
                    if let Some(stream) = &found.stream {
                        defaults.insert(found.module.clone(), stream.clone());
                    }
                }
                _ => {}
            }
        }
        let units: Vec<Unit> = units.into_values().collect();
        let mut by_module: BTreeMap<String, Range<usize>> = BTreeMap::new();
        for (number, unit) in units.iter().enumerate() {
            match by_module.get_mut(&unit.module) {
                Some(range) => range.end = number + 1,
                None => {
                    by_module.insert(unit.module.clone(), number..number + 1);
                }
            }
        }
        Self {
            units,
            by_module,
            defaults,
            modular,
        }
    }

    /// True when there is no stream: every package sees every other one.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The packages of a stream in one build context that are in the pool, build by build.
    pub fn builds<'a>(
        &'a self,
        module: &'a str,
        enabled: &'a Enabled,
    ) -> impl Iterator<Item = &'a [PackageId]> {
        self.units_of(module, move |found| found == enabled.stream)
            .filter(move |number| self.units[*number].context == enabled.build)
            .flat_map(|number| self.units[number].builds.iter().map(Vec::as_slice))
    }

    /// The contexts in which packages are judged; every package that the machine takes is in at
    /// least one.
    pub fn contexts(&self, universe: &Universe<'_>) -> Vec<Context> {
        let mut steps = MOST_STEPS;
        let mut defaults = Chosen::new();
        self.add_defaults(&mut defaults, &mut steps);
        let mut first = self.context(universe, &defaults, None, Vec::new());
        let everyone = universe.pool().packages().map(|(id, _)| id);
        let outside = everyone.filter(|id| !self.modular.contains(*id));
        let (seen, hidden): (Vec<_>, Vec<_>) = outside.partition(|id| first.scope.contains(*id));
        first.judged = seen;
        let mut contexts = vec![first];
        if !hidden.is_empty() {
            contexts.push(self.context(universe, &Chosen::new(), None, hidden));
        }
        for (number, unit) in self.units.iter().enumerate() {
            let judged = unit.packages.clone();
            if defaults.get(&unit.module) == Some(&number) {
                contexts[0].judged.extend(judged);
                continue;
            }
            let mut chosen = Chosen::new();
            let unmet = self.enable(number, &mut chosen, &mut steps).err();
            if unmet.is_some() {
                chosen.insert(unit.module.clone(), number);
            }
            self.add_defaults(&mut chosen, &mut steps);
            let mut context = self.context(universe, &chosen, unmet, judged);
            context.stream = Some(format!("{}:{}", unit.module, unit.stream));
            context.build = Some(unit.context.clone());
            contexts.push(context);
        }
        contexts
    }

    /// Enables the default streams that go with what is enabled.
    fn add_defaults(&self, chosen: &mut Chosen, steps: &mut u32) {
        for (module, stream) in &self.defaults {
            if chosen.contains_key(module) {
                continue;
            }
            for number in self.units_of(module, |found| found == stream) {
                let mut tried = chosen.clone();
                if self.enable(number, &mut tried, steps).is_ok() {
                    *chosen = tried;
                    break;
                }
            }
        }
    }

    fn units_of<'a>(
        &'a self,
        module: &'a str,
        takes: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let numbers = self.by_module.get(module).cloned().unwrap_or_default();
        numbers.filter(move |number| takes(&self.units[*number].stream))
    }

    /// Enables a unit and what it requires; the module that cannot be had otherwise. Of several ways that one is taken in
    /// which the fewest modules leave their default stream, as dnf does.
    fn enable(&self, number: usize, chosen: &mut Chosen, steps: &mut u32) -> Result<(), String> {
        let mut search = Search {
            modules: self,
            steps: MOST_SEARCHED.min(FREE_STEPS + *steps),
            depth: 0,
            against: 0,
            cut: false,
        };
        let allowed = search.steps;
        let mut found = Err(self.units[number].module.clone());
        for against in 0..=self.defaults.len() {
            search.against = against;
            search.cut = false;
            let mut tried = chosen.clone();
            match search.enable(number, &mut tried) {
                Ok(()) => {
                    *chosen = tried;
                    found = Ok(());
                    break;
                }
                Err(module) if !search.cut || search.steps == 0 => {
                    found = Err(module);
                    break;
                }
                Err(_) => {}
            }
        }
        let used = allowed - search.steps;
        *steps = steps.saturating_sub(used.saturating_sub(FREE_STEPS));
        found
    }

    /// Modules that have another stream than their default.
    fn against_defaults(&self, chosen: &Chosen) -> usize {
        let streams = chosen.iter();
        streams
            .filter(|(module, number)| {
                let default = self.defaults.get(*module);
                default.is_some_and(|stream| *stream != self.units[**number].stream)
            })
            .count()
    }

    fn context(
        &self,
        universe: &Universe<'_>,
        chosen: &Chosen,
        unmet: Option<String>,
        judged: Vec<PackageId>,
    ) -> Context {
        let pool = universe.pool();
        let mut scope = PackageSet::default();
        let mut hidden = PackageSet::default();
        for number in chosen.values() {
            let unit = &self.units[*number];
            for id in &unit.packages {
                scope.insert(*id);
            }
            for name in unit.names.iter().filter_map(|name| pool.strings.find(name)) {
                universe.index.for_name(name, |id| {
                    hidden.insert(id);
                });
            }
        }
        for (id, _) in pool.packages() {
            if !self.modular.contains(id) && !hidden.contains(id) {
                scope.insert(id);
            }
        }
        let enabled = chosen.iter();
        Context {
            stream: None,
            build: None,
            enabled: enabled
                .map(|(module, number)| {
                    let unit = &self.units[*number];
                    let enabled = Enabled {
                        stream: unit.stream.clone(),
                        build: unit.context.clone(),
                    };
                    (module.clone(), enabled)
                })
                .collect(),
            unmet,
            scope,
            judged,
        }
    }
}

/// Steps after which a search gives up.
const MOST_SEARCHED: u32 = 20_000;
/// Steps that each search has for itself; what a distribution has takes some tens.
const FREE_STEPS: u32 = 100;
/// Steps beyond those of all searches for one set of contexts: documents that are made to take long take that long once.
const MOST_STEPS: u32 = 100_000;
/// Modules that one may need through each other.
const MOST_DEPTH: usize = 200;

/// One search for streams that go together.
struct Search<'m> {
    modules: &'m Modules,
    /// Steps left.
    steps: u32,
    /// Choices that are open.
    depth: usize,
    /// Modules that may leave their default stream.
    against: usize,
    /// Something was not tried because of that number.
    cut: bool,
}

impl Search<'_> {
    fn enable(&mut self, number: usize, chosen: &mut Chosen) -> Result<(), String> {
        let unit = &self.modules.units[number];
        chosen.insert(unit.module.clone(), number);
        if self.steps == 0 || self.depth == MOST_DEPTH {
            return Err(unit.module.clone());
        }
        self.steps -= 1;
        if self.modules.against_defaults(chosen) > self.against {
            self.cut = true;
            return Err(unit.module.clone());
        }
        if unit.requires.is_empty() {
            return Ok(());
        }
        let mut unmet = String::new();
        for alternative in &unit.requires {
            let mut tried = chosen.clone();
            match self.require_all(&alternative.requires, &mut tried) {
                Ok(()) => {
                    *chosen = tried;
                    return Ok(());
                }
                Err(module) => unmet = module,
            }
        }
        Err(unmet)
    }

    fn require_all(
        &mut self,
        required: &[(String, Vec<String>)],
        chosen: &mut Chosen,
    ) -> Result<(), String> {
        let mut required = required.iter();
        // What is there already needs no choice.
        let (module, streams) = loop {
            let Some((module, streams)) = required.next() else {
                return Ok(());
            };
            if module == PLATFORM {
                continue;
            }
            let Some(number) = chosen.get(module) else {
                break (module, streams);
            };
            if !allows(streams, &self.modules.units[*number].stream) {
                return Err(module.clone());
            }
        };
        let rest = required.as_slice();
        let mut candidates: Vec<usize> = self
            .modules
            .units_of(module, |stream| allows(streams, stream))
            .collect();
        let default = self.modules.defaults.get(module);
        candidates.sort_by_key(|number| default != Some(&self.modules.units[*number].stream));
        for number in candidates {
            let mut tried = chosen.clone();
            self.depth += 1;
            let fits = self.enable(number, &mut tried).is_ok()
                && self.require_all(rest, &mut tried).is_ok();
            self.depth -= 1;
            if fits {
                *chosen = tried;
                return Ok(());
            }
        }
        Err(module.clone())
    }
}

/// True when a list of a module's requirement takes a stream: none named is any, `-stream` is any
/// but that one.
fn allows(streams: &[String], stream: &str) -> bool {
    let (without, with): (Vec<&str>, Vec<&str>) = streams
        .iter()
        .map(String::as_str)
        .partition(|named| named.starts_with('-'));
    let refused = without.iter().any(|named| named[1..] == *stream);
    !refused && (with.is_empty() || with.contains(&stream))
}

impl Installability {
    /// Decides for every package with the module streams that it is judged with. One of several
    /// streams can be installed when it can with any of them.
    pub fn check_modular(universe: &Universe<'_>, modules: &Modules) -> Self {
        Self::check_contexts(universe, &modules.contexts(universe), |_| true, |_| true)
    }

    /// The same for some packages of a part of the pool: what is not there can neither be
    /// installed nor help.
    pub fn check_contexts(
        universe: &Universe<'_>,
        contexts: &[Context],
        is_there: impl Fn(PackageId) -> bool,
        asked: impl Fn(PackageId) -> bool,
    ) -> Self {
        let mut all = Self::nothing(universe);
        for context in contexts {
            let judged = context.judged.iter().copied();
            let judged: Vec<PackageId> = judged.filter(|id| is_there(*id) && asked(*id)).collect();
            if judged.is_empty() {
                continue;
            }
            let set: PackageSet = judged.iter().copied().collect();
            let may_be = |id| context.unmet.is_none() && context.scope.contains(id) && is_there(id);
            let found = Self::check_some(universe, may_be, |id| set.contains(id));
            all.merge(universe, &found, &judged);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn streams_are_named_or_ruled_out() {
        let list = |streams: &[&str]| streams.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert!(allows(&[], "1"));
        assert!(allows(&list(&["1", "2"]), "2"));
        assert!(!allows(&list(&["1"]), "2"));
        assert!(!allows(&list(&["-1"]), "1"));
        assert!(allows(&list(&["-1"]), "2"));
        assert!(!allows(&list(&["1", "-1"]), "1"));
    }
}
