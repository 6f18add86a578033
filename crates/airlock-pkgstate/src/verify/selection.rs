//! Which packages a pass looks at, in the words that rpm takes.

use std::borrow::Cow;

use airlock_rpm::db::Installed;
use airlock_rpm::tag::main;

use crate::decide::lists::glob;

/// Which packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those that one of these says (`rpm -V`): a name, `name.arch`, `name-version`, `name-version-release`,
    /// `name-version-release.arch`, with `epoch:` before the version or without. Versions, releases and architectures
    /// may be patterns, names may not. What stands for nothing that is installed is told.
    Named(Vec<String>),
    /// Those whose name one of the patterns matches (`rpm -Va`).
    Matching(Vec<Pattern>),
}

/// A pattern of names: `*`, `?`, `[a-z]`, `[^a]`; a name alone is that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text is no pattern of names.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// rpm selects by any tag; here it is the name.
    #[error(
        "'{text}' selects by the tag '{tag}'; packages are selected by their names here: give NAME, NAME* or name=NAME*"
    )]
    OtherTag {
        /// The pattern as given.
        text: String,
        /// What stands before the `=`.
        tag: String,
    },
    /// A class without end, which would match nothing.
    #[error("'{0}' has a [ without a ]; a class is written [abc] or [a-c]")]
    OpenClass(String),
    /// What is special in rpm's patterns only, or in the shell's only, and in no name of a package.
    #[error(
        "'{text}' has a '{found}', which no name of a package has; a pattern is made of * ? and [abc]"
    )]
    NoName {
        /// The pattern as given.
        text: String,
        /// The character.
        found: char,
    },
}

impl Pattern {
    /// Takes a pattern as `rpm -Va` does, `name=` in front or not. An empty one matches every name, as in rpm.
    ///
    /// # Errors
    /// [`PatternError`]: what rpm refuses as well, other tags than the name, and what could match no name.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let pattern = match text.split_once('=') {
            Some((tag, pattern)) if tag.eq_ignore_ascii_case("name") => pattern,
            Some((tag, _)) => {
                return Err(PatternError::OtherTag {
                    text: text.to_owned(),
                    tag: tag.to_owned(),
                });
            }
            None => text,
        };
        let strange = |one: &char| "{}()|\\$/:,;!".contains(*one) || one.is_whitespace();
        let outside =
            without_classes(pattern).ok_or_else(|| PatternError::OpenClass(text.to_owned()))?;
        match outside.chars().find(strange) {
            Some(found) => Err(PatternError::NoName {
                text: text.to_owned(),
                found,
            }),
            None if pattern.is_empty() => Ok(Self("*".to_owned())),
            None => Ok(Self(pattern.to_owned())),
        }
    }

    fn matches(&self, name: &str) -> bool {
        glob(&self.0, name)
    }
}

/// A pattern without its classes; `None` when one of them does not end.
fn without_classes(pattern: &str) -> Option<String> {
    let mut outside = String::new();
    let mut rest = pattern;
    while let Some((before, class)) = rest.split_once('[') {
        outside.push_str(before);
        let negation = usize::from(class.starts_with(['^', '!']));
        // A bracket that comes first belongs to the class.
        let first = negation + usize::from(class[negation..].starts_with(']'));
        let end = class[first..].find(']')?;
        rest = &class[first + end + 1..];
    }
    outside.push_str(rest);
    Some(outside)
}

/// What a name that was asked for stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// As it was asked for.
    pub name: String,
    /// Numbers of the packages, in the order of the database. Empty: nothing installed is called so.
    pub numbers: Vec<u32>,
}

/// One name that was asked for, taken apart in every way that makes sense, the one that goes first in rpm first.
#[derive(Debug)]
pub(super) struct Label<'s> {
    readings: Vec<Reading<'s>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Reading<'s> {
    name: &'s str,
    version: Option<&'s str>,
    release: Option<&'s str>,
    arch: Option<&'s str>,
}

impl<'s> Label<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        let mut readings = Vec::new();
        let with_arch = text.rsplit_once('.');
        let texts = [
            Some((text, None)),
            with_arch.map(|(text, arch)| (text, Some(arch))),
        ];
        for (text, arch) in texts.into_iter().flatten() {
            let mut read = |name, version, release| {
                readings.push(Reading {
                    name,
                    version,
                    release,
                    arch,
                });
            };
            read(text, None, None);
            let Some((before, last)) = text.rsplit_once('-') else {
                continue;
            };
            read(before, Some(last), None);
            if let Some((name, version)) = before.rsplit_once('-') {
                read(name, Some(version), Some(last));
            }
        }
        Self { readings }
    }

    /// The first of the readings that says this package; a lower one goes before a higher one.
    pub(super) fn rank(&self, installed: &Installed) -> Option<usize> {
        let name = installed.name();
        self.readings
            .iter()
            .position(|reading| reading.name.as_bytes() == name && reading.says(installed))
    }
}

