//! Walks a served repository the way a client does and checks every byte of it.
//!
//! `repomd.xml`, each file that it names, each package that primary names: present, of the stated checksum. What comes
//! back is the set of package checksums, by which a test tells one state from another.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::process::get;
use crate::programs::require;

/// Why a served repository is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The path that was asked for.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.path, self.why)
    }
}

/// The package checksums of a repository served at `address` (`HOST:PORT`) below `base` (`/repos/LABEL/`); `None`
/// when `repomd.xml` is 404.
///
/// # Errors
/// [`Broken`] for the first file that is missing or does not have the checksum that it should have.
pub fn walk(address: &str, base: &str) -> Result<Option<BTreeSet<String>>, Broken> {
    let repomd_path = format!("{base}repodata/repomd.xml");
    let repomd = match fetch(address, &repomd_path)? {
        (404, _) => return Ok(None),
        (200, body) => String::from_utf8_lossy(&body).into_owned(),
        (status, _) => {
            return Err(Broken {
                path: repomd_path,
                why: format!("status {status}"),
            });
        }
    };
    let mut primary = None;
    for data in repomd.split("<data ").skip(1) {
        let data = data.split("</data>").next().unwrap_or(data);
        let kind = between(data, "type=\"", "\"").unwrap_or_default();
        let (Some(href), Some(checksum)) = (between(data, "href=\"", "\""), checksum(data)) else {
            return Err(Broken {
                path: repomd_path,
                why: format!("the entry {kind} lacks place or checksum"),
            });
        };
        let path = format!("{base}{href}");
        let body = verified(address, &path, &checksum)?;
        if kind == "primary" {
            primary = Some((path, body));
        }
    }
    let Some((path, body)) = primary else {
        return Err(Broken {
            path: repomd_path,
            why: "no primary".to_owned(),
        });
    };
    let text = String::from_utf8_lossy(&decompressed(&path, &body)).into_owned();
    let mut packages = BTreeSet::new();
    for package in text.split("<package ").skip(1) {
        let (Some(href), Some(checksum)) = (
            between(package, "<location href=\"", "\""),
            checksum(package),
        ) else {
            return Err(Broken {
                path,
                why: "a package lacks place or checksum".to_owned(),
            });
        };
        verified(
            address,
            &format!("{base}{}", percent_encoded(&unescaped(&href))),
            &checksum,
        )?;
        packages.insert(checksum);
    }
    Ok(Some(packages))
}

/// The SHA-256 of each package file below a folder: what [`walk`] gives for a mirror of it.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn checksums_below(folder: &Path) -> BTreeSet<String> {
    crate::repos::packages_below(folder)
        .iter()
        .map(|file| sha256(&std::fs::read(file).expect("a package file is readable")))
        .collect()
}

/// The SHA-256 of some bytes, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn fetch(address: &str, path: &str) -> Result<(u16, Vec<u8>), Broken> {
    get(address, path).map_err(|error| Broken {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

fn verified(address: &str, path: &str, checksum: &str) -> Result<Vec<u8>, Broken> {
    let (status, body) = fetch(address, path)?;
    if status != 200 {
        return Err(Broken {
            path: path.to_owned(),
            why: format!("status {status}"),
        });
    }
    let found = sha256(&body);
    if found != checksum {
        return Err(Broken {
            path: path.to_owned(),
            why: format!("checksum {found} instead of {checksum}"),
        });
    }
    Ok(body)
}

/// The first SHA-256 in a piece of XML; createrepo_c writes `type="sha256"`, and for packages `pkgid="YES"` behind it.
fn checksum(text: &str) -> Option<String> {
    let rest = text.split("<checksum ").nth(1)?;
    rest.contains("type=\"sha256\"")
        .then(|| between(rest, ">", "</checksum>"))
        .flatten()
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(rest[..rest.find(end)?].trim().to_owned())
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

fn percent_encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Unpacks by way of the usual programs, so that no code of ours checks itself.
#[track_caller]
fn decompressed(path: &str, body: &[u8]) -> Vec<u8> {
    let program = match path.rsplit('.').next() {
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        Some("xz") => "xz",
        Some("bz2") => "bzip2",
        _ => return body.to_vec(),
    };
    let mut child = Command::new(require(program))
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("stdin was piped");
    let bytes = body.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("the program ends");
    let _ = writer.join();
    assert!(output.status.success(), "{program} cannot unpack {path}");
    output.stdout
}
