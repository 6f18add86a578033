//! When a channel syncs by itself.

use airlock_model::Instant;

use crate::{Error, Result};

/// A schedule: `hourly`, `daily HH:MM`, `weekly DAY HH:MM`, `monthly N HH:MM`, or a cron line of five or six fields.
#[derive(Debug, Clone)]
pub struct Schedule(croner::Cron);

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// `Invalid`, naming the forms that can be read.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::invalid(
                format!("\"{text}\" is no schedule"),
                "hourly, daily 02:00, weekly sun 02:00, monthly 1 02:00, or a cron line",
            )
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let time = |word: Option<&&str>| -> Option<(u8, u8)> {
            let (hour, minute) = word?.split_once(':')?;
            let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some((hour, minute))
        };
        let line = match words.first().copied() {
            Some("hourly") if words.len() == 1 => "0 * * * *".to_owned(),
            Some("daily") if words.len() == 2 => {
                let (hour, minute) = time(words.get(1)).ok_or_else(bad)?;
                format!("{minute} {hour} * * *")
            }
            Some("weekly") if words.len() == 3 => {
                let day = words
                    .get(1)
                    .and_then(|d| {
                        DAYS.iter()
                            .position(|day| d.to_ascii_lowercase().starts_with(day))
                    })
                    .ok_or_else(bad)?;
                let (hour, minute) = time(words.get(2)).ok_or_else(bad)?;
                format!("{minute} {hour} * * {day}")
            }
            Some("monthly") if words.len() == 3 => {
                let day: u8 = words
                    .get(1)
                    .and_then(|d| d.parse().ok())
                    .filter(|d| (1..=28).contains(d))
                    .ok_or_else(bad)?;
                let (hour, minute) = time(words.get(2)).ok_or_else(bad)?;
                format!("{minute} {hour} {day} * *")
            }
            Some(_) if words.len() == 5 || words.len() == 6 => text.to_owned(),
            _ => return Err(bad()),
        };
        let cron = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .build()
            .parse(&line)
            .map_err(|_| bad())?;
        Ok(Self(cron))
    }

    /// The first instant after `after` at which it comes due, in `zone`.
    ///
    /// # Errors
    /// `Invalid` when it never does (30 February).
    pub fn next(&self, after: Instant, zone: &jiff::tz::TimeZone) -> Result<Instant> {
        let never = || Error::invalid("the schedule never comes due", "choose a day that exists");
        // The cron crate counts in chrono; local wall time is handed over as if it were UTC and turned back by the
        // zone, so that daylight saving is judged by one library only.
        let local = jiff::Timestamp::from_microsecond(after.0)
            .map_err(|_| never())?
            .to_zoned(zone.clone())
            .datetime();
        let seconds = local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| never())?
            .timestamp()
            .as_second();
        let from = chrono::DateTime::from_timestamp(seconds, 0).ok_or_else(never)?;
        let next = self
            .0
            .find_next_occurrence(&from, false)
            .map_err(|_| never())?;
        let wall = jiff::Timestamp::from_second(next.timestamp())
            .map_err(|_| never())?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime();
        let instant = wall
            .to_zoned(zone.clone())
            .map_err(|_| never())?
            .timestamp();
        Ok(Instant(instant.as_microsecond().max(after.0 + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, after: &str, zone: &str) -> String {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        Schedule::parse(text)
            .unwrap()
            .next(after.parse().unwrap(), &zone)
            .unwrap()
            .to_string()
    }

    #[test]
    fn words_mean_what_they_say() {
        assert_eq!(
            next("hourly", "2026-06-01T01:30:00Z", "UTC"),
            "2026-06-01T02:00:00Z"
        );
        assert_eq!(
            next("daily 02:00", "2026-06-01T02:00:00Z", "UTC"),
            "2026-06-02T02:00:00Z"
        );
        assert_eq!(
            next("weekly sun 02:00", "2026-06-01T00:00:00Z", "UTC"),
            "2026-06-07T02:00:00Z"
        );
        assert_eq!(
            next("monthly 1 00:30", "2026-06-02T00:00:00Z", "UTC"),
            "2026-07-01T00:30:00Z"
        );
        assert_eq!(
            next("30 4 * * *", "2026-06-02T00:00:00Z", "UTC"),
            "2026-06-02T04:30:00Z"
        );
    }

    #[test]
    fn wall_time_follows_the_zone() {
        assert_eq!(
            next("daily 02:00", "2026-01-01T00:30:00Z", "Europe/Berlin"),
            "2026-01-01T01:00:00Z"
        );
        assert_eq!(
            next("daily 02:00", "2026-07-01T00:30:00Z", "Europe/Berlin"),
            "2026-07-02T00:00:00Z"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "daily",
            "daily 25:00",
            "weekly xyz 02:00",
            "monthly 31 02:00",
            "every day",
            "61 * * * *",
        ] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }
}
