//! The fuzz targets' bodies, run on stable over good files, their cuts and flips, and noise.

#[path = "../../../../fuzz/bodies/comps.rs"]
mod comps;
#[path = "../../../../fuzz/bodies/filelists.rs"]
mod filelists;
#[path = "../../../../fuzz/bodies/metalink.rs"]
mod metalink;
#[path = "../../../../fuzz/bodies/modules.rs"]
mod modules;
#[path = "../../../../fuzz/bodies/primary.rs"]
mod primary;
#[path = "../../../../fuzz/bodies/repomd.rs"]
mod repomd;
#[path = "../../../../fuzz/bodies/treeinfo.rs"]
mod treeinfo;
#[path = "../../../../fuzz/bodies/updateinfo.rs"]
mod updateinfo;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;

use crate::samples;

/// Pieces that mean something to the parsers, to be put anywhere.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "&",
    "&amp;",
    "&#0;",
    "&#x10FFFF;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?x?>",
    "\"",
    "'",
    "/>",
    "</",
    "<package>",
    "</package>",
    "xmlns:rpm=\"u\"",
    " xmlns=\"http://x\"",
    "\u{1}",
    "\u{ffff}",
    "é",
    "\n---\n",
    "*a &a ",
];

fn replay(body: fn(&[u8]), seeds: &[&[u8]], rounds: usize) {
    for (number, good) in seeds.iter().enumerate() {
        body(good);
        let seed = number as u64;
        for case in hostile::cut(good, seed, rounds)
            .into_iter()
            .chain(hostile::flipped(good, seed, rounds))
        {
            body(&case.bytes);
        }
        let mut random = Seeded::new(seed);
        for _ in 0..rounds {
            let mut bytes = good.to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64 + 1) as usize;
                let piece = random.pick(&PIECES).as_bytes();
                let end = (at + random.below(4) as usize).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            body(&bytes);
        }
        body(&random.bytes(200));
    }
    body(b"");
}

#[test]
fn repomd_files() {
    let hostile: Vec<Vec<u8>> = hostile::repomd_documents()
        .into_iter()
        .map(|case| case.bytes)
        .collect();
    let mut seeds: Vec<&[u8]> = hostile.iter().map(Vec::as_slice).collect();
    seeds.push(samples::REPOMD.as_bytes());
    replay(repomd::repomd, &seeds, 150);
}

#[test]
fn primary_files() {
    let one = samples::primary(&samples::package(
        "x",
        "<rpm:provides><rpm:entry name=\"x\" flags=\"EQ\" ver=\"1\"/></rpm:provides><file>/etc/x</file>",
    ));
    let odd = one
        .replace("xmlns:rpm", "xmlns:r")
        .replace("rpm:", "r:")
        .replace(
            "<description/>",
            "<description><![CDATA[<&>]]><!-- c --></description>",
        );
    replay(primary::primary, &[one.as_bytes(), odd.as_bytes()], 1500);
}

#[test]
fn filelists_files() {
    replay(
        filelists::filelists,
        &[samples::FILELISTS.as_bytes(), samples::OTHER.as_bytes()],
        1000,
    );
}

#[test]
fn updateinfo_files() {
    replay(
        updateinfo::updateinfo,
        &[samples::UPDATEINFO.as_bytes()],
        1000,
    );
}

#[test]
fn comps_files() {
    replay(comps::comps, &[samples::COMPS.as_bytes()], 1000);
}

#[test]
fn modules_files() {
    replay(modules::modules, &[samples::MODULES.as_bytes()], 800);
}

#[test]
fn treeinfo_files() {
    replay(treeinfo::treeinfo, &[samples::TREEINFO.as_bytes()], 1000);
}

#[test]
fn metalink_files() {
    replay(metalink::metalink, &[samples::METALINK.as_bytes()], 1000);
}
