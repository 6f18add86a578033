use std::fs;

use airlock_createrepo::{ChecksumKind, Compression, Error, Retain};

use crate::folder::Folder;

#[test]
fn only_what_is_asked_for_is_listed() {
    let folder = Folder::with(4);
    folder
        .run(|options| options.excludes = vec!["sub/*".into()])
        .unwrap();
    assert_eq!(folder.locations(), ["p0.rpm", "p2.rpm"]);
    let list = folder.path().join("list");
    fs::write(&list, "sub/p1.rpm\n\n./p2.rpm\nnot-there.rpm\n").unwrap();
    let (outcome, heard) = folder.run_heard(|options| options.pkglist = Some(list));
    assert_eq!(folder.locations(), ["p2.rpm", "sub/p1.rpm"]);
    assert_eq!(outcome.unwrap().failed, 1);
    assert!(heard[0].contains("not-there.rpm"), "{heard:?}");
    folder
        .run(|options| options.include_packages = vec!["p0.rpm".into()])
        .unwrap();
    assert_eq!(folder.locations(), ["p0.rpm"]);
}

#[test]
fn a_pipe_or_folder_instead_of_a_list_does_not_block() {
    let folder = Folder::with(1);
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    for path in [pipe.clone(), folder.path().to_owned()] {
        let error = folder
            .run(|options| options.pkglist = Some(path))
            .unwrap_err();
        assert!(matches!(error, Error::NoFile { .. }), "{error}");
    }
    // A pipe that looks like a package is none; named in a list it is an error, and no wait either.
    fs::rename(&pipe, folder.path().join("pipe.rpm")).unwrap();
    assert_eq!(folder.run(|_| ()).unwrap().failed, 0);
    let outcome = folder.run(|options| options.include_packages = vec!["pipe.rpm".into()]);
    assert_eq!(outcome.unwrap().failed, 1);
}

#[test]
fn locations_get_prefix_base_and_fewer_folders() {
    let folder = Folder::with(2);
    for update in [false, true] {
        folder
            .run(|options| {
                options.location_prefix = Some("pre/fix".into());
                options.base_url = Some("http://x/?a&b".into());
                options.cut_dirs = 1;
                options.update = update;
            })
            .unwrap();
        assert_eq!(folder.locations(), ["pre/fix/p0.rpm", "pre/fix/p1.rpm"]);
        assert_eq!(
            folder.opened()["primary"]
                .matches("xml:base=\"http://x/?a&amp;b\"")
                .count(),
            2
        );
        folder.run(|_| ()).unwrap();
    }
}

#[test]
fn repomd_says_what_was_asked_for() {
    let folder = Folder::with(1);
    fs::write(folder.path().join("comps.xml"), "<comps/>").unwrap();
    folder
        .run(|options| {
            options.groupfile = Some("comps.xml".into());
            options.revision = Some("123".into());
            options.set_timestamp_to_revision = true;
            options.simple_md_filenames = true;
            options.general_compress_type = Compression::Gz;
            options.compress_type = Some(Compression::Xz);
            options.checksum = ChecksumKind::Sha512;
            options.repo = vec!["R".into()];
            options.content = vec!["C".into()];
            options.distro = vec![(Some("cpe:/o".into()), "D".into())];
        })
        .unwrap();
    assert_eq!(
        folder.names(),
        [
            "comps.xml.xz",
            "filelists.xml.gz",
            "other.xml.gz",
            "primary.xml.gz",
            "repomd.xml"
        ]
    );
    let repomd = folder.repomd();
    assert_eq!(repomd.revision.as_deref(), Some("123"));
    assert_eq!(repomd.tags.distro[0].cpeid.as_deref(), Some("cpe:/o"));
    assert!(
        repomd
            .records
            .iter()
            .all(|record| record.timestamp == Some(123))
    );
    assert!(
        repomd
            .records
            .iter()
            .all(|record| record.checksum.kind == "sha512")
    );
}

#[test]
fn old_files_stay_or_go() {
    let folder = Folder::with(1);
    folder.run(|_| ()).unwrap();
    let old = folder.primary();
    fs::write(folder.path().join("repodata/notes.txt"), "mine").unwrap();
    folder.add(1, "1");
    folder.run(|options| options.retain = Retain::All).unwrap();
    assert!(old.exists());
    let middle = folder.primary();
    folder.add(2, "1");
    folder.run(|options| options.update = true).unwrap();
    assert!(!middle.exists(), "listed in the old repomd.xml");
    assert!(
        folder.names().contains(&"notes.txt".to_owned()),
        "nobody's file stays"
    );
}

#[test]
fn a_lock_of_somebody_else_is_respected_and_a_dead_one_of_ours_is_not() {
    let folder = Folder::with(1);
    let lock = folder.path().join(".repodata");
    fs::create_dir(&lock).unwrap();
    let error = folder.run(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    fs::write(lock.join(".airlock-createrepo"), "").unwrap();
    fs::write(lock.join("half"), "").unwrap();
    folder.run(|_| ()).unwrap();
    assert!(!lock.exists());
    assert!(!folder.names().contains(&"half".to_owned()));
}

#[test]
fn bad_packages_are_left_out_with_a_warning() {
    let folder = Folder::with(2);
    fs::write(folder.path().join("text.rpm"), "no package").unwrap();
    let (outcome, heard) = folder.run_heard(|_| ());
    let outcome = outcome.unwrap();
    assert_eq!((outcome.packages, outcome.failed), (2, 1));
    assert!(heard[0].contains("text.rpm"), "{heard:?}");
}
