//! `airlock plan …`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Show a plan: surprises first, errata with severity and CVEs, packages, what stays open
    #[command(after_help = "\
Examples:
  airlock plan show q1.json
  airlock plan show q1.json --format html > q1.html
  airlock plan show q1.json --format csv > q1.csv
  airlock plan show q1.json --json          (in numbers)")]
    Show {
        /// A file that clone-by-date --plan wrote ('-' for standard input)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How it is written [default: text]
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Say why packages or errata are in a plan
    #[command(after_help = "\
Examples:
  airlock plan explain q1.json libfoo
  airlock plan explain q1.json libfoo-2-1.x86_64 RHSA-2026:0001")]
    Explain {
        /// A file that clone-by-date --plan wrote ('-' for standard input)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Packages by NEVRA or name, errata by advisory, requirements
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One line a change, for spreadsheets
    Csv,
    /// One page for a browser
    Html,
}
