//! Scratch roots with real databases.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airlock_pkgstate::host::{Host, HostOptions, NoFetch};
use airlock_pkgstate::run::command::Manager;
use airlock_pkgstate::settings::Driver;
use serde_json::Value;
use tempfile::TempDir;

use super::super::Folder;
use super::shown;

/// Where the cases of one driver run.
pub struct Scratch {
    folder: TempDir,
    rpms: PathBuf,
    driver: Driver,
}

/// A root of one case; removed when dropped.
pub struct Root {
    folder: TempDir,
}

impl Root {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Scratch {
    pub fn new(folder: &Folder, driver: Driver) -> Self {
        let scratch = Self {
            folder: TempDir::new().unwrap(),
            rpms: folder.path("rpms"),
            driver,
        };
        if driver == Driver::Yum {
            let packages = scratch.folder.path().join("repo/Packages");
            std::fs::create_dir_all(&packages).unwrap();
            for file in folder.files("rpms", ".rpm") {
                std::fs::copy(&file, packages.join(file.file_name().unwrap())).unwrap();
            }
            run(Command::new("createrepo_c")
                .args(["-q", "--no-database"])
                .arg(scratch.folder.path().join("repo")));
        }
        scratch
    }

    /// `/srv/rpms` is the folder of the case's packages.
    pub fn to_here(&self, text: &str) -> String {
        text.replace("/srv/rpms", &shown(&self.rpms))
    }

    pub fn to_case(&self, text: &str) -> String {
        text.replace(&shown(&self.rpms), "/srv/rpms")
    }

    fn rpm(&self, root: &Root) -> Command {
        let mut rpm = Command::new("rpm");
        rpm.arg("--root")
            .arg(root.path())
            .args(["--define", "_transaction_color 3"]);
        rpm
    }

    /// A root in the state that a case begins with.
    pub fn root(&self, state: &Value) -> Root {
        let root = Root {
            folder: TempDir::new_in(self.folder.path()).unwrap(),
        };
        run(self.rpm(&root).arg("--initdb"));
        for key in state["keys"].as_array().into_iter().flatten() {
            let file = self.rpms.join(key.as_str().unwrap());
            run(self.rpm(&root).arg("--import").arg(file));
        }
        for package in state["install"].as_array().into_iter().flatten() {
            let (file, option) = match package.as_array() {
                Some(pair) => (&pair[0], pair[1].as_str()),
                None => (package, None),
            };
            let file = self.rpms.join(file.as_str().unwrap());
            run(self
                .rpm(&root)
                .args(["--install", "--nosignature"])
                .args(option)
                .arg(file));
        }
        let bt = root.path().join("opt/bt");
        std::fs::create_dir_all(&bt).unwrap();
        for line in state["tamper"].as_array().into_iter().flatten() {
            self.tamper(&root, line.as_str().unwrap());
        }
        root
    }

    /// Runs a line of shell that sees the root's `/opt/bt` as its own, and whose rpm works on the root.
    fn tamper(&self, root: &Root, line: &str) {
        let script = format!(
            "set -e\nmount -t tmpfs none /opt\nmkdir /opt/bt\nmount --bind '{0}/opt/bt' /opt/bt\n\
             rpm() {{ command rpm --root '{0}' \"$@\"; }}\n{line}\n",
            root.path().display()
        );
        run(Command::new("unshare").args(["-m", "sh", "-c", &script]));
    }

    pub fn host(&self, root: &Root, legacy: bool) -> Host {
        let mut options = HostOptions::new(root.path());
        options.rpm_options = vec!["--define".into(), "_transaction_color 3".into()];
        options.unchecked_keys = legacy && self.driver == Driver::Rpm;
        if self.driver == Driver::Yum {
            options.manager = Some(Manager::Dnf);
            let repo = self.folder.path().join("repo");
            let empty = self.folder.path().join("no-repositories");
            std::fs::create_dir_all(&empty).unwrap();
            options.manager_options = [
                "--noplugins".to_owned(),
                "--nogpgcheck".to_owned(),
                "--releasever=1".to_owned(),
                "--setopt=module_platform_id=platform:el9".to_owned(),
                format!("--setopt=reposdir={}", shown(&empty)),
                format!(
                    "--setopt=cachedir={}",
                    shown(&self.folder.path().join("cache"))
                ),
                format!("--repofrompath=cases,file://{}", shown(&repo)),
                "--repo=cases".to_owned(),
            ]
            .to_vec();
        }
        Host::new(options, Box::new(NoFetch))
    }
}
