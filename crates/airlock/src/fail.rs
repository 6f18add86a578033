//! How a command fails: a line that says what, a line that says what to do, an exit status.

use airlock_model::ErrorKind;
use airlock_server::Problem;

/// The work failed.
pub const FAILED: u8 = 1;
/// The command was used wrongly.
pub const USAGE: u8 = 2;

/// A failed command.
#[derive(Debug)]
pub struct Fail {
    /// What went wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Exit status.
    pub code: u8,
    /// Nothing more is printed: the command has said what is wrong already.
    pub silent: bool,
    /// The server could not be reached or went away before it answered: another try may succeed.
    pub lost: bool,
    /// The person at the terminal wanted no more of it.
    pub stopped: bool,
}

/// Result of a command.
pub type Result<T = (), E = Fail> = std::result::Result<T, E>;

impl Fail {
    /// The work failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            code: FAILED,
            silent: false,
            lost: false,
            stopped: false,
        }
    }

    /// The command was used wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            ..Self::new(message)
        }
    }

    /// The command ends with 1, and its output said why.
    pub fn said() -> Self {
        Self {
            silent: true,
            ..Self::new("")
        }
    }

    /// With what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The person at the terminal ended it.
    pub fn stopped(mut self) -> Self {
        self.stopped = true;
        self
    }

    /// The server was not reached, or went away before it answered.
    pub fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    /// A file that could not be used.
    pub fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("{what} {}: {error}", path.display()))
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        if self.silent {
            return;
        }
        eprintln!("error: {}", crate::show::plain(&self.message));
        if let Some(hint) = &self.hint {
            eprintln!("hint: {}", crate::show::plain(hint));
        }
    }
}

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Self {
        let mut fail = Self::new(problem.detail);
        fail.hint = problem.hint;
        // A value that the server refuses is wrong usage, as one is that the command refuses by itself.
        if problem.status == 400 && problem.kind == ErrorKind::Invalid {
            fail.code = USAGE;
        }
        if problem.status >= 500 {
            fail.message = format!("{} (request {})", fail.message, problem.request_id);
        }
        fail
    }
}
