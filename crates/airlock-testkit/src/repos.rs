//! Repository folders made by createrepo_c, the reference program, out of real RPM files.
//!
//! [`Repository`] keeps a folder: add packages, errata, comps, modules, then [`Repository::publish`]; add or remove
//! more and publish again to have an upstream that moves.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::keys::SigningKey;
use crate::programs::{find, require, run, run_ok, target};
use crate::rpms::Rpm;

pub mod comps;
pub mod errata;
mod extras;
pub mod modules;

pub use comps::{Environment, Group, comps_xml};
pub use errata::{Erratum, updateinfo_xml};
pub use modules::{Default as ModuleDefault, Stream as ModuleStream, modules_yaml};

/// Which createrepo_c makes the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The one that the distribution ships (0.17.3 on Debian 12).
    Distribution,
    /// The newest one, from its Python wheel (1.2.5 and later).
    Newest,
}

impl Peer {
    /// The path of `createrepo_c`, `modifyrepo_c` or `mergerepo_c` of this peer.
    ///
    /// # Panics
    /// When it is not installed.
    #[must_use]
    #[track_caller]
    pub fn program(self, name: &str) -> PathBuf {
        match self {
            Self::Distribution => require(&format!("/usr/bin/{name}")),
            Self::Newest => {
                let own = target().join("peers/bin").join(name);
                if own.is_file() {
                    return own;
                }
                find(name)
                    .filter(|path| {
                        !run(Command::new(path).arg("--version"))
                            .text()
                            .contains("Version: 0.")
                    })
                    .unwrap_or_else(|| {
                        panic!(
                            "no {name} of version 1 or later: run scripts/test, which installs it"
                        )
                    })
            }
        }
    }
}

/// A repository folder that createrepo_c keeps. Dropping it leaves the folder as it is.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    scratch: tempfile::TempDir,
    errata: Vec<Erratum>,
    comps: Option<String>,
    modules: Option<String>,
    compression: String,
    checksum: String,
    revision: Option<String>,
    peer: Peer,
    extra: Vec<String>,
}

