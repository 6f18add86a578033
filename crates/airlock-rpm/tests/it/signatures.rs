//! Signatures made by gpg and rpmsign, judged by rpm and by this crate.

use airlock_rpm::signature::{BadSignature, Coverage, SignatureReport};
use airlock_rpm::{
    KeyRing, Package, Policy, Verdict, Verification, read_package, verify_detached, verify_head,
    verify_package,
};
use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PacketTrait, Signature, SignatureConfig, SignatureType};
use pgp::types::{KeyDetails, Password, SigningKey, Timestamp};

use crate::built::built;
use crate::forge::{self, Forge, PAYLOAD};
use crate::gpg::Home;

fn verify(bytes: &[u8], ring: &KeyRing, policy: &Policy) -> Verification {
    let mut reader = bytes;
    let head = read_package(&mut reader).unwrap();
    Package::new(&head).unwrap();
    verify_package(&head, &mut reader, ring, policy).unwrap()
}

fn verdict(bytes: &[u8], ring: &KeyRing) -> Verdict {
    verify(bytes, ring, &Policy::default()).verdict()
}

/// The forged package with one signature of some tag in it.
fn with_signature(tag: u32, packet: &[u8]) -> Vec<u8> {
    let main = forge::main_header().bytes();
    let mut signature = forge::signature_header(&main);
    signature.binary(tag, packet);
    forge::package(&signature.bytes(), &main, PAYLOAD)
}

fn header_and_payload() -> Vec<u8> {
    [forge::main_header().bytes(), PAYLOAD.to_vec()].concat()
}

#[test]
fn rpmsign_with_every_kind_of_key() {
    for (algorithm, digest) in [
        ("rsa2048", "sha256"),
        ("rsa3072", "sha512"),
        ("ed25519", "sha256"),
        ("dsa1024", "sha256"),
        ("dsa2048", "sha256"),
    ] {
        let home = Home::new();
        home.make_key(algorithm, "Signer", "never");
        let package = home.write(
            "package.rpm",
            &built().named("everything-1.2~rc1^git5-4.el9.x86_64"),
        );
        home.rpmsign("Signer", &package, &[], digest);
        let bytes = std::fs::read(&package).unwrap();
        let ring = KeyRing::from_armored(&home.export_armored("Signer"));
        assert!(
            ring.problems().is_empty(),
            "{algorithm}: {:?}",
            ring.problems()
        );
        let found = verify(&bytes, &ring, &Policy::default());
        assert!(found.verdict().is_good(), "{algorithm}: {found:?}");
        assert_eq!(found.signatures.checks.len(), 1);
        let head = read_package(&mut &bytes[..]).unwrap();
        assert!(
            verify_head(&head, &ring, &Policy::default())
                .verdict()
                .is_good()
        );

        let (accepted, text) = home.rpm_checks(&home.export_armored("Signer"), &package);
        assert!(accepted, "{algorithm}: {text}");

        // Any other key, one changed byte in the header, one in the payload.
        let stranger = Home::new();
        stranger.make_key(algorithm, "Other", "never");
        let other = KeyRing::from_bytes(&stranger.export());
        assert!(
            matches!(verdict(&bytes, &other), Verdict::UnknownKey { key_id: Some(id) }
                if Some(id) == ring.certificates().first().map(|c| c.key_id())),
            "{algorithm}"
        );
        let mut changed = bytes.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert!(matches!(verdict(&changed, &ring), Verdict::Bad { .. }));
        let mut changed = bytes;
        let at = head.header_range.end as usize - 100;
        changed[at] ^= 1;
        if let Ok(head) = read_package(&mut &changed[..]) {
            let found = verify_head(&head, &ring, &Policy::default());
            assert!(matches!(found.verdict(), Verdict::Bad { .. }));
            assert!(matches!(
                found.signatures.overall(),
                Verdict::Bad {
                    why: BadSignature::Mismatch
                }
            ));
        }
    }
}

