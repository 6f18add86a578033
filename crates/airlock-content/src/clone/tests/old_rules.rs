//! The old tool's two engines as a model of a few lines (reference clone-by-date, section 5.3), beside the rules here:
//! what each pulls beyond the date, and what each leaves open.

use std::collections::BTreeSet;

use airlock_solve::{PackageId, PackageSet};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::asked;
use super::tree::{is_inside, tree};
use crate::clone::question::Question;

/// What a run came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    /// Packages pulled in that are beyond the date.
    beyond: usize,
    /// Of these: where everything could have been closed within the date.
    avoidable: usize,
    /// Requirements left open that something in the source would meet.
    open: usize,
}

/// One of the old engines: the whole set is looked at in rounds; a requirement is met by any of its providers (by the
/// newest of each name only, for the dnf engine), and the first provider that is in the requirer's own channel comes,
/// with its erratum.
fn old_engine(question: &Question<'_, '_>, newest_only: bool) -> PackageSet {
    let universe = question.universe;
    let pool = universe.pool();
    let mut there = question.there();
    let mut round: Vec<PackageId> = there.iter().collect();
    let is_newest = |id: &PackageId| {
        pool.packages().all(|(other, _)| {
            pool.name(other) != pool.name(*id) || pool.evr(other) <= pool.evr(*id)
        })
    };
    while !round.is_empty() {
        let mut next = BTreeSet::new();
        let input = round.iter().filter(|id| !newest_only || is_newest(id));
        let input: Vec<PackageId> = input.copied().collect();
        for unmet in universe.unmet(&input, &PackageSet::default()) {
            let mut providers = unmet.providers.clone();
            if newest_only {
                providers.retain(is_newest);
            }
            providers.sort_by_key(|id| (pool.evr(*id).to_string(), *id));
            for channel in &question.channels {
                let offers = |id: &PackageId| channel.source.iter().any(|(of, _)| of == id);
                let offered = providers.iter().any(offers);
                let has = |id: &PackageId| offers(id) && there.contains(*id);
                let Some(first) = providers.first() else {
                    continue;
                };
                if !offered || providers.iter().any(has) || !offers(first) {
                    continue;
                }
                next.insert(*first);
                let erratum = channel.errata.iter().find(|e| e.packages.contains(first));
                next.extend(erratum.into_iter().flat_map(|e| e.packages.iter().copied()));
            }
        }
        round = next.into_iter().filter(|id| there.insert(*id)).collect();
    }
    there
}

fn counts(question: &Question<'_, '_>, there: &PackageSet) -> Counts {
    let start = question.there();
    let everything: Vec<PackageId> = there.iter().collect();
    let beyond = everything
        .iter()
        .filter(|id| !start.contains(**id) && !is_inside(question, **id));
    let offered = |id: &PackageId| {
        let mut channels = question.channels.iter();
        channels.any(|channel| channel.source.iter().any(|(of, _)| of == id))
    };
    let open = question.universe.unmet(&everything, there);
    let open = open
        .iter()
        .filter(|unmet| unmet.providers.iter().any(offered));
    let beyond = beyond.count();
    Counts {
        beyond,
        avoidable: if beyond > 0 && closes_within(question) {
            beyond
        } else {
            0
        },
        open: open.count(),
    }
}

/// Whether some set of packages inside the date closes what is there from the beginning: all of them are tried.
fn closes_within(question: &Question<'_, '_>) -> bool {
    let start = question.there();
    let offered = question.channels.iter().flat_map(|channel| &channel.source);
    let inside: Vec<PackageId> = offered
        .map(|(id, _)| *id)
        .filter(|id| !start.contains(*id) && is_inside(question, *id))
        .collect();
    (0..1_u32 << inside.len()).any(|bits| {
        let chosen = (0..inside.len()).filter(|place| bits & 1 << place != 0);
        let mut there = start.clone();
        chosen.for_each(|place| {
            there.insert(inside[place]);
        });
        let everything: Vec<PackageId> = there.iter().collect();
        question.universe.unmet(&everything, &there).is_empty()
    })
}

#[test]
fn nothing_avoidable_is_pulled_in_and_nothing_is_left_open_where_the_old_engines_do_both() {
    let mut runner = TestRunner::deterministic();
    let (mut ours, mut yum, mut dnf) = (Counts::default(), Counts::default(), Counts::default());
    let mut trees = 0;
    while trees < 2_000 {
        let made = tree().new_tree(&mut runner).unwrap().current();
        let mut made = made.with_single_errata();
        (made.strict, made.solve_errata) = (false, true);
        made.packages
            .iter_mut()
            .for_each(|package| package.barred = false);
        trees += 1;
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            let there = super::there(question, &decision);
            for (sum, found) in [
                (&mut ours, counts(question, &there)),
                (&mut yum, counts(question, &old_engine(question, false))),
                (&mut dnf, counts(question, &old_engine(question, true))),
            ] {
                sum.beyond += found.beyond;
                sum.avoidable += found.avoidable;
                sum.open += found.open;
            }
        });
    }
    for (engine, counts) in [("ours", ours), ("yum engine", yum), ("dnf engine", dnf)] {
        println!(
            "{trees} trees, {engine}: {} packages beyond the date, {} of them avoidable, {} requirements left open",
            counts.beyond, counts.avoidable, counts.open
        );
    }
    assert_eq!((ours.avoidable, ours.open), (0, 0));
    for old in [yum, dnf] {
        assert!(old.avoidable > 0 && old.open > 0, "{old:?}");
    }
}
