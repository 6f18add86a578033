//! What the fuzz targets `rpmdb_sqlite`, `rpmdb_ndb`, `rpmdb_bdb` and `installed_header` do with their bytes; the tests
//! of `airlock-rpm` replay them.

use airlock_rpm::db::{Error, Installed, Kind, Snapshot};
use airlock_rpm::{Header, HeaderRole, KeyRing, Policy};

/// Reads the bytes as a database and looks at every package in it. For sqlite a write-ahead log may follow: its length
/// stands in the last four bytes, big-endian.
pub fn rpmdb(kind: Kind, bytes: &[u8]) {
    let (bytes, log) = match kind {
        Kind::Sqlite => split(bytes),
        _ => (bytes, None),
    };
    let room = bytes.len() + log.map_or(0, <[u8]>::len);
    let Ok(snapshot) = Snapshot::of_bytes(kind, bytes.to_vec(), log.map(<[u8]>::to_vec)) else {
        return;
    };
    let mut cursor = snapshot.cursor();
    let mut total = 0;
    for position in 0..snapshot.numbers().len() {
        match cursor.load_at(position) {
            Ok(installed) => {
                assert_eq!(installed.number(), snapshot.numbers()[position]);
                total += installed.header().as_bytes().len();
                look(&installed);
            }
            Err(Error::Record { number, .. }) => {
                assert_eq!(number, snapshot.numbers()[position]);
            }
            Err(_) => {}
        }
    }
    // Records share no bytes, so that a small file cannot cost much.
    assert!(total <= room + 8 * snapshot.numbers().len());
}

fn split(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let parts = || {
        let (rest, length) = bytes.split_last_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        (length > 0).then(|| rest.split_at_checked(rest.len().checked_sub(length)?))?
    };
    match parts() {
        Some((database, log)) => (database, Some(log)),
        None => (bytes, None),
    }
}

/// Reads the bytes as one header as databases keep it, without its magic.
pub fn installed_header(bytes: &[u8]) {
    let mut whole = vec![0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
    whole.extend_from_slice(bytes);
    let Ok(header) = Header::parse(whole, HeaderRole::Installed, 0) else {
        return;
    };
    for entry in header.entries() {
        // A tag that rpm added may hide one of the package's own; one of the two is found.
        let found = header
            .entry(entry.tag)
            .expect("a tag that is there is found");
        assert_eq!(found.tag, entry.tag);
        let strings = header.strings(entry.tag);
        assert_eq!(strings.clone().count(), strings.len());
        let numbers = header.u64s(entry.tag);
        assert_eq!(numbers.clone().count(), numbers.len());
        let _ = (header.string(entry.tag), header.binary(entry.tag));
    }
    if let Some(pieces) = header.original() {
        let original = pieces.concat();
        assert!(original.len() <= header.as_bytes().len());
        // What is left without rpm's additions is a main header as in a file.
        Header::parse(original, HeaderRole::Main, 0).expect("the region is a header by itself");
    }
}

fn look(installed: &Installed) {
    let _ = (
        installed.is_key(),
        installed.arch(),
        installed.install_time(),
        installed.transaction(),
        installed.has_verify_script(),
        installed.key_id(),
    );
    assert_eq!(
        installed.file_states().count(),
        installed.file_states().len()
    );
    let mut ring = KeyRing::default();
    installed.add_key_to(&mut ring);
    let verification = installed.verify(&KeyRing::default(), &Policy::default());
    assert!(!verification.verdict().is_good(), "good without any key");
    if let Ok(package) = installed.package() {
        assert_eq!(package.files().count(), package.files().len());
        let _ = package.nevra();
    }
}
