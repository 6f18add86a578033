//! Following up what a value means for others.

use super::clauses::{Origin, Watch};
use super::{Conflict, Engine, Literal, NONE, Need, Reason, Value};
use crate::pool::PackageId;

type Followed = Result<(), Conflict>;

impl Engine<'_> {
    /// Follows up every value on the trail.
    pub(super) fn propagate(&mut self) -> Followed {
        while let Some(variable) = self.trail.get(self.head).copied() {
            self.head += 1;
            if self.value(variable) == Value::In {
                if variable < self.package_count() {
                    self.package_came_in(PackageId(variable))?;
                } else {
                    self.condition_came_in(variable - self.package_count())?;
                }
            }
            self.visit_watches(self.as_is(variable).opposite())?;
        }
        Ok(())
    }

    fn package_came_in(&mut self, id: PackageId) -> Followed {
        let universe = self.universe;
        for other in universe.rivals(id) {
            self.exclude(id.0, other.0)?;
        }
        for other in universe.conflicts.get(id.index()) {
            self.exclude(id.0, other.0)?;
        }
        for condition in universe.implied.get(id.index()) {
            let variable = self.condition(*condition);
            match self.value(variable) {
                Value::In => {}
                Value::Open => self.assign(Literal::new(variable, true), Reason::Other(id.0)),
                Value::Out => return Err(Conflict::Pair(id.0, variable)),
            }
        }
        for place in universe.requirements.range(id.index()) {
            self.require(id, place as u32)?;
        }
        for owned in universe.clauses.get(id.index()) {
            self.load_owned(*owned)?;
            self.need_owned(*owned);
        }
        Ok(())
    }

    fn condition_came_in(&mut self, condition: u32) -> Followed {
        for place in self.by_condition.range(condition as usize) {
            let owned = self.by_condition.item(place);
            self.need_owned(owned);
        }
        Ok(())
    }

    fn exclude(&mut self, id: u32, other: u32) -> Followed {
        match self.value(other) {
            Value::Out => Ok(()),
            Value::Open => {
                self.assign(Literal::new(other, false), Reason::Other(id));
                Ok(())
            }
            Value::In => Err(Conflict::Pair(id, other)),
        }
    }

    /// Sees to a requirement of a package that came in.
    fn require(&mut self, id: PackageId, place: u32) -> Followed {
        let universe = self.universe;
        let requirement = self.requirement_at(place).0 as usize;
        let hint = self.hint[requirement];
        if hint != NONE && self.value(hint) == Value::In {
            return Ok(());
        }
        let providers = universe.providers.get(requirement);
        let mut open = None;
        let mut several = false;
        for provider in providers {
            match self.value(provider.0) {
                Value::In => {
                    self.hint[requirement] = provider.0;
                    if hint == NONE {
                        self.hinted.push(requirement as u32);
                    }
                    return Ok(());
                }
                Value::Open if open.is_none() => open = Some(*provider),
                Value::Open => several = true,
                Value::Out => {}
            }
        }
        match open {
            None => Err(Conflict::Requirement(id, place)),
            Some(only) if !several => {
                let reason = Reason::Requirement(id, place);
                self.assign(Literal::new(only.0, true), reason);
                Ok(())
            }
            Some(_) => {
                if self.place_clause[place as usize] == NONE {
                    let mut literals = Vec::with_capacity(providers.len() + 1);
                    literals.extend(providers.iter().map(|id| Literal::new(id.0, true)));
                    literals.push(Literal::new(id.0, false));
                    let origin = Origin::Place(id, place);
                    self.place_clause[place as usize] = self.keep_watched(&mut literals, origin);
                }
                self.needs.push(Need::Place(place));
                Ok(())
            }
        }
    }

    /// Stores a clause of which at least two literals are not false, or which is empty of such.
    pub(super) fn keep_watched(&mut self, literals: &mut [Literal], origin: Origin) -> u32 {
        let mut first = 0;
        for place in 0..literals.len() {
            if first < 2 && self.literal_value(literals[place]) != Value::Out {
                literals.swap(first, place);
                first += 1;
            }
        }
        self.store.push(literals, origin)
    }

    /// Stores a clause of a rich dependency when its package comes in for the first time.
    fn load_owned(&mut self, number: u32) -> Followed {
        if self.owned_clause[number as usize] != NONE {
            return Ok(());
        }
        let owned = &self.universe.owned[number as usize];
        let mut literals: Vec<Literal> = Vec::new();
        literals.extend(
            owned
                .clause
                .positive
                .iter()
                .map(|id| Literal::new(id.0, true)),
        );
        for condition in &owned.clause.negative {
            literals.push(Literal::new(self.condition(*condition), false));
        }
        literals.push(Literal::new(owned.owner.0, false));
        // Watched are literals that are not false; of those that are, the latest, since they are
        // the first to be taken back. The package itself came in just now.
        literals.sort_by_key(|literal| match self.literal_value(*literal) {
            Value::Out => u32::MAX - self.levels[literal.variable() as usize],
            _ => 0,
        });
        let clause = self.store.push(&literals, Origin::Owned(number));
        self.owned_clause[number as usize] = clause;
        match literals
            .first()
            .map(|literal| (*literal, self.literal_value(*literal)))
        {
            None | Some((_, Value::Out)) => Err(Conflict::Clause(clause)),
            Some((literal, Value::Open))
                if literals[1..]
                    .iter()
                    .all(|other| self.literal_value(*other) == Value::Out) =>
            {
                self.assign(literal, Reason::Clause(clause));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Notes a rich clause for choosing as soon as its package and all its conditions are in.
    fn need_owned(&mut self, number: u32) {
        let owned = &self.universe.owned[number as usize];
        let is_in = |variable| self.value(variable) == Value::In;
        let mut conditions = owned.clause.negative.iter();
        if is_in(owned.owner.0)
            && !owned.clause.positive.is_empty()
            && conditions.all(|condition| is_in(self.condition(*condition)))
        {
            self.needs.push(Need::Owned(number));
        }
    }

    /// Looks after the clauses that watch a literal which just became false.
    fn visit_watches(&mut self, falsified: Literal) -> Followed {
        let mut watches = std::mem::take(&mut self.store.watches[falsified.index()]);
        let mut kept = 0;
        let mut at = 0;
        let mut outcome = Ok(());
        while let Some(watch) = watches.get(at).copied() {
            at += 1;
            if self.literal_value(watch.other) == Value::In {
                watches[kept] = watch;
                kept += 1;
                continue;
            }
            match self.move_watch(watch.clause, falsified) {
                Moved::Away => {}
                Moved::Satisfied(other) => {
                    watches[kept] = Watch { other, ..watch };
                    kept += 1;
                }
                Moved::Only(literal) => {
                    watches[kept] = watch;
                    kept += 1;
                    if self.literal_value(literal) == Value::Out {
                        outcome = Err(Conflict::Clause(watch.clause));
                        break;
                    }
                    self.assign(literal, Reason::Clause(watch.clause));
                }
            }
        }
        watches.copy_within(at.., kept);
        watches.truncate(kept + watches.len() - at);
        self.store.watches[falsified.index()] = watches;
        outcome
    }

    fn move_watch(&mut self, clause: u32, falsified: Literal) -> Moved {
        let literals = self.store.get(clause);
        let other = match literals {
            [one, two, ..] if *one == falsified => *two,
            [one, ..] => *one,
            [] => return Moved::Away,
        };
        if self.literal_value(other) == Value::In {
            return Moved::Satisfied(other);
        }
        let free = literals[2..]
            .iter()
            .position(|literal| self.literal_value(*literal) != Value::Out);
        let Some(free) = free else {
            return Moved::Only(other);
        };
        let literals = self.store.get_mut(clause);
        if literals[0] == falsified {
            literals.swap(0, 1);
        }
        literals.swap(1, free + 2);
        let new = literals[1];
        self.store.watches[new.index()].push(Watch { clause, other });
        Moved::Away
    }
}

enum Moved {
    /// Another literal is watched now.
    Away,
    /// The other watched literal is true.
    Satisfied(Literal),
    /// Nothing but the other watched literal is left.
    Only(Literal),
}
