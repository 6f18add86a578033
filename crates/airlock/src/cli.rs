//! The command line as clap sees it: words, options, help and examples. What they do is in `command`.

pub mod channel;
pub mod hypervisor;
pub mod pkgmgr;
pub mod plan;
pub mod server;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::channel::ChannelCommand;
use self::hypervisor::HypervisorCommand;
use self::pkgmgr::PkgmgrCommand;
use self::plan::PlanCommand;
use self::server::{LoginArgs, OrgCommand, ServeArgs, TaskCommand, TokenCommand, UserCommand};
use crate::clone_by_date::CloneArgs;

/// Decides what software reaches a fleet of RPM-based machines: mirrors repositories, keeps every state of them, and publishes them.
#[derive(Debug, Parser)]
#[command(
    name = "airlock",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
Examples:
  airlock serve --data /var/lib/airlock --listen 0.0.0.0:8080
  airlock channel create el9-base --upstream https://mirror.example.org/el9/BaseOS/x86_64/os/
  airlock channel sync el9-base
  curl -o /etc/yum.repos.d/el9-base.repo http://localhost:8080/repos/el9-base.repo"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Data folder of the server: commands reach it by its local socket [env: AIRLOCK_DATA]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// URL of the server, for commands over the network [env: AIRLOCK_SERVER, token: AIRLOCK_TOKEN]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "data")]
    pub server: Option<String>,
    /// PEM file of the CA that signed the server's certificate [env: AIRLOCK_CA]
    #[arg(long = "server-ca", global = true, value_name = "FILE")]
    pub server_ca: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// For commands that start a task.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Waiting {
    /// Print the task's number and do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    #[command(after_help = "\
Examples:
  airlock serve --data /var/lib/airlock --listen 0.0.0.0:8080
  airlock serve --data ./data --listen 127.0.0.1:0        (a free port; it is written to data/address)
  airlock serve --data ./data --tls-certificate cert.pem --tls-key key.pem --listen 0.0.0.0:8443")]
    Serve(Box<ServeArgs>),
    /// Channels: what is mirrored, kept and published
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock channel create el9-base --upstream https://mirror.example.org/el9/BaseOS/x86_64/os/
  airlock channel sync el9-base
  airlock channel versions el9-base
  airlock channel rollback el9-base 3"
    )]
    Channel(Box<ChannelCommand>),
    /// Put own RPM files into a channel
    #[command(after_help = "\
Examples:
  airlock push -c own-tools tool-1.0-1.x86_64.rpm
  airlock push -c own-tools build/*.rpm --json")]
    Push {
        /// The channel
        #[arg(short = 'c', long = "channel", value_name = "LABEL")]
        channel: String,
        /// RPM files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Cut a clone of a tree of channels as it was on a date, closed under dependencies
    #[command(
        name = "clone-by-date",
        args_override_self = true,
        infer_long_args = true,
        after_help = crate::clone_by_date::EXAMPLES
    )]
    CloneByDate(Box<CloneArgs>),
    /// Plans of clones, as clone-by-date --plan writes them (no server is needed)
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock plan show q1.json
  airlock plan explain q1.json libfoo"
    )]
    Plan(PlanCommand),
    /// Hypervisors and their guests, as airlock-virt-who reports them
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock hypervisor list
  airlock hypervisor history esx1.example.com
  airlock token create gate1 --scope hypervisors:write    (a token for airlock-virt-who)"
    )]
    Hypervisor(HypervisorCommand),
    /// Long jobs on the server
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock task list
  airlock task watch 12
  airlock task cancel 12"
    )]
    Task(TaskCommand),
    /// Get a token for a server, and keep it for later commands
    #[command(after_help = "\
Examples:
  airlock login --server https://airlock.example.org
  airlock login --server https://airlock.example.org --user ci --password-file secret.txt")]
    Login(LoginArgs),
    /// Tokens for programs and clients
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock token create web-servers --role download --channel el9-base
  airlock token list
  airlock token revoke 3"
    )]
    Token(TokenCommand),
    /// People and programs with a password
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock user create ci --role content-manager --password-file secret.txt
  airlock user set ci --role reader
  airlock user list"
    )]
    User(UserCommand),
    /// Organizations: each has its own users, channels, tasks and log (administrators of the server only)
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock org create research
  airlock user create ada --org research --role administrator --password-file secret.txt
  airlock org list"
    )]
    Org(OrgCommand),
    /// The log of every change, newest first
    #[command(after_help = "\
Examples:
  airlock audit
  airlock audit --before 1200 --limit 100 --json
  airlock audit --org research")]
    Audit {
        /// Only rows older than this one
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// At most this many rows, 1 to 1000
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: u32,
        /// Another organization's log (administrators of the server only)
        #[arg(long, value_name = "NAME")]
        org: Option<String>,
    },
    /// Check that everything stored is whole and fits together
    #[command(after_help = "\
Examples:
  airlock fsck
  airlock fsck --deep             (reads and hashes every file)
  airlock fsck --deep --repair")]
    Fsck {
        /// Hash every stored file again
        #[arg(long)]
        deep: bool,
        /// Mend what can be mended
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Remove stored files that nothing needs any more
    #[command(after_help = "\
Examples:
  airlock gc
  airlock gc --grace-seconds 3600")]
    Gc {
        /// Unneeded files younger than this stay [default: a day]
        #[arg(long, value_name = "SECONDS")]
        grace_seconds: Option<i64>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Copy database, files and settings into a folder of the server while it serves (SQLite)
    #[command(after_help = "\
Examples:
  airlock backup /backup/airlock      (again into the same folder: only what is new is copied)")]
    Backup {
        /// A folder on the server's machine
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Make a data folder out of a backup (no server may run in it)
    #[command(after_help = "\
Examples:
  airlock restore /backup/airlock --data /var/lib/airlock")]
    Restore {
        /// The backup
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Write repository metadata for a plain folder of RPM files
    #[command(
        disable_help_flag = true,
        after_help = "\
Examples:
  airlock createrepo /srv/repo
  airlock createrepo --update --workers 4 /srv/repo
  airlock createrepo --help          (all options, those of createrepo_c)"
    )]
    Createrepo {
        /// Options and folder, as for createrepo_c
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENT"
        )]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Lists of declared packages, as Bcfg2 has them (no server is needed)
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "\
Examples:
  airlock pkgmgr gen -P -d /srv/mirror/el9 -o base.xml
  airlock pkgmgr update -c base.xml -d /srv/updates --diff
  airlock pkgmgr lint base.xml"
    )]
    Pkgmgr(PkgmgrCommand),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  airlock completions bash > /etc/bash_completion.d/airlock")]
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder
    #[command(after_help = "\
Examples:
  airlock man /usr/local/share/man/man1")]
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}
