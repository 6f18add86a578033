//! `airlock pkgmgr bind`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::files::read_document;
use super::{FAILED, LookUpArgs, Stop, Terminal, write_json};
use crate::pkgmgr::binding::{RulesOptions, bind_all, bind_structure};
use crate::pkgmgr::list::Client;
use crate::pkgmgr::output::write_file;
use crate::xml::Element;

/// Options of `bind`.
#[derive(Debug, Clone, Args)]
pub struct BindArgs {
    /// All lists of the server: PackageList and Rules, or the native form (*.toml)
    #[arg(required = true, value_name = "FILE")]
    pub lists: Vec<PathBuf>,
    /// A group that the client is in (again for more)
    #[arg(short, long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The client's name
    #[arg(short = 'H', long, value_name = "NAME", default_value = "")]
    pub hostname: String,
    /// Only this package (again for more; default: every one that the lists have for the client)
    #[arg(
        short,
        long = "package",
        value_name = "NAME",
        conflicts_with = "bundle"
    )]
    pub packages: Vec<String>,
    /// Bind the entries of this bundle
    #[arg(short, long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Names in Rules are regular expressions
    #[arg(long)]
    pub regex: bool,
    /// %{name} in Rules stands for the entry's name
    #[arg(long)]
    pub replace_name: bool,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
    /// Folder of RPM files that sets of the native form choose from
    #[arg(short = 'd', long, value_name = "DIR,DIR")]
    pub rpmdirs: Option<String>,
    /// Yum repositories that sets of the native form choose from
    #[arg(short = 'y', long, value_name = "URL,URL")]
    pub yumrepos: Option<String>,
    /// The kernel that runs on the client, as uname -r says it
    #[arg(long, value_name = "RELEASE")]
    pub running_kernel: Option<String>,
    /// Folder of the key files that lists of the native form name (default: the list's own folder)
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// Runs `bind`; the exit status is 1 when an entry could not be bound.
pub fn run_bind(args: &BindArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &BindArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let mut look_up = LookUpArgs {
        running_kernel: args.running_kernel.clone(),
        keys: args.keys.clone(),
        ..LookUpArgs::default()
    };
    look_up.sources.rpmdirs.clone_from(&args.rpmdirs);
    look_up.sources.yumrepos.clone_from(&args.yumrepos);
    let mut lists = Vec::new();
    for path in &args.lists {
        lists.push(look_up.read_list(path, terminal)?);
    }
    let client = Client::new(&args.hostname, args.groups.iter().map(String::as_str));
    let options = RulesOptions {
        regex: args.regex,
        replace_name: args.replace_name,
    };
    let (structure, problems) = match (&args.bundle, args.packages.is_empty()) {
        (Some(bundle), _) => {
            let bundle = read_document(bundle)?;
            bind_structure(&lists, &bundle.root, &client, options)
        }
        (None, true) => bind_all(&lists, &client, options),
        (None, false) => {
            let mut asked = Element::new("Independent");
            for name in &args.packages {
                asked.push(Element::new("Package").with("name", name.as_str()));
            }
            bind_structure(&lists, &asked, &client, options)
        }
    };
    for problem in &problems {
        terminal.warn(&problem.to_string())?;
    }
    let failures: Vec<&str> = structure
        .elements()
        .filter_map(|entry| entry.attribute("failure"))
        .collect();
    for failure in &failures {
        let failure = failure.strip_prefix("bind error: ").unwrap_or(failure);
        writeln!(terminal.err, "error: {failure}")?;
    }
    let failed = !failures.is_empty();
    let text = crate::xml::indented(&structure);
    match &args.outfile {
        Some(path) => write_file(path, text.as_bytes())?,
        None if terminal.json => {
            let entries: Vec<Value> = structure.elements().map(value).collect();
            write_json(terminal.out, &json!({"version": 1, "entries": entries}))?;
        }
        None => terminal.out.write_all(text.as_bytes())?,
    }
    match failed {
        true => Err(Stop::Said(FAILED)),
        false => Ok(()),
    }
}

fn value(element: &Element) -> Value {
    let attributes: serde_json::Map<String, Value> = element
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let children: Vec<Value> = element.elements().map(value).collect();
    json!({"name": element.name, "attributes": attributes, "children": children})
}
