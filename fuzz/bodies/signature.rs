//! What the fuzz target `signature` does with its bytes; the tests of `airlock-rpm` replay it.

use airlock_rpm::{KeyRing, Policy, verify_detached};

/// Reads the bytes as a key file, and as signatures by the keys in it.
///
/// The first two bytes, big endian, say where the keys end and the signatures start.
pub fn signature(bytes: &[u8]) {
    let Some((cut, rest)) = bytes.split_at_checked(2) else {
        return;
    };
    let cut = usize::from(cut[0]) << 8 | usize::from(cut[1]);
    let (keys, signatures) = rest.split_at(cut.min(rest.len()));
    let ring = KeyRing::from_bytes(keys);
    for certificate in ring.certificates() {
        let _ = (certificate.user_ids(), certificate.expires());
        assert!(ring.find(certificate.key_id()).is_some());
    }
    let policy = Policy {
        allow_sha1: true,
        ..Policy::default()
    };
    let report = verify_detached(b"data", signatures, &ring, &policy);
    let _ = report.overall().to_string();
    if ring.is_empty() {
        assert!(!report.overall().is_good(), "good without any key");
    }
}
