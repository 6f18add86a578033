//! The command line: today's words and the flags of the old client.

use std::path::PathBuf;

use airlock_pkgstate::decide::lists::{Decision, DecisionList};
use airlock_pkgstate::evra::Form;
use airlock_pkgstate::run::command::Manager;
use airlock_pkgstate::run::{Options, Remove};
use airlock_pkgstate::safety::Limits;
use airlock_pkgstate::settings::{DecisionMode, Driver, Settings};
use clap::{ArgAction, Args, Subcommand, ValueEnum};

/// Declared packages: verify, plan, apply.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look and report; nothing is changed.
    Verify(Verify),
    /// Show every action with its reason; nothing is changed.
    Plan(PlanArguments),
    /// Bring packages to the declared state.
    Apply(Apply),
    /// Take changed configuration files for good as they are now; they fail again when they change again.
    Acknowledge(Acknowledge),
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub common: Common,
    /// Write messages to the end of this file too.
    #[arg(short = 'o', long = "logfile", value_name = "FILE")]
    pub logfile: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    pub common: Common,
    /// Keep the plan in this file, for `apply --plan`.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    pub common: Common,
    /// Do what this plan says, and only while it still fits.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "interactive", "remove", "decision", "decision_list", "bundle", "skip_bundle", "independent",
            "skip_independent",
        ]
    )]
    pub plan: Option<PathBuf>,
    /// Write messages to the end of this file too.
    #[arg(short = 'o', long = "logfile", value_name = "FILE")]
    pub logfile: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Acknowledge {
    #[command(flatten)]
    pub common: Common,
    /// Names of packages; all of them when none is given.
    pub packages: Vec<String>,
}

impl Command {
    pub fn common(&self) -> &Common {
        match self {
            Self::Verify(verify) => &verify.common,
            Self::Plan(plan) => &plan.common,
            Self::Apply(apply) => &apply.common,
            Self::Acknowledge(acknowledge) => &acknowledge.common,
        }
    }
}

impl Command {
    /// The file that messages go to as well.
    pub fn logfile(&self) -> Option<&std::path::Path> {
        match self {
            Self::Verify(verify) => verify.logfile.as_deref(),
            Self::Apply(apply) => apply.logfile.as_deref(),
            Self::Plan(_) | Self::Acknowledge(_) => None,
        }
    }
}

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveWord {
    All,
    Packages,
    CapitalPackages,
    /// Services and users are not looked after here.
    Other,
}

fn remove_word(word: &str) -> Result<RemoveWord, String> {
    match word {
        "all" => Ok(RemoveWord::All),
        "packages" => Ok(RemoveWord::Packages),
        "Packages" => Ok(RemoveWord::CapitalPackages),
        "services" | "Services" | "users" => Ok(RemoveWord::Other),
        _ => Err("write all or packages".to_owned()),
    }
}

/// How prompts show versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PromptForm {
    /// `EPOCH:VERSION-RELEASE.ARCH` always.
    Specification,
    /// The epoch only where there is one, as releases since mid-2007.
    Later,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ManagerWord {
    Dnf,
    Yum,
    Zypper,
}

