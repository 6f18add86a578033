//! Opening and writing compressed bytes.

use std::io::{Cursor, Read, Write};

use airlock_repodata::compress::{Format, Writer, open};
use airlock_repodata::error::SizeRule;
use airlock_repodata::{Error, Limits};

const FORMATS: [Format; 6] = [
    Format::Plain,
    Format::Gz,
    Format::Xz,
    Format::Bz2,
    Format::Zstd,
    Format::Zchunk,
];

fn packed(format: Format, bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(format, None, Vec::new()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn opened(bytes: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    open(Cursor::new(bytes), limits)?.read_to_end(&mut out)?;
    Ok(out)
}

fn text() -> Vec<u8> {
    let lines =
        (0..40_000_u32).map(|number| format!("line {}\n", number.wrapping_mul(2_654_435_761)));
    lines.collect::<String>().into_bytes()
}

#[test]
fn every_format_comes_back_and_is_known_by_its_magic() {
    let text = text();
    for format in FORMATS {
        for bytes in [&text[..], b"", b"x"] {
            let stored = packed(format, bytes);
            assert_eq!(packed(format, bytes), stored, "{format} is not stable");
            let reader = open(Cursor::new(stored.clone()), &Limits::default()).unwrap();
            assert_eq!(reader.format(), format);
            assert_eq!(
                opened(stored, &Limits::default()).unwrap(),
                bytes,
                "{format}"
            );
        }
    }
}

#[test]
fn members_one_behind_the_other_are_joined() {
    for format in [Format::Gz, Format::Xz, Format::Bz2, Format::Zstd] {
        let stored = [
            packed(format, b"one "),
            packed(format, b""),
            packed(format, b"two"),
        ]
        .concat();
        assert_eq!(
            opened(stored, &Limits::default()).unwrap(),
            b"one two",
            "{format}"
        );
    }
    let padded = [packed(Format::Gz, b"one"), vec![0; 512]].concat();
    assert_eq!(opened(padded, &Limits::default()).unwrap(), b"one");
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [
        &skippable[..],
        &packed(Format::Zstd, b"one"),
        &skippable,
        &packed(Format::Zstd, b"two"),
    ]
    .concat();
    assert_eq!(opened(frames, &Limits::default()).unwrap(), b"onetwo");
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    for format in [
        Format::Gz,
        Format::Xz,
        Format::Bz2,
        Format::Zstd,
        Format::Zchunk,
    ] {
        let bomb = packed(format, &vec![b' '; 64 << 20]);
        match opened(bomb, &Limits::default()) {
            Err(Error::OpenSize {
                rule: SizeRule::Ratio,
                stored,
                opened,
                limit,
            }) => {
                assert!(opened > limit && opened < 60 << 20, "{format}: {opened}");
                assert!(stored > 0, "{format}");
            }
            other => panic!("{format}: {:?}", other.map(|bytes| bytes.len())),
        }
        let small = packed(format, &vec![b' '; 1 << 20]);
        assert_eq!(
            opened(small, &Limits::default()).unwrap().len(),
            1 << 20,
            "{format}"
        );
    }
}

#[test]
fn a_declared_size_is_demanded() {
    let text = text();
    let length = text.len() as u64;
    for format in FORMATS {
        let stored = packed(format, &text);
        let with = |size| {
            opened(
                stored.clone(),
                &Limits::default().with_open_size(Some(size)),
            )
        };
        assert_eq!(with(length).unwrap(), text);
        let error = with(length - 1).unwrap_err();
        assert!(
            matches!(error, Error::OpenSize { rule: SizeRule::TooBig, limit, .. } if limit == length - 1),
            "{format}: {error}"
        );
        let error = with(length + 1).unwrap_err();
        assert!(
            matches!(error, Error::OpenSize { rule: SizeRule::TooSmall, opened, .. } if opened == length),
            "{format}: {error}"
        );
        let limits = Limits {
            max_open_bytes: 1000,
            ..Limits::default()
        };
        let error = opened(stored, &limits).unwrap_err();
        assert!(
            matches!(error, Error::OpenSize { limit: 1000, .. }),
            "{format}: {error}"
        );
        assert!(error.to_string().contains("1000"), "{error}");
    }
}

#[test]
fn damage_is_noticed() {
    let text = text();
    for format in [
        Format::Gz,
        Format::Xz,
        Format::Bz2,
        Format::Zstd,
        Format::Zchunk,
    ] {
        let stored = packed(format, &text);
        for at in [stored.len() / 2, stored.len() - 1, 20] {
            let cut = opened(stored[..at].to_vec(), &Limits::default());
            assert!(
                matches!(cut, Err(Error::BadCompression { .. })),
                "{format} cut at {at}: {:?}",
                cut.map(|bytes| bytes.len())
            );
        }
        let mut flipped = stored.clone();
        flipped[stored.len() / 2] ^= 0x55;
        assert_ne!(
            opened(flipped, &Limits::default()).ok(),
            Some(text.clone()),
            "{format}"
        );
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Vec<u8> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run scripts/test, which installs it"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn zchunk_is_what_the_reference_programs_write_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, ours, theirs) = (
        folder.path().join("plain"),
        folder.path().join("ours.zck"),
        folder.path().join("theirs.zck"),
    );
    let text = text();
    std::fs::write(&plain, &text).unwrap();
    let mut writer = Writer::new(Format::Zchunk, None, Vec::new()).unwrap();
    for part in text.chunks(100_000) {
        writer.write_all(part).unwrap();
        writer.end_chunk().unwrap();
    }
    std::fs::write(&ours, writer.finish().unwrap()).unwrap();
    assert!(run("unzck", &["-c".as_ref(), ours.as_ref()]) == text);
    run("zck", &["-o".as_ref(), theirs.as_ref(), plain.as_ref()]);
    let stored = std::fs::read(&theirs).unwrap();
    assert!(opened(stored, &Limits::default()).unwrap() == text);
}
