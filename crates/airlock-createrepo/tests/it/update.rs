use std::fs;

use airlock_createrepo::{Compression, Error};
use airlock_testkit::repos::Peer;
use proptest::prelude::*;

use crate::folder::Folder;

#[test]
fn nothing_changed_writes_nothing() {
    let folder = Folder::with(5);
    folder.run(|_| ()).unwrap();
    let before = fs::read(folder.path().join("repodata/repomd.xml")).unwrap();
    let outcome = folder.run(|options| options.update = true).unwrap();
    assert_eq!(
        (outcome.packages, outcome.read, outcome.written),
        (5, 0, false)
    );
    assert_eq!(
        fs::read(folder.path().join("repodata/repomd.xml")).unwrap(),
        before
    );
    assert!(!folder.path().join(".repodata").exists());
}

#[test]
fn damage_is_healed_by_reading_again() {
    let folder = Folder::with(5);
    folder.run(|_| ()).unwrap();
    let whole = folder.opened();
    let cut = |path: &std::path::Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    cut(&folder.primary());
    let (outcome, heard) = folder.run_heard(|options| options.update = true);
    assert_eq!(outcome.unwrap().read, 5);
    assert!(heard[0].contains("read again"), "{heard:?}");
    assert_eq!(folder.opened(), whole);
    // Without its cache the metadata is read as anybody's.
    cut(&folder.path().join("repodata/.airlock-cache"));
    let (outcome, heard) = folder.run_heard(|options| options.update = true);
    assert_eq!(outcome.unwrap().read, 0);
    assert!(heard[0].contains("cache is damaged"), "{heard:?}");
    assert_eq!(folder.opened(), whole);
}

#[test]
fn foreign_metadata_is_taken_over() {
    let folder = Folder::with(5);
    let made = std::process::Command::new(Peer::Newest.program("createrepo_c"))
        .arg("-q")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    let outcome = folder.run(|options| options.update = true).unwrap();
    assert_eq!((outcome.packages, outcome.read), (5, 0));
    let other = Folder::new();
    for number in 0..5 {
        let from = folder
            .path()
            .join(if number % 2 == 0 { "." } else { "sub" });
        fs::hard_link(
            from.join(format!("p{number}.rpm")),
            other.path().join(format!("p{number}.rpm")),
        )
        .unwrap();
    }
    let outcome = other
        .run(|options| {
            options.update = true;
            options.update_md_paths = vec![folder.path().to_owned()];
        })
        .unwrap();
    assert_eq!((outcome.packages, outcome.read), (5, 0));
    let error = other
        .run(|options| {
            options.update = true;
            options.update_md_paths = vec!["/not/there".into()];
        })
        .unwrap_err();
    assert!(matches!(error, Error::UpdatePath { .. }), "{error}");
}

#[test]
fn skip_stat_and_recycled_lists() {
    let folder = Folder::with(3);
    folder.run(|_| ()).unwrap();
    folder.add(0, "2");
    folder.add(7, "1");
    let outcome = folder
        .run(|options| {
            options.update = true;
            options.skip_stat = true;
            options.recycle_pkglist = true;
        })
        .unwrap();
    assert_eq!((outcome.packages, outcome.read), (3, 0));
    let outcome = folder.run(|options| options.update = true).unwrap();
    assert_eq!((outcome.packages, outcome.read), (4, 2));
}

#[test]
fn additional_metadata_is_carried_along() {
    let folder = Folder::with(2);
    fs::write(folder.path().join("comps.xml"), "<comps/>").unwrap();
    folder
        .run(|options| options.groupfile = Some("comps.xml".into()))
        .unwrap();
    folder.add(2, "1");
    folder.run(|options| options.update = true).unwrap();
    let record = folder.repomd().record("group").unwrap().clone();
    assert!(folder.path().join(&record.href).exists());
    fs::remove_file(folder.path().join(&record.href)).unwrap();
    folder.add(3, "1");
    let error = folder.run(|options| options.update = true).unwrap_err();
    assert!(matches!(error, Error::Additional { .. }), "{error}");
    folder
        .run(|options| options.discard_additional_metadata = true)
        .unwrap();
    assert!(folder.repomd().record("group").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// An update is a full run, only faster.
    #[test]
    fn an_update_equals_a_full_run(
        steps in prop::collection::vec((0usize..40, 0u8..3), 1..12),
        gz in any::<bool>(),
    ) {
        let folder = Folder::with(24);
        let compression = if gz { Compression::Gz } else { Compression::Zstd };
        folder.run(|options| options.general_compress_type = compression).unwrap();
        for (at, (number, what)) in steps.iter().enumerate() {
            let below = folder.path().join(if number % 2 == 0 { "." } else { "sub" });
            match what {
                0 => { folder.add(*number, &format!("{at}")); }
                1 => { let _ = fs::remove_file(below.join(format!("p{number}.rpm"))); }
                _ => { folder.add(*number, "1"); }
            }
            if at % 3 == 0 {
                folder.run(|options| {
                    options.update = true;
                    options.general_compress_type = compression;
                }).unwrap();
            }
        }
        folder.run(|options| {
            options.update = true;
            options.general_compress_type = compression;
        }).unwrap();
        let updated = (folder.opened(), folder.names().len());
        folder.run(|options| options.general_compress_type = compression).unwrap();
        prop_assert_eq!(updated, (folder.opened(), folder.names().len()));
    }
}
