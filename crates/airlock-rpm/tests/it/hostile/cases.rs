//! The hostile files themselves, by what they attack.

use crate::forge::{
    self, BINARY, Forge, INT32, PAYLOAD, TEXT, TEXT_ARRAY, around, entry, header, header_claiming,
    lead, main_header, package, signature_header, sound,
};

pub type Case = (String, Vec<u8>);

fn with_main(name: &str, change: impl FnOnce(&mut Forge)) -> Case {
    let mut main = main_header();
    change(&mut main);
    (name.to_owned(), around(&main))
}

fn with_signature(name: &str, signature: Vec<u8>) -> Case {
    let bytes = package(&signature, &main_header().bytes(), PAYLOAD);
    (name.to_owned(), bytes)
}

/// A package whose main header is these bytes.
fn bare_main(name: &str, main: Vec<u8>) -> Case {
    let bytes = package(&signature_header(&main).bytes(), &main, b"");
    (name.to_owned(), bytes)
}

/// Files that made a well-known reader panic or take gigabytes.
pub fn known_killers() -> Vec<Case> {
    let mut cases = Vec::new();
    let killers = [
        (
            "offset far behind the data",
            header(&entry(1000, TEXT, 2_656, 1), b"x\0"),
        ),
        (
            "four gigabytes of data",
            header_claiming(1, 0xffff_fff0, &entry(1000, TEXT, 0, 1), b"x\0"),
        ),
        (
            "entries that wrap around",
            header_claiming(0x1000_0001, 2, &entry(1000, TEXT, 0, 1), b"x\0"),
        ),
        (
            "string array of four billion",
            header(&entry(1117, TEXT_ARRAY, 0, 0xffff_fff0), b"x\0"),
        ),
        (
            "numbers of four billion",
            header(&entry(1009, INT32, 0, 0xffff_fff0), &[0; 4]),
        ),
        (
            "the same with an encoding",
            header(
                &[
                    entry(1117, TEXT_ARRAY, 0, 0xffff_fff0),
                    entry(5062, TEXT, 2, 1),
                ]
                .concat(),
                b"x\0utf-8\0",
            ),
        ),
    ];
    for (name, main) in killers {
        cases.push(bare_main(name, main.clone()));
        // As they were found: behind an empty signature header.
        let empty = header(&[], &[]);
        let name = format!("{name}, empty signature header");
        cases.push((name, package(&empty, &main, b"")));
    }
    cases
}

pub fn leads() -> Vec<Case> {
    let changed = |name: &str, at: usize, value: u8| {
        let mut bytes = sound();
        bytes[at] = value;
        (name.to_owned(), bytes)
    };
    vec![
        changed("lead version 2", 4, 2),
        changed("lead version 5", 4, 5),
        changed("lead signature type 0", 79, 0),
        changed("lead magic", 0, 0),
    ]
}

