//! What dependency work needs of a primary fragment, given out piece by piece without keeping it.
//!
//! A pool of 60,000 packages reads a million dependencies; building [`super::PrimaryPackage`] for
//! each package costs more than everything done with them. Fragments come from
//! [`crate::cut::PackageCutter`], so they are known to be well-formed.

use std::borrow::Cow;

use airlock_rpm::package::DependencyKind;

use super::FILE;
use crate::error::{Error, Flaw, Result};
use crate::text::{attributes, inner_text, resolve};

/// The list of a package that an element of its format is.
fn kind_of_element(name: &str) -> Option<DependencyKind> {
    let name = name.strip_prefix("rpm:")?;
    DependencyKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
}

/// Epoch, version and release as they are written; empty is "not given".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrittenEvr<'t> {
    /// Epoch.
    pub epoch: Cow<'t, str>,
    /// Version.
    pub version: Cow<'t, str>,
    /// Release.
    pub release: Cow<'t, str>,
}

/// One piece of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrimaryPart<'t> {
    /// Name.
    Name(Cow<'t, str>),
    /// Architecture.
    Arch(Cow<'t, str>),
    /// Version.
    Version(WrittenEvr<'t>),
    /// Checksum of the package file: its id.
    Checksum(Cow<'t, str>),
    /// Build time, seconds since 1970.
    BuildTime(i64),
    /// Vendor.
    Vendor(Cow<'t, str>),
    /// One dependency.
    Dependency {
        /// Its list.
        kind: DependencyKind,
        /// Capability, file path or rich expression.
        name: Cow<'t, str>,
        /// `LT`, `LE`, `EQ`, `GE`, `GT`; empty for all versions.
        flags: Cow<'t, str>,
        /// Version spoken of.
        evr: WrittenEvr<'t>,
    },
    /// A path that primary lists.
    File(Cow<'t, str>),
}

/// Gives each part to `take`, in the order of the file.
///
/// # Errors
/// [`Error::BadRepository`] for text that is no UTF-8, references that are not defined and
/// elements that do not end.
pub fn walk<'t>(fragment: &'t [u8], mut take: impl FnMut(PrimaryPart<'t>)) -> Result<()> {
    let text = std::str::from_utf8(fragment)
        .map_err(|error| Error::at(FILE, fragment, error.valid_up_to(), Flaw::BadText))?;
    let mut tags = Tags { text, at: 0 };
    walk_tags(&mut tags, &mut take).map_err(|why| Error::at(FILE, fragment, tags.at, why))
}

fn walk_tags<'t>(
    tags: &mut Tags<'t>,
    take: &mut impl FnMut(PrimaryPart<'t>),
) -> std::result::Result<(), Flaw> {
    let mut depth = 0_usize;
    let mut in_format = false;
    let mut list = None;
    while let Some(tag) = tags.next_tag()? {
        let Tag::Start { name, rest, empty } = tag else {
            depth = depth.saturating_sub(1);
            in_format &= depth > 1;
            if depth < 3 {
                list = None;
            }
            continue;
        };
        let part = match (depth, name) {
            (1, "name") => PrimaryPart::Name(tags.content(empty)?),
            (1, "arch") => PrimaryPart::Arch(tags.content(empty)?),
            (1, "checksum") => PrimaryPart::Checksum(tags.content(empty)?),
            (2, "rpm:vendor") if in_format => PrimaryPart::Vendor(tags.content(empty)?),
            (2, "file") if in_format => PrimaryPart::File(tags.content(empty)?),
            (1, "version") => {
                depth += usize::from(!empty);
                PrimaryPart::Version(entry(rest)?.2)
            }
            (1, "time") => {
                depth += usize::from(!empty);
                let build = attributes(rest).find(|(key, _)| *key == "build");
                PrimaryPart::BuildTime(
                    build.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0)),
                )
            }
            (3, "rpm:entry") => {
                depth += usize::from(!empty);
                let Some(kind) = list else { continue };
                let (name, flags, evr) = entry(rest)?;
                PrimaryPart::Dependency {
                    kind,
                    name,
                    flags,
                    evr,
                }
            }
            _ => {
                if !empty {
                    in_format |= depth == 1 && name == "format";
                    if depth == 2 && in_format {
                        list = kind_of_element(name);
                    }
                    depth += 1;
                }
                continue;
            }
        };
        take(part);
    }
    Ok(())
}

type Entry<'t> = (Cow<'t, str>, Cow<'t, str>, WrittenEvr<'t>);

/// Name, flags and version out of an entry's attributes.
fn entry(rest: &str) -> std::result::Result<Entry<'_>, Flaw> {
    let (mut name, mut flags, mut evr) = Entry::default();
    for (key, raw) in attributes(rest) {
        match key {
            "name" => name = resolve(raw)?,
            "flags" => flags = resolve(raw)?,
            "epoch" => evr.epoch = resolve(raw)?,
            "ver" => evr.version = resolve(raw)?,
            "rel" => evr.release = resolve(raw)?,
            _ => {}
        }
    }
    Ok((name, flags, evr))
}

/// Start and end tags one after the other.
struct Tags<'t> {
    text: &'t str,
    at: usize,
}

enum Tag<'t> {
    Start {
        name: &'t str,
        /// What follows the name.
        rest: &'t str,
        empty: bool,
    },
    End,
}

const UNENDED: Flaw = Flaw::Syntax {
    why: "a tag, comment or section that does not end",
};

