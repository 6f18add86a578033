//! Random small universes against trying out every set of packages.

use airlock_solve::{
    Installability, PackageId, PackageSet, Pool, PoolBuilder, Settings, Solver, Universe,
};
use airlock_testkit::seeded::Seeded;
use proptest::prelude::*;

use crate::small::{find, pool};
use crate::world::{Dep, Made, world};

/// Packages that provide a capability, as bits.
fn providers(all: &[Made], dep: &Dep) -> u32 {
    let offers = |made: &Made| match dep {
        Dep::Cap(name, range) => {
            let fits = |offered: Option<u32>| match (offered, range) {
                (None, _) | (_, None) => true,
                (Some(offered), Some((sign, wanted))) => match *sign {
                    "<" => offered < *wanted,
                    "<=" => offered <= *wanted,
                    "=" => offered == *wanted,
                    ">=" => offered >= *wanted,
                    _ => offered > *wanted,
                },
            };
            let provides =
                |(offer, version): &(String, Option<u32>)| offer == name && fits(*version);
            made.provides.iter().any(provides)
                || (made.name == *name && fits(Some(made.version)))
                || made.files.contains(name)
        }
        _ => false,
    };
    match dep {
        Dep::Cap(..) => (0..all.len())
            .filter(|place| offers(&all[*place]))
            .fold(0, |bits, place| bits | 1 << place),
        Dep::With(a, b) => providers(all, a) & providers(all, b),
        Dep::Without(a, b) => providers(all, a) & !providers(all, b),
        _ => 0,
    }
}

/// True when the dependency holds in a set of packages.
fn holds(all: &[Made], set: u32, dep: &Dep) -> bool {
    let is = |dep: &Dep| holds(all, set, dep);
    match dep {
        Dep::Cap(..) | Dep::With(..) | Dep::Without(..) => providers(all, dep) & set != 0,
        Dep::And(a, b) => is(a) && is(b),
        Dep::Or(a, b) => is(a) || is(b),
        Dep::If(a, b) => is(a) || !is(b),
        Dep::Unless(a, b) => is(a) && !is(b),
        Dep::IfElse(a, b, c) => {
            if is(b) {
                is(a)
            } else {
                is(c)
            }
        }
        Dep::UnlessElse(a, b, c) => {
            if is(b) {
                is(c)
            } else {
                is(a)
            }
        }
    }
}

fn excludes(one: &Made, two: &Made) -> bool {
    let bits = |made: &Made| match made.arch {
        "noarch" => 3,
        "i686" => 1,
        _ => 2,
    };
    one.name == two.name && one.name != "kernel" && bits(one) & bits(two) != 0
}

/// True when a set may be on a machine.
fn is_valid(all: &[Made], set: u32) -> bool {
    let members: Vec<usize> = (0..all.len())
        .filter(|place| set & 1 << place != 0)
        .collect();
    members.iter().all(|place| {
        let (made, bit) = (&all[*place], 1 << place);
        let others = || members.iter().filter(|other| *other != place);
        made.requires.iter().all(|dep| holds(all, set, dep))
            && made
                .conflicts
                .iter()
                .all(|dep| !forbidden(all, set, bit, dep))
            && others().all(|other| !excludes(made, &all[*other]))
            && made.obsoletes.iter().all(|dep| {
                let Dep::Cap(name, _) = dep else { return true };
                let hit = providers(all, dep);
                // Obsoletes go by name and the package's own version.
                others().all(|other| {
                    let other_made = &all[*other];
                    let own = Made {
                        provides: Vec::new(),
                        files: Vec::new(),
                        ..other_made.clone()
                    };
                    other_made.name != *name || hit & 1 << other == 0 || providers(&[own], dep) == 0
                })
            })
    })
}

