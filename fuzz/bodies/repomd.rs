//! What the fuzz target `repomd` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::repomd::Repomd;

/// What was read means the same when written and read again.
pub fn repomd(bytes: &[u8]) {
    if let Ok(read) = Repomd::parse(bytes) {
        let written = read.to_xml();
        match Repomd::parse(&written) {
            Ok(again) => assert_eq!(again, read),
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
        }
    }
}
