//! `airlock createrepo`, also under the name `createrepo_c`.

use std::ffi::OsString;
use std::process::ExitCode;

/// The program of which it takes the place.
pub const OLD_NAME: &str = "createrepo_c";

/// Runs it with these arguments (without a program name), as createrepo_c would; `name` is what its usage calls it.
pub fn run(name: &str, arguments: Vec<OsString>) -> ExitCode {
    airlock_createrepo::cli::main(std::iter::once(OsString::from(name)).chain(arguments))
}