/// rpm 4.18 with its own OpenPGP code neither makes nor checks ECDSA, newer ones do.
#[test]
fn elliptic_curves_that_rpmsign_does_not_know() {
    for (algorithm, hash) in [
        ("nistp256", "SHA256"),
        ("nistp384", "SHA384"),
        ("nistp521", "SHA512"),
    ] {
        let home = Home::new();
        home.make_key(algorithm, "Signer", "never");
        let main = forge::main_header().bytes();
        let packet = home.sign_detached_with(None, "Signer", &main, &["--digest-algo", hash]);
        let ring = KeyRing::from_bytes(&home.export());
        let found = verdict(&with_signature(267, &packet), &ring);
        assert!(
            matches!(&found, Verdict::Good { hash: made, .. } if made == hash),
            "{algorithm}: {found:?}"
        );
        let packet = home.sign_detached("Signer", b"else");
        let found = verdict(&with_signature(267, &packet), &ring);
        assert_eq!(
            found,
            Verdict::Bad {
                why: BadSignature::Mismatch
            }
        );
    }
}

#[test]
fn old_signatures_over_header_and_payload() {
    let home = Home::new();
    home.make_key("rsa2048", "Signer", "never");
    let package = home.write(
        "package.rpm",
        &built().named("old-1.2~rc1^git5-4.el9.x86_64"),
    );
    home.rpmsign("Signer", &package, &["--rpmv3"], "sha256");
    let bytes = std::fs::read(&package).unwrap();
    let ring = KeyRing::from_bytes(&home.export());
    let found = verify(&bytes, &ring, &Policy::default());
    assert!(found.verdict().is_good(), "{found:?}");
    let kinds: Vec<Coverage> = found.signatures.checks.iter().map(|c| c.coverage).collect();
    assert_eq!(kinds, [Coverage::Header, Coverage::HeaderAndPayload]);
    let (accepted, text) = home.rpm_checks(&home.export_armored("Signer"), &package);
    assert!(accepted, "{text}");

    let mut changed = bytes;
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let found = verify(&changed, &ring, &Policy::default());
    assert!(found.signatures.checks[0].verdict.is_good());
    assert_eq!(
        found.signatures.checks[1].verdict,
        Verdict::Bad {
            why: BadSignature::Mismatch
        }
    );
    assert!(!found.verdict().is_good());
}

#[test]
fn a_header_signature_alone_does_not_cover_an_unbound_payload() {
    let home = Home::new();
    home.make_key("rsa2048", "Signer", "never");
    let ring = KeyRing::from_bytes(&home.export());
    let mut main = forge::main_header();
    main.without(5092).without(5093);
    let main = main.bytes();
    let packet = home.sign_detached("Signer", &main);
    let mut signature = forge::signature_header(&main);
    signature.binary(268, &packet);
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    assert_eq!(
        verdict(&bytes, &ring),
        Verdict::Bad {
            why: BadSignature::PayloadNotCovered
        }
    );
    // With an old signature over everything beside it, it is.
    let both = [main.clone(), PAYLOAD.to_vec()].concat();
    signature.binary(1002, &home.sign_detached("Signer", &both));
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    assert!(verdict(&bytes, &ring).is_good());
}

#[test]
fn only_an_old_signature() {
    let home = Home::new();
    home.make_key("rsa2048", "Signer", "never");
    home.make_key("dsa1024", "Dsa", "never");
    let ring = KeyRing::from_bytes(&home.export());
    for (tag, user) in [(1002, "Signer"), (1005, "Dsa"), (1006, "Signer")] {
        // gpg itself would take SHA-1 for so short a DSA key.
        let options = ["--digest-algo", "SHA256"];
        let packet = home.sign_detached_with(None, user, &header_and_payload(), &options);
        let bytes = with_signature(tag, &packet);
        let found = verify(&bytes, &ring, &Policy::default());
        assert!(found.verdict().is_good(), "{tag}: {found:?}");
        // It cannot be seen without the payload, and is not guessed.
        let head = read_package(&mut &bytes[..]).unwrap();
        let head_only = verify_head(&head, &ring, &Policy::default());
        assert_eq!(head_only.verdict(), Verdict::Unsigned);
    }
}

