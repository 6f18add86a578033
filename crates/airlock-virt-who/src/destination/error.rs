//! What can go wrong between here and a server that takes reports.

use std::path::PathBuf;
use std::time::Duration;

use crate::backend;

/// The result of talking to a destination.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of a destination. None of them holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, TLS, time-outs, refused logins, statuses.
    #[error(transparent)]
    Transport(#[from] backend::Error),
    /// The server asks for a pause.
    #[error("{server} is busy and asks to wait {} s", after.as_secs())]
    Busy {
        /// Who.
        server: String,
        /// How long.
        after: Duration,
    },
    /// The server does not take the report, in its own words.
    #[error("{server} does not take the report: {reason}")]
    Rejected {
        /// Who.
        server: String,
        /// Its words.
        reason: String,
    },
    /// The login is good, and the organization is none that it may see.
    #[error("Specified owner '{owner}' is not accessible")]
    Inaccessible {
        /// As `owner=` names it.
        owner: String,
    },
    /// The machine is not registered, or no longer.
    #[error(
        "{reason}. Register the machine (subscription-manager register), or set rhsm_username and rhsm_password"
    )]
    Unregistered {
        /// What is missing.
        reason: String,
    },
    /// A file of the state cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Error {
    /// Whether the login was refused: not to be tried again before the configuration changes or an hour has passed. A machine
    /// that is not registered has no account that could be locked, so it is tried like any other failure.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self, Self::Transport(error) if error.refused())
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => Some(*after),
            _ => None,
        }
    }
}
