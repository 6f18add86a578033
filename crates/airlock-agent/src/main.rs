//! The agent: commands that look after the packages of one machine.
#![deny(clippy::print_stdout)]

mod list;
mod output;
mod packages;
mod shell;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Looks after the packages of this machine.
#[derive(Debug, Parser)]
#[command(name = "airlock-agent", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Verify(verify::Arguments),
    Packages(Box<packages::Arguments>),
    Completions(shell::Completions),
    Man(shell::Man),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Packages(arguments) => packages::run(&arguments),
        Command::Completions(arguments) => {
            shell::completions(&arguments, self::Arguments::command())
        }
        Command::Man(arguments) => shell::man(&arguments, self::Arguments::command()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", told(&error));
            // What clap would have refused, had it known, has its exit status.
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Arguments that do not fit together.
#[derive(Debug)]
struct Usage(String);

impl Usage {
    fn error(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error with its causes, each said once.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
