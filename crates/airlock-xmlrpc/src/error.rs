//! What keeps a message from being read.

/// The result of reading.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a message was not read. No text of the message stands in it, only places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than [`crate::Limits::bytes`].
    #[error("the message has {bytes} bytes; {most} are allowed")]
    TooLong {
        /// Bytes of the message.
        bytes: usize,
        /// How many may be.
        most: usize,
    },
    /// More structs and arrays inside one another than [`crate::Limits::depth`].
    #[error("at byte {at}: structs and arrays are nested deeper than {most}")]
    TooDeep {
        /// Where, in bytes.
        at: usize,
        /// How deep they may be.
        most: usize,
    },
    /// More values than [`crate::Limits::values`].
    #[error("at byte {at}: more than {most} values")]
    TooMany {
        /// Where, in bytes.
        at: usize,
        /// How many may be.
        most: usize,
    },
    /// An encoding that is not read.
    #[error(
        "the encoding of the message is not known; UTF-8, ISO-8859-1, windows-1252 and US-ASCII are"
    )]
    Encoding,
    /// Bytes that are not of the encoding.
    #[error("at byte {at}: not valid in the message's encoding")]
    Bytes {
        /// Where.
        at: usize,
    },
    /// Not XML.
    #[error("at byte {at}: {why}")]
    Xml {
        /// Where, in bytes.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// XML, but no XML-RPC.
    #[error("at byte {at}: {why}")]
    Form {
        /// Where, in bytes.
        at: usize,
        /// What was expected.
        why: &'static str,
    },
    /// A value that does not fit its type.
    #[error("at byte {at}: not a value of type {kind}")]
    Scalar {
        /// Where, in bytes.
        at: usize,
        /// The type that the message names.
        kind: &'static str,
    },
}