/// Ways in which a dependency holds, or does not: packages that are in, packages that are out.
fn ways(all: &[Made], dep: &Dep, holds: bool) -> Vec<(u32, u32)> {
    let way = |dep: &Dep, holds| ways(all, dep, holds);
    let both = |one: Vec<(u32, u32)>, two: Vec<(u32, u32)>| -> Vec<(u32, u32)> {
        let pairs = one
            .iter()
            .flat_map(|a| two.iter().map(move |b| (a.0 | b.0, a.1 | b.1)));
        pairs.filter(|(there, out)| there & out == 0).collect()
    };
    match (dep, holds) {
        (Dep::Cap(..) | Dep::With(..) | Dep::Without(..), _) => {
            let bits = providers(all, dep);
            match holds {
                true => (0..32)
                    .map(|p| 1 << p)
                    .filter(|p| bits & p != 0)
                    .map(|p| (p, 0))
                    .collect(),
                false => vec![(0, bits)],
            }
        }
        (Dep::And(a, b), true) => both(way(a, true), way(b, true)),
        (Dep::And(a, b), false) => [way(a, false), way(b, false)].concat(),
        (Dep::Or(a, b), true) => [way(a, true), way(b, true)].concat(),
        (Dep::Or(a, b), false) => both(way(a, false), way(b, false)),
        (Dep::If(a, b), true) => [way(a, true), way(b, false)].concat(),
        (Dep::If(a, b), false) => both(way(a, false), way(b, true)),
        (Dep::Unless(a, b), true) => both(way(a, true), way(b, false)),
        (Dep::Unless(a, b), false) => [way(a, false), way(b, true)].concat(),
        (Dep::IfElse(a, b, c), _) => {
            // The third way is one of the other two, but not for a package in conflict with itself.
            let (then, other) = (
                both(way(a, holds), way(b, true)),
                both(way(c, holds), way(b, false)),
            );
            [then, other, both(way(a, holds), way(c, holds))].concat()
        }
        (Dep::UnlessElse(a, b, c), _) => [
            both(way(a, holds), way(b, false)),
            both(way(c, holds), way(b, true)),
        ]
        .concat(),
    }
}

/// A conflict that comes true through the package alone does not count.
fn forbidden(all: &[Made], set: u32, own: u32, dep: &Dep) -> bool {
    let mut ways = ways(all, dep, true).into_iter();
    ways.any(|(there, out)| there & !set == 0 && out & set == 0 && (there, out) != (own, 0))
}

fn brute(all: &[Made]) -> Vec<String> {
    let sets: Vec<u32> = (0..1_u32 << all.len())
        .filter(|set| is_valid(all, *set))
        .collect();
    let mut broken: Vec<String> = (0..all.len())
        .filter(|place| !sets.iter().any(|set| set & 1 << place != 0))
        .map(|place| all[place].nevra())
        .collect();
    broken.sort();
    broken
}

fn made_pool(all: &[Made]) -> Pool {
    pool(&all.iter().map(Made::draft).collect::<Vec<_>>())
}

fn broken_of(universe: &Universe<'_>) -> Vec<String> {
    let found = Installability::check(universe);
    let mut broken: Vec<String> = found.broken().map(|id| universe.pool().nevra(id)).collect();
    broken.sort();
    broken
}

