//! Points in time, in microseconds since 1970 UTC: the unit of every stored time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The first instant that is written: 0000-01-01T00:00:00Z.
const EARLIEST: i64 = -62_167_219_200_000_000;
/// The last one: 9999-12-30T22:00:00Z, which is in the year 9999 in every zone.
const LATEST: i64 = 253_402_207_200_000_000;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. In JSON it is RFC 3339 text in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-06-01T02:00:00Z")]
pub struct Instant(pub i64);

impl Instant {
    /// Seconds since 1970, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant of a number of whole seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The instant `seconds` later (earlier when negative); stops at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The instant when RFC 3339 text can be written of it. What a vendor wrote, or an older release took over, may lie
    /// outside.
    #[must_use]
    pub fn writable(self) -> Option<Self> {
        (EARLIEST..=LATEST).contains(&self.0).then_some(self)
    }

    /// RFC 3339 text in UTC, with a fraction only where there is one. What cannot be written is the nearest end of the
    /// range, so that every text is read again.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0.clamp(EARLIEST, LATEST))
            .unwrap_or_default()
            .to_string()
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl std::str::FromStr for Instant {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse()?;
        Ok(Self(time.as_microsecond()))
    }
}

impl Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{EARLIEST, Instant, LATEST};

    #[test]
    fn every_text_of_an_instant_is_read_again() {
        for (instant, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_500_000, "1970-01-01T00:00:01.5Z"),
            (EARLIEST, "0000-01-01T00:00:00Z"),
            (EARLIEST - 1, "0000-01-01T00:00:00Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (LATEST, "9999-12-30T22:00:00Z"),
            (LATEST + 1, "9999-12-30T22:00:00Z"),
            (i64::MAX, "9999-12-30T22:00:00Z"),
        ] {
            let instant = Instant(instant);
            assert_eq!(instant.to_rfc3339(), text);
            let read: Instant = text.parse().unwrap();
            assert_eq!(read.to_rfc3339(), text);
            assert_eq!(instant.writable().is_some(), instant == read, "{text}");
            let json = serde_json::to_string(&instant).unwrap();
            assert_eq!(serde_json::from_str::<Instant>(&json).unwrap(), read);
        }
    }
}
