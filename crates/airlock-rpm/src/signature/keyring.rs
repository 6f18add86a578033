//! Reading key files: armored or binary, one key or many.

use std::io::Read;

use pgp::armor::Dearmor;
use pgp::composed::{PublicOrSecret, SignedPublicKey};

use super::certificate::{Certificate, Usable};
use super::{Fingerprint, KeyId};

/// A key file larger than this is no key file.
const LARGEST_FILE: usize = 16 * 1024 * 1024;
/// More keys than any vendor has.
const MOST_KEYS: usize = 1_000;

const ARMOR_BEGIN: &[u8] = b"-----BEGIN PGP ";
const ARMOR_END: &[u8] = b"-----END PGP ";

/// The keys whose signatures are accepted.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    certificates: Vec<Certificate>,
    problems: Vec<KeyProblem>,
}

/// A part of a key file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {position} of the file cannot be used: {why}")]
pub struct KeyProblem {
    /// Position in the file, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub why: String,
}

impl KeyRing {
    /// Reads a key file, armored or binary, with one or several keys.
    ///
    /// What cannot be read is in [`KeyRing::problems`]; the other keys are usable. A file with
    /// secret keys gives their public parts.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut ring = Self::default();
        ring.add_bytes(bytes);
        ring
    }

    /// Reads armored keys; see [`KeyRing::from_bytes`].
    pub fn from_armored(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }

    /// Adds the keys of one more file.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        let mut position = 0;
        if bytes.len() > LARGEST_FILE {
            return self.problem(1, format!("the file is {} bytes long", bytes.len()));
        }
        let binary = bytes.first().is_some_and(|first| first & 0x80 != 0);
        if binary {
            return self.add_packets(bytes, &mut position);
        }
        let blocks = armored_blocks(bytes);
        if blocks.is_empty() {
            return self.problem(1, "the file holds no OpenPGP key".to_owned());
        }
        for block in blocks {
            match dearmor(block) {
                Ok(packets) => self.add_packets(&packets, &mut position),
                Err(why) => {
                    position += 1;
                    self.problem(position, why);
                }
            }
        }
    }

    /// Adds all keys of another ring.
    pub fn extend(&mut self, other: KeyRing) {
        for certificate in other.certificates {
            self.add(certificate);
        }
        self.problems.extend(other.problems);
    }

    /// The keys.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What could not be read.
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }

    /// True when there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// The certificate that a key or subkey belongs to.
    pub fn find(&self, key_id: KeyId) -> Option<&Certificate> {
        self.certificates
            .iter()
            .find(|certificate| certificate.usable().any(|key| key.key_id == key_id))
    }

    /// Every key that a signature naming these issuers may be by; all of them if it names none.
    pub(super) fn candidates(
        &self,
        key_ids: &[KeyId],
        fingerprints: &[Fingerprint],
    ) -> Vec<(&Certificate, &Usable)> {
        let anonymous = key_ids.is_empty() && fingerprints.is_empty();
        let mut found = Vec::new();
        for certificate in &self.certificates {
            for key in certificate.usable() {
                let named =
                    key_ids.contains(&key.key_id) || fingerprints.contains(&key.fingerprint);
                if named || anonymous {
                    found.push((certificate, key));
                }
            }
        }
        found
    }

    fn add_packets(&mut self, packets: &[u8], position: &mut usize) {
        let pieces = match split_keys(packets) {
            Ok(pieces) => pieces,
            Err(why) => {
                *position += 1;
                return self.problem(*position, why.to_owned());
            }
        };
        for piece in pieces {
            *position += 1;
            if self.certificates.len() >= MOST_KEYS {
                return self.problem(*position, format!("more than {MOST_KEYS} keys"));
            }
            match read_key(piece) {
                Ok(key) => self.add(Certificate::new(key)),
                Err(why) => self.problem(*position, why),
            }
        }
    }

    /// A key that is there already is replaced: the later copy may hold a revocation.
    fn add(&mut self, certificate: Certificate) {
        let same = self
            .certificates
            .iter_mut()
            .find(|known| known.fingerprint() == certificate.fingerprint());
        match same {
            Some(known) => *known = certificate,
            None => self.certificates.push(certificate),
        }
    }

    fn problem(&mut self, position: usize, why: String) {
        self.problems.push(KeyProblem { position, why });
    }
}

/// The armored blocks of a text, each with its first and last line.
pub(super) fn armored_blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while let Some(start) = memchr::memmem::find(rest, ARMOR_BEGIN) {
        let block = &rest[start..];
        let Some(end) = memchr::memmem::find(block, ARMOR_END) else {
            blocks.push(block);
            break;
        };
        let line_end = memchr::memchr(b'\n', &block[end..]).map_or(block.len(), |at| end + at + 1);
        let (block, after) = block.split_at(line_end);
        blocks.push(block);
        rest = after;
    }
    blocks
}

/// The bytes that an armored block stands for.
pub(super) fn dearmor(block: &[u8]) -> Result<Vec<u8>, String> {
    let mut packets = Vec::new();
    Dearmor::new(block)
        .read_to_end(&mut packets)
        .map_err(|error| error.to_string())?;
    Ok(packets)
}

fn read_key(packets: &[u8]) -> Result<SignedPublicKey, String> {
    let mut keys = PublicOrSecret::from_bytes_many(packets).map_err(|error| error.to_string())?;
    match keys.next() {
        Some(Ok(PublicOrSecret::Public(key))) => Ok(key),
        Some(Ok(PublicOrSecret::Secret(key))) => Ok(key.to_public_key()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("no key that is known here".to_owned()),
    }
}

const TAG_SECRET_KEY: u8 = 5;
const TAG_PUBLIC_KEY: u8 = 6;

/// Cuts a series of packets in front of every primary key, so that one broken key does not take
/// the others with it.
fn split_keys(packets: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < packets.len() {
        let (tag, length) = packet_extent(&packets[at..])?;
        if tag == TAG_PUBLIC_KEY || tag == TAG_SECRET_KEY {
            starts.push(at);
        }
        at += length;
    }
    if starts.is_empty() {
        return Err("it holds no public key");
    }
    let ends = starts.iter().copied().skip(1).chain([packets.len()]);
    Ok(starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &packets[*start..end])
        .collect())
}

/// Type and whole length of the packet at the start of the bytes (RFC 9580, 4.2).
fn packet_extent(bytes: &[u8]) -> Result<(u8, usize), &'static str> {
    const CUT: &str = "it ends inside a packet";
    let byte = |at: usize| bytes.get(at).copied().map(usize::from).ok_or(CUT);
    let number = |from: usize, count: usize| {
        (from..from + count).try_fold(0_usize, |number, at| Ok(number << 8 | byte(at)?))
    };
    let first = byte(0)? as u8;
    if first & 0x80 == 0 {
        return Err("it is not a series of OpenPGP packets");
    }
    let (tag, header, body) = if first & 0x40 != 0 {
        let (header, body) = match byte(1)? {
            short @ 0..192 => (2, short),
            middle @ 192..224 => (3, ((middle - 192) << 8) + byte(2)? + 192),
            255 => (6, number(2, 4)?),
            _ => return Err("it holds a packet of unknown length"),
        };
        (first & 0x3f, header, body)
    } else {
        let (header, body) = match first & 3 {
            0 => (2, byte(1)?),
            1 => (3, number(1, 2)?),
            2 => (5, number(1, 4)?),
            _ => return Err("it holds a packet of unknown length"),
        };
        (first >> 2 & 0x0f, header, body)
    };
    let length = header + body;
    if length > bytes.len() {
        return Err(CUT);
    }
    Ok((tag, length))
}
