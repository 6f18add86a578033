//! The blob store as its users see it: whole blobs or none, whatever step fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::Write as _;
use std::path::Path;

use airlock_blob::{BlobStore, Error};
use airlock_model::{Fault, Faults};

fn put(store: &BlobStore, bytes: &[u8]) -> airlock_blob::Result<airlock_blob::Stored> {
    let mut writer = store.writer()?;
    writer.write_all(bytes).unwrap();
    writer.finish(None)
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_blob_is_found_by_its_digest_and_an_unfinished_one_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    let stored = put(&store, b"hello").unwrap();
    assert_eq!(
        stored.sha256,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(
        std::fs::read(store.path(&stored.sha256).unwrap()).unwrap(),
        b"hello"
    );
    let mut writer = store.writer().unwrap();
    writer.write_all(b"half").unwrap();
    drop(writer);
    assert_eq!(files_in(store.temp_dir()), 0);
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn other_bytes_than_expected_never_become_visible() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"evil").unwrap();
    assert!(matches!(
        writer.finish(Some(&"0".repeat(64))),
        Err(Error::Mismatch { .. })
    ));
    assert!(store.list().unwrap().is_empty());
    assert_eq!(files_in(store.temp_dir()), 0);
}

#[test]
fn only_digests_become_paths() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    for bad in [
        "",
        "..",
        "../../etc/passwd",
        &"A".repeat(64),
        &"0".repeat(63),
        &format!("{}/", "0".repeat(63)),
    ] {
        assert!(matches!(store.path(bad), Err(Error::NoDigest(_))), "{bad}");
    }
}

/// For n in 1.. the n-th step fails; afterwards every visible blob is whole, and the same work without a fault ends
/// in the same state.
#[test]
fn whatever_step_fails_a_visible_blob_is_whole() {
    let mut failed = 0;
    for n in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults::on_order();
        let store = BlobStore::open_with(dir.path(), faults.clone()).unwrap();
        let loose = store.temp_dir().join("loose");
        std::fs::write(&loose, b"adopted").unwrap();
        let work = |store: &BlobStore| -> airlock_blob::Result<()> {
            put(store, b"first")?;
            let sum = "9ab41fd3ff15f3cd8c7b0a2c4cc59c5d23efb37a22f20f5fbf1ea6c5a5ee5a3e".to_owned();
            let sum = store.hash_file(&loose).map_or(sum, |(sum, _)| sum);
            if loose.exists() {
                store.adopt_many(&[(loose.clone(), sum)])?;
            }
            let gone = put(store, b"gone")?;
            store.delete(&gone.sha256)?;
            Ok(())
        };
        faults.fail_at(n);
        let result = work(&store);
        faults.fail_at(0);
        for blob in store.list().unwrap() {
            assert!(store.verify(&blob.sha256).unwrap(), "step {n}");
        }
        let fired = result.is_err();
        if fired {
            failed += 1;
            work(&store).unwrap();
        }
        let mut contents: Vec<Vec<u8>> = store
            .list()
            .unwrap()
            .iter()
            .map(|b| std::fs::read(store.path(&b.sha256).unwrap()).unwrap())
            .collect();
        contents.sort();
        assert_eq!(
            contents,
            [b"adopted".to_vec(), b"first".to_vec()],
            "step {n}"
        );
        if !fired {
            break;
        }
    }
    assert!(failed > 8, "{failed} steps could fail");
}

#[test]
fn a_blob_taken_up_again_is_young_for_a_collection() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    let stored = put(&store, b"kept").unwrap();
    let cutoff = store.list().unwrap()[0].modified_us;
    assert!(!store.remove_if_older(&stored.sha256, cutoff).unwrap());
    put(&store, b"kept").unwrap();
    assert!(!store.remove_if_older(&stored.sha256, cutoff).unwrap());
    let later = store.list().unwrap()[0].modified_us + 1;
    assert!(store.remove_if_older(&stored.sha256, later).unwrap());
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn adopting_a_hard_link_leaves_the_other_name_and_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    let upstream = dir.path().join("upstream.rpm");
    std::fs::write(&upstream, b"package").unwrap();
    let before = std::fs::metadata(&upstream).unwrap().modified().unwrap();
    for _ in 0..2 {
        let link = store.temp_dir().join("link");
        std::fs::hard_link(&upstream, &link).unwrap();
        let (sum, _) = store.hash_file(&link).unwrap();
        store.adopt_many(&[(link.clone(), sum)]).unwrap();
        assert!(!link.exists());
    }
    assert_eq!(
        std::fs::metadata(&upstream).unwrap().modified().unwrap(),
        before
    );
    assert_eq!(std::fs::read(&upstream).unwrap(), b"package");
}

