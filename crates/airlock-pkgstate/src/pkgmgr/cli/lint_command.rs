//! `airlock pkgmgr lint`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::files::read_bytes;
use super::{FAILED, Stop, Terminal, write_json};
use crate::pkgmgr::error::Error;
use crate::pkgmgr::lint::{Finding, Severity, across, lint, missing_keys};

/// Options of `lint`.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Lists (PackageList, Rules, Bundle; *.toml: the native form), or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Folder of the key files that lists of the native form name (default: the list's own folder)
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// Runs `lint`; the exit status is 1 when there are errors.
pub fn run_lint(args: &LintArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &LintArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let (files, mut unread) = opened_out(&args.files);
    let mut findings: Vec<Finding> = Vec::new();
    let mut documents = Vec::new();
    let mut read = 0;
    for path in &files {
        // What is wrong with the other files is told all the same.
        let bytes = match read_bytes(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                unread.push(error);
                continue;
            }
        };
        read += 1;
        let file = path.display().to_string();
        let linted = lint(&file, &bytes);
        let beside = path.parent().unwrap_or(Path::new(""));
        let folder = args.keys.as_deref().unwrap_or(beside);
        let missing = missing_keys(&file, &linted, |name| folder.join(name).is_file());
        let at = findings.len();
        findings.extend(linted.findings);
        findings.extend(missing);
        findings[at..].sort_by_key(|finding| (finding.line, finding.column));
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
            "files": read,
            "errors": errors,
            "warnings": warnings,
            "findings": findings,
            "unread": unread.iter().map(ToString::to_string).collect::<Vec<_>>(),
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
            read,
            plural(read),
            plural(errors),
            plural(warnings)
        )?;
    }
    for error in &unread {
        writeln!(terminal.err, "error: {error}")?;
    }
    match !unread.is_empty() || errors > 0 || (args.strict && warnings > 0) {
        true => Err(Stop::Said(FAILED)),
        false => Ok(()),
    }
}

/// A folder stands for the lists directly in it. The second part of the answer is what cannot be read.
fn opened_out(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<Error>) {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match lists_in(path) {
            Ok(inside) => files.extend(inside),
            Err(error) => unread.push(Error::file(path, "cannot read the folder", error)),
        }
    }
    (files, unread)
}

fn lists_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if file.is_file() && is_list(&file) {
            inside.push(file);
        }
    }
    inside.sort();
    Ok(inside)
}

fn is_list(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("xml" | "toml"))
}
