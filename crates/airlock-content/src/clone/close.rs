//! Closure by the clone's policy: what is there satisfies; else a provider inside the date; else the oldest beyond it.
//!
//! A provider comes with its whole erratum, in every channel of the tree that has it (reference clone-by-date,
//! sections 5.3 and 13).

use std::cmp::Ordering;
use std::collections::HashMap;

use airlock_solve::{Choice, PackageId, PackageSet, Pulled, Sight, Unmet};
use jiff::civil::Date;

use super::question::{ErratumQuestion, Question, Standing, When};
use super::streams::Lack;

/// A package of a source: its channel and when it appeared there.
#[derive(Debug, Clone, Copy)]
struct Offered {
    channel: usize,
    when: When,
}

/// Packages of a module stream that come in because something needs the stream.
pub(super) struct Stream {
    /// A package that needs it.
    pub needed_by: PackageId,
    /// The stream: `module runtime:1`.
    pub requires: String,
    /// The build context of that stream.
    pub build: Option<String>,
    /// What comes in.
    pub packages: Vec<Choice>,
}

/// The policy over one question.
pub(super) struct Policy<'q, 'a, 'p> {
    question: &'q Question<'a, 'p>,
    /// By package number.
    offered: Vec<Option<Offered>>,
    /// The erratum that brings each package when dependencies pull it in, by number.
    bringing: HashMap<PackageId, usize>,
    /// Places of each distinct erratum in the channels.
    places: Vec<Vec<(usize, usize)>>,
    closable_inside: PackageSet,
    closable: PackageSet,
    /// Whether all that comes with an erratum is closable inside the date, by its number.
    whole_inside: Vec<bool>,
}

impl<'q, 'a, 'p> Policy<'q, 'a, 'p> {
    pub(super) fn new(question: &'q Question<'a, 'p>) -> Self {
        let universe = question.universe;
        let mut offered = vec![None; universe.pool().len()];
        let mut listing: HashMap<PackageId, &ErratumQuestion> = HashMap::new();
        let mut places: Vec<Vec<(usize, usize)>> = Vec::new();
        for (channel, own) in question.channels.iter().enumerate() {
            for (id, when) in &own.source {
                if !own.barred.contains(*id) {
                    offered[id.index()] = Some(Offered {
                        channel,
                        when: *when,
                    });
                }
            }
            for (place, erratum) in own.errata.iter().enumerate() {
                if places.len() <= erratum.number {
                    places.resize(erratum.number + 1, Vec::new());
                }
                places[erratum.number].push((channel, place));
                for id in &erratum.packages {
                    let best = listing.entry(*id).or_insert(erratum);
                    if brings(erratum, best) == Ordering::Less {
                        *best = erratum;
                    }
                }
            }
        }
        let mut policy = Self {
            question,
            offered,
            bringing: listing
                .into_iter()
                .map(|(id, erratum)| (id, erratum.number))
                .collect(),
            places,
            closable_inside: PackageSet::default(),
            closable: PackageSet::default(),
            whole_inside: Vec::new(),
        };
        if question.solve {
            let there = question.there();
            let inside = |id: PackageId| there.contains(id) || policy.is_inside(id) == Some(true);
            policy.closable_inside = universe.closable(inside);
            let any = |id: PackageId| there.contains(id) || policy.is_inside(id).is_some();
            policy.closable = universe.closable(any);
            let inside = &policy.closable_inside;
            let numbers = 0..policy.places.len();
            policy.whole_inside = numbers
                .map(|number| policy.members(number).all(|id| inside.contains(id)))
                .collect();
        }
        policy
    }

    /// Whether an offered package is inside the date; none for one that is not offered.
    fn is_inside(&self, id: PackageId) -> Option<bool> {
        let offered = self.offered[id.index()]?;
        let Some(bound) = self.question.bound else {
            return Some(true);
        };
        Some(match offered.when {
            When::Original => true,
            When::Later => false,
            When::Erratum(date) => date.is_some_and(|date| date <= bound),
        })
    }

