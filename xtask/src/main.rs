//! Checks of the house: floors, file sizes, licences.
//!
//! `cargo xtask floors | sizes | licences | all`. Each check prints what it found and ends with 1 when something is
//! wrong; `.ci/run` calls them after the tests.

mod floors;
mod licences;
mod metadata;
mod sizes;
mod spdx;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use metadata::Metadata;

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Worth knowing; does not fail the check.
    pub notes: Vec<String>,
    /// Has to be mended.
    pub faults: Vec<String>,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn check(name: &str) -> Result<Findings, Box<dyn std::error::Error>> {
    let root = workspace();
    match name {
        "floors" => Ok(floors::check(&Metadata::load(&root)?)),
        "licences" => Ok(licences::check(&Metadata::load(&root)?)),
        "sizes" => Ok(sizes::check(&root)?),
        other => Err(format!(
            "no check is called {other:?}; there are floors, sizes, licences, all"
        )
        .into()),
    }
}

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = match named
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => {
            eprintln!("usage: cargo xtask floors | sizes | licences | all");
            return ExitCode::from(2);
        }
        ["all"] => vec!["floors", "sizes", "licences"],
        names => names.to_vec(),
    };
    let mut failed = false;
    for name in names {
        match check(name) {
            Ok(findings) => {
                for note in &findings.notes {
                    println!("{name}: {note}");
                }
                for fault in &findings.faults {
                    eprintln!("{name}: error: {fault}");
                }
                if findings.faults.is_empty() {
                    println!("{name}: ok");
                } else {
                    failed = true;
                }
            }
            Err(error) => {
                eprintln!("{name}: error: {error}");
                failed = true;
            }
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
