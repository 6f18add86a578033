//! The airlock program: server and administration command line.
//!
//! Exit status: 0 done, 1 the work failed, 2 wrong usage. Every command is a client of the REST API; only `serve`,
//! `restore`, `createrepo`, `plan`, `pkgmgr`, `completions` and `man` work by themselves.
#![deny(clippy::print_stdout)]

mod cli;
mod client;
mod clone_by_date;
mod command;
mod fail;
mod show;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clone_by_date::Called;
use command::pkgmgr::OLD_NAMES;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    if called_as(&name, command::createrepo::OLD_NAME) {
        return command::createrepo::run(command::createrepo::OLD_NAME, arguments.collect());
    }
    if let Some(old) = OLD_NAMES.into_iter().find(|old| called_as(&name, old)) {
        return command::pkgmgr::run_old(old, arguments);
    }
    let (called, cli) = if called_as(&name, clone_by_date::OLD_NAME) {
        let words = ["airlock".into(), "clone-by-date".into()];
        let words = words.into_iter().chain(arguments);
        (Called::AsOfOld, cli::Cli::try_parse_from(words))
    } else {
        (Called::Airlock, cli::Cli::try_parse())
    };
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::from(error.use_stderr()) * fail::USAGE;
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match command::run(cli, called) {
        Ok(code) => code,
        Err(fail) => {
            fail.print();
            ExitCode::from(fail.code)
        }
    }
}

/// Whether the program was called by that name, by way of a link.
fn called_as(path: &OsString, name: &str) -> bool {
    std::path::Path::new(path)
        .file_name()
        .is_some_and(|found| found == name)
}
