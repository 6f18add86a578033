//! `airlock serve`, `login`, `token …`, `user …`, `org …`, `task …`.

use std::path::PathBuf;

use airlock_model::{Role, TokenScope};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// ADDRESS:PORT to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Settings file [default: DATA/airlock.toml, else /etc/airlock/airlock.toml, where they exist]
    #[arg(long, value_name = "FILE", env = "AIRLOCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// PEM file of the server's certificate chain: with --tls-key, speak TLS
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's key
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// PEM file of the CA, for clients to fetch at /ca.pem
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Where clients keep that CA; goes into .repo files
    #[arg(long, value_name = "PATH")]
    pub client_ca_path: Option<String>,
    /// Folder below which file:// upstreams may be named over the network; several
    #[arg(long = "file-upstream-root", value_name = "DIR")]
    pub file_upstream_roots: Vec<PathBuf>,
    /// Folder below which PEM files of upstreams may be named over the network; several
    #[arg(long = "upstream-pem-root", value_name = "DIR")]
    pub upstream_pem_roots: Vec<PathBuf>,
    /// Percent of the file system that always stays free [default: 5]
    #[arg(long, value_name = "PERCENT")]
    pub min_free: Option<u8>,
    /// Time zone of bare dates and schedules [default: UTC]
    #[arg(long, value_name = "NAME")]
    pub zone: Option<String>,
    /// Bytes a second for all downloads from upstreams together: 500k, 10M, 1G
    #[arg(long, value_name = "RATE")]
    pub bandwidth: Option<String>,
    /// How clients reach the server, for .repo files
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Tasks worked on at the same time [default: 2]
    #[arg(long, value_name = "N")]
    pub workers: Option<u16>,
    /// Write log lines as JSON
    #[arg(long)]
    pub log_json: bool,
}

#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The user
    #[arg(long, value_name = "LOGIN", default_value = "admin")]
    pub user: String,
    /// File with the password ('-' for standard input); without it, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// What the token is called in lists
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Days until the token ends [default: 30]
    #[arg(long, value_name = "N")]
    pub days: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and show it, once
    #[command(after_help = "\
Examples:
  airlock token create web-servers --channel el9-base --channel el9-extra
  airlock token create ci --role content-manager --days 90
  airlock token create gate1 --scope hypervisors:write")]
    Create {
        /// What it is called
        name: String,
        /// What it may do: download, reader, content-manager or administrator [default: download]
        #[arg(long)]
        role: Option<Role>,
        /// The one thing that it may do: hypervisors:write (for airlock-virt-who)
        #[arg(long, value_name = "SCOPE", conflicts_with_all = ["role", "channels"])]
        scope: Option<TokenScope>,
        /// Only this channel; several
        #[arg(long = "channel", value_name = "LABEL")]
        channels: Vec<String>,
        /// Days until it ends [default: never]
        #[arg(long, value_name = "N")]
        days: Option<u16>,
    },
    /// List tokens
    #[command(after_help = "Examples:\n  airlock token list")]
    List,
    /// End a token at once
    #[command(after_help = "Examples:\n  airlock token revoke 3")]
    Revoke {
        /// Its number
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Make an organization; it has no user yet
    #[command(after_help = "\
Examples:
  airlock org create research
  airlock org create 'Research and Development'")]
    Create {
        /// Its name, unique in the server
        name: String,
    },
    /// List organizations
    #[command(after_help = "Examples:\n  airlock org list")]
    List,
    /// Show an organization
    #[command(after_help = "Examples:\n  airlock org show research --json")]
    Show {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user
    #[command(after_help = "\
Examples:
  airlock user create ci --role content-manager --password-file secret.txt
  airlock user create ada --org research --role administrator")]
    Create {
        /// The login
        login: String,
        /// What the user may do: download, reader, content-manager or administrator
        #[arg(long, default_value = "reader")]
        role: Role,
        /// File with the password ('-' for standard input); without it, it is asked for
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The organization [default: your own; another one: administrators of the server only]
        #[arg(long, value_name = "NAME")]
        org: Option<String>,
    },
    /// List users
    #[command(after_help = "Examples:\n  airlock user list\n  airlock user list --org research")]
    List {
        /// Of another organization (administrators of the server only)
        #[arg(long, value_name = "NAME")]
        org: Option<String>,
    },
    /// Change a user
    #[command(after_help = "\
Examples:
  airlock user set ci --role reader
  airlock user set ci --disabled true
  airlock user set admin --password")]
    Set {
        /// The login
        login: String,
        /// What the user may do: download, reader, content-manager or administrator
        #[arg(long)]
        role: Option<Role>,
        /// Shut the user out: true or false
        #[arg(long, value_name = "BOOL")]
        disabled: Option<bool>,
        /// Ask for a new password
        #[arg(long, conflicts_with = "password_file")]
        password: bool,
        /// File with the new password ('-' for standard input)
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List tasks, newest first
    #[command(after_help = "Examples:\n  airlock task list\n  airlock task list --all --json")]
    List {
        /// Those that ended, too
        #[arg(long)]
        all: bool,
    },
    /// Show a task
    #[command(after_help = "Examples:\n  airlock task show 12")]
    Show {
        /// Its number
        id: i64,
    },
    /// Wait for the end of a task and show its progress
    #[command(after_help = "Examples:\n  airlock task watch 12")]
    Watch {
        /// Its number
        id: i64,
    },
    /// Ask a task to stop
    #[command(after_help = "Examples:\n  airlock task cancel 12")]
    Cancel {
        /// Its number
        id: i64,
    },
}
