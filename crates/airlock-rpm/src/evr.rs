//! Epoch, version, release, and the order that rpm puts them in.
//!
//! [`rpmvercmp`] cuts both texts into runs of digits, runs of letters, `~` and `^`; everything
//! else only separates. Position by position the order is
//! `~` < end of text < `^` < letters < digits (rpm's `rpmvercmp.c`, manual page `rpm-version(7)`).

use std::cmp::Ordering;
use std::fmt;

use crate::error::{Error, Result};

/// Compares two versions, or two releases, the way rpm does.
///
/// It is a total preorder: texts that differ only in separators or leading zeros are equal
/// (`1.0` and `1_00`).
pub fn rpmvercmp(left: impl AsRef<[u8]>, right: impl AsRef<[u8]>) -> Ordering {
    let (left, right) = (left.as_ref(), right.as_ref());
    if left == right {
        return Ordering::Equal;
    }
    let (mut left, mut right) = (Segments { rest: left }, Segments { rest: right });
    loop {
        let (one, two) = (left.next_segment(), right.next_segment());
        match one.compare(&two) {
            Ordering::Equal if one == Segment::End => return Ordering::Equal,
            Ordering::Equal => {}
            order => return order,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    /// Without leading zeros.
    Digits(&'a [u8]),
}

impl Segment<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Tilde => 0,
            Self::End => 1,
            Self::Caret => 2,
            Self::Letters(_) => 3,
            Self::Digits(_) => 4,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Letters(one), Self::Letters(two)) => one.cmp(two),
            (Self::Digits(one), Self::Digits(two)) => {
                one.len().cmp(&two.len()).then_with(|| one.cmp(two))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    fn next_segment(&mut self) -> Segment<'a> {
        let start = self
            .rest
            .iter()
            .position(|b| b.is_ascii_alphanumeric() || *b == b'~' || *b == b'^')
            .unwrap_or(self.rest.len());
        self.rest = &self.rest[start..];
        match self.rest.first() {
            None => Segment::End,
            Some(b'~') => {
                self.rest = &self.rest[1..];
                Segment::Tilde
            }
            Some(b'^') => {
                self.rest = &self.rest[1..];
                Segment::Caret
            }
            Some(first) if first.is_ascii_digit() => {
                let run = self.take_while(u8::is_ascii_digit);
                let zeros = run.iter().position(|b| *b != b'0').unwrap_or(run.len());
                Segment::Digits(&run[zeros..])
            }
            Some(_) => Segment::Letters(self.take_while(u8::is_ascii_alphabetic)),
        }
    }

    fn take_while(&mut self, belongs: impl Fn(&u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|b| !belongs(b))
            .unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }
}

/// Borrowed epoch, version and release.
///
/// An epoch that is not given counts as 0 in every comparison. `==` is rpm's equality
/// (`1.0` == `1_00`), so that it agrees with `<`; compare [`fmt::Display`] texts for identity.
#[derive(Debug, Clone, Copy)]
pub struct EvrRef<'a> {
    /// Epoch; `None` is "not given".
    pub epoch: Option<u32>,
    /// Version.
    pub version: &'a str,
    /// Release; `None` is "not given", which the full order takes as empty.
    pub release: Option<&'a str>,
}

impl<'a> EvrRef<'a> {
    /// Puts the three parts together.
    pub fn new(epoch: Option<u32>, version: &'a str, release: Option<&'a str>) -> Self {
        Self {
            epoch,
            version,
            release,
        }
    }

    /// Takes `[EPOCH:]VERSION[-RELEASE]` apart. The release starts behind the last `-`.
    ///
    /// A part before the first `:` that is not a number below 2³² is an error; an empty one
    /// (`:1.0`) counts as epoch 0, as rpm reads it.
    ///
    /// # Errors
    /// [`Error::BadEvr`] when there is no version or the epoch is no number.
    pub fn parse(text: &'a str) -> Result<Self> {
        let bad = || Error::BadEvr {
            text: text.to_owned(),
        };
        let (epoch, rest) = match text.split_once(':') {
            None => (None, text),
            Some(("", rest)) => (Some(0), rest),
            Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
                (Some(epoch.parse().map_err(|_| bad())?), rest)
            }
            Some(_) => return Err(bad()),
        };
        let (version, release) = match rest.rsplit_once('-') {
            None => (rest, None),
            Some((version, release)) => (version, Some(release)),
        };
        if version.is_empty() || release == Some("") {
            return Err(bad());
        }
        Ok(Self {
            epoch,
            version,
            release,
        })
    }

    /// The order used for the ends of ranges: the release counts only when both sides have one.
    ///
    /// `Requires: foo = 1.0` is met by `foo-1.0-5`, so `1.0` and `1.0-5` are equal here.
    pub fn compare_in_range(&self, other: &EvrRef<'_>) -> Ordering {
        self.compare_without_release(other)
            .then_with(|| match (self.release, other.release) {
                (Some(one), Some(two)) => rpmvercmp(one, two),
                _ => Ordering::Equal,
            })
    }

    fn compare_without_release(&self, other: &EvrRef<'_>) -> Ordering {
        self.epoch
            .unwrap_or(0)
            .cmp(&other.epoch.unwrap_or(0))
            .then_with(|| rpmvercmp(self.version, other.version))
    }

    /// An owned copy.
    pub fn to_evr(&self) -> Evr {
        Evr {
            epoch: self.epoch,
            version: self.version.to_owned(),
            release: self.release.map(str::to_owned),
        }
    }
}

impl Ord for EvrRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare_without_release(other).then_with(|| {
            rpmvercmp(
                self.release.unwrap_or_default(),
                other.release.unwrap_or_default(),
            )
        })
    }
}

impl PartialOrd for EvrRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for EvrRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for EvrRef<'_> {}

/// `[EPOCH:]VERSION[-RELEASE]`, the epoch only when one is given.
impl fmt::Display for EvrRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        f.write_str(self.version)?;
        if let Some(release) = self.release {
            write!(f, "-{release}")?;
        }
        Ok(())
    }
}

/// Epoch, version and release; see [`EvrRef`] for the order and what `==` means.
#[derive(Debug, Clone, Default)]
pub struct Evr {
    /// Epoch; `None` is "not given" and counts as 0.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release; `None` is "not given".
    pub release: Option<String>,
}

impl Evr {
    /// Puts the three parts together.
    pub fn new(epoch: Option<u32>, version: impl Into<String>, release: impl Into<String>) -> Self {
        Self {
            epoch,
            version: version.into(),
            release: Some(release.into()),
        }
    }

    /// Takes `[EPOCH:]VERSION[-RELEASE]` apart; see [`EvrRef::parse`].
    ///
    /// # Errors
    /// [`Error::BadEvr`].
    pub fn parse(text: &str) -> Result<Self> {
        EvrRef::parse(text).map(|evr| evr.to_evr())
    }

    /// A borrowed view.
    pub fn borrowed(&self) -> EvrRef<'_> {
        EvrRef {
            epoch: self.epoch,
            version: &self.version,
            release: self.release.as_deref(),
        }
    }

    /// The order used for the ends of ranges; see [`EvrRef::compare_in_range`].
    pub fn compare_in_range(&self, other: &Evr) -> Ordering {
        self.borrowed().compare_in_range(&other.borrowed())
    }
}

impl Ord for Evr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.borrowed().cmp(&other.borrowed())
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Evr {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Evr {}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrowed().fmt(f)
    }
}

impl std::str::FromStr for Evr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
