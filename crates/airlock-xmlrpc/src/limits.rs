//! What is too much.

/// Limits of a message that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the message.
    pub bytes: usize,
    /// Structs and arrays inside one another.
    pub depth: usize,
    /// Values of all kinds, members of structs included.
    pub values: usize,
}

impl Default for Limits {
    /// Enough for the package list of a large machine.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            depth: 64,
            values: 4_000_000,
        }
    }
}