impl From<ManagerWord> for Manager {
    fn from(word: ManagerWord) -> Self {
        match word {
            ManagerWord::Dnf => Self::Dnf,
            ManagerWord::Yum => Self::Yum,
            ManagerWord::Zypper => Self::Zypper,
        }
    }
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)]
#[command(group(clap::ArgGroup::new("lists").multiple(true)))]
pub struct Common {
    /// The settings; /etc/bcfg2.conf when it is there.
    #[arg(short = 'C', long, value_name = "FILE", env = "BCFG2_CONFIG")]
    pub config: Option<PathBuf>,
    /// The declared entries, instead of asking the server: a configuration, a bundle, a list (XML or TOML).
    #[arg(
        short = 'f',
        long,
        value_name = "FILE",
        visible_alias = "file",
        group = "lists"
    )]
    pub entries: Option<PathBuf>,
    /// A group of this machine, for lists; may be repeated.
    #[arg(short = 'g', long = "group", value_name = "GROUP", requires = "lists")]
    pub groups: Vec<String>,
    /// The name of this machine, for lists; its own by default.
    #[arg(short = 'H', long, value_name = "NAME", requires = "lists")]
    pub hostname: Option<String>,
    /// Folders of packages that sets of lists choose from; patterns, with commas between, may be repeated.
    #[arg(
        long,
        value_name = "PATTERN",
        requires = "entries",
        value_delimiter = ','
    )]
    pub rpmdirs: Vec<String>,
    /// Keep the configuration that the server gave in this file, readable by its owner alone.
    #[arg(
        short = 'c',
        long = "cache-config",
        value_name = "FILE",
        conflicts_with = "entries"
    )]
    pub keep: Option<PathBuf>,
    /// The root that is looked at.
    #[arg(long, value_name = "DIR", default_value = "/", value_parser = whole_path)]
    pub root: PathBuf,
    /// The folder of the package database inside the root.
    #[arg(long, value_name = "DIR")]
    pub dbpath: Option<PathBuf>,
    /// Ask about every bad entry and every extra package.
    #[arg(short = 'I', long)]
    pub interactive: bool,
    /// Change nothing, ask nothing.
    #[arg(short = 'n', long = "dry-run")]
    pub dry_run: bool,
    /// Say more; twice: even more.
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say everything.
    #[arg(short = 'd', long)]
    pub debug: bool,
    /// Only important entries, which are files and never packages: nothing is changed here.
    #[arg(short = 'i', long = "only-important")]
    pub only_important: bool,
    /// Check less: no contents of files (RPMng), no files (YUMng).
    #[arg(short = 'q', long)]
    pub quick: bool,
    /// Look at everything again at the end; YUMng: extra instances of kernels too.
    #[arg(short = 'k', long)]
    pub kevlar: bool,
    /// Remove what is not declared: all or packages.
    #[arg(short = 'r', long, value_name = "TYPE", value_parser = remove_word)]
    pub remove: Option<RemoveWord>,
    /// List what is not declared.
    #[arg(short = 'e', long = "show-extra")]
    pub show_extra: bool,
    /// Use a list of decisions: whitelist, blacklist or none.
    #[arg(short = 'l', long, value_name = "MODE", value_parser = decision_mode)]
    pub decision: Option<DecisionMode>,
    /// The list, instead of asking the server: XML of Decisions/, or JSON pairs.
    #[arg(long, value_name = "FILE", group = "lists")]
    pub decision_list: Option<PathBuf>,
    /// Drivers; RPMng and YUMng are Airlock's.
    #[arg(short = 'D', long, value_name = "LIST", value_delimiter = ',')]
    pub drivers: Vec<String>,
    /// Only these bundles.
    #[arg(short = 'b', long, value_name = "A:B", value_delimiter = ':')]
    pub bundle: Vec<String>,
    /// All bundles but these.
    #[arg(
        short = 'B',
        long = "skip-bundle",
        value_name = "A:B",
        value_delimiter = ':'
    )]
    pub skip_bundle: Vec<String>,
    /// Only verify these bundles; nothing is reported to the server.
    #[arg(
        short = 'Q',
        long = "bundle-quick",
        requires = "bundle",
        conflicts_with = "remove"
    )]
    pub bundle_quick: bool,
    /// Only entries outside bundles.
    #[arg(short = 'z', long = "only-indep", conflicts_with = "skip_independent")]
    pub independent: bool,
    /// No entries outside bundles.
    #[arg(short = 'Z', long = "skip-indep")]
    pub skip_independent: bool,
    /// Say to the server that this is the profile.
    #[arg(short = 'p', long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Do not run the server's probes, which tell it groups of this machine; of another root they never run.
    #[arg(long, conflicts_with = "entries")]
    pub no_probes: bool,
    /// Run although another run holds the lock, and do not take it.
    #[arg(short = 'O', long = "no-lock")]
    pub omit_lock: bool,
    /// The server.
    #[arg(short = 'S', long, value_name = "URL")]
    pub server: Option<String>,
    /// The user at the server; the password stands in the settings.
    #[arg(short = 'u', long, value_name = "NAME")]
    pub user: Option<String>,
    /// Accepted from the old client: services are not looked after here.
    #[arg(short = 's', long = "servicemode", value_name = "MODE", hide = true)]
    pub service_mode: Option<String>,
    /// Accepted from the old client: no files are changed but by packages.
    #[arg(short = 'P', long, hide = true)]
    pub paranoid: bool,
    /// Ask about entries of other kinds too, as the old client did.
    #[arg(long)]
    pub all_entries: bool,
    /// How prompts show versions.
    #[arg(long, value_enum, default_value = "specification")]
    pub prompt_form: PromptForm,
    /// Do what is refused otherwise: many removals, an empty list, going back with glibc or systemd.
    #[arg(long)]
    pub force: bool,
    /// Removals that need no force.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub max_remove: usize,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Exit status 3 when there is work to do or something stays bad.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// The package manager of YUMng; found when not given.
    #[arg(long, value_enum)]
    pub manager: Option<ManagerWord>,
    /// A further option for the package manager; may be repeated.
    #[arg(
        long = "manager-option",
        value_name = "OPTION",
        allow_hyphen_values = true
    )]
    pub manager_options: Vec<String>,
    /// A further option for rpm; may be repeated.
    #[arg(long = "rpm-option", value_name = "OPTION", allow_hyphen_values = true)]
    pub rpm_options: Vec<String>,
    /// Where fetched package files are kept; ROOT/var/cache/airlock-agent.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// rpm and the package managers take no relative root.
