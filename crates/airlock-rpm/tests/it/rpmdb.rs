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
    let Error::NotFound { looked } = error else {
        panic!("{error}");
    };
    assert_eq!(looked, [folder.path().join("var/lib/rpm")]);
}
