//! A set of packages of one pool.

use crate::pool::PackageId;

/// Packages, as bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageSet {
    words: Vec<u64>,
}

impl PackageSet {
    /// True when the package is in the set.
    pub fn contains(&self, id: PackageId) -> bool {
        let word = self.words.get(id.index() / 64).copied().unwrap_or(0);
        word & (1 << (id.index() % 64)) != 0
    }

    /// Puts a package in; false when it was there.
    pub fn insert(&mut self, id: PackageId) -> bool {
        let word = id.index() / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let bit = 1 << (id.index() % 64);
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Takes a package out.
    pub fn remove(&mut self, id: PackageId) {
        if let Some(word) = self.words.get_mut(id.index() / 64) {
            *word &= !(1 << (id.index() % 64));
        }
    }

    /// True without any package.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The packages in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = PackageId> + '_ {
        let words = (0_u32..).zip(&self.words);
        words.flat_map(|(word, bits)| {
            let set = (0..64).filter(move |bit| bits & (1 << bit) != 0);
            set.map(move |bit| PackageId(word * 64 + bit))
        })
    }
}

impl FromIterator<PackageId> for PackageSet {
    fn from_iter<T: IntoIterator<Item = PackageId>>(packages: T) -> Self {
        let mut set = Self::default();
        for id in packages {
            set.insert(id);
        }
        set
    }
}
