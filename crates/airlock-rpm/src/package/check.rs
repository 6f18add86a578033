//! What must hold in a main header beyond its form.

use super::dependency::{DependencyKind, OLD_WEAK};
use super::file::Layout;
use crate::error::{Error, Flaw, Result};
use crate::header::{Header, Kind};
use crate::tag::main;

/// Longest name, version, release or architecture: a file name has to be made of them.
const LONGEST_NAME: usize = 255;
/// Rich dependencies nested deeper than this exist only to hurt solvers.
const DEEPEST_RICH: u32 = 64;
/// Folders without a file that are let pass.
const SPARE_FOLDERS: usize = 16;

pub(super) struct Names<'h> {
    pub(super) name: &'h str,
    pub(super) version: &'h str,
    pub(super) release: &'h str,
    pub(super) arch: &'h str,
    pub(super) source: bool,
}

pub(super) fn names(header: &Header, offset: u64) -> Result<Names<'_>> {
    Ok(Names {
        name: name(header, main::NAME, "name", offset)?,
        version: name(header, main::VERSION, "version", offset)?,
        release: name(header, main::RELEASE, "release", offset)?,
        // Keys in a database of installed packages (gpg-pubkey) have no architecture.
        arch: match header.has(main::ARCH) {
            true => name(header, main::ARCH, "architecture", offset)?,
            false => "noarch",
        },
        source: !header.has(main::SOURCERPM),
    })
}

fn name<'h>(header: &'h Header, tag: u32, name: &'static str, offset: u64) -> Result<&'h str> {
    let bytes = header
        .entry(tag)
        .filter(|entry| entry.kind == Kind::Text)
        .and_then(|_| header.bytes(tag))
        .ok_or_else(|| Error::bad(offset, Flaw::MissingTag { tag, name }))?;
    let unsafe_text = |why| Error::bad(offset, Flaw::UnsafeText { name, why });
    let text = std::str::from_utf8(bytes).map_err(|_| unsafe_text("is not valid UTF-8"))?;
    if text.is_empty() {
        Err(unsafe_text("is empty"))
    } else if text.len() > LONGEST_NAME {
        Err(unsafe_text("is longer than 255 bytes"))
    } else if text.contains('/') {
        Err(unsafe_text("contains a slash"))
    } else if text.chars().any(char::is_control) {
        Err(unsafe_text("contains a control character"))
    } else if text == "." || text == ".." {
        Err(unsafe_text("is a relative path"))
    } else {
        Ok(text)
    }
}

/// Number of strings of a tag; `None` when it is absent or not of a string type.
fn text_count(header: &Header, tag: u32) -> Option<usize> {
    header
        .entry(tag)
        .filter(|entry| is_text(entry.kind))
        .map(|entry| entry.count as usize)
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::TextArray | Kind::Translated)
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64)
}

/// An array that may be absent, but has to be as long as `expected` when it is there.
fn parallel(
    header: &Header,
    tag: u32,
    name: &'static str,
    numbers: bool,
    expected: usize,
    offset: u64,
) -> Result<()> {
    let Some(entry) = header.entry(tag) else {
        return Ok(());
    };
    let right_type = match numbers {
        true => is_number(entry.kind),
        false => is_text(entry.kind),
    };
    let found = match right_type {
        true => entry.count as usize,
        false => 0,
    };
    if found == expected {
        Ok(())
    } else {
        Err(Error::bad(
            offset,
            Flaw::ArrayLength {
                name,
                found: found as u64,
                expected: expected as u64,
            },
        ))
    }
}

pub(super) fn files(header: &Header, source: bool, offset: u64) -> Result<Layout> {
    let layout = if header.has(main::BASENAMES) {
        Layout::Split
    } else if header.has(main::OLDFILENAMES) {
        Layout::Whole
    } else {
        Layout::None
    };
    let names_tag = match layout {
        Layout::None => return Ok(layout),
        Layout::Split => main::BASENAMES,
        Layout::Whole => main::OLDFILENAMES,
    };
    let Some(total) = text_count(header, names_tag) else {
        let (tag, name) = (names_tag, "list of file names");
        return Err(Error::bad(offset, Flaw::MissingTag { tag, name }));
    };
    for (tag, name, numbers) in [
        (main::FILEMODES, "FILEMODES", true),
        (main::FILEFLAGS, "FILEFLAGS", true),
        (main::FILESIZES, "FILESIZES", true),
        (main::LONGFILESIZES, "LONGFILESIZES", true),
        (main::FILEMTIMES, "FILEMTIMES", true),
        (main::FILEVERIFYFLAGS, "FILEVERIFYFLAGS", true),
        (main::FILERDEVS, "FILERDEVS", true),
        (main::FILEDIGESTS, "FILEDIGESTS", false),
        (main::FILELINKTOS, "FILELINKTOS", false),
        (main::FILEUSERNAME, "FILEUSERNAME", false),
        (main::FILEGROUPNAME, "FILEGROUPNAME", false),
    ] {
        parallel(header, tag, name, numbers, total, offset)?;
    }
    match layout {
        Layout::Split => split_paths(header, total, source, offset)?,
        Layout::Whole | Layout::None => whole_paths(header, source, offset)?,
    }
    Ok(layout)
}

