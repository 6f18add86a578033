//! Finding the few paths that dependencies ask for among the millions that packages have.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use airlock_repodata::filelists;
use airlock_repodata::package::is_primary_path;
use memchr::memmem::Finder;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use crate::error::Result;
use crate::intern::{NumberMap, StringId};

/// Paths that some dependency asks for.
#[derive(Debug, Clone)]
pub struct WantedPaths {
    paths: HashMap<Vec<u8>, StringId, BuildHasherDefault<Xxh3Default>>,
    digests: NumberMap<[u64; 2], StringId>,
    /// One bit for each mark of a wanted path, so that nearly all others cost a look-up in a
    /// small table and nothing more.
    marks: Vec<u64>,
    beyond_primary: bool,
}

/// A small number out of length and ending.
fn mark(path: &[u8]) -> usize {
    let mut end = [0_u8; 4];
    let taken = path.len().min(4);
    end[..taken].copy_from_slice(&path[path.len() - taken..]);
    let number = u32::from_le_bytes(end).wrapping_add(path.len() as u32);
    (number.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

impl WantedPaths {
    pub(crate) fn new<'p>(wanted: impl Iterator<Item = (&'p str, StringId)>) -> Self {
        let mut found = Self {
            paths: HashMap::default(),
            digests: NumberMap::default(),
            marks: vec![0; 1024],
            beyond_primary: false,
        };
        for (path, id) in wanted {
            let bytes = path.as_bytes();
            let mark = mark(bytes);
            found.marks[mark / 64] |= 1 << (mark % 64);
            found.beyond_primary |= !is_primary_path(bytes);
            found.digests.insert(halves(xxh3_128(bytes)), id);
            found.paths.insert(bytes.to_vec(), id);
        }
        found
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// True without any path.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// True when some path is not of those that primary lists: filelists have to be read.
    pub fn are_beyond_primary(&self) -> bool {
        self.beyond_primary
    }

    pub(crate) fn by_digest(&self, digest: u128) -> Option<StringId> {
        self.digests.get(&halves(digest)).copied()
    }

    fn find(&self, path: &[u8]) -> Option<StringId> {
        let mark = mark(path);
        if self.marks[mark / 64] & (1 << (mark % 64)) == 0 {
            return None;
        }
        self.paths.get(path).copied()
    }

    /// Gives the wanted ones of a fragment's paths.
    pub(crate) fn scan(&self, fragment: &[u8], mut take: impl FnMut(StringId)) -> Result<()> {
        static FINDERS: LazyLock<[Finder<'static>; 2]> =
            LazyLock::new(|| [Finder::new("</file>"), Finder::new("<!")]);
        let [end, markup] = &*FINDERS;
        // References, comments and sections are rare: those fragments are read slowly.
        let plain = memchr::memchr(b'&', fragment).is_none() && markup.find(fragment).is_none();
        let mut found = Vec::new();
        if plain && self.scan_plain(end, fragment, &mut found) {
            found.into_iter().for_each(take);
            return Ok(());
        }
        filelists::for_each(fragment, |file| {
            if let Some(id) = self.find(file.path.as_bytes()) {
                take(id);
            }
        })?;
        Ok(())
    }

    /// False when something stands there that is not as expected.
    fn scan_plain(&self, end: &Finder<'_>, fragment: &[u8], found: &mut Vec<StringId>) -> bool {
        let mut from = 0;
        while let Some(length) = end.find(&fragment[from..]) {
            let before = &fragment[from..from + length];
            let Some(start) = memchr::memrchr(b'>', before) else {
                return false;
            };
            // `<file>` or `type="dir">`.
            if start == 0 || !matches!(before[start - 1], b'e' | b'"' | b'\'') {
                return false;
            }
            found.extend(self.find(&before[start + 1..]));
            from += length + END_LENGTH;
        }
        true
    }
}

const END_LENGTH: usize = "</file>".len();

fn halves(digest: u128) -> [u64; 2] {
    [(digest >> 64) as u64, digest as u64]
}

#[cfg(test)]
mod tests {
    use super::WantedPaths;
    use crate::intern::StringId;

    fn found(fragment: &str) -> Vec<u32> {
        let wanted = [
            ("/usr/bin/a", StringId(1)),
            ("/b&c", StringId(2)),
            ("/x", StringId(3)),
        ];
        let mut found = Vec::new();
        WantedPaths::new(wanted.into_iter())
            .scan(fragment.as_bytes(), |path| found.push(path.0))
            .unwrap();
        found
    }

    #[test]
    fn wanted_paths_are_found_however_they_are_written() {
        let around = |files: &str| {
            format!(
                "<package pkgid=\"1\" name=\"n\" arch=\"a\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/>{files}</package>"
            )
        };
        for (files, expected) in [
            (
                "<file>/usr/bin/a</file><file type=\"dir\">/x</file>",
                vec![1, 3],
            ),
            ("<file>/usr/bin/aa</file><file>/usr/bin/b</file>", vec![]),
            (
                "<file>/b&amp;c</file><file type='ghost'>/x</file>",
                vec![2, 3],
            ),
            ("<file><![CDATA[/b&c]]></file><file>/x!</file>", vec![2]),
            ("<!-- <file>/x</file> --><file>/usr/bin/a</file>", vec![1]),
            ("<file>/!x</file><file>/x</file>", vec![3]),
            ("<file>/a>/x</file>", vec![]),
            ("<file/>", vec![]),
        ] {
            assert_eq!(found(&around(files)), expected, "{files}");
        }
    }
}
