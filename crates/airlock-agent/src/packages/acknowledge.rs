//! `packages acknowledge`: changed configuration files that are taken for good as they are.

use std::process::ExitCode;

use airlock_pkgstate::decide::prompt;
use airlock_pkgstate::declared::Entry;
use airlock_pkgstate::host::Host;
use airlock_pkgstate::run::{Operator as _, Session};
use serde::Serialize;

use super::Terminal;
use super::arguments::Acknowledge;
use crate::output;

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    version: u32,
    dry_run: bool,
    acknowledged: Vec<File>,
    unread: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct File {
    package: String,
    path: String,
}

/// Takes changed configuration files of declared packages for good.
pub fn run(
    wanted: &Acknowledge,
    session: &Session<'_>,
    host: &mut Host,
) -> anyhow::Result<ExitCode> {
    let common = &wanted.common;
    let mut files = changed(&wanted.packages, session)?;
    if common.interactive && !common.dry_run {
        files = agreed(files, common.json);
    }
    let unread = match common.dry_run || files.is_empty() {
        true => Vec::new(),
        false => {
            let pairs = files.iter();
            let pairs: Vec<(String, String)> = pairs
                .map(|file| (file.package.clone(), file.path.clone()))
                .collect();
            host.acknowledge(&pairs).map_err(anyhow::Error::msg)?
        }
    };
    files.retain(|file| !unread.contains(&file.path));
    for path in &unread {
        eprintln!("error: {path} cannot be read");
    }
    let code = ExitCode::from(u8::from(!unread.is_empty()));
    if common.json {
        let document = Document {
            version: 1,
            dry_run: common.dry_run,
            acknowledged: files,
            unread,
        };
        output::line(&serde_json::to_string_pretty(&document)?)?;
        return Ok(code);
    }
    if files.is_empty() && unread.is_empty() {
        output::line("no changed configuration file is to be acknowledged")?;
    }
    let done = match common.dry_run {
        true => "would acknowledge",
        false => "acknowledged",
    };
    for file in &files {
        output::line(&format!("{done} {} of {}", file.path, file.package))?;
    }
    Ok(code)
}

fn changed(names: &[String], session: &Session<'_>) -> anyhow::Result<Vec<File>> {
    let entries = session.configuration.entries.iter();
    if let Some(unknown) = names
        .iter()
        .find(|name| !entries.clone().any(|entry| is_meant(entry, name)))
    {
        anyhow::bail!("no entry declares {unknown}; nothing was acknowledged");
    }
    let context = session.context(false);
    let mut files = Vec::new();
    for (entry, examined) in entries.zip(&session.now) {
        for status in &examined.instances {
            let package = entry.package_of(&status.instance);
            let meant = |name: &String| name == entry.name() || name == package;
            if !names.is_empty() && !names.iter().any(meant) {
                continue;
            }
            for verdict in status.verdicts.iter().flatten() {
                let counts = |path: &str| context.counts(path, entry, &status.instance);
                let config = verdict.files.iter().filter(|file| file.kind == 'c');
                for file in config.filter(|file| counts(&file.path)) {
                    let file = File {
                        package: verdict.package.clone(),
                        path: file.path.clone(),
                    };
                    if !files.contains(&file) {
                        files.push(file);
                    }
                }
            }
        }
    }
    Ok(files)
}

/// A name that an operator gives: of the entry, or of a package of the group that it declares.
fn is_meant(entry: &Entry, name: &str) -> bool {
    entry.name() == name || entry.package_names().contains(&name)
}

/// The files that the operator agrees to; the end of the input declines the rest.
fn agreed(files: Vec<File>, document: bool) -> Vec<File> {
    let mut terminal = Terminal::beside(document);
    let mut agreed = Vec::new();
    for file in files {
        let question = format!("Acknowledge {} of {}? (y/N) ", file.path, file.package);
        match terminal.ask(&question) {
            Some(answer) if prompt::is_yes(&answer) => agreed.push(file),
            Some(_) => {}
            None => {
                terminal.show("\n");
                break;
            }
        }
    }
    agreed
}
