//! Commands: argument vectors, never a shell, and what became of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much of a command's output is kept.
pub const MOST_OUTPUT: usize = 64 << 10;

/// The program that installs from repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// dnf, 4 or 5.
    Dnf,
    /// yum of EL 5 to 7.
    Yum,
    /// zypper.
    Zypper,
}

impl fmt::Display for Manager {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
        })
    }
}

/// By this dnf and yum end with a fault when any repository does not answer, instead of leaving it out without a word: what is
/// not offered then would count as not there at all.
pub const WHOLE_ANSWER: &str = "--setopt=*.skip_if_unavailable=False";

/// A command as it is decided; the machine puts its own options (another root) behind the program's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// `rpm`, `dnf`, `yum` or `zypper`.
    pub program: String,
    /// Its arguments, one by one.
    pub arguments: Vec<String>,
}

impl Command {
    /// A command.
    pub fn new<I, S>(program: &str, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self {
            program: program.to_owned(),
            arguments: arguments.into_iter().map(Into::into).collect(),
        }
    }

    /// The same with more arguments.
    #[must_use]
    pub fn and<I, S>(mut self, more: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }
}

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// What was decided.
    #[serde(skip)]
    pub command: Command,
    /// All that was given to the system, the program first.
    pub arguments: Vec<String>,
    /// Its exit status; `None` when it did not start or was killed.
    pub exit: Option<i32>,
    /// What it wrote to standard output and standard error, at most [`MOST_OUTPUT`] bytes.
    pub output: String,
    /// Bytes of output that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Ran {
    /// It did what it should.
    pub fn succeeded(&self) -> bool {
        // zypper: done, and the machine or zypper itself should be started anew.
        let anew = self.command.program == "zypper" && matches!(self.exit, Some(102 | 103));
        self.exit == Some(0) || anew
    }
}

/// What was to be removed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// The packages.
    pub packages: Vec<Erased>,
    /// Flags of the driver.
    pub flags: Vec<String>,
    /// It failed; the command's output says why.
    pub failed: bool,
}

/// A package that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Name.
    pub name: String,
    /// Epoch, if it has one.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture; keys have none.
    pub arch: Option<String>,
}
