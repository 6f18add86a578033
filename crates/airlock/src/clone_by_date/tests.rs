//! Every option and every key of the file, as what they come to.

mod file;
#[path = "../../../../fuzz/bodies/clone_config.rs"]
mod fuzz_body;
mod mistakes;
mod options;
mod replay;

use clap::Parser;

use super::CloneArgs;
use super::config::{self, Config};
use super::wish::{Wish, wish};
use crate::cli::{Cli, Command};
use crate::fail::Fail;

/// The options of a command line.
fn parse(words: &[&str]) -> Result<CloneArgs, clap::Error> {
    let words = ["airlock", "clone-by-date"].iter().chain(words);
    match Cli::try_parse_from(words)?.command {
        Command::CloneByDate(args) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

/// What a command line comes to, with the text of a config file.
fn wished(words: &[&str], file: Option<&str>) -> Result<Wish, Fail> {
    let args = parse(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let config: Option<Config> = file.map(|text| {
        config::read(text.as_bytes()).unwrap_or_else(|mistake| panic!("{mistake}: {text}"))
    });
    wish(
        &args,
        config.map(|config| (std::path::Path::new("clone.json"), config)),
    )
}
