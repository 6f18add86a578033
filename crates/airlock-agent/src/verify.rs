//! `airlock-agent verify`: installed packages against the files on disk.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use airlock_pkgstate::verify::{
    Checks, HeaderFinding, Known, Machine, Options, Pace, PackageFindings, Pattern, PatternError,
    Report, Selection, document, rpm_lines, text,
};
use clap::ArgAction;

/// What an incremental pass of the running system remembers.
const STATE: &str = "/var/lib/airlock-agent/verify-state";

/// Exit status of wrong usage.
const USAGE: u8 = 2;

/// Compare installed packages with the files on disk, as `rpm -V` does
///
/// Looks at size, mode, digest, device, link target, owner, group, time, capabilities, dependencies, and at digests and
/// signatures of the package database. Nothing is changed and no script of a package is run. Exit status 1 means that
/// something differs.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Arguments {
    /// Names of packages, as for rpm: NAME, NAME.ARCH, NAME-VERSION-RELEASE; all installed ones when none is given. With
    /// --all patterns of names: 'kernel*'
    packages: Vec<String>,
    /// Look at this tree instead of the running system
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Folder of the package database, inside the root
    #[arg(long, value_name = "DIR")]
    dbpath: Option<PathBuf>,
    /// Print the lines of `rpm -V`
    #[arg(long, conflicts_with = "json")]
    rpm_format: bool,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
    /// Verify all packages, as `rpm -Va` does; with patterns (* ? [abc]) those whose names match one of them
    #[arg(long, short)]
    all: bool,
    /// Read only files that changed since the last time (by inode, time of change, size); attributes are always compared
    #[arg(long)]
    incremental: bool,
    /// Where --incremental remembers [default: /var/lib/airlock-agent/verify-state]
    #[arg(long, value_name = "FILE", requires = "incremental")]
    state: Option<PathBuf>,
    /// Threads; 0 is one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Read at most so many bytes a second (suffixes K, M, G)
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "full_speed")]
    max_rate: Option<u64>,
    /// Do not be polite: normal class of input and output, and files stay in the page cache
    #[arg(long)]
    full_speed: bool,
    /// Leave out the dependencies of packages
    #[arg(long, action = ArgAction::SetTrue)]
    nodeps: bool,
    /// Leave out the digests of the package database
    #[arg(long)]
    nodigest: bool,
    /// Leave out the signatures of the package database
    #[arg(long)]
    nosignature: bool,
    /// Leave out all files
    #[arg(long)]
    nofiles: bool,
    /// Do not tell which packages bring a script for verification
    #[arg(long, alias = "noscript")]
    noscripts: bool,
    /// Leave out the digests of files
    #[arg(long, alias = "nomd5")]
    nofiledigest: bool,
    /// Leave out sizes
    #[arg(long)]
    nosize: bool,
    /// Leave out targets of links
    #[arg(long)]
    nolinkto: bool,
    /// Leave out owners
    #[arg(long)]
    nouser: bool,
    /// Leave out groups
    #[arg(long)]
    nogroup: bool,
    /// Leave out times
    #[arg(long)]
    nomtime: bool,
    /// Leave out modes
    #[arg(long)]
    nomode: bool,
    /// Leave out numbers of devices
    #[arg(long)]
    nordev: bool,
    /// Leave out capabilities
    #[arg(long)]
    nocaps: bool,
    /// Taken for `rpm`'s sake: labels of SELinux are not compared, as in no `rpm` of today
    #[arg(long = "nocontexts", hide = true)]
    _nocontexts: bool,
    /// Leave out files that are owned but not installed
    #[arg(long)]
    noghost: bool,
    /// Leave out configuration files
    #[arg(long)]
    noconfig: bool,
    /// Leave out files that a build made by itself
    #[arg(long)]
    noartifact: bool,
}

impl Arguments {
    fn checks(&self) -> Checks {
        let mut checks = Checks::ALL;
        for (given, word) in [
            (self.nodeps, "nodeps"),
            (self.nodigest, "nodigest"),
            (self.nosignature, "nosignature"),
            (self.nofiles, "nofiles"),
            (self.noscripts, "noscripts"),
            (self.nofiledigest, "nofiledigest"),
            (self.nosize, "nosize"),
            (self.nolinkto, "nolinkto"),
            (self.nouser, "nouser"),
            (self.nogroup, "nogroup"),
            (self.nomtime, "nomtime"),
            (self.nomode, "nomode"),
            (self.nordev, "nordev"),
            (self.nocaps, "nocaps"),
            (self.noghost, "noghost"),
            (self.noconfig, "noconfig"),
            (self.noartifact, "noartifact"),
        ] {
            if given {
                checks.take_out(word);
            }
        }
        checks
    }