/// A sync that failed once must not be taken for done by the next try (threats-and-faults 4.1, power loss).
#[test]
fn a_blob_that_is_there_by_a_failed_try_is_synced_before_it_is_reported() {
    let mut visible = 0;
    for n in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults::on_order();
        let store = BlobStore::open_with(dir.path(), faults.clone()).unwrap();
        let loose = store.temp_dir().join("loose");
        std::fs::write(&loose, b"hello").unwrap();
        let (sum, _) = store.hash_file(&loose).unwrap();
        faults.fail_at(n);
        let first = put(&store, b"hello");
        faults.fail_at(0);
        if first.is_ok() {
            break;
        }
        if !store.exists(&sum).unwrap() {
            continue;
        }
        visible += 1;
        // The second step: the temporary file comes first.
        faults.fail_at(2);
        let again = put(&store, b"hello");
        faults.fail_at(0);
        assert!(
            matches!(again, Err(Error::Injected(Fault("sync folder")))),
            "{again:?}"
        );
        // Adoption removes the file in hand, then syncs the folder.
        faults.fail_at(2);
        let adopted = store.adopt_many(&[(loose.clone(), sum)]);
        faults.fail_at(0);
        assert!(
            matches!(adopted, Err(Error::Injected(Fault("sync folder")))),
            "{adopted:?}"
        );
    }
    assert_eq!(visible, 1);
}

#[test]
fn a_folder_whose_sync_failed_is_synced_by_the_next_blob_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::on_order();
    let store = BlobStore::open_with(dir.path(), faults.clone()).unwrap();
    // Steps of a first blob: make file, sync file, sync the folder of folders, rename, sync folder.
    for _ in 0..2 {
        faults.fail_at(3);
        let result = put(&store, b"hello");
        faults.fail_at(0);
        assert!(
            matches!(result, Err(Error::Injected(Fault("sync folder")))),
            "{result:?}"
        );
        assert!(store.list().unwrap().is_empty());
    }
    put(&store, b"hello").unwrap();
}

/// Writers that take up an old blob race with a collection that removes it: after a writer was told of it, it is there.
#[test]
fn a_collection_never_removes_what_was_just_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    for _ in 0..60 {
        let stored = put(&store, b"raced").unwrap();
        let cutoff = store.list().unwrap()[0].modified_us + 1;
        // File times have the grain of a clock tick: go on when the file system would write a later one.
        let probe = dir.path().join("probe");
        loop {
            std::fs::write(&probe, b"x").unwrap();
            let modified = std::fs::metadata(&probe).unwrap().modified().unwrap();
            let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
            if since.as_micros() > u128::try_from(cutoff).unwrap() {
                break;
            }
        }
        std::thread::scope(|scope| {
            scope.spawn(|| put(&store, b"raced").unwrap());
            scope.spawn(|| store.remove_if_older(&stored.sha256, cutoff).unwrap());
        });
        assert!(store.exists(&stored.sha256).unwrap());
    }
}

#[test]
fn a_damaged_blob_is_replaced_by_a_whole_one_and_by_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let from = BlobStore::open(&dir.path().join("from")).unwrap();
    let to = BlobStore::open(&dir.path().join("to")).unwrap();
    let name = put(&from, b"hello").unwrap().sha256;
    put(&to, b"hello").unwrap();
    let damaged = to.path(&name).unwrap();
    std::fs::write(&damaged, b"hallo").unwrap();
    to.copy_over(&from, &name).unwrap();
    assert_eq!(std::fs::read(&damaged).unwrap(), b"hello");

    std::fs::write(from.path(&name).unwrap(), b"hallo").unwrap();
    assert!(matches!(
        to.copy_over(&from, &name),
        Err(Error::Mismatch { .. })
    ));
    assert_eq!(std::fs::read(&damaged).unwrap(), b"hello");
    assert_eq!(files_in(to.temp_dir()), 0);
}
