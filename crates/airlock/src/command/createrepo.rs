//! `airlock createrepo`, also under the name `createrepo_c`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs it with these arguments (without a program name), as createrepo_c would.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    airlock_createrepo::cli::main(std::iter::once(OsString::from("createrepo_c")).chain(arguments))
}
