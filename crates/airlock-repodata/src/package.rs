//! The three fragments of a package, made from its own header.
//!
//! The rules are createrepo_c's, so that the result means the same: which requires are left out,
//! which files primary lists, how equal changelog times are told apart. Where createrepo_c refuses
//! a package for control characters in a text, they are left out here.

mod dependencies;
mod texts;

use std::ops::Range;

use airlock_rpm::Package;
use airlock_rpm::package::{Changelog, File};

use crate::primary::LOCATION_PLACEHOLDER;
use crate::text::{push_attribute, push_text};
use texts::{as_createrepo, push_element, push_header_text, push_number, push_version};

/// What is known of a package's file and not from its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts<'a> {
    /// Type of the checksum (`sha256` …).
    pub checksum_type: &'a str,
    /// Checksum of the whole file, lower-case hexadecimal.
    pub checksum: &'a str,
    /// Bytes of the file.
    pub size: u64,
    /// Modification time of the file, seconds since 1970.
    pub time: i64,
    /// Where the main header lies in the file ([`airlock_rpm::PackageHead::header_range`]).
    pub header_range: Range<u64>,
    /// Location and `xml:base`; without them the fragment has the placeholder for a location.
    pub location: Option<(&'a str, Option<&'a str>)>,
    /// Most entries of the changelog, the newest count; `None` for all. createrepo_c takes 10.
    pub changelog_limit: Option<usize>,
}

/// The fragments of one package, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fragments {
    /// For `primary.xml`.
    pub primary: Vec<u8>,
    /// For `filelists.xml`.
    pub filelists: Vec<u8>,
    /// For `other.xml`.
    pub other: Vec<u8>,
}

/// Makes the fragments of a package.
pub fn from_rpm(package: &Package<'_>, facts: &FileFacts<'_>) -> Fragments {
    let mut fragments = Fragments {
        primary: Vec::with_capacity(4096),
        filelists: Vec::with_capacity(256),
        other: Vec::with_capacity(1024),
    };
    let primary = &mut fragments.primary;
    write_primary_start(package, facts, primary);
    write_files(package, primary, &mut fragments.filelists, facts);
    fragments.primary.extend_from_slice(b"</format></package>");
    write_changelog(package, facts, &mut fragments.other);
    fragments
}

/// True for the paths that primary lists, so that most file dependencies need no filelists.
pub fn is_primary_path(path: &[u8]) -> bool {
    path.starts_with(b"/etc/")
        || path == b"/usr/lib/sendmail"
        || memchr::memmem::find(path, b"bin/").is_some()
}

/// createrepo_c has one word for all source packages.
fn arch<'p>(package: &Package<'p>) -> &'p str {
    match package.is_source() {
        true => "src",
        false => package.arch(),
    }
}

/// Packages of format 6 say the size of their payload in another tag, which createrepo_c does not
/// read.
fn archive_size(package: &Package<'_>) -> u64 {
    const RPMFORMAT: u32 = 5114;
    match package.header().has(RPMFORMAT) {
        true => 0,
        false => package.archive_size().unwrap_or(0),
    }
}

fn write_primary_start(package: &Package<'_>, facts: &FileFacts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<package type=\"rpm\">");
    push_element(out, "name", package.name());
    push_element(out, "arch", arch(package));
    push_version(out, package);
    out.extend_from_slice(b"<checksum type=\"");
    push_attribute(out, facts.checksum_type);
    out.extend_from_slice(b"\" pkgid=\"YES\">");
    push_text(out, facts.checksum);
    out.extend_from_slice(b"</checksum>");
    push_header_text(out, "summary", package.summary());
    push_header_text(out, "description", package.description());
    push_header_text(out, "packager", package.packager());
    push_header_text(out, "url", package.url());
    push_number(out, "<time file=\"", facts.time);
    push_number(out, "\" build=\"", package.build_time().unwrap_or(0));
    push_number(out, "\"/><size package=\"", facts.size);
    push_number(
        out,
        "\" installed=\"",
        package.installed_size().unwrap_or(0),
    );
    push_number(out, "\" archive=\"", archive_size(package));
    out.extend_from_slice(b"\"/>");
    match facts.location {
        None => out.extend_from_slice(LOCATION_PLACEHOLDER),
        Some((href, base)) => {
            out.extend_from_slice(b"<location ");
            if let Some(base) = base {
                out.extend_from_slice(b"xml:base=\"");
                push_attribute(out, base);
                out.extend_from_slice(b"\" ");
            }
            out.extend_from_slice(b"href=\"");
            push_attribute(out, href);
            out.extend_from_slice(b"\"/>");
        }
    }
    out.extend_from_slice(b"<format>");
    push_header_text(out, "rpm:license", package.license());
    push_header_text(out, "rpm:vendor", package.vendor());
    push_header_text(out, "rpm:group", package.group());
    push_header_text(out, "rpm:buildhost", package.buildhost());
    push_header_text(out, "rpm:sourcerpm", package.source_rpm());
    push_number(out, "<rpm:header-range start=\"", facts.header_range.start);
    push_number(out, "\" end=\"", facts.header_range.end);
    out.extend_from_slice(b"\"/>");
    dependencies::write(package, out);
}

