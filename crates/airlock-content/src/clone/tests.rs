//! Plans of random small trees against rules of a few lines.

mod old_rules;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use airlock_model::{ErratumReason, OpenCause, PackageReason};
use airlock_solve::{Modules, PackageId, PackageSet, Settings, Universe, Unmet};
use proptest::prelude::*;

use self::tree::{Made, made_pool, question, tree};
use super::decide::Decision;
use super::question::Question;

/// Runs a test on the question of a tree.
fn asked<T>(made: &Made, order: u64, test: impl FnOnce(&Question<'_, '_>) -> T) -> T {
    let pool = made_pool(made, order);
    let settings = Settings {
        machine: Some("x86_64".to_owned()),
        ..Settings::default()
    };
    let universe = Universe::new(&pool, &settings);
    let modules = Modules::new(&pool, &[]);
    test(&question(made, &universe, &modules, order))
}

fn there(question: &Question<'_, '_>, decision: &Decision) -> PackageSet {
    let mut there = question.parent.clone();
    for channel in &decision.channels {
        channel.result.iter().for_each(|id| {
            there.insert(*id);
        });
    }
    there
}

/// Why an erratum was pulled in.
struct Because<'a> {
    package: &'a String,
    by: &'a String,
}

/// Errata that dependencies pulled in, by advisory.
fn pulled_errata<'a>(
    question: &'a Question<'_, '_>,
    decision: &'a Decision,
) -> BTreeMap<&'a String, Because<'a>> {
    let mut found = BTreeMap::new();
    for (own, channel) in question.channels.iter().zip(&decision.channels) {
        for (place, reason) in &channel.errata {
            if let ErratumReason::Needed { package, by, .. } = reason {
                found.insert(&own.errata[*place].advisory, Because { package, by });
            }
        }
    }
    found
}

