//! Flags that a config file may switch on and the command line off again: `--flag`, `--flag=false`, or left to the file.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::arguments::heading;

macro_rules! switches {
    ($($(#[doc = $help:literal])+ $name:ident: $short:expr, $long:literal $(| $alias:literal)?, $heading:expr;)+) => {
        /// The flags; none where the command line says nothing.
        #[derive(Debug, Default, Clone, PartialEq, Eq)]
        pub struct Switches {
            $($(#[doc = $help])+ pub $name: Option<bool>,)+
        }

        impl Switches {
            fn arguments() -> Vec<Arg> {
                vec![$({
                    let argument = switch(stringify!($name), $short, $long, concat!($($help),+).trim_start(), $heading);
                    $(let argument = argument.alias($alias);)?
                    argument
                }),+]
            }
        }

        impl FromArgMatches for Switches {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self { $($name: matches.get_one::<bool>(stringify!($name)).copied()),+ })
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

switches! {
    /// Also into a destination that has content and is no clone of its source
    into_other: None, "into-other" | "into_other", heading::WHAT;
    /// -d goes by the date of an erratum's last change instead of its issue date
    use_update_date: 'z', "use-update-date" | "use_update_date", heading::WHEN;
    /// With --as-of before the first recorded version: infer the content from errata dates
    infer: None, "infer", heading::WHEN;
    /// Of the errata up to the date only those of type security
    security_only: 'o', "security_only" | "security-only", heading::ERRATA;
    /// Pull in no dependencies; what stays open is reported
    skip_depsolve: 'k', "skip_depsolve" | "skip-depsolve", heading::ERRATA;
    /// Errata that are pulled in bring their other packages without the dependencies of those
    skip_errata_depsolve: 'x', "skip-errata-depsolve" | "skip_errata_depsolve", heading::ERRATA;
    /// Errata that the clone has already are not brought up to date with their originals
    no_errata_sync: 'n', "no-errata-sync" | "no_errata_sync", heading::ERRATA;
    /// Fail instead of pulling in what is beyond the date, or leaving open what the source can meet
    strict: None, "strict", heading::ERRATA;
    /// Errata keep their names instead of getting one that begins with CL-
    keep_advisory_names: None, "keep-advisory-names" | "keep_advisory_names", heading::ERRATA;
    /// With --as-of: what was put in by hand goes, too
    prune: None, "prune", heading::OUT;
    /// Show all that would be done, and do nothing; also with --apply and --undo
    dry_run: 'j', "dry-run" | "dry_run", heading::DONE;
    /// Ask nothing
    assumeyes: 'y', "assumeyes", heading::DONE;
}

/// A flag with an optional `=BOOL` behind it, so that short ones can still be written together.
fn switch(
    name: &'static str,
    short: impl clap::builder::IntoResettable<char>,
    long: &'static str,
    help: &'static str,
    heading: &'static str,
) -> Arg {
    Arg::new(name)
        .short(short)
        .long(long)
        .help(help)
        .help_heading(heading)
        .value_name("BOOL")
        .value_parser(BoolishValueParser::new())
        .hide_possible_values(true)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .overrides_with(name)
        .action(ArgAction::Set)
}

impl Args for Switches {
    fn augment_args(command: Command) -> Command {
        command.args(Self::arguments())
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.args(Self::arguments())
    }
}
