//! What a conflict teaches, and which rules it came from.

use super::clauses::Origin;
use super::{Conflict, Engine, Literal, NONE, Reason, Value};
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::universe::RequirementId;

/// A rule of the universe, as a part of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// One of the packages that were asked for has to be in.
    Asked(u32),
    /// The package needs one of the requirement's providers.
    Requires(PackageId, RequirementId),
    /// A clause of a rich dependency.
    Owned(u32),
    /// The two exclude each other.
    Excludes(PackageId, PackageId),
    /// The package cannot be in, for reasons that were found before.
    Hopeless(PackageId),
}

/// What each learned clause was made of.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    learned: NumberMap<u32, Vec<Source>>,
    /// What the last conflict was made of.
    last: Vec<Source>,
}

/// A part of a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Rule(Rule),
    Learned(u32),
    /// The value of a variable on level 0.
    Fact(u32),
}

/// A learned clause: the first literal becomes true on `level`.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) literals: Vec<Literal>,
    pub(super) level: u32,
}

impl Engine<'_> {
    /// Resolves a conflict back to the first point of its level that all ways lead through. `None`
    /// when it depends on no choice.
    pub(super) fn analyze(&mut self, conflict: Conflict) -> Option<Learned> {
        let mut learned = vec![Literal::new(0, true)];
        let mut sources = Vec::new();
        let mut antecedents = Vec::new();
        self.push_conflict(conflict, &mut antecedents, &mut sources);
        // A choice from outside can be contradicted by what is on lower levels only.
        let highest = |engine: &Self, variables: &[u32]| {
            let levels = variables
                .iter()
                .map(|variable| engine.levels[*variable as usize]);
            levels.max().unwrap_or(0)
        };
        let level = highest(self, &antecedents);
        if level == 0 {
            sources.extend(antecedents.drain(..).map(Source::Fact));
            if let Some(trace) = &mut self.trace {
                trace.last = sources;
            }
            return None;
        }
        let mut waiting = 0_usize;
        let mut marked = Vec::new();
        let mut at = self.trail.len();
        let first = loop {
            for variable in antecedents.drain(..) {
                let index = variable as usize;
                if self.seen[index] {
                    continue;
                }
                self.seen[index] = true;
                marked.push(variable);
                match self.levels[index] {
                    0 => sources.push(Source::Fact(variable)),
                    own if own == level => waiting += 1,
                    _ => learned.push(self.as_is(variable).opposite()),
                }
            }
            // The latest marked variable of the level.
            let variable = loop {
                at -= 1;
                let variable = self.trail[at];
                if self.seen[variable as usize] && self.levels[variable as usize] == level {
                    break variable;
                }
            };
            waiting -= 1;
            if waiting == 0 {
                break variable;
            }
            self.push_reason(variable, &mut antecedents, &mut sources);
        };
        learned[0] = self.as_is(first).opposite();
        for variable in marked {
            self.seen[variable as usize] = false;
        }
        let back = learned[1..]
            .iter()
            .map(|literal| self.levels[literal.variable() as usize])
            .max()
            .unwrap_or(0);
        // The second watch has to be the one that is taken back first.
        if let Some(place) = learned[1..]
            .iter()
            .position(|literal| self.levels[literal.variable() as usize] == back)
        {
            learned.swap(1, place + 1);
        }
        if let Some(trace) = &mut self.trace {
            trace.last = sources;
        }
        Some(Learned {
            literals: learned,
            level: back,
        })
    }

    /// Stores what was learned; its number.
    pub(super) fn keep_learned(&mut self, literals: &[Literal]) -> u32 {
        let clause = self.store.push(literals, Origin::Learned);
        if let Some(trace) = &mut self.trace {
            let sources = std::mem::take(&mut trace.last);
            trace.learned.insert(clause, sources);
        }
        clause
    }

    fn push_conflict(&self, conflict: Conflict, out: &mut Vec<u32>, sources: &mut Vec<Source>) {
        match conflict {
            Conflict::Pair(one, two) => {
                out.extend([one, two]);
                self.push_pair(one, two, sources);
            }
            Conflict::Requirement(id, place) => {
                out.push(id.0);
                self.push_providers(place, NONE, out);
                sources.push(self.requires(id, place));
            }
            Conflict::Clause(clause) => {
                let literals = self.store.get(clause).iter();
                out.extend(literals.map(|literal| literal.variable()));
                sources.push(self.source_of(clause));
            }
        }
    }

    /// Variables whose values force that of another, and the rule that says so.
    fn push_reason(&self, variable: u32, out: &mut Vec<u32>, sources: &mut Vec<Source>) {
        match self.reasons[variable as usize] {
            Reason::Chosen => {}
            Reason::Given => {
                if variable < self.package_count() {
                    sources.push(Source::Rule(Rule::Hopeless(PackageId(variable))));
                }
            }
            Reason::Other(other) => {
                out.push(other);
                self.push_pair(other, variable, sources);
            }
            Reason::Requirement(id, place) => {
                out.push(id.0);
                self.push_providers(place, variable, out);
                sources.push(self.requires(id, place));
            }
            Reason::Clause(clause) => {
                let literals = self.store.get(clause).iter();
                let others = literals.map(|literal| literal.variable());
                out.extend(others.filter(|other| *other != variable));
                sources.push(self.source_of(clause));
            }
        }
    }

    fn push_providers(&self, place: u32, but: u32, out: &mut Vec<u32>) {
        let requirement = self.requirement_at(place).0 as usize;
        let providers = self.universe.providers.get(requirement).iter();
        out.extend(providers.map(|id| id.0).filter(|id| *id != but));
    }

    fn push_pair(&self, one: u32, two: u32, sources: &mut Vec<Source>) {
        if self.trace.is_some() && one < self.package_count() && two < self.package_count() {
            let (one, two) = (PackageId(one.min(two)), PackageId(one.max(two)));
            sources.push(Source::Rule(Rule::Excludes(one, two)));
        }
    }

    fn requires(&self, id: PackageId, place: u32) -> Source {
        Source::Rule(Rule::Requires(id, self.requirement_at(place)))
    }

    fn source_of(&self, clause: u32) -> Source {
        match self.store.origin(clause) {
            Origin::Place(id, place) => self.requires(id, place),
            Origin::Owned(number) => Source::Rule(Rule::Owned(number)),
            Origin::Asked(number) => Source::Rule(Rule::Asked(number)),
            Origin::Learned => Source::Learned(clause),
        }
    }

    /// The rules that the last conflict without a choice came from.
    pub(crate) fn rules_behind(&self) -> Vec<Rule> {
        let Some(trace) = &self.trace else {
            return Vec::new();
        };
        let mut rules = Vec::new();
        let mut waiting = trace.last.clone();
        let mut done_facts = vec![false; self.values.len()];
        let mut done_learned = NumberMap::<u32, ()>::default();
        let mut variables = Vec::new();
        while let Some(source) = waiting.pop() {
            match source {
                Source::Rule(rule) => rules.push(rule),
                Source::Learned(clause) => {
                    if done_learned.insert(clause, ()).is_none()
                        && let Some(sources) = trace.learned.get(&clause)
                    {
                        waiting.extend(sources);
                    }
                }
                Source::Fact(variable) => {
                    if !std::mem::replace(&mut done_facts[variable as usize], true) {
                        self.push_reason(variable, &mut variables, &mut waiting);
                        waiting.extend(variables.drain(..).map(Source::Fact));
                    }
                }
            }
        }
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// True when a package was found to be impossible.
    pub(crate) fn is_refuted(&self, id: PackageId) -> bool {
        self.value(id.0) == Value::Out && self.levels[id.index()] == 0
    }
}
