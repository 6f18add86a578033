//! `airlock-agent verify`: installed packages against the files on disk.

use std::process::ExitCode;

/// Compare installed packages with the files on disk, as `rpm -V` does.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Names of packages; all of them when none is given.
    packages: Vec<String>,
}

/// Runs the command. Exit status 1 means that something differs.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let _ = &arguments.packages;
    anyhow::bail!("not built yet")
}
