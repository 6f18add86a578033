//! The command line, of both generations. Reference: virt-who, section 1.5.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::config::environment::{Manager, SECTION};
use crate::config::{CommandLine, Origin, RawSection, RawValue};
use crate::model::json::Form;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Run until stopped.
    Daemon,
    /// Read and send once.
    Once,
    /// Read and print.
    Print(Form),
    /// Log in everywhere and say how it went.
    Status {
        /// As JSON.
        json: bool,
    },
    /// Explain the configuration.
    Check {
        /// Log in, count, show what filters keep.
        connect: bool,
        /// As JSON.
        json: bool,
    },
    /// Encrypt a password.
    Password {
        /// The password, if it stands on the command line.
        password: Option<String>,
    },
    /// Let reports go that are held back.
    AcceptChange(Vec<String>),
}

/// A command line that was understood.
#[derive(Debug)]
pub struct Wanted {
    /// What is to be done.
    pub mode: Mode,
    /// What it says about the configuration.
    pub line: CommandLine,
    /// The folder below which files are looked for.
    pub root: PathBuf,
    /// Another folder for the state.
    pub state: Option<PathBuf>,
    /// Send also what looks wrong.
    pub accept: bool,
    /// Send everything again.
    pub resend: bool,
    /// Called as `virt-who`.
    pub old: bool,
}

/// Why a command line is none.
#[derive(Debug)]
pub enum Refused {
    /// clap has a text and an exit status of its own.
    Clap(Box<clap::Error>),
    /// A combination that virt-who refused too: 64, and the text on standard output.
    Combination(&'static str),
}

const KINDS: [&str; 6] = ["libvirt", "vdsm", "esx", "xen", "rhevm", "hyperv"];

const DETAILS: [&str; 5] = ["owner", "env", "server", "username", "password"];

fn flag(name: &'static str, short: Option<char>, about: &'static str) -> Arg {
    let arg = Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(about);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

fn text(name: &'static str, short: Option<char>, value: &'static str, about: &'static str) -> Arg {
    let arg = Arg::new(name)
        .long(name)
        .value_name(value)
        .num_args(1)
        .action(ArgAction::Set)
        .help(about);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// The command line's grammar.
#[must_use]
pub fn command(old: bool) -> Command {
    let mut command = Command::new(if old { "virt-who" } else { "airlock-virt-who" })
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Which guest runs on which host: reads hypervisors and reports to the servers that ask",
        )
        .arg(
            flag(
                "debug",
                Some('d'),
                "Log everything; secrets are never logged",
            )
            .global(true),
        )
        .arg(flag(
            "one-shot",
            Some('o'),
            "Read and send once; the exit status tells whether all went well",
        ))
        .arg(text(
            "interval",
            Some('i'),
            "SECONDS",
            "Between two reads of a source, 60 at least",
        ))
        .arg(flag(
            "print",
            Some('p'),
            "Read once and print what would be sent; nothing is sent",
        ))
        .arg(flag(
            "old-form",
            None,
            "With --print: the JSON form before 2020",
        ))
        .arg(
            Arg::new("config")
                .long("config")
                .short('c')
                .value_name("FILE")
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf))
                .global(true)
                .help("Read sources from this file instead of /etc/virt-who.d; may be repeated"),
        )
        .arg(flag(
            "status",
            Some('s'),
            "Log in everywhere and say how it went",
        ))
        .arg(flag("json", Some('j'), "With --status: as JSON").global(!old))
        .arg(flag(
            "log-per-config",
            Some('m'),
            "One log file for each part of the program",
        ))
        .arg(text("log-dir", Some('l'), "DIR", "Where log files are"))
        .arg(text(
            "log-file",
            Some('f'),
            "NAME",
            "The name of the log file",
        ))
        .arg(text(
            "reporter-id",
            Some('r'),
            "ID",
            "What this agent calls itself",
        ))
        .arg(flag("background", Some('b'), "Accepted and without meaning").hide(true))
        .arg(flag(
            "accept-change",
            None,
            "Send also reports that look wrong",
        ))
        .arg(flag(
            "resend",
            None,
            "Send everything again, as after a server was restored from a backup",
        ))
        .arg(
            text("root", None, "DIR", "Look for all files below this folder")
                .value_parser(value_parser!(PathBuf))
                .global(true),
        )
        .arg(
            text(
                "state-dir",
                None,
                "DIR",
                "Keep state here instead of /var/lib/virt-who",
            )
            .value_parser(value_parser!(PathBuf))
            .global(true),
        );
    for kind in KINDS {
        command = command.arg(flag(kind, None, "").hide(true));
        for detail in DETAILS {
            let name: &'static str = name_of(kind, detail);
            command = command.arg(text(name, None, "TEXT", "").hide(true));
        }
    }
    for manager in ["sam", "satellite6", "satellite5", "satellite"] {
        command = command.arg(flag(manager, None, "").hide(true));
    }
    for name in [
        "satellite-server",
        "satellite-username",
        "satellite-password",
    ] {
        command = command.arg(text(name, None, "TEXT", "").hide(true));
    }
    if old {
        return command;
    }
    command
        .subcommand(
            Command::new("check")
                .about("Explains the configuration: what is read from where, and what is wrong with it")
                .arg(flag("connect", None, "Log in, count hosts and guests, show what filters keep; nothing is sent")),
        )
        .subcommand(Command::new("status").about("Logs in everywhere and says how it went"))
        .subcommand(
            Command::new("password")
                .about("Encrypts a password for encrypted_password= and its like")
                .arg(text("password", Some('p'), "PASSWORD", "The password; better not here, where everybody can see it")),
        )
        .subcommand(
            Command::new("accept-change")
                .about("Tells the running program to send reports that it holds back")
                .arg(Arg::new("source").value_name("SOURCE").num_args(0..)),
        )
}

