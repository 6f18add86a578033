//! How a request path below `/repos/` is read: decoded once, strictly, and refused when it could mean two things.
//!
//! What comes out is only ever looked up among the files of a version, never opened, so the strictness here is a
//! second lock on the same door.

/// A request path taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `/repos/LABEL.repo`.
    RepoFile {
        /// The channel.
        label: String,
    },
    /// `/repos/LABEL/gpg/N`: the Nth key of the channel, from 1.
    Key {
        /// The channel, perhaps with `@VERSION`.
        label_at: String,
        /// Which key.
        number: usize,
    },
    /// `/repos/LABEL/gpg/metadata`: the key that the channel's own metadata is signed with.
    MetadataKey {
        /// The channel, perhaps with `@VERSION`.
        label_at: String,
    },
    /// `/repos/LABEL[@VERSION]`: the page, without the slash that its links need.
    NoSlash {
        /// The channel, perhaps with `@VERSION`, as it was spelt.
        raw: String,
    },
    /// `/repos/LABEL[@VERSION]/`: the page for people.
    Page {
        /// The channel, perhaps with `@VERSION`.
        label_at: String,
    },
    /// `/repos/LABEL[@VERSION]/PATH`.
    File {
        /// The channel, perhaps with `@VERSION`.
        label_at: String,
        /// The path below it.
        path: String,
    },
}

/// Reads a raw (still encoded) path that begins with `/repos/`. None: nothing is ever served there.
#[must_use]
pub fn read(raw: &str) -> Option<Wanted> {
    let rest = raw.strip_prefix("/repos/")?;
    if rest.len() > 4096 {
        return None;
    }
    let Some((label_at, path)) = rest.split_once('/') else {
        let name = decode(rest)?;
        if !plain_name(&name) {
            return None;
        }
        return Some(match name.strip_suffix(".repo") {
            Some(label) => Wanted::RepoFile {
                label: label.to_owned(),
            },
            None => Wanted::NoSlash {
                raw: rest.to_owned(),
            },
        });
    };
    let label_at = decode(label_at)?;
    if !plain_name(&label_at) {
        return None;
    }
    if path.is_empty() {
        return Some(Wanted::Page { label_at });
    }
    let path = decode(path)?;
    if !plain_path(&path) {
        return None;
    }
    if path == "gpg/metadata" {
        return Some(Wanted::MetadataKey { label_at });
    }
    if let Some(number) = path.strip_prefix("gpg/") {
        let number = number
            .parse()
            .ok()
            .filter(|_| number.len() <= 4 && !number.starts_with(['0', '+']))?;
        return Some(Wanted::Key { label_at, number });
    }
    Some(Wanted::File { label_at, path })
}

/// Percent-decoding; none for a broken escape or bytes that are no UTF-8.
fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2)?;
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

fn plain_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.len() <= 200
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\' | b'%'))
}

fn plain_path(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c == '\\')
        && text
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_paths() {
        assert_eq!(
            read("/repos/el9-base@2026-01-01T00:00Z"),
            Some(Wanted::NoSlash {
                raw: "el9-base@2026-01-01T00:00Z".into()
            })
        );
        assert_eq!(
            read("/repos/el9-base/gpg/metadata"),
            Some(Wanted::MetadataKey {
                label_at: "el9-base".into()
            })
        );
        assert_eq!(
            read("/repos/el9-base.repo"),
            Some(Wanted::RepoFile {
                label: "el9-base".into()
            })
        );
        assert_eq!(
            read("/repos/el9-base/"),
            Some(Wanted::Page {
                label_at: "el9-base".into()
            })
        );
        assert_eq!(
            read("/repos/el9-base/gpg/1"),
            Some(Wanted::Key {
                label_at: "el9-base".into(),
                number: 1
            })
        );
        assert_eq!(
            read("/repos/el9-base@%24airlock_at/Packages/l/libstdc%2B%2B-1-1.x86_64.rpm"),
            Some(Wanted::File {
                label_at: "el9-base@$airlock_at".into(),
                path: "Packages/l/libstdc++-1-1.x86_64.rpm".into()
            })
        );
        assert_eq!(
            read("/repos/el9-base@$airlock_at/repodata/repomd.xml"),
            read("/repos/el9-base%40%24airlock_at/repodata%2Frepomd.xml")
        );
    }

    #[test]
    fn spellings_that_lead_nowhere() {
        for raw in [
            "/repos/",
            "/repos",
            "/repos/.repo",
            "/repos/.hidden",
            "/repos/él9",
            "/repos/el9%2fbase",
            "/repos//x",
            "/repos/a/../../airlock.toml",
            "/repos/el9-base/%2e%2e/x",
            "/repos/el9-base/..%2fx",
            "/repos/el9-base/%00",
            "/repos/el9-base/a%0d%0ab",
            "/repos/el9-base/a\\b",
            "/repos/el9-base/a%5cb",
            "/repos/el9-base/a//b",
            "/repos/el9-base/./a",
            "/repos/el9-base/a/.",
            "/repos/el9-base/a/",
            "/repos/el9-base/%ff",
            "/repos/el9-base/%zz",
            "/repos/el9-base/%2",
            "/repos/%2e%2e/x",
            "/repos/el9%2fbase/x",
            "/repos/el9%00base/x",
            "/repos/él9/x",
            "/repos/el9-base/gpg/0",
            "/repos/el9-base/gpg/01",
            "/repos/el9-base/gpg/x",
            "/repos/el9-base/gpg/99999",
            "/repos/el9-base/%252e%252e%25/..",
        ] {
            assert_eq!(read(raw), None, "{raw}");
        }
        // One decoding only: what is still encoded after it is an ordinary, unknown name.
        assert_eq!(
            read("/repos/el9-base/%252e"),
            Some(Wanted::File {
                label_at: "el9-base".into(),
                path: "%2e".into()
            })
        );
    }
}
