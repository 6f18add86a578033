//! `airlock-agent packages`: declared packages against what is installed, and brought there.

mod acknowledge;
mod arguments;
mod lock;
mod log;
mod remote;
mod sources;

use std::io::{BufRead, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airlock_pkgstate::host::{Host, HostOptions};
use airlock_pkgstate::plan::Plan;
use airlock_pkgstate::report::{Report, counted, describe_action, one_line};
use airlock_pkgstate::run::{Machine, Operator, Remove, RunError, Session, groups};
use airlock_pkgstate::settings::{DRIVERS, Driver, Settings};
use airlock_pkgstate::statistics;
use airlock_pkgstate::verify::Root;

pub use arguments::Arguments;
use arguments::{Command, Common};
use log::Log;
use sources::Declared;

use crate::{Usage, output};

/// Where the journal is, inside the root.
const FOLDER: &str = "/var/lib/airlock-agent";
const JOURNAL: &str = "packages.journal";
/// The largest journal that is read.
const LARGEST_JOURNAL: u64 = 1 << 20;
/// With `--detailed-exitcode`: something is to be done, or could not be.
const WORK: u8 = 3;

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let common = arguments.command.common();
    if common.drivers.iter().any(|name| name == "help") {
        for (names, what) in DRIVERS {
            output::line(&format!("{names}: {what}"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut settings = load_settings(common)?;
    let mut remote = sources::Source::of(common, &settings)?;
    let mut declared = remote.load(common, &settings)?;
    let Some(driver) = choose_driver(common, &mut settings, &declared)? else {
        return nothing_chosen(common, &settings, &declared);
    };
    let options = common.options(
        &arguments.command,
        &settings,
        driver,
        declared.decisions.clone(),
    )?;
    let mut log = Log::open(common, arguments.command.logfile())?;
    for warning in settings.warnings.iter().chain(&declared.notes) {
        log.warn(warning);
    }
    if common.only_important {
        log.warn("-i: important entries are files; no package is changed");
    }
    let mut host = host(common, &settings, driver)?;
    let _lock = match &arguments.command {
        Command::Apply(apply) if !apply.common.omit_lock && !options.dry_run => {
            Some(lock::take(&common.root, &settings.lockfile)?)
        }
        _ => None,
    };
    let mut stamps: statistics::Stamps = vec![("start", now())];
    if let (Command::Apply(_), Driver::Rpm, false) = (&arguments.command, driver, options.dry_run) {
        prelink(common, &host);
    }
    if driver == Driver::Yum {
        for note in groups::resolve(&mut declared.configuration, &mut host) {
            log.warn(&note);
        }
    }
    let mut session = Session::look(
        &declared.configuration,
        settings.driver(driver),
        driver,
        &options,
        &mut host,
    )?;
    stamps.push(("inventory", now()));
    let count = counted(session.now.len(), "entry", "entries");
    log.say(1, &format!("{driver}: {count}"));
    if let Command::Acknowledge(wanted) = &arguments.command {
        return acknowledge::run(wanted, &session, &mut host);
    }
    let outcome = match &arguments.command {
        Command::Verify(_) | Command::Acknowledge(_) => Ok(()),
        Command::Plan(plan) => {
            session.select(&mut airlock_pkgstate::run::Nobody);
            session.plan(&mut host);
            session.look_further(&mut host);
            if let Some(path) = &plan.output {
                let text = Plan::of(&session).to_json()?;
                // Addresses of packages may hold passwords.
                sources::keep_plan(path, &(text + "\n"))?;
            }
            // Of the files as they are now; a plan says nothing of them.
            for action in &session.actions {
                if let Some(why) = host.foretell(action) {
                    session.notes.push(format!("{}: {why}", action.entry));
                }
            }
            session.hold_to_rules(&mut host)
        }
        Command::Apply(apply) => {
            keep_journal(common, &mut host);
            let outcome = match &apply.plan {
                Some(path) => apply_plan(path, &mut session, &mut host),
                None => {
                    let mut terminal = Terminal::beside(common.json);
                    let outcome = session.carry_out(&mut host, &mut terminal);
                    if !session.prompts.is_empty() && !std::io::stdin().is_terminal() {
                        terminal.show("\n");
                    }
                    outcome
                }
            };
            if outcome.is_ok() && !options.dry_run {
                end_journal(common);
            }
            outcome
        }
    };
    for ran in session.commands.iter().chain(&session.erasures_ran) {
        let exit = ran
            .exit
            .map_or_else(|| "none".to_owned(), |exit| exit.to_string());
        log.say(1, &format!("exit {exit}: {}", ran.arguments.join(" ")));
        for line in ran.output.lines() {
            log.say(2, &format!("    {line}"));
        }
    }
    log.keep(&Report::of(&session, None).text(true));
    stamps.push(("install", now()));
    stamps.push(("finished", now()));
    finish(
        arguments,
        &mut remote,
        &declared,
        &session,
        &stamps,
        outcome,
    )
}

fn finish(
    arguments: &Arguments,
    remote: &mut sources::Source,
    declared: &Declared,
    session: &Session<'_>,
    stamps: &statistics::Stamps,
    outcome: Result<(), RunError>,
) -> anyhow::Result<ExitCode> {
    let common = arguments.command.common();
    let failed = outcome.as_ref().err().map(ToString::to_string);
    let mut report = Report::of(session, failed.clone());
    report.dry_run |= matches!(arguments.command, Command::Plan(_));
    use std::fmt::Write as _;
    let mut out = String::new();
    match (common.json, &arguments.command) {
        (true, _) => writeln!(out, "{}", report.to_json()?)?,
        (false, Command::Plan(_)) => {
            for action in session.actions.iter().chain(&session.further) {
                writeln!(out, "{}", describe_action(action))?;
            }
            for entry in report.entries.iter().filter(|entry| !entry.good) {
                let told = |note: &&String| !session.notes.contains(note);
                for note in entry.notes.iter().filter(told) {
                    writeln!(out, "note: {}", entry.labelled(note))?;
                }
            }
            for note in &session.notes {
                writeln!(out, "note: {}", one_line(note))?;
            }
            out.push_str(&report.notes_of_good());
            if common.show_extra {
                for extra in &report.extra {
                    writeln!(out, "extra: {extra}")?;
                }
            }
            if common.bundle_quick {
                writeln!(out, "note: -Q only verifies; no action is planned")?;
            }
            let count = session.actions.len() + session.further.len();
            writeln!(out, "{}", counted(count, "action", "actions"))?;
        }
        (false, _) => {
            // What would go is named where nothing goes.
            let would_go = session.options.dry_run && session.options.remove != Remove::Nothing;
            write!(out, "{}", report.text(common.show_extra || would_go))?;
        }
    }
    // Whoever reads may have seen enough; the server is told all the same.
    output::print(&out)?;
    if matches!(arguments.command, Command::Apply(_)) && declared.from_server {
        let upload = statistics::upload(session, stamps);
        if let Err(error) = remote.report(&upload) {
            eprintln!("error: the report did not reach the server: {error:#}");
            return Ok(ExitCode::from(1));
        }
    }
    if let Some(failed) = failed {
        anyhow::bail!(failed);
    }
    Ok(match common.detailed_exitcode && report.has_work() {
        true => ExitCode::from(WORK),
        false => ExitCode::SUCCESS,
    })
}

fn apply_plan(path: &Path, session: &mut Session<'_>, host: &mut Host) -> Result<(), RunError> {
    let bytes = std::fs::read(path)
        .map_err(|error| RunError::Stale(format!("cannot read {}: {error}", path.display())))?;
    let plan = Plan::parse(&path.display().to_string(), &bytes)
        .map_err(|error| RunError::Stale(error.to_string()))?;
    session.adopt(&plan)?;
    session.ensure_safe(host)?;
    if session.options.dry_run {
        return Ok(());
    }
    session.perform(host)
}

/// Drivers are named, and none of them looks after packages: that is what was asked for.
fn nothing_chosen(
    common: &Common,
    settings: &Settings,
    declared: &Declared,
) -> anyhow::Result<ExitCode> {
    for warning in settings.warnings.iter().chain(&declared.notes) {
        eprintln!("warning: {warning}");
    }
    let note = "no driver of packages is chosen; no package is looked at. Name RPMng or YUMng in drivers or with -D (-D help lists them)";
    let report = Report::of_no_driver(&declared.configuration, note);
    match common.json {
        true => output::line(&report.to_json()?)?,
        false => output::print(&report.text(false))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn choose_driver(
    common: &Common,
    settings: &mut Settings,
    declared: &Declared,
) -> anyhow::Result<Option<Driver>> {
    let names = match common.drivers.is_empty() {
        true => settings.drivers.clone(),
        false => common.drivers.clone(),
    };
    let (driver, others) = settings.chosen_driver(&names, &declared.configuration);
    // What looks like a driver of packages would leave every package alone without anybody noticing.
    let known = DRIVERS
        .iter()
        .flat_map(|(names, _)| names.split([' ', '(', ')', ',']));
    for known in known.filter(|known| !known.is_empty()) {
        if let Some(meant) = others
            .iter()
            .find(|other| other.eq_ignore_ascii_case(known))
        {
            return Err(Usage::error(format!(
                "no driver {meant}; did you mean {known}?"
            )));
        }
    }
    if !others.is_empty() {
        settings.warnings.push(format!(
            "drivers that are not Airlock's are skipped: {}",
            others.join(", ")
        ));
    }
    Ok(driver)
}

fn load_settings(common: &Common) -> anyhow::Result<Settings> {
    let mut settings = sources::settings(common)?;
    for (to, given) in [
        (&mut settings.server, &common.server),
        (&mut settings.communication.user, &common.user),
    ] {
        if let Some(given) = given {
            to.clone_from(given);
        }
    }
    if !settings.server.contains("://") {
        settings.server = format!("https://{}", settings.server);
    }
    Ok(settings)
}

fn host(common: &Common, settings: &Settings, driver: Driver) -> anyhow::Result<Host> {
    let mut options = HostOptions::new(&common.root);
    options.dbpath.clone_from(&common.dbpath);
    options.manager = common.manager.map(Into::into);
    options.manager_options.clone_from(&common.manager_options);
    options.rpm_options.clone_from(&common.rpm_options);
    options.timeout = settings.command_timeout.map(Duration::from_secs);
    options.require_signatures = settings.driver(driver).require_signatures;
    options.unchecked_keys = driver == Driver::Rpm && settings.driver(driver).legacy_quirks;
    options.cache.clone_from(&common.cache);
    Ok(Host::new(options, Box::new(remote::Files::new(settings)?)))
}

/// RPMng undoes prelinking before it looks, so that programs are what their packages say.
fn prelink(common: &Common, host: &Host) {
    if common.root != Path::new("/") || !host.has_prelink() {
        return;
    }
    let outcome = std::process::Command::new("/usr/sbin/prelink")
        .args(["-a", "-mR"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status();
    match outcome {
        Ok(status) if status.success() => {}
        Ok(status) => eprintln!("warning: prelink -a -mR failed: {status}"),
        Err(error) => eprintln!("warning: prelink -a -mR failed: {error}"),
    }
}

/// Keeps each step before it is taken. A journal that is still there tells of a run that did not end; what it left is found
/// by looking, so nothing has to be taken back.
fn keep_journal(common: &Common, host: &mut Host) {
    let shown = format!("{FOLDER}/{JOURNAL}");
    let root = Root::open(&common.root);
    let left = root
        .as_ref()
        .ok()
        .and_then(|root| root.read_small(shown.as_bytes(), LARGEST_JOURNAL).ok());
    if let Some(left) = left {
        let text = String::from_utf8_lossy(&left);
        let last = text.lines().last().unwrap_or("its start");
        eprintln!(
            "note: the last run was interrupted at: {}; this one goes on from what it left",
            last.escape_debug()
        );
    }
    // It begins with the first step: a run that does nothing leaves none.
    let mut file: Option<std::fs::File> = None;
    let mut folder = root.map(Some);
    host.keep_journal(Box::new(move |what| {
        let mut keep = || -> std::io::Result<()> {
            let file = match &mut file {
                Some(file) => file,
                None => {
                    let root = std::mem::replace(&mut folder, Ok(None))?;
                    let root = root.ok_or(std::io::ErrorKind::NotFound)?;
                    let path = root.make_folder(FOLDER)?.join(JOURNAL);
                    file.insert(begin(&path)?)
                }
            };
            writeln!(file, "{what}")?;
            file.sync_data()
        };
        keep().map_err(|error| format!("the journal {shown} cannot be written: {error}"))
    }));
}

/// A new file in the place of whatever is there; a link is not followed.
fn begin(path: &Path) -> std::io::Result<std::fs::File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::File::options();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn end_journal(common: &Common) {
    // A journal that stays only means one more note at the next run.
    let shown = format!("{FOLDER}/{JOURNAL}");
    let folder = Root::open(&common.root).and_then(|root| {
        root.read_small(shown.as_bytes(), 1)?;
        root.make_folder(FOLDER)
    });
    if let Ok(folder) = folder {
        let _ = std::fs::remove_file(folder.join(JOURNAL));
    }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |passed| passed.as_secs_f64())
}

/// Asks on standard output, or on standard error where a document comes out, and reads answers from standard input.
struct Terminal {
    document: bool,
}

impl Terminal {
    fn beside(document: bool) -> Self {
        Self { document }
    }

    /// Shows text as it is; false when nobody can see it.
    fn show(&self, text: &str) -> bool {
        let put = |out: &mut dyn Write| out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match self.document {
            true => put(&mut std::io::stderr().lock()).is_ok(),
            false => put(&mut std::io::stdout().lock()).is_ok(),
        }
    }
}

impl Operator for Terminal {
    fn ask(&mut self, question: &str) -> Option<String> {
        // No line end: the answer stands behind the question.
        if !self.show(question) {
            return None;
        }
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
        }
    }
}
