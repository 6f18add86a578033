//! The airlock-virt-who program. Everything it does is in the library.

use std::io::Write;
use std::process::ExitCode;

use airlock_virt_who::cli::{Refused, parse};
use airlock_virt_who::program::run;

/// Wrong usage, as virt-who has it.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match parse(std::env::args_os().collect()) {
        Ok(wanted) => ExitCode::from(run(wanted)),
        Err(Refused::Combination(text)) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::from(USAGE)
        }
        Err(Refused::Clap(error)) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { 2 } else { 0 })
        }
    }
}
