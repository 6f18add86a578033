//! `airlock-agent list`: what is installed.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use airlock_pkgstate::verify::Machine;
use airlock_rpm::db::Installed;
use serde::Serialize;

/// List installed packages, as `rpm -qa` does
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Look at this tree instead of the running system
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Folder of the package database, inside the root
    #[arg(long, value_name = "DIR")]
    dbpath: Option<PathBuf>,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    format: &'static str,
    version: u32,
    packages: Vec<Listed>,
    /// Records that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    number: u32,
    name: String,
    epoch: Option<u32>,
    version: String,
    release: String,
    /// Absent for imported keys.
    arch: Option<String>,
    install_time: Option<u64>,
    /// Short name of the key that signed it.
    key: Option<String>,
}

/// Runs the command. A damaged record does not hide the other packages; exit status 1 tells of it.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let machine = Machine::open(&arguments.root, arguments.dbpath.as_deref())?;
    let mut damaged = Vec::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = if arguments.json {
        let mut packages = Vec::new();
        for installed in machine.database().packages()? {
            match installed {
                Ok(installed) => packages.push(listed(&installed)),
                Err(error) => damaged.push(error.to_string()),
            }
        }
        let document = Document {
            format: "airlock-list",
            version: 1,
            packages,
            damaged: damaged.clone(),
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)
    } else {
        machine.list()?.into_iter().try_for_each(|name| match name {
            Ok(name) => writeln!(out, "{name}"),
            Err(error) => {
                damaged.push(error.to_string());
                Ok(())
            }
        })
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    for error in &damaged {
        eprintln!("error: {error}");
    }
    Ok(match damaged.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

fn listed(installed: &Installed) -> Listed {
    use airlock_rpm::tag::main;
    let header = installed.header();
    let text = |tag| header.string(tag).unwrap_or_default().into_owned();
    Listed {
        number: installed.number(),
        name: text(main::NAME),
        epoch: header.u32(main::EPOCH),
        version: text(main::VERSION),
        release: text(main::RELEASE),
        arch: header.string(main::ARCH).map(std::borrow::Cow::into_owned),
        install_time: installed.install_time(),
        key: installed.key_id().map(|id| id.to_string()),
    }
}
