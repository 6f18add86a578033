//! `airlock completions` and `airlock man`, made from the command line's own description.

use std::path::Path;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::fail::{Fail, Result};
use crate::show;

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell) -> Result {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "airlock", &mut text);
    show::print(&String::from_utf8_lossy(&text))
}

/// Writes a page for the program and one for every command.
pub fn man(folder: &Path) -> Result {
    std::fs::create_dir_all(folder).map_err(|error| Fail::file("cannot make", folder, &error))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .map_err(|error| Fail::file("cannot write manual pages into", folder, &error))
}
