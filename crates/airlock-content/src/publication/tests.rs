use std::fmt::Write as _;

use airlock_model::Compression;
use airlock_repodata::primary::LOCATION_PLACEHOLDER;
use roaring::RoaringTreemap;

use super::*;
use crate::checksum::sha256_hex;
use crate::pack::{PackReader, Part, PartSpool, RecordInfo, SpooledPart, assemble};

const PACKAGES: u32 = 300;

/// Text that compresses about as metadata does, the same for ever.
fn text(seed: u32, words: u32) -> String {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut out = String::new();
    for _ in 0..words {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = writeln!(
            out,
            "/usr/share/word-{:03}/{:05x}",
            state >> 24,
            state >> 12 & 0xfff
        );
    }
    out
}

fn spool(part: Part, folder: &std::path::Path) -> SpooledPart {
    let mut spool = PartSpool::new(part, folder).unwrap();
    for number in 0..PACKAGES {
        let location = match part {
            Part::Primary => std::str::from_utf8(LOCATION_PLACEHOLDER).unwrap(),
            _ => "",
        };
        let words = number % 40;
        let fragment = format!(
            "<package {} {number}>{location}{}</package>",
            part.name(),
            text(number, words)
        );
        spool
            .append(&number.to_be_bytes(), fragment.as_bytes())
            .unwrap();
    }
    spool.finish().unwrap()
}

/// Files of old versions are dropped and made again, and have to be the same to the byte. When this fails, a library
/// was changed (or the way in which it is used) so that it writes other bytes: give [`ENCODER`] another name, so that
/// what older releases wrote is kept, and put the new sums here.
#[test]
fn the_encoder_of_this_name_writes_these_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack");
    let names: Vec<String> = (0..PACKAGES)
        .map(|n| format!("package-{n}-1-1.noarch.rpm"))
        .collect();
    let parts = Part::ALL.map(|part| spool(part, folder.path()));
    let mut file = std::fs::File::create(&path).unwrap();
    assemble(
        parts,
        |position| RecordInfo {
            checksum_type: "sha256",
            checksum: "00",
            name: "n",
            version: "1",
            release: "1",
            arch: "noarch",
            file_name: &names[position],
            ..RecordInfo::default()
        },
        folder.path(),
        &mut file,
    )
    .unwrap();
    let packs = [PackSource {
        reader: PackReader::open(&path).unwrap(),
        first_record: 1,
    }];
    let all: RoaringTreemap = (1..=u64::from(PACKAGES)).collect();
    // Without one package its block is written anew, and others are copied as they are.
    let without: RoaringTreemap = all.iter().filter(|record| *record != 150).collect();
    let mut sums = format!("{ENCODER}\n");
    for compression in [Compression::Zstd, Compression::Gz] {
        for part in Part::ALL {
            for (name, records) in [("all", &all), ("without", &without)] {
                let mut out = Vec::new();
                let request = PartRequest {
                    part,
                    packs: &packs,
                    records,
                    compression,
                    checksum: "sha256",
                };
                build_part(request, &mut out).unwrap();
                let _ = writeln!(
                    sums,
                    "{compression} {} {name} {}",
                    part.name(),
                    sha256_hex(&out)
                );
            }
        }
        let packed = encode(text(7, 20_000).as_bytes(), compression).unwrap();
        let _ = writeln!(sums, "{compression} whole {}", sha256_hex(&packed));
    }
    assert_eq!(sums, GOLDEN);
}

const GOLDEN: &str = "\
zstd-1.5.7/flate2-zlib-rs-1;blocks-1
zstd primary all c4f5b58bcb3f03f24240b704c4680c06ba4f206d50758cbd384872405974930d
zstd primary without 70034450737293c3e581b1ca16e65e683166fb3b0258d6cc15a4b6807cb5a5ba
zstd filelists all e46e4302b3b06f2c67df858ffeb92cee87b164bb642ee96d96aabc62ea73b470
zstd filelists without 279ebe4836b51ce8f66bea8f9c7e5ab7065328ac18311c15d623cfd9775e5504
zstd other all 4055450b96f1dcd4cf1589a4873a7215f60eec5e099c410c74cbe5d580f47b49
zstd other without 028f4ec10f742e0298cc30b57f7fcad84111dfc369444b4e3608d9aafdad3fbc
zstd whole 45e93d87fcd53f9e38a2d8160ef78b606297444dbfa7c1441cba9ab61c8a400e
gz primary all 0df5afbeaf4f569c3da2baeec155eaa911b9a20cd9f736e423d82e7386e831c5
gz primary without aec7737460642701c253cbac6075431c25f9508e357d6a679dbbfaf68d1b26f9
gz filelists all 64c55676aefe34befbd6d8864db1ef43b03d2ae453834037960c73b0e02a3b2d
gz filelists without a8686ac1bff63c51c6057194ce571a29ab6f831495a94e956f250ccac9e778b2
gz other all b9112b8353374126454faade07ce6fd58264dd0bfa1474d8e66cd0c4fa36652e
gz other without 9801004b4e7132213dc40a349ae0517e9a93f80ccb5b0bc97a63c2212e91cede
gz whole dbb3b939714a8a552a99f0d724b8f090430ee5ddb5c2c250aec82b1c5963ceea
";
