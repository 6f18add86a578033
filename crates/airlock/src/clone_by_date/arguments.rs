//! The options of `airlock clone-by-date`: those of the old tool under their old names, and the new ones.

use std::path::PathBuf;

use airlock_model::{BlacklistScope, Naked};
use clap::{ArgMatches, Args, FromArgMatches};

use super::switches::Switches;
use crate::cli::Waiting;

/// Under which the options stand in the help.
pub mod heading {
    /// Channels and the config file.
    pub const WHAT: &str = "What is cloned";
    /// Dates.
    pub const WHEN: &str = "As of when";
    /// Errata, and what they need.
    pub const ERRATA: &str = "Errata and dependencies";
    /// Blacklist, removelist.
    pub const OUT: &str = "What is kept out";
    /// Plan, apply, explain.
    pub const DONE: &str = "What is done";
    /// Server and login.
    pub const SERVER: &str = "Which server";
}

/// Help behind the options.
pub const EXAMPLES: &str = "\
Flags that the config file switches on are switched off with =false: --security_only=false.
Without a terminal nothing is asked: pass -y. Ctrl-C and 'n' end with exit status 0.

Examples:
  airlock clone-by-date -l el9-base el9-2026q1 -l el9-extra el9-2026q1-extra -d 2026-03-31
  airlock clone-by-date -l el9-base el9-2026q1 -d 2026-03-31 --plan q1.json
  airlock plan show q1.json
  airlock clone-by-date --apply q1.json
  airlock clone-by-date --undo q1.json
  airlock clone-by-date -l el9-base el9-may --as-of 2026-05-31T12:00:00Z -y
  airlock clone-by-date -l el9-base el9-2026q1 -e RHSA-2026:0001,RHSA-2026:0002
  airlock clone-by-date -l el9-extra el9-2026q1-extra -a el9-base el9-2026q1 -d 2026-03-31
  airlock clone-by-date -l el9-base el9-2026q1 -d 2026-03-31 --explain libfoo
  airlock clone-by-date --sample-config > clone.json && airlock clone-by-date -c clone.json -j";

