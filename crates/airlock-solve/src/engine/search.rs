//! Asking for packages.

use super::clauses::Origin;
use super::{Conflict, Engine, Literal, Need, Reason, Value};
use crate::pool::PackageId;

/// What came of asking for a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in, with all that it needs and all that was there before.
    Proven,
    /// It can never be in.
    Refuted,
    /// It is not in; whether it could be beside what is there is not known.
    Left,
}

impl Engine<'_> {
    /// Tries to bring a package in beside what is there. What is there stays, and nothing changes
    /// unless the outcome is [`Outcome::Proven`]. Where nothing is there, the outcome is never
    /// [`Outcome::Left`] unless `patience` conflicts came first.
    pub(crate) fn bring_in(&mut self, id: PackageId, patience: u32) -> Outcome {
        let base = self.level();
        let asked = Literal::new(id.0, true);
        let mut conflicts = 0;
        loop {
            if let Err(conflict) = self.propagate() {
                let Some(learned) = self.analyze(conflict) else {
                    // Without a choice nothing is in, and that meets every rule.
                    return Outcome::Left;
                };
                conflicts += 1;
                self.back_to(learned.level.max(base));
                self.learn(&learned.literals, learned.level);
                if learned.level < base || conflicts > patience {
                    self.back_to(base);
                    return match base == 0 && self.is_refuted(id) {
                        true => Outcome::Refuted,
                        false => Outcome::Left,
                    };
                }
                continue;
            }
            match self.value(id.0) {
                Value::In => {}
                Value::Out => {
                    let refuted = self.is_refuted(id);
                    self.back_to(base);
                    return match refuted {
                        true => Outcome::Refuted,
                        false => Outcome::Left,
                    };
                }
                Value::Open => {
                    self.start_level();
                    self.assign(asked, Reason::Chosen);
                    continue;
                }
            }
            match self.next_choice() {
                None => return Outcome::Proven,
                Some(variable) => {
                    self.start_level();
                    self.assign(Literal::new(variable, true), Reason::Chosen);
                }
            }
        }
    }

    /// Asks for one of some packages, the first one if that goes. To be followed by
    /// [`Engine::satisfy`]; the engine is of no use for other questions then.
    pub(crate) fn ask(&mut self, candidates: &[PackageId]) {
        let number = self.asked.len() as u32;
        self.asked.push(candidates.to_vec());
        self.needs.push(Need::Asked(number));
    }

    /// Looks for packages that meet everything asked for; they are in afterwards. False when there
    /// are none.
    pub(crate) fn satisfy(&mut self) -> bool {
        for number in 0..self.asked.len() {
            let candidates = self.asked[number].iter();
            let mut literals: Vec<Literal> =
                candidates.map(|id| Literal::new(id.0, true)).collect();
            let origin = Origin::Asked(number as u32);
            let clause = self.keep_watched(&mut literals, origin);
            let open = |literal: &&Literal| self.literal_value(**literal) != Value::Out;
            let first = literals.iter().find(open).copied();
            let only = literals.iter().filter(open).count() < 2;
            match first {
                None => {
                    // Nothing is left of it from the start.
                    let _ = self.analyze(Conflict::Clause(clause));
                    return false;
                }
                Some(literal) if only && self.literal_value(literal) == Value::Open => {
                    self.assign(literal, Reason::Clause(clause));
                }
                Some(_) => {}
            }
        }
        loop {
            if let Err(conflict) = self.propagate() {
                let Some(learned) = self.analyze(conflict) else {
                    return false;
                };
                self.back_to(learned.level);
                self.learn(&learned.literals, learned.level);
                continue;
            }
            let Some(variable) = self.next_choice() else {
                return true;
            };
            self.start_level();
            self.assign(Literal::new(variable, true), Reason::Chosen);
        }
    }

    fn learn(&mut self, literals: &[Literal], level: u32) {
        let clause = self.keep_learned(literals);
        let Some(first) = literals.first().copied() else {
            return;
        };
        if literals.len() == 1 && self.level() > level {
            self.units.push(first);
        }
        if self.value(first.variable()) == Value::Open {
            self.assign(first, Reason::Clause(clause));
        }
    }

    /// The preferred candidate of the first need that is not met.
    fn next_choice(&mut self) -> Option<u32> {
        while let Some(need) = self.needs.get(self.next_need).copied() {
            let universe = self.universe;
            let candidates = match need {
                Need::Place(place) => {
                    let requirement = self.requirement_at(place).0 as usize;
                    universe.providers.get(requirement)
                }
                Need::Asked(number) => &self.asked[number as usize],
                Need::Owned(number) => &universe.owned[number as usize].clause.positive,
            };
            let value = |id: &PackageId| self.values[id.index()];
            let met = candidates.iter().any(|id| value(id) == Value::In);
            let open = candidates.iter().find(|id| value(id) == Value::Open);
            match open.copied() {
                Some(id) if !met => return Some(id.0),
                _ => self.next_need += 1,
            }
        }
        None
    }
}
