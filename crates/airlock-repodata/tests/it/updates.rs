//! Advisories.

use airlock_repodata::updateinfo::{CLOSE_TAG, OPEN_TAG, RawUpdate, Updates, write_update};
use airlock_repodata::{Error, Flaw, Limits};

use crate::samples::UPDATEINFO;

fn read(bytes: &[u8]) -> Result<Vec<RawUpdate<'static>>, Error> {
    let updates = Updates::new(bytes, &Limits::default())?;
    updates
        .iter()
        .map(|raw| {
            raw.map(|raw| RawUpdate {
                xml: raw.xml.into_owned().into(),
                update: raw.update,
            })
        })
        .collect()
}

#[test]
fn values_are_read() {
    let updates = read(UPDATEINFO.as_bytes()).unwrap();
    assert_eq!(updates.len(), 2);
    let update = &updates[0].update;
    assert_eq!(update.id, "RHSA-2026:0001");
    assert_eq!(update.issued_time(), Some(1_767_323_045));
    assert_eq!(update.updated_time(), Some(1_767_398_400));
    assert_eq!(update.cves(), ["CVE-2026-1234"]);
    let links: Vec<_> = update
        .references
        .iter()
        .map(|reference| reference.link())
        .collect();
    assert_eq!(links, [Some("https://bugs/1"), None]);
    let collection = &update.collections[0];
    assert_eq!(collection.module.as_ref().unwrap().stream, "1.10");
    assert!(collection.packages[0].reboot_suggested);
    assert_eq!(
        collection.packages[0].sums,
        [("sha256".to_owned(), "abcd".to_owned())]
    );
    let second = &collection.packages[1];
    assert_eq!((second.epoch.as_deref(), second.epoch_number()), (None, 0));
    assert!(second.restart_suggested && !second.relogin_suggested);
    assert_eq!(updates[1].update.id, "");
    assert_eq!(
        updates[1].xml,
        "<update><title>nothing else</title></update>"
    );
}

#[test]
fn raw_updates_are_the_bytes_of_the_source() {
    for raw in read(UPDATEINFO.as_bytes()).unwrap() {
        assert!(UPDATEINFO.contains(&*raw.xml));
    }
    let spaced = UPDATEINFO
        .replace(
            "<updates>",
            "<updates xmlns:x='http://x'><!-- <update/> --><other/>",
        )
        .replace("<rights>", "<x:more/><rights>");
    let updates = read(spaced.as_bytes()).unwrap();
    assert_eq!(updates.len(), 2);
    assert!(
        updates[0].xml.starts_with("<update xmlns:x=\"http://x\" "),
        "{}",
        updates[0].xml
    );
}

#[test]
fn written_updates_mean_the_same() {
    for raw in read(UPDATEINFO.as_bytes()).unwrap() {
        let mut file = OPEN_TAG.to_vec();
        write_update(&raw.update, &mut file);
        file.extend_from_slice(CLOSE_TAG);
        let mut again = read(&file).unwrap().remove(0).update;
        // A missing epoch is written as 0, because clients want one.
        for (package, source) in again
            .collections
            .iter_mut()
            .flat_map(|c| &mut c.packages)
            .zip(raw.update.collections.iter().flat_map(|c| &c.packages))
        {
            package.epoch = package.epoch.take().filter(|_| source.epoch.is_some());
        }
        assert_eq!(again, raw.update);
    }
}

#[test]
fn broken_files_are_refused() {
    for (bytes, wanted) in [
        ("", Flaw::Truncated),
        ("<updates><update>", Flaw::Truncated),
        ("<!DOCTYPE x><updates/>", Flaw::DocumentType),
    ] {
        assert!(
            matches!(read(bytes.as_bytes()), Err(Error::BadRepository { why, .. }) if why == wanted),
            "{bytes}"
        );
    }
    assert!(read(b"<metadata/>").is_err());
    assert!(read(b"<updates><update></updates></update>").is_err());
    assert_eq!(read(b"<updates/>").unwrap().len(), 0);
    assert_eq!(read(b"<updates></updates>").unwrap().len(), 0);
}
