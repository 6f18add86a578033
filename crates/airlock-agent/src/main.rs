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
            ExitCode::from(1)
        }
    }
}

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
