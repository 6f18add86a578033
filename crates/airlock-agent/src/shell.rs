//! `airlock-agent completions` and `airlock-agent man`, made from the command line's own description.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// bash, elvish, fish, powershell or zsh
    shell: clap_complete::Shell,
}

/// Write manual pages into a folder
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Prints a completion script.
pub fn completions(
    arguments: &Completions,
    mut command: clap::Command,
) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "airlock-agent", &mut text);
    crate::output::print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for the program and one for every command.
pub fn man(arguments: &Man, command: clap::Command) -> anyhow::Result<ExitCode> {
    let folder = &arguments.directory;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