fn split_paths(header: &Header, total: usize, source: bool, offset: u64) -> Result<()> {
    let indexes = header.numbers(main::DIRINDEXES);
    let length = |name, found: usize, expected: usize| {
        Error::bad(
            offset,
            Flaw::ArrayLength {
                name,
                found: found as u64,
                expected: expected as u64,
            },
        )
    };
    if indexes.len() != total {
        return Err(length("DIRINDEXES", indexes.len(), total));
    }
    let dirs = header.strings(main::DIRNAMES);
    let directories = dirs.len();
    if directories > total + SPARE_FOLDERS {
        return Err(length("DIRNAMES", directories, total));
    }
    for (file, index) in indexes.enumerate() {
        if index >= directories as u64 {
            return Err(Error::bad(
                offset,
                Flaw::DirectoryIndex {
                    file: file as u32,
                    directory: index as u32,
                    directories: directories as u32,
                },
            ));
        }
    }
    let unsafe_path = |file: usize, why| {
        let file = file as u32;
        Err(Error::bad(offset, Flaw::UnsafePath { file, why }))
    };
    for (position, dir) in dirs.enumerate() {
        if let Some(why) = dir_flaw(dir, source) {
            let file = header
                .numbers(main::DIRINDEXES)
                .position(|index| index == position as u64)
                .unwrap_or(0);
            return unsafe_path(file, why);
        }
    }
    for (file, base) in header.strings(main::BASENAMES).enumerate() {
        if memchr::memchr(b'/', base).is_some() {
            return unsafe_path(file, "has a slash in its last part");
        }
        if base == b".." || base == b"." {
            return unsafe_path(file, "ends in a relative part");
        }
    }
    Ok(())
}

fn whole_paths(header: &Header, source: bool, offset: u64) -> Result<()> {
    for (file, path) in header.strings(main::OLDFILENAMES).enumerate() {
        if let Some(why) = path_flaw(path, source) {
            let file = file as u32;
            return Err(Error::bad(offset, Flaw::UnsafePath { file, why }));
        }
    }
    Ok(())
}

fn dir_flaw(dir: &[u8], source: bool) -> Option<&'static str> {
    if !dir.is_empty() && !dir.ends_with(b"/") {
        return Some("has a folder that does not end in a slash");
    }
    path_flaw(dir, source)
}

fn path_flaw(path: &[u8], source: bool) -> Option<&'static str> {
    if !source && !path.starts_with(b"/") {
        return Some("is not absolute");
    }
    // Two dots are rare even inside names, so the parts are looked at only when there are any.
    if memchr::memmem::find(path, b"..").is_some()
        && path.split(|byte| *byte == b'/').any(|part| part == b"..")
    {
        return Some("leaves its folder");
    }
    None
}

pub(super) fn dependencies(header: &Header, offset: u64) -> Result<()> {
    for kind in DependencyKind::ALL {
        dependency_arrays(header, kind.tags(), kind.name(), offset)?;
    }
    for tags in OLD_WEAK {
        dependency_arrays(header, tags, "old weak dependencies", offset)?;
    }
    Ok(())
}

fn dependency_arrays(
    header: &Header,
    (names, versions, flags): (u32, u32, u32),
    kind: &'static str,
    offset: u64,
) -> Result<()> {
    let total = match header.entry(names) {
        Some(entry) if is_text(entry.kind) => entry.count as usize,
        Some(_) => {
            let (tag, name) = (names, kind);
            return Err(Error::bad(offset, Flaw::MissingTag { tag, name }));
        }
        None => 0,
    };
    parallel(header, versions, kind, false, total, offset)?;
    parallel(header, flags, kind, true, total, offset)?;
    for name in header.strings(names) {
        if name.first() == Some(&b'(') && rich_depth(name) > DEEPEST_RICH {
            let limit = DEEPEST_RICH;
            return Err(Error::bad(offset, Flaw::RichDepth { kind, limit }));
        }
    }
    Ok(())
}

/// How deep the parentheses of a rich dependency go. Those of names such as `lib(x)` count too.
fn rich_depth(name: &[u8]) -> u32 {
    let (mut depth, mut deepest) = (0_u32, 0);
    for byte in name {
        match byte {
            b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

pub(super) fn changelogs(header: &Header, offset: u64) -> Result<()> {
    let total = header.numbers(main::CHANGELOGTIME).len();
    for (tag, name) in [
        (main::CHANGELOGNAME, "CHANGELOGNAME"),
        (main::CHANGELOGTEXT, "CHANGELOGTEXT"),
    ] {
        parallel(header, tag, name, false, total, offset)?;
    }
    Ok(())
}
