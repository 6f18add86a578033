//! The index of a pack: where fragments lie and what their records are.

use std::path::Path;

use airlock_rpm::EvrRef;

use super::{PackError, Part};

/// One zstd frame of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Where the frame begins in the pack file.
    pub offset: u64,
    /// Bytes of the frame.
    pub stored: u32,
    /// Bytes when opened.
    pub open: u32,
    /// Position in the pack of its first record.
    pub first: u32,
    /// Records in it.
    pub records: u32,
}

/// What the index says of one record. Texts hold no tab and no line end: [`RecordInfo::write`] refuses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordInfo<'a> {
    /// Checksum type as the source named it: `sha256`, `sha1` …
    pub checksum_type: &'a str,
    /// Checksum in lower-case hex.
    pub checksum: &'a str,
    /// Package name.
    pub name: &'a str,
    /// Epoch; 0 when unset.
    pub epoch: u64,
    /// Version.
    pub version: &'a str,
    /// Release.
    pub release: &'a str,
    /// Architecture.
    pub arch: &'a str,
    /// Bytes of the package file as the source said.
    pub size: u64,
    /// Build time, seconds since 1970.
    pub build_time: i64,
    /// Last part of the location.
    pub file_name: &'a str,
    /// Location as the upstream said (with `xml:base` joined in front when there was one); empty for own records.
    pub href: &'a str,
    /// Hashes of the three fragments, in the order of [`Part::ALL`].
    pub hashes: [u64; 3],
    /// Bytes of the three fragments, line end included.
    pub lengths: [u32; 3],
}

impl<'a> RecordInfo<'a> {
    /// Writes the record's line. Characters that would break the line are written as `�`; they occur in hostile
    /// metadata only, and never in a name that passed the metadata reader.
    pub fn write(&self, out: &mut String) {
        let text = |out: &mut String, value: &str| {
            if value.contains(['\t', '\n', '\r']) {
                out.extend(value.chars().map(|c| {
                    if matches!(c, '\t' | '\n' | '\r') {
                        char::REPLACEMENT_CHARACTER
                    } else {
                        c
                    }
                }));
            } else {
                out.push_str(value);
            }
            out.push('\t');
        };
        for value in [
            self.checksum_type,
            self.checksum,
            self.name,
            self.version,
            self.release,
            self.arch,
            self.file_name,
            self.href,
        ] {
            text(out, value);
        }
        use std::fmt::Write as _;
        let [a, b, c] = self.hashes;
        let [x, y, z] = self.lengths;
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{}\t{}\t{}\t{a:x}\t{b:x}\t{c:x}\t{x}\t{y}\t{z}",
            self.epoch, self.size, self.build_time
        );
    }

    fn read(line: &'a str) -> Option<Self> {
        let mut tabs = memchr::memchr_iter(b'\t', line.as_bytes());
        let mut begin = 0;
        let mut text = || {
            let end = tabs.next().unwrap_or(line.len());
            let field = line.get(begin..end);
            begin = end + 1;
            field
        };
        let (checksum_type, checksum, name, version) = (text()?, text()?, text()?, text()?);
        let (release, arch, file_name, href) = (text()?, text()?, text()?, text()?);
        let (epoch, size, build_time) = (
            text()?.parse().ok()?,
            text()?.parse().ok()?,
            text()?.parse().ok()?,
        );
        let mut hash = || u64::from_str_radix(text()?, 16).ok();
        let hashes = [hash()?, hash()?, hash()?];
        let mut length = || text()?.parse().ok();
        let lengths = [length()?, length()?, length()?];
        Some(Self {
            checksum_type,
            checksum,
            name,
            epoch,
            version,
            release,
            arch,
            size,
            build_time,
            file_name,
            href,
            hashes,
            lengths,
        })
    }

    /// `name-[epoch:]version-release.arch`; the epoch only when it is not 0.
    #[must_use]
    pub fn nevra(&self) -> String {
        if self.epoch == 0 {
            format!(
                "{}-{}-{}.{}",
                self.name, self.version, self.release, self.arch
            )
        } else {
            format!(
                "{}-{}:{}-{}.{}",
                self.name, self.epoch, self.version, self.release, self.arch
            )
        }
    }

    /// Epoch, version and release for comparing.
    #[must_use]
    pub fn evr(&self) -> EvrRef<'a> {
        EvrRef::new(
            Some(u32::try_from(self.epoch).unwrap_or(u32::MAX)),
            self.version,
            Some(self.release),
        )
    }

    /// `type:checksum`, the package's identity.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}:{}", self.checksum_type, self.checksum)
    }
}

