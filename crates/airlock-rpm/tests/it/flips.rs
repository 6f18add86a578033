//! Real packages with a few bytes changed: never a panic, never silently another content.

use airlock_rpm::{KeyRing, Package, Policy, read_package, verify_package};
use proptest::prelude::*;

use crate::allocation::peak_of;
use crate::built::built;

fn package(which: usize) -> Vec<u8> {
    let names = [
        "everything-1.2~rc1^git5-4.el9.x86_64",
        "everything-1.2~rc1^git5-4.el9.src",
        "old-1.2~rc1^git5-4.el9.x86_64",
        "latin1-1.2",
        "crate-gzip",
        "crate-zstd",
    ];
    built().named(names[which % names.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn flipped_bytes_are_noticed(
        which in 0_usize..6,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..=255), 1..5),
        in_header in any::<bool>(),
    ) {
        let original = package(which);
        let head = read_package(&mut &original[..]).unwrap();
        let range = head.header_range.clone();
        // Headers fill a page of zeros up to their payload; the interesting half is the header.
        let (start, end) = match in_header {
            true => (range.start as usize, range.end as usize),
            false => (0, original.len()),
        };
        let mut bytes = original.clone();
        for (index, mask) in &flips {
            let at = start + index.index(end - start);
            bytes[at] ^= mask;
        }
        let ring = KeyRing::default();
        let (outcome, peak) = peak_of(|| {
            let mut reader = &bytes[..];
            let head = read_package(&mut reader)?;
            let nevra = Package::new(&head)?.nevra();
            let whole = verify_package(&head, &mut reader, &ring, &Policy::default())?;
            Ok::<_, airlock_rpm::Error>((nevra, whole))
        });
        prop_assert!(peak <= 2 * bytes.len() + (1 << 20));
        let covered = bytes[range.start as usize..] != original[range.start as usize..];
        if let Ok((nevra, whole)) = outcome
            && covered
        {
            prop_assert!(
                whole.digests.first_bad().is_some() || !whole.digests.is_complete(),
                "{} was changed and nobody noticed", nevra
            );
        }
    }

    #[test]
    fn arbitrary_bytes_behind_the_magic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = crate::forge::lead();
        bytes.extend_from_slice(&[0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]);
        bytes.extend_from_slice(&tail);
        let (outcome, peak) = peak_of(|| read_package(&mut &bytes[..]).map(|_| ()));
        prop_assert!(outcome.is_err());
        prop_assert!(peak < 1 << 20);
    }
}
