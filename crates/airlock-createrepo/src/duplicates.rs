//! Packages that are there more than once: the same name, epoch, version, release and architecture.

use std::collections::HashMap;

use airlock_repodata::primary::PrimarySummary;
use airlock_rpm::Package;

use crate::blocks::Item;
use crate::options::{Duplicates, Options};
use crate::reporter::Reporter;

/// What tells whether two files are the same package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    /// `name-epoch:version-release.arch`, the epoch always there.
    pub(crate) nevra: String,
    /// Build time, seconds since 1970.
    pub(crate) built: i64,
}

impl Identity {
    pub(crate) fn of(package: &Package<'_>) -> Self {
        Self::new(
            package.name(),
            u64::from(package.epoch().unwrap_or(0)),
            package.version(),
            package.release(),
            package.metadata_arch(),
            i64::try_from(package.build_time().unwrap_or(0)).unwrap_or(i64::MAX),
        )
    }

    pub(crate) fn known(summary: &PrimarySummary<'_>) -> Self {
        Self::new(
            &summary.name,
            summary.epoch,
            &summary.version,
            &summary.release,
            &summary.arch,
            summary.time_build,
        )
    }

    fn new(name: &str, epoch: u64, version: &str, release: &str, arch: &str, built: i64) -> Self {
        Self {
            nevra: format!("{name}-{epoch}:{version}-{release}.{arch}"),
            built,
        }
    }
}

/// Warns about packages that are there more than once and drops what the options do not want.
pub(crate) fn handle(options: &Options, items: Vec<Item>, reporter: &dyn Reporter) -> Vec<Item> {
    let mut by_nevra: HashMap<&str, Vec<&Item>> = HashMap::with_capacity(items.len());
    for item in &items {
        by_nevra.entry(&item.identity.nevra).or_default().push(item);
    }
    let mut repeated: Vec<(&str, Vec<&Item>)> = by_nevra
        .into_iter()
        .filter(|(_, same)| same.len() > 1)
        .collect();
    if repeated.is_empty() {
        return items;
    }
    repeated.sort_unstable_by_key(|(nevra, _)| *nevra);
    let mut dropped: Vec<String> = Vec::new();
    for (nevra, mut same) in repeated {
        same.sort_by_key(|item| (item.identity.built, &item.key));
        let listed = match options.duplicates {
            Duplicates::Keep => same.len(),
            Duplicates::KeepLast => 1,
        };
        let (left_out, kept) = same.split_at(same.len() - listed);
        let mut places: Vec<String> = Vec::with_capacity(same.len());
        for (items, note) in [(left_out, ", left out"), (kept, "")] {
            for item in items {
                let (key, built) = (&item.key, item.identity.built);
                places.push(format!("{key} (built at {built}{note})"));
            }
        }
        reporter.warning(&format!(
            "Package {nevra} is there more than once: {}",
            places.join("; ")
        ));
        dropped.extend(left_out.iter().map(|item| item.key.clone()));
    }
    dropped.sort_unstable();
    items
        .into_iter()
        .filter(|item| dropped.binary_search(&item.key).is_err())
        .collect()
}
