//! What differs between two versions, of one channel or of two.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use airlock_model::{Attachment, DiffReport, EvrChange, PackageRef};

use crate::pack::RecordInfo;
use crate::view::VersionView;

/// An erratum revision as a comparison needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffErratum {
    /// Advisory name.
    pub advisory: String,
    /// Digest of the revision.
    pub digest: String,
    /// CVE names.
    pub cves: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug)]
pub struct Side<'a> {
    /// `LABEL@N`.
    pub name: String,
    /// The packages.
    pub view: &'a VersionView,
    /// The errata.
    pub errata: &'a [DiffErratum],
    /// The attachments.
    pub attachments: &'a [Attachment],
}

/// Compares two versions; packages by checksum, errata by revision.
#[must_use]
pub fn diff(left: &Side<'_>, right: &Side<'_>) -> DiffReport {
    let mut report = DiffReport {
        from: left.name.clone(),
        to: right.name.clone(),
        ..DiffReport::default()
    };
    packages(left.view, right.view, &mut report);
    errata(left.errata, right.errata, &mut report);
    let files = |side: &Side<'_>| -> BTreeSet<(String, String)> {
        side.attachments
            .iter()
            .map(|a| (a.kind.clone(), a.sha256.clone()))
            .collect()
    };
    let (a, b) = (files(left), files(right));
    report.attachments_changed = a
        .symmetric_difference(&b)
        .map(|(kind, _)| kind.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    report
}

type Identity<'a> = (&'a str, &'a str);

fn packages(left: &VersionView, right: &VersionView, report: &mut DiffReport) {
    // Records in both sets are the same package; only the rest needs a look at checksums.
    let shared = &left.records & &right.records;
    let only = |view: &VersionView| -> VersionView {
        VersionView {
            packs: view.packs.clone(),
            records: &view.records - &shared,
        }
    };
    let (left_only, right_only) = (only(left), only(right));
    let by_identity = |view| -> HashMap<Identity<'_>, RecordInfo<'_>> {
        VersionView::members(view)
            .map(|(_, info)| ((info.checksum_type, info.checksum), info))
            .collect()
    };
    let (gone, come) = (by_identity(&left_only), by_identity(&right_only));
    let names = |from: &HashMap<Identity<'_>, RecordInfo<'_>>,
                 other: &HashMap<Identity<'_>, RecordInfo<'_>>| {
        let mut list: Vec<PackageRef> = from
            .iter()
            .filter(|(identity, _)| !other.contains_key(*identity))
            .map(|(_, info)| PackageRef {
                nevra: info.nevra(),
                checksum: info.identity(),
            })
            .collect();
        list.sort_unstable();
        list
    };
    report.removed = names(&gone, &come);
    report.added = names(&come, &gone);

    let touched: BTreeSet<(&str, &str)> = gone
        .values()
        .chain(come.values())
        .map(|info| (info.name, info.arch))
        .collect();
    let newest = |view| -> BTreeMap<(&str, &str), RecordInfo<'_>> {
        let mut newest: BTreeMap<(&str, &str), RecordInfo<'_>> = BTreeMap::new();
        for (_, info) in VersionView::members(view) {
            let key = (info.name, info.arch);
            if touched.contains(&key) {
                newest
                    .entry(key)
                    .and_modify(|held| {
                        if info.evr().cmp(&held.evr()).is_gt() {
                            *held = info;
                        }
                    })
                    .or_insert(info);
            }
        }
        newest
    };
    let (before, after) = (newest(left), newest(right));
    for ((name, arch), old) in &before {
        let Some(new) = after.get(&(name, arch)) else {
            continue;
        };
        let change = EvrChange {
            name: (*name).to_owned(),
            arch: (*arch).to_owned(),
            from: evr_text(old),
            to: evr_text(new),
        };
        match new.evr().cmp(&old.evr()) {
            std::cmp::Ordering::Greater => report.upgraded.push(change),
            std::cmp::Ordering::Less => report.downgraded.push(change),
            std::cmp::Ordering::Equal => {}
        }
    }
}

fn errata(left: &[DiffErratum], right: &[DiffErratum], report: &mut DiffReport) {
    let revisions = |side: &[DiffErratum]| -> BTreeSet<(String, String)> {
        side.iter()
            .map(|e| (e.advisory.clone(), e.digest.clone()))
            .collect()
    };
    let (before, after) = (revisions(left), revisions(right));
    report.errata_added = after
        .difference(&before)
        .map(|(name, _)| name.clone())
        .collect();
    let still: BTreeSet<&str> = right.iter().map(|e| e.advisory.as_str()).collect();
    report.errata_removed = left
        .iter()
        .filter(|e| !still.contains(e.advisory.as_str()))
        .map(|e| e.advisory.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let known: BTreeSet<&String> = left.iter().flat_map(|e| &e.cves).collect();
    report.cves_added = right
        .iter()
        .flat_map(|e| &e.cves)
        .filter(|cve| !known.contains(cve))
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
}

fn evr_text(info: &RecordInfo<'_>) -> String {
    if info.epoch == 0 {
        format!("{}-{}", info.version, info.release)
    } else {
        format!("{}:{}-{}", info.epoch, info.version, info.release)
    }
}
