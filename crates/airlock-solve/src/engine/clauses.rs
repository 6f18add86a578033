//! Stored clauses and who watches which literal.

use super::Literal;
use crate::pool::PackageId;

/// Where a clause comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// A requirement of a package, by its place.
    Place(PackageId, u32),
    /// A clause of a rich dependency.
    Owned(u32),
    /// Something that was asked for.
    Asked(u32),
    /// It follows from others.
    Learned,
}

/// A clause that watches a literal, and another of its literals: while that one is true there is
/// nothing to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) clause: u32,
    pub(super) other: Literal,
}

/// All clauses, one behind the other. The first two literals of each are watched.
#[derive(Debug)]
pub(super) struct ClauseStore {
    starts: Vec<u32>,
    literals: Vec<Literal>,
    origins: Vec<Origin>,
    /// Clauses that watch each literal.
    pub(super) watches: Vec<Vec<Watch>>,
}

impl ClauseStore {
    pub(super) fn new(variables: usize) -> Self {
        Self {
            starts: vec![0],
            literals: Vec::new(),
            origins: Vec::new(),
            watches: vec![Vec::new(); variables * 2],
        }
    }

    /// Forgets all clauses; where they came from.
    pub(super) fn clear(&mut self) -> Vec<Origin> {
        for literal in self.literals.drain(..) {
            self.watches[literal.index()].clear();
        }
        self.starts.truncate(1);
        std::mem::take(&mut self.origins)
    }

    pub(super) fn origin(&self, clause: u32) -> Origin {
        self.origins[clause as usize]
    }

    pub(super) fn get(&self, clause: u32) -> &[Literal] {
        let clause = clause as usize;
        &self.literals[self.starts[clause] as usize..self.starts[clause + 1] as usize]
    }

    pub(super) fn get_mut(&mut self, clause: u32) -> &mut [Literal] {
        let clause = clause as usize;
        &mut self.literals[self.starts[clause] as usize..self.starts[clause + 1] as usize]
    }

    /// Keeps a clause; its first two literals get watched. Shorter ones are only kept.
    pub(super) fn push(&mut self, literals: &[Literal], origin: Origin) -> u32 {
        let clause = self.origins.len() as u32;
        self.origins.push(origin);
        self.literals.extend_from_slice(literals);
        self.starts.push(self.literals.len() as u32);
        if let [one, two, ..] = literals {
            let watch = |other| Watch { clause, other };
            self.watches[one.index()].push(watch(*two));
            self.watches[two.index()].push(watch(*one));
        }
        clause
    }
}
