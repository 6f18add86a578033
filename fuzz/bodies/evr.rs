//! What the fuzz target `evr` does with its bytes; the tests of `airlock-rpm` replay it.

use std::cmp::Ordering;

use airlock_rpm::{EvrRef, Nevra, rpmvercmp};

/// Takes up to three texts, split at NUL, and holds them against the laws of an order.
pub fn evr(bytes: &[u8]) {
    let mut texts = bytes.split(|byte| *byte == 0);
    let mut next = || texts.next().unwrap_or_default();
    let (a, b, c) = (next(), next(), next());
    assert_eq!(rpmvercmp(a, a), Ordering::Equal);
    assert_eq!(rpmvercmp(a, b), rpmvercmp(b, a).reverse());
    if rpmvercmp(a, b) != Ordering::Greater && rpmvercmp(b, c) != Ordering::Greater {
        assert_ne!(rpmvercmp(a, c), Ordering::Greater);
    }
    for text in [a, b, c] {
        let Ok(text) = std::str::from_utf8(text) else {
            continue;
        };
        if let Ok(evr) = EvrRef::parse(text) {
            let printed = evr.to_string();
            let again = EvrRef::parse(&printed);
            assert_eq!(again.map(|evr| evr.to_string()).ok(), Some(printed));
        }
        if let Ok(nevra) = Nevra::parse(text) {
            assert_eq!(Nevra::parse(&nevra.to_string()).ok(), Some(nevra));
        }
    }
}