/// A decision as text: the same for the same tree, whatever its order.
fn told(question: &Question<'_, '_>, decision: &Decision) -> String {
    let pool = question.universe.pool();
    let mut text = String::new();
    for (own, channel) in question.channels.iter().zip(&decision.channels) {
        text.push_str("channel\n");
        for (id, reason) in &channel.packages {
            text.push_str(&format!("{} {reason:?}\n", pool.nevra(*id)));
        }
        let mut errata: Vec<String> = channel
            .errata
            .iter()
            .map(|(place, reason)| format!("{} {reason:?}\n", own.errata[*place].advisory))
            .collect();
        errata.sort();
        text.push_str(&errata.concat());
    }
    let mut open: Vec<String> = decision
        .open
        .iter()
        .map(|open| format!("{} {:?}\n", open.channel, open.requirement))
        .collect();
    open.sort();
    text + &open.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_the_source_could_satisfy_stays_open(made in tree()) {
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            for open in &decision.open {
                let cause = open.requirement.cause;
                prop_assert!(
                    matches!(cause, OpenCause::Source | OpenCause::KeptOut)
                        || (cause == OpenCause::NotSolved && !question.solve_errata)
                        || (cause == OpenCause::BeyondDate && question.strict),
                    "{:?}",
                    open.requirement
                );
            }
            Ok(())
        })?;
    }

    #[test]
    fn nothing_is_there_without_a_reason_and_nothing_barred_comes_in(made in tree()) {
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            for (own, channel) in question.channels.iter().zip(&decision.channels) {
                let kept: BTreeSet<PackageId> = own.kept.iter().copied().collect();
                for id in &channel.result {
                    prop_assert!(kept.contains(id) || channel.packages.contains_key(id));
                }
                for (id, reason) in &channel.packages {
                    let taken = own.taken.iter().any(|(taken, _)| taken == id);
                    prop_assert!(taken || !own.barred.contains(*id));
                    prop_assert!(own.source.iter().any(|(of_source, _)| of_source == id));
                    if let PackageReason::WithErratum { advisory } = reason {
                        // The erratum is listed here, for another of its packages was needed.
                        let listed = channel.errata.iter();
                        let mut names = listed.map(|(place, _)| &own.errata[*place].advisory);
                        prop_assert!(names.any(|name| name == advisory), "{advisory}");
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn without_a_package_that_is_needed_something_lacks(made in tree()) {
        asked(&made, 0, |question| {
            let pool = question.universe.pool();
            let decision = question.decide().unwrap();
            let there = there(question, &decision);
            let everything: Vec<PackageId> = there.iter().collect();
            let before = question.universe.unmet(&everything, &there);
            for channel in &decision.channels {
                for (id, reason) in &channel.packages {
                    let PackageReason::Needed { by, requires, advisory } = reason else {
                        continue;
                    };
                    let mut without = there.clone();
                    without.remove(*id);
                    let unmet = question.universe.unmet(&everything, &without);
                    let mut new = unmet.iter().filter(|unmet| !before.contains(unmet));
                    // What it brought in may meet that, too, and lack something else without it; with an erratum
                    // that is told as such.
                    let lacks = |unmet: &Unmet| {
                        advisory.is_none()
                            || (pool.nevra(unmet.package) == *by
                                && pool.dependency_text(unmet.dependency) == *requires)
                    };
                    prop_assert!(new.any(lacks), "{} for {by} {requires}", pool.nevra(*id));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn reasons_go_back_to_what_comes_in_without_dependencies(made in tree()) {
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            let roots = question.there();
            let pool = question.universe.pool();
            let mut grounded: BTreeSet<String> = roots.iter().map(|id| pool.nevra(id)).collect();
            let listed = pulled_errata(question, &decision);
            let packages = || decision.channels.iter().flat_map(|channel| &channel.packages);
            // A reason counts once those that it names have one.
            let mut before = 0;
            while before < grounded.len() {
                before = grounded.len();
                for (id, reason) in packages() {
                    let by = match reason {
                        PackageReason::Needed { by, .. } => Some(by),
                        PackageReason::WithErratum { advisory } => listed.get(advisory).map(|reason| reason.by),
                        _ => None,
                    };
                    if by.is_some_and(|by| grounded.contains(by)) {
                        grounded.insert(pool.nevra(*id));
                    }
                }
            }
            for (id, reason) in packages() {
                prop_assert!(grounded.contains(&pool.nevra(*id)), "{} {reason:?}", pool.nevra(*id));
            }
            for (advisory, reason) in &listed {
                prop_assert!(grounded.contains(reason.by), "{advisory}: {}", reason.by);
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_erratum_that_is_pulled_in_is_whole_and_the_one_that_brought_its_packages(made in tree()) {
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            let pool = question.universe.pool();
            let there = there(question, &decision);
            let listed = pulled_errata(question, &decision);
            for (advisory, reason) in &listed {
                let rows = || question.channels.iter().zip(&decision.channels).flat_map(|(own, channel)| {
                    let rows = own.errata.iter().enumerate();
                    rows.filter(|(_, e)| e.advisory == **advisory).map(move |(place, e)| (own, channel, place, e))
                });
                let mut helps = false;
                for (own, channel, place, erratum) in rows() {
                    let free = || erratum.packages.iter().filter(|id| !own.barred.contains(**id));
                    prop_assert!(free().all(|id| there.contains(*id)), "{advisory} is not whole");
                    let is_listed = channel.errata.iter().any(|(listed, _)| *listed == place);
                    prop_assert!(is_listed || free().next().is_none(), "{advisory} is not listed");
                    helps |= free().any(|id| pool.nevra(*id) == *reason.package);
                }
                prop_assert!(helps, "{advisory} does not have {}", reason.package);
            }
            for (own, channel) in question.channels.iter().zip(&decision.channels) {
                for (id, reason) in &channel.packages {
                    let (PackageReason::Needed { advisory: Some(advisory), .. }
                    | PackageReason::WithErratum { advisory }) = reason else {
                        continue;
                    };
                    prop_assert!(listed.contains_key(advisory), "{advisory} is not listed");
                    let mut rows = own.errata.iter().filter(|e| e.advisory == *advisory);
                    prop_assert!(rows.any(|e| e.packages.contains(id)), "{} {advisory}", pool.nevra(*id));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn nothing_is_explained_to_nobody(made in tree()) {
        asked(&made, 0, |question| {
            let whole = question.decide().unwrap();
            let left = Question { goes_on: &|| false, channels: question.channels.clone(), parent: question.parent.clone(),
                source_parent: question.source_parent.clone(), ..*question };
            let decision = left.decide().unwrap();
            prop_assert!(decision.broken.is_empty());
            prop_assert_eq!(told(&left, &decision), told(question, &whole));
            Ok(())
        })?;
    }

    #[test]
    fn an_advisory_is_listed_where_its_packages_are(made in tree()) {
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            for (own, channel) in question.channels.iter().zip(&decision.channels) {
                let result: BTreeSet<PackageId> = channel.result.iter().copied().collect();
                for (place, _) in &channel.errata {
                    let packages = &own.errata[*place].packages;
                    prop_assert!(packages.is_empty() || packages.iter().any(|id| result.contains(id)));
                    // It comes whole.
                    for id in packages {
                        prop_assert!(result.contains(id) || own.barred.contains(*id));
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_can_be_closed_within_the_date_stays_within_it(made in tree()) {
        // Errata of one package: what comes along with a provider may always reach beyond. Without conditions: what is
        // pulled in may make one true that only something beyond the date meets.
        let made = made.with_single_errata().without_conditions();
        asked(&made, 0, |question| {
            let decision = question.decide().unwrap();
            let start = question.there();
            let inside = |id: PackageId| start.contains(id) || tree::is_inside(question, id);
            let closable = question.universe.closable(inside);
            let roots: Vec<PackageId> = question
                .channels
                .iter()
                .flat_map(|channel| channel.kept.iter().chain(channel.taken.iter().map(|(id, _)| id)))
                .copied()
                .collect();
            if roots.iter().all(|id| closable.contains(*id) || !question.universe.takes(*id)) {
                let start_beyond = decision.beyond.iter().filter(|id| !start.contains(**id)).count();
                prop_assert_eq!(start_beyond, 0);
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_tree_in_a_hundred_orders_gives_the_same_plan(made in tree()) {
        let tell = |order| asked(&made, order, |question| told(question, &question.decide().unwrap()));
        let first = tell(0);
        for order in 1..100 {
            prop_assert_eq!(&tell(order), &first);
        }
    }
}