#[test]
fn the_tag_of_rpm_6_with_several_signatures() {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let home = Home::new();
    home.make_key("rsa2048", "First", "never");
    home.make_key("ed25519", "Second", "never");
    let main = forge::main_header().bytes();
    let first = encode(&home.sign_detached("First", &main));
    let second = encode(&home.sign_detached("Second", &main));
    let package = |texts: &[&str]| {
        let mut signature = forge::signature_header(&main);
        signature.texts(278, texts);
        forge::package(&signature.bytes(), &main, PAYLOAD)
    };
    let both = package(&[&first, &second]);
    let all = KeyRing::from_bytes(&home.export());
    let only_second = KeyRing::from_armored(&home.export_armored("Second"));
    let found = verify(&both, &all, &Policy::default());
    assert_eq!(found.signatures.checks.len(), 2);
    assert!(found.verdict().is_good());
    // One known key is enough; one that tampers is too much.
    let found = verify(&both, &only_second, &Policy::default());
    assert!(found.verdict().is_good(), "{found:?}");
    let other = encode(&home.sign_detached("First", b"other data"));
    let found = verify(&package(&[&other, &second]), &all, &Policy::default());
    assert!(matches!(found.verdict(), Verdict::Bad { .. }));
    let found = verify(&package(&["?", &second]), &all, &Policy::default());
    assert!(matches!(found.verdict(), Verdict::Bad { .. }));
    // The same signature in the tag of rpm 4 as well is one signature.
    let mut signature = forge::signature_header(&main);
    signature
        .texts(278, &[&first])
        .binary(268, &home.sign_detached("First", &main));
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    assert!(verdict(&bytes, &all).is_good());
}

/// A version 3 signature packet, as signing servers still write them.
fn version_3(secret: &str, data: &[u8], hash: HashAlgorithm) -> Vec<u8> {
    let (key, _) = SignedSecretKey::from_string(secret).unwrap();
    let made = Timestamp::now();
    // rPGP only reads version 3 for keys of version 4, so the hash is made by hand.
    let mut hasher = hash.new_hasher().unwrap();
    hasher.update(data);
    hasher.update(&[SignatureType::Binary.into()]);
    hasher.update(&made.as_secs().to_be_bytes());
    let digest = hasher.finalize();
    let value = key
        .primary_key
        .sign(&Password::empty(), hash, &digest)
        .unwrap();
    let config = SignatureConfig::v3(
        SignatureType::Binary,
        key.primary_key.algorithm(),
        hash,
        made,
        key.primary_key.legacy_key_id(),
    );
    let signature = Signature::from_config(config, [digest[0], digest[1]], value).unwrap();
    let mut packet = Vec::new();
    signature.to_writer_with_header(&mut packet).unwrap();
    packet
}

#[test]
fn version_3_packets() {
    let home = Home::new();
    home.make_key("rsa2048", "Signer", "never");
    let secret = home.export_secret("Signer");
    let ring = KeyRing::from_bytes(&home.export());
    let main = forge::main_header().bytes();
    for (tag, data) in [(268, main.clone()), (1002, header_and_payload())] {
        let packet = version_3(&secret, &data, HashAlgorithm::Sha256);
        let found = verify(&with_signature(tag, &packet), &ring, &Policy::default());
        assert!(found.verdict().is_good(), "{found:?}");
        assert!(found.signatures.checks[0].created.is_some());
        let packet = version_3(&secret, b"else", HashAlgorithm::Sha256);
        let found = verify(&with_signature(tag, &packet), &ring, &Policy::default());
        assert_eq!(
            found.verdict(),
            Verdict::Bad {
                why: BadSignature::Mismatch
            }
        );
    }
    // A real package, so that rpm has its say on the same packet.
    let plain = built().named("crate-gzip");
    let head = read_package(&mut &plain[..]).unwrap();
    let packet = version_3(&secret, head.header.as_bytes(), HashAlgorithm::Sha256);
    let mut signature = Forge::from_header(&head.signature);
    signature.binary(268, &packet);
    let bytes = forge::with_signature_header(&plain, &head, &signature);
    assert!(verdict(&bytes, &ring).is_good());
    let path = home.write("v3.rpm", &bytes);
    let (accepted, text) = home.rpm_checks(&home.export_armored("Signer"), &path);
    assert!(accepted, "{text}");
    assert!(text.contains("V3 RSA/SHA256"), "{text}");
}

