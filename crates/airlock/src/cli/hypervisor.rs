//! `airlock hypervisor …`.

use clap::{Subcommand, ValueEnum};

/// What a line of the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum By {
    /// A host.
    #[default]
    Host,
    /// A cluster, with the sums of its hosts.
    Cluster,
}

#[derive(Debug, Subcommand)]
pub enum HypervisorCommand {
    /// List the hosts that sources report, with sockets, guests and when they were last seen
    #[command(after_help = "\
Examples:
  airlock hypervisor list
  airlock hypervisor list --by cluster --csv
  airlock hypervisor list --guest 423e6a1f-9d2c-4b8e-8f3a-0123456789ab")]
    List {
        /// A line for each host, or for each cluster
        #[arg(long, value_enum, default_value_t)]
        by: By,
        /// CSV, for spreadsheets
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// Also hosts that went
        #[arg(long)]
        gone: bool,
        /// Only the host that has this guest; its uuid in any spelling and byte order
        #[arg(long, value_name = "UUID")]
        guest: Option<String>,
    },
    /// Show a host with its facts and guests
    #[command(after_help = "\
Examples:
  airlock hypervisor show esx1.example.com
  airlock hypervisor show 12 --json")]
    Show {
        /// Its number, name, id or uuid
        host: String,
    },
    /// Show what happened to hosts and guests: who came, went and moved, newest first
    #[command(after_help = "\
Examples:
  airlock hypervisor history
  airlock hypervisor history esx1.example.com --limit 20
  airlock hypervisor history --guest 423e6a1f-9d2c-4b8e-8f3a-0123456789ab")]
    History {
        /// Of a host: its number, name, id or uuid [default: of all]
        host: Option<String>,
        /// Of a guest: its uuid
        #[arg(long, value_name = "UUID", conflicts_with = "host")]
        guest: Option<String>,
        /// At most so many events
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
    },
    /// List the sources that report, and how they are doing
    #[command(after_help = "Examples:\n  airlock hypervisor sources")]
    Sources,
    /// Forget a source with its hosts, guests and history
    #[command(after_help = "Examples:\n  airlock hypervisor forget gate1/old-vcenter --yes")]
    Forget {
        /// Its name, as airlock hypervisor sources shows it
        source: String,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}
