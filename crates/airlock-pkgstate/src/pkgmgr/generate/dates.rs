//! Packages by time. The old tool took `--startdate` and `--enddate` and did nothing with them (section 8, number 16).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::pkgmgr::available::Available;
use crate::pkgmgr::error::{Error, Result};

/// Which time of a package is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateField {
    /// When it was built, by its header.
    #[default]
    Build,
    /// When its file was changed, by the file system or the repository.
    Modified,
}

/// The times that are let in, both ends with them. Packages whose time nobody knows are let in only without any limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dates {
    /// Which time is looked at.
    pub field: DateField,
    /// The first second, since 1970.
    pub from: Option<i64>,
    /// The last second, since 1970.
    pub to: Option<i64>,
}

impl Dates {
    /// Reads both options. A date alone is a whole day in UTC: its first second at the start, its last at the end.
    ///
    /// # Errors
    /// [`Error::Date`].
    pub fn parse(field: DateField, start: Option<&str>, end: Option<&str>) -> Result<Self> {
        let from = start
            .map(|text| first_second("startdate", text))
            .transpose()?;
        let to = end.map(|text| last_second("enddate", text)).transpose()?;
        Ok(Self { field, from, to })
    }

    /// Whether nothing can be let in.
    pub fn is_empty(&self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if from > to)
    }

    /// Whether the package is let in.
    pub fn hold(&self, package: &Available) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let time = match self.field {
            DateField::Build => package.built,
            DateField::Modified => package.modified,
        };
        time.is_some_and(|time| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
        })
    }
}

fn first_second(option: &'static str, text: &str) -> Result<i64> {
    match day(text) {
        Some(day) => midnight(option, text, day),
        None => instant(option, text),
    }
}

fn last_second(option: &'static str, text: &str) -> Result<i64> {
    match day(text) {
        Some(day) => {
            let next = day.tomorrow().map_err(|_| bad(option, text))?;
            Ok(midnight(option, text, next)? - 1)
        }
        None => instant(option, text),
    }
}

fn bad(option: &'static str, text: &str) -> Error {
    Error::Date {
        option,
        text: text.to_owned(),
    }
}

/// A date without a time.
fn day(text: &str) -> Option<Date> {
    let is_day = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    let text = text.trim();
    text.bytes()
        .all(is_day)
        .then(|| text.parse().ok())
        .flatten()
}

fn midnight(option: &'static str, text: &str, day: Date) -> Result<i64> {
    let zoned = day.to_zoned(TimeZone::UTC).map_err(|_| bad(option, text))?;
    Ok(zoned.timestamp().as_second())
}

/// An instant with its offset.
fn instant(option: &'static str, text: &str) -> Result<i64> {
    let instant: Timestamp = text.trim().parse().map_err(|_| bad(option, text))?;
    Ok(instant.as_second())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_is_whole_at_both_ends() {
        let dates = Dates::parse(DateField::Build, Some("2020-01-01"), Some("2020-01-01")).unwrap();
        assert_eq!(dates.from, Some(1_577_836_800));
        assert_eq!(dates.to, Some(1_577_836_800 + 86_400 - 1));
    }

    #[test]
    fn an_instant_keeps_its_offset_and_nonsense_is_refused() {
        let start = Some("2020-01-01T02:00:00+02:00");
        let dates = Dates::parse(DateField::Build, start, None).unwrap();
        assert_eq!(dates.from, Some(1_577_836_800));
        for text in ["", "yesterday", "2020-13-01", "2020-01-01T00:00:00"] {
            assert!(
                Dates::parse(DateField::Build, Some(text), None).is_err(),
                "{text}"
            );
        }
    }
}