/// Neither gpg nor rpm 4.18 knows version 6, so rPGP makes key and signature.
#[test]
fn version_6_keys_and_packets() {
    use pgp::composed::{ArmorOptions, DetachedSignature, KeyType, SecretKeyParamsBuilder};

    let key = SecretKeyParamsBuilder::default()
        .version(pgp::types::KeyVersion::V6)
        .key_type(KeyType::Ed25519)
        .can_sign(true)
        .can_certify(true)
        .primary_user_id("Six <six@example.org>".to_owned())
        .build()
        .unwrap()
        .generate(rand_core::OsRng)
        .unwrap();
    let public = key
        .to_public_key()
        .to_armored_string(ArmorOptions::default());
    let ring = KeyRing::from_armored(&public.unwrap());
    assert_eq!(ring.problems(), []);
    let main = forge::main_header().bytes();
    let sign = |data: &[u8]| {
        let made = DetachedSignature::sign_binary_data(
            rand_core::OsRng,
            &key.primary_key,
            &Password::empty(),
            HashAlgorithm::Sha512,
            data,
        )
        .unwrap();
        let mut packet = Vec::new();
        made.signature.to_writer_with_header(&mut packet).unwrap();
        packet
    };
    let found = verdict(&with_signature(267, &sign(&main)), &ring);
    assert!(
        matches!(&found, Verdict::Good { hash, .. } if hash == "SHA512"),
        "{found:?}"
    );
    let found = verdict(&with_signature(267, &sign(b"else")), &ring);
    assert_eq!(
        found,
        Verdict::Bad {
            why: BadSignature::Mismatch
        }
    );
    let found = verdict(&with_signature(267, &sign(&main)), &KeyRing::default());
    let id = ring.certificates()[0].key_id();
    assert_eq!(found, Verdict::UnknownKey { key_id: Some(id) });
}

#[test]
fn weak_hashes_are_a_matter_of_policy() {
    let home = Home::new();
    home.make_key("rsa2048", "Signer", "never");
    let ring = KeyRing::from_bytes(&home.export());
    let secret = home.export_secret("Signer");
    let main = forge::main_header().bytes();
    let sha1 = home.sign_detached_with(None, "Signer", &main, &["--digest-algo", "SHA1"]);
    let lenient = Policy {
        allow_sha1: true,
        ..Policy::default()
    };
    for packet in [sha1, version_3(&secret, &main, HashAlgorithm::Sha1)] {
        let bytes = with_signature(268, &packet);
        assert_eq!(
            verdict(&bytes, &ring),
            Verdict::Weak {
                what: "SHA1".to_owned()
            }
        );
        assert!(verify(&bytes, &ring, &lenient).verdict().is_good());
    }
    let md5 = version_3(&secret, &main, HashAlgorithm::Md5);
    let found = verify(&with_signature(268, &md5), &ring, &lenient);
    assert_eq!(
        found.verdict(),
        Verdict::Weak {
            what: "MD5".to_owned()
        }
    );
    let strict = Policy {
        minimum_key_bits: 3072,
        ..Policy::default()
    };
    let good = home.sign_detached("Signer", &main);
    let found = verify(&with_signature(268, &good), &ring, &strict);
    assert_eq!(
        found.verdict(),
        Verdict::Weak {
            what: "RSA with 2048 bits".to_owned()
        }
    );
}

fn detached(home: &Home, data: &[u8], signature: &[u8], policy: &Policy) -> SignatureReport {
    let ring = KeyRing::from_bytes(&home.export());
    verify_detached(data, signature, &ring, policy)
}

#[test]
fn subkeys_sign_for_their_certificate() {
    let home = Home::new();
    home.make_key("rsa2048", "Owner", "never");
    home.add_signing_subkey("Owner", "ed25519");
    let subkey = home.subkey_fingerprint("Owner");
    let signature = home.sign_detached(&format!("{subkey}!"), b"data");
    let report = detached(&home, b"data", &signature, &Policy::default());
    match report.overall() {
        Verdict::Good {
            key_id,
            fingerprint,
            ..
        } => {
            assert!(subkey.to_lowercase().ends_with(&key_id.to_string()));
            assert_eq!(fingerprint.to_string(), home.fingerprint("Owner"));
        }
        other => panic!("{other:?}"),
    }

    // Somebody adopts the subkey: same packets under another primary key.
    let thief = Home::new();
    thief.make_key("rsa2048", "Thief", "never");
    let subkey_packets = {
        let all = home.export();
        let ring = pgp::composed::SignedPublicKey::from_bytes(&all[..]).unwrap();
        let mut bytes = Vec::new();
        for subkey in &ring.public_subkeys {
            pgp::ser::Serialize::to_writer(subkey, &mut bytes).unwrap();
        }
        bytes
    };
    let stolen = [thief.export(), subkey_packets].concat();
    let ring = KeyRing::from_bytes(&stolen);
    assert_eq!(ring.certificates().len(), 1);
    assert_eq!(ring.certificates()[0].signing_key_ids().len(), 1);
    let report = verify_detached(b"data", &signature, &ring, &Policy::default());
    assert!(matches!(report.overall(), Verdict::UnknownKey { .. }));

    // Revoked, the subkey counts no more; the primary key still does.
    let fingerprint = home.fingerprint("Owner");
    let by_primary = home.sign_detached(&format!("{fingerprint}!"), b"data");
    home.edit_key("Owner", "key 1\nrevkey\ny\n0\n\ny\nsave\n");
    let report = detached(&home, b"data", &signature, &Policy::default());
    assert!(
        matches!(report.overall(), Verdict::Revoked { .. }),
        "{report:?}"
    );
    let report = detached(&home, b"data", &by_primary, &Policy::default());
    assert!(report.overall().is_good(), "{report:?}");
}

