//! Where things lie, and the reading of one file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use airlock_ini::{Dialect, Limits, Place, Sysconfig, parse, parse_sysconfig};

use super::origin::{Origin, RawSection, RawValue, Told};
use crate::backend::Level;

/// The largest settings file that is read.
const LIMIT: u64 = 4 << 20;

/// What is said of a file or folder that does not exist.
pub(crate) const NOT_THERE: &str = "not there";

/// Where files are looked for. All below a folder, which is `/` but for checks of a copied configuration and for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
    state: Option<PathBuf>,
}

impl Default for Paths {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Paths {
    /// All files below `root`.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            state: None,
        }
    }

    /// With the state in another folder.
    #[must_use]
    pub fn state_in(mut self, folder: Option<PathBuf>) -> Self {
        self.state = folder;
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path that a configuration names, below the root when it is absolute.
    #[must_use]
    pub fn named(&self, path: &str) -> PathBuf {
        match path.strip_prefix('/') {
            Some(inside) => self.root.join(inside),
            None => PathBuf::from(path),
        }
    }

    /// `/etc/virt-who.conf`.
    #[must_use]
    pub fn main(&self) -> PathBuf {
        self.at("etc/virt-who.conf")
    }

    /// `/etc/virt-who.d`.
    #[must_use]
    pub fn drop_folder(&self) -> PathBuf {
        self.at("etc/virt-who.d")
    }

    /// `/etc/sysconfig/virt-who`.
    #[must_use]
    pub fn sysconfig(&self) -> PathBuf {
        self.at("etc/sysconfig/virt-who")
    }

    /// `/etc/rhsm/rhsm.conf`.
    #[must_use]
    pub fn rhsm(&self) -> PathBuf {
        self.at("etc/rhsm/rhsm.conf")
    }

    /// `/etc/machine-id`.
    #[must_use]
    pub fn machine_id(&self) -> PathBuf {
        self.at("etc/machine-id")
    }

    /// The folder of keys and state, `/var/lib/virt-who`.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.state
            .clone()
            .unwrap_or_else(|| self.at("var/lib/virt-who"))
    }

    /// The key of encrypted passwords.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.state().join("key")
    }
}

/// A file that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    /// Which.
    pub path: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It gave these sections.
    Sections(Vec<String>),
    /// It gave so many variables.
    Variables(usize),
    /// It is not there, or has a name that is not read.
    Skipped(&'static str),
    /// It could not be used.
    Failed(String),
}

/// Reads a file with sections. What cannot be read is told.
pub(crate) fn sections(
    path: &Path,
    told: &mut Vec<Told>,
    read: &mut Vec<FileRead>,
) -> Vec<RawSection> {
    let outcome = |outcome| FileRead {
        path: path.to_owned(),
        outcome,
    };
    let bytes = match bytes(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            read.push(outcome(Outcome::Skipped(NOT_THERE)));
            return Vec::new();
        }
        Err(reason) => {
            told.push(Told::general(
                Level::Error,
                None,
                format!(
                    "Unable to read configuration file {}: {reason}",
                    path.display()
                ),
            ));
            read.push(outcome(Outcome::Failed(reason)));
            return Vec::new();
        }
    };
    let shown = path.display().to_string();
    let file = match parse(&shown, &bytes, &Dialect::virt_who()) {
        Ok(file) => file,
        Err(error) => {
            told.push(Told::general(
                Level::Error,
                None,
                format!("Config file \"{shown}\" skipped because of an error: {error}"),
            ));
            read.push(outcome(Outcome::Failed(error.to_string())));
            return Vec::new();
        }
    };
    readable_by_others(path, told);
    for warning in &file.warnings {
        let text = warning.to_string();
        let place = warning.place().clone();
        let text = text
            .strip_prefix(&format!("{place}: "))
            .unwrap_or(&text)
            .to_owned();
        told.push(Told::general(
            Level::Warning,
            Some(Origin::File(place)),
            text,
        ));
    }
    let sections: Vec<RawSection> = file
        .sections
        .into_iter()
        .map(|section| {
            let mut raw = RawSection::new(section.name, Origin::File(section.place));
            for entry in section.entries {
                raw.values.insert(
                    entry.name,
                    RawValue {
                        text: entry.value.unwrap_or_default(),
                        origin: Origin::File(entry.place),
                    },
                );
            }
            raw
        })
        .collect();
    if sections.is_empty() && !file.defaults.is_empty() {
        told.push(Told::general(
            Level::Warning,
            None,
            format!("{shown} has only a section [DEFAULT], which is no source"),
        ));
    }
    read.push(outcome(Outcome::Sections(
        sections
            .iter()
            .map(|section| section.name.clone())
            .collect(),
    )));
    sections
}

