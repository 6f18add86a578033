//! Conditional requests: which precondition headers change the answer (RFC 9110, section 13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::range::{Ranges, parse};

/// The request headers that matter for a file, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `Range`.
    pub range: Option<&'a str>,
}

/// What a file is recognized by.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'a> {
    /// The strong entity tag with its quotes: the content's hash.
    pub etag: &'a str,
    /// Seconds since 1970 of the last change; without it dates decide nothing.
    pub modified: Option<i64>,
    /// Bytes of the file.
    pub size: u64,
}

/// How the request is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 200 with everything, 206 with parts, or 416.
    Send(Ranges),
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// Weighs the headers in the order of RFC 9110, section 13.2.2.
#[must_use]
pub fn weigh(conditions: &Conditions<'_>, file: &Validators<'_>) -> Verdict {
    if let Some(tags) = conditions.if_match {
        if !any_tag(tags, file.etag, true) {
            return Verdict::PreconditionFailed;
        }
    } else if let Some(date) = conditions.if_unmodified_since.and_then(seconds)
        && file.modified.is_some_and(|modified| modified > date)
    {
        return Verdict::PreconditionFailed;
    }
    if let Some(tags) = conditions.if_none_match {
        if any_tag(tags, file.etag, false) {
            return Verdict::NotModified;
        }
    } else if let Some(date) = conditions.if_modified_since.and_then(seconds)
        && file.modified.is_some_and(|modified| modified <= date)
    {
        return Verdict::NotModified;
    }
    let Some(range) = conditions.range else {
        return Verdict::Send(Ranges::Whole);
    };
    if let Some(validator) = conditions.if_range
        && !same(validator, file)
    {
        return Verdict::Send(Ranges::Whole);
    }
    Verdict::Send(parse(range, file.size))
}

/// Whether an `If-Range` value means exactly this file: a strong tag that is equal, or the exact date.
fn same(validator: &str, file: &Validators<'_>) -> bool {
    let validator = validator.trim();
    if validator.starts_with('"') || validator.starts_with("W/") {
        return validator == file.etag;
    }
    file.modified.is_some() && seconds(validator) == file.modified
}

/// Whether a list of entity tags (or `*`) holds the file's one. A strong comparison lets no weak tag match.
fn any_tag(list: &str, etag: &str, strong: bool) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let mut rest = list;
    while let Some(open) = rest.find('"') {
        let weak = rest[..open].ends_with("W/");
        let Some(length) = rest[open + 1..].find('"') else {
            return false;
        };
        let tag = &rest[open..open + length + 2];
        if tag == etag && !(strong && weak) {
            return true;
        }
        rest = &rest[open + length + 2..];
    }
    false
}

/// Seconds since 1970 of an HTTP date in any of its three forms; none when it is no date.
fn seconds(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// The HTTP date of a number of seconds since 1970 (before that: 1970; after the year 9999: its start).
#[must_use]
pub fn http_date(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0).min(253_370_764_800);
    let time: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds);
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repos::range::ByteRange;

    const FILE: Validators<'static> = Validators {
        etag: "\"abc\"",
        modified: Some(1_780_279_200),
        size: 100,
    };
    const DATE: &str = "Mon, 01 Jun 2026 02:00:00 GMT";
    const LATER: &str = "Mon, 01 Jun 2026 02:00:01 GMT";
    const EARLIER: &str = "Mon, 01 Jun 2026 01:59:59 GMT";

    fn part() -> Verdict {
        Verdict::Send(Ranges::Parts(vec![ByteRange {
            start: 0,
            length: 10,
        }]))
    }

    fn whole() -> Verdict {
        Verdict::Send(Ranges::Whole)
    }

    #[test]
    fn dates_are_written_and_read_alike() {
        assert_eq!(http_date(FILE.modified.unwrap()), DATE);
        assert_eq!(seconds(DATE), FILE.modified);
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(http_date(-5), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(i64::MAX), "Fri, 01 Jan 9999 00:00:00 GMT");
    }

    #[test]
    fn if_none_match_compares_weakly_and_wins_over_dates() {
        let ask = |if_none_match, if_modified_since| {
            weigh(
                &Conditions {
                    if_none_match,
                    if_modified_since,
                    ..Conditions::default()
                },
                &FILE,
            )
        };
        assert_eq!(ask(Some("\"abc\""), None), Verdict::NotModified);
        assert_eq!(ask(Some("W/\"abc\""), None), Verdict::NotModified);
        assert_eq!(ask(Some("\"x\", \"abc\""), None), Verdict::NotModified);
        assert_eq!(ask(Some("*"), None), Verdict::NotModified);
        assert_eq!(ask(Some("\"x\""), Some(LATER)), whole());
        assert_eq!(ask(Some("\"abc"), None), whole());
        assert_eq!(ask(None, Some(DATE)), Verdict::NotModified);
        assert_eq!(ask(None, Some(EARLIER)), whole());
        assert_eq!(ask(None, Some("nonsense")), whole());
    }

    #[test]
    fn if_match_compares_strongly() {
        let ask = |if_match, if_unmodified_since| {
            weigh(
                &Conditions {
                    if_match,
                    if_unmodified_since,
                    ..Conditions::default()
                },
                &FILE,
            )
        };
        assert_eq!(ask(Some("\"abc\""), Some(EARLIER)), whole());
        assert_eq!(ask(Some("W/\"abc\""), None), Verdict::PreconditionFailed);
        assert_eq!(ask(Some("\"x\""), None), Verdict::PreconditionFailed);
        assert_eq!(ask(None, Some(EARLIER)), Verdict::PreconditionFailed);
        assert_eq!(ask(None, Some(DATE)), whole());
    }

    #[test]
    fn if_range_needs_the_very_same_file() {
        let ask = |if_range| {
            weigh(
                &Conditions {
                    if_range,
                    range: Some("bytes=0-9"),
                    ..Conditions::default()
                },
                &FILE,
            )
        };
        assert_eq!(ask(None), part());
        assert_eq!(ask(Some("\"abc\"")), part());
        assert_eq!(ask(Some(DATE)), part());
        for other in ["\"x\"", "W/\"abc\"", LATER, EARLIER, "nonsense", ""] {
            assert_eq!(ask(Some(other)), whole(), "{other}");
        }
    }
}