#[test]
fn expired_keys() {
    let home = Home::new();
    home.make_key_at(Some("20200101T000000"), "rsa2048", "Old", "2020-06-01");
    let in_time = home.sign_detached_with(Some("20200301T000000"), "Old", b"data", &[]);
    let policy = Policy::default();
    // Packages outlive the keys that signed them.
    let report = detached(&home, b"data", &in_time, &policy);
    assert!(report.overall().is_good(), "{report:?}");
    let today = Policy {
        now: Some(1_767_225_600),
        ..Policy::default()
    };
    let report = detached(&home, b"data", &in_time, &today);
    assert!(matches!(report.overall(), Verdict::Expired { .. }));
    // A signature of after the end, or of before the start: made with another clock.
    let secret = home.export_secret("Old");
    let late = version_3(&secret, b"data", HashAlgorithm::Sha256);
    let report = detached(&home, b"data", &late, &policy);
    assert!(
        matches!(report.overall(), Verdict::Expired { .. }),
        "{report:?}"
    );
}

#[test]
fn signatures_older_than_their_key() {
    let home = Home::new();
    home.make_key_at(Some("20300101T000000"), "ed25519", "Future", "never");
    let early = home.sign_detached_with(
        Some("20290101T000000"),
        "Future",
        b"data",
        &["--ignore-time-conflict", "--ignore-valid-from"],
    );
    let report = detached(&home, b"data", &early, &Policy::default());
    assert!(
        matches!(
            report.overall(),
            Verdict::Bad {
                why: BadSignature::OlderThanKey { .. }
            }
        ),
        "{report:?}"
    );
}

#[test]
fn revoked_keys() {
    let home = Home::new();
    home.make_key("ed25519", "Gone", "never");
    let signature = home.sign_detached("Gone", b"data");
    assert!(
        detached(&home, b"data", &signature, &Policy::default())
            .overall()
            .is_good()
    );
    // gpg leaves a ready revocation beside every new key; a colon keeps it from being used by mistake.
    let fingerprint = home.fingerprint("Gone");
    let ready = home
        .path()
        .join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = std::fs::read_to_string(ready).unwrap();
    let revocation = home.write(
        "revocation.asc",
        text.replace(":-----BEGIN", "-----BEGIN").as_bytes(),
    );
    home.gpg(&["--import", revocation.to_str().unwrap()]);
    let report = detached(&home, b"data", &signature, &Policy::default());
    assert!(
        matches!(report.overall(), Verdict::Revoked { .. }),
        "{report:?}"
    );
    let ring = KeyRing::from_bytes(&home.export());
    assert!(ring.certificates()[0].is_revoked());
}

