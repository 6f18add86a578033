//! Uuids as hypervisors spell them: with or without dashes and braces, in any case, and in two byte orders.
//!
//! VMware with old virtual hardware, Hyper-V and the firmware of a machine disagree on the order of the bytes in the first
//! three groups (reference virt-who, section 4). A guest is the same guest in both.

/// What a uuid is found by: the smaller one of its two byte orders, 32 hexadecimal digits. Anything that is no uuid is
/// found by its own text in lower case.
#[must_use]
pub fn uuid_key(text: &str) -> String {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | '{' | '}' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return text.trim().to_lowercase();
    }
    let other = swapped(&digits);
    digits.min(other)
}

/// 32 digits with the bytes of the first three groups turned round.
fn swapped(digits: &str) -> String {
    let mut out = String::with_capacity(32);
    for group in [0..8, 8..12, 12..16] {
        let group = &digits[group];
        for at in (0..group.len()).step_by(2).rev() {
            out.push_str(&group[at..at + 2]);
        }
    }
    out.push_str(&digits[16..]);
    out
}

#[cfg(test)]
mod tests {
    use super::uuid_key;

    #[test]
    fn both_byte_orders_and_all_spellings_have_one_key() {
        let one = uuid_key("423e6a1f-9d2c-4b8e-8f3a-0123456789ab");
        for same in [
            "423E6A1F-9D2C-4B8E-8F3A-0123456789AB",
            "423e6a1f9d2c4b8e8f3a0123456789ab",
            "{423e6a1f-9d2c-4b8e-8f3a-0123456789ab}",
            "1f6a3e42-2c9d-8e4b-8f3a-0123456789ab",
        ] {
            assert_eq!(uuid_key(same), one, "{same}");
        }
        assert_ne!(uuid_key("423e6a1f-9d2c-4b8e-8f3a-0123456789ac"), one);
        assert_eq!(uuid_key(" Host-17 "), "host-17");
        assert_eq!(uuid_key(""), "");
        assert_eq!(uuid_key("ä".repeat(16).as_str()), "ä".repeat(16));
    }
}