impl Repository {
    /// An empty repository in `folder`, which is made when needed.
    ///
    /// # Panics
    /// When the folder cannot be made.
    #[must_use]
    #[track_caller]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        std::fs::create_dir_all(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Self {
            folder,
            scratch: tempfile::tempdir().expect("a temporary folder"),
            errata: Vec::new(),
            comps: None,
            modules: None,
            compression: "gz".to_owned(),
            checksum: "sha256".to_owned(),
            revision: None,
            peer: Peer::Distribution,
            extra: Vec::new(),
        }
    }

    /// The folder: what an upstream URL points at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder as a `file://` URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Builds a package into `Packages/x/`, x the first letter of its name, and returns its path.
    #[track_caller]
    pub fn add(&mut self, package: &Rpm) -> PathBuf {
        let letter = package
            .name()
            .chars()
            .next()
            .unwrap_or('_')
            .to_lowercase()
            .to_string();
        package.write_to(&self.folder.join("Packages").join(letter))
    }

    /// Copies a ready RPM file into `Packages/` and returns its path there.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[track_caller]
    pub fn add_file(&mut self, file: &Path) -> PathBuf {
        let folder = self.folder.join("Packages");
        std::fs::create_dir_all(&folder).expect("Packages is made");
        let path = folder.join(file.file_name().expect("a file has a name"));
        std::fs::copy(file, &path).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        path
    }

    /// Removes every package file whose name starts with `prefix`; says how many.
    #[track_caller]
    pub fn remove(&mut self, prefix: &str) -> usize {
        let mut removed = 0;
        for file in self.packages() {
            if file
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
            {
                std::fs::remove_file(&file)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                removed += 1;
            }
        }
        removed
    }

    /// All package files, sorted by path.
    #[must_use]
    pub fn packages(&self) -> Vec<PathBuf> {
        packages_below(&self.folder)
    }

    /// Adds an erratum, or replaces the one with the same id.
    pub fn erratum(&mut self, erratum: Erratum) -> &mut Self {
        self.errata.retain(|old| old.id != erratum.id);
        self.errata.push(erratum);
        self
    }

    /// Removes all errata.
    pub fn clear_errata(&mut self) -> &mut Self {
        self.errata.clear();
        self
    }

    /// Sets the text of comps.xml.
    pub fn comps(&mut self, text: impl Into<String>) -> &mut Self {
        self.comps = Some(text.into());
        self
    }

    /// Sets the text of modules.yaml; see [`modules_yaml`].
    pub fn modules(&mut self, text: impl Into<String>) -> &mut Self {
        self.modules = Some(text.into());
        self
    }

    /// Sets the compression of the metadata: `gz` (default), `zstd` ([`Peer::Newest`] only), `xz`, `bz2`.
    pub fn compress(&mut self, name: &str) -> &mut Self {
        name.clone_into(&mut self.compression);
        self
    }

    /// Sets the checksum type, `sha256` by default.
    pub fn checksum(&mut self, name: &str) -> &mut Self {
        name.clone_into(&mut self.checksum);
        self
    }

    /// Sets the revision in repomd.xml; createrepo_c takes the time of day otherwise.
    pub fn revision(&mut self, text: &str) -> &mut Self {
        self.revision = Some(text.to_owned());
        self
    }

    /// Chooses the program that makes the metadata.
    pub fn peer(&mut self, peer: Peer) -> &mut Self {
        self.peer = peer;
        self
    }

    /// Adds an option of createrepo_c, such as `--simple-md-filenames`.
    pub fn option(&mut self, text: &str) -> &mut Self {
        self.extra.push(text.to_owned());
        self
    }

    /// Writes `repodata/` anew.
    ///
    /// # Panics
    /// When createrepo_c or modifyrepo_c is missing or fails.
    #[track_caller]
    pub fn publish(&mut self) -> &mut Self {
        let _ = std::fs::remove_file(self.folder.join("repodata/repomd.xml.asc"));
        let mut command = Command::new(self.peer.program("createrepo_c"));
        command
            .args(["--quiet", "--no-database", "--workers", "2"])
            .args(["--checksum", &self.checksum])
            .arg(format!("--general-compress-type={}", self.compression))
            .args(&self.extra);
        if let Some(revision) = &self.revision {
            command.args(["--revision", revision, "--set-timestamp-to-revision"]);
        }
        if let Some(text) = &self.comps {
            let file = self.scratch.path().join("comps.xml");
            std::fs::write(&file, text).expect("comps.xml is written");
            command.arg("--groupfile").arg(file);
        }
        run_ok(command.arg(&self.folder));
        if !self.errata.is_empty() {
            self.attach(
                "updateinfo",
                "updateinfo.xml",
                &updateinfo_xml(&self.errata),
            );
        }
        if let Some(text) = self.modules.clone() {
            self.attach("modules", "modules.yaml", &text);
        }
        self
    }

    /// [`Repository::publish`], then `repomd.xml.asc` by `key`.
    ///
    /// # Panics
    /// As [`Repository::publish`], and when gpg fails.
    #[track_caller]
    pub fn publish_signed(&mut self, key: &SigningKey) -> &mut Self {
        self.publish();
        key.sign_detached(&self.repomd());
        self
    }

    /// Attaches one more metadata file under any type name, such as `productid` or a type that nobody knows.
    ///
    /// # Panics
    /// When modifyrepo_c is missing or fails.
    #[track_caller]
    pub fn attach(&self, kind: &str, file_name: &str, text: &str) {
        let file = self.scratch.path().join(file_name);
        std::fs::write(&file, text).expect("the metadata file is written");
        run_ok(
            Command::new(self.peer.program("modifyrepo_c"))
                .arg(format!("--mdtype={kind}"))
                .arg("--compress")
                .arg(format!("--compress-type={}", self.compression))
                .arg(format!("--checksum={}", self.checksum))
                .arg(&file)
                .arg(self.folder.join("repodata")),
        );
    }

    /// The path of `repodata/repomd.xml`.
    #[must_use]
    pub fn repomd(&self) -> PathBuf {
        self.folder.join("repodata/repomd.xml")
    }
}

/// All `.rpm` files below a folder, sorted by path.
#[must_use]
pub fn packages_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rpm") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Escapes the five characters that XML reserves.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            other => out.push(other),
        }
    }
    out
}
