//! Ids and uuids in the least memory: an inventory holds hundreds of thousands of each.

use std::fmt;

/// A managed object id. That of a guest is nearly always `vm-` and a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GuestId {
    /// The number of `vm-NUMBER`.
    Number(u64),
    /// Any other text.
    Text(Box<str>),
}

impl GuestId {
    /// The id that a server wrote.
    pub fn new(text: &str) -> Self {
        text.strip_prefix("vm-")
            .filter(|digits| *digits == "0" || !digits.starts_with(['0', '+']))
            .and_then(|digits| digits.parse().ok())
            .map_or_else(|| Self::Text(text.into()), Self::Number)
    }
}

impl fmt::Display for GuestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "vm-{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// A uuid, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uuid {
    /// 8-4-4-4-12 digits, all of them lower-case.
    Bytes([u8; 16]),
    /// Any other text.
    Text(Box<str>),
}

impl Uuid {
    /// What a server wrote, trimmed. `None` if that is nothing.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let canonical = crate::model::uuid::looks_like(text)
            && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let mut bytes = [0; 16];
        let digits = text.replace('-', "");
        if canonical && hex::decode_to_slice(&digits, &mut bytes).is_ok() {
            return Some(Self::Bytes(bytes));
        }
        Some(Self::Text(text.into()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Bytes(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        out.write_str("-")?;
                    }
                    write!(out, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_written() {
        for text in [
            "vm-12",
            "vm-0",
            "vm-012",
            "vm-",
            "vm-+1",
            "4",
            "vm-99999999999999999999999",
        ] {
            assert_eq!(GuestId::new(text).to_string(), text);
        }
        assert_eq!(GuestId::new("vm-12"), GuestId::Number(12));
        for text in [
            "42216992-7a40-5701-a681-3e560a389cdd",
            "42216992-7A40-5701-a681-3e560a389cdd",
            "422169927a405701a6813e560a389cdd",
            "x",
        ] {
            assert_eq!(Uuid::new(text).unwrap().to_string(), text);
        }
        assert_eq!(Uuid::new(" "), None);
    }
}
