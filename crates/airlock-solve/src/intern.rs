//! Interned texts: every text once, spoken of by number.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};

/// A text of a pool. Number 0 is the empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StringId(pub(crate) u32);

impl StringId {
    /// The empty text.
    pub const EMPTY: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Marks a free place of the table.
const FREE: u32 = u32::MAX;

/// All texts, one behind the other, and a table to find them by.
#[derive(Debug, Clone)]
pub(crate) struct Strings {
    text: String,
    /// Where each text ends; it starts where the one before ends.
    ends: Vec<u32>,
    /// Open addressing, a power of two, at most half full.
    table: Vec<u32>,
}

impl Strings {
    pub(crate) fn new() -> Self {
        let mut strings = Self {
            text: String::new(),
            ends: Vec::new(),
            table: vec![FREE; 1024],
        };
        // The empty text always fits.
        let _ = strings.intern("");
        strings
    }

    /// Puts stored parts together again; `None` when they do not fit each other.
    pub(crate) fn from_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let mut before = 0;
        for end in &ends {
            if *end < before || !text.is_char_boundary(*end as usize) {
                return None;
            }
            before = *end;
        }
        if before as usize != text.len() || ends.first() != Some(&0) {
            return None;
        }
        let mut strings = Self {
            text,
            ends,
            table: Vec::new(),
        };
        strings.rebuild();
        Some(strings)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn ends(&self) -> &[u32] {
        &self.ends
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn intern(&mut self, text: &str) -> Result<StringId> {
        let mut place = match self.place(text) {
            Ok(id) => return Ok(id),
            Err(place) => place,
        };
        let end = self.text.len() + text.len();
        let full = Error::Full {
            what: "bytes of names",
            limit: u64::from(u32::MAX),
        };
        let Ok(end) = u32::try_from(end) else {
            return Err(full);
        };
        let id = u32::try_from(self.ends.len()).map_err(|_| full)?;
        self.text.push_str(text);
        self.ends.push(end);
        if self.ends.len() * 2 > self.table.len() {
            self.rebuild();
        } else {
            if place >= self.table.len() {
                place = 0;
            }
            self.table[place] = id;
        }
        Ok(StringId(id))
    }

    pub(crate) fn find(&self, text: &str) -> Option<StringId> {
        self.place(text).ok()
    }

    pub(crate) fn get(&self, id: StringId) -> &str {
        let index = id.index();
        let start = match index {
            0 => 0,
            _ => self.ends.get(index - 1).map_or(0, |end| *end as usize),
        };
        let end = self.ends.get(index).map_or(start, |end| *end as usize);
        &self.text[start..end]
    }

    /// The text's number, or the place where it belongs.
    fn place(&self, text: &str) -> std::result::Result<StringId, usize> {
        let mask = self.table.len() - 1;
        let mut place = xxh3_64(text.as_bytes()) as usize & mask;
        loop {
            match self.table[place] {
                FREE => return Err(place),
                id if self.get(StringId(id)) == text => return Ok(StringId(id)),
                _ => place = (place + 1) & mask,
            }
        }
    }

    fn rebuild(&mut self) {
        let size = (self.ends.len() * 4).next_power_of_two().max(1024);
        self.table.clear();
        self.table.resize(size, FREE);
        let mask = size - 1;
        for id in 0..self.ends.len() as u32 {
            let mut place = xxh3_64(self.get(StringId(id)).as_bytes()) as usize & mask;
            while self.table[place] != FREE {
                place = (place + 1) & mask;
            }
            self.table[place] = id;
        }
    }
}

/// A hasher for small keys of numbers, which need no protection: they are dealt out here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NumberHasher(u64);

impl std::hash::Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A map with keys of numbers.
pub(crate) type NumberMap<K, V> =
    std::collections::HashMap<K, V, std::hash::BuildHasherDefault<NumberHasher>>;

#[cfg(test)]
mod tests {
    use super::{StringId, Strings};

    #[test]
    fn equal_texts_have_one_number() {
        let mut strings = Strings::new();
        let texts: Vec<String> = (0..5000).map(|number| format!("text-{number}")).collect();
        let ids: Vec<StringId> = texts
            .iter()
            .map(|text| strings.intern(text).unwrap())
            .collect();
        for (text, id) in texts.iter().zip(&ids) {
            assert_eq!(strings.intern(text).unwrap(), *id);
            assert_eq!(strings.find(text), Some(*id));
            assert_eq!(strings.get(*id), text);
        }
        assert_eq!(strings.find("text-5000"), None);
        assert_eq!(strings.find(""), Some(StringId::EMPTY));
        let again = Strings::from_parts(strings.text().to_owned(), strings.ends().to_vec());
        assert_eq!(again.unwrap().find("text-77"), strings.find("text-77"));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Strings::from_parts("ab".to_owned(), vec![0, 1]).is_none());
        assert!(Strings::from_parts("ab".to_owned(), vec![0, 2, 1]).is_none());
        assert!(Strings::from_parts("ž".to_owned(), vec![0, 1, 2]).is_none());
        assert!(Strings::from_parts("ab".to_owned(), vec![2]).is_none());
        assert!(Strings::from_parts("ab".to_owned(), vec![0, 2]).is_some());
    }
}
