//! What comes in and what goes before dependencies are looked at: original state, errata by date and name, lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use airlock_db::errata_clones::ClonableRevision;
use airlock_model::{
    BlacklistScope, CloneRequest, ErratumRevisionId, Instant, Naked, NakedCounts, PackageReason,
    RemovalReason,
};
use airlock_solve::{PackageId, PackageSet, Pool};
use jiff::civil::Date;

use super::gather::{Gathered, GatheredPair};
use super::listing::Listing;
use super::question::{ChannelQuestion, ErratumQuestion, Standing, When};
use super::rules::NameRules;
use crate::Result;

/// A channel's question with what the plan needs besides.
pub(super) struct Selected {
    pub question: ChannelQuestion,
    /// Packages of the clone that go, with the reason.
    pub removals: BTreeMap<PackageId, RemovalReason>,
    /// Packages of the clone that were put in by hand and stay.
    pub by_hand: Vec<PackageId>,
    /// Packages of errata that the clone has, which were taken out by hand.
    pub left_out: Vec<PackageId>,
    /// The day up to which the clone was made, when that is later than the one asked for.
    pub reaches: Option<Date>,
    /// For each erratum of the source, its name in the clone when that has it.
    pub known: Vec<Option<String>>,
    /// Errata of the source that the clone does not have.
    pub available: u64,
    /// Names of the clone's errata that go because they are not recorded.
    pub errata_not_recorded: HashSet<ErratumRevisionId>,
}

/// The packages of the tree by repository of the pool and record.
pub(super) struct Numbers {
    by_record: HashMap<(usize, u64), PackageId>,
}

impl Numbers {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            by_record: pool
                .packages()
                .map(|(id, package)| ((package.repository().index(), package.key()), id))
                .collect(),
        }
    }

    pub(super) fn get(&self, repository: usize, record: u64) -> Option<PackageId> {
        self.by_record.get(&(repository, record)).copied()
    }

    /// All packages of a repository.
    pub(super) fn of(&self, repository: usize) -> PackageSet {
        let of = self.by_record.iter().filter(|((r, _), _)| *r == repository);
        of.map(|(_, id)| *id).collect()
    }
}

