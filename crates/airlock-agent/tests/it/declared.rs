//! `airlock-agent packages` on scratch roots with the real rpm.

mod apply;
mod flags;
mod lists;
mod managers;
mod plans;
mod safety;
mod server;
mod terminal;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::scratch::Ran;

/// The small packages that the golden cases use: alpha, beta, gamma, multi, needs, kernel.
fn rpms() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../airlock-pkgstate/tests/data/bcfg2/rpms")
}

/// A root, settings and entries.
struct Machine {
    folder: TempDir,
}

impl Machine {
    /// A root with these packages installed.
    fn new(packages: &[&str]) -> Self {
        let machine = Self {
            folder: TempDir::new().unwrap(),
        };
        std::fs::create_dir(machine.root()).unwrap();
        machine.rpm(&["--initdb"]);
        for package in packages {
            machine.install(&rpms().join(format!("{package}.rpm")));
        }
        machine.write("bcfg2.conf", "[client]\ndrivers = RPMng\n[RPMng]\n");
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.at("root")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    /// Entries of one bundle; `URI` stands for the folder of the packages.
    fn declare(&self, entries: &str) {
        let entries = entries.replace("URI", rpms().to_str().unwrap());
        self.write(
            "entries.xml",
            &format!(
                "<Configuration revision='7'><Bundle name='b1'>{entries}</Bundle></Configuration>"
            ),
        );
    }

    fn install(&self, file: &Path) {
        self.rpm(&["--install", "--nosignature", file.to_str().unwrap()]);
    }

    fn rpm(&self, arguments: &[&str]) -> String {
        let output = Command::new("rpm")
            .arg("--root")
            .arg(self.root())
            .args(["--define", "_transaction_color 3"])
            .args(arguments)
            .env("HOME", "/root")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// What rpm says is installed, sorted.
    fn installed(&self) -> Vec<String> {
        let text = self.rpm(&["-qa"]);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn command(&self, word: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airlock-agent"));
        command
            .args(["packages", word, "--root"])
            .arg(self.root())
            .arg("--config")
            .arg(self.at("bcfg2.conf"))
            .args(["--rpm-option=--define", "--rpm-option=_transaction_color 3"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", "/root");
        command
    }

    fn run(&self, word: &str, arguments: &[&str]) -> Ran {
        self.answering(word, arguments, "")
    }

    /// Runs with these lines on standard input.
    fn answering(&self, word: &str, arguments: &[&str], answers: &str) -> Ran {
        let mut command = self.command(word, arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end before it reads everything.
        let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

const ENTRIES: &[&str] = &["--entries", "entries.xml"];

/// `--entries` and more.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ENTRIES.iter().chain(more).copied().collect()
}
