//! A sqlite database while sqlite itself writes to it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use airlock_rpm::db::{Database, Error, Kind};
use sha2::Digest;

use super::data;

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rpmdb/sqlite.py")
}

fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .arg(script())
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

struct Writer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(script())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut writer = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        assert_eq!(writer.line(), "ready");
        writer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn go_on(&mut self) -> String {
        self.input.write_all(b"\n").unwrap();
        self.line()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.input.write_all(b"\n");
        let _ = self.child.wait();
    }
}

fn copy(folder: &Path) -> (PathBuf, Database) {
    let file = folder.join("rpmdb.sqlite");
    std::fs::copy(data().join("sqlite/rpmdb.sqlite"), &file).unwrap();
    let database = Database::at(Kind::Sqlite, &file);
    (file, database)
}

fn numbers(database: &Database) -> Vec<u32> {
    let packages = database.packages().unwrap();
    packages
        .into_iter()
        .map(|one| one.unwrap().number())
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn committed_changes_in_the_log_count_and_begun_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = copy(folder.path());
    let before = numbers(&database);
    let mut expected = before[1..].to_vec();
    expected.push(1000);
    let mut writer = Writer::start(&["hold", file.to_str().unwrap()]);
    let there = names(folder.path());
    let main = std::fs::read(&file).unwrap();
    assert_eq!(numbers(&database), expected);
    // Nothing was written, not even beside it.
    assert_eq!(std::fs::read(&file).unwrap(), main);
    assert_eq!(names(folder.path()), there);
    assert_eq!(writer.go_on(), "ready");
    assert_eq!(numbers(&database), expected);
}

#[test]
fn a_snapshot_says_when_it_no_longer_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = copy(folder.path());
    let mut writer = Writer::start(&["hold", file.to_str().unwrap()]);
    let snapshot = database.snapshot().unwrap();
    assert!(snapshot.is_current().unwrap());
    writer.go_on();
    assert!(!snapshot.is_current().unwrap());
}

/// What is read is one state of the database or an error that says why not.
fn every_read_is_one_state(mode: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = copy(folder.path());
    let mut writer = Writer::start(&["churn", file.to_str().unwrap(), mode]);
    let (mut read, mut generations) = (0, std::collections::HashSet::new());
    let start = std::time::Instant::now();
    // As long as it takes to see the writer at work, however the two are scheduled.
    let mut rounds = 0;
    while rounds < 150 || read == 0 || generations.len() < 3 {
        rounds += 1;
        assert!(
            start.elapsed() < std::time::Duration::from_secs(120),
            "{read} of {rounds} read, {} states seen",
            generations.len()
        );
        match database.packages() {
            Ok(packages) => {
                let numbers: Vec<u32> = packages
                    .into_iter()
                    .map(|one| {
                        let installed = one.unwrap();
                        assert_eq!(installed.verify_digests().first_bad(), None);
                        installed.number()
                    })
                    .collect();
                let generation = numbers[0] / 100;
                let whole: Vec<u32> = (0..20)
                    .map(|position| generation * 100 + position)
                    .collect();
                assert_eq!(numbers, whole);
                generations.insert(generation);
                read += 1;
            }
            Err(Error::Busy { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let written: usize = writer.go_on().parse().unwrap();
    assert!(
        written >= generations.len() - 1,
        "{read} read, {written} written"
    );
}

#[test]
fn every_read_beside_a_writer_with_a_log_is_one_state() {
    every_read_is_one_state("wal");
}

#[test]
fn every_read_beside_a_writer_with_a_journal_is_one_state() {
    every_read_is_one_state("delete");
}

#[test]
fn large_tables_of_all_page_sizes_are_read_as_sqlite_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let source = data().join("sqlite/rpmdb.sqlite");
    for (size, count) in [
        ("512", "900"),
        ("1024", "700"),
        ("4096", "1500"),
        ("65536", "300"),
    ] {
        let file = folder.path().join(size);
        let name = file.to_str().unwrap();
        python(&["grow", source.to_str().unwrap(), name, size, count]);
        let expected = python(&["list", name]);
        let found: String = Database::at(Kind::Sqlite, &file)
            .packages()
            .unwrap()
            .into_iter()
            .map(|one| {
                let installed = one.unwrap();
                let blob = &installed.header().as_bytes()[8..];
                let digest = hex::encode(sha2::Sha256::digest(blob));
                format!("{} {digest}\n", installed.number())
            })
            .collect();
        assert_eq!(found, expected, "{size}");
    }
}
