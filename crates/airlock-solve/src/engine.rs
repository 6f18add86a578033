//! A CDCL solver over a universe.
//!
//! Variables are packages and conditions ([`crate::clause`]). Rules are never written down as a
//! whole: those of a package are looked at when it comes in, since until then leaving it out meets
//! them; rivals and conflicts stay lists; a requirement becomes a stored clause only while nothing
//! that is there meets it. Leaving out everything meets all rules, so what is undecided at the end
//! is out, and nothing is ever forced without a package that was asked for. What is learned
//! follows from the rules alone and stays right for every later question.

mod analyze;
mod clauses;
mod propagate;
mod search;

use crate::lists::Lists;
use crate::pool::PackageId;
use crate::universe::{RequirementId, Universe};
use clauses::{ClauseStore, Origin};

pub(crate) use analyze::Rule;
pub(crate) use search::Outcome;

/// A variable that holds or does not: twice its number, plus one when it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Literal(u32);

impl Literal {
    fn new(variable: u32, holds: bool) -> Self {
        Self(variable * 2 + u32::from(!holds))
    }

    fn variable(self) -> u32 {
        self.0 / 2
    }

    fn holds(self) -> bool {
        self.0 & 1 == 0
    }

    fn index(self) -> usize {
        self.0 as usize
    }

    fn opposite(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// Value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Open,
    In,
    Out,
}

/// Why a variable has its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It was chosen.
    Chosen,
    /// It was given from outside: not in the scope, or known to be hopeless.
    Given,
    /// The other one is in: they exclude each other, or a condition has a provider.
    Other(u32),
    /// The requirement of a package at a place of [`Universe::requirements`] has one candidate.
    Requirement(PackageId, u32),
    /// A stored clause has nothing else left.
    Clause(u32),
}

/// Rules that cannot all hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Conflict {
    /// Two packages that are in exclude each other.
    Pair(u32, u32),
    /// A requirement of a package has no candidate.
    Requirement(PackageId, u32),
    /// A stored clause.
    Clause(u32),
}

/// Something that is to be met by a choice.
#[derive(Debug, Clone, Copy)]
enum Need {
    /// A place of [`Universe::requirements`].
    Place(u32),
    /// A clause of a rich dependency.
    Owned(u32),
    /// Something that was asked for.
    Asked(u32),
}

/// What a level begins with.
#[derive(Debug, Clone, Copy)]
struct LevelStart {
    trail: usize,
    needs: usize,
    next_need: usize,
}

/// Marks a place without a stored clause.
const NONE: u32 = u32::MAX;

/// See the module.
#[derive(Debug)]
pub(crate) struct Engine<'u> {
    universe: &'u Universe<'u>,
    values: Vec<Value>,
    levels: Vec<u32>,
    reasons: Vec<Reason>,
    /// Variables in the order in which they got values.
    trail: Vec<u32>,
    starts: Vec<LevelStart>,
    /// Next on the trail to follow up.
    head: usize,
    needs: Vec<Need>,
    next_need: usize,
    store: ClauseStore,
    /// Stored clause of each requirement place.
    place_clause: Vec<u32>,
    /// Stored clause of each rich clause.
    owned_clause: Vec<u32>,
    /// Rich clauses that each condition stands in.
    by_condition: Lists<u32>,
    /// Provider that met each requirement last.
    hint: Vec<u32>,
    /// Requirements that have one.
    hinted: Vec<u32>,
    /// What was asked for: one of each list.
    asked: Vec<Vec<PackageId>>,
    /// Learned facts that are not yet on level 0.
    units: Vec<Literal>,
    seen: Vec<bool>,
    /// Kept when explanations are wanted.
    trace: Option<analyze::Trace>,
}

impl<'u> Engine<'u> {
    /// An engine in which only some packages may be in.
    pub(crate) fn new(universe: &'u Universe<'u>, may_be_in: impl Fn(PackageId) -> bool) -> Self {
        let packages = universe.pool.len();
        let variables = packages + universe.conditions.providers.len();
        let mut by_condition = Vec::new();
        for (number, owned) in (0..).zip(&universe.owned) {
            for condition in &owned.clause.negative {
                by_condition.push((*condition, number));
            }
        }
        let mut values = vec![Value::Open; variables];
        for (id, _) in universe.pool.packages() {
            if !may_be_in(id) {
                values[id.index()] = Value::Out;
            }
        }
        Self {
            universe,
            values,
            levels: vec![0; variables],
            reasons: vec![Reason::Given; variables],
            trail: Vec::new(),
            starts: Vec::new(),
            head: 0,
            needs: Vec::new(),
            next_need: 0,
            store: ClauseStore::new(variables),
            place_clause: vec![NONE; universe.requirements.items().len()],
            owned_clause: vec![NONE; universe.owned.len()],
            by_condition: Lists::from_pairs(universe.conditions.providers.len(), &by_condition),
            hint: vec![NONE; universe.providers.len()],
            hinted: Vec::new(),
            asked: Vec::new(),
            units: Vec::new(),
            seen: vec![false; variables],
            trace: None,
        }
    }

