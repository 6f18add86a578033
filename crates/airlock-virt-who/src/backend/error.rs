//! What can go wrong between here and a hypervisor.

use std::path::PathBuf;
use std::time::Duration;

/// A failure of a source. None of them holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The account was refused. Not to be tried again before the configuration changes or an hour has passed.
    #[error(
        "{server} refuses the login: {reason}. Check username and password; it is tried again in an hour or when the configuration changes, so that the account is not locked"
    )]
    Refused {
        /// Who refused.
        server: String,
        /// What it said.
        reason: String,
    },
    /// The server's certificate is not trusted, or TLS failed otherwise.
    #[error(
        "{server}: TLS failed: {reason}. Name the file of its authority, or of its own certificate, in {prefix}ca=, or set {prefix}insecure=true to take any certificate"
    )]
    Tls {
        /// Who was talked to.
        server: String,
        /// What stands before `ca` and `insecure` in the section: nothing for a source, `rhsm_` for Candlepin.
        prefix: &'static str,
        /// What failed.
        reason: String,
    },
    /// No connection.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// Who was to be reached.
        server: String,
        /// Why not.
        reason: String,
    },
    /// No answer in time.
    #[error("{server} did not answer {doing} within {} s", after.as_secs())]
    TimedOut {
        /// Who was asked.
        server: String,
        /// For what.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// An answer with a status that means failure.
    #[error("{server} answered {doing} with HTTP status {status}{}", hint(*status))]
    Status {
        /// Who answered.
        server: String,
        /// What was asked.
        doing: String,
        /// The status.
        status: u16,
    },
    /// The server said that it failed.
    #[error("{server} could not do {doing}: {reason}")]
    Fault {
        /// Who said so.
        server: String,
        /// What was asked.
        doing: String,
        /// What it said.
        reason: String,
    },
    /// The session is no longer known; connecting again helps.
    #[error("{server} has ended the session: {reason}")]
    SessionLost {
        /// Who ended it.
        server: String,
        /// What it said.
        reason: String,
    },
    /// An answer that nobody can read.
    #[error(
        "{server} answered {doing} with something else: {reason}. Is it the right address, and the right type?"
    )]
    Protocol {
        /// Who answered.
        server: String,
        /// What was asked.
        doing: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer ended too early, so what was read is only a part; it is not used.
    #[error("{server} broke off its answer to {doing}: {reason}. What was read is not used")]
    Partial {
        /// Who broke off.
        server: String,
        /// What was asked.
        doing: String,
        /// Where it ended.
        reason: String,
    },
    /// More than any real answer has.
    #[error("{server} sent more than {limit} {what} as answer to {doing}; it is not read further")]
    TooMuch {
        /// Who sent it.
        server: String,
        /// What was asked.
        doing: String,
        /// The limit.
        limit: usize,
        /// Of what: bytes, pages, levels.
        what: &'static str,
    },
    /// A program that is needed is not there or failed.
    #[error("{program}: {reason}")]
    Program {
        /// Which.
        program: String,
        /// What it said, or what to install.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Settings that cannot work.
    #[error("{option}: {reason}")]
    Setting {
        /// Which option.
        option: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that this program does not do.
    #[error("{what}. {instead}")]
    Unsupported {
        /// What is not done, and why.
        what: String,
        /// What to do instead.
        instead: String,
    },
}

/// The result of talking to a source.
pub type Result<T> = std::result::Result<T, Error>;

/// What to do about a status.
fn hint(status: u16) -> &'static str {
    match status {
        403 => ": the account may log in but not do that; give it the rights to read the inventory",
        404 => ": the address leads to something else",
        407 => ": the proxy wants a login; write it into proxy=",
        500..=599 => ": the server failed, see its log",
        _ => "",
    }
}

impl Error {
    /// Whether the account was refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether trying again without a change of the configuration can help.
    #[must_use]
    pub fn passing(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. } | Self::Setting { .. } | Self::Unsupported { .. }
        )
    }
}
