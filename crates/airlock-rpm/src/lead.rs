//! The first 96 bytes of a package: the lead.
//!
//! Everything in it is also in the headers and better there; it is only checked, and kept for the
//! few tools that show it. Format: `rpmlead.h` of rpm, big endian.

use crate::error::{Error, Flaw, Result};

/// Length of the lead in bytes.
pub const LEAD_LENGTH: usize = 96;

const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const SIGNATURE_TYPE_HEADER: u16 = 5;

/// What the lead says about the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Format: 3 or 4.
    pub major: u8,
    /// Minor format number.
    pub minor: u8,
    /// True when the lead calls it a source package. The header decides, not the lead.
    pub source: bool,
    /// Number of the architecture in rpm's table; junk in many packages.
    pub arch_number: u16,
    /// Name-version-release, cut at 65 bytes.
    pub name: Vec<u8>,
    /// Number of the operating system in rpm's table.
    pub os_number: u16,
}

impl Lead {
    /// Checks and reads a lead.
    ///
    /// # Errors
    /// [`Error::BadPackage`] when it is not one of a package in format 3 or 4.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.get(..4) != Some(&MAGIC[..]) {
            return Err(Error::bad(
                0,
                Flaw::NotRpm {
                    looks_like: looks_like(bytes),
                },
            ));
        }
        let Some(lead) = bytes.get(..LEAD_LENGTH) else {
            return Err(Error::bad(
                bytes.len() as u64,
                Flaw::Truncated {
                    part: "lead",
                    needed: LEAD_LENGTH as u64,
                    there: bytes.len() as u64,
                },
            ));
        };
        let short = |at: usize| u16::from_be_bytes([lead[at], lead[at + 1]]);
        let major = lead[4];
        if !(3..=4).contains(&major) {
            return Err(Error::bad(4, Flaw::LeadVersion { major }));
        }
        let found = short(78);
        if found != SIGNATURE_TYPE_HEADER {
            return Err(Error::bad(78, Flaw::LeadSignatureType { found }));
        }
        let name = &lead[10..76];
        let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        Ok(Self {
            major,
            minor: lead[5],
            source: short(6) == 1,
            arch_number: short(8),
            name: name[..end].to_vec(),
            os_number: short(76),
        })
    }
}

/// Names what a person most likely has in hand, so that the message helps.
fn looks_like(bytes: &[u8]) -> &'static str {
    let start = bytes
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(bytes.len());
    let text = &bytes[start..];
    let begins = |with: &[u8]| {
        text.get(..with.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(with))
    };
    if bytes.is_empty() {
        "an empty file"
    } else if begins(b"!<arch>") {
        "a Debian package (ar archive)"
    } else if begins(b"drpm") {
        "a delta RPM without its package header"
    } else if begins(b"<!doctype") || begins(b"<html") {
        "an HTML page (an error page of the server?)"
    } else if begins(b"<?xml") {
        "an XML document"
    } else if begins(&[0x1f, 0x8b]) {
        "gzip data"
    } else if begins(&[0x28, 0xb5, 0x2f, 0xfd]) {
        "zstd data"
    } else if begins(&[0xfd, b'7', b'z', b'X', b'Z']) {
        "xz data"
    } else if begins(&[0x8e, 0xad, 0xe8]) {
        "a bare RPM header without its lead"
    } else {
        "something else (the first four bytes are wrong)"
    }
}