fn whole_path(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let whole = std::fs::canonicalize(&path).or_else(|_| std::path::absolute(&path));
    whole.map_err(|error| format!("{}: {error}", path.display()))
}

fn decision_mode(word: &str) -> Result<DecisionMode, String> {
    DecisionMode::from_word(word).ok_or_else(|| "write whitelist, blacklist or none".to_owned())
}

impl Common {
    /// Which list of decisions is used.
    pub fn decision_mode(&self, settings: &Settings) -> DecisionMode {
        match (self.decision, self.unused_decision(settings)) {
            (Some(mode), _) => mode,
            (None, Some(_)) => DecisionMode::None,
            (None, None) => settings.decision,
        }
    }

    /// Why the mode of the settings does not count: the old client had no list for entries of a file, and used none.
    pub fn unused_decision(&self, settings: &Settings) -> Option<String> {
        let unused = self.decision.is_none()
            && self.entries.is_some()
            && self.decision_list.is_none()
            && settings.decision != DecisionMode::None;
        unused.then(|| {
            format!(
                "decision = {} of [client] does not count with --entries; give --decision-list FILE",
                settings.decision.word()
            )
        })
    }

    pub fn options(
        &self,
        command: &Command,
        settings: &Settings,
        driver: Driver,
        decisions: Vec<Decision>,
    ) -> anyhow::Result<Options> {
        let verify =
            matches!(command, Command::Verify(_)) || self.bundle_quick || self.only_important;
        Ok(Options {
            interactive: self.interactive && matches!(command, Command::Apply(_)),
            // A plan changes nothing by itself; emptied by -n it would say that there is nothing to do.
            dry_run: verify || (self.dry_run && !matches!(command, Command::Plan(_))),
            kevlar: self.kevlar,
            quick: self.quick,
            remove: match self.remove {
                Some(RemoveWord::All | RemoveWord::Packages) => Remove::Packages,
                Some(RemoveWord::CapitalPackages) => Remove::CapitalPackages,
                Some(RemoveWord::Other) | None => Remove::Nothing,
            },
            decisions: DecisionList {
                mode: self.decision_mode(settings),
                decisions,
                release: settings.driver(driver).release,
            },
            bundles: self.bundle.clone(),
            skip_bundles: self.skip_bundle.clone(),
            independent: match (self.independent, self.skip_independent) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            form: match self.prompt_form {
                PromptForm::Specification => Form::Specification,
                PromptForm::Later => Form::Later,
            },
            foreign: self.all_entries,
            limits: Limits {
                force: self.force,
                max_remove: self.max_remove,
            },
        })
    }
}
