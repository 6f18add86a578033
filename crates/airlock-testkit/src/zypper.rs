//! The real zypper in a scratch root.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::dnf::{as_root, installed, place_database};
use crate::programs::{Finished, require, run};

/// A machine that zypper believes to administer.
#[derive(Debug)]
pub struct Zypper {
    scratch: TempDir,
}

impl Default for Zypper {
    fn default() -> Self {
        Self::new()
    }
}

impl Zypper {
    /// An empty root.
    ///
    /// # Panics
    /// When the scratch folders cannot be made.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("alzyp")
            .tempdir()
            .expect("a temporary folder");
        let zypper = Self { scratch };
        for folder in [
            "etc/zypp/repos.d",
            "etc/zypp/vars.d",
            "etc/products.d",
            "var/lib/rpm",
        ] {
            std::fs::create_dir_all(zypper.root().join(folder))
                .expect("the scratch folders are made");
        }
        std::fs::write(
            zypper.root().join("etc/zypp/zypp.conf"),
            "[main]\narch = x86_64\n",
        )
        .expect("zypp.conf is written");
        place_database(zypper.scratch.path());
        zypper
    }

    /// The install root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// Writes `/etc/zypp/repos.d/NAME.repo` in the root.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn repo_file(&mut self, name: &str, text: &str) -> &mut Self {
        let path = self
            .root()
            .join("etc/zypp/repos.d")
            .join(format!("{name}.repo"));
        std::fs::write(path, text).expect("the .repo file is written");
        self
    }

    /// Sets a variable of `/etc/zypp/vars.d`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        std::fs::write(self.root().join("etc/zypp/vars.d").join(name), value)
            .expect("the variable is written");
        self
    }

    /// Runs zypper with these words; keys of repositories are imported without asking.
    ///
    /// # Panics
    /// When zypper is missing.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Finished {
        let mut command = as_root(&require("zypper"));
        command
            .arg("--root")
            .arg(self.root())
            .args([
                "--non-interactive",
                "--gpg-auto-import-keys",
                "--no-color",
                "--releasever",
                "9",
            ])
            .args(words)
            .env("LC_ALL", "C.UTF-8")
            .env("ZYPP_CONF", self.root().join("etc/zypp/zypp.conf"))
            .env("HOME", self.scratch.path());
        run(&mut command)
    }

    /// [`Zypper::run`] that has to succeed.
    ///
    /// # Panics
    /// When zypper ends with anything but 0.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) -> Finished {
        self.run(words).expect_success()
    }

    /// Names, versions and architectures of what is installed, sorted.
    #[must_use]
    #[track_caller]
    pub fn installed(&self) -> Vec<String> {
        installed(&self.root())
    }
}
