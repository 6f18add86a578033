//! Changelog entries.

use std::borrow::Cow;

use crate::header::{Header, Numbers, Strings};
use crate::tag::main;
use crate::text::decode;

/// One changelog entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changelog<'h> {
    /// When, in seconds since 1970.
    pub time: u64,
    /// Who and which version, as bytes (`Jane Doe <jane@example.org> - 1.0-1`).
    pub author: &'h [u8],
    /// What changed, as bytes.
    pub text: &'h [u8],
}

impl<'h> Changelog<'h> {
    /// Author line as text.
    pub fn author_text(&self) -> Cow<'h, str> {
        decode(self.author)
    }

    /// What changed, as text.
    pub fn change_text(&self) -> Cow<'h, str> {
        decode(self.text)
    }
}

/// The changelog of a package, newest first.
#[derive(Debug, Clone, Default)]
pub struct Changelogs<'h> {
    times: Numbers<'h>,
    authors: Strings<'h>,
    texts: Strings<'h>,
}

impl<'h> Changelogs<'h> {
    pub(super) fn new(header: &'h Header) -> Self {
        let entries = Self {
            times: header.numbers(main::CHANGELOGTIME),
            authors: header.strings(main::CHANGELOGNAME),
            texts: header.strings(main::CHANGELOGTEXT),
        };
        // The check lets a whole array be absent; without all three there is nothing to show.
        let whole = entries.times.len() == entries.authors.len()
            && entries.times.len() == entries.texts.len();
        if whole { entries } else { Self::default() }
    }
}

impl<'h> Iterator for Changelogs<'h> {
    type Item = Changelog<'h>;

    fn next(&mut self) -> Option<Changelog<'h>> {
        Some(Changelog {
            time: self.times.next()?,
            author: self.authors.next()?,
            text: self.texts.next()?,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.times.size_hint()
    }
}

impl ExactSizeIterator for Changelogs<'_> {}
