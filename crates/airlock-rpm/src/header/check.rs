//! The check that every header passes before anybody looks into it.
//!
//! The bounds are librpm's (`HEADER_TAGS_MAX`, `HEADER_DATA_MAX` and the smaller ones that it
//! applies to signature headers). Arithmetic is in 64 bits, and nothing is allocated except one
//! list of tags when they are not sorted.

use super::{ENTRY_LENGTH, HeaderRole, INTRO_LENGTH, Kind};
use crate::error::{Error, Flaw, Result};
use crate::tag;

/// Most entries of a main header.
pub const MAXIMUM_ENTRIES: u32 = 65_535;
/// Most bytes of data of a main header.
pub const MAXIMUM_DATA: u32 = 256 * 1024 * 1024 - 1;
/// Most entries of a signature header.
pub const MAXIMUM_SIGNATURE_ENTRIES: u32 = 32;
/// Most bytes of data of a signature header.
pub const MAXIMUM_SIGNATURE_DATA: u32 = 64 * 1024 * 1024;

const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
/// Length of the trailer that closes a region; also the count of the region's own entry.
const REGION_LENGTH: u32 = 16;
const KIND_BINARY: u32 = 7;
const KIND_TEXT: u32 = 6;

/// The two sizes at the head of a header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) entries: u32,
    pub(crate) data: u32,
}

impl Sizes {
    /// Bytes of the whole header.
    pub(crate) fn total(self) -> u64 {
        INTRO_LENGTH as u64 + u64::from(self.entries) * ENTRY_LENGTH as u64 + u64::from(self.data)
    }
}

/// What the check learned beside "it is sound".
pub(crate) struct Outcome {
    /// The entries of the region (all of them, where there is none) ascend by tag.
    pub(crate) sorted: bool,
    /// Entries and bytes of data that the region spans.
    pub(crate) region: Option<Region>,
}

/// What the region at the head of a header spans, itself and its trailer included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) entries: u32,
    pub(crate) data: u32,
}

/// Big-endian 32-bit number at a position; 0 past the end, which the callers excluded.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// Checks magic and bounds of a header's first 16 bytes.
pub(crate) fn intro(bytes: &[u8], role: HeaderRole, file_offset: u64) -> Result<Sizes> {
    let part = role.part();
    if bytes.len() < INTRO_LENGTH {
        return Err(Error::bad(
            file_offset + bytes.len() as u64,
            Flaw::Truncated {
                part,
                needed: INTRO_LENGTH as u64,
                there: bytes.len() as u64,
            },
        ));
    }
    if bytes.get(..8) != Some(&MAGIC[..]) {
        return Err(Error::bad(file_offset, Flaw::HeaderMagic { part }));
    }
    let sizes = Sizes {
        entries: word(bytes, 8),
        data: word(bytes, 12),
    };
    let (most_entries, most_data) = match role {
        HeaderRole::Signature => (MAXIMUM_SIGNATURE_ENTRIES, MAXIMUM_SIGNATURE_DATA),
        HeaderRole::Main | HeaderRole::Installed => (MAXIMUM_ENTRIES, MAXIMUM_DATA),
    };
    if sizes.entries == 0 {
        return Err(Error::bad(file_offset + 8, Flaw::EmptyHeader { part }));
    }
    if sizes.entries > most_entries {
        return Err(Error::bad(
            file_offset + 8,
            Flaw::TooManyEntries {
                part,
                found: sizes.entries,
                limit: most_entries,
            },
        ));
    }
    if sizes.data > most_data {
        return Err(Error::bad(
            file_offset + 12,
            Flaw::TooMuchData {
                part,
                found: sizes.data,
                limit: most_data,
            },
        ));
    }
    Ok(sizes)
}

