//! Files made to hurt their reader: each is refused with a clear text, in bounded memory.

mod cases;

use airlock_rpm::{Error, Package, read_package};

use cases::{
    Case, entries, known_killers, leads, lists, names, not_packages, regions, signature_headers,
};

use crate::allocation::peak_of;
use crate::forge::{PAYLOAD, around, main_header, package, signature_header, sound};

/// Lead, signature header, main header and the contents of the main header.
fn read_all(bytes: &[u8]) -> Result<(), Error> {
    let head = read_package(&mut &bytes[..])?;
    Package::new(&head)?;
    Ok(())
}

#[test]
fn each_is_refused_with_a_clear_text() {
    let all = [
        known_killers(),
        leads(),
        not_packages(),
        signature_headers(),
        regions(),
        entries(),
        names(),
        lists(),
    ];
    let mut texts = String::new();
    for (name, bytes) in all.into_iter().flatten() {
        let (outcome, peak) = peak_of(|| read_all(&bytes));
        match outcome {
            Err(error @ Error::BadPackage { .. }) => {
                texts.push_str(&format!("{name}: {error}\n"));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(
            peak <= 2 * bytes.len() + (1 << 18),
            "{name}: {peak} bytes for a file of {}",
            bytes.len()
        );
    }
    let advice = "; fetch the file again, or build it again if it is your own";
    assert!(texts.lines().all(|line| line.ends_with(advice)));
    insta::assert_snapshot!(texts.replace(advice, ""));
}

#[test]
fn a_file_cut_anywhere_in_its_headers_is_truncated() {
    let bytes = sound();
    let head = read_package(&mut &bytes[..]).unwrap();
    let end = head.header_range.end as usize;
    for length in 0..end {
        let error = read_package(&mut &bytes[..length]).unwrap_err();
        let text = error.to_string();
        let told = match length {
            0 => text.contains("an empty file"),
            1..4 => text.contains("not an RPM package"),
            _ => text.contains("the file ends inside the"),
        };
        assert!(told, "cut at {length}: {text}");
    }
    // From there on the headers are whole; only the digest can tell.
    for length in end..bytes.len() {
        let mut reader = &bytes[..length];
        let head = read_package(&mut reader).unwrap();
        let report = airlock_rpm::digest::check(&head, &mut reader).unwrap();
        assert!(report.first_bad().is_some(), "cut at {length}");
    }
}

#[test]
fn odd_but_harmless_files_are_read() {
    let main = main_header();
    let mut junk_lead = sound();
    junk_lead[8..10].copy_from_slice(&[0xff, 0xff]);
    junk_lead[10..76].fill(b'n');
    junk_lead[76..78].copy_from_slice(&[0xff, 0xff]);
    let mut lying_lead = sound();
    lying_lead[7] = 1;
    let mut unknown = signature_header(&main.bytes());
    unknown
        .text(290, "unknown")
        .text(1000, "a name where none belongs")
        .binary(268, &[0xc2; 5_000_000]);
    let mut no_region = main.clone();
    no_region.region = 0;
    let mut unsorted = main.clone();
    unsorted.items.swap(3, 4);
    let mut old_trailer = signature_header(&main.bytes()).bytes();
    let at = old_trailer.len() - 16;
    old_trailer[at + 3] = 61;
    let mut devices = main.clone();
    devices
        .int16(1030, &[0o020_666, 0o107_777])
        .texts(1036, &["/", "../../.."])
        .int32(1034, &[u32::MAX, 0])
        .int64(5008, &[u64::MAX, 0])
        .int64(5009, &[u64::MAX])
        .texts(1118, &["/dev//", "/./"]);
    let cases = [
        ("junk in the lead", junk_lead),
        ("the lead calls it a source package", lying_lead),
        (
            "unknown and huge tags in the signature header",
            package(&unknown.bytes(), &main.bytes(), PAYLOAD),
        ),
        ("no region, as rpm 3 wrote it", around(&no_region)),
        ("tags not sorted", around(&unsorted)),
        (
            "trailer of rpm 4.0",
            package(&old_trailer, &main.bytes(), PAYLOAD),
        ),
        ("devices, all modes, odd links", around(&devices)),
    ];
    for (name, bytes) in cases {
        let head = read_package(&mut &bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let package = Package::new(&head).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(package.name(), "demo", "{name}");
        assert_eq!(package.requires().len(), 2, "{name}");
        assert!(!package.is_source(), "{name}");
    }
}

#[test]
fn old_file_names_are_cut_into_folder_and_name() {
    let mut main = main_header();
    main.without(1116)
        .without(1117)
        .without(1118)
        .texts(1027, &["/etc/demo.conf", "/demo"]);
    let bytes = around(&main);
    let head = read_package(&mut &bytes[..]).unwrap();
    let package = Package::new(&head).unwrap();
    let parts: Vec<(String, String)> = package
        .files()
        .map(|file| (file.dir_text().into_owned(), file.base_text().into_owned()))
        .collect();
    assert_eq!(
        parts,
        [
            ("/etc/".to_owned(), "demo.conf".to_owned()),
            ("/".to_owned(), "demo".to_owned())
        ]
    );
}

#[test]
fn a_million_files_and_requires() {
    const MANY: usize = 1_000_000;
    let mut main = main_header();
    for tag in [1028, 1030, 1034, 1035, 1036, 1037, 1039, 1040] {
        main.without(tag);
    }
    let indexes: Vec<u32> = (0..MANY as u32).map(|n| n % 1_000).collect();
    let folders: Vec<String> = (0..1_000).map(|n| format!("/d{n}/")).collect();
    main.int32(1116, &indexes)
        .texts(1117, &vec!["f"; MANY])
        .texts(1118, &folders)
        .int32(1048, &vec![0; MANY])
        .texts(1049, &vec!["r"; MANY])
        .texts(1050, &vec![""; MANY]);
    let bytes = around(&main);
    let (counts, peak) = peak_of(|| {
        let head = read_package(&mut &bytes[..]).unwrap();
        let package = Package::new(&head).unwrap();
        let paths: usize = package
            .files()
            .map(|file| file.dir.len() + file.base.len())
            .sum();
        (package.files().len(), package.requires().count(), paths)
    });
    let folder_bytes: usize = folders.iter().map(String::len).sum();
    assert_eq!(counts, (MANY, MANY, MANY + folder_bytes * MANY / 1_000));
    assert!(
        peak <= 2 * bytes.len() + (1 << 20),
        "{peak} for {}",
        bytes.len()
    );
}

#[test]
fn a_broken_reader_is_no_broken_package() {
    let mut interrupted = Interrupted {
        bytes: sound(),
        at: 0,
        pause: false,
    };
    assert!(read_package(&mut interrupted).is_ok());
    let error = read_package(&mut Broken(sound(), 0)).unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error}");
}

/// Gives one byte at a time and is interrupted before each.
struct Interrupted {
    bytes: Vec<u8>,
    at: usize,
    pause: bool,
}

impl std::io::Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.pause = !self.pause;
        if self.pause {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let Some(byte) = self.bytes.get(self.at) else {
            return Ok(0);
        };
        buffer[0] = *byte;
        self.at += 1;
        Ok(1)
    }
}

/// Fails after the lead.
struct Broken(Vec<u8>, usize);

impl std::io::Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1 >= 100 {
            return Err(std::io::Error::other("the network is gone"));
        }
        buffer[0] = self.0[self.1];
        self.1 += 1;
        Ok(1)
    }
}

