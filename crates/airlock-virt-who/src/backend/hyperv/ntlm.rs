//! NTLMv2 as a client, with message sealing. Format: MS-NLMP (sections named below); its own examples are the tests.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

const UNICODE: u32 = 0x0000_0001;
const REQUEST_TARGET: u32 = 0x0000_0004;
const SIGN: u32 = 0x0000_0010;
const SEAL: u32 = 0x0000_0020;
const NTLM: u32 = 0x0000_0200;
const ALWAYS_SIGN: u32 = 0x0000_8000;
const EXTENDED: u32 = 0x0008_0000;
const TARGET_INFO: u32 = 0x0080_0000;
const VERSION: u32 = 0x0200_0000;
const KEY_128: u32 = 0x2000_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;
const KEY_56: u32 = 0x8000_0000;

/// What is asked for.
const WANTED: u32 = UNICODE
    | REQUEST_TARGET
    | SIGN
    | SEAL
    | NTLM
    | ALWAYS_SIGN
    | EXTENDED
    | TARGET_INFO
    | VERSION
    | KEY_128
    | KEY_EXCHANGE
    | KEY_56;
/// What has to be agreed on.
const NEEDED: u32 = UNICODE | SEAL | EXTENDED | KEY_128 | KEY_EXCHANGE;

/// Windows 10, NTLM revision 15: servers look at the revision only.
const OWN_VERSION: [u8; 8] = [10, 0, 0x61, 0x4a, 0, 0, 0, 15];

const AV_END: u16 = 0;
const AV_FLAGS: u16 = 6;
const AV_TIMESTAMP: u16 = 7;
/// Of [`AV_FLAGS`]: the message has a check sum.
const HAS_MIC: u32 = 2;

/// Who logs in.
pub struct Account<'a> {
    /// `DOMAIN\user`, `user@domain` or `user`.
    pub user: &'a str,
    pub password: &'a str,
}

/// What a client chooses freely.
pub struct Chosen {
    /// 100 ns since 1601, where the server tells none.
    pub time: u64,
    pub challenge: [u8; 8],
    pub session_key: [u8; 16],
}

impl Chosen {
    /// The time of now, the rest at random.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let ticks = since.as_secs() * 10_000_000 + u64::from(since.subsec_nanos()) / 100;
        Self {
            time: ticks + 116_444_736_000_000_000,
            challenge: rand::random(),
            session_key: rand::random(),
        }
    }
}

/// The first message (2.2.1.1).
pub fn negotiate() -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    out.extend(1_u32.to_le_bytes());
    out.extend(WANTED.to_le_bytes());
    // No domain, no workstation.
    out.extend([0; 16]);
    out.extend(OWN_VERSION);
    out
}

