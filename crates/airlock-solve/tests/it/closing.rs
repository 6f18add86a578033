//! Closed sets: what stays of what was pulled in, and why.

use std::collections::HashMap;

use airlock_solve::{Choice, Closure, PackageId, PackageSet, Pool, Settings, Universe, Unmet};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::small::{draft, pool};
use crate::world::{Made, world};

/// A closed set with the choices that led to it; each is tagged with its place.
struct Closed {
    selected: Vec<PackageId>,
    fixed: PackageSet,
    choices: Vec<Choice>,
    closure: Closure,
}

impl Closed {
    fn new(
        universe: &Universe<'_>,
        selected: &[PackageId],
        beside: &PackageSet,
        mut choose: impl FnMut(&Unmet, usize) -> Option<Choice>,
    ) -> Self {
        let mut choices: Vec<Choice> = Vec::new();
        let closure = universe.close(selected, beside, |unmet, _| {
            let tag = Some(choices.len() as u64);
            let choice = choose(unmet, choices.len())?;
            choices.push(Choice { tag, ..choice });
            choices.last().cloned()
        });
        Self {
            selected: selected.to_vec(),
            fixed: selected.iter().copied().chain(beside.iter()).collect(),
            choices,
            closure,
        }
    }

    /// Choices that stayed, in the order of their reasons.
    fn kept(&self) -> Vec<&Choice> {
        let tags = self.closure.pulled.iter().map(|pulled| pulled.tag.unwrap());
        tags.map(|tag| &self.choices[tag as usize]).collect()
    }

    /// What is there, and whose requirements count, with some of the choices.
    fn state(&self, choices: &[&Choice]) -> (PackageSet, Vec<PackageId>) {
        let mut there = self.fixed.clone();
        let mut asking = self.selected.clone();
        for choice in choices {
            let with: &[PackageId] = match choice.solve_with {
                true => &choice.with,
                false => &[],
            };
            for id in [choice.package].iter().chain(with) {
                if !self.fixed.contains(*id) && !asking.contains(id) {
                    asking.push(*id);
                }
            }
            there.insert(choice.package);
            choice.with.iter().for_each(|id| {
                there.insert(*id);
            });
        }
        (there, asking)
    }
}

fn lines(pool: &Pool, closure: &Closure) -> Vec<String> {
    let named = |ids: &[PackageId]| ids.iter().map(|id| pool.name(*id)).collect::<Vec<_>>();
    let lines = closure.pulled.iter().map(|pulled| {
        format!(
            "{} {:?} for {} {}{}",
            pool.name(pulled.package),
            named(&pulled.with),
            pool.name(pulled.needed_by),
            pool.dependency_text(pulled.dependency),
            if pulled.alone { "" } else { " (not alone)" },
        )
    });
    lines.collect()
}

/// Closes packages with choices by name: a group for each chosen package, its first name.
fn close(pool: &Pool, selected: &[&str], groups: &[&[&str]]) -> Vec<String> {
    let universe = Universe::new(pool, &Settings::default());
    let ids: HashMap<&str, PackageId> =
        pool.packages().map(|(id, _)| (pool.name(id), id)).collect();
    let id = |name: &&str| ids[name];
    let selected: Vec<PackageId> = selected.iter().map(id).collect();
    let closure = universe.close(&selected, &PackageSet::default(), |unmet, _| {
        // The earliest name.
        let package = unmet.providers.iter().copied().min()?;
        let mut groups = groups.iter();
        let group = groups.find(|group| id(&group[0]) == package);
        let with = group.map(|group| group[1..].iter().map(id).collect());
        Some(Choice {
            with: with.unwrap_or_default(),
            ..Choice::from(package)
        })
    });
    assert_eq!(closure.open, []);
    lines(pool, &closure)
}

#[test]
fn packages_that_only_need_each_other_go() {
    let pool = pool(&[
        draft("r1-1", &["requires: cap"]),
        draft("r2-1", &["requires: other"]),
        draft("a-1", &["provides: cap", "provides: y", "requires: x"]),
        draft("b-1", &["provides: x", "requires: y"]),
        draft("c-1", &["provides: cap", "provides: other"]),
    ]);
    assert_eq!(
        close(&pool, &["r1"], &[]),
        ["a [] for r1 cap", "b [] for a x"]
    );
    // `c` makes `a` needless, and then `a` and `b` need each other and nothing else needs them.
    assert_eq!(close(&pool, &["r1", "r2"], &[]), ["c [] for r1 cap"]);
}

#[test]
fn of_packages_that_need_each_other_one_is_needed_by_a_selected_one() {
    // Without either of them the other one lacks something; both meet what is required.
    let pool = pool(&[
        draft("r-1", &["requires: cap"]),
        draft("a-1", &["provides: cap", "requires: x"]),
        draft("c-1", &["provides: cap", "provides: x", "requires: a"]),
    ]);
    assert_eq!(
        close(&pool, &["r"], &[]),
        ["a [] for r cap (not alone)", "c [] for a x"]
    );
}

#[test]
fn what_two_groups_share_stays_with_the_one_that_stays() {
    let drafts = |second: &str| {
        pool(&[
            draft("r1-1", &["requires: cap"]),
            draft("r2-1", &[&format!("requires: {second}")]),
            draft("p-1", &["provides: cap"]),
            draft("q-1", &["provides: cap"]),
            draft("x-1", &[]),
        ])
    };
    let groups: &[&[&str]] = &[&["p", "x"], &["q", "x"]];
    let pool = drafts("q");
    assert_eq!(
        close(&pool, &["r1", "r2"], groups),
        ["q [\"x\"] for r1 cap"]
    );
    // Where both stay, both have it.
    let pool = drafts("(p and q)");
    assert_eq!(
        close(&pool, &["r1", "r2"], groups),
        ["p [\"x\"] for r2 p", "q [\"x\"] for r2 q"]
    );
}

