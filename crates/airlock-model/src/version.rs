//! Channel versions, how they are named, and what they hold.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Instant;

/// A version's number within its channel: 1 for the first content; never reused.
pub type VersionNumber = i64;

/// What made a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    /// A sync from upstream.
    Sync,
    /// Own packages were pushed.
    Push,
    /// Packages or errata were added or removed by hand.
    Edit,
    /// The content of another channel's version was taken.
    Promote,
    /// An older version of the same channel was made current again.
    Rollback,
    /// A clone.
    Clone,
}

impl VersionKind {
    /// The word stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Push => "push",
            Self::Edit => "edit",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Clone => "clone",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "sync" => Self::Sync,
            "push" => Self::Push,
            "edit" => Self::Edit,
            "promote" => Self::Promote,
            "rollback" => Self::Rollback,
            "clone" => Self::Clone,
            _ => return None,
        })
    }
}

/// A file of the upstream carried along in a version: comps, modules, productid, unknown types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// Type in `repomd.xml`: `group`, `modules`, `productid`, `prestodelta` …
    pub kind: String,
    /// Base name under `repodata/`, without a leading checksum.
    pub file_name: String,
    /// SHA-256 of the stored (as served) bytes.
    pub sha256: String,
    /// Bytes stored.
    pub size: u64,
    /// SHA-256 of the opened bytes, when the file is compressed.
    pub open_sha256: Option<String>,
    /// Bytes opened, when the file is compressed.
    pub open_size: Option<u64>,
}

/// A channel version as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionInfo {
    /// Its number.
    pub number: VersionNumber,
    /// When it became current.
    pub instant: Instant,
    /// What made it.
    pub kind: VersionKind,
    /// Whether it is the current one.
    pub current: bool,
    /// The upstream's revision text.
    pub upstream_revision: Option<String>,
    /// Who made it.
    pub principal: String,
    /// The task that made it.
    pub task: Option<i64>,
    /// The request that it came from.
    pub request_id: String,
    /// A line about it (`rollback to 3`, `from el9-base@7`).
    pub note: String,
    /// Digest of the plan it was made by, for clones.
    pub plan_digest: Option<String>,
    /// Digest over sorted package identities, errata revisions and attachments.
    pub content_digest: String,
    /// Packages in it.
    pub packages: u64,
    /// Errata in it.
    pub errata: u64,
    /// Packages added against the version before.
    pub added: u64,
    /// Packages removed against the version before.
    pub removed: u64,
    /// Packages whose file is held here (filled by `channel versions`).
    pub held: Option<u64>,
}

/// An erratum of a version, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErratumRow {
    /// Advisory name: `RHSA-2026:0001`.
    pub advisory: String,
    /// `security`, `bugfix`, `enhancement`, `newpackage` …
    pub kind: String,
    /// Severity as the vendor wrote it; empty when none.
    pub severity: String,
    /// Its title.
    pub title: String,
    /// Issue date as seconds since 1970, when readable.
    pub issued: Option<Instant>,
    /// Date of the last change, when readable.
    pub updated: Option<Instant>,
    /// CVE names.
    pub cves: Vec<String>,
    /// Package file names that it lists.
    pub packages: Vec<String>,
}

/// Which version is meant: the part behind `@` in `LABEL@…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionSelector {
    /// The current one.
    Current,
    /// By number.
    Number(VersionNumber),
    /// The one that was current at the instant.
    At(Instant),
    /// The one that was current at the end of a day (in the server's zone), a minute or a second.
    EndOf {
        /// The first instant of that span.
        begin: Instant,
        /// The first instant after it.
        end: Instant,
    },
}

/// Why a text names no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionSelectorError {
    /// Neither a number nor an instant.
    #[error(
        "\"{0}\" names no version: give a number (7), a day (2026-06-01) or an instant (2026-06-01T02:00:00Z)"
    )]
    Unknown(String),
    /// Looks like a date but is none.
    #[error("\"{0}\" is no date that exists")]
    NoSuchDate(String),
}

impl VersionSelector {
    /// The last instant that is meant; none when no instant is.
    #[must_use]
    pub const fn instant(self) -> Option<Instant> {
        match self {
            Self::Current | Self::Number(_) => None,
            Self::At(at) => Some(at),
            Self::EndOf { end, .. } => Some(Instant(end.0 - 1)),
        }
    }

    /// Whether a day is meant that is not over at `now`: its end may still bring other versions. The minute and the
    /// second of `now` count as over, so that a version that was just shown can be named by its instant.
    #[must_use]
    pub const fn is_unfinished_day(self, now: Instant) -> bool {
        const HOUR: i64 = 3_600 * 1_000_000;
        match self {
            Self::EndOf { begin, end } => {
                begin.0 <= now.0 && end.0 > now.0 && end.0 - begin.0 > HOUR
            }
            _ => false,
        }
    }

