//! Which packages of an upstream a channel takes.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use airlock_model::PackageFilter;

use crate::Error;
use crate::pack::RecordInfo;

/// A filter made ready for use.
#[derive(Debug)]
pub struct Selector {
    include: Vec<glob::Pattern>,
    exclude: Vec<glob::Pattern>,
    arches: Vec<String>,
    exclude_arches: Vec<String>,
    latest: Option<u32>,
    source_packages: bool,
    /// Artifacts (`name-epoch:version-release.arch`) of module streams that are not taken.
    barred: HashSet<String>,
}

impl Selector {
    /// Makes a filter ready. `barred` names the packages of module streams that are left out.
    ///
    /// # Errors
    /// When a glob is none.
    pub fn new(filter: &PackageFilter, barred: HashSet<String>) -> Result<Self, Error> {
        Ok(Self {
            include: patterns(&filter.include, AS_IN_THE_SHELL)?,
            exclude: patterns(&filter.exclude, AS_IN_THE_SHELL)?,
            arches: filter.arches.clone(),
            exclude_arches: filter.exclude_arches.clone(),
            latest: filter.latest,
            source_packages: filter.source_packages,
            barred,
        })
    }

    /// Whether a package is taken, but for [`Self::newest`].
    #[must_use]
    pub fn takes(&self, record: &RecordInfo<'_>) -> bool {
        let source = matches!(record.arch, "src" | "nosrc");
        let named = |patterns: &[glob::Pattern]| patterns.iter().any(|p| p.matches(record.name));
        (self.source_packages || !source)
            && (source || self.arches.is_empty() || self.arches.iter().any(|a| a == record.arch))
            && !self.exclude_arches.iter().any(|a| a == record.arch)
            && (self.include.is_empty() || named(&self.include))
            && !named(&self.exclude)
            && (self.barred.is_empty() || !self.barred.contains(&artifact(record)))
    }

    /// Of packages that are taken, keeps the newest versions of each name and architecture, if only so many are wanted.
    #[must_use]
    pub fn newest<'a, K>(&self, taken: Vec<(K, RecordInfo<'a>)>) -> Vec<(K, RecordInfo<'a>)> {
        let Some(latest) = self.latest else {
            return taken;
        };
        let mut by_name: HashMap<(&str, &str), Vec<(K, RecordInfo<'a>)>> = HashMap::new();
        for (key, record) in taken {
            by_name
                .entry((record.name, record.arch))
                .or_default()
                .push((key, record));
        }
        let mut kept = Vec::new();
        for (_, mut group) in by_name {
            group.sort_by(|(_, a), (_, b)| newer_first(a, b));
            let mut versions = 0;
            let mut last: Option<RecordInfo<'_>> = None;
            for (key, record) in group {
                if last.is_none_or(|l| newer_first(&l, &record) != Ordering::Equal) {
                    versions += 1;
                    last = Some(record);
                }
                if versions > latest {
                    break;
                }
                kept.push((key, record));
            }
        }
        kept
    }
}

/// `name-epoch:version-release.arch`, the form of module artifacts.
#[must_use]
pub fn artifact(record: &RecordInfo<'_>) -> String {
    format!(
        "{}-{}:{}-{}.{}",
        record.name, record.epoch, record.version, record.release, record.arch
    )
}

/// Orders records of one name by EVR, newest first.
#[must_use]
pub fn newer_first(a: &RecordInfo<'_>, b: &RecordInfo<'_>) -> Ordering {
    b.evr().cmp(&a.evr())
}

/// How a glob over names is written.
pub(crate) const AS_IN_THE_SHELL: &str = "use * ? and [ ] as in the shell";

/// Globs as patterns; `hint` says how one is written.
pub(crate) fn patterns(globs: &[String], hint: &'static str) -> Result<Vec<glob::Pattern>, Error> {
    globs
        .iter()
        .map(|text| {
            glob::Pattern::new(text)
                .map_err(|e| Error::invalid(format!("\"{text}\" is no pattern: {e}"), hint))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(name: &'a str, version: &'a str, arch: &'a str) -> RecordInfo<'a> {
        RecordInfo {
            name,
            version,
            release: "1",
            arch,
            ..RecordInfo::default()
        }
    }

    fn names(filter: &PackageFilter, records: &[RecordInfo<'static>]) -> Vec<String> {
        let selector = Selector::new(filter, HashSet::new()).unwrap();
        let taken = records
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, record)| selector.takes(record))
            .collect();
        let mut kept = selector.newest(taken);
        kept.sort_unstable_by_key(|(position, _)| *position);
        kept.into_iter().map(|(_, record)| record.nevra()).collect()
    }

    #[test]
    fn latest_counts_versions_of_a_name_and_architecture() {
        let records = [
            record("a", "1.10", "x86_64"),
            record("a", "1.9", "x86_64"),
            record("a", "1.9", "i686"),
            record("a", "1.2", "x86_64"),
            record("s", "1", "src"),
        ];
        let filter = PackageFilter {
            latest: Some(2),
            ..PackageFilter::default()
        };
        assert_eq!(
            names(&filter, &records),
            ["a-1.10-1.x86_64", "a-1.9-1.x86_64", "a-1.9-1.i686"]
        );
    }

    #[test]
    fn exclude_wins_over_include_and_sources_need_a_wish() {
        let records = [
            record("kernel", "1", "x86_64"),
            record("kernel-debug", "1", "x86_64"),
            record("kernel", "1", "src"),
            record("bash", "1", "noarch"),
        ];
        let filter = PackageFilter {
            include: vec!["kernel*".into()],
            exclude: vec!["*-debug".into()],
            ..PackageFilter::default()
        };
        assert_eq!(names(&filter, &records), ["kernel-1-1.x86_64"]);
        let filter = PackageFilter {
            source_packages: true,
            arches: vec!["noarch".into()],
            ..PackageFilter::default()
        };
        assert_eq!(
            names(&filter, &records),
            ["kernel-1-1.src", "bash-1-1.noarch"]
        );
        let filter = PackageFilter {
            arches: vec!["x86_64".into(), "noarch".into()],
            exclude_arches: vec!["noarch".into(), "src".into()],
            source_packages: true,
            ..PackageFilter::default()
        };
        assert_eq!(
            names(&filter, &records),
            ["kernel-1-1.x86_64", "kernel-debug-1-1.x86_64"]
        );
    }
}
