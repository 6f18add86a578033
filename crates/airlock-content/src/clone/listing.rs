//! Which packages of a source an erratum lists: by file name, and where several packages have that name, by what else the
//! erratum says of them.
//!
//! File names hold no epoch, and a channel may have two packages of one file name in different folders.

use std::collections::{BTreeMap, HashMap, HashSet};

use airlock_db::errata_clones::ClonableRevision;
use airlock_repodata::Limits;
use airlock_repodata::updateinfo::{CLOSE_TAG, OPEN_TAG, UpdatePackage, Updates};
use airlock_solve::PackageId;
use roaring::RoaringTreemap;

use crate::pack::RecordInfo;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What errata say of packages whose file name is no package's own: by revision.
pub(super) type Stated = HashMap<i64, Vec<UpdatePackage>>;

impl Content {
    /// Reads what errata say of packages whose file names several packages of a source have.
    pub(super) async fn stated(
        &self,
        view: &VersionView,
        errata: &[ClonableRevision],
    ) -> Result<Stated> {
        let view = view.clone();
        let shared = self
            .blocking("reading file names", move |_| Ok(shared_names(&view)))
            .await?;
        let lists =
            |erratum: &&ClonableRevision| erratum.packages.iter().any(|f| shared.contains(f));
        let set: RoaringTreemap = errata
            .iter()
            .filter(|_| !shared.is_empty())
            .filter(lists)
            .map(|erratum| erratum.id.0.unsigned_abs())
            .collect();
        let mut stated = Stated::new();
        if set.is_empty() {
            return Ok(stated);
        }
        for (id, fragment) in airlock_db::errata_clones::fragments(self.db(), &set).await? {
            stated.insert(id.0, packages(&fragment)?);
        }
        Ok(stated)
    }
}

/// The packages of an `<update>` element.
fn packages(fragment: &[u8]) -> Result<Vec<UpdatePackage>> {
    let bad = |error| Error::metadata("a stored erratum", error);
    let file = [OPEN_TAG, fragment, CLOSE_TAG].concat();
    let updates = Updates::new(&file, &Limits::default()).map_err(bad)?;
    let mut packages = Vec::new();
    for raw in updates.iter() {
        let collections = raw.map_err(bad)?.update.collections;
        packages.extend(collections.into_iter().flat_map(|one| one.packages));
    }
    Ok(packages)
}

/// Names under which errata may list a package: that of its file, and the usual one.
fn names(info: &RecordInfo<'_>) -> Vec<String> {
    let usual = usual_name(info.name, info.version, info.release, info.arch);
    match usual == info.file_name {
        true => vec![usual],
        false => vec![info.file_name.to_owned(), usual],
    }
}

fn usual_name(name: &str, version: &str, release: &str, arch: &str) -> String {
    format!("{name}-{version}-{release}.{arch}.rpm")
}

/// Names that several packages have.
fn shared_names(view: &VersionView) -> HashSet<String> {
    let mut known: HashMap<String, bool> = HashMap::new();
    for (_, info) in view.members() {
        for name in names(&info) {
            known
                .entry(name)
                .and_modify(|many| *many = true)
                .or_insert(false);
        }
    }
    let shared = known.into_iter().filter(|(_, many)| *many);
    shared.map(|(name, _)| name).collect()
}

/// Names under which errata may list the packages of a version.
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn new(view: &VersionView) -> Self {
        Self(view.members().flat_map(|(_, info)| names(&info)).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether a package that an erratum names is there.
    pub(super) fn has_package(&self, package: &UpdatePackage) -> bool {
        self.0.contains(&stated_name(package))
    }
}

/// The name of the file that an erratum means: what it says, else the usual one.
fn stated_name(package: &UpdatePackage) -> String {
    let file = package
        .filename
        .as_deref()
        .and_then(|file| file.rsplit('/').next());
    match file.filter(|file| !file.is_empty()) {
        Some(file) => file.to_owned(),
        None => usual_name(
            &package.name,
            &package.version,
            &package.release,
            &package.arch,
        ),
    }
}

/// The packages of a source by the names under which errata may list them.
pub(super) struct Listing<'o> {
    by_name: HashMap<String, Vec<(PackageId, RecordInfo<'o>)>>,
    stated: &'o Stated,
}

impl<'o> Listing<'o> {
    pub(super) fn new(
        view: &'o VersionView,
        ids: &HashMap<u64, PackageId>,
        stated: &'o Stated,
    ) -> Self {
        let mut by_name: HashMap<String, Vec<(PackageId, RecordInfo<'o>)>> = HashMap::new();
        for (record, info) in view.members() {
            let Some(id) = ids.get(&record) else { continue };
            for name in names(&info) {
                by_name.entry(name).or_default().push((*id, info));
            }
        }
        Self { by_name, stated }
    }

    /// The packages that have one of these names.
    pub(super) fn of_names(&self, names: &[String]) -> HashSet<PackageId> {
        let named = names.iter().filter_map(|name| self.by_name.get(name));
        named.flatten().map(|(id, _)| *id).collect()
    }

    /// The packages that an erratum lists, by number.
    pub(super) fn of(&self, erratum: &ClonableRevision) -> Vec<PackageId> {
        let stated = self.stated.get(&erratum.id.0);
        let mut found = Vec::new();
        for name in &erratum.packages {
            let Some(named) = self.by_name.get(name) else {
                continue;
            };
            let told = |package: &&UpdatePackage| stated_name(package) == *name;
            let before = found.len();
            if let Some(stated) = stated.filter(|_| named.len() > 1) {
                for package in stated.iter().filter(told) {
                    let meant = named.iter().filter(|(_, info)| is_meant(package, info));
                    found.extend(meant.map(|(id, _)| *id));
                }
            }
            // An erratum that says nothing better than the name means all of that name.
            if found.len() == before {
                found.extend(named.iter().map(|(id, _)| *id));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether an erratum's package is one of a source: by checksum where it gives one of that kind, else by NEVRA.
fn is_meant(package: &UpdatePackage, info: &RecordInfo<'_>) -> bool {
    let sums: BTreeMap<&str, &str> = package
        .sums
        .iter()
        .map(|(kind, sum)| (kind.as_str(), sum.as_str()))
        .collect();
    if let Some(sum) = sums.get(info.checksum_type) {
        return sum.eq_ignore_ascii_case(info.checksum);
    }
    package.name == info.name
        && package.version == info.version
        && package.release == info.release
        && package.arch == info.arch
        && (package.epoch.is_none() || package.epoch_number() == info.epoch)
}