#[test]
fn key_files_of_every_shape() {
    let home = Home::new();
    home.make_key("ed25519", "One", "never");
    home.make_key("rsa2048", "Two", "never");
    let (one, two) = (home.export_armored("One"), home.export_armored("Two"));
    let signature = home.sign_detached("Two", b"data");
    let good = |ring: &KeyRing| {
        verify_detached(b"data", &signature, ring, &Policy::default())
            .overall()
            .is_good()
    };
    // One after the other, with text between, with CR LF, both in one block, binary, secret.
    let both_in_one = String::from_utf8(home.gpg(&["--export", "--armor"]).stdout).unwrap();
    for (name, bytes) in [
        ("joined", [one.as_bytes(), two.as_bytes()].concat()),
        (
            "with text",
            format!("pub ed25519\n{one}\n\nother\n{two}\nend").into_bytes(),
        ),
        (
            "CR LF",
            format!("{one}{two}").replace('\n', "\r\n").into_bytes(),
        ),
        ("one block", both_in_one.into_bytes()),
        ("binary", home.export()),
        (
            "secret",
            format!("{one}{}", home.export_secret("Two")).into_bytes(),
        ),
    ] {
        let ring = KeyRing::from_bytes(&bytes);
        assert_eq!(ring.problems(), [], "{name}");
        assert_eq!(ring.certificates().len(), 2, "{name}");
        assert!(good(&ring), "{name}");
    }
    // One that is broken is told, the other works.
    let broken = one
        .replacen("=\n", "\n", 1)
        .replacen("\n\n", "\n\n!!!!\n", 1);
    let ring = KeyRing::from_bytes(format!("{broken}{two}").as_bytes());
    assert_eq!(ring.certificates().len(), 1, "{ring:?}");
    assert_eq!(ring.problems().len(), 1);
    assert!(
        ring.problems()[0]
            .to_string()
            .starts_with("key 1 of the file cannot be used")
    );
    assert!(good(&ring));
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"hello"),
        ("html", b"<html>404</html>"),
        ("a signature", &signature),
        ("cut", &home.export()[..40]),
    ] {
        let ring = KeyRing::from_bytes(bytes);
        assert!(ring.is_empty(), "{name}");
        assert_eq!(ring.problems().len(), 1, "{name}");
    }
}

#[test]
fn bytes_that_are_no_signature() {
    let home = Home::new();
    home.make_key("ed25519", "Signer", "never");
    let ring = KeyRing::from_bytes(&home.export());
    let main = forge::main_header().bytes();
    let right = home.sign_detached("Signer", &main);
    let armored = home.sign_detached_with(None, "Signer", &main, &["--armor"]);
    let text_mode = home.sign_detached_with(None, "Signer", &main, &["--textmode"]);
    let nested = {
        // A packet of compressed data that claims more of the same.
        let mut bytes = vec![0xc8, 0x03, 0x01, 0xc8, 0x01];
        bytes.extend([0; 64]);
        bytes
    };
    for (name, packet) in [
        ("armored", &armored[..]),
        ("text mode", &text_mode),
        ("5 MB", &vec![0xc2; 5_000_000]),
        ("one byte", b"\xc2"),
        ("cut", &right[..right.len() - 5]),
        ("compressed", &nested),
        ("a key", &home.export()),
        ("zeros", &[0; 100]),
    ] {
        let found = verdict(&with_signature(267, packet), &ring);
        assert!(matches!(found, Verdict::Bad { .. }), "{name}: {found:?}");
    }
    // Not binary data at all.
    let mut signature = forge::signature_header(&main);
    signature.text(267, "signature");
    let bytes = forge::package(&signature.bytes(), &main, PAYLOAD);
    assert!(matches!(verdict(&bytes, &ring), Verdict::Bad { .. }));
    assert!(verdict(&with_signature(267, &right), &ring).is_good());
}

#[test]
fn signature_files_of_repositories() {
    let home = Home::new();
    home.make_key("ed25519", "One", "never");
    home.make_key("rsa2048", "Two", "never");
    let data = b"<repomd/>";
    let one = home.sign_detached_with(None, "One", data, &["--armor"]);
    let two = home.sign_detached_with(None, "Two", data, &["--armor"]);
    let ring = KeyRing::from_armored(&home.export_armored("Two"));
    let judge =
        |signatures: &[u8]| verify_detached(data, signatures, &ring, &Policy::default()).overall();
    assert!(judge(&two).is_good());
    assert!(matches!(judge(&one), Verdict::UnknownKey { .. }));
    // During a change of keys both stand in one file, as two blocks or as one.
    assert!(judge(&[one.clone(), two.clone()].concat()).is_good());
    let packets = [
        home.sign_detached("One", data),
        home.sign_detached("Two", data),
    ]
    .concat();
    assert!(judge(&packets).is_good());
    assert_eq!(judge(b""), Verdict::Unsigned);
    assert_eq!(judge(b"\n"), Verdict::Unsigned);
    assert!(matches!(judge(b"<html>404"), Verdict::Bad { .. }));
    assert!(matches!(judge(&vec![b'x'; 2_000_000]), Verdict::Bad { .. }));
    let other = home.sign_detached_with(None, "Two", b"other", &["--armor"]);
    assert_eq!(
        judge(&other),
        Verdict::Bad {
            why: BadSignature::Mismatch
        }
    );
}
