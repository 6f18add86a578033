//! The fuzz targets on stable: the same functions on seeded random input.

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use airlock_rpm::db::Kind;

use crate::{allocation, built, forge, gpg, rpmdb};

#[path = "../../../../fuzz/bodies/evr.rs"]
mod evr;
#[path = "../../../../fuzz/bodies/rpm_header.rs"]
mod rpm_header;
#[path = "../../../../fuzz/bodies/rpmdb.rs"]
mod rpmdb_body;
#[path = "../../../../fuzz/bodies/signature.rs"]
mod signature;

fn rng() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}

fn below(rng: &mut TestRng, limit: usize) -> usize {
    (rng.next_u64() % limit.max(1) as u64) as usize
}

/// Changes a seed as a fuzzer does: single bytes, whole numbers, cuts, doublings.
fn mutate(rng: &mut TestRng, seed: &[u8], within: usize) -> Vec<u8> {
    const ODD: [u32; 8] = [
        0,
        1,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0xffff_fff0,
        62,
        63,
    ];
    let mut bytes = seed.to_vec();
    for _ in 0..=below(rng, 4) {
        if bytes.len() < 8 {
            break;
        }
        let at = below(rng, within.min(bytes.len() - 4));
        match below(rng, 6) {
            0 => bytes[at] = rng.next_u32() as u8,
            1 => bytes[at] ^= 1 << below(rng, 8),
            2 => {
                let number = ODD[below(rng, ODD.len())];
                let at = at & !3;
                bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
            }
            3 => bytes.truncate(at),
            4 => {
                let end = (at + below(rng, 64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = (at + below(rng, 16)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

#[test]
fn random_headers() {
    let mut rng = rng();
    let mut seeds = [
        forge::sound(),
        forge::main_header().bytes(),
        forge::signature_header(b"x").bytes(),
        built::built().named("everything-1.2~rc1^git5-4.el9.x86_64"),
        built::built().named("crate-gzip"),
    ];
    seeds.iter_mut().for_each(|seed| seed.truncate(40_000));
    for round in 0..6_000 {
        let seed = &seeds[round % seeds.len()];
        let bytes = mutate(&mut rng, seed, seed.len().min(12_000));
        let ((), peak) = allocation::peak_of(|| rpm_header::rpm_header(&bytes));
        assert!(
            peak <= 2 * bytes.len() + (1 << 20),
            "round {round}: {peak} bytes at once"
        );
    }
}

#[test]
fn random_versions() {
    let mut rng = rng();
    let alphabet = b"0019azAZ~^.-:+_\0\0\xc3\xa9";
    for _ in 0..50_000 {
        let length = below(&mut rng, 24);
        let bytes: Vec<u8> = (0..length)
            .map(|_| alphabet[below(&mut rng, alphabet.len())])
            .collect();
        evr::evr(&bytes);
    }
}

#[test]
fn random_keys_and_signatures() {
    let mut rng = rng();
    let home = gpg::Home::new();
    home.make_key("ed25519", "Ed", "never");
    home.make_key("dsa1024", "Ds", "never");
    home.add_signing_subkey("Ed", "ed25519");
    let keys = home.export();
    let signatures = home.sign_detached("Ed", b"data");
    let mut seed = (keys.len() as u16).to_be_bytes().to_vec();
    seed.extend_from_slice(&keys);
    seed.extend_from_slice(&signatures);
    signature::signature(&seed);
    for round in 0..1_500 {
        let bytes = mutate(&mut rng, &seed, seed.len());
        let ((), peak) = allocation::peak_of(|| signature::signature(&bytes));
        assert!(
            peak <= 2 * bytes.len() + (1 << 20),
            "round {round}: {peak} bytes at once"
        );
    }
}

/// The part of a file that is mutated most: its first pages, where the structure is.
fn random_databases(kind: Kind, files: &[&str], rounds: usize) {
    let mut rng = rng();
    let seeds: Vec<Vec<u8>> = files
        .iter()
        .map(|file| std::fs::read(rpmdb::data().join(file)).unwrap())
        .collect();
    for seed in &seeds {
        rpmdb_body::rpmdb(kind, seed);
    }
    for round in 0..rounds {
        let seed = &seeds[round % seeds.len()];
        let within = match round % 3 {
            0 => 600,
            1 => 8_192,
            _ => seed.len(),
        };
        let bytes = mutate(&mut rng, seed, within.min(seed.len()));
        let ((), peak) = allocation::peak_of(|| rpmdb_body::rpmdb(kind, &bytes));
        assert!(
            peak <= 6 * bytes.len() + (1 << 20),
            "round {round}: {peak} bytes at once for {}",
            bytes.len()
        );
    }
}

#[test]
fn random_sqlite_databases() {
    random_databases(Kind::Sqlite, &["sqlite/rpmdb.sqlite"], 1_200);
}

#[test]
fn random_ndb_databases() {
    random_databases(Kind::Ndb, &["ndb/Packages.db"], 1_500);
}

#[test]
fn random_berkeley_databases() {
    let files = [
        "bdb/page512/Packages",
        "bdb/page4096/Packages",
        "bdb/page16384/Packages",
        "bdb/bigendian/Packages",
    ];
    random_databases(Kind::BerkeleyDb, &files, 2_000);
}

#[test]
fn random_headers_of_installed_packages() {
    let mut rng = rng();
    let database = std::fs::read(rpmdb::data().join("sqlite/rpmdb.sqlite")).unwrap();
    let snapshot = airlock_rpm::db::Snapshot::of_bytes(Kind::Sqlite, database, None).unwrap();
    let mut cursor = snapshot.cursor();
    let seeds: Vec<Vec<u8>> = (0..snapshot.numbers().len())
        .map(|position| cursor.load_at(position).unwrap().header().as_bytes()[8..].to_vec())
        .collect();
    for seed in &seeds {
        rpmdb_body::installed_header(seed);
    }
    for round in 0..20_000 {
        let seed = &seeds[round % seeds.len()];
        let within = if round % 2 == 0 { 1_000 } else { seed.len() };
        let bytes = mutate(&mut rng, seed, within.min(seed.len()));
        rpmdb_body::installed_header(&bytes);
    }
}
