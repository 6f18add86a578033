//! What was decided, as a plan says it: names, checksums and reasons instead of numbers.

use std::collections::{HashMap, HashSet};

use airlock_db::errata_clones::ClonableRevision;
use airlock_model::{
    Beyond, CloneRequest, ErratumReason, Instant, PackageReason, PlannedChannel, PlannedCreation,
    PlannedErratum, PlannedFile, PlannedPackage, PlannedRemoval, PlannedVersion,
};
use airlock_solve::{PackageId, PackageSet, Pool};

use super::decide::{DecidedChannel, Decision};
use super::gather::{GatheredPair, Side};
use super::question::Question;
use super::select::{Selected, day, erratum_day};
use crate::pack::RecordInfo;

/// What describing needs.
pub(super) struct Describe<'a, 'q> {
    request: &'a CloneRequest,
    pool: &'a Pool,
    question: &'a Question<'q, 'q>,
    decision: &'a Decision,
    /// Packages that come in and are beyond the date.
    beyond: PackageSet,
}

impl<'a, 'q> Describe<'a, 'q> {
    pub(super) fn new(
        request: &'a CloneRequest,
        pool: &'a Pool,
        question: &'a Question<'q, 'q>,
        decision: &'a Decision,
    ) -> Self {
        Self {
            request,
            pool,
            question,
            decision,
            beyond: decision.beyond.iter().copied().collect(),
        }
    }

    /// What is done to one channel.
    pub(super) fn channel(
        &self,
        place: usize,
        own: &GatheredPair,
        decided: &DecidedChannel,
        selected: &Selected,
    ) -> PlannedChannel {
        let question = &self.question.channels[place];
        let before = self.newest(question.kept.iter().chain(selected.removals.keys()));
        let packages = decided
            .packages
            .iter()
            .map(|(id, reason)| self.package(own, *id, reason, &before))
            .collect();
        let removals: Vec<PlannedRemoval> = selected
            .removals
            .iter()
            .map(|(id, reason)| PlannedRemoval {
                nevra: self.pool.nevra(*id),
                checksum: self.checksum(own, *id),
                reason: reason.clone(),
            })
            .collect();
        let errata = decided
            .errata
            .iter()
            .map(|(erratum, reason)| {
                let known = selected.known[*erratum].as_deref();
                let known = known.filter(|_| !own.recorded);
                self.erratum(&own.source_errata[*erratum], reason, known)
            })
            .collect();
        let mut open: Vec<_> = self
            .decision
            .open
            .iter()
            .filter(|open| open.channel == place)
            .collect();
        open.sort_by_key(|open| open.package);
        let broken = self.decision.broken.iter().filter(|b| b.channel == place);
        let files = own.source.content.attachments.iter();
        let mut files: Vec<PlannedFile> = files
            .map(|file| PlannedFile {
                kind: file.kind.clone(),
                file_name: file.file_name.clone(),
                sha256: file.sha256.clone(),
            })
            .collect();
        files.sort();
        let mut by_hand: Vec<String> = selected
            .by_hand
            .iter()
            .map(|id| self.pool.nevra(*id))
            .collect();
        by_hand.sort();
        PlannedChannel {
            source: version(&own.pair.source.label, &own.source),
            destination: version(&own.pair.label, &own.destination),
            create: self.creation(own),
            errata_available: selected.available,
            kept: question.kept.len() as u64,
            errata,
            packages,
            removals,
            errata_removed: self.errata_removed(own, decided, selected),
            by_hand,
            left_out: self.left_out(decided, selected),
            reaches: selected.reaches,
            open: open
                .into_iter()
                .map(|open| open.requirement.clone())
                .collect(),
            broken: broken.map(|broken| broken.broken.clone()).collect(),
            recommendations: self
                .decision
                .recommended
                .get(place)
                .cloned()
                .unwrap_or_default(),
            files_change: false,
            files,
            naked: question.naked,
        }
    }

    /// What was taken out by hand and does not come in for another reason.
    fn left_out(&self, decided: &DecidedChannel, selected: &Selected) -> Vec<String> {
        let stays_out = |id: &&PackageId| decided.result.binary_search(id).is_err();
        let names = selected.left_out.iter().filter(stays_out);
        let mut names: Vec<String> = names.map(|id| self.pool.nevra(*id)).collect();
        names.sort();
        names
    }

    fn creation(&self, own: &GatheredPair) -> Option<PlannedCreation> {
        if own.pair.destination.is_some() {
            return None;
        }
        let wish = self
            .request
            .channels
            .iter()
            .find(|wish| wish.destination == own.pair.label)?;
        let text = |text: &Option<String>| match text {
            Some(text) => text.clone(),
            None => own.pair.label.to_string(),
        };
        Some(PlannedCreation {
            name: text(&wish.name),
            summary: text(&wish.summary),
            description: text(&wish.description),
            parent: own.pair.parent.clone(),
        })
    }

