//! The dates of advisories.

/// Seconds since 1970 of a date as it occurs in the field: seconds, `2026-01-02`,
/// `2026-01-02 03:04:05` with or without fraction, with `T`, with `Z`, `UTC`, `+02:00` or
/// `+0200` behind, `2026-01-02 03:04`. Without zone it is UTC. `None` for everything else.
pub fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.len() {
            // 20260102
            8 => date(text.get(..4)?, text.get(4..6)?, text.get(6..8)?),
            _ => text.parse().ok(),
        };
    }
    let (day, rest) = text.split_at_checked(10)?;
    let mut parts = day.split('-');
    let days = date(parts.next()?, parts.next()?, parts.next()?)?;
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    let clock_end = rest
        .find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')
        .unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(clock_end);
    Some(days + seconds(clock)? - offset(zone.trim())?)
}

fn number(text: &str, most: i64) -> Option<i64> {
    let good =
        !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if good {
        text.parse().ok()?
    } else {
        return None;
    };
    (number <= most).then_some(number)
}

/// Start of a day in seconds since 1970.
fn date(year: &str, month: &str, day: &str) -> Option<i64> {
    let (year, month, day) = (number(year, 9999)?, number(month, 12)?, number(day, 31)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    if month == 0 || day == 0 || day > last {
        return None;
    }
    // Days since 1970 with years that start in March, so that the leap day comes last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days =
        365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day
            - 1;
    Some((days - 719_468) * 86_400)
}

/// Seconds of a time of day.
fn seconds(clock: &str) -> Option<i64> {
    if clock.is_empty() {
        return Some(0);
    }
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 24)?;
    let minutes = number(parts.next().unwrap_or("0"), 59)?;
    let seconds = parts.next().unwrap_or("0");
    let seconds = number(
        seconds.split_once('.').map_or(seconds, |(whole, _)| whole),
        60,
    )?;
    parts
        .next()
        .is_none()
        .then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

#[cfg(test)]
mod tests {
    use super::parse_date;

    #[test]
    fn dates_of_the_field_are_read() {
        for (text, seconds) in [
            ("0", None),
            ("1700000000", Some(1_700_000_000)),
            ("1970-01-01", Some(0)),
            ("2026-01-02", Some(1_767_312_000)),
            ("20260102", Some(1_767_312_000)),
            ("2026-01-02 03:04:05", Some(1_767_323_045)),
            (" 2026-01-02T03:04:05Z ", Some(1_767_323_045)),
            ("2026-01-02 03:04:05.123456 UTC", Some(1_767_323_045)),
            ("2026-01-02 05:04:05+02:00", Some(1_767_323_045)),
            ("2026-01-02 05:04:05 +0200", Some(1_767_323_045)),
            ("2026-01-01T21:04:05-06", Some(1_767_323_045)),
            ("2026-01-02 03:04", Some(1_767_323_040)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2026-02-30", None),
            ("2026-13-01", None),
            ("", None),
            ("yesterday", None),
            ("2026-01-02 25:00", None),
            ("2026-01-02 1:2:3:4", None),
            ("2026-01-02 03:04:05 CEST", None),
        ] {
            assert_eq!(parse_date(text), seconds, "{text}");
        }
    }
}