/// Checks every entry of a header that is wholly there.
pub(crate) fn entries(
    bytes: &[u8],
    sizes: Sizes,
    role: HeaderRole,
    file_offset: u64,
) -> Result<Outcome> {
    let data_start = INTRO_LENGTH + sizes.entries as usize * ENTRY_LENGTH;
    let all_data = bytes.get(data_start..).unwrap_or_default();
    let region = region(bytes, all_data, sizes, role, file_offset)?;
    // The trailer of a region is its own; no tag may lie in it.
    let (data, last) = match region {
        Some(region) => {
            let end = (region.data - REGION_LENGTH) as usize;
            (all_data.get(..end).unwrap_or_default(), region.entries)
        }
        None => (all_data, sizes.entries),
    };
    let first = u32::from(region.is_some());
    let sorted = run(bytes, data, first..last, 0, Holes::Refused, file_offset)?;
    if !sorted {
        no_duplicates(bytes, first..last, file_offset)?;
    }
    // What rpm wrote beside the package's own header when it installed it. Tags of the region may
    // come again here and then replace those; twice among themselves they may not come.
    if last < sizes.entries {
        let after = region.map_or(0, |region| region.data as usize);
        run(
            bytes,
            all_data,
            last..sizes.entries,
            after,
            Holes::Allowed,
            file_offset,
        )?;
        no_duplicates(bytes, last..sizes.entries, file_offset)?;
    }
    Ok(Outcome { sorted, region })
}

/// Whether bytes of data may belong to no tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    Refused,
    Allowed,
}

/// Checks a run of entries whose data lie one after the other, from `first_byte` of `data` on. Says whether their
/// tags ascend.
fn run(
    bytes: &[u8],
    data: &[u8],
    positions: std::ops::Range<u32>,
    first_byte: usize,
    holes: Holes,
    file_offset: u64,
) -> Result<bool> {
    let data_start = INTRO_LENGTH + word(bytes, 8) as usize * ENTRY_LENGTH;
    let mut sorted = true;
    let mut last_tag = 0;
    let mut last_end = first_byte;
    let mut packed = 0_usize;
    for position in positions {
        let at = INTRO_LENGTH + position as usize * ENTRY_LENGTH;
        let (tag, kind) = (word(bytes, at), word(bytes, at + 4));
        let (offset, count) = (word(bytes, at + 8), word(bytes, at + 12));
        let bad = |field: u64, why: Flaw| Err(Error::bad(file_offset + at as u64 + field, why));

        if tag < tag::main::I18N_TABLE {
            return bad(
                0,
                Flaw::TagNumber {
                    tag,
                    entry: position,
                },
            );
        }
        if tag == last_tag {
            return bad(0, Flaw::DuplicateTag { tag });
        }
        sorted &= tag > last_tag;
        last_tag = tag;

        let Some(kind_known) = Kind::from_number(kind) else {
            return bad(4, Flaw::DataType { tag, found: kind });
        };
        if count == 0 || (kind == KIND_TEXT && count != 1) {
            return bad(12, Flaw::Count { tag, count });
        }
        let outside = Flaw::OutOfRange { tag, offset, count };
        let start = offset as usize;
        let Some(from_here) = data.get(start..).filter(|rest| !rest.is_empty()) else {
            return bad(8, outside);
        };
        if start < last_end {
            return bad(8, Flaw::Overlap { tag });
        }
        let width = kind_known.width().unwrap_or(1);
        if !start.is_multiple_of(width) {
            return bad(8, Flaw::Alignment { tag, offset });
        }
        let length = match kind_known.width() {
            Some(width) => {
                let length = u64::from(count) * width as u64;
                if length > from_here.len() as u64 {
                    return bad(12, outside);
                }
                length as usize
            }
            None => {
                if count as usize > from_here.len() {
                    return bad(12, outside);
                }
                match memchr::memchr_iter(0, from_here).nth(count as usize - 1) {
                    Some(last_nul) => last_nul + 1,
                    None => return bad(8, Flaw::Unterminated { tag }),
                }
            }
        };
        last_end = start + length;
        packed = packed.next_multiple_of(width) + length;
    }
    // librpm loads no header with holes beyond those of alignment, so nothing can hide in one.
    if holes == Holes::Refused && packed != data.len() {
        return Err(Error::bad(
            file_offset + data_start as u64,
            Flaw::Gap {
                used: packed as u64,
                size: data.len() as u64,
            },
        ));
    }
    Ok(sorted)
}

