//! Paths that an upstream's metadata names: checked, then made into URLs.

use url::Url;

use crate::error::{Error, Result};
use crate::shown::ShownUrl;
use crate::upstream::{Given, Mirror, percent_decoded};

/// Refuses what is no path below the upstream: absolute ones, URLs, `..` in any spelling, control characters.
pub(crate) fn check(path: &str) -> Result<()> {
    let bad = |reason| {
        Err(Error::BadPath {
            path: path.chars().take(300).collect(),
            reason,
        })
    };
    if path.is_empty() {
        return bad("the path is empty");
    }
    if path.len() > 4096 {
        return bad("the path is longer than 4096 bytes");
    }
    let decoded = percent_decoded(path);
    for form in [path, decoded.as_str()] {
        if form.starts_with(['/', '\\']) {
            return bad("an absolute path is not below the upstream");
        }
        if form.chars().any(char::is_control) {
            return bad("control characters in the path");
        }
        if form.split(['/', '\\']).any(|part| part == "..") {
            return bad("the path leaves the upstream");
        }
    }
    let scheme_end = path.find(':').unwrap_or(0);
    if path[scheme_end..].starts_with("://")
        || path
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("file:"))
    {
        return bad("a URL where a path is expected");
    }
    Ok(())
}

/// The path with everything percent-encoded that would not reach the server as a path. What is
/// already encoded stays: metadata has both forms.
fn encode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len() + 8);
    for (at, &byte) in bytes.iter().enumerate() {
        let keep = match byte {
            b'%' => bytes
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            b'/' | b'-' | b'.' | b'_' | b'~' | b'+' | b':' | b'@' | b'!' | b'$' | b'&' | b'\''
            | b'(' | b')' | b'*' | b',' | b';' | b'=' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if keep {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The URL of `path` (already checked) below `base`, which ends with `/`.
pub(crate) fn join(base: &Url, path: &str, token: Option<&str>) -> Url {
    let mut url = base.clone();
    let relative = encode(path);
    url.set_path(&format!(
        "{}{}",
        base.path(),
        relative.trim_start_matches("./")
    ));
    url.set_query(token.filter(|token| !token.is_empty()));
    url
}

/// The URL of a file of a repository, for somebody who fetches it without its credentials.
///
/// # Errors
/// [`Error::BadPath`] for a path that is not below the repository, [`Error::BadUpstream`] for one that is not reached by
/// http or https.
pub fn file_url(repository: &Url, path: &str) -> Result<Url> {
    check(path)?;
    match Mirror::new(repository, None, Given::Base)?.0 {
        Mirror::Http { base, .. } => Ok(join(&base, path, None)),
        Mirror::Local { .. } => Err(Error::BadUpstream {
            url: ShownUrl::new(repository),
            reason: "is a folder of this machine",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_are_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            "%2e%2e/x",
            "a/%2E./x",
            "..%2fx",
            "..\\x",
            "\\x",
            "%2fetc/passwd",
            "a\0b",
            "a%00b",
            "a\nb",
            "http://169.254.169.254/x",
            "file:/etc/passwd",
            "FILE:etc",
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_files_url_has_no_secret_and_stays_below_its_repository() {
        let of = |base: &str, path| file_url(&Url::parse(base).unwrap(), path).ok();
        assert_eq!(
            of("http://u:p@h/repo?tok=1#f", "P/a b#1.rpm")
                .unwrap()
                .as_str(),
            "http://h/repo/P/a%20b%231.rpm"
        );
        assert_eq!(of("http://h/repo/", "../x.rpm"), None);
        assert_eq!(of("http://h/repo/", "javascript://x"), None);
        assert_eq!(of("file:///srv/repo", "x.rpm"), None);
    }

    #[test]
    fn odd_but_honest_paths_are_taken() {
        let base = Url::parse("http://example.org/repo/").unwrap();
        for (path, expected) in [
            (
                "Packages/a/a-1:2.0~rc1^git-1.noarch.rpm",
                "/repo/Packages/a/a-1:2.0~rc1%5Egit-1.noarch.rpm",
            ),
            ("./repodata/repomd.xml", "/repo/repodata/repomd.xml"),
            ("c++-1.rpm", "/repo/c++-1.rpm"),
            ("with space#1?.rpm", "/repo/with%20space%231%3F.rpm"),
            ("already%20encoded%2B.rpm", "/repo/already%20encoded%2B.rpm"),
            ("100%.rpm", "/repo/100%25.rpm"),
            ("a..b/...", "/repo/a..b/..."),
            ("ü.rpm", "/repo/%C3%BC.rpm"),
        ] {
            check(path).unwrap();
            let url = join(&base, path, None);
            assert_eq!(url.path(), expected);
            assert_eq!(url.query(), None);
        }
        assert_eq!(
            join(&base, "x", Some("t=1&u=2")).as_str(),
            "http://example.org/repo/x?t=1&u=2"
        );
    }
}
