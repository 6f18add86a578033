//! The real dnf 4 in a scratch root with its own configuration, repositories, variables and cache.
//!
//! Nothing of the machine's own dnf set-up is read, and no network is used beyond what the repository files name.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::programs::{Finished, is_root, require, run, run_ok};

/// A machine that dnf believes to administer. Everything lies in a temporary folder that goes when this is dropped.
#[derive(Debug)]
pub struct Dnf {
    scratch: TempDir,
    settings: Vec<String>,
}

impl Default for Dnf {
    fn default() -> Self {
        Self::new()
    }
}

impl Dnf {
    /// An empty root of an x86_64 machine of "release 9", platform `platform:el9`.
    ///
    /// # Panics
    /// When the scratch folders cannot be made.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("aldnf")
            .tempdir()
            .expect("a temporary folder");
        let dnf = Self {
            scratch,
            settings: Vec::new(),
        };
        for folder in ["root/etc/yum.repos.d", "root/etc/dnf/vars"] {
            std::fs::create_dir_all(dnf.scratch.path().join(folder))
                .expect("the scratch folders are made");
        }
        let text = "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=1\nbest=1\n\
                    skip_if_unavailable=0\nplugins=0\nmodule_platform_id=platform:el9\nmax_parallel_downloads=3\n";
        std::fs::write(dnf.scratch.path().join("dnf.conf"), text).expect("dnf.conf is written");
        place_database(dnf.scratch.path());
        dnf
    }

    /// The install root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// Writes `/etc/yum.repos.d/NAME.repo` in the root.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn repo_file(&mut self, name: &str, text: &str) -> &mut Self {
        let path = self
            .root()
            .join("etc/yum.repos.d")
            .join(format!("{name}.repo"));
        std::fs::write(path, text).expect("the .repo file is written");
        self
    }

    /// A repository by its URL; `key_url` turns gpgcheck on.
    #[track_caller]
    pub fn repo(&mut self, id: &str, url: &str, key_url: Option<&str>) -> &mut Self {
        let text = repo_text(id, url, key_url);
        self.repo_file(id, &text)
    }

    /// Sets a variable of `/etc/dnf/vars`, such as `airlock_at`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        std::fs::write(self.root().join("etc/dnf/vars").join(name), value)
            .expect("the variable is written");
        self
    }

    /// Unsets a variable.
    pub fn unset_variable(&mut self, name: &str) -> &mut Self {
        let _ = std::fs::remove_file(self.root().join("etc/dnf/vars").join(name));
        self
    }

    /// Adds `--setopt=TEXT` to every run from now on.
    pub fn setting(&mut self, text: &str) -> &mut Self {
        self.settings.push(text.to_owned());
        self
    }

    /// Runs dnf with these words and returns what it printed, whatever its exit status. It answers every question
    /// with yes; `--assumeno` among the words overrides that. Metadata is asked for at each run, unless `--cacheonly`
    /// is among the words.
    ///
    /// # Panics
    /// When dnf is missing.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Finished {
        self.start(words, !words.contains(&"--cacheonly"))
    }

    #[track_caller]
    fn start(&self, words: &[&str], refresh: bool) -> Finished {
        let mut command = as_root(&require("dnf"));
        command
            .arg("--config")
            .arg(self.scratch.path().join("dnf.conf"))
            .arg("--installroot")
            .arg(self.root())
            .args(["--releasever=9", "--forcearch=x86_64"]);
        if !words.contains(&"--assumeno") {
            command.arg("--assumeyes");
        }
        // Asks the server at each run. An expiry time of 0 would not: dnf counts whole seconds and takes what it got
        // in the same second for fresh.
        if refresh {
            command.arg("--refresh");
        }
        for setting in &self.settings {
            command.arg(format!("--setopt={setting}"));
        }
        command
            .args(words)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.scratch.path())
            .env("COLUMNS", "200");
        for name in [
            "http_proxy",
            "https_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        run(&mut command)
    }

    /// Runs dnf as [`Dnf::run`] does, but lets it believe its cache for as long as the `.repo` file says, after the
    /// cache has become this many seconds older.
    ///
    /// # Panics
    /// When dnf is missing, or the cache's files cannot be dated back.
    #[track_caller]
    pub fn run_later(&self, seconds: u64, words: &[&str]) -> Finished {
        date_back(
            &self.root().join("var/cache/dnf"),
            std::time::Duration::from_secs(seconds),
        );
        self.start(words, false)
    }

    /// [`Dnf::run`] that has to succeed.
    ///
    /// # Panics
    /// When dnf ends with anything but 0.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) -> Finished {
        self.run(words).expect_success()
    }

    /// Removes the cache, as a machine that never saw the repositories.
    pub fn forget(&self) {
        for folder in ["var/cache/dnf", "var/lib/dnf/repos"] {
            let _ = std::fs::remove_dir_all(self.root().join(folder));
        }
    }

    /// Names, versions and architectures of what is installed in the root, sorted: `hello-1.0-1.noarch`. Imported
    /// keys (`gpg-pubkey`) are left out.
    #[must_use]
    #[track_caller]
    pub fn installed(&self) -> Vec<String> {
        installed(&self.root())
    }

    /// What `repoquery` lists with this query format, one line each, sorted.
    ///
    /// # Panics
    /// When dnf fails.
    #[must_use]
    #[track_caller]
    pub fn query(&self, words: &[&str]) -> Vec<String> {
        let mut all = vec!["--quiet", "repoquery"];
        all.extend_from_slice(words);
        let mut lines: Vec<String> = self.ok(&all).stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

/// Makes all files below a folder older.
#[track_caller]
fn date_back(folder: &Path, by: std::time::Duration) {
    for entry in std::fs::read_dir(folder).expect("the cache is there") {
        let path = entry.expect("the cache is listed").path();
        if path.is_dir() {
            date_back(&path, by);
            continue;
        }
        let file = std::fs::File::options().append(true).open(&path);
        let file = file.expect("the cache's file opens");
        let time = file.metadata().and_then(|found| found.modified());
        file.set_modified(time.expect("the file has a time") - by)
            .expect("the file is dated back");
    }
}

/// What a `.repo` file of one repository says.
#[must_use]
pub fn repo_text(id: &str, url: &str, key_url: Option<&str>) -> String {
    let keys = match key_url {
        Some(key) => format!("gpgcheck=1\ngpgkey={key}\n"),
        None => "gpgcheck=0\n".to_owned(),
    };
    format!("[{id}]\nname={id}\nbaseurl={url}\nenabled=1\n{keys}")
}

/// Where RPM-based systems keep their database. Debian's rpm looks into the home folder instead.
const DATABASE: &str = "/var/lib/rpm";

/// Makes rpm inside a client keep its database at the usual place: `home` has to be the client's `HOME`.
#[track_caller]
pub(crate) fn place_database(home: &Path) {
    std::fs::write(home.join(".rpmmacros"), format!("%_dbpath {DATABASE}\n"))
        .expect(".rpmmacros is written");
}

/// A command that runs as root: as it is for root, in an own user namespace for others.
pub(crate) fn as_root(program: &Path) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new(require("unshare"));
    command.args(["--user", "--map-root-user"]).arg(program);
    command
}

/// What the RPM database of a root lists.
#[track_caller]
pub(crate) fn installed(root: &Path) -> Vec<String> {
    let listed = run_ok(as_root(&require("rpm")).arg("--root").arg(root).args([
        "--dbpath",
        DATABASE,
        "-qa",
        "--qf",
        "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n",
    ]));
    let mut names: Vec<String> = listed
        .lines()
        .filter(|line| !line.starts_with("gpg-pubkey-"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}