    /// The day on which a package counts as having appeared, for choosing the oldest.
    fn day(&self, id: PackageId) -> Date {
        match self.offered[id.index()].map(|offered| offered.when) {
            Some(When::Original) => Date::MIN,
            Some(When::Erratum(Some(date))) => date,
            _ => Date::MAX,
        }
    }

    /// Pulls in what lacks, also what the streams need that were `pulled` before. With a `sight` only that meets a
    /// requirement which its package sees. What is `avoided` is chosen only where nothing else can be.
    pub(super) fn close(
        &self,
        pulled: &[Stream],
        sight: Option<&Sight>,
        avoided: &PackageSet,
    ) -> Vec<Pulled> {
        let question = self.question;
        if !question.solve {
            return Vec::new();
        }
        let mut selected = Vec::new();
        for channel in &question.channels {
            selected.extend_from_slice(&channel.kept);
            selected.extend(channel.taken.iter().map(|(id, _)| *id));
        }
        let mut beside = question.parent.clone();
        for choice in pulled.iter().flat_map(|stream| &stream.packages) {
            selected.push(choice.package);
            match choice.solve_with {
                true => selected.extend(&choice.with),
                false => choice.with.iter().for_each(|id| {
                    beside.insert(*id);
                }),
            }
        }
        if !pulled.is_empty() {
            let mut known = PackageSet::default();
            selected.retain(|id| known.insert(*id));
        }
        let universe = question.universe;
        let closure = universe.close_seen(&selected, &beside, sight, |unmet, _| {
            self.choose(unmet, avoided)
        });
        closure.pulled
    }

    fn choose(&self, unmet: &Unmet, avoided: &PackageSet) -> Option<Choice> {
        let allowed = |id: &&PackageId| match self.is_inside(**id) {
            None => false,
            Some(inside) => inside || !self.question.strict,
        };
        let only_avoided = unmet
            .providers
            .iter()
            .filter(allowed)
            .all(|id| avoided.contains(*id));
        let free = |id: &&PackageId| only_avoided || !avoided.contains(**id);
        let mut candidates = unmet.providers.iter().filter(allowed).filter(free);
        let first = *candidates.next()?;
        let best = candidates.fold(first, |best, id| match self.compare(unmet, *id, best) {
            Ordering::Less => *id,
            _ => best,
        });
        Some(self.with_erratum(best))
    }

    /// Orders two providers of a requirement, the better one first.
    fn compare(&self, unmet: &Unmet, one: PackageId, two: PackageId) -> Ordering {
        let pool = self.question.universe.pool();
        let home = self.channel_of(unmet.package);
        let key = |id: PackageId| {
            let inside = self.is_inside(id) == Some(true);
            let (unnamed, fit) = self.question.universe.suits(unmet.dependency, id);
            let closable_inside = inside && self.closable_inside.contains(id);
            // What comes along should not reach beyond the date either.
            let bringing = self.bringing.get(&id);
            let whole = bringing.is_none_or(|number| self.whole_inside[*number]);
            let class = (
                !self.closable.contains(id),
                !(closable_inside && whole),
                !closable_inside,
                !inside,
            );
            // Inside the date the best suited one, beyond it the oldest.
            let day = self.day(id);
            let beyond = if inside { Date::MIN } else { day };
            (class, fit, beyond, unnamed, day)
        };
        let elsewhere = |id: PackageId| self.channel_of(id) != home;
        key(one)
            .cmp(&key(two))
            .then_with(|| pool.name(one).cmp(pool.name(two)))
            .then_with(|| pool.evr(one).cmp(&pool.evr(two)))
            .then_with(|| elsewhere(one).cmp(&elsewhere(two)))
            .then_with(|| one.cmp(&two))
    }

