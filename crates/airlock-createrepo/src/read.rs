//! Reading packages: one pass each, the header parsed out of the bytes that are hashed, two files at a time.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use airlock_repodata::package::{FileFacts, from_rpm};
use airlock_rpm::{Package, PackageHead, read_package};

use crate::checksum::{ChecksumKind, Hasher};
use crate::duplicates::Identity;
use crate::options::Options;
use crate::walk::{Candidate, Stamp};
use airlock_rpm::sha256::{Sha256, update_both};

/// The fragments of a package in the order of the metadata files.
pub(crate) type Parts = Vec<Vec<u8>>;

/// Bytes taken at a time: they stay in the processor's cache until they are hashed.
const STEP: usize = 128 << 10;
/// Where the kernel copies to is a multiple of this: into a buffer that starts 16 bytes behind one, where big
/// allocations lie, some processors (AMD Zen) copy at a quarter of the speed.
const ALIGNMENT: usize = 4096;

/// A package that was read, with the stamp of the very file that was read.
pub(crate) struct ReadPackage {
    pub(crate) parts: Parts,
    pub(crate) stamp: Stamp,
    pub(crate) identity: Identity,
}

/// Reads packages until there are no more; an error is a text without the file's name.
pub(crate) fn packages<'c>(
    options: &Options,
    next: &mut dyn FnMut() -> Option<(usize, &'c Candidate)>,
    results: &mut Vec<(usize, Result<ReadPackage, String>)>,
) {
    let mut buffers = vec![Buffer::new(), Buffer::new()];
    let mut open: Vec<Reading<'c>> = Vec::new();
    loop {
        while let Some(buffer) = buffers.pop() {
            let Some((at, candidate)) = next() else {
                buffers.push(buffer);
                break;
            };
            match Reading::begin(options, at, candidate, buffer) {
                Ok(reading) => open.push(reading),
                Err((buffer, why)) => {
                    results.push((at, Err(why)));
                    buffers.push(buffer);
                }
            }
        }
        match open.as_mut_slice() {
            [] => return,
            [one] => one.hash(),
            [one, other, ..] => hash_both(one, other),
        }
        let (ready, going_on) = std::mem::take(&mut open)
            .into_iter()
            .map(Reading::fill)
            .partition(|reading| reading.ended.is_some());
        open = going_on;
        for reading in ready {
            let at = reading.at;
            let (buffer, read) = reading.finish(options);
            results.push((at, read));
            buffers.push(buffer);
        }
    }
}

/// Memory that is used again for each file.
struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    fn new() -> Self {
        Self::of(STEP)
    }

    fn of(length: usize) -> Self {
        Self {
            bytes: vec![0; length + ALIGNMENT],
        }
    }

    fn aligned(&self) -> Range<usize> {
        let start = self.bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        start..self.bytes.len() - (ALIGNMENT - start)
    }

    fn get(&self, range: Range<usize>) -> &[u8] {
        let start = self.aligned().start;
        &self.bytes[start + range.start..start + range.end]
    }

    fn get_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        let start = self.aligned().start;
        &mut self.bytes[start + range.start..start + range.end]
    }

    /// Makes room for so many bytes; those that are there stay.
    fn grow(&mut self, length: usize) {
        if self.aligned().len() < length {
            let mut larger = Self::of(length.next_power_of_two());
            let there = self.aligned().len();
            larger.get_mut(0..there).copy_from_slice(self.get(0..there));
            *self = larger;
        }
    }
}

/// A checksum being taken, with a partner where that is faster.
enum Sum {
    Pairing(Sha256),
    Alone(Hasher),
}

/// A package that is being read.
struct Reading<'c> {
    /// Its place in the results.
    at: usize,
    candidate: &'c Candidate,
    file: File,
    stamp: Stamp,
    head: PackageHead,
    sum: Sum,
    buffer: Buffer,
    /// What of the buffer is not hashed yet.
    waiting: Range<usize>,
    /// Bytes read.
    total: u64,
    /// Set at the end of the file: what is in the buffer is the last of it. Or why there is no more.
    ended: Option<io::Result<()>>,
}

impl<'c> Reading<'c> {
    /// Opens a package and reads its head.
    fn begin(
        options: &Options,
        at: usize,
        candidate: &'c Candidate,
        mut buffer: Buffer,
    ) -> Result<Self, (Buffer, String)> {
        let opened = File::open(&candidate.full)
            .and_then(|file| Ok((Stamp::of(&file.metadata()?), file)))
            .map_err(|error| error.to_string());
        let (stamp, file) = match opened {
            Ok(opened) => opened,
            Err(why) => return Err((buffer, why)),
        };
        let mut ahead = Ahead {
            file: &file,
            buffer: &mut buffer,
            taken: 0,
            there: 0,
        };
        let head = read_package(&mut ahead);
        let there = ahead.there;
        let head = match head {
            Ok(head) => head,
            Err(error) => return Err((buffer, error.to_string())),
        };
        Ok(Self {
            at,
            candidate,
            file,
            stamp,
            head,
            sum: match options.checksum {
                ChecksumKind::Sha256 => Sum::Pairing(Sha256::new()),
                kind => Sum::Alone(Hasher::new(kind)),
            },
            buffer,
            waiting: 0..there,
            total: there as u64,
            ended: None,
        })
    }

    fn unhashed(&self) -> &[u8] {
        self.buffer.get(self.waiting.clone())
    }

