//! The command line of createrepo_c.

mod refused;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

pub use refused::Refused;

use crate::checksum::ChecksumKind;
use crate::options::{Compression, Duplicates, Options, Retain};
use crate::reporter::Reporter;

/// Exit code for errors.
const FAILED: u8 = 1;
/// Exit code when packages were left out, as for createrepo_c.
const SOME_FAILED: u8 = 2;

/// Makes the metadata (repodata) of a folder of RPM files, with the options of createrepo_c.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "createrepo_c",
    disable_version_flag = true,
    after_help = "\
Examples:
  airlock createrepo /srv/repo
  airlock createrepo --update --workers 4 /srv/repo
  airlock createrepo --groupfile comps.xml --general-compress-type gz /srv/repo"
)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of createrepo_c"
)]
pub struct Args {
    /// Folder of RPM files; with --split one for each medium
    #[arg(value_name = "DIR", required_unless_present = "version")]
    pub directory: Vec<PathBuf>,
    /// Show the version and exit
    #[arg(short = 'V', long)]
    pub version: bool,
    /// Say nothing but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long)]
    pub verbose: bool,
    /// Pattern of names or paths to leave out (again for more)
    #[arg(short = 'x', long, value_name = "PACKAGE_NAME_GLOB")]
    pub excludes: Vec<String>,
    /// Base folder for DIR
    #[arg(long, value_name = "BASEDIR")]
    pub basedir: Option<PathBuf>,
    /// Base URL of all locations
    #[arg(short = 'u', long, value_name = "URL")]
    pub baseurl: Option<String>,
    /// comps file to include
    #[arg(short, long, value_name = "GROUPFILE")]
    pub groupfile: Option<PathBuf>,
    /// Checksum of packages and metadata files: md5, sha (SHA-1 under its old name), sha1, sha224, sha256, sha384, sha512
    #[arg(
        short = 's',
        long,
        value_name = "CHECKSUM_TYPE",
        default_value = "sha256"
    )]
    pub checksum: String,
    /// Checksum of metadata files (default: that of --checksum)
    #[arg(long, value_name = "CHECKSUM_TYPE")]
    pub repomd_checksum: Option<String>,
    /// Accepted; line ends stand between packages only
    #[arg(short, long)]
    pub pretty: bool,
    /// Accepted
    #[arg(long)]
    pub no_pretty: bool,
    /// Accepted: SQLite files are never made
    #[arg(long)]
    pub no_database: bool,
    /// Accepted: SQLite files are never made
    #[arg(long)]
    pub local_sqlite: bool,
    /// Make filelists-ext with the digests of files
    #[arg(long)]
    pub filelists_ext: bool,
    /// Take over what earlier metadata says about unchanged packages
    #[arg(long)]
    pub update: bool,
    /// Further folders with metadata to take over from (again for more)
    #[arg(long, value_name = "PATH")]
    pub update_md_path: Vec<PathBuf>,
    /// With --update: known paths count as unchanged
    #[arg(long)]
    pub skip_stat: bool,
    /// Several folders, each one medium of a set; the metadata goes into the first
    #[arg(long)]
    pub split: bool,
    /// File with the paths to include, one a line
    #[arg(short = 'i', long, value_name = "FILENAME")]
    pub pkglist: Option<PathBuf>,
    /// Package to include (again for more)
    #[arg(short = 'n', long, value_name = "PACKAGE")]
    pub includepkg: Vec<PathBuf>,
    /// Folder that gets repodata
    #[arg(short = 'o', long, value_name = "DIR")]
    pub outputdir: Option<PathBuf>,
    /// Leave out packages that are links
    #[arg(short = 'S', long)]
    pub skip_symlinks: bool,
    /// Most changelog entries a package; -1 for all
    #[arg(
        long,
        value_name = "NUM",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    pub changelog_limit: i64,
    /// Checksum in the names of metadata files (default)
    #[arg(long)]
    pub unique_md_filenames: bool,
    /// No checksum in the names of metadata files
    #[arg(long)]
    pub simple_md_filenames: bool,
    /// 0: files of the old metadata go; any other number: they stay (see --compatibility)
    #[arg(
        long,
        value_name = "NUM",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub retain_old_md: i64,
    /// Distribution tag, with an optional cpeid: 'cpeid,name' (again for more)
    #[arg(long, value_name = "DISTRO")]
    pub distro: Vec<String>,
    /// Tag for the content (again for more)
    #[arg(long, value_name = "CONTENT_TAGS")]
    pub content: Vec<String>,
    /// Tag for the repository (again for more)
    #[arg(long, value_name = "REPO_TAGS")]
    pub repo: Vec<String>,
    /// Revision of the repository
    #[arg(long, value_name = "REVISION")]
    pub revision: Option<String>,
    /// Times are the revision
    #[arg(long)]
    pub set_timestamp_to_revision: bool,
    /// File that gets the paths of packages that were read
    #[arg(long, value_name = "FILE")]
    pub read_pkgs_list: Option<PathBuf>,
    /// Threads, 1 to 100 (default: one a core)
    #[arg(long, value_name = "NUM")]
    pub workers: Option<usize>,
    /// Compress additional files with xz
    #[arg(long)]
    pub xz: bool,
    /// Compression of additional files (comps): bz2, gz, zstd, xz
    #[arg(long, value_name = "COMPRESSION_TYPE")]
    pub compress_type: Option<String>,
    /// Compression of all files: bz2, gz, zstd, xz
    #[arg(long, value_name = "COMPRESSION_TYPE")]
    pub general_compress_type: Option<String>,
    /// With --update: carry additional metadata along (default)
    #[arg(long)]
    pub keep_all_metadata: bool,
    /// With --update: drop additional metadata
    #[arg(long)]
    pub discard_additional_metadata: bool,
    /// As createrepo did it: gzip, comps not compressed, --retain-old-md keeps so many of the newest
    #[arg(long)]
    pub compatibility: bool,
    /// Packages of the same name, epoch, version, release and architecture: keep all, or the one built last
    #[arg(long, value_name = "keep|keep-last", default_value = "keep")]
    pub duplicated_nevra: String,
    /// Remove files in repodata that are older: 30m, 2h, 30d
    #[arg(long, value_name = "AGE")]
    pub retain_old_md_by_age: Option<String>,
    /// Folder for the cache file
    #[arg(short, long, value_name = "CACHEDIR")]
    pub cachedir: Option<PathBuf>,
    /// Leading folders to cut from locations
    #[arg(long, value_name = "NUM", default_value_t = 0)]
    pub cut_dirs: usize,
    /// Prefix of all locations
    #[arg(long, value_name = "PREFIX")]
    pub location_prefix: Option<String>,
    /// Accepted: it is always so
    #[arg(long)]
    pub error_exit_val: bool,
    /// With --update: index the packages of the old metadata
    #[arg(long)]
    pub recycle_pkglist: bool,
    /// Options that are refused.
    #[command(flatten)]
    pub refused: Refused,
}