    /// A provider with the other packages of the erratum that brings it.
    fn with_erratum(&self, package: PackageId) -> Choice {
        let bringing = self.bringing.get(&package).copied();
        let members = bringing.into_iter().flat_map(|n| self.members(n));
        Choice {
            package,
            with: members.filter(|id| *id != package).collect(),
            solve_with: self.question.solve_errata,
            tag: bringing.map(|number| number as u64),
        }
    }

    /// The packages of a stream that something needs: those of one build, each with the erratum that brings it. Inside
    /// the date if there are any, else the oldest ones beyond it, and of the build what appeared no later.
    pub(super) fn stream(&self, lack: &Lack) -> Option<Stream> {
        let pool = self.question.universe.pool();
        let allowed = |id: &PackageId| match self.is_inside(*id) {
            None => false,
            Some(inside) => inside || !self.question.strict,
        };
        let all = lack.builds.iter().flatten().copied();
        let best = all.filter(allowed).min_by(|one, two| {
            let key = |id: PackageId| {
                let inside = self.is_inside(id) == Some(true);
                let closable_inside = inside && self.closable_inside.contains(id);
                let closable = self.closable.contains(id);
                (!closable, !closable_inside, !inside, self.day(id))
            };
            key(*one)
                .cmp(&key(*two))
                .then_with(|| pool.name(*one).cmp(pool.name(*two)))
                .then_with(|| pool.evr(*one).cmp(&pool.evr(*two)))
                .then_with(|| one.cmp(two))
        })?;
        let until = self
            .question
            .bound
            .map_or(Date::MAX, |bound| bound.max(self.day(best)));
        let build = lack.builds.iter().find(|build| build.contains(&best))?;
        let mut packages: Vec<PackageId> = build
            .iter()
            .copied()
            .filter(|id| *id == best || (allowed(id) && self.day(*id) <= until))
            .collect();
        packages.sort_unstable();
        packages.dedup();
        Some(Stream {
            needed_by: *lack.needing.first()?,
            requires: lack.requires.clone(),
            build: lack.build.clone(),
            packages: packages
                .into_iter()
                .map(|id| self.with_erratum(id))
                .collect(),
        })
    }

    /// Packages that come with an erratum, in all channels.
    fn members(&self, number: usize) -> impl Iterator<Item = PackageId> + '_ {
        let places = self.places[number].iter();
        places.flat_map(|(channel, place)| {
            let own = &self.question.channels[*channel];
            let members = own.errata[*place].packages.iter().copied();
            members.filter(|id| !own.barred.contains(*id))
        })
    }

    /// The erratum that a group came by. None for a package that no erratum lists.
    pub(super) fn erratum(&self, tag: Option<u64>) -> Option<&'q ErratumQuestion> {
        let number = usize::try_from(tag?).ok()?;
        let (channel, place) = self.places.get(number)?.first()?;
        self.question.channels[*channel].errata.get(*place)
    }

    /// The channel whose source offers a package.
    pub(super) fn channel_of(&self, package: PackageId) -> Option<usize> {
        self.offered[package.index()].map(|offered| offered.channel)
    }

    /// Whether a package is beyond the date by the erratum that lists it.
    pub(super) fn is_beyond(&self, package: PackageId) -> bool {
        self.is_inside(package) == Some(false)
    }
}

/// Orders errata that list a package, the one that brings it first: one that comes in anyway before others, the oldest
/// one before others.
fn brings(one: &ErratumQuestion, two: &ErratumQuestion) -> Ordering {
    let key = |erratum: &ErratumQuestion| {
        let available = erratum.standing == Standing::Available;
        (available, erratum.date.is_none(), erratum.date)
    };
    key(one)
        .cmp(&key(two))
        .then_with(|| one.advisory.cmp(&two.advisory))
}

impl Question<'_, '_> {
    /// What is there before anything is pulled in.
    pub(super) fn there(&self) -> PackageSet {
        let mut there = self.parent.clone();
        for channel in &self.channels {
            for id in &channel.kept {
                there.insert(*id);
            }
            for (id, _) in &channel.taken {
                there.insert(*id);
            }
        }
        there
    }
}