/// `KIND-DETAIL`, for the lifetime of clap's grammar.
fn name_of(kind: &'static str, detail: &'static str) -> &'static str {
    // 30 names, once a process.
    Box::leak(format!("{kind}-{detail}").into_boxed_str())
}

/// Reads a command line; its first word is the program's name.
///
/// # Errors
/// Options that are unknown or do not go together.
pub fn parse(arguments: Vec<OsString>) -> Result<Wanted, Refused> {
    let old = arguments.first().is_some_and(|name| {
        std::path::Path::new(name)
            .file_name()
            .is_some_and(|name| name == "virt-who")
    });
    let matches = command(old)
        .try_get_matches_from(arguments)
        .map_err(|error| Refused::Clap(Box::new(error)))?;
    let on = |name: &str| matches.get_flag(name);
    let mode = match matches.subcommand() {
        Some(("check", check)) => Mode::Check {
            connect: check.get_flag("connect"),
            json: check.get_flag("json"),
        },
        Some(("status", status)) => Mode::Status {
            json: status.get_flag("json"),
        },
        Some(("password", password)) => Mode::Password {
            password: password.get_one::<String>("password").cloned(),
        },
        Some(("accept-change", accept)) => Mode::AcceptChange(
            accept
                .get_many::<String>("source")
                .map(|names| names.cloned().collect())
                .unwrap_or_default(),
        ),
        _ if on("status") => {
            if on("one-shot") || on("print") {
                return Err(Refused::Combination(
                    "Error: --status cannot be used together with --one-shot or --print",
                ));
            }
            Mode::Status { json: on("json") }
        }
        _ if on("json") => {
            return Err(Refused::Combination(
                "Error: --json can only be used with --status",
            ));
        }
        _ if on("print") => Mode::Print(if on("old-form") { Form::Old } else { Form::New }),
        _ if on("one-shot") => Mode::Once,
        _ => Mode::Daemon,
    };
    Ok(Wanted {
        line: line(&matches),
        mode,
        root: matches
            .get_one::<PathBuf>("root")
            .cloned()
            .unwrap_or_else(|| PathBuf::from("/")),
        state: matches.get_one::<PathBuf>("state-dir").cloned(),
        accept: matches.get_flag("accept-change"),
        resend: matches.get_flag("resend"),
        old,
    })
}

fn line(matches: &ArgMatches) -> CommandLine {
    let mut line = CommandLine::default();
    if let Some(files) = matches.get_many::<PathBuf>("config") {
        line.files = files.cloned().collect();
    }
    for (name, key) in [
        ("debug", "debug"),
        ("one-shot", "oneshot"),
        ("print", "print"),
        ("log-per-config", "log_per_config"),
    ] {
        if matches.get_flag(name) {
            line.global
                .insert(key.to_owned(), ("true".to_owned(), format!("--{name}")));
        }
    }
    for (name, key) in [
        ("interval", "interval"),
        ("log-dir", "log_dir"),
        ("log-file", "log_file"),
        ("reporter-id", "reporter_id"),
    ] {
        if let Some(text) = matches.get_one::<String>(name) {
            line.global
                .insert(key.to_owned(), (text.clone(), format!("--{name}")));
        }
    }
    for (name, manager) in [
        ("sam", Manager::Candlepin),
        ("satellite6", Manager::Candlepin),
        ("satellite5", Manager::Satellite5),
        ("satellite", Manager::Satellite5),
    ] {
        if matches.get_flag(name) {
            line.manager = Some(manager);
        }
    }
    line.satellite = details(
        matches,
        "satellite",
        &["server", "username", "password"],
        "sat_",
    );
    if let Some(kind) = KINDS.iter().rev().find(|kind| matches.get_flag(kind)) {
        let origin = Origin::CommandLine(format!("--{kind}"));
        let mut section = RawSection::new(SECTION, origin.clone());
        section.set("type", *kind, origin);
        section.values.extend(details(matches, kind, &DETAILS, ""));
        line.section = Some(section);
    }
    line
}

fn details(
    matches: &ArgMatches,
    kind: &str,
    names: &[&str],
    prefix: &str,
) -> BTreeMap<String, RawValue> {
    names
        .iter()
        .filter_map(|detail| {
            let option = format!("{kind}-{detail}");
            let text = matches.get_one::<String>(&option)?;
            Some((
                format!("{prefix}{detail}"),
                RawValue {
                    text: text.clone(),
                    origin: Origin::CommandLine(format!("--{option}")),
                },
            ))
        })
        .collect()
}
