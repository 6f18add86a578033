//! Hostile bytes, seeded: the files of a malicious or broken upstream.
//!
//! Each case has a name, so that a failing test says which one it was. The format crates hold further cases of their
//! own; here is what several crates share: RPM headers that lie about counts, cut and flipped files, repomd documents
//! that point elsewhere.

use crate::seeded::Seeded;

/// One hostile file.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is wrong with it.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Case {
    fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
        }
    }
}

/// RPM files of about 200 bytes whose counts and offsets claim gigabytes or point outside. A reader that believes
/// them panics or is killed for its memory; `airlock-rpm` has to refuse each one before it allocates.
#[must_use]
pub fn lying_rpm_headers() -> Vec<Case> {
    const NAME: u32 = 1000;
    const STRING: u32 = 6;
    const INT32: u32 = 4;
    const STRING_ARRAY: u32 = 8;
    let one = |kind: u32, offset: u32, count: u32| vec![[NAME, kind, offset, count]];
    vec![
        Case::new(
            "entry offset far outside the data",
            rpm(&one(STRING, 2_656, 1), 1, 2, b"a\0"),
        ),
        Case::new(
            "data size of 4 GiB in a file of 128 bytes",
            rpm(&[], 0, 0xffff_fff0, b""),
        ),
        Case::new("entry count of 16 GiB", rpm(&[], 0x1000_0000, 16, b"")),
        Case::new(
            "entry count whose product wraps to 16",
            rpm(&[], 0x1000_0001, 16, b"0123456789abcdef"),
        ),
        Case::new(
            "string array with 4 billion members",
            rpm(&one(STRING_ARRAY, 0, 0xffff_fff0), 1, 2, b"a\0"),
        ),
        Case::new(
            "int32 array with 4 billion members",
            rpm(&one(INT32, 0, 0xffff_fff0), 1, 4, b"abcd"),
        ),
        Case::new("count of zero", rpm(&one(STRING, 0, 0), 1, 2, b"a\0")),
        Case::new(
            "string without its end",
            rpm(&one(STRING, 0, 1), 1, 2, b"ab"),
        ),
        Case::new("type 10 does not exist", rpm(&one(10, 0, 1), 1, 2, b"a\0")),
        Case::new(
            "negative offset",
            rpm(&one(STRING, 0x8000_0000, 1), 1, 2, b"a\0"),
        ),
        Case::new("unaligned int32", rpm(&one(INT32, 1, 1), 1, 5, b"abcde")),
    ]
}

/// Lead, an empty signature header, and a main header that says what it is told to.
fn rpm(entries: &[[u32; 4]], count: u32, data_size: u32, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1];
    out.extend_from_slice(b"hostile-1-1");
    out.resize(76, 0);
    out.extend_from_slice(&[0, 1, 0, 5]);
    out.resize(96, 0);
    header(&mut out, &[], 0, 0, b"");
    header(&mut out, entries, count, data_size, data);
    out
}

fn header(out: &mut Vec<u8>, entries: &[[u32; 4]], count: u32, data_size: u32, data: &[u8]) {
    out.extend_from_slice(&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]);
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&data_size.to_be_bytes());
    for word in entries.iter().flatten() {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(data);
}

/// A good file cut after each of these many bytes: the boundaries of lead and headers, one before and after, and
/// `random` further places.
#[must_use]
pub fn cut(good: &[u8], seed: u64, random: usize) -> Vec<Case> {
    let mut source = Seeded::new(seed);
    let mut lengths = vec![
        0,
        1,
        4,
        95,
        96,
        97,
        111,
        112,
        113,
        good.len().saturating_sub(1),
    ];
    for _ in 0..random {
        lengths.push(usize::try_from(source.below(good.len() as u64)).unwrap_or(0));
    }
    lengths.retain(|&length| length < good.len());
    lengths.sort_unstable();
    lengths.dedup();
    lengths
        .into_iter()
        .map(|length| Case::new(format!("cut after {length} bytes"), &good[..length]))
        .collect()
}

/// A good file with one to four bytes changed, `count` times.
#[must_use]
pub fn flipped(good: &[u8], seed: u64, count: usize) -> Vec<Case> {
    let mut source = Seeded::new(seed);
    let mut cases = Vec::with_capacity(count);
    for number in 0..count {
        let mut bytes = good.to_vec();
        for _ in 0..=source.below(3) {
            let at = usize::try_from(source.below(bytes.len() as u64)).unwrap_or(0);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << source.below(8);
            }
        }
        cases.push(Case::new(format!("seed {seed}, change {number}"), bytes));
    }
    cases
}

/// repomd.xml documents that a mirror must refuse: places outside the tree, missing or weak checksums, entities.
#[must_use]
pub fn repomd_documents() -> Vec<Case> {
    let data = |href: &str, checksum: &str| {
        format!(
            "<data type=\"primary\">{checksum}<location href=\"{href}\"/><timestamp>1</timestamp><size>10</size></data>"
        )
    };
    let whole = |inner: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1</revision>{inner}</repomd>"
        )
    };
    let sha = format!("<checksum type=\"sha256\">{}</checksum>", "0".repeat(64));
    let good = data("repodata/primary.xml.gz", &sha);
    vec![
        Case::new("empty", ""),
        Case::new("no XML", "<html><body>Please log in</body></html>"),
        Case::new("cut in the middle", whole(&good)[..120].to_owned()),
        Case::new("no primary", whole("")),
        Case::new("two primaries", whole(&format!("{good}{good}"))),
        Case::new(
            "place above the tree",
            whole(&data("../evil/primary.xml.gz", &sha)),
        ),
        Case::new("absolute place", whole(&data("/etc/passwd", &sha))),
        Case::new(
            "place with a scheme",
            whole(&data("file:///etc/passwd", &sha)),
        ),
        Case::new("no checksum", whole(&data("repodata/primary.xml.gz", ""))),
        Case::new(
            "unknown checksum type",
            whole(&data(
                "repodata/primary.xml.gz",
                "<checksum type=\"crc32\">00000000</checksum>",
            )),
        ),
        Case::new(
            "checksum that is no hexadecimal number",
            whole(&data(
                "repodata/primary.xml.gz",
                "<checksum type=\"sha256\">../../x</checksum>",
            )),
        ),
        Case::new(
            "size that is no number",
            whole(&good.replace("<size>10</size>", "<size>-1</size>")),
        ),
        Case::new(
            "entity of an entity",
            format!(
                "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}",
                whole("<revision>&b;</revision>").replacen("<?xml version=\"1.0\"?>\n", "", 1)
            ),
        ),
        Case::new(
            "a hundred thousand levels",
            format!("{}x", "<a>".repeat(100_000)),
        ),
    ]
}