    /// Reads the text behind `@`. `current` and the literal `$airlock_at` (an unset dnf variable) mean the current
    /// version; digits a number; `YYYY-MM-DD` the end of that day in `zone`; `YYYY-MM-DDTHH:MM[:SS]Z` the end of that
    /// minute or second, so that an instant that is shown to the second names the version that it stands beside; with
    /// a fraction exactly that instant.
    ///
    /// # Errors
    /// [`VersionSelectorError`] when the text is none of these.
    pub fn parse(text: &str, zone: &jiff::tz::TimeZone) -> Result<Self, VersionSelectorError> {
        if text == "current" || text == "$airlock_at" {
            return Ok(Self::Current);
        }
        let unknown = || VersionSelectorError::Unknown(text.chars().take(60).collect());
        if text.is_empty() || text.len() > 32 || !text.is_ascii() {
            return Err(unknown());
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Self::Number).map_err(|_| unknown());
        }
        let bytes = text.as_bytes();
        let shape: String = bytes
            .iter()
            .map(|b| {
                if b.is_ascii_digit() {
                    '9'
                } else {
                    char::from(*b)
                }
            })
            .collect();
        let no_date = || VersionSelectorError::NoSuchDate(text.to_owned());
        match shape.as_str() {
            "9999-99-99" => {
                let day: jiff::civil::Date = text.parse().map_err(|_| no_date())?;
                let first = |day: jiff::civil::Date| {
                    day.to_zoned(zone.clone())
                        .map(|begin| Instant(begin.timestamp().as_microsecond()))
                        .map_err(|_| no_date())
                };
                Ok(Self::EndOf {
                    begin: first(day)?,
                    end: first(day.tomorrow().map_err(|_| no_date())?)?,
                })
            }
            shape @ ("9999-99-99T99:99Z" | "9999-99-99T99:99:99Z") => {
                let begin: Instant = text.parse().map_err(|_| no_date())?;
                let seconds = if shape.len() == 17 { 60 } else { 1 };
                Ok(Self::EndOf {
                    begin,
                    end: begin.plus_seconds(seconds),
                })
            }
            // With a fraction, as instants of versions are shown.
            other
                if other
                    .strip_prefix("9999-99-99T99:99:99.")
                    .and_then(|rest| rest.strip_suffix('Z'))
                    .is_some_and(|digits| {
                        !digits.is_empty() && digits.bytes().all(|b| b == b'9')
                    }) =>
            {
                text.parse().map(Self::At).map_err(|_| no_date())
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<VersionSelector, VersionSelectorError> {
        VersionSelector::parse(text, &jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn selectors_are_numbers_days_and_instants() {
        assert_eq!(parse("7"), Ok(VersionSelector::Number(7)));
        assert_eq!(parse("current"), Ok(VersionSelector::Current));
        assert_eq!(parse("$airlock_at"), Ok(VersionSelector::Current));
        assert_eq!(parse("2026-06-01"), span(1_780_272_000, 86_400));
        assert_eq!(parse("2026-06-01T02:00Z"), span(1_780_279_200, 60));
        assert_eq!(parse("2026-06-01T02:00:07Z"), span(1_780_279_207, 1));
        assert_eq!(
            parse("2026-06-01T02:00:07.25Z"),
            Ok(VersionSelector::At(Instant(1_780_279_207_250_000)))
        );
    }

    fn span(begin: i64, seconds: i64) -> Result<VersionSelector, VersionSelectorError> {
        Ok(VersionSelector::EndOf {
            begin: Instant::from_seconds(begin),
            end: Instant::from_seconds(begin + seconds),
        })
    }

    #[test]
    fn a_day_is_over_when_its_last_instant_is() {
        let noon = Instant::from_seconds(1_780_272_000 + 43_200);
        let unfinished = |text: &str| parse(text).unwrap().is_unfinished_day(noon);
        assert!(unfinished("2026-06-01"));
        for text in [
            "2026-05-31",
            "2026-06-02",
            "2026-06-01T12:00Z",
            "2026-06-01T12:00:00Z",
            "7",
        ] {
            assert!(!unfinished(text), "{text}");
        }
    }

    #[test]
    fn days_are_as_long_as_the_zone_says() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        for (day, hours) in [("2026-03-29", 23), ("2026-06-01", 24), ("2026-10-25", 25)] {
            let Ok(VersionSelector::EndOf { begin, end }) = VersionSelector::parse(day, &zone)
            else {
                panic!("{day}")
            };
            assert_eq!(end, begin.plus_seconds(hours * 3_600), "{day}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for bad in [
            "",
            "-1",
            "7x",
            "9999999999999999999999",
            "2026-6-1",
            "2026-06-01 02:00",
            "é",
            "2026-06-01T02:00:00+02:00",
        ] {
            assert!(
                matches!(parse(bad), Err(VersionSelectorError::Unknown(_))),
                "{bad}"
            );
        }
        for bad in ["2026-02-30", "2026-13-01", "2026-06-01T25:00Z"] {
            assert!(
                matches!(parse(bad), Err(VersionSelectorError::NoSuchDate(_))),
                "{bad}"
            );
        }
    }
}
