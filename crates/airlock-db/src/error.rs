//! What can go wrong with the database.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused or failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A commit failed; whether it happened is decided by the operation id.
    #[error("database: the commit failed and may or may not have happened: {0}")]
    Commit(sqlx::Error),
    /// A migration failed; it was taken back whole.
    #[error("migration {number} failed: {source}")]
    Migration {
        /// Its number.
        number: i64,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database was written by a newer release.
    #[error(
        "the database has schema {found}, this program knows up to {known}; start the newer release again"
    )]
    TooNew {
        /// Schema found.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// A stored value cannot be read.
    #[error("the database holds a {what} that cannot be read: {value}")]
    BadValue {
        /// Which value.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// The file of the embedded database cannot be made or looked at.
    #[error("database file {}: {source}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server of the database cannot be reached, or does not take the login.
    #[error("cannot connect to PostgreSQL at {server}: {source}")]
    Unreachable {
        /// `HOST:PORT`, without login and password.
        server: String,
        /// What went wrong.
        source: sqlx::Error,
    },
    /// A URL that names no database.
    #[error("\"{0}\" names no database: give postgres://… or a file")]
    BadUrl(String),
}

impl Error {
    /// Whether a change may have happened in spite of the error.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::Commit(_))
    }

    /// Whether the same work can succeed when it is done again: a lock, a deadlock, a serialization failure.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let (Self::Sql(error) | Self::Commit(error)) = self else {
            return false;
        };
        match error {
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                matches!(&*code, "40001" | "40P01" | "55P03" | "5" | "6" | "517")
            }),
            sqlx::Error::PoolTimedOut => true,
            _ => false,
        }
    }

    /// Whether the database has no room left on its disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let (Self::Sql(error) | Self::Commit(error)) = self else {
            return false;
        };
        // SQLITE_FULL; disk_full of PostgreSQL.
        matches!(error, sqlx::Error::Database(database) if database.code().is_some_and(|code| matches!(&*code, "13" | "53100")))
    }

    pub(crate) fn bad(what: &'static str, value: impl ToString) -> Self {
        Self::BadValue {
            what,
            value: value.to_string(),
        }
    }
}