#[test]
fn a_requirement_whose_condition_went_is_not_open() {
    let pool = pool(&[
        draft("r1-1", &["requires: cap", "requires: (nowhere if a)"]),
        draft("r2-1", &["requires: c"]),
        draft("a-1", &["provides: cap"]),
        draft("c-1", &["provides: cap"]),
    ]);
    assert_eq!(close(&pool, &["r1", "r2"], &[]), ["c [] for r1 cap"]);
}

#[test]
fn a_group_of_thousands_is_needed_as_a_whole() {
    // Half of them meet what the other half requires, and each requires the next one.
    const COUNT: usize = 3_000;
    let mut drafts = vec![
        draft("r1-1", &["requires: cap"]),
        draft("r2-1", &["requires: late", "requires: (common if common)"]),
        draft("late-1", &["provides: cap", "requires: m0"]),
    ];
    for number in 0..COUNT {
        let common = match number % 2 {
            0 => "provides: common",
            _ => "requires: common",
        };
        let next = format!("requires: m{}", (number + 1) % COUNT);
        drafts.push(draft(&format!("m{number}-1"), &[common, &next]));
        // Each of these is needless in the end.
        drafts.push(draft(
            &format!("a{number}-1"),
            &["provides: cap", &format!("requires: a{}", number + 1)],
        ));
    }
    drafts.push(draft(&format!("a{COUNT}-1"), &[]));
    let names: Vec<String> = (0..COUNT).map(|number| format!("m{number}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let pool = pool(&drafts);
    let found = close(&pool, &["r1", "r2"], &[&members]);
    assert_eq!(found.len(), 2, "{}", found.len());
    assert_eq!(found[0], "late [] for r1 cap");
    assert!(found[1].starts_with("m0 [\"m1\", \"m2\""));
    assert!(found[1].ends_with("] for late m0"));
}

fn made_pool(all: &[Made]) -> Pool {
    pool(&all.iter().map(Made::draft).collect::<Vec<_>>())
}

/// Sets of packages that come together.
fn groups() -> impl Strategy<Value = Vec<(Vec<Index>, bool)>> {
    let members = proptest::collection::vec(any::<Index>(), 1..5);
    proptest::collection::vec((members, proptest::bool::weighted(0.8)), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stays_is_whole_and_needed_and_goes_back_to_what_was_selected(
        all in world(14, 6),
        selected in proptest::collection::vec(any::<Index>(), 1..4),
        beside in proptest::collection::vec(any::<Index>(), 0..2),
        groups in groups(),
        picks in proptest::collection::vec(any::<Index>(), 8),
    ) {
        let pool = made_pool(&all);
        let universe = Universe::new(&pool, &Settings { machine: Some("x86_64".to_owned()), ..Settings::default() });
        let ids: Vec<PackageId> = pool.packages().map(|(id, _)| id).collect();
        let of = |indices: &[Index]| indices.iter().map(|i| *i.get(&ids)).collect::<Vec<PackageId>>();
        let beside: PackageSet = of(&beside).into_iter().collect();
        let closed = Closed::new(&universe, &of(&selected), &beside, |unmet, number| {
            let pick = picks[number % picks.len()];
            let package = (!unmet.providers.is_empty()).then(|| *pick.get(&unmet.providers))?;
            let mut choice = Choice::from(package);
            let listing = groups.iter().map(|(members, solve)| (of(members), *solve));
            let listing: Vec<_> = listing.filter(|(members, _)| members.contains(&package)).collect();
            if !listing.is_empty() {
                (choice.with, choice.solve_with) = pick.get(&listing).clone();
                choice.with.retain(|id| *id != package);
            }
            Some(choice)
        });
        let kept = closed.kept();
        let (there, asking) = closed.state(&kept);
        let open = universe.unmet(&asking, &there);
        prop_assert_eq!(&open, &closed.closure.open);
        prop_assert!(open.iter().all(|unmet| unmet.providers.is_empty()));
        for (place, pulled) in closed.closure.pulled.iter().enumerate() {
            // It is whole.
            let choice = kept[place];
            let chosen = std::iter::once(choice.package).chain(choice.with.iter().copied());
            let expected: PackageSet = chosen.filter(|id| !closed.fixed.contains(*id)).collect();
            let members = std::iter::once(pulled.package).chain(pulled.with.iter().copied());
            prop_assert_eq!(members.clone().collect::<PackageSet>(), expected.iter().collect::<PackageSet>());
            prop_assert_eq!(members.count(), expected.iter().count());
            // With what has a reason already, something of that lacks it.
            let (before, asked) = closed.state(&kept[..place]);
            prop_assert!(asked.contains(&pulled.needed_by));
            let lacks = |there: &PackageSet| {
                universe.unmet(&[pulled.needed_by], there).iter().any(|unmet| {
                    unmet.dependency == pulled.dependency && unmet.providers.contains(&pulled.package)
                })
            };
            prop_assert!(lacks(&before), "{:?}", pulled);
            let without: PackageSet = there.iter().filter(|id| *id != pulled.package).collect();
            prop_assert!(lacks(&without) || !pulled.alone, "{:?}", pulled);
            // Without the group something that stays lacks.
            let mut others = kept.clone();
            others.remove(place);
            let (without, staying) = closed.state(&others);
            let unmet = universe.unmet(&staying, &without);
            prop_assert!(unmet.iter().any(|unmet| !open.contains(unmet)), "{:?}", pulled);
        }
    }
}