pub fn not_packages() -> Vec<Case> {
    [
        ("empty file", &b""[..]),
        ("one byte", b"\xed"),
        (
            "deb",
            b"!<arch>\ndebian-binary   1342943816  0     0     100644  4         `\n2.0\n",
        ),
        (
            "html",
            b"\n <!DOCTYPE html><html><body>404 Not Found</body></html>",
        ),
        (
            "html without doctype",
            b"<HTML><HEAD><TITLE>502 Bad Gateway",
        ),
        (
            "xml",
            b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
        ),
        ("delta", b"drpm\0\0\0\0"),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0"),
        ("zeros", &[0; 200]),
        ("a bare header", b"\x8e\xad\xe8\x01\0\0\0\0"),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
    .collect()
}

pub fn signature_headers() -> Vec<Case> {
    let main = main_header().bytes();
    let sound = signature_header(&main);
    let mut many = Forge::new(62);
    for tag in 300..340 {
        many.text(tag, "x");
    }
    let mut cut_magic = sound.bytes();
    cut_magic[3] = 2;
    let mut reserved = sound.bytes();
    reserved[7] = 1;
    vec![
        with_signature("signature header empty", header(&[], &[])),
        with_signature("signature header with 40 entries", many.bytes()),
        with_signature(
            "signature header of 65 MiB",
            header_claiming(1, 65 << 20, &entry(273, TEXT, 0, 1), b"x\0"),
        ),
        with_signature("signature header magic", cut_magic),
        with_signature("signature header reserved bytes", reserved),
        (
            "padding missing".to_owned(),
            [lead(), sound.bytes(), main.clone()].concat(),
        ),
        with_signature("region tag of the other header", {
            let mut forge = sound.clone();
            forge.region = 63;
            forge.bytes()
        }),
    ]
}

/// The region of a sound header with one of its eight numbers changed.
pub fn regions() -> Vec<Case> {
    let bytes = main_header().bytes();
    let entries = u32::from_be_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let trailer = bytes.len() - 16;
    let changed = |name: &str, at: usize, value: u32| {
        let mut main = bytes.clone();
        main[at..at + 4].copy_from_slice(&value.to_be_bytes());
        bare_main(name, main)
    };
    let outside = {
        // A region over fewer entries than there are.
        let mut main = bytes.clone();
        let spans = (entries as u32 - 1) * 16;
        let at = trailer + 8;
        main[at..at + 4].copy_from_slice(&spans.wrapping_neg().to_be_bytes());
        bare_main("region leaves out an entry", main)
    };
    vec![
        changed("region type", 20, 4),
        changed("region count", 28, 32),
        changed("region offset behind the data", 24, 0x7fff_ffff),
        changed("region offset negative", 24, 0xffff_fff0),
        changed("region offset 0", 24, 0),
        changed("trailer tag", trailer, 62),
        changed("trailer type", trailer + 4, 6),
        changed("trailer offset positive", trailer + 8, 16),
        changed("trailer offset minimum", trailer + 8, 0x8000_0000),
        changed("trailer count", trailer + 12, 15),
        outside,
    ]
}

pub fn entries() -> Vec<Case> {
    let one = |name: &str, tag, kind, offset, count, data: &[u8]| {
        bare_main(name, header(&entry(tag, kind, offset, count), data))
    };
    let two = |name: &str, first: Vec<u8>, second: Vec<u8>, data: &[u8]| {
        bare_main(name, header(&[first, second].concat(), data))
    };
    vec![
        one("type 0", 1000, 0, 0, 1, b"x\0"),
        one("type 10", 1000, 10, 0, 1, b"x\0"),
        one("type huge", 1000, 0xffff_ffff, 0, 1, b"x\0"),
        one("count 0", 1000, TEXT, 0, 0, b"x\0"),
        one("two values in one string", 1000, TEXT, 0, 2, b"x\0y\0"),
        one("tag 0", 0, TEXT, 0, 1, b"x\0"),
        one("tag 64", 64, BINARY, 0, 1, b"x\0"),
        one("offset at the end", 1000, TEXT, 2, 1, b"x\0"),
        one("offset negative", 1000, TEXT, 0xffff_ffff, 1, b"x\0"),
        one("no data at all", 1000, TEXT, 0, 1, b""),
        one("string without end", 1000, TEXT, 0, 1, b"xyz"),
        one("string array without end", 1117, TEXT_ARRAY, 0, 2, b"x\0yz"),
        one("more strings than bytes", 1117, TEXT_ARRAY, 0, 3, b"\0\0"),
        one("numbers not aligned", 1009, INT32, 2, 1, &[0; 6]),
        one("16 bits not aligned", 1030, forge::INT16, 1, 1, &[0; 8]),
        one("64 bits not aligned", 5009, forge::INT64, 4, 1, &[0; 16]),
        one("numbers past the end", 1009, INT32, 4, 2, &[0; 8]),
        one("binary past the end", 1004, BINARY, 0, 9, &[0; 8]),
        two(
            "the same tag twice",
            entry(1003, INT32, 0, 1),
            entry(1003, INT32, 4, 1),
            &[0; 8],
        ),
        bare_main(
            "the same tag twice, apart",
            header(
                &[
                    entry(1003, INT32, 0, 1),
                    entry(1000, TEXT, 4, 1),
                    entry(1003, INT32, 8, 1),
                ]
                .concat(),
                &[0; 12],
            ),
        ),
        two(
            "overlapping data",
            entry(1000, TEXT, 0, 1),
            entry(1001, TEXT, 1, 1),
            b"xy\0z\0",
        ),
        two(
            "data out of order",
            entry(1000, TEXT, 2, 1),
            entry(1001, TEXT, 0, 1),
            b"x\0y\0",
        ),
        two(
            "a hole between two tags",
            entry(1000, TEXT, 0, 1),
            entry(1001, TEXT, 3, 1),
            b"x\0?y\0",
        ),
        one("bytes behind the last tag", 1000, TEXT, 0, 1, b"x\0y\0"),
        bare_main(
            "65,536 entries",
            header_claiming(65_536, 2, &entry(1000, TEXT, 0, 1), b"x\0"),
        ),
        bare_main(
            "256 MiB of data",
            header_claiming(1, 256 << 20, &entry(1000, TEXT, 0, 1), b"x\0"),
        ),
        bare_main("main header empty", header(&[], &[])),
    ]
}

pub fn names() -> Vec<Case> {
    let long = "n".repeat(65_536);
    vec![
        with_main("no name", |main| {
            main.without(1000);
        }),
        with_main("name is a number", |main| {
            main.int32(1000, &[7]);
        }),
        with_main("name is an array", |main| {
            main.texts(1000, &["a", "b"]);
        }),
        with_main("name empty", |main| {
            main.text(1000, "");
        }),
        with_main("name of 64 kB", |main| {
            main.text(1000, &long);
        }),
        with_main("name with a slash", |main| {
            main.text(1000, "../../etc/passwd");
        }),
        with_main("name with a line end", |main| {
            main.text(1000, "a\nb");
        }),
        with_main("name not UTF-8", |main| {
            main.text(1000, b"a\xff");
        }),
        with_main("name of dots", |main| {
            main.text(1000, "..");
        }),
        with_main("no version", |main| {
            main.without(1001);
        }),
        with_main("version with a slash", |main| {
            main.text(1001, "1/2");
        }),
        with_main("release empty", |main| {
            main.text(1002, "");
        }),
        with_main("architecture with a control character", |main| {
            main.text(1022, "x86\x1b[31m");
        }),
    ]
}

pub fn lists() -> Vec<Case> {
    let deep = format!("{}a{}", "(a and ".repeat(10_000), ")".repeat(10_000));
    vec![
        with_main("folder index too high", |main| {
            main.int32(1116, &[0, 2]);
        }),
        with_main("folder index negative", |main| {
            main.int32(1116, &[0, 0xffff_ffff]);
        }),
        with_main("folder indexes short", |main| {
            main.int32(1116, &[0]);
        }),
        with_main("folder indexes absent", |main| {
            main.without(1116);
        }),
        with_main("folder names absent", |main| {
            main.without(1118);
        }),
        with_main("a folder per nothing", |main| {
            main.texts(1118, &vec!["/"; 100_000]);
        }),
        with_main("modes short", |main| {
            main.int16(1030, &[0]);
        }),
        with_main("modes long", |main| {
            main.int16(1030, &[0, 0, 0]);
        }),
        with_main("modes are text", |main| {
            main.texts(1030, &["a", "b"]);
        }),
        with_main("digests short", |main| {
            main.texts(1035, &["00"]);
        }),
        with_main("flags of requires short", |main| {
            main.int32(1048, &[0]);
        }),
        with_main("versions of requires long", |main| {
            main.texts(1050, &["", "", ""]);
        }),
        with_main("requires are numbers", |main| {
            main.int32(1049, &[1, 2]);
        }),
        with_main("flags without names", |main| {
            main.int32(5048, &[1]);
        }),
        with_main("changelog texts short", |main| {
            main.int32(1080, &[1, 2])
                .texts(1081, &["a", "b"])
                .texts(1082, &["a"]);
        }),
        with_main("rich dependency without end", |main| {
            main.texts(1049, &[deep.as_str(), "b"]);
        }),
        with_main("path with ..", |main| {
            main.texts(1118, &["/etc/../../", "/usr/"]);
        }),
        with_main("base name ..", |main| {
            main.texts(1117, &["..", "demo"]);
        }),
        with_main("base name with a slash", |main| {
            main.texts(1117, &["../../x", "demo"]);
        }),
        with_main("relative folder", |main| {
            main.texts(1118, &["etc/", "/usr/"]);
        }),
        with_main("folder without its slash", |main| {
            main.texts(1118, &["/etc", "/usr/"]);
        }),
        with_main("old path with ..", |main| {
            main.without(1116)
                .without(1117)
                .without(1118)
                .texts(1027, &["/a/../../b", "/c"]);
        }),
    ]
}
