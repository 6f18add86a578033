//! What the fuzz target `metalink` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::metalink::{MOST_MIRRORS, Metalink};
use airlock_repodata::mirrorlist;

/// What was read means the same when written and read again.
pub fn metalink(bytes: &[u8]) {
    assert!(mirrorlist::parse(bytes).len() <= MOST_MIRRORS);
    if let Ok(read) = Metalink::parse(bytes, "") {
        assert!(read.mirrors.len() <= MOST_MIRRORS && !read.checksums.is_empty());
        let written = read.to_xml();
        match Metalink::parse(&written, "") {
            Ok(again) => assert_eq!(again, read),
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
        }
    }
}