impl<'t> Tags<'t> {
    fn next_tag(&mut self) -> std::result::Result<Option<Tag<'t>>, Flaw> {
        loop {
            let bytes = &self.text.as_bytes()[self.at..];
            let Some(start) = memchr::memchr(b'<', bytes) else {
                self.at = self.text.len();
                return Ok(None);
            };
            self.at += start + 1;
            let rest = &self.text[self.at..];
            let skip = match rest.as_bytes().first() {
                Some(b'!') if rest.starts_with("!--") => Some("-->"),
                Some(b'!') => Some("]]>"),
                Some(b'?') => Some("?>"),
                _ => None,
            };
            if let Some(end) = skip {
                let length = rest.find(end).ok_or(UNENDED)?;
                self.at += length + end.len();
                continue;
            }
            let length = tag_end(rest).ok_or(UNENDED)?;
            self.at += length + 1;
            let inside = &rest[..length];
            if inside.starts_with('/') {
                return Ok(Some(Tag::End));
            }
            let (inside, empty) = match inside.strip_suffix('/') {
                Some(inside) => (inside, true),
                None => (inside, false),
            };
            let name = inside
                .bytes()
                .position(|byte| byte.is_ascii_whitespace())
                .unwrap_or(inside.len());
            let (name, rest) = inside.split_at(name);
            return Ok(Some(Tag::Start { name, rest, empty }));
        }
    }

    /// Text of the element whose start tag was just read, up to and with its end tag.
    fn content(&mut self, empty: bool) -> std::result::Result<Cow<'t, str>, Flaw> {
        if empty {
            return Ok(Cow::Borrowed(""));
        }
        let start = self.at;
        let mut depth = 1_usize;
        loop {
            let before = self.at;
            match self.next_tag()? {
                None => return Err(UNENDED),
                Some(Tag::Start { empty, .. }) => depth += usize::from(!empty),
                Some(Tag::End) => depth -= 1,
            }
            if depth == 0 {
                // The end tag is the last thing that was read.
                let end = self.text[before..self.at]
                    .rfind("</")
                    .map_or(before, |length| before + length);
                return inner_text(&self.text[start..end]);
            }
        }
    }
}

/// Offset of the `>` of a tag, quotes respected.
fn tag_end(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', &bytes[at..])?;
        match bytes[at] {
            b'>' => return Some(at),
            quote => at += 2 + memchr::memchr(quote, &bytes[at + 1..])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DependencyKind, PrimaryPart, walk};

    fn parts(fragment: &str) -> Vec<String> {
        let mut parts = Vec::new();
        walk(fragment.as_bytes(), |part| {
            parts.push(match part {
                PrimaryPart::Name(name) => format!("name {name}"),
                PrimaryPart::Arch(arch) => format!("arch {arch}"),
                PrimaryPart::Version(evr) => {
                    format!("evr {}:{}-{}", evr.epoch, evr.version, evr.release)
                }
                PrimaryPart::Checksum(checksum) => format!("checksum {checksum}"),
                PrimaryPart::BuildTime(time) => format!("built {time}"),
                PrimaryPart::Vendor(vendor) => format!("vendor {vendor}"),
                PrimaryPart::Dependency {
                    kind,
                    name,
                    flags,
                    evr,
                } => format!("{kind:?} {name} {flags} {}", evr.version),
                PrimaryPart::File(path) => format!("file {path}"),
            });
        })
        .unwrap();
        parts
    }

    #[test]
    fn parts_come_in_order() {
        let fragment = "<package type=\"rpm\"><name>a</name><arch>x86_64</arch>\
            <version epoch='1' ver=\"2\" rel=\"3\"/><checksum type=\"sha256\" pkgid=\"YES\">ab</checksum>\
            <!-- <name>b</name> --><time file=\"1\" build=\"7\"/><format><rpm:vendor>M &amp; <![CDATA[<N>]]></rpm:vendor>\
            <rpm:provides><rpm:entry name=\"(x > y)\" flags=\"EQ\" ver=\"2\"/></rpm:provides>\
            <rpm:requires><rpm:entry name=\"(p &gt;= 1 or q)\"/><rpm:entry name='z'></rpm:entry></rpm:requires>\
            <file type=\"dir\">/etc/a</file></format></package>";
        assert_eq!(
            parts(fragment),
            [
                "name a",
                "arch x86_64",
                "evr 1:2-3",
                "checksum ab",
                "built 7",
                "vendor M & <N>",
                "Provides (x > y) EQ 2",
                "Requires (p >= 1 or q)  ",
                "Requires z  ",
                "file /etc/a",
            ]
        );
    }

    #[test]
    fn what_stands_elsewhere_is_no_dependency() {
        let fragment = "<package><format><rpm:changelog><rpm:entry name=\"a\"/></rpm:changelog>\
            </format><rpm:requires><rpm:entry name=\"b\"/></rpm:requires><x><y><rpm:entry name='c'/></y></x></package>";
        assert_eq!(parts(fragment), Vec::<String>::new());
    }

    #[test]
    fn unended_fragments_are_refused() {
        for fragment in ["<package><name>a", "<package", "<package><!-- ", "<a b='"] {
            assert!(walk(fragment.as_bytes(), |_| {}).is_err(), "{fragment}");
        }
    }

    #[test]
    fn numbers_of_kinds_are_their_order() {
        for (number, kind) in DependencyKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
