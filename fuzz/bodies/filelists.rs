//! What the fuzz target `filelists` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, filelists, other};

/// Cuts the bytes as filelists and as other, and reads what comes.
pub fn filelists(bytes: &[u8]) {
    for kind in [
        MetadataKind::Filelists,
        MetadataKind::FilelistsExt,
        MetadataKind::Other,
    ] {
        let Ok(mut cutter) = PackageCutter::new(kind, bytes, Limits::default()) else {
            continue;
        };
        let mut errors = 0;
        while errors < 200 {
            match cutter.next_package() {
                Ok(None) => break,
                Err(_) => errors += 1,
                Ok(Some(fragment)) => {
                    assert!(!fragment.pkgid().is_empty());
                    let _ = filelists::parse(fragment.bytes());
                    let _ = other::parse(fragment.bytes());
                }
            }
        }
    }
}