/// Reads the sysconfig file.
pub(crate) fn sysconfig(path: &Path, told: &mut Vec<Told>, read: &mut Vec<FileRead>) -> Sysconfig {
    let outcome = |outcome| FileRead {
        path: path.to_owned(),
        outcome,
    };
    let shown = path.display().to_string();
    let found = bytes(path).map(|bytes| {
        bytes.map(|bytes| {
            parse_sysconfig(&shown, &bytes, Limits::default()).map_err(|error| error.to_string())
        })
    });
    match found {
        Ok(None) => {
            read.push(outcome(Outcome::Skipped(NOT_THERE)));
            Sysconfig::default()
        }
        Ok(Some(Ok(found))) => {
            readable_by_others(path, told);
            read.push(outcome(Outcome::Variables(found.variables.len())));
            for warning in &found.warnings {
                told.push(Told::general(Level::Warning, None, warning.to_string()));
            }
            found
        }
        Ok(Some(Err(reason))) | Err(reason) => {
            told.push(Told::general(
                Level::Error,
                None,
                format!("{shown} is skipped: {reason}"),
            ));
            read.push(outcome(Outcome::Failed(reason)));
            Sysconfig::default()
        }
    }
}

/// The bytes of a file; `None` when it is not there.
pub(crate) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err("it is no regular file".to_owned()),
        Ok(found) if found.len() > LIMIT => {
            return Err(format!("it has more than {LIMIT} bytes"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    std::fs::read(path)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// A file with secrets that others can read is worth a warning; it is read all the same.
fn readable_by_others(path: &Path, told: &mut Vec<Told>) {
    if let Some(who) = exposed(path)
        && holds_a_secret(path)
    {
        told.push(Told::general(
            Level::Warning,
            None,
            format!(
                "{} holds a password and can be read by {who}",
                path.display()
            ),
        ));
    }
}

/// By whom a file can be read beside its owner, with what to do about it; for the end of a sentence.
#[must_use]
pub(crate) fn exposed(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let who = match mode & 0o077 {
        0 => return None,
        others if others & 0o007 != 0 => "everybody",
        _ => "its group",
    };
    Some(format!("{who} (mode {:04o}); chmod 600 it", mode & 0o7777))
}

/// Whether the value of an option of that name is a secret itself; one that names a file or a credential is not.
#[must_use]
pub(crate) fn secret_name(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let elsewhere = name.ends_with("_file") || name.ends_with("_credential");
    !elsewhere
        && ["pass", "token", "secret"]
            .iter()
            .any(|part| name.contains(part))
}

fn holds_a_secret(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| {
        String::from_utf8_lossy(&bytes).lines().any(|line| {
            let line = line.trim_start();
            if line.starts_with(['#', ';']) {
                return false;
            }
            let Some((name, value)) = line.split_once(['=', ':']) else {
                return false;
            };
            // A proxy's address, or a server's, may hold an account.
            let account = value.contains('@') && value.contains(':');
            let option = !name.is_empty() && !name.contains(char::is_whitespace)
                || name.trim_end().len() < name.len();
            (option && secret_name(name)) || account
        })
    })
}

/// The `*.conf` files of the drop folder, by name; others are told in `read`.
pub(crate) fn drop_folder(
    folder: &Path,
    told: &mut Vec<Told>,
    read: &mut Vec<FileRead>,
) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let outcome = if error.kind() == std::io::ErrorKind::NotFound {
                Outcome::Skipped(NOT_THERE)
            } else {
                told.push(Told::general(
                    Level::Error,
                    None,
                    format!("{} cannot be read: {error}", folder.display()),
                ));
                Outcome::Failed(error.to_string())
            };
            read.push(FileRead {
                path: folder.to_owned(),
                outcome,
            });
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            // What is not listed would pass for deleted.
            Err(error) => {
                told.push(Told::general(
                    Level::Error,
                    None,
                    format!("{} cannot be read whole: {error}", folder.display()),
                ));
                read.push(FileRead {
                    path: folder.to_owned(),
                    outcome: Outcome::Failed(error.to_string()),
                });
                break;
            }
        }
    }
    paths.sort();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let skipped = if path.is_dir() {
            Some("a folder")
        } else if name.starts_with('.') {
            Some("its name begins with a dot")
        } else if !name.ends_with(".conf") {
            Some("its name does not end in .conf")
        } else {
            None
        };
        if let Some(why) = skipped {
            read.push(FileRead {
                path: path.clone(),
                outcome: Outcome::Skipped(why),
            });
        }
        skipped.is_none()
    });
    paths
}

/// The place of a variable of a sysconfig file, for messages.
pub(crate) fn place(place: &Place) -> Origin {
    Origin::File(place.clone())
}
