//! Single values, from the file and from the command line alike: dates, instants, expressions, labels.

use airlock_model::{ChannelLabel, VersionSelector};
use jiff::civil::Date;

/// What is wrong with a value, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `"2026-02-30" is no date`.
    pub why: String,
    /// `write it as YYYY-MM-DD`.
    pub hint: String,
}

impl Wrong {
    /// With its hint.
    pub fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: hint.into(),
        }
    }
}

/// A text in quotes, cut to what a message bears.
pub fn quoted(text: &str) -> String {
    super::json::Json::Text(text.to_owned()).shown()
}

/// `YYYY-MM-DD`; the old tool took one digit for month and day as well.
pub fn date(text: &str) -> Result<Date, Wrong> {
    let wrong = || {
        Wrong::new(
            format!("{} is no date", quoted(text)),
            "write it as YYYY-MM-DD, for example 2026-03-31",
        )
    };
    let digits = |part: &str, most: usize| {
        let good = !part.is_empty() && part.len() <= most;
        let good = good && part.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| part.parse::<i16>().ok()).flatten()
    };
    let mut parts = text.trim().split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) else {
        return Err(wrong());
    };
    if year.len() != 4 {
        return Err(wrong());
    }
    let read = || {
        let month = i8::try_from(digits(month, 2)?).ok()?;
        let day = i8::try_from(digits(day, 2)?).ok()?;
        Date::new(digits(year, 4)?, month, day).ok()
    };
    read().ok_or_else(wrong)
}

/// An instant, or a version's number, as the server takes it.
pub fn as_of(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let hint = "write a day (2026-03-31), an instant (2026-03-31T12:00:00Z) or, for a single channel, a version's number";
    match VersionSelector::parse(text, &jiff::tz::TimeZone::UTC) {
        // It is current by itself.
        Ok(VersionSelector::Current) => {
            Err(Wrong::new(format!("{} is no instant", quoted(text)), hint))
        }
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Wrong::new(format!("{} is no instant", quoted(text)), hint)),
    }
}

/// A channel's label, without the white space around it.
pub fn label(text: &str) -> Result<ChannelLabel, Wrong> {
    ChannelLabel::new(text.trim()).map_err(|error| {
        let hint = if text.is_ascii() {
            "airlock channel list shows the labels that there are"
        } else {
            "labels are plain ASCII; letters of other alphabets, accents and typographic dashes cannot be in one"
        };
        Wrong::new(error.to_string(), hint)
    })
}

/// A regular expression over names of packages. Only its syntax is looked at, so that a mistake is named with its place
/// in the file; what it means is the server's matter.
pub fn expression(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let hint =
        "names are matched from their beginning to their end: write foo, foo.* or libstdc\\+\\+";
    if text.is_empty() {
        return Err(Wrong::new("an expression is empty", hint));
    }
    let why = match regex_syntax::parse(text) {
        Ok(_) => return Ok(text.to_owned()),
        Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
        Err(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
        Err(error) => error.to_string(),
    };
    Err(Wrong::new(
        format!("{} is no regular expression: {why}", quoted(text)),
        hint,
    ))
}

/// An advisory's name.
pub fn advisory(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err(Wrong::new(
            format!("{} is no advisory", quoted(text)),
            "write its name as airlock channel errata shows it, for example RHSA-2026:0001",
        ));
    }
    Ok(text.to_owned())
}
