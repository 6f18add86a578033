//! Databases that are damaged, and files that are none: an error or what was there, never anything else.

use std::os::unix::fs::symlink;
use std::path::Path;

use airlock_rpm::db::{Database, Error, Installed, Kind, Snapshot};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::data;

const FILES: [(Kind, &str); 5] = [
    (Kind::Sqlite, "sqlite/rpmdb.sqlite"),
    (Kind::Ndb, "ndb/Packages.db"),
    (Kind::BerkeleyDb, "bdb/page512/Packages"),
    (Kind::BerkeleyDb, "bdb/page4096/Packages"),
    (Kind::BerkeleyDb, "bdb/bigendian/Packages"),
];

/// All packages, as far as they can be read.
fn read(kind: Kind, bytes: Vec<u8>) -> Result<Vec<Result<Installed, Error>>, Error> {
    let snapshot = Snapshot::of_bytes(kind, bytes, None)?;
    let mut cursor = snapshot.cursor();
    Ok((0..snapshot.numbers().len())
        .map(|position| cursor.load_at(position))
        .collect())
}

#[test]
fn a_database_that_is_cut_gives_an_error_or_everything() {
    for (kind, file) in FILES {
        let bytes = std::fs::read(data().join(file)).unwrap();
        let whole: Vec<Installed> = read(kind, bytes.clone())
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let mut errors = 0;
        for part in 0..400 {
            let length = bytes.len() * part / 400;
            let outcome = read(kind, bytes[..length].to_vec())
                .and_then(|packages| packages.into_iter().collect::<Result<Vec<_>, _>>());
            match outcome {
                // Behind the last package there may be other tables.
                Ok(packages) => assert_eq!(packages, whole, "{file} cut to {length}"),
                Err(_) => errors += 1,
            }
        }
        assert!(errors >= 20, "{file}: {errors}");
    }
}

#[test]
fn a_flipped_bit_in_a_package_never_passes_its_digests() {
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for (kind, file) in FILES {
        let bytes = std::fs::read(data().join(file)).unwrap();
        let whole: Vec<Installed> = read(kind, bytes.clone())
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let known = |number: u32| whole.iter().find(|one| one.number() == number);
        let (mut caught, mut refused) = (0, 0);
        for _ in 0..1_500 {
            let mut damaged = bytes.clone();
            let at = (rng.next_u64() % bytes.len() as u64) as usize;
            damaged[at] ^= 1 << (rng.next_u32() % 8);
            let Ok(packages) = read(kind, damaged) else {
                refused += 1;
                continue;
            };
            for package in packages {
                let Ok(package) = package else {
                    refused += 1;
                    continue;
                };
                let pieces =
                    |one: &Installed| one.header().original().map(|pieces| pieces.concat());
                let same = known(package.number())
                    .is_some_and(|original| pieces(original) == pieces(&package));
                if !same {
                    // A record under the number of another package is whole, and says its own name.
                    let moved = whole.iter().any(|one| pieces(one) == pieces(&package));
                    let bad = package.verify_digests().first_bad().is_some();
                    assert!(bad || moved, "{file}: a change at byte {at} passes");
                    caught += 1;
                }
            }
        }
        assert!(
            caught + refused > 20,
            "{file}: {caught} caught, {refused} refused"
        );
    }
}

#[test]
fn pages_that_point_in_a_circle_end() {
    // The first bucket page of the Berkeley DB file is followed by itself.
    let mut bytes = std::fs::read(data().join("bdb/page512/Packages")).unwrap();
    let last = u32::from_le_bytes(bytes[32..36].try_into().unwrap());
    let mut circles = 0;
    for page in 1..=last {
        let start = page as usize * 512;
        let mut damaged = bytes.clone();
        damaged[start + 16..start + 20].copy_from_slice(&page.to_le_bytes());
        match read(Kind::BerkeleyDb, damaged) {
            Err(Error::Damaged { .. }) => circles += 1,
            Err(other) => panic!("{other}"),
            Ok(packages) => circles += usize::from(packages.iter().any(Result::is_err)),
        }
    }
    assert!(circles > 3, "{circles}");
    // A hash table that says it has four thousand million buckets.
    bytes[72..76].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(
        read(Kind::BerkeleyDb, bytes),
        Err(Error::Damaged { .. })
    ));
    // An interior page of sqlite that is its own child.
    let mut bytes = std::fs::read(data().join("sqlite/rpmdb.sqlite")).unwrap();
    let second = 4096;
    bytes[second] = 5;
    bytes[second + 3..second + 5].copy_from_slice(&0_u16.to_be_bytes());
    bytes[second + 8..second + 12].copy_from_slice(&2_u32.to_be_bytes());
    assert!(matches!(
        read(Kind::Sqlite, bytes),
        Err(Error::Damaged { .. })
    ));
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let status = std::process::Command::new("mkfifo")
        .arg(at("fifo"))
        .status()
        .unwrap();
    assert!(status.success());
    symlink("loop", at("loop")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(
        at("text"),
        "this is no database, though long enough to be looked at\n".repeat(100),
    )
    .unwrap();
    std::fs::write(at("zeros"), [0; 8192]).unwrap();
    for kind in [Kind::Sqlite, Kind::Ndb, Kind::BerkeleyDb] {
        let outcome = |name: &str| Database::at(kind, &at(name)).packages().unwrap_err();
        assert!(
            matches!(outcome("fifo"), Error::Unsupported { .. }),
            "{kind}"
        );
        assert!(
            matches!(outcome("folder"), Error::Unsupported { .. }),
            "{kind}"
        );
        assert!(matches!(outcome("loop"), Error::Io { .. }), "{kind}");
        assert!(matches!(outcome("absent"), Error::Io { .. }), "{kind}");
        assert!(matches!(outcome("text"), Error::Damaged { .. }), "{kind}");
        assert!(matches!(outcome("zeros"), Error::Damaged { .. }), "{kind}");
    }
}

#[test]
fn a_journal_that_was_not_ended_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rpmdb.sqlite");
    std::fs::copy(data().join("sqlite/rpmdb.sqlite"), &file).unwrap();
    let database = Database::at(Kind::Sqlite, &file);
    let journal = folder.path().join("rpmdb.sqlite-journal");
    std::fs::write(&journal, [0; 512]).unwrap();
    assert!(
        database.packages().is_ok(),
        "a journal of zeros is a left-over"
    );
    std::fs::write(&journal, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7rest").unwrap();
    let error = database.packages().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}

#[test]
fn a_berkeley_database_that_is_locked_for_writing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Packages");
    std::fs::copy(data().join("bdb/page4096/Packages"), &file).unwrap();
    let database = Database::at(Kind::BerkeleyDb, &file);
    assert!(database.packages().is_ok());
    let lock = folder.path().join(".rpm.lock");
    std::fs::write(&lock, "").unwrap();
    let mut holder = Holder::start(&lock);
    let error = database.packages().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    holder.end();
    assert!(database.packages().is_ok());
}

/// A process that holds a lock for writing, as rpm does.
struct Holder(std::process::Child);

impl Holder {
    fn start(file: &Path) -> Self {
        use std::io::BufRead;
        let program = "import fcntl, sys\nfile = open(sys.argv[1], 'r+')\nfcntl.lockf(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.readline()";
        let mut child = std::process::Command::new("python3")
            .args(["-c", program])
            .arg(file)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn end(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
