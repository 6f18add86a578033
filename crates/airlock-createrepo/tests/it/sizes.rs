//! Packages of very different sizes: they are hashed two at a time, in pieces, and each has to get its own checksum.

use std::collections::BTreeSet;
use std::fs;

use airlock_createrepo::ChecksumKind;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;
use sha2::Digest;

use crate::folder::Folder;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut source = Seeded::new(seed);
    (0..length).map(|_| source.below(256) as u8).collect()
}

/// Payloads around the steps of reading, and one head that is longer than a step.
fn folder() -> Folder {
    let folder = Folder::new();
    for (number, length) in [0, 1, 63, 64, 130_000, 131_072, 131_136, 400_001]
        .into_iter()
        .enumerate()
    {
        let rpm = Rpm::new(&format!("p{number}"), "1", "1")
            .file("/usr/share/noise", noise(number as u64, length));
        fs::write(folder.path().join(format!("p{number}.rpm")), rpm.bytes()).unwrap();
    }
    let mut long = Rpm::new("long", "1", "1");
    for number in 0..4_000 {
        long = long.file(
            &format!("/usr/share/long/a-file-with-a-long-name-{number}"),
            Vec::new(),
        );
    }
    let bytes = long.bytes();
    let head = airlock_rpm::read_package(&mut &bytes[..]).unwrap();
    assert!(head.header_range.end > 300_000, "{:?}", head.header_range);
    fs::write(folder.path().join("long.rpm"), bytes).unwrap();
    folder
}

#[test]
fn every_package_has_its_own_checksum_however_many_are_read_at_once() {
    let folder = folder();
    let files: Vec<Vec<u8>> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let sha256: BTreeSet<String> = files
        .iter()
        .map(|bytes| hex::encode(sha2::Sha256::digest(bytes)))
        .collect();
    let sha512: BTreeSet<String> = files
        .iter()
        .map(|bytes| hex::encode(sha2::Sha512::digest(bytes)))
        .collect();
    for workers in [1, 2, 20] {
        for (kind, expected) in [
            (ChecksumKind::Sha256, &sha256),
            (ChecksumKind::Sha512, &sha512),
        ] {
            let outcome = folder
                .run(|options| {
                    options.workers = Some(workers);
                    options.checksum = kind;
                })
                .unwrap();
            assert_eq!((outcome.packages, outcome.read), (9, 9));
            let primary = &folder.opened()["primary"];
            let found: BTreeSet<String> = primary
                .split("pkgid=\"YES\">")
                .skip(1)
                .map(|rest| rest.split_once('<').unwrap().0.to_owned())
                .collect();
            assert_eq!(&found, expected, "{workers} workers, {}", kind.name());
        }
    }
}

#[test]
fn a_package_that_ends_early_fails_alone() {
    let folder = folder();
    let path = folder.path().join("long.rpm");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..200_000]).unwrap();
    let (outcome, warnings) = folder.run_heard(|options| options.workers = Some(1));
    let outcome = outcome.unwrap();
    assert_eq!((outcome.packages, outcome.failed), (8, 1));
    assert!(warnings[0].contains("long.rpm"), "{warnings:?}");
}