/// Parses arguments, the program's name first, and runs. What createrepo_c's main does.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Args::try_parse_from(arguments) {
        Ok(args) => run(args),
        Err(error) => {
            let _ = error.print();
            match error.use_stderr() {
                true => ExitCode::from(FAILED),
                false => ExitCode::SUCCESS,
            }
        }
    }
}

/// Runs with parsed arguments: progress to standard output, warnings and errors to standard error. The code is 0, 1
/// for errors, 2 when packages were left out because they cannot be read.
pub fn run(args: Args) -> ExitCode {
    if args.version {
        say(&format!("Version: {} (airlock)", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    let terminal = Terminal {
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let options = match options(args, &terminal) {
        Ok(options) => options,
        Err(text) => {
            complain(&text);
            return ExitCode::from(FAILED);
        }
    };
    match crate::run(&options, &terminal) {
        Ok(outcome) if outcome.failed > 0 => ExitCode::from(SOME_FAILED),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

struct Terminal {
    quiet: bool,
    verbose: bool,
}

impl Reporter for Terminal {
    fn warning(&self, text: &str) {
        complain(&format!("Warning: {text}"));
    }

    fn info(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    fn detail(&self, text: &str) {
        if self.verbose {
            say(text);
        }
    }
}

/// A line of standard output. Whoever reads it may have seen enough (`| head`): the metadata is made all the same.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// The same to standard error.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// What the arguments mean. The error is for the user.
fn options(args: Args, reporter: &dyn Reporter) -> Result<Options, String> {
    if let Some(answer) = args.refused.answer() {
        return Err(answer.to_owned());
    }
    if args.compatibility && !args.no_database {
        reporter.warning(
            "--compatibility: SQLite files are not made; --no-database with it says that none are wanted",
        );
    }
    for (given, option) in [
        (!args.update_md_path.is_empty(), "--update-md-path"),
        (
            args.discard_additional_metadata,
            "--discard-additional-metadata",
        ),
        (args.skip_stat, "--skip-stat"),
        (args.recycle_pkglist, "--recycle-pkglist"),
    ] {
        if given && !args.update {
            reporter.warning(&format!("{option} has no effect without --update"));
        }
    }
    let basedir = args.basedir.unwrap_or_default();
    let mut directories = args.directory.iter().map(|folder| basedir.join(folder));
    let folder = directories.next().ok_or(ONE_FOLDER)?;
    let further: Vec<PathBuf> = directories.collect();
    let further_media = match (args.split, further.is_empty()) {
        (true, _) => Some(further),
        (false, true) => None,
        (false, false) => return Err(ONE_FOLDER.to_owned()),
    };
    // The general compression is that of additional files too, whatever else is said.
    let general = args
        .general_compress_type
        .as_deref()
        .map(compression)
        .transpose()?;
    let additional = args.compress_type.as_deref().map(compression).transpose()?;
    let xz = args.xz.then_some(Compression::Xz);
    let usual = match args.compatibility {
        true => Compression::Gz,
        false => Compression::default(),
    };
    let workers = match args.workers {
        Some(count) if !(1..=100).contains(&count) => {
            reporter.warning("Wrong number of workers - using one a core");
            None
        }
        other => other,
    };
    Ok(Options {
        folder,
        further_media,
        output: args.outputdir,
        base_url: args.baseurl,
        location_prefix: args.location_prefix,
        cut_dirs: args.cut_dirs,
        groupfile: args.groupfile,
        excludes: args.excludes,
        pkglist: args.pkglist,
        include_packages: args.includepkg,
        skip_symlinks: args.skip_symlinks,
        update: args.update,
        update_md_paths: args.update_md_path,
        skip_stat: args.skip_stat,
        recycle_pkglist: args.recycle_pkglist,
        checksum: checksum(&args.checksum)?,
        repomd_checksum: args.repomd_checksum.as_deref().map(checksum).transpose()?,
        duplicates: match args.duplicated_nevra.as_str() {
            "keep" => Duplicates::Keep,
            "keep-last" => Duplicates::KeepLast,
            other => {
                return Err(format!(
                    "Bad --duplicated-nevra argument \"{other}\", use 'keep' or 'keep-last'."
                ));
            }
        },
        compress_type: general.or(xz).or(additional),
        general_compress_type: general.unwrap_or(usual),
        plain_group: args.compatibility,
        simple_md_filenames: args.simple_md_filenames,
        retain: retain(
            args.retain_old_md,
            args.retain_old_md_by_age.as_deref(),
            args.compatibility,
        )?,
        discard_additional_metadata: args.discard_additional_metadata,
        revision: args.revision,
        set_timestamp_to_revision: args.set_timestamp_to_revision,
        workers,
        repo: args.repo,
        content: args.content,
        distro: args.distro.iter().filter_map(|text| distro(text)).collect(),
        changelog_limit: usize::try_from(args.changelog_limit).ok(),
        filelists_ext: args.filelists_ext,
        cachedir: args.cachedir,
        read_pkgs_list: args.read_pkgs_list,
    })
}

/// What is said when there is not one folder, in createrepo_c's words.
const ONE_FOLDER: &str = "Must specify exactly one directory to index.";

fn checksum(name: &str) -> Result<ChecksumKind, String> {
    ChecksumKind::from_name(name)
        .ok_or_else(|| format!("Unknown/Unsupported checksum type \"{name}\""))
}

fn compression(name: &str) -> Result<Compression, String> {
    Compression::from_name(&name.to_ascii_lowercase()).ok_or_else(|| {
        format!("Unknown/Unsupported compression type \"{name}\": use bz2, gz, xz or zstd")
    })
}

fn retain(number: i64, by_age: Option<&str>, classic: bool) -> Result<Retain, String> {
    if let Some(text) = by_age {
        if number != 0 {
            return Err(
                "--retain-old-md-by-age cannot be combined with --retain-old-md".to_owned(),
            );
        }
        return age(text).map(Retain::Younger);
    }
    match (number, usize::try_from(number)) {
        (-1, _) => Ok(Retain::All),
        (_, Err(_)) => Err(format!(
            "--retain-old-md {number}: use -1 or 1 for all, 0 for none"
        )),
        (_, Ok(count)) if classic => Ok(Retain::Newest(count)),
        (0, _) => Ok(Retain::Unlisted),
        _ => Ok(Retain::All),
    }
}

/// `cpeid,name` or `name`. Nothing when there is a comma but no name.
fn distro(text: &str) -> Option<(Option<String>, String)> {
    match text.split_once(',') {
        Some((_, "")) => None,
        Some(("", name)) => Some((None, name.to_owned())),
        Some((cpeid, name)) => Some((Some(cpeid.to_owned()), name.to_owned())),
        None => Some((None, text.to_owned())),
    }
}

/// `30m`, `2h`, `7d`; seconds without a unit.
fn age(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("Bad time period \"{text}\""))?;
    let unit = match &text[digits.len()..] {
        "" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        other => return Err(format!("Bad time unit \"{other}\"")),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}
