//! Sealed messages in HTTP bodies. Reference: virt-who, section 6.2; MS-WSMV, 2.2.9.1.

use super::ntlm::Sealing;
use super::wsman;

/// The content type.
pub const CONTENT: &str = "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\"";

const BOUNDARY: &str = "--Encrypted Boundary";
const OCTETS: &[u8] = b"Content-Type: application/octet-stream\r\n";

/// A body with a message in it.
pub fn pack(sealing: &mut Sealing, message: &[u8]) -> Vec<u8> {
    let (signature, sealed) = sealing.seal(message);
    let mut out = format!(
        "{BOUNDARY}\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\
         \tOriginalContent: type={};Length={}\r\n{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n",
        wsman::CONTENT,
        message.len()
    )
    .into_bytes();
    out.extend(16_u32.to_le_bytes());
    out.extend(signature);
    out.extend(sealed);
    out.extend(BOUNDARY.as_bytes());
    out.extend(b"--\r\n");
    out
}

/// The message of a body.
///
/// # Errors
/// Another form, or a signature that is not the server's.
pub fn unpack(sealing: &mut Sealing, body: &[u8]) -> Result<Vec<u8>, &'static str> {
    let start = find(body, OCTETS).ok_or("the sealed answer has no second part")? + OCTETS.len();
    let end = body
        .windows(BOUNDARY.len())
        .rposition(|part| part == BOUNDARY.as_bytes())
        .filter(|end| *end >= start)
        .ok_or("the sealed answer has no end")?;
    let part = body
        .get(start..end)
        .ok_or("the sealed answer is too short")?;
    let (length, rest) = part
        .split_at_checked(4)
        .ok_or("the sealed answer is too short")?;
    if length != 16_u32.to_le_bytes() {
        return Err("the signature has another length");
    }
    let (signature, sealed) = rest
        .split_at_checked(16)
        .ok_or("the sealed answer is too short")?;
    sealing
        .open(signature, sealed)
        .ok_or("the signature is wrong")
}

fn find(body: &[u8], wanted: &[u8]) -> Option<usize> {
    body.windows(wanted.len()).position(|part| part == wanted)
}