    /// As it was when it was new, at the price of what was touched since. The scope stays.
    pub(crate) fn reset(&mut self) {
        for variable in self.trail.drain(..) {
            self.values[variable as usize] = Value::Open;
        }
        self.starts.clear();
        self.head = 0;
        self.needs.clear();
        self.next_need = 0;
        for origin in self.store.clear() {
            match origin {
                Origin::Place(_, place) => self.place_clause[place as usize] = NONE,
                Origin::Owned(number) => self.owned_clause[number as usize] = NONE,
                Origin::Asked(_) | Origin::Learned => {}
            }
        }
        for requirement in self.hinted.drain(..) {
            self.hint[requirement as usize] = NONE;
        }
        self.asked.clear();
        self.units.clear();
        self.trace = None;
    }

    /// Takes packages out of the scope. To be called on an engine that is as new.
    pub(crate) fn narrow(&mut self, may_be_in: impl Fn(PackageId) -> bool) {
        for (id, _) in self.universe.pool.packages() {
            if !may_be_in(id) {
                self.values[id.index()] = Value::Out;
                self.levels[id.index()] = 0;
                self.reasons[id.index()] = Reason::Given;
            }
        }
    }

    /// Keeps what an explanation needs from now on.
    pub(crate) fn keep_trace(&mut self) {
        self.trace = Some(analyze::Trace::default());
    }

    fn package_count(&self) -> u32 {
        self.universe.pool.len() as u32
    }

    /// Variable of a condition.
    fn condition(&self, number: u32) -> u32 {
        self.package_count() + number
    }

    fn value(&self, variable: u32) -> Value {
        self.values[variable as usize]
    }

    fn literal_value(&self, literal: Literal) -> Value {
        match (self.value(literal.variable()), literal.holds()) {
            (Value::In, false) => Value::Out,
            (Value::Out, false) => Value::In,
            (value, _) => value,
        }
    }

    fn level(&self) -> u32 {
        self.starts.len() as u32
    }

    fn requirement_at(&self, place: u32) -> RequirementId {
        self.universe.requirements.item(place as usize)
    }

    /// The literal that the variable's value makes true.
    fn as_is(&self, variable: u32) -> Literal {
        Literal::new(variable, self.value(variable) == Value::In)
    }

    fn assign(&mut self, literal: Literal, reason: Reason) {
        let variable = literal.variable() as usize;
        self.values[variable] = match literal.holds() {
            true => Value::In,
            false => Value::Out,
        };
        self.levels[variable] = self.level();
        self.reasons[variable] = reason;
        self.trail.push(literal.variable());
    }

    fn start_level(&mut self) {
        self.starts.push(LevelStart {
            trail: self.trail.len(),
            needs: self.needs.len(),
            next_need: self.next_need,
        });
    }

    /// Takes back everything above a level.
    pub(crate) fn back_to(&mut self, level: u32) {
        if self.level() <= level {
            return;
        }
        let start = self.starts[level as usize];
        for variable in self.trail.drain(start.trail..) {
            self.values[variable as usize] = Value::Open;
        }
        self.needs.truncate(start.needs);
        self.next_need = start.next_need;
        self.head = start.trail;
        self.starts.truncate(level as usize);
        if level == 0 {
            for unit in std::mem::take(&mut self.units) {
                if self.value(unit.variable()) == Value::Open {
                    self.assign(unit, Reason::Given);
                }
            }
        }
    }

    /// True when no package was brought in.
    pub(crate) fn is_empty(&self) -> bool {
        self.level() == 0
    }

    /// Packages that are in.
    pub(crate) fn packages_in(&self) -> impl Iterator<Item = PackageId> + '_ {
        let packages = self.trail.iter().filter(|variable| {
            **variable < self.package_count() && self.value(**variable) == Value::In
        });
        packages.map(|variable| PackageId(*variable))
    }
}
