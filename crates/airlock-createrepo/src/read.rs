//! Reading a package: one pass, the header parsed out of the bytes that are hashed.

use std::fs::File;
use std::io::{self, Read};

use airlock_repodata::package::{FileFacts, from_rpm};
use airlock_rpm::{Package, read_package};

use crate::checksum::Hasher;
use crate::duplicates::Identity;
use crate::options::Options;
use crate::walk::{Candidate, Stamp};

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

/// Memory that a thread uses again for each file.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; STEP + ALIGNMENT],
        }
    }

    fn aligned(&mut self) -> &mut [u8] {
        let start = self.bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        &mut self.bytes[start..start + STEP]
    }
}

/// Reads a package. The error is a text without the file's name.
pub(crate) fn package(
    options: &Options,
    candidate: &Candidate,
    buffer: &mut Buffer,
) -> Result<ReadPackage, String> {
    let text = |error: io::Error| error.to_string();
    let file = File::open(&candidate.full).map_err(text)?;
    let stamp = Stamp::of(&file.metadata().map_err(text)?);
    let mut source = Hashed {
        file,
        hasher: Hasher::new(options.checksum),
        buffer: buffer.aligned(),
        from: 0,
        to: 0,
        total: 0,
    };
    let head = read_package(&mut source).map_err(|error| error.to_string())?;
    let package = Package::new(&head).map_err(|error| error.to_string())?;
    while source.fill().map_err(text)? > 0 {}
    let size = source.total;
    let checksum = source.hasher.finish();
    if size != stamp.size {
        return Err(format!(
            "it changed while it was read: {} bytes, then {size}",
            stamp.size
        ));
    }
    let href = options.location(&candidate.path);
    let base = options.base(candidate.medium);
    let facts = FileFacts {
        checksum_type: options.checksum.name(),
        checksum: &checksum,
        size,
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

/// A file whose bytes are hashed as they come in.
struct Hashed<'b> {
    file: File,
    hasher: Hasher,
    buffer: &'b mut [u8],
    from: usize,
    to: usize,
    total: u64,
}

impl Hashed<'_> {
    /// The next bytes of the file; what was not taken from the buffer is dropped.
    fn fill(&mut self) -> io::Result<usize> {
        let count = loop {
            match self.file.read(self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.hasher.update(&self.buffer[..count]);
        self.total += count as u64;
        (self.from, self.to) = (0, count);
        Ok(count)
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to && self.fill()? == 0 {
            return Ok(0);
        }
        let count = out.len().min(self.to - self.from);
        out[..count].copy_from_slice(&self.buffer[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}