/// What the command line says; an option that is not there is none.
#[derive(Debug, Default, Args)]
pub struct CloneArgs {
    #[command(flatten)]
    pub channels: Channels,
    /// Existing base channels, which are searched and never changed: that of the sources (default:
    /// what DEST_PARENT was cloned from) and that of the clones
    #[arg(
        short = 'a',
        long,
        num_args = 1..,
        value_name = "[SRC_PARENT] DEST_PARENT",
        help_heading = heading::WHAT
    )]
    pub parents: Vec<String>,
    /// JSON file with trees of channels and settings (not with -l or -a); what the command line
    /// says wins over it
    #[arg(short = 'c', long, value_name = "FILE", help_heading = heading::WHAT)]
    pub config: Option<PathBuf>,
    /// Print a config file to begin with
    #[arg(short = 'm', long = "sample-config", help_heading = heading::WHAT)]
    pub sample_config: bool,
    /// Last day of the errata that are taken, YYYY-MM-DD
    #[arg(
        short = 'd',
        long = "to_date",
        alias = "to-date",
        value_name = "DATE",
        help_heading = heading::WHEN
    )]
    pub to_date: Option<String>,
    /// The recorded content of that instant (2026-03-31, 2026-03-31T12:00:00Z) or version, unchanged;
    /// with -d: the errata of that content up to the date
    #[arg(long = "as-of", alias = "as_of", value_name = "INSTANT", help_heading = heading::WHEN)]
    pub as_of: Option<String>,
    /// Which packages without an erratum a new clone gets: original (all), first-seen or build-date
    /// (those that were there, or were built, by the date)
    #[arg(long, value_name = "WHICH", help_heading = heading::WHEN)]
    pub naked: Option<Naked>,
    /// Only these advisories, with what they need (not with -d or -o)
    #[arg(short = 'e', long, value_name = "ADVISORY,…", help_heading = heading::ERRATA)]
    pub errata: Vec<String>,
    #[command(flatten)]
    pub switches: Switches,
    /// Packages that are never added: regular expressions over whole names (one with a comma in it
    /// goes into a config file)
    #[arg(
        short = 'b',
        long,
        value_name = "REGEX,…",
        allow_hyphen_values = true,
        help_heading = heading::OUT
    )]
    pub blacklist: Vec<String>,
    /// What the blacklist keeps out: all, or errata (as of old: never the original state)
    #[arg(
        long = "blacklist-scope",
        alias = "blacklist_scope",
        value_name = "SCOPE",
        help_heading = heading::OUT
    )]
    pub blacklist_scope: Option<BlacklistScope>,
    /// Packages that are taken out of the clones, whenever they came in
    #[arg(
        short = 'r',
        long,
        value_name = "REGEX,…",
        allow_hyphen_values = true,
        help_heading = heading::OUT
    )]
    pub removelist: Vec<String>,
    /// Write the plan into FILE (several trees: FILE.1, FILE.2 …), and do nothing else
    #[arg(long, value_name = "FILE", help_heading = heading::DONE)]
    pub plan: Option<PathBuf>,
    /// Apply plans that --plan wrote (FILE.1, FILE.2 … are found by FILE); they say all the rest
    #[arg(long, num_args = 1.., value_name = "FILE", help_heading = heading::DONE)]
    pub apply: Vec<PathBuf>,
    /// Take back what applied plans did, all of it or nothing: each channel gets the content that it
    /// had before
    #[arg(long, num_args = 1.., value_name = "FILE", help_heading = heading::DONE)]
    pub undo: Vec<PathBuf>,
    /// With --apply: plan the same again if channels have moved on since, show that, and keep it in
    /// FILE.rebased.json
    #[arg(long, help_heading = heading::DONE)]
    pub rebase: bool,
    /// Say why a package or an erratum would be there, or why not, and do nothing else; several
    #[arg(long, value_name = "NEVRA|ADVISORY", help_heading = heading::DONE)]
    pub explain: Vec<String>,
    /// Clone nothing: check that everything in the destinations can be installed
    #[arg(short = 'v', long, help_heading = heading::DONE)]
    pub validate: bool,
    /// Taken for old scripts; it never had an effect
    #[arg(short = 'g', long, help_heading = heading::DONE)]
    pub background: bool,
    #[command(flatten)]
    pub waiting: Waiting,
    /// URL of the server, as for every command; /rpc/api at its end is left out
    #[arg(
        short = 's',
        long,
        value_name = "URL",
        conflicts_with = "data",
        help_heading = heading::SERVER
    )]
    pub server: Option<String>,
    /// Log in as this user for this run (not needed on the local socket, or after airlock login)
    #[arg(short = 'u', long, value_name = "LOGIN", help_heading = heading::SERVER)]
    pub username: Option<String>,
    /// The password, which other users of this machine can see; without it, it is asked for
    #[arg(
        short = 'p',
        long,
        value_name = "PASSWORD",
        allow_hyphen_values = true,
        help_heading = heading::SERVER
    )]
    pub password: Option<String>,
}

/// `-l SRC DEST [NAME [SUMMARY [DESC]]]`, each a list of words of its own.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Channels(pub Vec<Vec<String>>);

impl Channels {
    fn argument() -> clap::Arg {
        clap::Arg::new("channels")
            .short('l')
            .long("channels")
            .value_name("SRC DEST [NAME [SUMMARY [DESC]]]")
            .help("A source and its clone, which is made if it does not exist; several, which are one tree")
            .help_heading(heading::WHAT)
            .num_args(1..)
            .action(clap::ArgAction::Append)
    }
}

impl Args for Channels {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.arg(Self::argument())
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command.arg(Self::argument())
    }
}

impl FromArgMatches for Channels {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = matches.get_occurrences::<String>("channels");
        Ok(Self(given.map_or_else(Vec::new, |all| {
            all.map(|words| words.cloned().collect()).collect()
        })))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