/// What the server's message says (2.2.1.2).
struct Challenge {
    flags: u32,
    challenge: [u8; 8],
    /// Names and values, without the end.
    info: Vec<(u16, Vec<u8>)>,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

impl Challenge {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.get(..8)? != SIGNATURE || number(bytes, 8)? != 2 {
            return None;
        }
        let length = usize::from(short(bytes, 40)?);
        let from = usize::try_from(number(bytes, 44)?).ok()?;
        let mut rest = bytes.get(from..from.checked_add(length)?)?;
        let mut info = Vec::new();
        while let Some(id) = short(rest, 0).filter(|id| *id != AV_END) {
            let length = usize::from(short(rest, 2)?);
            info.push((id, rest.get(4..4 + length)?.to_vec()));
            rest = rest.get(4 + length..)?;
        }
        Some(Self {
            flags: number(bytes, 20)?,
            challenge: bytes.get(24..32)?.try_into().ok()?,
            info,
        })
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    // The length of an HMAC key is free, so this cannot fail.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else {
        return [0; 16];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn cipher(key: &[u8; 16]) -> Rc4 {
    // Any length from 1 to 256 is taken, so the other branch is never gone.
    Rc4::new_from_slice(key).unwrap_or_else(|_| Rc4::new(&[0; 32].into()))
}

/// The key of a password (3.3.2, `NTOWFv2`).
fn password_key(user: &str, domain: &str, password: &str) -> [u8; 16] {
    let hash: [u8; 16] = Md4::digest(utf16(password)).into();
    keyed(&hash, &[&utf16(&user.to_uppercase()), &utf16(domain)])
}

/// The last message (2.2.1.3), and what seals from there on.
///
/// # Errors
/// The challenge is none, or the server does not agree to what is needed.
pub fn authenticate(
    negotiate: &[u8],
    challenge: &[u8],
    account: &Account<'_>,
    chosen: &Chosen,
) -> Result<(Vec<u8>, Sealing), &'static str> {
    let read = Challenge::read(challenge).ok_or("the NTLM challenge cannot be read")?;
    if read.flags & NEEDED != NEEDED {
        return Err("it does not agree to sealed NTLMv2 messages with keys of 128 bits");
    }
    let (domain, user) = match account.user.split_once('\\') {
        Some((domain, user)) => (domain, user),
        None => ("", account.user),
    };
    let server_time = read
        .info
        .iter()
        .find(|(id, _)| *id == AV_TIMESTAMP)
        .and_then(|(_, value)| <[u8; 8]>::try_from(value.as_slice()).ok());
    let mut info = read.info;
    if server_time.is_some() {
        info.retain(|(id, _)| *id != AV_FLAGS);
        info.push((AV_FLAGS, HAS_MIC.to_le_bytes().to_vec()));
    }
    let time = server_time.unwrap_or(chosen.time.to_le_bytes());
    let key = password_key(user, domain, account.password);
    let (response, base) = response(&key, &read.challenge, &time, &chosen.challenge, &info);
    let lm = match server_time {
        Some(_) => vec![0; 24],
        None => {
            let mut lm = keyed(&key, &[&read.challenge, &chosen.challenge]).to_vec();
            lm.extend(chosen.challenge);
            lm
        }
    };
    let mut exchanged = chosen.session_key;
    cipher(&base).apply_keystream(&mut exchanged);
    let flags = read.flags & WANTED;
    let fields = [
        lm,
        response,
        utf16(domain),
        utf16(user),
        Vec::new(),
        exchanged.to_vec(),
    ];
    let mut message = laid_out(&fields, flags);
    if server_time.is_some() {
        let mic = keyed(&chosen.session_key, &[negotiate, challenge, &message]);
        for (to, from) in message.iter_mut().skip(MIC_AT).zip(mic) {
            *to = from;
        }
    }
    Ok((message, Sealing::client(&chosen.session_key)))
}

/// The proof of the password with what it covers, and the session's base key (3.3.2).
fn response(
    key: &[u8; 16],
    server: &[u8; 8],
    time: &[u8; 8],
    client: &[u8; 8],
    info: &[(u16, Vec<u8>)],
) -> (Vec<u8>, [u8; 16]) {
    let mut covered = vec![1, 1, 0, 0, 0, 0, 0, 0];
    covered.extend(time);
    covered.extend(client);
    covered.extend([0; 4]);
    for (id, value) in info {
        covered.extend(id.to_le_bytes());
        covered.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        covered.extend(value);
    }
    covered.extend([0; 4]);
    covered.extend([0; 4]);
    let proof = keyed(key, &[server, &covered]);
    let base = keyed(key, &[&proof]);
    let mut response = proof.to_vec();
    response.extend(covered);
    (response, base)
}

/// Where the check sum stands.
const MIC_AT: usize = 72;
/// Where the fields' contents begin.
const PAYLOAD_AT: usize = 88;

fn laid_out(fields: &[Vec<u8>; 6], flags: u32) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    out.extend(3_u32.to_le_bytes());
    let mut at = PAYLOAD_AT;
    for field in fields {
        let length = u16::try_from(field.len()).unwrap_or(u16::MAX).to_le_bytes();
        out.extend(length);
        out.extend(length);
        out.extend(u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes());
        at += field.len();
    }
    out.extend(flags.to_le_bytes());
    out.extend(OWN_VERSION);
    out.extend([0; 16]);
    for field in fields {
        out.extend(field);
    }
    out
}

/// One direction of sealed messages (3.4.4.2).
struct Direction {
    signing: [u8; 16],
    cipher: Rc4,
    sequence: u32,
}