    /// Hashes what waits, but for less than a block.
    fn hash(&mut self) {
        let bytes = self.buffer.get(self.waiting.clone());
        match &mut self.sum {
            Sum::Alone(hasher) => {
                hasher.update(bytes);
                self.waiting.start = self.waiting.end;
            }
            Sum::Pairing(sum) => {
                let (blocks, tail) = bytes.as_chunks();
                sum.update(blocks);
                self.waiting.start = self.waiting.end - tail.len();
            }
        }
    }

    /// Reads on when less than a block waits.
    fn fill(mut self) -> Self {
        let left = self.waiting.len();
        if left >= size_of::<airlock_rpm::sha256::Block>() {
            return self;
        }
        if left > 0 {
            // Not at the end of a file only where reads give odd counts, as on some network file systems.
            let tail = self.unhashed().to_vec();
            self.buffer.get_mut(0..left).copy_from_slice(&tail);
        }
        match read_some(&self.file, self.buffer.get_mut(left..STEP)) {
            Ok(0) => {
                self.waiting = 0..left;
                self.ended = Some(Ok(()));
            }
            Ok(count) => {
                self.waiting = 0..left + count;
                self.total += count as u64;
            }
            Err(error) => self.ended = Some(Err(error)),
        }
        self
    }

    /// Makes the fragments of a package that was read to its end.
    fn finish(self, options: &Options) -> (Buffer, Result<ReadPackage, String>) {
        let tail = self.buffer.get(self.waiting);
        let checksum = match self.sum {
            Sum::Pairing(sum) => sum.finish(tail),
            Sum::Alone(hasher) => hasher.finish(),
        };
        let size = self.total;
        let read = match self.ended {
            Some(Err(error)) => Err(error.to_string()),
            _ if size != self.stamp.size => Err(format!(
                "it changed while it was read: {} bytes, then {size}",
                self.stamp.size
            )),
            _ => fragments(options, self.candidate, self.stamp, &self.head, &checksum),
        };
        (self.buffer, read)
    }
}

/// Hashes what waits of two files, as far as both have something.
fn hash_both(one: &mut Reading<'_>, other: &mut Reading<'_>) {
    let (Sum::Pairing(left), Sum::Pairing(right)) = (&mut one.sum, &mut other.sum) else {
        one.hash();
        other.hash();
        return;
    };
    let (lefts, _) = one.buffer.get(one.waiting.clone()).as_chunks();
    let (rights, _) = other.buffer.get(other.waiting.clone()).as_chunks();
    let common = lefts.len().min(rights.len());
    update_both(left, [&lefts[..common], &rights[..common]], right);
    let bytes = size_of_val(&lefts[..common]);
    one.waiting.start += bytes;
    other.waiting.start += bytes;
}

fn fragments(
    options: &Options,
    candidate: &Candidate,
    stamp: Stamp,
    head: &PackageHead,
    checksum: &str,
) -> Result<ReadPackage, String> {
    let package = Package::new(head).map_err(|error| error.to_string())?;
    let href = options.location(&candidate.path);
    let base = options.base(candidate.medium);
    let facts = FileFacts {
        checksum_type: options.checksum.name(),
        checksum,
        size: stamp.size,
        time: stamp.seconds(),
        header_range: head.header_range.clone(),
        location: Some((&href, base.as_deref())),
        changelog_limit: options.changelog_limit,
    };
    let fragments = from_rpm(&package, &facts);
    let mut parts = vec![fragments.primary, fragments.filelists, fragments.other];
    if options.filelists_ext {
        let extended = filelists_ext(&package, &parts[1]);
        parts.push(extended);
    }
    Ok(ReadPackage {
        parts,
        stamp,
        identity: Identity::of(&package),
    })
}

/// The fragment of `filelists-ext`, as createrepo_c writes it: the start is that of filelists.
fn filelists_ext(package: &Package<'_>, filelists: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(filelists);
    let start = text
        .find("<version")
        .and_then(|version| Some(version + text[version..].find("/>")? + 2))
        .unwrap_or(0);
    let mut out = text[..start].to_owned();
    match package.file_digest_algorithm().name() {
        Some(name) => out.push_str(&format!("<checksum type=\"{name}\"/>")),
        None => out.push_str("<checksum type=\"unknown\"/>"),
    }
    for file in package.files() {
        out.push_str("<file");
        match (file.is_dir(), file.is_ghost()) {
            (true, _) => out.push_str(" type=\"dir\""),
            (false, true) => out.push_str(" type=\"ghost\""),
            (false, false) => {}
        }
        if !file.digest.is_empty() {
            out.push_str(" hash=\"");
            push_escaped(&mut out, &String::from_utf8_lossy(file.digest));
            out.push('"');
        }
        out.push('>');
        push_escaped(&mut out, &file.path());
        out.push_str("</file>");
    }
    out.push_str("</package>");
    out.into_bytes()
}

/// Text with what XML cannot have left out and what it gives a meaning replaced.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\r' => out.push_str("&#13;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(character),
        }
    }
}

/// The start of a file, kept whole in the buffer: it is hashed later.
struct Ahead<'r> {
    file: &'r File,
    buffer: &'r mut Buffer,
    /// Given out.
    taken: usize,
    /// Read.
    there: usize,
}

impl Read for Ahead<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.there {
            self.buffer.grow(self.there + STEP);
            let count = read_some(
                self.file,
                self.buffer.get_mut(self.there..self.there + STEP),
            )?;
            self.there += count;
        }
        let count = out.len().min(self.there - self.taken);
        out[..count].copy_from_slice(self.buffer.get(self.taken..self.taken + count));
        self.taken += count;
        Ok(count)
    }
}

fn read_some(mut file: &File, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(out) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
