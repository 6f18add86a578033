//! Digests of header and payload: right, wrong, old, absent.

use airlock_rpm::digest::{DigestKind, DigestOutcome, check, check_header};
use airlock_rpm::package::DigestAlgorithm;
use airlock_rpm::{KeyRing, Policy, Verdict, read_package, verify_package};
use md5::{Digest, Md5};

use crate::built::built;
use crate::forge::{self, PAYLOAD};

fn report(bytes: &[u8]) -> airlock_rpm::digest::DigestReport {
    let mut reader = bytes;
    let head = read_package(&mut reader).unwrap();
    check(&head, &mut reader).unwrap()
}

fn verdict(bytes: &[u8]) -> Verdict {
    let mut reader = bytes;
    let head = read_package(&mut reader).unwrap();
    let ring = KeyRing::default();
    verify_package(&head, &mut reader, &ring, &Policy::default())
        .unwrap()
        .verdict()
}

#[test]
fn real_packages_are_complete() {
    for path in &built().files {
        let bytes = std::fs::read(path).unwrap();
        let report = report(&bytes);
        assert!(report.is_complete(), "{}: {report:?}", path.display());
        assert!(report.payload_is_bound(), "{}: {report:?}", path.display());
        assert_eq!(verdict(&bytes), Verdict::Unsigned);
    }
}

#[test]
fn a_changed_payload_is_found() {
    for path in &built().files {
        let mut bytes = std::fs::read(path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let found = report(&bytes);
        let bad = found.first_bad().expect("a changed payload passed");
        assert!(matches!(bad.kind, DigestKind::Payload(_)), "{bad:?}");
        assert!(!verdict(&bytes).is_good());

        // Cut short, and with bytes behind.
        bytes.truncate(last);
        assert!(report(&bytes).first_bad().is_some());
        let mut longer = std::fs::read(path).unwrap();
        longer.push(0);
        assert!(report(&longer).first_bad().is_some());
    }
}

#[test]
fn a_wrong_header_digest_is_found() {
    let main = forge::main_header().bytes();
    let mut signature = forge::signature_header(&main);
    signature.text(273, "00".repeat(32));
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    let head = read_package(&mut &bytes[..]).unwrap();
    let found = check_header(&head);
    let bad = found.first_bad().unwrap();
    assert_eq!(bad.kind, DigestKind::Header(DigestAlgorithm::Sha256));
    let shown = verdict(&bytes).to_string();
    assert_eq!(
        shown,
        "bad signature: the SHA-256 of the header is wrong: the file was changed or damaged"
    );
}

#[test]
fn the_digest_of_the_uncompressed_payload_counts_too() {
    let mut main = forge::main_header();
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(PAYLOAD));
    main.texts(5092, &["11".repeat(32)]).texts(5097, &[digest]);
    assert!(report(&forge::around(&main)).is_complete());
}

#[test]
fn only_md5() {
    let mut main = forge::main_header();
    main.without(5092).without(5093);
    let main = main.bytes();
    let mut both = main.clone();
    both.extend_from_slice(PAYLOAD);
    let mut signature = forge::Forge::new(62);
    signature.binary(1004, &Md5::digest(&both));
    let mut bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    let found = report(&bytes);
    assert!(found.is_complete());
    assert!(!found.payload_is_bound());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let found = report(&bytes);
    let bad = found.first_bad().unwrap();
    assert_eq!(bad.kind, DigestKind::HeaderAndPayload);
}

#[test]
fn no_digest_at_all_is_not_complete() {
    let mut main = forge::main_header();
    main.without(5092).without(5093);
    let mut signature = forge::Forge::new(62);
    signature.int32(1000, &[1]);
    let bytes = forge::package(&signature.bytes(), &main.bytes(), PAYLOAD);
    let found = report(&bytes);
    assert!(found.checks.is_empty());
    assert!(!found.is_complete());
}

#[test]
fn an_unknown_algorithm_is_no_proof() {
    let mut main = forge::main_header();
    main.int32(5093, &[99]);
    let found = report(&forge::around(&main));
    assert!(!found.is_complete());
    assert!(
        found
            .checks
            .iter()
            .any(|check| check.outcome == DigestOutcome::Unsupported)
    );
}

#[test]
fn sha1_and_sha3_of_the_header() {
    let main = forge::main_header().bytes();
    let mut signature = forge::Forge::new(62);
    signature
        .text(
            269,
            hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&main)),
        )
        .text(279, "not a digest at all");
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    let found = report(&bytes);
    let kinds: Vec<String> = found.checks.iter().map(|c| c.kind.to_string()).collect();
    assert_eq!(
        kinds,
        [
            "SHA3-256 of the header",
            "SHA-1 of the header",
            "SHA-256 of the payload"
        ]
    );
    assert!(matches!(found.checks[0].outcome, DigestOutcome::Bad { .. }));
    assert_eq!(found.checks[1].outcome, DigestOutcome::Good);
}

#[test]
fn a_payload_digest_that_is_not_known_makes_way_for_the_next() {
    let mut main = forge::main_header();
    let digest = hex::encode(<sha2::Sha512 as sha2::Digest>::digest(PAYLOAD));
    main.int32(5093, &[99]).text(5121, digest);
    let found = report(&forge::around(&main));
    assert!(found.is_complete(), "{found:?}");
    main.text(5121, "00".repeat(64));
    let found = report(&forge::around(&main));
    let bad = found.first_bad().unwrap();
    assert_eq!(bad.kind, DigestKind::Payload(DigestAlgorithm::Sha512));
    // With a known one, the others are not looked at.
    main.int32(5093, &[8]);
    assert!(report(&forge::around(&main)).is_complete());
}

#[test]
fn verifiers_can_cross_threads() {
    fn is_send<T: Send>() {}
    is_send::<airlock_rpm::Verifier<'static>>();
    is_send::<airlock_rpm::PackageHead>();
    is_send::<airlock_rpm::SigningKey>();
    fn is_shared<T: Send + Sync>() {}
    is_shared::<KeyRing>();
    is_shared::<airlock_rpm::Error>();
}