/// Checks the region entry and its trailer; says whether there is one.
///
/// Packages of rpm 3 have none. One that is there has to span the whole header, as librpm demands
/// of files: entries outside it would be covered by no signature. In a database of installed packages it spans the
/// header that the package came with, and what rpm added stands behind it.
fn region(
    bytes: &[u8],
    data: &[u8],
    sizes: Sizes,
    role: HeaderRole,
    file_offset: u64,
) -> Result<Option<Region>> {
    let (tag, kind) = (word(bytes, INTRO_LENGTH), word(bytes, INTRO_LENGTH + 4));
    let (offset, count) = (
        word(bytes, INTRO_LENGTH + 8),
        word(bytes, INTRO_LENGTH + 12),
    );
    let expected = match role {
        HeaderRole::Signature => tag::signature::HEADER_SIGNATURES,
        HeaderRole::Main | HeaderRole::Installed => tag::main::HEADER_IMMUTABLE,
    };
    if tag != expected {
        return Ok(None);
    }
    let whole = role != HeaderRole::Installed;
    let bad = |at: usize, why: &'static str| {
        Err(Error::bad(file_offset + at as u64, Flaw::Region { why }))
    };
    if kind != KIND_BINARY || count != REGION_LENGTH {
        return bad(INTRO_LENGTH + 4, "its entry is not 16 bytes of binary data");
    }
    let trailer_start = offset as usize;
    let region_end = u64::from(offset) + u64::from(REGION_LENGTH);
    if region_end > data.len() as u64 || (whole && region_end != data.len() as u64) {
        return bad(
            INTRO_LENGTH + 8,
            "its trailer is not at the end of the data",
        );
    }
    let at = INTRO_LENGTH + sizes.entries as usize * ENTRY_LENGTH + trailer_start;
    let trailer_tag = word(data, trailer_start);
    // rpm 4.0 wrote the number of HEADERIMAGE into the trailer of signature headers.
    let old_trailer = role == HeaderRole::Signature && trailer_tag == tag::signature::HEADER_IMAGE;
    if trailer_tag != expected && !old_trailer {
        return bad(at, "its trailer has another tag");
    }
    if word(data, trailer_start + 4) != KIND_BINARY
        || word(data, trailer_start + 12) != REGION_LENGTH
    {
        return bad(at + 4, "its trailer is not 16 bytes of binary data");
    }
    let back = i64::from(word(data, trailer_start + 8).cast_signed());
    let all = i64::from(sizes.entries) * ENTRY_LENGTH as i64;
    let spanned = -back;
    if whole && spanned != all {
        return bad(at + 8, "it does not span all entries");
    }
    if spanned < ENTRY_LENGTH as i64 || spanned > all || spanned % ENTRY_LENGTH as i64 != 0 {
        return bad(
            at + 8,
            "it does not span a number of entries that there are",
        );
    }
    Ok(Some(Region {
        entries: (spanned / ENTRY_LENGTH as i64) as u32,
        data: region_end as u32,
    }))
}

/// Looks for a tag that appears twice in a run of entries whose tags are not sorted.
fn no_duplicates(bytes: &[u8], positions: std::ops::Range<u32>, file_offset: u64) -> Result<()> {
    let tag_at = |position: u32| word(bytes, INTRO_LENGTH + position as usize * ENTRY_LENGTH);
    let mut tags: Vec<u32> = positions.clone().map(tag_at).collect();
    tags.sort_unstable();
    let Some(pair) = tags.windows(2).find(|pair| pair[0] == pair[1]) else {
        return Ok(());
    };
    let tag = pair[0];
    let position = positions
        .filter(|position| tag_at(*position) == tag)
        .nth(1)
        .unwrap_or(0);
    Err(Error::bad(
        file_offset + INTRO_LENGTH as u64 + u64::from(position) * ENTRY_LENGTH as u64,
        Flaw::DuplicateTag { tag },
    ))
}