/// Files go to filelists, some of them to primary as well.
fn write_files(
    package: &Package<'_>,
    primary: &mut Vec<u8>,
    filelists: &mut Vec<u8>,
    facts: &FileFacts<'_>,
) {
    push_package_start(filelists, package, facts);
    let mut path = Vec::new();
    for file in package.files() {
        path.clear();
        file.path_into(&mut path);
        let start = filelists.len();
        filelists.extend_from_slice(match kind(&file) {
            "" => b"<file>".as_slice(),
            "dir" => b"<file type=\"dir\">",
            _ => b"<file type=\"ghost\">",
        });
        push_text(filelists, &as_createrepo(airlock_rpm::text::decode(&path)));
        filelists.extend_from_slice(b"</file>");
        if is_primary_path(&path) {
            primary.extend_from_slice(&filelists[start..]);
        }
    }
    filelists.extend_from_slice(b"</package>");
}

fn kind(file: &File<'_>) -> &'static str {
    match (file.is_dir(), file.is_ghost()) {
        (true, _) => "dir",
        (false, true) => "ghost",
        (false, false) => "",
    }
}

/// Start of a package element in filelists and other.
fn push_package_start(out: &mut Vec<u8>, package: &Package<'_>, facts: &FileFacts<'_>) {
    out.extend_from_slice(b"<package pkgid=\"");
    push_attribute(out, facts.checksum);
    out.extend_from_slice(b"\" name=\"");
    push_attribute(out, package.name());
    out.extend_from_slice(b"\" arch=\"");
    push_attribute(out, arch(package));
    out.extend_from_slice(b"\">");
    push_version(out, package);
}

/// The newest entries, oldest first. Of entries with the same time the newer ones get later
/// times, so that readers that sort by time keep the order.
fn write_changelog(package: &Package<'_>, facts: &FileFacts<'_>, out: &mut Vec<u8>) {
    push_package_start(out, package, facts);
    let limit = facts.changelog_limit.unwrap_or(usize::MAX);
    let mut entries: Vec<(i64, Changelog<'_>)> = Vec::new();
    let mut last = 0;
    for entry in package.changelogs().take(limit) {
        let time = i64::try_from(entry.time).unwrap_or(i64::MAX);
        if time == last {
            for (taken, (newer, _)) in (time..).zip(entries.iter_mut().rev()) {
                if *newer != taken {
                    break;
                }
                *newer += 1;
            }
        }
        last = time;
        entries.push((time, entry));
    }
    for (time, entry) in entries.iter().rev() {
        let author = as_createrepo(entry.author_text());
        out.extend_from_slice(b"<changelog author=\"");
        push_attribute(out, trimmed_author(&author));
        push_number(out, "\" date=\"", *time);
        out.extend_from_slice(b"\">");
        push_text(out, &as_createrepo(entry.change_text()));
        out.extend_from_slice(b"</changelog>");
    }
    out.extend_from_slice(b"</package>");
}

/// Without blanks at the end, but never empty.
fn trimmed_author(author: &str) -> &str {
    let trimmed = author.trim_end_matches(' ');
    match trimmed.is_empty() {
        true => author.get(..1).unwrap_or(author),
        false => trimmed,
    }
}
