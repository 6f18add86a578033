//! `airlock channel …`.

use std::path::PathBuf;

use airlock_model::{Access, Compression, Gate, MetadataMode, Policy, SignatureWish};
use clap::{Args, Subcommand, ValueEnum};

use super::Waiting;

#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// Make a channel
    #[command(after_help = "\
Examples:
  airlock channel create el9-base --upstream https://mirror.example.org/el9/BaseOS/x86_64/os/ \\
      --gpg-key https://mirror.example.org/RPM-GPG-KEY-el9 --schedule 'daily 02:00'
  airlock channel create el9-extra --parent el9-base --upstream file:///srv/mirror/extra
  airlock channel create own-tools --summary 'What we build ourselves'")]
    Create {
        /// Its label: 6 to 128 of a-z, 0-9, '-', '.', '_'
        label: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Change settings of a channel; what is not named stays
    #[command(after_help = "\
Examples:
  airlock channel set el9-base --policy on-demand
  airlock channel set el9-base --schedule ''          (no schedule any more)
  airlock channel set el9-base --gpg-key '' --signatures default
  airlock channel set el9-base --access token")]
    Set {
        /// The channel
        label: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// List channels
    #[command(after_help = "Examples:\n  airlock channel list\n  airlock channel list --json")]
    List,
    /// Show one channel with all its settings
    #[command(after_help = "Examples:\n  airlock channel show el9-base")]
    Show {
        /// The channel
        label: String,
    },
    /// List the packages of a version
    #[command(after_help = "\
Examples:
  airlock channel packages el9-base
  airlock channel packages el9-base@7 --name 'kernel*'
  airlock channel packages el9-base@2026-06-01 --json")]
    Packages {
        /// The channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "LABEL[@VERSION]")]
        channel: String,
        /// Only names that match this glob
        #[arg(long, value_name = "GLOB")]
        name: Option<String>,
    },
    /// List the errata of a version
    #[command(
        after_help = "Examples:\n  airlock channel errata el9-base\n  airlock channel errata el9-base@2026-06-01 --json"
    )]
    Errata {
        /// The channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "LABEL[@VERSION]")]
        channel: String,
    },
    /// List the versions of a channel
    #[command(after_help = "Examples:\n  airlock channel versions el9-base")]
    Versions {
        /// The channel
        label: String,
    },
    /// Say what differs between two versions or two channels
    #[command(after_help = "\
