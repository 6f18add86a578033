//! What must stay on a machine.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use super::running::{Holds, Running};
use super::seen::Seen;
use crate::decide::lists::glob;
use crate::safety::Protected;
use crate::verify::Root;

/// The largest file of settings that is read.
const LARGEST: u64 = 4 << 20;

/// The machine cannot be mended without these.
const ALWAYS: [(&str, &str); 9] = [
    ("rpm", "nothing could be installed without it"),
    ("dnf", "it is the package manager"),
    ("dnf5", "it is the package manager"),
    ("yum", "it is the package manager"),
    ("microdnf", "it is the package manager"),
    ("zypper", "it is the package manager"),
    ("libzypp", "the package manager stands on it"),
    ("libdnf", "the package manager stands on it"),
    ("airlock-agent", "it is this program"),
];

/// Reads what dnf and yum protect in this root, and what runs.
pub(super) fn read(root: &Path, seen: Option<&Seen>) -> Protected {
    let mut names: Vec<(String, String)> = ALWAYS
        .iter()
        .map(|(name, why)| ((*name).to_owned(), (*why).to_owned()))
        .collect();
    let mut packages = Vec::new();
    let mut kernel = None;
    match seen {
        Some(seen) => {
            add_configured(seen.machine.root(), &mut names);
            kernel.clone_from(&seen.running.kernel);
            for (package, holds) in &seen.held {
                match holds {
                    Holds::Kernel => packages.push(package.clone()),
                    Holds::ThisProgram => {
                        names.push((package.name.clone(), "it is this program".to_owned()));
                    }
                }
            }
        }
        None => kernel = Running::here(root).kernel,
    }
    Protected {
        names,
        packages,
        kernel,
    }
}

fn add_configured(root: &Root, names: &mut Vec<(String, String)>) {
    for folder in ["etc/dnf/protected.d", "etc/yum/protected.d"] {
        add_files(root, &format!("/{folder}/*.conf"), names);
    }
    for file in ["/etc/dnf/dnf.conf", "/etc/yum.conf"] {
        let shown = format!("{file} protects it");
        for word in option(&text(root, file), "protected_packages") {
            match word.strip_prefix("glob:") {
                Some(pattern) => add_files(root, pattern, names),
                None => names.push((word, shown.clone())),
            }
        }
    }
}

/// The names in the files that a pattern means, inside the root; in its folders patterns are none.
fn add_files(root: &Root, pattern: &str, names: &mut Vec<(String, String)>) {
    let Some((folder, pattern)) = pattern.rsplit_once('/') else {
        return;
    };
    let Ok(opened) = root.folder(folder.trim_start_matches('/').as_bytes()) else {
        return;
    };
    let Ok(files) = fs::read_dir(format!("/proc/self/fd/{}", opened.as_raw_fd())) else {
        return;
    };
    for file in files.filter_map(Result::ok) {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if !glob(pattern, &name) {
            continue;
        }
        let path = format!("{folder}/{name}");
        let shown = format!("{path} protects it");
        for line in text(root, &path).lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                names.push((line.to_owned(), shown.clone()));
            }
        }
    }
}

/// The text of a file, whatever its encoding: one odd byte in a comment must not take the protection away.
fn text(root: &Root, path: &str) -> String {
    let bytes = root
        .read_small(path.as_bytes(), LARGEST)
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The words of an option, also on the indented lines behind it; names of files are none, but for `glob:` patterns.
fn option(text: &str, name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let value = match (line.starts_with([' ', '\t']), line.split_once('=')) {
            (true, _) if inside => line,
            (false, Some((found, value))) if found.trim() == name => {
                inside = true;
                value
            }
            (false, _) => {
                inside = false;
                continue;
            }
            _ => continue,
        };
        let parts = value.split(|one: char| one == ',' || one.is_whitespace());
        let named = parts
            .filter(|word| !word.is_empty() && (word.starts_with("glob:") || !word.contains(':')));
        words.extend(named.map(str::to_owned));
    }
    words
}
