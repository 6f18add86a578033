//! Reading the head of a package file: lead, signature header and main header, nothing behind.

use std::io::Read;
use std::ops::Range;

use crate::error::{Error, Flaw, Result};
use crate::header::{Header, HeaderRole, INTRO_LENGTH, check_intro};
use crate::lead::{LEAD_LENGTH, Lead};

/// Everything before the payload of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageHead {
    /// The first 96 bytes.
    pub lead: Lead,
    /// Digests and signatures.
    pub signature: Header,
    /// Everything about the package.
    pub header: Header,
    /// Where the main header lies in the file: byte offsets, end exclusive. This is what
    /// createrepo_c writes as `rpm:header-range`; the payload starts at `end`.
    pub header_range: Range<u64>,
}

/// Reads lead, signature header and main header from the start of a package.
///
/// Exactly these bytes are taken from `reader`: it stands at the payload afterwards. The caller
/// buffers if single reads are dear. Memory stays below about twice the bytes really there,
/// whatever the counts claim.
///
/// # Errors
/// [`Error::BadPackage`] when the bytes are not a sound package, [`Error::Io`] when reading fails.
pub fn read_package(reader: &mut impl Read) -> Result<PackageHead> {
    let mut lead = [0; LEAD_LENGTH];
    let there = fill(reader, &mut lead)?;
    let lead = Lead::parse(&lead[..there])?;
    let mut offset = LEAD_LENGTH as u64;

    let signature = read_header(reader, HeaderRole::Signature, offset)?;
    offset += signature.as_bytes().len() as u64;

    // The main header starts at a multiple of 8 counted from the start of the signature header,
    // which is one of the file too.
    let mut padding = [0; 8];
    let pad = (8 - offset % 8) as usize % 8;
    let there = fill(reader, &mut padding[..pad])?;
    if there < pad {
        return Err(truncated(
            "padding behind the signature header",
            offset,
            pad as u64,
            there as u64,
        ));
    }
    offset += pad as u64;

    let header = read_header(reader, HeaderRole::Main, offset)?;
    let header_range = offset..offset + header.as_bytes().len() as u64;
    Ok(PackageHead {
        lead,
        signature,
        header,
        header_range,
    })
}

fn read_header(reader: &mut impl Read, role: HeaderRole, offset: u64) -> Result<Header> {
    let mut intro = [0; INTRO_LENGTH];
    let there = fill(reader, &mut intro)?;
    let total = check_intro(&intro[..there], role, offset)?;

    // Grows with what really arrives, so that a lie in the sizes costs nothing.
    let mut bytes = Vec::with_capacity(total.min(FIRST_STEP) as usize);
    bytes.extend_from_slice(&intro);
    while (bytes.len() as u64) < total {
        let had = bytes.len();
        let step = (total - had as u64).min((had as u64).max(FIRST_STEP)) as usize;
        bytes.reserve_exact(step);
        bytes.resize(had + step, 0);
        let there = fill(reader, &mut bytes[had..])?;
        if there < step {
            return Err(truncated(role.part(), offset, total, (had + there) as u64));
        }
    }
    Header::parse(bytes, role, offset)
}

/// How much is taken on trust at first: more than most headers have.
const FIRST_STEP: u64 = 64 * 1024;

fn truncated(part: &'static str, start: u64, needed: u64, there: u64) -> Error {
    Error::bad(
        start + there,
        Flaw::Truncated {
            part,
            needed,
            there,
        },
    )
}

/// Reads until the buffer is full or the bytes end; returns how many there were.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}
