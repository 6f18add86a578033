//! The dependencies of a package as primary lists them.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use airlock_rpm::package::{Dependency, DependencyKind, Sense, flag};
use airlock_rpm::{Package, rpmvercmp};

use super::is_primary_path;
use super::texts::as_createrepo;
use crate::text::push_attribute;

pub(super) fn write(package: &Package<'_>, out: &mut Vec<u8>) {
    for kind in DependencyKind::ALL {
        if kind == DependencyKind::Requires {
            write_list(kind, requires(package).into_iter(), out);
        } else {
            write_list(kind, package.dependencies(kind), out);
        }
    }
}

fn write_list<'h>(
    kind: DependencyKind,
    list: impl Iterator<Item = Dependency<'h>>,
    out: &mut Vec<u8>,
) {
    let mut list = list.peekable();
    if list.peek().is_none() {
        return;
    }
    out.extend_from_slice(b"<rpm:");
    out.extend_from_slice(kind.name().as_bytes());
    out.push(b'>');
    for dependency in list {
        write_entry(&dependency, kind == DependencyKind::Requires, out);
    }
    out.extend_from_slice(b"</rpm:");
    out.extend_from_slice(kind.name().as_bytes());
    out.push(b'>');
}

fn write_entry(dependency: &Dependency<'_>, requires: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<rpm:entry");
    let mut attribute = |name: &[u8], value: &str| {
        out.push(b' ');
        out.extend_from_slice(name);
        out.extend_from_slice(b"=\"");
        push_attribute(out, value);
        out.push(b'"');
    };
    attribute(b"name", &as_createrepo(dependency.name_text()));
    if let Some(sense) = dependency.sense() {
        attribute(b"flags", sense.word());
        let evr = dependency.evr_text();
        let (epoch, version, release) = split_evr(&evr);
        for (name, value) in [(&b"epoch"[..], epoch), (b"ver", version), (b"rel", release)] {
            if let Some(value) = value {
                attribute(name, value);
            }
        }
    }
    if requires && is_pre(dependency) {
        attribute(b"pre", "1");
    }
    out.extend_from_slice(b"/>");
}

/// Needed before or in the transaction's scripts: what createrepo_c 1.2 marks. Versions before 1.0
/// left out `%pretrans` and `%posttrans`.
fn is_pre(dependency: &Dependency<'_>) -> bool {
    const POSTTRANS: u32 = 1 << 5;
    let bits = flag::PREREQ | flag::PRETRANS | POSTTRANS | flag::SCRIPT_PRE | flag::SCRIPT_POST;
    dependency.flags & bits != 0
}

/// Epoch (0 when there is none), version, release. A text before the colon that is no number
/// leaves the epoch out.
fn split_evr(evr: &str) -> (Option<&str>, Option<&str>, Option<&str>) {
    if evr.is_empty() {
        return (None, None, None);
    }
    let (epoch, rest) = match evr.split_once(':') {
        None => (Some("0"), evr),
        Some(("", rest)) => (Some("0"), rest),
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(epoch), rest)
        }
        Some((_, rest)) => (None, rest),
    };
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    (epoch, some(version), some(release))
}

/// What the package needs from others: not rpm itself, not its own listed files, not what it
/// provides with the same words, nothing twice in a row for the same name, and of glibc's versions
/// the highest only.
fn requires<'h>(package: &Package<'h>) -> Vec<Dependency<'h>> {
    let words = |dependency: &Dependency<'h>| {
        (
            dependency.name,
            dependency.sense().map(Sense::word),
            dependency.evr,
        )
    };
    let provided: HashSet<_> = package
        .provides()
        .map(|provided| words(&provided))
        .collect();
    let own: HashSet<Vec<u8>> = match package
        .requires()
        .any(|needed| needed.name.first() == Some(&b'/'))
    {
        true => own_primary_paths(package),
        false => HashSet::new(),
    };
    let mut last_of_name: HashMap<&[u8], Dependency<'h>> = HashMap::new();
    let mut highest_libc: Option<Dependency<'h>> = None;
    let mut list = Vec::new();
    for needed in package.requires() {
        if needed.is_rpmlib() || own.contains(needed.name) || provided.contains(&words(&needed)) {
            continue;
        }
        let same = |last: &Dependency<'_>| {
            last.sense() == needed.sense()
                && last.evr == needed.evr
                && is_pre(last) == is_pre(&needed)
        };
        if last_of_name.get(needed.name).is_some_and(same) {
            continue;
        }
        if needed.name.starts_with(b"libc.so.6") {
            if highest_libc.is_none_or(|highest| is_newer_libc(highest.name, needed.name)) {
                highest_libc = Some(needed);
            }
            continue;
        }
        last_of_name.insert(needed.name, needed);
        list.push(needed);
    }
    list.extend(highest_libc);
    list
}

fn own_primary_paths(package: &Package<'_>) -> HashSet<Vec<u8>> {
    let mut own = HashSet::new();
    let mut path = Vec::new();
    for file in package.files() {
        path.clear();
        file.path_into(&mut path);
        if is_primary_path(&path) {
            own.insert(path.clone());
        }
    }
    own
}

/// Compares `libc.so.6(GLIBC_2.3.4)(64bit)` by the version in its first parentheses.
fn is_newer_libc(old: &[u8], new: &[u8]) -> bool {
    match (libc_version(old), libc_version(new)) {
        (None, new) => new.is_some(),
        (Some(_), None) => false,
        (Some(old), Some(new)) => rpmvercmp(old, new) == Ordering::Less,
    }
}

fn libc_version(name: &[u8]) -> Option<&[u8]> {
    let open = memchr::memchr(b'(', name)?;
    let inner = &name[open + 1..];
    let inner = &inner[..memchr::memchr(b')', inner)?];
    let digits = inner.iter().position(u8::is_ascii_digit)?;
    Some(&inner[digits..])
}

#[cfg(test)]
mod tests {
    use super::{is_newer_libc, split_evr};

    #[test]
    fn versions_are_taken_apart() {
        assert_eq!(split_evr(""), (None, None, None));
        assert_eq!(split_evr("1"), (Some("0"), Some("1"), None));
        assert_eq!(split_evr("2:1-3-4"), (Some("2"), Some("1"), Some("3-4")));
        assert_eq!(split_evr(":1-"), (Some("0"), Some("1"), None));
        assert_eq!(split_evr("x:1"), (None, Some("1"), None));
    }

    #[test]
    fn the_newest_libc_is_found() {
        assert!(is_newer_libc(
            b"libc.so.6()(64bit)",
            b"libc.so.6(GLIBC_2.2)(64bit)"
        ));
        assert!(is_newer_libc(
            b"libc.so.6(GLIBC_2.9)",
            b"libc.so.6(GLIBC_2.10)"
        ));
        assert!(!is_newer_libc(
            b"libc.so.6(GLIBC_2.10)",
            b"libc.so.6(GLIBC_2.9)"
        ));
        assert!(!is_newer_libc(b"libc.so.6(GLIBC_2.10)", b"libc.so.6()"));
    }
}
