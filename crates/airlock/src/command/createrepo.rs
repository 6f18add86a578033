//! `airlock createrepo`, also under the name `createrepo_c`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs it with these arguments.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let _ = arguments;
    eprintln!("error: createrepo is not part of this build");
    ExitCode::from(crate::fail::FAILED)
}
