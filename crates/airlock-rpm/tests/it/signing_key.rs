//! Our own keys: gpg reads them, gpgv accepts what they sign.

use std::process::Command;

use airlock_rpm::signature::{BadSignature, KeyKind};
use airlock_rpm::{KeyRing, Policy, SigningKey, Verdict, verify_detached};

use crate::gpg::Home;

const CREATED: u64 = 1_767_225_600;

#[test]
fn gpgv_accepts_our_signatures() {
    for kind in [KeyKind::Ed25519, KeyKind::Rsa3072] {
        let key = SigningKey::generate(kind, "Airlock <airlock@example.org>", CREATED).unwrap();
        let signature = key.sign_detached(b"<repomd/>").unwrap();
        let home = Home::new();
        let public = key.to_armored_public().unwrap();
        let public = home.write("public.asc", public.as_bytes());
        home.gpg(&["--import", public.to_str().unwrap()]);
        let ring_file = home.write("ring.gpg", &home.export());
        let signature_file = home.write("repomd.xml.asc", signature.as_bytes());
        let check = |data: &[u8]| {
            let data = home.write("repomd.xml", data);
            Command::new("gpgv")
                .arg("--keyring")
                .arg(&ring_file)
                .args([&signature_file, &data])
                .output()
                .expect("gpgv is needed: run scripts/test")
        };
        let output = check(b"<repomd/>");
        assert!(output.status.success(), "{kind:?}: {output:?}");
        assert!(!check(b"<repomd />").status.success());
        assert_eq!(home.fingerprint("Airlock"), key.fingerprint().to_string());

        let ring = KeyRing::from_armored(&key.to_armored_public().unwrap());
        assert!(ring.problems().is_empty());
        let policy = Policy::default();
        let report = verify_detached(b"<repomd/>", signature.as_bytes(), &ring, &policy);
        assert!(report.overall().is_good(), "{report:?}");
        let report = verify_detached(b"<repomd />", signature.as_bytes(), &ring, &policy);
        assert_eq!(
            report.overall(),
            Verdict::Bad {
                why: BadSignature::Mismatch
            }
        );
    }
}

#[test]
fn a_stored_key_is_the_same_key() {
    let key = SigningKey::generate(KeyKind::Ed25519, "Airlock", CREATED).unwrap();
    let stored = key.to_armored_secret().unwrap();
    assert!(stored.starts_with("-----BEGIN PGP PRIVATE KEY BLOCK-----"));
    let again = SigningKey::from_armored(&stored).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert_eq!(
        again.to_armored_public().unwrap(),
        key.to_armored_public().unwrap()
    );
    assert!(!format!("{key:?}").contains("PRIVATE"));
    let signature = again.sign_detached(b"x").unwrap();
    let ring = KeyRing::from_armored(&key.to_armored_public().unwrap());
    let report = verify_detached(b"x", signature.as_bytes(), &ring, &Policy::default());
    assert_eq!(
        report.overall().to_string(),
        format!("good signature by key {} (SHA256)", key.key_id())
    );
}

#[test]
fn a_key_of_gpg_signs_too() {
    let home = Home::new();
    home.make_key("rsa2048", "Imported", "never");
    let key = SigningKey::from_armored(&home.export_secret("Imported")).unwrap();
    let signature = key.sign_detached(b"x").unwrap();
    let ring = KeyRing::from_bytes(&home.export());
    let report = verify_detached(b"x", signature.as_bytes(), &ring, &Policy::default());
    assert!(report.overall().is_good(), "{report:?}");
}

#[test]
fn what_is_no_secret_key_is_refused() {
    let key = SigningKey::generate(KeyKind::Ed25519, "Airlock", CREATED).unwrap();
    for text in ["", "hello", &key.to_armored_public().unwrap()] {
        let error = SigningKey::from_armored(text).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the signing key cannot be used")
        );
    }
    assert!(SigningKey::generate(KeyKind::Ed25519, "Airlock", u64::MAX).is_err());
}
