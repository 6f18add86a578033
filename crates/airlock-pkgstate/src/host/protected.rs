//! What must stay on a machine.

use std::fs;
use std::path::Path;

use crate::safety::Protected;

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

/// Reads what dnf and yum protect in this root, and which kernel runs.
pub(super) fn read(root: &Path) -> Protected {
    let mut names: Vec<(String, String)> = ALWAYS
        .iter()
        .map(|(name, why)| ((*name).to_owned(), (*why).to_owned()))
        .collect();
    for folder in ["etc/dnf/protected.d", "etc/yum/protected.d"] {
        let Ok(files) = fs::read_dir(root.join(folder)) else {
            continue;
        };
        for file in files.filter_map(Result::ok) {
            let path = file.path();
            if path.extension().is_none_or(|ending| ending != "conf") {
                continue;
            }
            let shown = format!(
                "/{folder}/{} protects it",
                file.file_name().to_string_lossy()
            );
            for line in text(&path).lines().map(str::trim) {
                if !line.is_empty() && !line.starts_with('#') {
                    names.push((line.to_owned(), shown.clone()));
                }
            }
        }
    }
    for file in ["etc/dnf/dnf.conf", "etc/yum.conf"] {
        let shown = format!("/{file} protects it");
        for word in option(&text(&root.join(file)), "protected_packages") {
            names.push((word, shown.clone()));
        }
    }
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    Protected {
        names,
        kernel: kernel.map(|text| text.trim().to_owned()),
    }
}

/// The text of a file, whatever its encoding: one odd byte in a comment must not take the protection away.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The words of an option, also on the indented lines behind it; names of files are none.
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
        let named = parts.filter(|word| !word.is_empty() && !word.contains(':'));
        words.extend(named.map(str::to_owned));
    }
    words
}
