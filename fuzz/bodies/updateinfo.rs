//! What the fuzz target `updateinfo` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::Limits;
use airlock_repodata::updateinfo::{CLOSE_TAG, OPEN_TAG, Updates, parse_date, write_update};

/// What was read means the same when its own bytes are read again.
pub fn updateinfo(bytes: &[u8]) {
    let _ = parse_date(&String::from_utf8_lossy(bytes));
    let limits = Limits::default();
    let Ok(updates) = Updates::new(bytes, &limits) else {
        return;
    };
    for raw in updates.iter().flatten() {
        let file = [OPEN_TAG, raw.xml.as_bytes(), CLOSE_TAG].concat();
        let again = match Updates::new(&file, &limits) {
            Ok(again) => again,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&file)),
        };
        match again.iter().next() {
            Some(Ok(again)) => assert_eq!(again.update, raw.update),
            other => panic!("{other:?}"),
        }
        let mut written = OPEN_TAG.to_vec();
        write_update(&raw.update, &mut written);
        written.extend_from_slice(CLOSE_TAG);
        assert!(Updates::new(&written, &limits).is_ok());
    }
}
