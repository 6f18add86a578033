//! The command lines of the pkgmgr tools.
//!
//! `pkgmgr_gen.py` and `pkgmgr_update.py` are command lines of their own: their options, messages and output stay as they
//! were ([`Called::AsOld`]), but for what section 8 of the reference sets right. `airlock pkgmgr …` has the same options
//! and the manners of the other commands ([`Called::Airlock`]): messages go to standard error, wrong usage ends with 2.

mod bind_command;
mod convert_command;
mod files;
mod gen_command;
mod lint_command;
mod sources;
mod update_command;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use clap::Parser;

pub use bind_command::{BindArgs, run_bind};
pub use convert_command::{ConvertArgs, run_convert};
pub use files::LookUpArgs;
pub use gen_command::{GenArgs, run_gen};
pub use lint_command::{LintArgs, run_lint};
pub use sources::SourceArgs;
pub use update_command::{UpdateArgs, run_update};

use super::error::Error;

/// Exit status when the work failed.
pub const FAILED: u8 = 1;
/// Exit status for wrong usage.
pub const USAGE: u8 = 2;

/// The name that the program was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// `pkgmgr_gen.py` or `pkgmgr_update.py`.
    AsOld,
    /// `airlock pkgmgr`.
    Airlock,
}

/// Where a command writes, and in which manner.
pub struct Terminal<'t> {
    /// Standard output.
    pub out: &'t mut dyn Write,
    /// Standard error.
    pub err: &'t mut dyn Write,
    /// The name that the program was called by.
    pub called: Called,
    /// Answer in JSON; only [`Called::Airlock`].
    pub json: bool,
}

/// How a command ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The work failed.
    Failed(Error),
    /// Wrong usage, in one line.
    Usage(String),
    /// Nobody reads what is written.
    Output(std::io::Error),
    /// What is wrong was said.
    Said(u8),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl Terminal<'_> {
    /// Says something that is no error.
    pub(crate) fn warn(&mut self, text: &str) -> Result<(), Stop> {
        writeln!(self.err, "warning: {text}")?;
        Ok(())
    }

    /// The exit status for how a command ended; what is wrong is said here.
    pub(crate) fn end(&mut self, done: Result<(), Stop>) -> u8 {
        let flushed = done.and_then(|()| Ok(self.out.flush()?));
        let Err(stop) = flushed else {
            return 0;
        };
        let said = match (&stop, self.called) {
            (Stop::Said(code), _) => return *code,
            // Whoever read has seen enough.
            (Stop::Output(error), _) if error.kind() == ErrorKind::BrokenPipe => return 0,
            (Stop::Output(error), _) => writeln!(self.err, "error: cannot write: {error}"),
            (Stop::Usage(text), Called::Airlock) => writeln!(self.err, "error: {text}"),
            (Stop::Usage(text), Called::AsOld) => writeln!(self.out, "{text}"),
            (Stop::Failed(error), called) => {
                if let (
                    Called::AsOld,
                    Error::Fetch {
                        url,
                        status: Some(status),
                        ..
                    },
                ) = (called, error)
                {
                    // As the old library called it: without the scheme.
                    let place = url.split_once(':').map_or(url.as_str(), |(_, rest)| rest);
                    let _ = writeln!(self.out, "ERROR {status}: Unable to retrieve {place}");
                }
                writeln!(self.err, "error: {error}")
            }
        };
        let _ = said.and_then(|()| self.out.flush());
        match (&stop, self.called) {
            (Stop::Usage(_), Called::Airlock) => USAGE,
            _ => FAILED,
        }
    }
}

/// Writes JSON for programs.
pub(crate) fn write_json(out: &mut dyn Write, value: &serde_json::Value) -> Result<(), Stop> {
    writeln!(out, "{value:#}")?;
    Ok(())
}

#[derive(Debug, Parser)]
#[command(
    name = "pkgmgr_gen.py",
    about = "Makes a Pkgmgr list of the packages in folders or yum repositories",
    disable_version_flag = true,
    args_override_self = true,
    infer_long_args = true
)]
struct OldGen {
    #[command(flatten)]
    args: GenArgs,
}

#[derive(Debug, Parser)]
#[command(
    name = "pkgmgr_update.py",
    about = "Brings a Pkgmgr list to the newest packages in folders or yum repositories",
    disable_version_flag = true,
    args_override_self = true,
    infer_long_args = true
)]
struct OldUpdate {
    #[command(flatten)]
    args: UpdateArgs,
}

/// What the program does when it is called `pkgmgr_gen.py`; the first argument is the name. Gives the exit status.
pub fn main_gen(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    match OldGen::try_parse_from(arguments) {
        Ok(old) => run_gen(&old.args, &mut old_terminal(out, err)),
        Err(error) => refused(&error, out, err),
    }
}

/// What the program does when it is called `pkgmgr_update.py`; the first argument is the name. Gives the exit status.
pub fn main_update(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    match OldUpdate::try_parse_from(arguments) {
        Ok(old) => run_update(&old.args, &mut old_terminal(out, err)),
        Err(error) => refused(&error, out, err),
    }
}

fn old_terminal<'t>(out: &'t mut dyn Write, err: &'t mut dyn Write) -> Terminal<'t> {
    Terminal {
        out,
        err,
        called: Called::AsOld,
        json: false,
    }
}

fn refused(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match error.use_stderr() {
        true => {
            let _ = write!(err, "{error}");
            USAGE
        }
        false => {
            let _ = write!(out, "{error}");
            0
        }
    }
}
