//! Databases of installed packages: every kind against what rpm itself printed, and against the local rpm.

mod beside;
mod faults;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use airlock_rpm::db::{Database, Error, Installed, Kind};
use airlock_rpm::package::file_flag;
use airlock_rpm::tag;

pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rpmdb")
}

/// The line that `expected-*.tsv` has for a package.
fn line(installed: &Installed) -> String {
    let header = installed.header();
    let package = installed.package().unwrap();
    let text = |tag| header.string(tag).unwrap_or("-".into()).into_owned();
    let mut line = format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t",
        package.name(),
        package
            .epoch()
            .map_or("-".to_owned(), |epoch| epoch.to_string()),
        package.version(),
        package.release(),
        installed
            .arch()
            .map_or("(none)".into(), |arch| String::from_utf8_lossy(arch)
                .into_owned()),
        package.installed_size().unwrap_or(0),
        installed.install_time().unwrap(),
        text(tag::signature::SHA1),
        text(tag::signature::SHA256),
    );
    let signatures = installed.signatures();
    line.push_str(match signatures.first().map(|signature| signature.tag) {
        None => "-",
        Some("RSAHEADER") => "rsa",
        Some("DSAHEADER") => "dsa",
        Some(other) => other,
    });
    line.push('\t');
    for file in package.files() {
        let letters: String = [
            (file_flag::DOC, 'd'),
            (file_flag::CONFIG, 'c'),
            (file_flag::SPECFILE, 's'),
            (file_flag::MISSINGOK, 'm'),
            (file_flag::NOREPLACE, 'n'),
            (file_flag::GHOST, 'g'),
            (file_flag::LICENSE, 'l'),
            (file_flag::README, 'r'),
        ]
        .iter()
        .filter(|(bit, _)| file.flags & bit != 0)
        .map(|(_, letter)| letter)
        .collect();
        write!(
            line,
            "{}|{}|{:o}|{letters}|{};",
            file.path(),
            String::from_utf8_lossy(file.digest),
            file.mode,
            file.size
        )
        .unwrap();
    }
    line
}

fn lines(database: &Database) -> Vec<String> {
    let mut lines: Vec<String> = database
        .packages()
        .unwrap()
        .iter()
        .map(|installed| line(installed.as_ref().unwrap()))
        .collect();
    lines.sort();
    lines
}

fn expected(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(data().join(name)).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn every_kind_gives_what_rpm_printed() {
    for (kind, file, list) in [
        (Kind::Sqlite, "sqlite/rpmdb.sqlite", "expected-sqlite.tsv"),
        (Kind::Ndb, "ndb/Packages.db", "expected-ndb.tsv"),
        (
            Kind::BerkeleyDb,
            "bdb/page512/Packages",
            "expected-sqlite.tsv",
        ),
        (
            Kind::BerkeleyDb,
            "bdb/page4096/Packages",
            "expected-sqlite.tsv",
        ),
        (
            Kind::BerkeleyDb,
            "bdb/page16384/Packages",
            "expected-sqlite.tsv",
        ),
        (
            Kind::BerkeleyDb,
            "bdb/bigendian/Packages",
            "expected-sqlite.tsv",
        ),
    ] {
        let database = Database::at(kind, &data().join(file));
        let (found, expected) = (lines(&database), expected(list));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{file}");
        }
        assert_eq!(found.len(), expected.len(), "{file}");
    }
}

#[test]
fn a_folder_without_a_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Database::open(folder.path(), Some(Path::new("/var/lib/rpm"))).unwrap_err();
    let Error::NotFound { looked, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(looked, [folder.path().join("var/lib/rpm")]);
}

#[test]
fn links_in_a_root_lead_to_the_database_of_that_root() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (folder.path().join("root"), folder.path().join("other"));
    for path in [
        root.join("var/lib"),
        root.join("opt/database"),
        other.clone(),
    ] {
        std::fs::create_dir_all(path).unwrap();
    }
    std::fs::copy(data().join("ndb/Packages.db"), other.join("Packages.db")).unwrap();
    // Out of the root: not the database of this root.
    symlink(&other, root.join("var/lib/rpm")).unwrap();
    let error = Database::open(&root, Some(Path::new("/var/lib/rpm"))).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    // Absolute, as a process rooted there would follow it.
    std::fs::remove_file(root.join("var/lib/rpm")).unwrap();
    symlink("/opt/database", root.join("var/lib/rpm")).unwrap();
    std::fs::copy(
        data().join("ndb/Packages.db"),
        root.join("opt/database/Packages.db"),
    )
    .unwrap();
    let database = Database::open(&root, None).unwrap();
    assert_eq!(database.location().kind, Kind::Ndb);
    assert_eq!(database.packages().unwrap().len(), 22);
    // An empty file of another kind is a left-over; one with content is read first, and both are told.
    std::fs::write(root.join("opt/database/rpmdb.sqlite"), "").unwrap();
    assert_eq!(
        Database::open(&root, None).unwrap().location().kind,
        Kind::Ndb
    );
    std::fs::copy(
        data().join("sqlite/rpmdb.sqlite"),
        root.join("opt/database/rpmdb.sqlite"),
    )
    .unwrap();
    let database = Database::open(&root, None).unwrap();
    assert_eq!(database.location().kind, Kind::Sqlite);
    assert_eq!(database.location().others.len(), 1);
}

#[test]
fn many_buckets_after_deletions_are_read_in_the_order_of_rpm() {
    let database = Database::at(Kind::BerkeleyDb, &data().join("bdb/many/Packages"));
    let mut found = String::new();
    for installed in database.packages().unwrap() {
        let installed = installed.unwrap();
        let package = installed.package().unwrap();
        writeln!(
            found,
            "{}|{}-{}-{}|{}|{}|{}",
            installed.number(),
            package.name(),
            package.version(),
            package.release(),
            package.build_time().unwrap(),
            installed.install_time().unwrap(),
            package.summary().unwrap()
        )
        .unwrap();
    }
    let expected = std::fs::read_to_string(data().join("bdb/many/expected.txt")).unwrap();
    assert_eq!(found.lines().count(), 100);
    assert_eq!(found, expected);
}
