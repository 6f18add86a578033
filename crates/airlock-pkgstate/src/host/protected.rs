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
            let text = fs::read_to_string(&path).unwrap_or_default();
            let shown = format!(
                "/{folder}/{} protects it",
                file.file_name().to_string_lossy()
            );
            for line in text.lines().map(str::trim) {
                if !line.is_empty() && !line.starts_with('#') {
                    names.push((line.to_owned(), shown.clone()));
                }
            }
        }
    }
    let settings = fs::read_to_string(root.join("etc/dnf/dnf.conf")).unwrap_or_default();
    for line in settings.lines() {
        if let Some((name, value)) = line.split_once('=')
            && name.trim() == "protected_packages"
        {
            let words = value.split(|one: char| one == ',' || one.is_whitespace());
            for word in words.filter(|word| !word.is_empty() && !word.contains(':')) {
                names.push((word.to_owned(), "/etc/dnf/dnf.conf protects it".to_owned()));
            }
        }
    }
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    Protected {
        names,
        kernel: kernel.map(|text| text.trim().to_owned()),
    }
}
