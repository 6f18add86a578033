//! createrepo_c's command line alone: for measuring.

use std::process::ExitCode;

fn main() -> ExitCode {
    airlock_createrepo::cli::main(std::env::args_os())
}
