//! Random small trees: a base channel and a child, errata over both, a clone that may have something already.

use std::collections::HashMap;

use airlock_model::PackageReason;
use airlock_repodata::primary::DependencyKind;
use airlock_solve::{Draft, Modules, PackageId, PackageSet, Pool, PoolBuilder, Universe};
use airlock_testkit::seeded::Seeded;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use crate::clone::question::{ChannelQuestion, ErratumQuestion, Question, Standing, When};

/// A package of a random tree.
#[derive(Debug, Clone)]
pub struct MadePackage {
    pub name: u8,
    pub version: u8,
    pub channel: usize,
    pub provides: Vec<String>,
    pub requires: Vec<String>,
    pub conflicts: Vec<String>,
    pub files: Vec<String>,
    /// The blacklist names it.
    pub barred: bool,
    /// The clone has it.
    pub kept: bool,
}

/// An erratum with places of its packages.
#[derive(Debug, Clone)]
pub struct MadeErratum {
    pub day: i8,
    pub packages: Vec<usize>,
    pub security: bool,
}

/// A random tree.
#[derive(Debug, Clone)]
pub struct Made {
    pub packages: Vec<MadePackage>,
    pub errata: Vec<MadeErratum>,
    pub bound: i8,
    pub security_only: bool,
    pub solve_errata: bool,
    pub strict: bool,
    /// The clones have content already.
    pub again: bool,
}

impl Made {
    pub fn without_conditions(mut self) -> Self {
        for package in &mut self.packages {
            package.requires.retain(|text| !text.contains(" if "));
        }
        self
    }

    pub fn with_single_errata(mut self) -> Self {
        let mut seen = Vec::new();
        for erratum in &mut self.errata {
            erratum.packages.truncate(1);
            erratum.packages.retain(|place| !seen.contains(place));
            seen.extend(erratum.packages.iter().copied());
        }
        self
    }
}

fn capability() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u8..6).prop_map(|n| format!("n{n}")),
        (0_u8..4).prop_map(|n| format!("cap{n}")),
        (0_u8..6, 1_u8..4).prop_map(|(n, v)| format!("n{n} >= {v}")),
        (0_u8..6, 1_u8..4).prop_map(|(n, v)| format!("n{n} = {v}")),
        (0_u8..3).prop_map(|n| format!("/usr/bin/f{n}")),
    ]
}

fn requirement() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => capability(),
        1 => (capability(), capability()).prop_map(|(a, b)| format!("({a} or {b})")),
        1 => (capability(), capability()).prop_map(|(a, b)| format!("({a} and {b})")),
        1 => (capability(), capability()).prop_map(|(a, b)| format!("({a} if {b})")),
    ]
}

fn package() -> impl Strategy<Value = MadePackage> {
    (
        (0_u8..6, 1_u8..4, 0_usize..2),
        prop::collection::vec((0_u8..4).prop_map(|n| format!("cap{n}")), 0..2),
        prop::collection::vec(requirement(), 0..3),
        prop::collection::vec(capability(), 0..2),
        prop::collection::vec((0_u8..3).prop_map(|n| format!("/usr/bin/f{n}")), 0..2),
        (prop::bool::weighted(0.1), any::<bool>()),
    )
        .prop_map(
            |((name, version, channel), provides, requires, conflicts, files, (barred, kept))| {
                MadePackage {
                    name,
                    version,
                    channel,
                    provides,
                    requires,
                    conflicts,
                    files,
                    barred,
                    kept,
                }
            },
        )
}

pub fn tree() -> impl Strategy<Value = Made> {
    (
        prop::collection::vec(package(), 1..14),
        prop::collection::vec(
            (
                1_i8..10,
                prop::collection::vec(any::<prop::sample::Index>(), 1..4),
                any::<bool>(),
            ),
            0..8,
        ),
        0_i8..10,
        (
            any::<bool>(),
            prop::bool::weighted(0.8),
            prop::bool::weighted(0.2),
            any::<bool>(),
        ),
    )
        .prop_map(
            |(mut packages, errata, bound, (security_only, solve_errata, strict, again))| {
                // One build of a version in each channel.
                let mut seen = Vec::new();
                packages.retain(|p| {
                    let key = (p.name, p.version, p.channel);
                    let new = !seen.contains(&key);
                    seen.push(key);
                    new
                });
                let errata = errata
                    .into_iter()
                    .map(|(day, picks, security)| {
                        let mut places: Vec<usize> = picks
                            .iter()
                            .map(|pick| pick.index(packages.len()))
                            .collect();
                        places.sort_unstable();
                        places.dedup();
                        MadeErratum {
                            day,
                            packages: places,
                            security,
                        }
                    })
                    .collect();
                Made {
                    packages,
                    errata,
                    bound,
                    security_only,
                    solve_errata,
                    strict,
                    again,
                }
            },
        )
}