impl Reading<'_> {
    /// Whether all but the name fits.
    fn says(&self, installed: &Installed) -> bool {
        let header = installed.header();
        let text = |tag| header.string(tag).unwrap_or(Cow::Borrowed(""));
        if let Some(version) = self.version {
            let (epoch, version) = match version.split_once(':') {
                Some((epoch, version)) => (Some(epoch), version),
                None => (None, version),
            };
            let same_epoch =
                |epoch: &str| epoch.parse() == Ok(header.u32(main::EPOCH).unwrap_or(0));
            if !epoch.is_none_or(same_epoch) || !glob(version, &text(main::VERSION)) {
                return false;
            }
        }
        self.release
            .is_none_or(|release| glob(release, &text(main::RELEASE)))
            && self
                .arch
                .is_none_or(|arch| header.has(main::ARCH) && glob(arch, &text(main::ARCH)))
    }
}

/// A selection made ready for a pass.
#[derive(Debug)]
pub(super) enum Chosen<'s> {
    All,
    Named(Vec<Label<'s>>),
    Matching(&'s [Pattern]),
}

/// That a package is what one of the names stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    label: usize,
    rank: usize,
    /// Where in the database.
    pub(super) position: usize,
}

impl<'s> Chosen<'s> {
    pub(super) fn new(selection: &'s Selection) -> Self {
        match selection {
            Selection::All => Self::All,
            Selection::Named(names) => {
                Self::Named(names.iter().map(|name| Label::new(name)).collect())
            }
            Selection::Matching(patterns) => Self::Matching(patterns),
        }
    }

    /// Whether a package may be among those that were asked for, and by which names.
    pub(super) fn takes(&self, position: usize, installed: &Installed) -> (bool, Vec<Match>) {
        match self {
            Self::All => (true, Vec::new()),
            Self::Matching(patterns) => {
                let name = String::from_utf8_lossy(installed.name());
                let taken = patterns.iter().any(|pattern| pattern.matches(&name));
                (taken, Vec::new())
            }
            Self::Named(labels) => {
                let matches: Vec<Match> = labels
                    .iter()
                    .enumerate()
                    .filter_map(|(label, reading)| {
                        Some(Match {
                            label,
                            rank: reading.rank(installed)?,
                            position,
                        })
                    })
                    .collect();
                (!matches.is_empty(), matches)
            }
        }
    }
}

/// The positions that each name stands for. What is called so in another way than the first is left out: with a package
/// `a-1` the name `a-1` is not version 1 of `a`.
pub(super) fn settled(names: usize, matches: &[Match]) -> Vec<Vec<usize>> {
    (0..names)
        .map(|label| {
            let of_label = || matches.iter().filter(|one| one.label == label);
            let best = of_label().map(|one| one.rank).min();
            let mut positions: Vec<usize> = of_label()
                .filter(|one| Some(one.rank) == best)
                .map(|one| one.position)
                .collect();
            positions.sort_unstable();
            positions
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_names() {
        for (pattern, name, matches) in [
            ("bet*", "betamax", true),
            ("bet*", "alphabet", false),
            ("beta", "betamax", false),
            ("b?ta", "beta", true),
            ("[^ab]*", "gamma", true),
            ("[^ab]*", "alpha", false),
            ("lib*++", "libstdc++", true),
            ("gtk.", "gtk2", false),
            ("name=be*", "beta", true),
            ("", "anything", true),
        ] {
            let found = Pattern::new(pattern).unwrap().matches(name);
            assert_eq!(found, matches, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_of_names_is_refused() {
        for (pattern, says) in [
            ("version=1*", "by the tag 'version'"),
            ("al[", "a [ without a ]"),
            ("al[]", "a [ without a ]"),
            ("{a,b}", "has a '{'"),
            ("a b", "has a ' '"),
            ("^a$", "has a '$'"),
        ] {
            let error = Pattern::new(pattern).unwrap_err().to_string();
            assert!(error.contains(says), "{pattern}: {error}");
        }
    }

    #[test]
    fn names_are_read_as_rpm_reads_them() {
        let readings = Label::new("a-b-1.2").readings;
        let parts: Vec<_> = readings
            .iter()
            .map(|one| (one.name, one.version, one.release, one.arch))
            .collect();
        assert_eq!(
            parts,
            [
                ("a-b-1.2", None, None, None),
                ("a-b", Some("1.2"), None, None),
                ("a", Some("b"), Some("1.2"), None),
                ("a-b-1", None, None, Some("2")),
                ("a-b", Some("1"), None, Some("2")),
                ("a", Some("b"), Some("1"), Some("2")),
            ]
        );
    }

    #[test]
    fn the_first_reading_that_stands_for_something_counts() {
        let one = |label, rank, position| Match {
            label,
            rank,
            position,
        };
        let matches = [one(0, 1, 7), one(1, 2, 7), one(0, 0, 9), one(0, 0, 3)];
        assert_eq!(settled(3, &matches), [vec![3, 9], vec![7], vec![]]);
    }
}