/// Runs rpm over files and returns the names of those that it refuses.
fn refused_by_rpm(files: &[Case]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("rpm");
    command
        .args(["-qp", "--nosignature", "--nodigest", "--qf", ""])
        .current_dir(folder.path())
        .env("LC_ALL", "C.UTF-8");
    for (position, (_, bytes)) in files.iter().enumerate() {
        let name = format!("./{position}.rpm");
        std::fs::write(folder.path().join(&name), bytes).unwrap();
        command.arg(name);
    }
    let output = command.output().expect("rpm is needed: run scripts/test");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    files
        .iter()
        .enumerate()
        .filter(|(position, _)| {
            let line = format!("./{position}.rpm: not an rpm package");
            text.contains(&line)
        })
        .map(|(_, (name, _))| name.clone())
        .collect()
}

#[test]
fn the_form_is_judged_as_rpm_does() {
    let mut cases: Vec<Case> = [
        known_killers(),
        leads(),
        signature_headers(),
        regions(),
        entries(),
    ]
    .into_iter()
    .flatten()
    .collect();
    // A manifest to rpm, and read as a list of names.
    cases.retain(|(name, _)| name != "lead magic");
    let refused = refused_by_rpm(&cases);
    let stricter: Vec<&str> = cases
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !refused.iter().any(|other| other == name))
        .collect();
    // rpm takes the first of two equal tags; other readers take the last.
    assert_eq!(
        stricter,
        ["the same tag twice", "the same tag twice, apart"]
    );
}

/// Random damage to the form of a real package: nothing that rpm refuses is let through, except
/// that rpm also insists on the usual type of tags which nobody here reads.
#[test]
fn random_damage_is_judged_as_rpm_does() {
    use proptest::prelude::Rng;
    use proptest::test_runner::{RngAlgorithm, TestRng};

    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let original = crate::built::built().named("everything-1.2~rc1^git5-4.el9.x86_64");
    let head = read_package(&mut &original[..]).unwrap();
    let start = head.header_range.start as usize;
    let entries = head.header.entries().len();
    let cases: Vec<Case> = (0..300)
        .map(|position| {
            let mut bytes = original.clone();
            let mut below = |limit: usize| (rng.next_u64() % limit as u64) as usize;
            // One field of one entry; types are left alone.
            let field = [0, 8, 12][below(3)];
            let at = start + 16 + 16 * below(entries) + field + below(4);
            bytes[at] ^= 1 << below(8);
            // Another tag number makes rpm expect another type of data, which is not checked here.
            let kind = if field == 0 { "tag" } else { "place" };
            (format!("{kind} {position}"), bytes)
        })
        .collect();
    let theirs = refused_by_rpm(&cases);
    let mut differ = Vec::new();
    for (name, bytes) in &cases {
        let ours = read_package(&mut &bytes[..]).err();
        let twice = matches!(
            ours,
            Some(Error::BadPackage {
                why: airlock_rpm::Flaw::DuplicateTag { .. },
                ..
            })
        );
        let only_the_type = name.starts_with("tag") && ours.is_none();
        if ours.is_some() != theirs.contains(name) && !twice && !only_the_type {
            differ.push(format!("{name}: we say {ours:?}"));
        }
    }
    assert!(theirs.len() > 100, "rpm refused only {}", theirs.len());
    assert_eq!(differ, Vec::<String>::new());
}