/// The day of a number.
pub fn day(number: i8) -> Date {
    date(2020, 1, number.max(0) + 1)
}

/// Places in an order that a seed says; 0 is the plain one.
fn shuffled(count: usize, order: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    if order > 0 {
        let mut random = Seeded::new(order);
        for place in (1..count).rev() {
            places.swap(place, random.below(place as u64 + 1) as usize);
        }
    }
    places
}

pub fn made_pool(made: &Made, order: u64) -> Pool {
    let mut builder = PoolBuilder::new();
    let channels = [
        builder.add_repository("base"),
        builder.add_repository("child"),
    ];
    for place in shuffled(made.packages.len(), order) {
        let package = &made.packages[place];
        let mut draft = Draft::new(
            &format!("n{}", package.name),
            &format!("{}-1", package.version),
            "x86_64",
        );
        for (kind, list) in [
            (DependencyKind::Provides, &package.provides),
            (DependencyKind::Requires, &package.requires),
            (DependencyKind::Conflicts, &package.conflicts),
        ] {
            for text in list {
                draft = draft.with(kind, text);
            }
        }
        for file in &package.files {
            draft = draft.with_file(file);
        }
        builder
            .add_draft(channels[package.channel], &draft, place as u64)
            .unwrap();
    }
    builder.finish()
}

pub fn question<'a, 'p>(
    made: &Made,
    universe: &'a Universe<'p>,
    modules: &'a Modules,
    order: u64,
) -> Question<'a, 'p> {
    let ids: HashMap<usize, PackageId> = universe
        .pool()
        .packages()
        .map(|(id, package)| (package.key() as usize, id))
        .collect();
    let bound = day(made.bound);
    let mut channels: Vec<ChannelQuestion> = Vec::new();
    for channel in 0..2 {
        let own = |place: &usize| made.packages[*place].channel == channel;
        let listing = |place: usize| {
            made.errata
                .iter()
                .filter(move |e| e.packages.contains(&place))
        };
        let mut question = ChannelQuestion::default();
        for place in (0..made.packages.len()).filter(own) {
            let days = listing(place).map(|erratum| day(erratum.day));
            let when = match days.min() {
                Some(oldest) => When::Erratum(Some(oldest)),
                None => When::Original,
            };
            let (id, package) = (ids[&place], &made.packages[place]);
            question.source.push((id, when));
            if package.barred {
                question.barred.insert(id);
            }
            if made.again && package.kept {
                question.kept.push(id);
            } else if !made.again && when == When::Original && !package.barred {
                question.taken.push((id, PackageReason::OriginalState));
            }
        }
        question.source.sort_by_key(|(id, _)| *id);
        for number in shuffled(made.errata.len(), order) {
            let erratum = &made.errata[number];
            let packages: Vec<PackageId> = erratum
                .packages
                .iter()
                .filter(|place| own(place))
                .map(|place| ids[place])
                .collect();
            if packages.is_empty() {
                continue;
            }
            let selected = day(erratum.day) <= bound && (erratum.security || !made.security_only);
            let standing = match selected {
                true => Standing::InRange,
                false => Standing::Available,
            };
            question.errata.push(ErratumQuestion {
                number,
                advisory: format!("E{number}"),
                date: Some(day(erratum.day)),
                packages,
                added: Vec::new(),
                names_none: false,
                standing,
            });
        }
        let mut errata: Vec<&ErratumQuestion> = question.errata.iter().collect();
        errata.sort_by(|a, b| (a.date, &a.advisory).cmp(&(b.date, &b.advisory)));
        let mut taken = Vec::new();
        for erratum in errata.iter().filter(|e| e.standing == Standing::InRange) {
            for id in &erratum.packages {
                let known =
                    question.kept.contains(id) || taken.iter().any(|(other, _)| other == id);
                if !known && !question.barred.contains(*id) {
                    taken.push((
                        *id,
                        PackageReason::Erratum {
                            advisory: erratum.advisory.clone(),
                        },
                    ));
                }
            }
        }
        question.taken.extend(taken);
        channels.push(question);
    }
    Question {
        universe,
        modules,
        published: &no_modules,
        channels,
        parent: PackageSet::default(),
        source_parent: PackageSet::default(),
        bound: Some(bound),
        solve: true,
        solve_errata: made.solve_errata,
        strict: made.strict,
        goes_on: &|| true,
    }
}

/// These trees have no modules.
pub fn no_modules(_: &[Vec<PackageId>]) -> crate::Result<Modules> {
    Ok(Modules::default())
}

/// Whether the source offers a package inside the date.
pub fn is_inside(question: &Question<'_, '_>, id: PackageId) -> bool {
    question.channels.iter().any(|channel| {
        !channel.barred.contains(id)
            && channel.source.iter().any(|(of_source, when)| {
                *of_source == id
                    && match when {
                        When::Original => true,
                        When::Later => false,
                        When::Erratum(date) => *date <= question.bound,
                    }
            })
    })
}