    /// What the packs say of a package of the source or the clone.
    fn record<'o>(&self, own: &'o GatheredPair, id: PackageId) -> Option<RecordInfo<'o>> {
        own.record(self.pool.package(id).key())
    }

    fn checksum(&self, own: &GatheredPair, id: PackageId) -> String {
        let info = self.record(own, id);
        info.map(|info| info.identity()).unwrap_or_default()
    }

    /// The newest package of each name and architecture.
    fn newest<'i>(
        &self,
        ids: impl Iterator<Item = &'i PackageId>,
    ) -> HashMap<(&str, &str), PackageId> {
        let mut newest: HashMap<(&str, &str), PackageId> = HashMap::new();
        for id in ids {
            let key = (self.pool.name(*id), self.pool.arch(*id));
            let found = newest.entry(key).or_insert(*id);
            if self.pool.evr(*id) > self.pool.evr(*found) {
                *found = *id;
            }
        }
        newest
    }

    fn package(
        &self,
        own: &GatheredPair,
        id: PackageId,
        reason: &PackageReason,
        before: &HashMap<(&str, &str), PackageId>,
    ) -> PlannedPackage {
        let older = before
            .get(&(self.pool.name(id), self.pool.arch(id)))
            .filter(|older| self.pool.evr(**older) < self.pool.evr(id));
        let built = Instant::from_seconds(self.pool.package(id).build_time());
        let naked = matches!(
            reason,
            PackageReason::OriginalState | PackageReason::Needed { advisory: None, .. }
        );
        let bound = self.question.bound;
        let built_later = bound.is_some_and(|bound| day(built).is_none_or(|day| day > bound));
        let beyond = match (naked, self.beyond.contains(id)) {
            (false, true) => Some(Beyond::Erratum),
            // Also what an erratum within the date brings: it may have got it later.
            _ if built_later => Some(Beyond::Build),
            (true, true) => Some(Beyond::Seen),
            _ => None,
        };
        PlannedPackage {
            nevra: self.pool.nevra(id),
            checksum: self.checksum(own, id),
            replaces: older.map(|older| evr(&self.pool.evr(*older).to_string())),
            reason: reason.clone(),
            beyond,
            inferred: own.inferred,
        }
    }

    fn erratum(
        &self,
        erratum: &ClonableRevision,
        reason: &ErratumReason,
        known: Option<&str>,
    ) -> PlannedErratum {
        let date = erratum_day(erratum, self.request.use_update_date);
        // One in range whose packages were changed later is as surprising as a later one.
        let changed = erratum.updated.and_then(day);
        let beyond = self.question.bound.is_some_and(|bound| {
            date.is_none_or(|date| date > bound) || changed.is_some_and(|day| day > bound)
        });
        PlannedErratum {
            advisory: erratum.advisory.clone(),
            published_as: known.unwrap_or(&erratum.advisory).to_owned(),
            digest: erratum.digest.clone(),
            kind: erratum.kind.clone(),
            severity: erratum.severity.clone(),
            title: erratum.title.clone(),
            issued: erratum.issued,
            updated: erratum.updated,
            cves: erratum.cves.clone(),
            reason: reason.clone(),
            beyond: beyond && !matches!(reason, ErratumReason::Recorded),
        }
    }

    /// Whether lists keep something out.
    fn lists(&self) -> bool {
        !self.request.blacklist.is_empty() || !self.request.removelist.is_empty()
    }

    /// Errata of the clone that none of their packages are left of, and those that the recorded version lacks.
    fn errata_removed(
        &self,
        own: &GatheredPair,
        decided: &DecidedChannel,
        selected: &Selected,
    ) -> Vec<String> {
        let mut removed: Vec<String> = own
            .destination_errata
            .iter()
            .filter(|erratum| selected.errata_not_recorded.contains(&erratum.id))
            .map(|erratum| erratum.advisory.clone())
            .collect();
        if !selected.removals.is_empty() {
            let stays: HashSet<&str> = decided
                .result
                .iter()
                .filter_map(|id| Some(self.record(own, *id)?.file_name))
                .collect();
            let was: HashSet<&str> = own
                .destination
                .view
                .members()
                .map(|(_, info)| info.file_name)
                .collect();
            let recorded = &own.source.content.errata;
            let orphans = own.destination_errata.iter().filter(|erratum| {
                // What a recorded version lists stays listed unless the lists took its packages.
                if own.recorded && !self.lists() && recorded.contains(erratum.id.0.unsigned_abs()) {
                    return false;
                }
                let has = |names: &HashSet<&str>| {
                    erratum
                        .packages
                        .iter()
                        .any(|file| names.contains(file.as_str()))
                };
                has(&was) && !has(&stays)
            });
            removed.extend(orphans.map(|erratum| erratum.advisory.clone()));
        }
        removed.sort();
        removed.dedup();
        removed
    }
}

/// As a NEVRA has it: an epoch of 0 is none.
fn evr(text: &str) -> String {
    text.strip_prefix("0:").unwrap_or(text).to_owned()
}

fn version(label: &airlock_model::ChannelLabel, side: &Side) -> PlannedVersion {
    PlannedVersion {
        label: label.clone(),
        version: side.version,
        digest: side.digest.clone(),
    }
}
