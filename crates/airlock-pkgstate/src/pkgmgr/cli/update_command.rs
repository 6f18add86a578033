//! `airlock pkgmgr update`, and `pkgmgr_update.py`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use similar::TextDiff;

use super::files::{is_native, read_document};
use super::{Called, SourceArgs, Stop, Terminal, write_json};
use crate::pkgmgr::output::write_file;
use crate::pkgmgr::update::{Plan, Taking, edited, plan, serialized};
use crate::xml::Document;

/// Options of `update`.
#[derive(Debug, Clone, Args)]
pub struct UpdateArgs {
    /// Where packages come from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// The Pkgmgr list to bring up to date
    #[arg(short, long, value_name = "FILE")]
    pub configfile: Option<PathBuf>,
    /// Another list: packages that get newer and have no Ignore take those from it
    #[arg(short, long, value_name = "FILE")]
    pub altconfigfile: Option<PathBuf>,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
    /// Write the list back into its own file
    #[arg(long, conflicts_with = "outfile")]
    pub in_place: bool,
    /// Show what would change, and write nothing
    #[arg(long, conflicts_with_all = ["outfile", "in_place"])]
    pub diff: bool,
}

/// Runs `update`; gives the exit status.
pub fn run_update(args: &UpdateArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &UpdateArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let Some(path) = &args.configfile else {
        let text = "An existing Pkgmgr configuration file must be specified with the -c option.";
        return Err(Stop::Usage(text.to_owned()));
    };
    if is_native(path) {
        let text = "update reads XML; in the native form say newest = 1, or convert the list first";
        return Err(Stop::Usage(format!("{}: {text}", path.display())));
    }
    let verbose = args.sources.verbose;
    let sources = args.sources.check(terminal)?;
    if verbose {
        writeln!(
            terminal.out,
            "Loading Pkgmgr config file {}.",
            path.display()
        )?;
    }
    let document = read_document(path)?;
    if let (Some(path), true) = (&args.altconfigfile, verbose) {
        let path = path.display();
        writeln!(terminal.out, "Loading Pkgmgr alternate config file {path}.")?;
    }
    let alternate = args
        .altconfigfile
        .as_deref()
        .map(read_document)
        .transpose()?;
    if verbose {
        writeln!(terminal.out, "Loading package headers")?;
    }
    let packages = sources.load(&args.sources, terminal, false)?;
    if verbose {
        writeln!(terminal.out, "Processing package headers")?;
    }
    let taking = match terminal.called {
        Called::AsOld => Taking::Move,
        Called::Airlock => Taking::Copy,
    };
    let plan = plan(&document, &packages, alternate.as_ref(), taking)?;
    if verbose {
        say(&plan, terminal)?;
    }
    let new = match terminal.called {
        Called::AsOld => serialized(&document, &plan),
        Called::Airlock => edited(&document, &plan),
    };
    if args.diff {
        return show(path, &document, &new, &plan, terminal);
    }
    let target = match args.in_place {
        true => Some(path),
        false => args.outfile.as_ref(),
    };
    let bytes = match terminal.called {
        // Characters beyond ASCII are references there.
        Called::AsOld => new.into_bytes(),
        Called::Airlock => document.encode(&new),
    };
    match target {
        Some(target) => {
            write_file(target, &bytes)?;
            if terminal.json {
                write_json(terminal.out, &document_of(&plan))?;
            }
        }
        None if terminal.json => write_json(terminal.out, &document_of(&plan))?,
        None => terminal.out.write_all(&bytes)?,
    }
    Ok(())
}

fn say(plan: &Plan, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    for change in &plan.changes {
        let name = &change.package;
        writeln!(terminal.out, "Found newer version of package {name}")?;
        writeln!(
            terminal.out,
            "    Updating {} to {}",
            change.from, change.to
        )?;
        for _ in &change.ignores {
            writeln!(
                terminal.out,
                "    Found Ignore tag in altconfigfile for package {name}"
            )?;
        }
    }
    Ok(())
}

/// What changes, for programs.
fn document_of(plan: &Plan) -> serde_json::Value {
    let changes: Vec<_> = plan
        .changes
        .iter()
        .map(|change| {
            json!({
                "package": change.package,
                "line": change.line,
                "from": change.from,
                "to": change.to,
                "ignores": change.ignores.len(),
            })
        })
        .collect();
    json!({"version": 1, "changes": changes})
}

fn show(
    path: &Path,
    document: &Document,
    new: &str,
    plan: &Plan,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    if terminal.json {
        return write_json(terminal.out, &document_of(plan));
    }
    // The old tool's form is another one from the first byte on: what it changes is shown within that form.
    let old = match terminal.called {
        Called::AsOld => document.serialized(),
        Called::Airlock => document.text.clone(),
    };
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(old.as_str(), new);
    let diff = diff.unified_diff().header(&name, &name).to_string();
    terminal.out.write_all(diff.as_bytes())?;
    Ok(())
}