fn settings() -> Settings {
    Settings {
        machine: Some("x86_64".to_owned()),
        ..Settings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn installability_is_what_trying_every_set_finds(all in world(9, 4)) {
        let pool = made_pool(&all);
        let universe = Universe::new(&pool, &settings());
        let expected = brute(&all);
        prop_assert_eq!(broken_of(&universe), expected.clone());
        // Every broken package has a reason, every other a valid transaction.
        let mut solver = Solver::new(&universe, |_| true);
        for (id, _) in pool.packages() {
            prop_assert_eq!(solver.explain(id).is_some(), expected.contains(&pool.nevra(id)));
            let solved = universe.solve(&[vec![id]], |_| true);
            prop_assert_eq!(solved.is_err(), expected.contains(&pool.nevra(id)));
            match solved {
                Err(explanation) => prop_assert!(!explanation.lines(&pool).is_empty()),
                Ok(transaction) => {
                    let set = transaction.packages.iter().fold(0_u32, |bits, (id, _)| {
                        let nevra = pool.nevra(*id);
                        bits | 1 << all.iter().position(|made| made.nevra() == nevra).unwrap()
                    });
                    prop_assert!(is_valid(&all, set), "{:?}", transaction);
                    prop_assert!(transaction.why(id).len() == 1);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_stored_pool_gives_the_same_answers(all in world(9, 4)) {
        let pool = made_pool(&all);
        let bytes = pool.write();
        let again = Pool::read(&bytes).unwrap();
        prop_assert_eq!(again.write(), bytes);
        let (one, two) = (Universe::new(&pool, &settings()), Universe::new(&again, &settings()));
        prop_assert_eq!(broken_of(&one), broken_of(&two));
    }

    #[test]
    fn order_does_not_matter(all in world(12, 5), seed in any::<u64>()) {
        let pool = made_pool(&all);
        let mut shuffled = all.clone();
        let mut random = Seeded::new(seed);
        for place in 1..shuffled.len() {
            shuffled.swap(place, random.below(place as u64 + 1) as usize);
        }
        let other = made_pool(&shuffled);
        let (one, two) = (Universe::new(&pool, &settings()), Universe::new(&other, &settings()));
        prop_assert_eq!(broken_of(&one), broken_of(&two));
        for (id, _) in pool.packages() {
            let answer = |universe: &Universe<'_>, id: PackageId| {
                let pool = universe.pool();
                match universe.solve(&[vec![id]], |_| true) {
                    Ok(found) => found.packages.iter().map(|(id, _)| pool.nevra(*id)).collect(),
                    Err(explanation) => explanation.lines(pool),
                }
            };
            let nevra = pool.nevra(id);
            prop_assert_eq!(answer(&one, id), answer(&two, find(&other, &nevra)));
        }
    }

    #[test]
    fn a_closed_set_lacks_nothing_that_there_is(all in world(12, 5)) {
        let pool = made_pool(&all);
        let universe = Universe::new(&pool, &settings());
        for (id, _) in pool.packages() {
            let beside = PackageSet::default();
            let closure = universe.close(&[id], &beside, |unmet, _| unmet.providers.last().copied());
            let mut order = vec![id];
            order.extend(closure.pulled.iter().map(|pulled| pulled.package));
            let present: PackageSet = order.iter().copied().collect();
            let unmet = universe.unmet(&order, &present);
            prop_assert_eq!(&unmet, &closure.open);
            prop_assert!(unmet.iter().all(|unmet| unmet.providers.is_empty()));
            // Without a package that was pulled in, the one that needed it lacks something, if it alone meets it.
            for pulled in closure.pulled.iter().filter(|pulled| pulled.alone) {
                let without: PackageSet = present.iter().filter(|id| *id != pulled.package).collect();
                prop_assert!(!universe.unmet(&[pulled.needed_by], &without).is_empty());
            }
        }
    }
}

#[test]
fn damaged_pools_are_refused() {
    let pool = made_pool(&[Made {
        name: "n0".to_owned(),
        version: 1,
        arch: "noarch",
        provides: vec![("c0".to_owned(), None)],
        requires: vec![Dep::Cap("/d/f0".to_owned(), None)],
        conflicts: Vec::new(),
        obsoletes: Vec::new(),
        files: vec!["/d/f0".to_owned()],
    }]);
    let bytes = pool.write();
    for length in 0..bytes.len() {
        assert!(Pool::read(&bytes[..length]).is_err());
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(Pool::read(&changed).is_err(), "byte {place}");
        // With a right checksum it may be taken, but nothing may panic.
        let digest = xxhash_rust::xxh3::xxh3_64(&changed[16..]);
        changed[8..16].copy_from_slice(&digest.to_le_bytes());
        if let Ok(pool) = Pool::read(&changed) {
            let universe = Universe::new(&pool, &settings());
            let _ = Installability::check(&universe);
        }
    }
    assert_eq!(PoolBuilder::new().finish().len(), 0);
}
