//! Where packages are served below a repository: made by Airlock alone, never taken from an upstream
//! (threats-and-faults 1.3, "malicious mirror paths").

use std::collections::HashMap;

use crate::pack::RecordInfo;

/// Hex digits of the checksum that tell apart packages of one file name.
const DISTINGUISHING_DIGITS: usize = 16;

/// Assigns locations in record order: the first package of a file name is served at `Packages/<letter>/<file>`, any
/// other of the same version at `Packages/<letter>/<checksum>/<file>`.
#[derive(Debug, Default)]
pub struct Locations {
    taken: HashMap<u64, ()>,
}

impl Locations {
    /// A version's locations, none assigned yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The location of the next record.
    pub fn assign(&mut self, record: &RecordInfo<'_>) -> String {
        let first = self
            .taken
            .insert(xxhash_rust::xxh3::xxh3_64(record.file_name.as_bytes()), ())
            .is_none();
        location(record.file_name, (!first).then_some(record.checksum))
    }
}

/// The location of a file name, with the checksum's folder when it is not the first of its name.
#[must_use]
pub fn location(file_name: &str, distinguishing: Option<&str>) -> String {
    let letter = file_name
        .chars()
        .next()
        .map(|c| c.to_ascii_lowercase())
        .filter(char::is_ascii_alphanumeric)
        .unwrap_or('_');
    match distinguishing {
        None => format!("Packages/{letter}/{file_name}"),
        Some(checksum) => {
            let digits: String = checksum.chars().take(DISTINGUISHING_DIGITS).collect();
            format!("Packages/{letter}/{digits}/{file_name}")
        }
    }
}

/// Splits a requested path below a repository into file name and distinguishing digits. None when it is not of the
/// shape that [`location`] makes.
#[must_use]
pub fn parse_location(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.strip_prefix("Packages/")?;
    let (letter, rest) = rest.split_once('/')?;
    if letter.chars().count() != 1 {
        return None;
    }
    match rest.split_once('/') {
        None => (!rest.is_empty()).then_some((rest, None)),
        Some((digits, file)) => {
            (digits.len() == DISTINGUISHING_DIGITS && !file.is_empty() && !file.contains('/'))
                .then_some((file, Some(digits)))
        }
    }
}

/// A safe file name for a package: the last part of the upstream's location when it is a plain name, else made from
/// the NEVRA with every unusual character replaced.
#[must_use]
pub fn file_name(href: &str, name: &str, version: &str, release: &str, arch: &str) -> String {
    let last = href.rsplit('/').next().unwrap_or(href);
    if is_plain(last) && last.ends_with(".rpm") && last.len() <= 255 {
        return last.to_owned();
    }
    let made: String = format!("{name}-{version}-{release}.{arch}.rpm")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._+~^:".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    made.trim_start_matches('.').chars().take(255).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._+~^:@=,".contains(&b))
}

/// Writes a location as the value of an `href` attribute: what a URL or XML would misread is percent-encoded.
#[must_use]
pub fn href(location: &str) -> String {
    let mut out = String::with_capacity(location.len());
    for byte in location.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._+~^:@=,/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_package_of_a_name_gets_its_checksum_in_the_path() {
        let mut locations = Locations::new();
        let mut record = RecordInfo {
            file_name: "Bash-5.1-1.x86_64.rpm",
            checksum: "aaaaaaaaaaaaaaaaaaaa",
            ..RecordInfo::default()
        };
        assert_eq!(
            locations.assign(&record),
            "Packages/b/Bash-5.1-1.x86_64.rpm"
        );
        record.checksum = "bbbbbbbbbbbbbbbbbbbb";
        let second = locations.assign(&record);
        assert_eq!(second, "Packages/b/bbbbbbbbbbbbbbbb/Bash-5.1-1.x86_64.rpm");
        assert_eq!(
            parse_location(&second),
            Some(("Bash-5.1-1.x86_64.rpm", Some("bbbbbbbbbbbbbbbb")))
        );
    }

    #[test]
    fn hostile_names_never_reach_a_path() {
        for href in [
            "../../etc/passwd",
            "a/..",
            "x/.hidden.rpm",
            "evil\n.rpm",
            "a/%2e%2e.rpm",
            "",
            "a b.rpm",
        ] {
            let name = file_name(href, "n/../x", "1", "2", "noarch");
            assert!(
                !name.contains('/') && !name.starts_with('.') && is_plain(&name),
                "{href}: {name}"
            );
        }
        assert_eq!(
            file_name("a/b/foo-1-1.noarch.rpm", "", "", "", ""),
            "foo-1-1.noarch.rpm"
        );
    }

    #[test]
    fn other_paths_are_no_locations() {
        for path in [
            "",
            "Packages",
            "Packages/",
            "Packages/b",
            "Packages/b/",
            "Packages/bb/x.rpm",
            "packages/b/x",
            "Packages/b/short/x.rpm",
            "Packages/b/0123456789abcdef/",
            "Packages/b/0123456789abcdef/a/b",
        ] {
            assert_eq!(parse_location(path), None, "{path}");
        }
    }
}
