//! `airlock pkgmgr lint`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::files::read_bytes;
use super::{FAILED, Stop, Terminal, write_json};
use crate::pkgmgr::error::Error;
use crate::pkgmgr::lint::{Finding, Severity, across, lint};

/// Options of `lint`.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Lists (PackageList, Rules, Bundle; *.toml: the native form), or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
}

/// Runs `lint`; the exit status is 1 when there are errors.
pub fn run_lint(args: &LintArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &LintArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let files = opened_out(&args.files)?;
    let mut findings: Vec<Finding> = Vec::new();
    let mut documents = Vec::new();
    for path in &files {
        let linted = lint(&path.display().to_string(), &read_bytes(path)?);
        findings.extend(linted.findings);
        documents.extend(linted.document);
    }
    findings.extend(across(&documents));
    let count = |severity| {
        findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if terminal.json {
        let answer = json!({
            "version": 1,
            "files": files.len(),
            "errors": errors,
            "warnings": warnings,
            "findings": findings,
        });
        write_json(terminal.out, &answer)?;
    } else {
        for finding in &findings {
            writeln!(terminal.out, "{finding}")?;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        writeln!(
            terminal.err,
            "{} file{}: {errors} error{}, {warnings} warning{}",
            files.len(),
            plural(files.len()),
            plural(errors),
            plural(warnings)
        )?;
    }
    match errors > 0 || (args.strict && warnings > 0) {
        true => Err(Stop::Said(FAILED)),
        false => Ok(()),
    }
}

/// A folder stands for the lists directly in it.
fn opened_out(given: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |error| Error::file(path, "cannot read the folder", error);
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.is_file() && is_list(&file) {
                inside.push(file);
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn is_list(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("xml" | "toml"))
}
