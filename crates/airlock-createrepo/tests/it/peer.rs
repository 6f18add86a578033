//! The same meaning as createrepo_c's, as seen by our reader.

use std::fs;
use std::process::Command;

use airlock_createrepo::Compression;
use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, compress, primary};
use airlock_testkit::repos::Peer;

use crate::folder::Folder;

fn packages(folder: &Folder) -> Vec<primary::PrimaryPackage> {
    let opened = compress::open_path(&folder.primary(), &Limits::default()).unwrap();
    let mut cutter = PackageCutter::new(MetadataKind::Primary, opened, Limits::default()).unwrap();
    let mut packages = Vec::new();
    while let Some(fragment) = cutter.next_package().unwrap() {
        packages.push(primary::parse(fragment.bytes()).unwrap());
    }
    packages.sort_by(|one, two| one.name.cmp(&two.name));
    packages
}

#[test]
fn says_what_createrepo_c_says() {
    let folder = Folder::with(6);
    folder.run(|_| ()).unwrap();
    let ours = packages(&folder);
    fs::remove_dir_all(folder.path().join("repodata")).unwrap();
    let made = Command::new(Peer::Newest.program("createrepo_c"))
        .arg("-q")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(format!("{ours:#?}"), format!("{:#?}", packages(&folder)));
}

#[test]
fn createrepo_c_reads_every_compression() {
    for compression in [
        Compression::Zstd,
        Compression::Gz,
        Compression::Xz,
        Compression::Bz2,
    ] {
        let folder = Folder::with(60);
        folder
            .run(|options| options.general_compress_type = compression)
            .unwrap();
        // It reads the metadata for --update and lists what it really had to read.
        let list = folder.path().join("read");
        let made = Command::new(Peer::Newest.program("createrepo_c"))
            .args(["-q", "--update", "--read-pkgs-list"])
            .arg(&list)
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(made.success());
        assert_eq!(
            fs::read_to_string(&list).unwrap_or_default().trim(),
            "",
            "{compression:?}"
        );
    }
}
