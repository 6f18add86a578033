//! Locations (`href`) inside a repository.

use crate::error::Flaw;

/// Longest location that is read.
const LONGEST: usize = 4096;

/// Checks that a location stays inside the repository: relative, no `..`, no scheme, no control
/// characters. Percent-encoded spellings count as what they stand for.
///
/// # Errors
/// The reason, as a [`Flaw`].
pub fn check_href(href: &str) -> std::result::Result<(), Flaw> {
    let refuse = |why| Err(Flaw::location(href, why));
    if href.is_empty() {
        return refuse("it is empty");
    }
    if href.len() > LONGEST {
        return refuse("it is longer than 4096 bytes");
    }
    let decoded = percent_decoded(href);
    if decoded.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return refuse("it has control characters");
    }
    if decoded.first() == Some(&b'/') {
        return refuse("it is absolute");
    }
    if decoded.contains(&b'\\') {
        return refuse("it has a backslash");
    }
    let first = decoded
        .split(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    if let Some(colon) = first.iter().position(|byte| *byte == b':')
        && colon > 0
        && decoded.get(colon + 1) == Some(&b'/')
    {
        return refuse("it is a URL, only paths inside the repository are allowed");
    }
    if first.len() > 5 && first[..5].eq_ignore_ascii_case(b"file:") {
        return refuse("it is a URL, only paths inside the repository are allowed");
    }
    if decoded
        .split(|byte| *byte == b'/')
        .any(|part| part == b"..")
    {
        return refuse("it leaves the repository by '..'");
    }
    Ok(())
}

/// The same, and no `?`, `#` or white space: for files of the repository itself, whose names are
/// never that strange.
///
/// # Errors
/// The reason, as a [`Flaw`].
pub fn check_plain_href(href: &str) -> std::result::Result<(), Flaw> {
    check_href(href)?;
    if href.contains(['?', '#']) || href.contains(char::is_whitespace) {
        return Err(Flaw::location(href, "it has a '?', a '#' or white space"));
    }
    Ok(())
}

/// Checks the `xml:base` of a location: a URL of another server, never a place on this machine.
///
/// # Errors
/// The reason, as a [`Flaw`].
pub fn check_base(base: &str) -> std::result::Result<(), Flaw> {
    // `media:` is what createrepo_c writes for a repository on several discs.
    let known = ["http://", "https://", "ftp://", "media:"];
    let lower = base.get(..8).unwrap_or(base).to_ascii_lowercase();
    if !known.iter().any(|scheme| lower.starts_with(scheme)) {
        return Err(Flaw::location(
            base,
            "xml:base is no http, https, ftp or media URL",
        ));
    }
    if base.contains(char::is_control) || base.len() > 4096 {
        return Err(Flaw::location(base, "xml:base is no usable URL"));
    }
    Ok(())
}

fn percent_decoded(href: &str) -> Vec<u8> {
    let mut bytes = href.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let [first, rest @ ..] = bytes {
        let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                bytes = &rest[2..];
            }
            _ => {
                decoded.push(*first);
                bytes = rest;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::{check_href, check_plain_href};

    #[test]
    fn locations_stay_inside() {
        for good in [
            "a.rpm",
            "Packages/a/a-1:2.rpm",
            "./x/..y/z..rpm",
            "c++-1^git~rc.rpm",
            "a%20b.rpm",
            "x:y.rpm",
        ] {
            assert!(check_href(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/%2e%2E/x",
            "%2fetc",
            "http://x/y",
            "file:///x",
            "file:x.rpm",
            "FILE:x",
            "a\\b",
            "a\nb",
            "a%00b",
            "..",
            "a/..",
        ] {
            assert!(check_href(bad).is_err(), "{bad}");
        }
        assert!(check_href(&"x".repeat(5000)).is_err());
        for bad in ["repodata/a?b", "a#b", "a b"] {
            assert!(
                check_href(bad).is_ok() && check_plain_href(bad).is_err(),
                "{bad}"
            );
        }
    }
}
