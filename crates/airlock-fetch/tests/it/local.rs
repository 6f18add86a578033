//! `file:` upstreams.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use airlock_fetch::{Error, Job, Location, Placed, Settings, Small, Upstream, Url};
use tempfile::TempDir;

use crate::place::{Place, assert_content, content};

fn upstream(folder: &Path) -> Upstream {
    Upstream::new(Url::from_directory_path(folder).unwrap())
}

fn repository() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir_all(folder.path().join("Packages")).unwrap();
    std::fs::write(folder.path().join("Packages/a.rpm"), content(700_000)).unwrap();
    folder
}

#[tokio::test]
async fn files_that_nobody_may_write_are_shared_where_possible() {
    let repository = repository();
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(repository.path().join("Packages/a.rpm"), read_only).unwrap();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let body = content(700_000);
    let done = place
        .download(&session, &place.job("Packages/a.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    let path = repository.path().join("Packages/a.rpm");
    let original = std::fs::metadata(path).unwrap();
    let ours = std::fs::metadata(done.path()).unwrap();
    match done.placed {
        Placed::HardLinked => assert_eq!(original.ino(), ours.ino()),
        Placed::Reflinked => assert_ne!(original.ino(), ours.ino()),
        other => panic!("one file system, but {other:?}"),
    }
    assert_eq!(place.progress.transferred().bytes, 700_000);
    drop(done);
    assert!(place.files().is_empty());
    assert!(repository.path().join("Packages/a.rpm").exists());
}

#[tokio::test]
async fn a_file_that_may_be_written_is_not_linked() {
    let repository = repository();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let body = content(700_000);
    let path = repository.path().join("Packages/a.rpm");
    // One bit is enough.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o464)).unwrap();
    let done = place
        .download(&session, &place.job("Packages/a.rpm", &body))
        .await
        .unwrap();
    assert_ne!(done.placed, Placed::HardLinked);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&path, "changed in place").unwrap();
    assert_content(&done, &body);
}

#[tokio::test]
async fn without_links_files_are_copied() {
    let repository = repository();
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(repository.path().join("Packages/a.rpm"), read_only).unwrap();
    let place = Place::with(Settings {
        hard_links: false,
        ..Settings::default()
    });
    let session = place.session(&upstream(repository.path())).await;
    let body = content(700_000);
    let done = place
        .download(&session, &place.job("Packages/a.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_ne!(done.placed, Placed::HardLinked);
}

#[tokio::test]
async fn across_file_systems_files_are_copied() {
    // /dev/shm is a file system of its own on every Linux.
    let other = TempDir::new_in("/dev/shm").unwrap();
    let body = content(700_000);
    std::fs::write(other.path().join("a.rpm"), &body).unwrap();
    let place = Place::new();
    let here = std::fs::metadata(place.folder.path()).unwrap().dev();
    assert_ne!(here, std::fs::metadata(other.path()).unwrap().dev());
    let session = place.session(&upstream(other.path())).await;
    let done = place
        .download(&session, &place.job("a.rpm", &body))
        .await
        .unwrap();
    assert_eq!(done.placed, Placed::Copied);
    assert_content(&done, &body);
}

#[tokio::test]
async fn wrong_and_missing_files_are_named() {
    let repository = repository();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let body = content(700_000);
    let error = place
        .download(&session, &place.job("Packages/b.rpm", &body))
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("Packages/b.rpm"),
        "{error}"
    );
    let mut wrong = body.clone();
    wrong[5] ^= 1;
    let error = place
        .download(&session, &place.job("Packages/a.rpm", &wrong))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let error = place
        .download(&session, &place.job("Packages/a.rpm", b"x"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Size {
                expected: 1,
                got: 700_000,
                ..
            }
        ),
        "{error}"
    );
    let error = place
        .download(&session, &Job::new("Packages", place.folder.path()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no plain file"), "{error}");
    assert!(place.files().is_empty(), "{:?}", place.files());

    let session = place
        .session(&upstream(&repository.path().join("gone")))
        .await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("gone"),
        "{error}"
    );
}

#[tokio::test]
async fn links_are_followed_inside_only() {
    let outside = TempDir::new().unwrap();
    std::fs::write(outside.path().join("secret"), "abc").unwrap();
    let repository = repository();
    let root = repository.path();
    let packages = root.join("Packages");
    std::fs::write(packages.join("b"), "abc").unwrap();
    symlink("b", packages.join("near")).unwrap();
    symlink("../Packages/b", packages.join("up-and-down")).unwrap();
    symlink(packages.join("b"), packages.join("absolute")).unwrap();
    symlink("Packages", root.join("p")).unwrap();
    symlink(outside.path().join("secret"), packages.join("far")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    symlink("/proc/self/fd/0", root.join("magic")).unwrap();
    let place = Place::new();
    let session = place.session(&upstream(root)).await;
    for path in [
        "Packages/near",
        "Packages/up-and-down",
        "Packages/absolute",
        "p/b",
    ] {
        let done = place
            .download(&session, &place.job(path, b"abc"))
            .await
            .unwrap();
        assert_content(&done, b"abc");
    }
    for path in ["Packages/far", "out/secret", "loop", "magic"] {
        let error = place
            .download(&session, &place.job(path, b"abc"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::LocalFile { .. } | Error::Io { .. }),
            "{path}: {error}"
        );
        assert!(
            session.small(path, 10, None, &place.cancel).await.is_err(),
            "{path}"
        );
    }
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn a_base_that_is_a_link_works() {
    let repository = repository();
    let links = TempDir::new().unwrap();
    symlink(repository.path(), links.path().join("repo")).unwrap();
    let place = Place::new();
    let session = place.session(&upstream(&links.path().join("repo"))).await;
    let body = content(700_000);
    place
        .download(&session, &place.job("Packages/a.rpm", &body))
        .await
        .unwrap();
}

#[tokio::test]
async fn pipes_do_not_hold_us() {
    let repository = repository();
    let pipe = repository.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let error = session
        .small("pipe", 10, None, &place.cancel)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no plain file"), "{error}");
}

#[tokio::test]
async fn encoded_names_are_found_either_way() {
    let repository = repository();
    for name in ["c++ 1%.rpm", "d%20e.rpm", "ü.rpm"] {
        std::fs::write(repository.path().join(name), name).unwrap();
    }
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    for (path, name) in [
        ("c++ 1%.rpm", "c++ 1%.rpm"),
        ("c%2B%2B%201%25.rpm", "c++ 1%.rpm"),
        ("d%20e.rpm", "d%20e.rpm"),
        ("%C3%BC.rpm", "ü.rpm"),
    ] {
        let done = place
            .download(&session, &place.job(path, name.as_bytes()))
            .await
            .unwrap();
        assert_content(&done, name.as_bytes());
    }
}

#[tokio::test]
async fn small_files_know_when_nothing_changed() {
    let repository = repository();
    let path = repository.path().join("repomd.xml");
    std::fs::write(&path, "one").unwrap();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let Small::Bytes(first) = session
        .small("repomd.xml", 10, None, &place.cancel)
        .await
        .unwrap()
    else {
        panic!("no bytes")
    };
    assert_eq!(first.bytes, b"one");
    let again = session
        .small("repomd.xml", 10, Some(&first.validators), &place.cancel)
        .await
        .unwrap();
    assert_eq!(again, Small::Unchanged);
    // Same length, new file: as a publisher does it.
    std::fs::write(repository.path().join("new"), "two").unwrap();
    std::fs::rename(repository.path().join("new"), &path).unwrap();
    let Small::Bytes(second) = session
        .small("repomd.xml", 10, Some(&first.validators), &place.cancel)
        .await
        .unwrap()
    else {
        panic!("the change was not seen")
    };
    assert_eq!(second.bytes, b"two");
    let error = session
        .small("repomd.xml", 2, None, &place.cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 2, .. }), "{error}");
}

#[tokio::test]
async fn absolute_locations_must_be_below_the_base() {
    let repository = repository();
    let place = Place::new();
    let session = place.session(&upstream(repository.path())).await;
    let body = content(700_000);
    let at = |path: &Path| Job {
        location: Location::Absolute(Url::from_file_path(path).unwrap()),
        ..place.job("", &body)
    };
    let inside = at(&repository.path().join("Packages/a.rpm"));
    place.download(&session, &inside).await.unwrap();
    let error = place
        .download(&session, &at(Path::new("/etc/passwd")))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadPath { .. }), "{error}");
}
