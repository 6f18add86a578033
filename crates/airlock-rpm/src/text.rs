//! Header strings as text.
//!
//! Headers promise no encoding. Old packages hold ISO-8859-1. createrepo_c keeps a string that is
//! valid UTF-8 and reads every other one, as a whole, as ISO-8859-1; the same rule here keeps
//! metadata equal to what it writes.

use std::borrow::Cow;

/// The bytes as text: valid UTF-8 as it is, everything else read as ISO-8859-1.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn utf8_is_kept_and_the_rest_is_latin1() {
        assert_eq!(decode("zażółć".as_bytes()), "zażółć");
        assert_eq!(decode(b"caf\xe9"), "café");
        // One bad byte turns the whole string into ISO-8859-1, as createrepo_c does.
        assert_eq!(decode(b"\xc3\xa9\xff"), "Ã©ÿ");
        assert_eq!(decode(b""), "");
    }
}
