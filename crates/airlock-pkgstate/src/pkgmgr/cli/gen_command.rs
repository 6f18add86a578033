//! `airlock pkgmgr gen`, and `pkgmgr_gen.py`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Called, SourceArgs, Stop, Terminal, write_json};
use crate::pkgmgr::arch::{Archs, ArchsError};
use crate::pkgmgr::generate::{
    DateField, Dates, Format, Header, Options, generate, generated_entries,
};
use crate::pkgmgr::output::write_file;

/// Options of `gen`.
#[derive(Debug, Clone, Args)]
pub struct GenArgs {
    /// Where packages come from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Architectures, with commas between: i686 also lets in i586, i486, i386 and athlon; noarch has to be named
    #[arg(short, long, value_name = "ARCH,ARCH", default_value = "all")]
    pub archs: String,
    /// For the driver YUMng (yum) or RPMng (rpm: with file names)
    #[arg(short, long, value_enum, default_value_t = FormatArg::Yum)]
    pub format: FormatArg,
    /// Groups around the packages, outermost first, with commas between
    #[arg(short, long, value_name = "GROUP,GROUP")]
    pub groups: Option<String>,
    /// Blanks a level
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = whole_number,
        allow_negative_numbers = true
    )]
    pub indent: i64,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub outfile: Option<PathBuf>,
    /// Write the PackageList element around
    #[arg(short = 'P', long)]
    pub pkgmgrhdr: bool,
    /// Priority of the PackageList (default: 0)
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = whole_number,
        allow_negative_numbers = true
    )]
    pub priority: Option<i64>,
    /// All versions, or of each architecture the latest
    #[arg(short, long, value_enum, default_value_t = ReleaseArg::Latest)]
    pub release: ReleaseArg,
    /// URI of the PackageList; needed for -P -f rpm
    #[arg(short, long, value_name = "URI")]
    pub uri: Option<String>,
    /// Only packages from this day on (2026-03-31, whole days in UTC) or instant (2026-03-31T18:00:00Z)
    #[arg(short, long, value_name = "DATE")]
    pub startdate: Option<String>,
    /// Only packages up to this day or instant, with it
    #[arg(short, long, value_name = "DATE")]
    pub enddate: Option<String>,
    /// What the dates are about: the build, or the last change of the file
    #[arg(long, value_enum, default_value_t = DateFieldArg::Build)]
    pub date_field: DateFieldArg,
}

/// Values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// YUMng.
    Yum,
    /// RPMng.
    Rpm,
}

/// Values of `--release`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReleaseArg {
    /// Every version.
    All,
    /// The newest one.
    Latest,
}

/// Values of `--date-field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DateFieldArg {
    /// The time of the build.
    Build,
    /// The time of the file.
    Mtime,
}

/// A number, and what to write in place of what is none.
fn whole_number(text: &str) -> Result<i64, String> {
    let number = text.trim().parse();
    number.map_err(|_| "that is no whole number; write one like 0 or 10".to_owned())
}

/// Most blanks a level.
const MOST_INDENT: i64 = 64;

/// Runs `gen`; gives the exit status.
pub fn run_gen(args: &GenArgs, terminal: &mut Terminal<'_>) -> u8 {
    let done = go(args, terminal);
    terminal.end(done)
}

fn go(args: &GenArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let format = match args.format {
        FormatArg::Yum => Format::Yum,
        FormatArg::Rpm => Format::Rpm,
    };
    let uri = args.uri.clone().filter(|uri| !uri.is_empty());
    if args.pkgmgrhdr && format == Format::Rpm && uri.is_none() {
        let text =
            "Option --uri must be specified to produce a PackageList Tag for rpm formatted files.";
        return Err(Stop::Usage(text.to_owned()));
    }
    let sources = args.sources.check(terminal)?;
    let archs = Archs::parse(&args.archs).map_err(|error| {
        Stop::Usage(match (terminal.called, &error) {
            (Called::AsOld, _) => error.to_string(),
            (_, ArchsError::Unknown(name)) => format!(
                "--archs: rpm knows no architecture {name:?}; write names like x86_64,noarch, with commas alone between"
            ),
            (_, ArchsError::Twice) => {
                "--archs: an architecture stands there twice; name it once".to_owned()
            }
        })
    })?;
    without_effect(args, terminal)?;
    let options = Options {
        format,
        header: args.pkgmgrhdr.then(|| Header {
            uri: uri.unwrap_or_default(),
            priority: args.priority.unwrap_or_default(),
        }),
        groups: match args.groups.as_deref() {
            None | Some("") => Vec::new(),
            Some(groups) => groups.split(',').map(str::to_owned).collect(),
        },
        // Bounded on both sides.
        indent: usize::try_from(args.indent.clamp(0, MOST_INDENT)).unwrap_or_default(),
        archs,
        all_versions: args.release == ReleaseArg::All,
        dates: dates(args, terminal)?,
    };
    if args.sources.verbose {
        writeln!(terminal.out, "Loading package headers")?;
    }
    let packages = sources.load(&args.sources, terminal, true)?;
    if args.sources.verbose {
        writeln!(terminal.out, "Processing package headers")?;
    }
    let generated = generate(&packages, &options);
    for warning in &generated.warnings {
        terminal.warn(warning)?;
    }
    if generated.names == 0 && !packages.all.is_empty() {
        let count = match packages.all.len() {
            1 => "the only package that there is is not".to_owned(),
            count => format!("none of the {count} packages that there are is"),
        };
        terminal.warn(&format!(
            "{count} let in by --archs, --startdate and --enddate"
        ))?;
    }
    if let Some(path) = &args.outfile {
        write_file(path, generated.text.as_bytes())?;
    }
    match &args.outfile {
        _ if terminal.json => {
            return write_json(terminal.out, &generated_entries(&packages, &options));
        }
        Some(_) => {}
        None => terminal.out.write_all(generated.text.as_bytes())?,
    }
    if args.sources.verbose {
        writeln!(
            terminal.out,
            "{} package instances were processed",
            generated.names
        )?;
    }
    Ok(())
}

/// Tells of options that nothing comes of; the old tool was silent, and is under its own name.
fn without_effect(args: &GenArgs, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    if terminal.called == Called::AsOld {
        return Ok(());
    }
    let has_uri = args.uri.as_deref().is_some_and(|uri| !uri.is_empty());
    for (option, is_given) in [("--uri", has_uri), ("--priority", args.priority.is_some())] {
        if is_given && !args.pkgmgrhdr {
            terminal.warn(&format!(
                "{option} does nothing without --pkgmgrhdr (-P): it is written on the PackageList"
            ))?;
        }
    }
    if has_uri && args.pkgmgrhdr && args.format == FormatArg::Yum {
        terminal.warn(
            "--uri does nothing with --format yum: the repositories say where packages are",
        )?;
    }
    Ok(())
}

fn dates(args: &GenArgs, terminal: &mut Terminal<'_>) -> Result<Dates, Stop> {
    let field = match args.date_field {
        DateFieldArg::Build => DateField::Build,
        DateFieldArg::Mtime => DateField::Modified,
    };
    let dates = Dates::parse(field, args.startdate.as_deref(), args.enddate.as_deref());
    let dates = dates.map_err(|error| Stop::Usage(error.to_string()))?;
    if dates.is_empty() {
        let text = "--startdate is after --enddate: no package can be between them".to_owned();
        match terminal.called {
            Called::Airlock => return Err(Stop::Usage(text)),
            Called::AsOld => terminal.warn(&text)?,
        }
    }
    Ok(dates)
}