impl Direction {
    fn new(key: &[u8; 16], name: &str) -> Self {
        let derived = |what: &str| {
            let magic = format!("session key to {name} {what} key magic constant\0");
            md5(&[key, magic.as_bytes()])
        };
        Self {
            signing: derived("signing"),
            cipher: cipher(&derived("sealing")),
            sequence: 0,
        }
    }

    /// The signature of a message; the cipher has gone over the message before.
    fn signature(&mut self, message: &[u8]) -> [u8; 16] {
        let sequence = self.sequence.to_le_bytes();
        let whole = keyed(&self.signing, &[&sequence, message]);
        let mut sum = [0; 8];
        for (to, from) in sum.iter_mut().zip(whole) {
            *to = from;
        }
        self.cipher.apply_keystream(&mut sum);
        self.sequence = self.sequence.wrapping_add(1);
        let mut out = [0; 16];
        let parts = [1, 0, 0, 0].into_iter().chain(sum).chain(sequence);
        for (to, from) in out.iter_mut().zip(parts) {
            *to = from;
        }
        out
    }
}

/// Seals messages and opens sealed ones.
pub struct Sealing {
    out: Direction,
    back: Direction,
}

impl Sealing {
    /// The client's end.
    pub fn client(key: &[u8; 16]) -> Self {
        Self {
            out: Direction::new(key, "client-to-server"),
            back: Direction::new(key, "server-to-client"),
        }
    }

    /// Signature and sealed message.
    pub fn seal(&mut self, message: &[u8]) -> ([u8; 16], Vec<u8>) {
        let mut sealed = message.to_vec();
        self.out.cipher.apply_keystream(&mut sealed);
        (self.out.signature(message), sealed)
    }

    /// The message, if the signature is the other end's.
    pub fn open(&mut self, signature: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut message = sealed.to_vec();
        self.back.cipher.apply_keystream(&mut message);
        let expected = self.back.signature(&message);
        (expected.as_slice() == signature).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    /// MS-NLMP 4.2.1 and 4.2.4: the common values and those of NTLMv2.
    fn example() -> (Vec<u8>, [u8; 16], [u8; 16]) {
        let key = password_key("User", "Domain", "Password");
        assert_eq!(key.to_vec(), bytes("0c868a403bfd7a93a3001ef22ef02e3f"));
        let info = [(2, utf16("Domain")), (1, utf16("Server"))];
        let server = bytes("0123456789abcdef").try_into().unwrap();
        let (response, base) = response(&key, &server, &[0; 8], &[0xaa; 8], &info);
        (response, base, [0x55; 16])
    }

    #[test]
    fn the_proof_is_that_of_the_specification() {
        let (response, base, random) = example();
        assert_eq!(
            response[..16].to_vec(),
            bytes("68cd0ab851e51c96aabc927bebef6a1c")
        );
        assert_eq!(base.to_vec(), bytes("8de40ccadbc14a82f15cb0ad0de95ca3"));
        let mut exchanged = random;
        cipher(&base).apply_keystream(&mut exchanged);
        assert_eq!(
            exchanged.to_vec(),
            bytes("c5dad2544fc9799094ce1ce90bc9d03e")
        );
    }

    #[test]
    fn sealing_is_that_of_the_specification() {
        let mut sealing = Sealing::client(&[0x55; 16]);
        let (signature, sealed) = sealing.seal(&utf16("Plaintext"));
        assert_eq!(sealed, bytes("54e50165bf1936dc996020c1811b0f06fb5f"));
        assert_eq!(
            signature.to_vec(),
            bytes("01000000 7fb38ec5c55d4976 00000000")
        );
    }

    #[test]
    fn a_challenge_of_any_bytes_is_no_panic() {
        let account = Account {
            user: "D\\u",
            password: "p",
        };
        let mut challenge = SIGNATURE.to_vec();
        challenge.extend(2_u32.to_le_bytes());
        for length in 0..80 {
            challenge.resize(12 + length, 0xff);
            assert!(authenticate(b"", &challenge, &account, &Chosen::now()).is_err());
        }
    }
}
