//! What can go wrong with reports and questions about them.

use airlock_model::ErrorKind;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the fleet domain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message that says something impossible; sending it again does not help.
    #[error("{what}")]
    Invalid {
        /// What is wrong, with the field.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// Nothing of that name or number is known in the organization.
    #[error("{what}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] airlock_db::Error),
    /// Something kept is damaged.
    #[error("{what} cannot be read: {why}")]
    Damaged {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

impl Error {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            hint: "agent and server are perhaps of different releases: airlock-virt-who --version",
        }
    }

    /// The kind, for faces.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Unknown { .. } => ErrorKind::NotFound,
            Self::Database(_) | Self::Damaged { .. } => ErrorKind::Internal,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { hint, .. } | Self::Unknown { hint, .. } => Some(hint),
            Self::Database(_) | Self::Damaged { .. } => None,
        }
    }
}
