//! What can go wrong. Broken dependencies of packages are answers, not errors.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a pool cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The metadata of a package cannot be read.
    #[error("{0}")]
    Repodata(#[from] airlock_repodata::Error),
    /// A package without a name, version or architecture.
    #[error(
        "a package of repository {repository} has no {part}; the repository has to be made again by its owner"
    )]
    Incomplete {
        /// Label of the repository.
        repository: String,
        /// What is missing.
        part: &'static str,
    },
    /// More than the numbers of a pool can count.
    #[error("the pool is full: more than {limit} {what}; check fewer repositories at once")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// A stored pool that was cut off, changed, or written by another version.
    #[error(
        "the stored pool cannot be used ({why}, at byte {offset}); make it again from the metadata"
    )]
    Stored {
        /// What is wrong with it.
        why: &'static str,
        /// Where reading stopped.
        offset: usize,
    },
}

/// Why a rich dependency cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RichFault {
    /// The text ends inside the expression.
    #[error("it ends too early")]
    Truncated,
    /// Something stands behind the closing parenthesis.
    #[error("something stands behind its end")]
    Trailing,
    /// A dependency without a name.
    #[error("a name is missing")]
    MissingName,
    /// A comparison without a version.
    #[error("a version is missing")]
    MissingVersion,
    /// A word that is no operator.
    #[error("an operator is missing or unknown")]
    UnknownOperator,
    /// Different operators on one level.
    #[error("operators are mixed without parentheses")]
    Mixed,
    /// An operand that `with` and `without` cannot have.
    #[error("`with` and `without` take capabilities and `or` only")]
    NoCapability,
    /// More parentheses within each other than anyone needs.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More parts than anyone needs.
    #[error("it has more than {MAX_PARTS} parts")]
    TooLong,
}

/// Deepest nesting of a rich dependency.
pub const MAX_DEPTH: usize = 32;
/// Most capabilities in a rich dependency.
pub const MAX_PARTS: usize = 512;
