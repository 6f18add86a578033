//! The agent: commands that look after the packages of one machine.

mod packages;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks after the packages of this machine.
#[derive(Debug, Parser)]
#[command(name = "airlock-agent", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Packages(Box<packages::Arguments>),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Packages(arguments) => packages::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}
