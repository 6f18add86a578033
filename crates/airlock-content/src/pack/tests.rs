use super::*;

fn spool(part: Part, folder: &std::path::Path, items: &[(u8, String)]) -> SpooledPart {
    let mut spool = PartSpool::new(part, folder).unwrap();
    for (key, text) in items {
        spool.append(&[*key], text.as_bytes()).unwrap();
    }
    spool.finish().unwrap()
}

fn items(part: &str, keys: impl Iterator<Item = u8>) -> Vec<(u8, String)> {
    keys.map(|k| {
        (
            k,
            format!(
                "<package {part} {k}>{}</package>",
                "x".repeat(k as usize * 7)
            ),
        )
    })
    .collect()
}

fn write(folder: &std::path::Path, parts: [SpooledPart; 3]) -> Result<PathBuf, PackError> {
    let path = folder.join("pack");
    let mut file = std::fs::File::create(&path).unwrap();
    assemble(
        parts,
        |_| RecordInfo {
            checksum_type: "sha256",
            checksum: "00",
            name: "n",
            version: "1",
            release: "2",
            arch: "noarch",
            ..RecordInfo::default()
        },
        folder,
        &mut file,
    )?;
    Ok(path)
}

#[test]
fn fragments_come_back_in_primary_order_whatever_the_order_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        [
            spool(Part::Primary, dir.path(), &items("p", 0..200)),
            spool(Part::Filelists, dir.path(), &items("f", (0..220).rev())),
            spool(Part::Other, dir.path(), &items("o", 0..200)),
        ],
    )
    .unwrap();
    let pack = PackReader::open(&path).unwrap();
    assert_eq!(pack.index().len(), 200);
    for (part, word) in Part::ALL.into_iter().zip(["p", "f", "o"]) {
        for position in [0_u8, 1, 127, 128, 199] {
            let text = String::from_utf8(pack.fragment(part, position.into()).unwrap()).unwrap();
            assert!(
                text.starts_with(&format!("<package {word} {position}>")),
                "{text}"
            );
            assert_eq!(
                pack.index().record(position.into()).unwrap().hashes[part.position()],
                fragment_hash(text.as_bytes())
            );
        }
    }
}

#[test]
fn a_package_without_filelists_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = write(
        dir.path(),
        [
            spool(Part::Primary, dir.path(), &items("p", 0..3)),
            spool(Part::Filelists, dir.path(), &items("f", 0..2)),
            spool(Part::Other, dir.path(), &items("o", 0..3)),
        ],
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "package 02 stands in primary but not in filelists"
    );
}

#[test]
fn every_cut_of_a_pack_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        [
            spool(Part::Primary, dir.path(), &items("p", 0..5)),
            spool(Part::Filelists, dir.path(), &items("f", 0..5)),
            spool(Part::Other, dir.path(), &items("o", 0..5)),
        ],
    )
    .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(PackReader::open(&path).is_err(), "cut at {cut}");
    }
}
