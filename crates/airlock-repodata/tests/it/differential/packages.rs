//! Fragments made from packages against createrepo_c's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::package::{FileFacts, Fragments, from_rpm};
use airlock_repodata::repomd::Repomd;
use airlock_repodata::{Limits, MetadataKind, compress, filelists, other, primary};
use airlock_rpm::Package;
use sha2::{Digest, Sha256};

use super::{Tally, files_below, folders, oracle};
use crate::made;

fn our_fragments(rpm: &Path, href: &str) -> Result<Fragments, String> {
    let metadata = std::fs::metadata(rpm).unwrap();
    let mut reader = BufReader::new(File::open(rpm).unwrap());
    let head = airlock_rpm::read_package(&mut reader).map_err(|error| error.to_string())?;
    let package = Package::new(&head).map_err(|error| error.to_string())?;
    let digest = Sha256::digest(std::fs::read(rpm).unwrap());
    let checksum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let facts = FileFacts {
        checksum_type: "sha256",
        checksum: &checksum,
        size: metadata.len(),
        time: metadata.mtime(),
        header_range: head.header_range.clone(),
        location: Some((href, None)),
        changelog_limit: Some(10),
    };
    Ok(from_rpm(&package, &facts))
}

/// Fragments of one file of a repository by package id.
fn fragments(repository: &Path, kind: MetadataKind) -> Vec<Vec<u8>> {
    let repomd = std::fs::read(repository.join("repodata/repomd.xml")).unwrap();
    let repomd = Repomd::parse(&repomd).unwrap();
    let record = repomd.record(kind.name()).unwrap();
    let limits = Limits::default().with_open_size(record.open_size);
    let reader = compress::open_path(&repository.join(&record.href), &limits).unwrap();
    let mut cutter = PackageCutter::new(kind, reader, limits).unwrap();
    let mut fragments = Vec::new();
    while let Some(fragment) = cutter.next_package().unwrap() {
        fragments.push(fragment.bytes().to_vec());
    }
    fragments
}

fn compare_folder(folder: &Path, tally: &mut Tally) {
    let out = tempfile::tempdir().unwrap();
    oracle::createrepo(folder, out.path());
    let theirs_primary = fragments(out.path(), MetadataKind::Primary);
    let by_id = |kind| -> BTreeMap<String, Vec<u8>> {
        let list = fragments(out.path(), kind);
        let with_id = list.into_iter().map(|fragment| {
            let id = filelists::parse(&fragment).unwrap().identity.pkgid;
            (id, fragment)
        });
        with_id.collect()
    };
    let (theirs_filelists, theirs_other) =
        (by_id(MetadataKind::Filelists), by_id(MetadataKind::Other));
    let mut left_out = files_below(folder, &|path| {
        path.extension().is_some_and(|ending| ending == "rpm")
    });
    for fragment in &theirs_primary {
        let theirs = primary::parse(fragment).unwrap();
        let path = folder.join(&theirs.href);
        left_out.retain(|left| *left != path);
        let ours = match our_fragments(&path, &theirs.href) {
            Ok(ours) => ours,
            Err(error) => {
                tally.compare(
                    &theirs.href,
                    &format!("refused: {error}"),
                    &"accepted".to_owned(),
                );
                continue;
            }
        };
        tally.compare(
            &theirs.href,
            &primary::parse(&ours.primary).unwrap(),
            &theirs,
        );
        tally.compare(
            &format!("{} filelists", theirs.href),
            &filelists::parse(&ours.filelists).unwrap(),
            &filelists::parse(&theirs_filelists[&theirs.checksum]).unwrap(),
        );
        tally.compare(
            &format!("{} other", theirs.href),
            &other::parse(&ours.other).unwrap(),
            &other::parse(&theirs_other[&theirs.checksum]).unwrap(),
        );
    }
    for path in left_out {
        let verdict = our_fragments(&path, "x.rpm")
            .map(|_| "we take it")
            .unwrap_or("we refuse it too");
        println!("createrepo_c leaves out {}; {verdict}", path.display());
    }
}

#[test]
fn differential_packages() {
    let made = made::packages();
    let mut tally = Tally::default();
    compare_folder(made.path(), &mut tally);
    for folder in folders("AIRLOCK_RPM_CASES") {
        compare_folder(&folder, &mut tally);
    }
    tally.finish("fragments of packages");
}