Examples:
  airlock channel diff el9-base@6 el9-base@7
  airlock channel diff el9-base@2026-06-01            (against what is current)
  airlock channel diff el9-base el9-test --tree --format csv")]
    Diff {
        /// Before: a channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "LABEL[@VERSION]")]
        from: String,
        /// After [default: the current version of the same channel]
        #[arg(value_name = "LABEL[@VERSION]")]
        to: Option<String>,
        /// Children too
        #[arg(long)]
        tree: bool,
        /// How it is written
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Bring the upstreams' present state here as a new version
    #[command(after_help = "\
Examples:
  airlock channel sync el9-base
  airlock channel sync --tree el9-base
  airlock channel sync --all --no-wait
  airlock channel sync el9-base --schedule 'daily 02:00'")]
    Sync(SyncArgs),
    /// Put own RPM files into a channel
    #[command(after_help = "Examples:\n  airlock channel push own-tools tool-1.0-1.x86_64.rpm")]
    Push {
        /// The channel
        label: String,
        /// RPM files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Add packages or errata that the server knows
    #[command(after_help = "\
An advisory comes with its packages from the channel that --from names; without --from it comes alone.

Examples:
  airlock channel add el9-test bash-5.1.8-9.el9.x86_64
  airlock channel add el9-test RHSA-2026:0001 --from el9-base
  airlock channel add el9-test httpd-2.4.57-5.el9.x86_64 --from el9-appstream --with-dependencies")]
    Add {
        /// The channel
        label: String,
        /// NEVRAs and advisory names
        #[arg(required = true, value_name = "NEVRA|ADVISORY")]
        items: Vec<String>,
        /// Look for them in this channel only
        #[arg(long, value_name = "LABEL")]
        from: Option<String>,
        /// Add what they need, too, from there and its base channel, unless the channel or its base channel has it
        #[arg(long, requires = "from")]
        with_dependencies: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Remove packages or errata
    #[command(
        after_help = "Examples:\n  airlock channel remove el9-test bash-5.1.8-9.el9.x86_64 RHSA-2026:0001"
    )]
    Remove {
        /// The channel
        label: String,
        /// NEVRAs and advisory names
        #[arg(required = true, value_name = "NEVRA|ADVISORY")]
        items: Vec<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Make the content of an older version current again, as a new version
    #[command(after_help = "\
Examples:
  airlock channel rollback el9-base 3
  airlock channel rollback el9-base 2026-06-01 --tree")]
    Rollback {
        /// The channel
        label: String,
        /// A version number, an instant, or a day that is over
        version: String,
        /// Take the whole tree, the base channel and all its children, back in one step, each channel to what was current
        /// in it when that version was; a child without content then stays as it is
        #[arg(long)]
        tree: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Make a channel exactly what another one holds
    #[command(after_help = "\
Examples:
  airlock channel promote el9-test el9-prod
  airlock channel promote el9-base@2026-06-01 el9-prod --tree")]
    Promote {
        /// Where from: a channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "SOURCE[@VERSION]")]
        source: String,
        /// The channel that becomes it
        destination: String,
        /// Promote the whole tree in one step: the base channel into the base channel, each child into the child at the
        /// same place in the order of labels. Both trees need the same number of channels
        #[arg(long)]
        tree: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Check that every package of a version can be installed
    #[command(after_help = "\
Base channels come along by themselves, as they were at the instant of the version, and so do
channels named by --with without a version. Exit status 1: something cannot be installed (with
--baseline: something that is not broken there).

Examples:
  airlock channel check el9-extra
  airlock channel check el9-extra@7 --with el9-tools --json
  airlock channel check el9-base --baseline el9-base@2026-06-01")]
    Check {
        /// The channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "LABEL[@VERSION]")]
        channel: String,
        /// A channel that the machines have beside it
        #[arg(long, value_name = "LABEL[@VERSION]")]
        with: Vec<String>,
        /// What is broken there already does not count
        #[arg(long, value_name = "LABEL[@VERSION]")]
        baseline: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Bring every package file of a version here
    #[command(
        after_help = "Examples:\n  airlock channel fetch el9-base\n  airlock channel fetch el9-base@7"
    )]
    Fetch {
        /// The channel, perhaps with @VERSION or @DATE
        #[arg(value_name = "LABEL[@VERSION]")]
        channel: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Delete a channel with all its versions (undone for 7 days by undelete)
    #[command(
        after_help = "Examples:\n  airlock channel delete el9-old\n  airlock channel delete el9-old --yes"
    )]
    Delete {
        /// The channel
        label: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Bring a deleted channel back
    #[command(after_help = "\
Examples:
  airlock channel undelete el9-old
  airlock channel undelete el9-old --deleted 2        (of several, the one deleted before the last)")]
    Undelete {
        /// The channel
        label: String,
        /// Which one, where several of that label were deleted: 1 is the one deleted last
        #[arg(long, value_name = "N")]
        deleted: Option<usize>,
    },
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
pub struct SyncArgs {
    /// Channels
    #[arg(value_name = "LABEL", group = "which")]
    pub labels: Vec<String>,
    /// Every channel with an upstream
    #[arg(long, group = "which")]
    pub all: bool,
    /// This base channel and its children
    #[arg(long, value_name = "LABEL", group = "which")]
    pub tree: Option<String>,
    /// Take a state that the shrink guard holds
    #[arg(long)]
    pub accept_shrink: bool,
    /// Also sync by itself from now on: 'daily 02:00', 'hourly' or a cron line
    #[arg(long, value_name = "WHEN")]
    pub schedule: Option<String>,
    #[command(flatten)]
    pub waiting: Waiting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One line a change, for spreadsheets
    Csv,
    /// For programs
    Json,
}

/// Settings of a channel, for `create` and `set`.
#[derive(Debug, Default, Args)]
pub struct Settings {
    /// Repository, mirror list or metalink (http, https, file), or /FOLDER on the server; several in order of preference
    /// ('' for none)
    #[arg(long = "upstream", value_name = "URL")]
    pub upstreams: Vec<String>,
    /// Base channel, which makes this one a child ('' makes it a base channel)
    #[arg(long, value_name = "LABEL")]
    pub parent: Option<String>,
    /// Name for people
    #[arg(long)]
    pub name: Option<String>,
    /// One line about it
    #[arg(long)]
    pub summary: Option<String>,
    /// More about it
    #[arg(long)]
    pub description: Option<String>,
    /// Architecture
    #[arg(long)]
    pub arch: Option<String>,
    /// Checksum type of published metadata: sha256, sha384, sha512, or sha1 for EL 5
    #[arg(long, value_name = "TYPE")]
    pub checksum: Option<String>,
    /// When package files are brought here: immediate, on-demand or metadata-only
    #[arg(long)]
    pub policy: Option<Policy>,
    /// What happens to missing or foreign signatures: require, warn, off or default
    #[arg(long)]
    pub signatures: Option<SignatureWish>,
    /// Public key that signs the packages; several in all ('' for none)
    #[arg(long = "gpg-key", value_name = "FILE|URL")]
    pub keys: Vec<String>,
    /// Who may download: public or token
    #[arg(long)]
    pub access: Option<Access>,
    /// Whose metadata is served: own or verbatim
    #[arg(long)]
    pub metadata: Option<MetadataMode>,
    /// Compression of own metadata: zstd or gz
    #[arg(long, value_name = "TYPE")]
    pub compress: Option<Compression>,
    /// Sign repomd.xml with the server's key: true or false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub sign_metadata: Option<bool>,
    /// Sync by itself: 'daily 02:00', 'hourly' or a cron line ('' for never)
    #[arg(long, value_name = "WHEN")]
    pub schedule: Option<String>,
    /// Hold a version back that has packages which cannot be installed: off, newly-broken or broken
    #[arg(long, value_name = "WHEN")]
    pub gate: Option<Gate>,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub reach: ReachArgs,
}

/// What is taken of the upstreams. Each replaces what was set under its own name; '' clears it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is taken")]
pub struct FilterArgs {
    /// Only the newest N versions of a package (0 for all)
    #[arg(long, value_name = "N")]
    pub latest: Option<u32>,
    /// Only packages whose name matches
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No packages whose name matches
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Only this architecture
    #[arg(long = "only-arch", value_name = "ARCH")]
    pub arches: Vec<String>,
    /// No packages of this architecture
    #[arg(long = "exclude-arch", value_name = "ARCH")]
    pub exclude_arches: Vec<String>,
    /// Only this module stream
    #[arg(long = "module", value_name = "NAME:STREAM")]
    pub modules: Vec<String>,
    /// Not this module stream
    #[arg(long = "exclude-module", value_name = "NAME:STREAM")]
    pub exclude_modules: Vec<String>,
    /// Source packages too: true or false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub source_packages: Option<bool>,
}

/// How the upstreams named in this command are reached.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How upstreams are reached")]
pub struct ReachArgs {
    /// Proxy: http, https, socks5 or socks5h, with the user where it wants one
    #[arg(long, value_name = "URL", requires = "upstreams")]
    pub proxy: Option<String>,
    /// File with the password of the user in --proxy ('-' for standard input)
    #[arg(long, value_name = "FILE", requires = "proxy")]
    pub proxy_password_file: Option<PathBuf>,
    /// User for basic authentication
    #[arg(long, value_name = "NAME", requires = "upstreams")]
    pub username: Option<String>,
    /// File with the password ('-' for standard input)
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// Client certificate, a PEM file on the server
    #[arg(long, value_name = "FILE", requires = "upstreams")]
    pub client_cert: Option<String>,
    /// Its key, a PEM file on the server
    #[arg(long, value_name = "FILE", requires = "upstreams")]
    pub client_key: Option<String>,
    /// CA to trust for these upstreams, a PEM file on the server
    #[arg(long, value_name = "FILE", requires = "upstreams")]
    pub ca: Option<String>,
    /// File with the query string that goes with every request ('-' for standard input)
    #[arg(long, value_name = "FILE", requires = "upstreams")]
    pub url_token_file: Option<PathBuf>,
    /// Do not verify the upstream's certificate
    #[arg(long, requires = "upstreams")]
    pub insecure: bool,
}
