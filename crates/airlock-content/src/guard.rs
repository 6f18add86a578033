//! The shrink guard: a sync that would take away too much, or that goes back in time, is held for a person.
//! Growth never stops a sync, and neither do upgrades: a package is lost when nothing of its name and architecture that
//! is as new or newer is there any more.

use std::collections::{HashMap, HashSet};

use airlock_model::HeldSync;

use crate::view::VersionView;

/// More than this share of packages lost is held, in percent.
const SHRINK_PERCENT: u64 = 20;

/// What the guard compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// Packages.
    pub packages: u64,
    /// Errata.
    pub errata: u64,
    /// Module documents or module attachments.
    pub modules: u64,
}

/// How many packages of a version have nothing as new or newer of their name and architecture in the next one. Builds
/// that others replaced, and those that stand under another type of checksum now, are not lost.
#[must_use]
pub fn lost(before: &VersionView, after: &VersionView) -> u64 {
    let only = |view: &VersionView, others: &VersionView| VersionView {
        packs: view.packs.clone(),
        records: &view.records - &others.records,
    };
    let (gone, come) = (only(before, after), only(after, before));
    let come: HashSet<(&str, &str)> = come
        .members()
        .map(|(_, info)| (info.checksum_type, info.checksum))
        .collect();
    let gone: Vec<_> = gone
        .members()
        .map(|(_, info)| info)
        .filter(|info| !come.contains(&(info.checksum_type, info.checksum)))
        .collect();
    let touched: HashSet<(&str, &str)> = gone.iter().map(|info| (info.name, info.arch)).collect();
    let mut newest: HashMap<(&str, &str), crate::pack::RecordInfo<'_>> = HashMap::new();
    for (_, info) in after.members() {
        if touched.contains(&(info.name, info.arch)) {
            newest
                .entry((info.name, info.arch))
                .and_modify(|held| {
                    if info.evr() > held.evr() {
                        *held = info;
                    }
                })
                .or_insert(info);
        }
    }
    gone.iter()
        .filter(|info| {
            newest
                .get(&(info.name, info.arch))
                .is_none_or(|left| left.evr() < info.evr())
        })
        .count() as u64
}

/// Judges a sync: `before` is the current version, `lost` the packages it would lose. None when it may go on.
#[must_use]
pub fn shrink(before: &Size, after: &Size, lost: u64) -> Option<HeldSync> {
    let held = |reason: String| {
        Some(HeldSync {
            reason,
            packages_before: before.packages,
            packages_after: after.packages,
        })
    };
    if before.packages > 0 && lost * 100 > before.packages * SHRINK_PERCENT {
        return held(format!(
            "{lost} of {} packages would go ({} stay or are new); more than {SHRINK_PERCENT} % is held",
            before.packages, after.packages
        ));
    }
    if before.errata > 0 && after.errata == 0 {
        return held(format!("all {} errata would go", before.errata));
    }
    if before.modules > 0 && after.modules == 0 {
        return held("all modules would go".to_owned());
    }
    None
}

/// Judges an upstream with a file that is dated more than a day ahead of this server's clock: what it publishes next would
/// seem older.
#[must_use]
pub fn from_the_future(newest: Option<i64>, now: i64) -> Option<String> {
    const SECONDS: i64 = 86_400;
    newest.filter(|newest| *newest > now.saturating_add(SECONDS)).map(|newest| {
        format!("repomd.xml holds a file dated {newest}, more than a day ahead of this server's clock")
    })
}

/// Judges an upstream that went back: same kind of mark, but an older one.
#[must_use]
pub fn went_back(
    before: (Option<&str>, Option<i64>),
    after: (Option<&str>, Option<i64>),
) -> Option<String> {
    let numeric = |revision: Option<&str>| revision.and_then(|r| r.trim().parse::<i64>().ok());
    match (numeric(before.0), numeric(after.0)) {
        (Some(old), Some(new)) if new < old => Some(format!(
            "the upstream went back from revision {old} to {new}"
        )),
        (Some(_), Some(_)) => None,
        _ => match (before.1, after.1) {
            (Some(old), Some(new)) if new < old => Some(format!(
                "the upstream's newest file went back from timestamp {old} to {new}"
            )),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(packages: u64, errata: u64, modules: u64) -> Size {
        Size {
            packages,
            errata,
            modules,
        }
    }

    #[test]
    fn a_fifth_may_go_and_no_more() {
        assert_eq!(shrink(&size(100, 0, 0), &size(80, 0, 0), 20), None);
        assert!(shrink(&size(100, 0, 0), &size(79, 0, 0), 21).is_some());
        // Growth elsewhere makes up for nothing.
        assert!(shrink(&size(100, 0, 0), &size(100, 0, 0), 60).is_some());
        assert_eq!(shrink(&size(0, 0, 0), &size(1000, 0, 0), 0), None);
    }

    #[test]
    fn losing_all_errata_or_modules_is_held() {
        assert!(shrink(&size(10, 5, 0), &size(10, 0, 0), 0).is_some());
        assert!(shrink(&size(10, 5, 1), &size(10, 4, 0), 0).is_some());
        assert_eq!(shrink(&size(10, 5, 1), &size(10, 1, 1), 0), None);
    }

    #[test]
    fn going_back_is_seen_by_revision_or_timestamp() {
        assert!(went_back((Some("10"), None), (Some("9"), None)).is_some());
        assert_eq!(went_back((Some("9"), Some(5)), (Some("10"), Some(4))), None);
        assert!(went_back((Some("a"), Some(5)), (Some("b"), Some(4))).is_some());
        assert_eq!(went_back((None, None), (Some("1"), Some(4))), None);
    }
}
