//! Closure: does everything that a set of packages requires have a provider in the set?
//!
//! This is the question for channels, which hold many versions side by side: conflicts do not
//! count, each requirement is looked at by itself. Weak dependencies are no requirements.

mod prune;

use airlock_repodata::primary::DependencyKind;

use crate::dependency::DependencyId;
use crate::hopeless::Hopeless;
use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::sight::Sight;
use crate::universe::Universe;

/// A requirement that nothing in the set meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Whose it is.
    pub package: PackageId,
    /// What is required.
    pub dependency: DependencyId,
    /// Packages of the universe that would meet it, preferred ones first. Empty: nothing does.
    pub providers: Vec<PackageId>,
}

/// What is taken for a requirement that nothing meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The package that meets it.
    pub package: PackageId,
    /// Packages that come along, whatever they are needed for.
    pub with: Vec<PackageId>,
    /// Whether what comes along brings its own requirements, too.
    pub solve_with: bool,
    /// What the one who chose knows it by: given back in [`Pulled::tag`].
    pub tag: Option<u64>,
}

impl From<PackageId> for Choice {
    fn from(package: PackageId) -> Self {
        Self {
            package,
            with: Vec::new(),
            solve_with: true,
            tag: None,
        }
    }
}

/// A package that was pulled in, with what came along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The package that something needs: the one that was chosen, or one that came along.
    pub package: PackageId,
    /// A package that needs it: a selected one, or one that was pulled in before it.
    pub needed_by: PackageId,
    /// What that one requires.
    pub dependency: DependencyId,
    /// The others that were pulled in together with it. One of them may be in several such lists.
    pub with: Vec<PackageId>,
    /// True when nothing else that is there meets the requirement.
    pub alone: bool,
    /// [`Choice::tag`].
    pub tag: Option<u64>,
}

/// What closing a set came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closure {
    /// What was pulled in, each behind what needs it: reasons end at selected packages.
    pub pulled: Vec<Pulled>,
    /// What is still not met: nothing provides it, or nothing was chosen.
    pub open: Vec<Unmet>,
}