/// The day of an instant, as it is written in an erratum: errata have no zone.
pub(super) fn day(instant: Instant) -> Option<Date> {
    let at = jiff::Timestamp::from_microsecond(instant.0).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// The date of an erratum that counts: the one asked for, or the other one where that is missing.
pub(super) fn erratum_day(erratum: &ClonableRevision, use_update_date: bool) -> Option<Date> {
    let (first, second) = match use_update_date {
        false => (erratum.issued, erratum.updated),
        true => (erratum.updated, erratum.issued),
    };
    first.or(second).and_then(day)
}

/// Numbers for the distinct errata of the tree, by erratum.
#[derive(Default)]
pub(super) struct ErratumNumbers(HashMap<i64, usize>);

impl ErratumNumbers {
    fn number(&mut self, erratum: &ClonableRevision) -> usize {
        let next = self.0.len();
        *self.0.entry(erratum.erratum.0).or_insert(next)
    }
}

impl Gathered {
    /// What one channel's question is, before dependencies.
    pub(super) fn select(
        &self,
        place: usize,
        request: &CloneRequest,
        pool: &Pool,
        numbers: &Numbers,
        errata_numbers: &mut ErratumNumbers,
    ) -> Result<Selected> {
        let own = &self.pairs[place];
        let label = &own.pair.label;
        let blacklist = NameRules::new("blacklist", &request.blacklist, label)?;
        let removelist = NameRules::new("removelist", &request.removelist, label)?;
        let source: Vec<(u64, PackageId)> = own
            .source
            .view
            .members()
            .filter_map(|(record, _)| Some((record, numbers.get(place, record)?)))
            .collect();
        let present = self.present(place, numbers);
        let taken_out: PackageSet = source
            .iter()
            .filter(|(record, _)| own.past.taken_out.contains(*record))
            .map(|(_, id)| *id)
            .collect();
        let errata = self.errata(own, request, &source, &present, &taken_out, errata_numbers);
        let mut selected = Selected {
            question: ChannelQuestion::default(),
            removals: BTreeMap::new(),
            by_hand: Vec::new(),
            left_out: Vec::new(),
            reaches: own.past.reaches.filter(|_| self.goes_back(own, request)),
            // A clone's erratum of another name does not stand for the recorded one.
            available: errata
                .iter()
                .filter(|(erratum, known)| match own.recorded {
                    true => erratum.standing == Standing::Recorded,
                    false => known.is_none(),
                })
                .count() as u64,
            known: Vec::new(),
            errata_not_recorded: HashSet::new(),
        };
        let mut listed: HashMap<PackageId, Option<Date>> = HashMap::new();
        for (erratum, _) in &errata {
            for id in &erratum.packages {
                let oldest = listed.entry(*id).or_insert(erratum.date);
                *oldest = match (*oldest, erratum.date) {
                    (Some(one), Some(two)) => Some(one.min(two)),
                    (one, two) => one.or(two),
                };
            }
        }
        let question = &mut selected.question;
        let is_naked = |id: &PackageId| !listed.contains_key(id);
        let mut naked = NakedCounts::default();
        for (record, id) in &source {
            let when = match listed.get(id) {
                Some(date) => When::Erratum(*date),
                None => self.naked_when(own, request.naked, pool, *record, *id, &mut naked),
            };
            question.source.push((*id, when));
        }
        question.source.sort_by_key(|(id, _)| *id);
        if own.is_first() {
            question.naked = naked;
        }
        for (id, _) in &question.source {
            let name = pool.name(*id);
            if removelist.matching(name).is_some() || blacklist.matching(name).is_some() {
                question.barred.insert(*id);
            }
        }
        // What goes.
        let recorded: PackageSet = source.iter().map(|(_, id)| *id).collect();
        for (id, by_hand) in &present {
            let reason = if let Some(pattern) = removelist.matching(pool.name(*id)) {
                Some(RemovalReason::Removelist {
                    pattern: pattern.to_owned(),
                })
            } else if !own.recorded || recorded.contains(*id) {
                None
            } else if !*by_hand {
                Some(RemovalReason::NotRecorded)
            } else if request.prune {
                Some(RemovalReason::ByHand)
            } else {
                None
            };
            match reason {
                Some(reason) => {
                    question.barred.insert(*id);
                    selected.removals.insert(*id, reason);
                }
                None => {
                    if *by_hand {
                        selected.by_hand.push(*id);
                    }
                    question.kept.push(*id);
                }
            }
        }
        // What comes in.
        let mut there: HashSet<PackageId> = present.keys().copied().collect();
        let mut taken = Vec::new();
        let mut take = |id: PackageId, barred: bool, reason: &dyn Fn() -> PackageReason| {
            if !barred && there.insert(id) {
                taken.push((id, reason()));
            }
        };
        if own.recorded {
            for (id, _) in &question.source {
                take(*id, question.barred.contains(*id), &|| {
                    PackageReason::Recorded
                });
            }
        } else {
            if own.is_first() {
                let as_of_old = request.blacklist_scope == BlacklistScope::Errata;
                let naked = question.source.iter().filter(|(id, _)| is_naked(id));
                for (id, _) in naked.filter(|(_, when)| *when == When::Original) {
                    let name = pool.name(*id);
                    let barred = match as_of_old {
                        true => removelist.matching(name).is_some(),
                        false => question.barred.contains(*id),
                    };
                    take(*id, barred, &|| PackageReason::OriginalState);
                }
            }
            let mut order: Vec<&ErratumQuestion> = errata.iter().map(|(e, _)| e).collect();
            order.sort_by_key(|erratum| (erratum.date.is_none(), erratum.date));
            for erratum in order {
                let advisory = || erratum.advisory.clone();
                let is_known = match erratum.standing {
                    Standing::InRange | Standing::Named => false,
                    Standing::Revised | Standing::Incomplete => true,
                    Standing::Present | Standing::Available | Standing::Recorded => continue,
                };
                let asked = request.errata.contains(&erratum.advisory);
                for id in &erratum.packages {
                    // What was taken out by hand stays out unless its erratum is asked for.
                    if is_known && !asked && taken_out.contains(*id) {
                        continue;
                    }
                    take(*id, question.barred.contains(*id), &|| match is_known {
                        false => PackageReason::Erratum {
                            advisory: advisory(),
                        },
                        true if erratum.added.contains(id) => PackageReason::Revised {
                            advisory: advisory(),
                        },
                        true => PackageReason::Missing {
                            advisory: advisory(),
                        },
                    });
                }
            }
        }
        question.taken = taken;
        for (erratum, known) in &errata {
            if known.is_some() {
                let out = erratum
                    .packages
                    .iter()
                    .filter(|id| taken_out.contains(**id));
                selected.left_out.extend(out);
            }
        }
        selected.left_out.sort_unstable();
        selected.left_out.dedup();
        if own.recorded {
            let recorded: HashSet<i64> = own.source_errata.iter().map(|e| e.id.0).collect();
            let goes = |erratum: &&ClonableRevision| {
                let by_hand = own.past.errata.contains(erratum.id.0.unsigned_abs());
                !recorded.contains(&erratum.id.0) && (request.prune || !by_hand)
            };
            let gone = own.destination_errata.iter().filter(goes);
            selected.errata_not_recorded = gone.map(|erratum| erratum.id).collect();
        }
        (question.errata, selected.known) = errata.into_iter().unzip();
        Ok(selected)
    }

    /// Packages of a clone as it is, by number, with whether they were put in by hand. A package that the source has
    /// too is the source's.
    fn present(&self, place: usize, numbers: &Numbers) -> BTreeMap<PackageId, bool> {
        let own = &self.pairs[place];
        let of_source: HashMap<(&str, &str), u64> = own
            .source
            .view
            .members()
            .map(|(record, info)| ((info.checksum_type, info.checksum), record))
            .collect();
        let only_here = self.pairs.len() + place;
        own.destination
            .view
            .members()
            .filter_map(|(record, info)| {
                let by_hand = own.past.records.contains(record);
                let id = match of_source.get(&(info.checksum_type, info.checksum)) {
                    Some(same) => numbers.get(place, *same),
                    None => numbers.get(only_here, record),
                };
                Some((id?, by_hand))
            })
            .collect()
    }

    /// When a package without an erratum counts as having appeared; counts what the choices would leave out.
    fn naked_when(
        &self,
        own: &GatheredPair,
        choice: Naked,
        pool: &Pool,
        record: u64,
        id: PackageId,
        counts: &mut NakedCounts,
    ) -> When {
        let Some(bound) = self.to_date else {
            return When::Original;
        };
        let after = |at: Option<Date>| at.is_none_or(|day| day > bound);
        let seen_later = own.seen.as_ref().is_some_and(|seen| !seen.contains(record));
        let built_later = after(day(Instant::from_seconds(pool.package(id).build_time())));
        counts.all += 1;
        counts.first_seen += u64::from(seen_later);
        counts.build_date += u64::from(built_later);
        let later = match choice {
            Naked::Original => false,
            Naked::FirstSeen => seen_later,
            Naked::BuildDate => built_later,
        };
        if later { When::Later } else { When::Original }
    }

    /// The errata of a source with where they stand and what the clone has of them.
    fn errata(
        &self,
        own: &GatheredPair,
        request: &CloneRequest,
        source: &[(u64, PackageId)],
        present: &BTreeMap<PackageId, bool>,
        taken_out: &PackageSet,
        errata_numbers: &mut ErratumNumbers,
    ) -> Vec<(ErratumQuestion, Option<String>)> {
        let ids: HashMap<u64, PackageId> = source.iter().copied().collect();
        let listing = Listing::new(&own.source.view, &ids, &own.stated);
        let history = History::new(own);
        own.source_errata
            .iter()
            .map(|erratum| {
                let packages = listing.of(erratum);
                let date = erratum_day(erratum, request.use_update_date);
                let known = history.of(erratum);
                let asked = request.errata.contains(&erratum.advisory);
                let is_there = |id: &PackageId| {
                    present.contains_key(id) || (!asked && taken_out.contains(*id))
                };
                let standing = if own.recorded {
                    let set = &own.destination.content.errata;
                    match set.contains(erratum.id.0.unsigned_abs()) {
                        true => Standing::Present,
                        false => Standing::Recorded,
                    }
                } else if known.is_some() {
                    match history.needs(erratum) {
                        _ if !self.is_synchronized(own, erratum, request, date) => {
                            Standing::Present
                        }
                        true => Standing::Revised,
                        // Whole errata: what was missing when it came, or was kept out, comes now.
                        false if !packages.iter().all(is_there) => Standing::Incomplete,
                        false => Standing::Present,
                    }
                } else if asked {
                    Standing::Named
                } else if self.is_in_range(erratum, request, date) {
                    Standing::InRange
                } else {
                    Standing::Available
                };
                let question = ErratumQuestion {
                    number: errata_numbers.number(erratum),
                    advisory: erratum.advisory.clone(),
                    date,
                    added: match (standing, known) {
                        (Standing::Revised, Some(known)) => {
                            let before = listing.of_names(&known.packages);
                            let new = |id: &&PackageId| !before.contains(id);
                            packages.iter().filter(new).copied().collect()
                        }
                        _ => Vec::new(),
                    },
                    packages,
                    names_none: erratum.packages.is_empty(),
                    standing,
                };
                let known = known.map(|known| known.advisory.clone());
                (question, known)
            })
            .collect()
    }

    /// Whether a clone was made up to a later day than the one asked for.
    fn goes_back(&self, own: &GatheredPair, request: &CloneRequest) -> bool {
        let by_date = request.errata.is_empty() && !own.recorded;
        let asked = self.to_date.filter(|_| by_date);
        asked.is_some_and(|day| own.past.reaches.is_some_and(|reaches| day < reaches))
    }

    /// Whether an erratum that the clone has is brought up to date with its original.
    fn is_synchronized(
        &self,
        own: &GatheredPair,
        erratum: &ClonableRevision,
        request: &CloneRequest,
        date: Option<Date>,
    ) -> bool {
        if request.no_errata_sync {
            return false;
        }
        if !request.errata.is_empty() {
            return request.errata.contains(&erratum.advisory);
        }
        // An earlier day than last time changes nothing beyond it.
        let beyond = self
            .to_date
            .is_some_and(|bound| date.is_none_or(|date| date > bound));
        !(beyond && self.goes_back(own, request))
    }

    fn is_in_range(
        &self,
        erratum: &ClonableRevision,
        request: &CloneRequest,
        date: Option<Date>,
    ) -> bool {
        // Errata by name leave the others alone, also where content is inferred from an instant.
        let (Some(bound), Some(date), true) = (self.to_date, date, request.errata.is_empty())
        else {
            return false;
        };
        date <= bound && (!request.security_only || erratum.kind == "security")
    }
}

/// The clone's revisions of each erratum of the source.
struct History<'o> {
    by_erratum: HashMap<i64, Vec<&'o ClonableRevision>>,
    /// Revisions that the source has.
    source: HashSet<i64>,
}

