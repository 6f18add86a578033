//! What the fuzz target `comps` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::comps::Comps;

/// What was read means the same when written and read again.
pub fn comps(bytes: &[u8]) {
    if let Ok(read) = Comps::parse(bytes) {
        let written = read.to_xml();
        match Comps::parse(&written) {
            Ok(again) => assert_eq!(again.to_xml(), written),
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
        }
    }
}
