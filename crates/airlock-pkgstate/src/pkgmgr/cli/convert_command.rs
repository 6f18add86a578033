//! `airlock pkgmgr convert`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::files::{is_native, read_document};
use super::{FAILED, LookUpArgs, Stop, Terminal, write_json};
use crate::pkgmgr::error::Error;
use crate::pkgmgr::list::List;
use crate::pkgmgr::native::{Loss, Policy};
use crate::pkgmgr::output::write_file;

/// Options of `convert`.
#[derive(Debug, Clone, Args)]
pub struct ConvertArgs {
    /// A list in one form (*.toml: the native form, else XML)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The other form (default: the one that FILE is not in)
    #[arg(long, value_enum)]
    pub to: Option<FormArg>,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
    /// Convert also what is lost by it; each loss is said
    #[arg(long)]
    pub lossy: bool,
    /// Write also over the list itself, and over a file in the other form
    #[arg(long)]
    pub force: bool,
    /// What has to be looked up.
    #[command(flatten)]
    pub look_up: LookUpArgs,
}

/// Values of `--to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// Pkgmgr or Rules.
    Xml,
    /// The native form.
    Toml,
}

/// Runs `convert`; gives the exit status.
pub fn run_convert(args: &ConvertArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &ConvertArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let path = &args.file;
    if let Some(more) = args.look_up.sources.rest.first() {
        return Err(Stop::Usage(format!(
            "{more:?}: one file is converted at a time"
        )));
    }
    let file = path.display().to_string();
    let (policy, mut losses) = match is_native(path) {
        true => (args.look_up.read_policy(path)?, Vec::new()),
        false => {
            let document = read_document(path)?;
            // Says why it is no list, when it is none.
            let list = List::from_document(document).map_err(Error::from)?;
            Policy::from_document(&list.document)
                .ok_or_else(|| Stop::Usage(format!("{file} is no list")))?
        }
    };
    let to = args.to.unwrap_or(match is_native(path) {
        true => FormArg::Xml,
        false => FormArg::Toml,
    });
    if let Some(out) = args.outfile.as_deref().filter(|_| !args.force) {
        may_write(path, out, to)?;
    }
    let mut warnings = Vec::new();
    let text = match to {
        FormArg::Toml => policy.to_toml(),
        FormArg::Xml => {
            let has_facts = policy.needs_facts();
            let resolved = match args.look_up.resolved(&policy, path, terminal) {
                Err(Stop::Failed(Error::Resolve { source, .. })) if args.lossy => {
                    warnings.push(format!("{file}: {source}"));
                    policy
                }
                other => {
                    let resolved = other?;
                    if has_facts {
                        warnings.push(format!(
                            "{file}: sets and keys became instances as they are now; XML cannot say where they came from"
                        ));
                    }
                    resolved
                }
            };
            let (text, more) = resolved.to_xml_text();
            losses.extend(more);
            text
        }
    };
    let is_done = losses.is_empty() || args.lossy;
    if let (Some(path), true) = (&args.outfile, is_done) {
        write_file(path, text.as_bytes())?;
    }
    if terminal.json {
        let lost = losses
            .iter()
            .map(|Loss { line, what }| json!({"line": line, "what": what}));
        let answer = json!({
            "version": 1,
            "file": file,
            "to": match to { FormArg::Xml => "xml", FormArg::Toml => "toml" },
            "converted": is_done,
            "text": (is_done && args.outfile.is_none()).then_some(text),
            "outfile": args.outfile.as_ref().filter(|_| is_done).map(|path| path.display().to_string()),
            "lost": lost.collect::<Vec<_>>(),
            "warnings": warnings,
        });
        write_json(terminal.out, &answer)?;
    } else {
        say(&file, &losses, &warnings, is_done, terminal)?;
        if is_done && args.outfile.is_none() {
            terminal.out.write_all(text.as_bytes())?;
        }
    }
    match is_done {
        true => Ok(()),
        false => Err(Stop::Said(FAILED)),
    }
}

/// A list is not lost to its other form by a slip: its name would say the wrong form from then on.
fn may_write(list: &Path, out: &Path, to: FormArg) -> Result<(), Stop> {
    let shown = out.display();
    let is_file = std::fs::metadata(out).is_ok_and(|about| about.is_file() && about.len() > 0);
    if !is_file {
        return Ok(());
    }
    let is_same = match (std::fs::canonicalize(list), std::fs::canonicalize(out)) {
        (Ok(list), Ok(out)) => list == out,
        _ => false,
    };
    if is_same {
        return Err(Stop::Usage(format!(
            "{shown} is the list itself; give -o another name, or --force to write over it"
        )));
    }
    let mut start = [0; 256];
    let length = File::open(out)
        .and_then(|mut file| file.read(&mut start))
        .map_err(|error| Error::file(out, "cannot read", error))?;
    let start = start[..length]
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&start[..length]);
    let is_xml = start.trim_ascii_start().first() == Some(&b'<');
    if is_xml != (to == FormArg::Xml) {
        let (there, here) = match to {
            FormArg::Xml => ("no XML", "XML"),
            FormArg::Toml => ("XML", "the native form"),
        };
        return Err(Stop::Usage(format!(
            "{shown} is there and is {there}; nothing in {here} is written over it without --force"
        )));
    }
    Ok(())
}

fn say(
    file: &str,
    losses: &[Loss],
    warnings: &[String],
    is_done: bool,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    for warning in warnings {
        terminal.warn(warning)?;
    }
    for Loss { line, what } in losses {
        writeln!(terminal.err, "{file}:{line}: lost: {what}")?;
    }
    if !is_done {
        writeln!(
            terminal.err,
            "error: {file}: the other form cannot say everything; nothing was written. Take it out, or convert with --lossy"
        )?;
    }
    Ok(())
}