impl<'o> History<'o> {
    fn new(own: &'o GatheredPair) -> Self {
        let mut by_erratum: HashMap<i64, Vec<&ClonableRevision>> = HashMap::new();
        for erratum in &own.destination_errata {
            for key in [Some(erratum.erratum), erratum.original]
                .into_iter()
                .flatten()
            {
                by_erratum.entry(key.0).or_default().push(erratum);
            }
        }
        Self {
            by_erratum,
            source: own.source_errata.iter().map(|e| e.id.0).collect(),
        }
    }

    /// A revision of the clone that is of the same erratum.
    fn of(&self, erratum: &ClonableRevision) -> Option<&'o ClonableRevision> {
        self.by_erratum.get(&erratum.erratum.0)?.first().copied()
    }

    /// Whether a revision of the source is missing in the clone and newer than what the clone has instead. Several
    /// upstreams may each have a revision of one erratum: those stand side by side.
    fn needs(&self, erratum: &ClonableRevision) -> bool {
        let known = self.by_erratum.get(&erratum.erratum.0);
        let known = || known.into_iter().flatten();
        let is_copy =
            |known: &&ClonableRevision| known.id == erratum.id || known.copy_of == Some(erratum.id);
        if known().any(is_copy) {
            return false;
        }
        let age = |revision: &ClonableRevision| {
            (revision.updated, revision.copy_of.unwrap_or(revision.id))
        };
        let mut superseded = known().filter(|known| !self.source.contains(&origin(known).0));
        superseded.all(|known| age(erratum) > age(known))
    }
}

/// The revision that a clone's revision was made of; itself when it is none.
pub(super) fn origin(revision: &ClonableRevision) -> ErratumRevisionId {
    revision.copy_of.unwrap_or(revision.id)
}