    /// Which packages, in rpm's way: with --all what is named are patterns, and one that matches nothing is no fault.
    fn selection(&self) -> Result<Selection, PatternError> {
        match (self.packages.is_empty(), self.all) {
            (true, _) => Ok(Selection::All),
            (false, false) => Ok(Selection::Named(self.packages.clone())),
            (false, true) => {
                let patterns = self.packages.iter().map(|text| Pattern::new(text));
                Ok(Selection::Matching(patterns.collect::<Result<_, _>>()?))
            }
        }
    }

    /// Where an incremental pass remembers. Nothing is written into another root unless told to: a link in it could
    /// lead anywhere.
    fn state(&self, machine: &Machine) -> anyhow::Result<Option<PathBuf>> {
        match (self.incremental, &self.state) {
            (false, _) => Ok(None),
            (true, Some(state)) => Ok(Some(state.clone())),
            (true, None) if machine.root().is_system() => Ok(Some(PathBuf::from(STATE))),
            (true, None) => anyhow::bail!(
                "--incremental has to remember somewhere: name a file with --state (the default, {STATE}, is for the running system)"
            ),
        }
    }
}

/// Runs the command. Exit status 1 means that something differs.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let selection = match arguments.selection() {
        Ok(selection) => selection,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    if !arguments.full_speed {
        stand_back();
    }
    let machine = Machine::open(&arguments.root, arguments.dbpath.as_deref())?;
    for left in &machine.database().location().others {
        eprintln!(
            "note: {} lies beside the database that is read and is ignored",
            left.display()
        );
    }
    let state = arguments.state(&machine)?;
    let options = Options {
        checks: arguments.checks(),
        selection,
        threads: arguments.threads,
        pace: Pace::new(!arguments.full_speed, arguments.max_rate),
        known: state.as_deref().map(Known::load),
    };
    let report = machine.verify_all(&options)?;
    if let (Some(known), Some(state)) = (&options.known, &state) {
        known.save(state, options.selection != Selection::All)?;
    }
    show(arguments, &machine, &report)?;
    if report.package_count == 0 && matches!(options.selection, Selection::Matching(_)) {
        eprintln!(
            "note: no installed package has a name like {}",
            arguments.packages.join(", ")
        );
    }
    Ok(match report.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

fn show(arguments: &Arguments, machine: &Machine, report: &Report) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = if arguments.json {
        writeln!(out, "{}", document(machine, report))
    } else if arguments.rpm_format {
        rpm_format(&mut out, report)
    } else {
        out.write_all(text(report).as_bytes())
    };
    match written.and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The lines of `rpm -V` on standard output; what rpm has no line for goes to standard error. What was asked for by name
/// comes in the order of asking, as often as it was asked for.
fn rpm_format(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let by_number: HashMap<u32, &PackageFindings> = report
        .packages
        .iter()
        .map(|findings| (findings.number, findings))
        .collect();
    let mut rest = by_number.clone();
    for named in &report.named {
        if named.numbers.is_empty() {
            writeln!(out, "package {} is not installed", named.name)?;
        }
        for number in &named.numbers {
            rest.remove(number);
            if let Some(findings) = by_number.get(number) {
                rpm_package(out, findings)?;
            }
        }
    }
    report
        .packages
        .iter()
        .filter(|findings| rest.contains_key(&findings.number))
        .try_for_each(|findings| rpm_package(out, findings))
}

fn rpm_package(out: &mut impl Write, findings: &PackageFindings) -> std::io::Result<()> {
    for finding in &findings.header {
        match finding {
            HeaderFinding::Digest {
                kind,
                expected,
                found,
            } => eprintln!(
                "{}: {kind}: BAD (Expected {expected} != {found})",
                findings.package
            ),
            HeaderFinding::Signature { verdict } => {
                eprintln!("{}: {verdict}", findings.package)
            }
            HeaderFinding::Unusable { why } => eprintln!("{}: {why}", findings.package),
            _ => {}
        }
    }
    for line in rpm_lines(findings) {
        out.write_all(&line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Lets everybody else at the disk and the processors first. What cannot be had is done without.
fn stand_back() {
    let _ = rustix::process::nice(10);
    // There is no safe way to say it from here; the program of util-linux is on every such system.
    let program = Path::new("/usr/bin/ionice");
    if program.exists() {
        let _ = Command::new(program)
            .args(["-c", "3", "-p"])
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// A number of bytes with an optional suffix: `500K`, `20M`, `1G`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'k', 'm', 'g']);
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "" => 1,
        "K" | "k" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => return Err("more than one suffix".to_owned()),
    };
    match digits.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number.saturating_mul(factor)),
        _ => Err("a number of bytes such as 20M is wanted".to_owned()),
    }
}