/// A pack's index, held as the text it was stored as plus the places of its lines.
#[derive(Debug)]
pub struct PackIndex {
    text: String,
    lines: Vec<u32>,
    blocks: [Vec<Block>; 3],
    /// Bytes of the pack file before the index.
    pub frames_end: u64,
}

impl PackIndex {
    pub(super) fn parse(path: &Path, text: String, frames_end: u64) -> Result<Self, PackError> {
        let damaged = |why| PackError::Damaged {
            path: path.to_owned(),
            why,
        };
        let mut lines = Vec::new();
        let mut blocks: [Vec<Block>; 3] = Default::default();
        let mut at = 0_usize;
        for line in text.split_inclusive('\n') {
            if let Some(rest) = line.strip_prefix("b ") {
                let mut numbers = rest.split_whitespace().map(|n| n.parse::<u64>().ok());
                let mut next = || numbers.next().flatten();
                let narrow = |n: Option<u64>| n.and_then(|n| u32::try_from(n).ok());
                let (part, offset) = (next(), next());
                let (stored, open, first, records) = (
                    narrow(next()),
                    narrow(next()),
                    narrow(next()),
                    narrow(next()),
                );
                let block = match (offset, stored, open, first, records) {
                    (Some(offset), Some(stored), Some(open), Some(first), Some(records)) => Block {
                        offset,
                        stored,
                        open,
                        first,
                        records,
                    },
                    _ => return Err(damaged("a block line cannot be read")),
                };
                let list = part
                    .and_then(|p| usize::try_from(p).ok())
                    .and_then(|p| blocks.get_mut(p))
                    .ok_or_else(|| damaged("a block names an unknown part"))?;
                let expected = list.last().map_or(0, |b| b.first + b.records);
                if block.first != expected || block.offset + u64::from(block.stored) > frames_end {
                    return Err(damaged("blocks do not follow each other"));
                }
                list.push(block);
            } else {
                lines.push(u32::try_from(at).map_err(|_| damaged("the index is too large"))?);
            }
            at += line.len();
        }
        let count = u32::try_from(lines.len()).map_err(|_| damaged("too many records"))?;
        for list in &blocks {
            if list.last().map_or(0, |b| b.first + b.records) != count {
                return Err(damaged("blocks and records disagree"));
            }
        }
        let index = Self {
            text,
            lines,
            blocks,
            frames_end,
        };
        if (0..index.len())
            .any(|position| index.line(position).and_then(RecordInfo::read).is_none())
        {
            return Err(damaged("a record line cannot be read"));
        }
        Ok(index)
    }

    /// Records in the pack.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the pack holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes held in memory, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.text.len()
            + self.lines.len() * 4
            + self.blocks.iter().map(|b| b.len() * 32).sum::<usize>()
    }

    /// The blocks of a part, in order.
    #[must_use]
    pub fn blocks(&self, part: Part) -> &[Block] {
        &self.blocks[part.position()]
    }

    fn line(&self, position: usize) -> Option<&str> {
        let begin = *self.lines.get(position)? as usize;
        let rest = self.text.get(begin..)?;
        rest.get(..memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len()))
    }

    /// Bytes of a record's fragment, line end included; without reading the rest of the record.
    #[must_use]
    pub fn length(&self, part: Part, position: usize) -> Option<u32> {
        let line = self.line(position)?;
        let behind = Part::ALL.len() - 1 - part.position();
        line.rsplit('\t').nth(behind)?.parse().ok()
    }

    /// The record at a position of the pack.
    #[must_use]
    pub fn record(&self, position: usize) -> Option<RecordInfo<'_>> {
        RecordInfo::read(self.line(position)?)
    }

    /// All records in order.
    pub fn records(&self) -> impl Iterator<Item = RecordInfo<'_>> {
        (0..self.len()).filter_map(|position| self.record(position))
    }
}
