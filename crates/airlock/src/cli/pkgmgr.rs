//! `airlock pkgmgr …`: the options stand beside the tools, in `airlock_pkgstate::pkgmgr::cli`.

use airlock_pkgstate::pkgmgr::cli::{BindArgs, ConvertArgs, GenArgs, LintArgs, UpdateArgs};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum PkgmgrCommand {
    /// Make a list of the packages in folders or yum repositories (pkgmgr_gen.py)
    #[command(
        args_override_self = true,
        infer_long_args = true,
        after_help = "\
Examples:
  airlock pkgmgr gen -P -d '/srv/mirror/el9/*' -o base.xml
  airlock pkgmgr gen -P -f rpm -u http://mirror/el9/ -a x86_64,noarch -y http://mirror/el9/
  airlock pkgmgr gen -r all -d /srv/updates --startdate 2026-01-01 --enddate 2026-03-31"
    )]
    Gen(Box<GenArgs>),
    /// Bring a list to the newest packages that there are (pkgmgr_update.py)
    #[command(
        args_override_self = true,
        infer_long_args = true,
        after_help = "\
Examples:
  airlock pkgmgr update -c base.xml -y http://mirror/el9/ --diff
  airlock pkgmgr update -c base.xml -y http://mirror/el9/ --in-place
  airlock pkgmgr update -c base.xml -a old.xml -d /srv/updates -o new.xml"
    )]
    Update(Box<UpdateArgs>),
    /// Find mistakes in lists: PackageList, Rules, Bundle, and the native form
    #[command(after_help = "\
Examples:
  airlock pkgmgr lint /var/lib/bcfg2/Pkgmgr /var/lib/bcfg2/Rules
  airlock pkgmgr lint base.xml --strict
  airlock pkgmgr lint base.xml --json")]
    Lint(LintArgs),
    /// Turn a list into the native form (TOML), or back
    #[command(after_help = "\
Examples:
  airlock pkgmgr convert base.xml -o base.toml
  airlock pkgmgr convert base.toml -o base.xml
  airlock pkgmgr convert kernels.toml -d /srv/updates --running-kernel $(uname -r)")]
    Convert(Box<ConvertArgs>),
    /// Show the entries that a client gets from the lists
    #[command(after_help = "\
Examples:
  airlock pkgmgr bind Pkgmgr/*.xml Rules/*.xml -g el9 -g web -H www1
  airlock pkgmgr bind Pkgmgr/*.xml -g el9 -p glibc
  airlock pkgmgr bind Pkgmgr/*.xml -g el9 -b Bundler/base.xml -o entries.xml")]
    Bind(Box<BindArgs>),
}