impl Universe<'_> {
    /// The packages of a scope that can be closed within it: each of their requirements has a
    /// provider in the set. Conflicts do not count.
    pub fn closable(&self, scope: impl Fn(PackageId) -> bool) -> PackageSet {
        let hopeless = Hopeless::find(self, scope);
        let ids = self.pool.packages().map(|(id, _)| id);
        ids.filter(|id| hopeless.lives(*id)).collect()
    }

    /// Requirements of the selected packages that nothing in `present` meets, in the order of
    /// `selected` and of each package's own list. Sources and packages of foreign architectures
    /// require nothing.
    pub fn unmet(&self, selected: &[PackageId], present: &PackageSet) -> Vec<Unmet> {
        self.unmet_seen(selected, present, None)
    }

    /// The same, where of what is present only that counts which each package can see.
    pub fn unmet_seen(
        &self,
        selected: &[PackageId],
        present: &PackageSet,
        sight: Option<&Sight>,
    ) -> Vec<Unmet> {
        let mut found = Vec::new();
        for id in selected {
            self.push_unmet(*id, present, sight, &mut found);
        }
        found
    }

    /// Pulls in what the selected packages and what they pull in require. `beside` is there too,
    /// but its own requirements are nobody's concern here. For each requirement that nothing
    /// present meets `choose` picks one of its providers, or leaves it open; what comes along with
    /// a provider goes with it. What later choices made needless is dropped at the end: without
    /// anything that was pulled in, something lacks, and every reason goes back to `selected`.
    pub fn close<C: Into<Choice>>(
        &self,
        selected: &[PackageId],
        beside: &PackageSet,
        choose: impl FnMut(&Unmet, &PackageSet) -> Option<C>,
    ) -> Closure {
        self.close_seen(selected, beside, None, choose)
    }

    /// The same, where only that meets a requirement which its package can see: what is there, and what is chosen.
    pub fn close_seen<C: Into<Choice>>(
        &self,
        selected: &[PackageId],
        beside: &PackageSet,
        sight: Option<&Sight>,
        mut choose: impl FnMut(&Unmet, &PackageSet) -> Option<C>,
    ) -> Closure {
        let mut fixed = beside.clone();
        let mut solved = PackageSet::default();
        for id in selected {
            fixed.insert(*id);
            solved.insert(*id);
        }
        let mut present = fixed.clone();
        let mut order = selected.to_vec();
        let mut groups: Vec<Group> = Vec::new();
        let mut found = Vec::new();
        // A condition of a rich dependency can become true later; then all are looked at again.
        loop {
            let before = groups.len();
            let mut next = 0;
            while let Some(id) = order.get(next).copied() {
                next += 1;
                self.push_unmet(id, &present, sight, &mut found);
                for unmet in found.drain(..) {
                    if unmet.providers.iter().any(|id| present.contains(*id)) {
                        // Met by what the requirement before pulled in.
                        continue;
                    }
                    if let Some(choice) = choose(&unmet, &present) {
                        let group = Group::new(choice.into(), &fixed);
                        group.members.iter().for_each(|id| {
                            present.insert(*id);
                        });
                        let new = group.solved().iter().filter(|id| solved.insert(**id));
                        order.extend(new);
                        groups.push(group);
                    }
                }
            }
            if groups.len() == before {
                break;
            }
        }
        let kept = prune::prune(self, selected, &fixed, sight, &groups);
        let mut solved: PackageSet = selected.iter().copied().collect();
        present = fixed;
        order.truncate(selected.len());
        for group in kept.iter().map(|(place, _)| &groups[*place]) {
            group.members.iter().for_each(|id| {
                present.insert(*id);
            });
            let new = group.solved().iter().filter(|id| solved.insert(**id));
            order.extend(new);
        }
        Closure {
            pulled: kept.into_iter().map(|(_, pulled)| pulled).collect(),
            open: self.unmet_seen(&order, &present, sight),
        }
    }

    fn push_unmet(
        &self,
        id: PackageId,
        present: &PackageSet,
        sight: Option<&Sight>,
        out: &mut Vec<Unmet>,
    ) {
        let sees = |other: &PackageId| sight.is_none_or(|sight| sight.sees(id, *other));
        let there = |other: &PackageId| present.contains(*other) && sees(other);
        let seen = |providers: &[PackageId]| providers.iter().copied().filter(sees).collect();
        for requirement in self.requirements.get(id.index()) {
            let number = requirement.0 as usize;
            let providers = self.providers.get(number);
            if !providers.iter().any(there) {
                out.push(Unmet {
                    package: id,
                    dependency: self.requirement_dependency[number],
                    providers: seen(providers),
                });
            }
        }
        for number in self.clauses.get(id.index()) {
            let owned = &self.owned[*number as usize];
            let positive = &owned.clause.positive;
            if self.asks_for_packages(*number, there) && !positive.iter().any(there) {
                out.push(Unmet {
                    package: id,
                    dependency: owned.dependency,
                    providers: seen(positive),
                });
            }
        }
    }

    /// True for a clause of a rich requirement whose conditions are all there. One that only
    /// forbids cannot be met by adding.
    fn asks_for_packages(&self, number: u32, there: impl Fn(&PackageId) -> bool) -> bool {
        let owned = &self.owned[number as usize];
        let clause = &owned.clause;
        owned.kind == DependencyKind::Requires
            && (!clause.positive.is_empty() || clause.negative.is_empty())
            && clause.negative.iter().all(|condition| {
                let mut providers = self.conditions.providers[*condition as usize].iter();
                providers.any(&there)
            })
    }
}

/// Packages that were pulled in together: the one that was chosen first. A package may be in several.
#[derive(Debug)]
struct Group {
    members: Vec<PackageId>,
    /// How many of the first ones bring their requirements.
    solved: usize,
    tag: Option<u64>,
}

impl Group {
    /// The members of a choice that were not there from the beginning.
    fn new(choice: Choice, fixed: &PackageSet) -> Self {
        let mut members = vec![choice.package];
        let mut known = PackageSet::default();
        known.insert(choice.package);
        let new = |id: &PackageId| !fixed.contains(*id) && known.insert(*id);
        members.extend(choice.with.into_iter().filter(new));
        let solved = match choice.solve_with {
            true => members.len(),
            false => 1,
        };
        Self {
            members,
            solved,
            tag: choice.tag,
        }
    }

    fn solved(&self) -> &[PackageId] {
        &self.members[..self.solved]
    }
}
