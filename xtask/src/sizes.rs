//! Sizes of source files: over 500 lines is noted, over 700 is a fault.
//!
//! Tests (`tests/`, `tests.rs`, files below a `tests` module) and fuzz targets are not counted.

use std::path::{Path, PathBuf};

use crate::Findings;

const NOTED: usize = 500;
const FAULT: usize = 700;

/// Counts the lines of every `.rs` file of the workspace's crates.
pub fn check(root: &Path) -> std::io::Result<Findings> {
    let mut files = Vec::new();
    collect(&root.join("crates"), &mut files)?;
    collect(&root.join("xtask"), &mut files)?;
    files.sort();
    let mut findings = Findings::default();
    for file in files {
        let lines = std::fs::read_to_string(&file)?.lines().count();
        let shown = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .display()
            .to_string();
        judge(&shown, lines, &mut findings);
    }
    Ok(findings)
}

fn judge(file: &str, lines: usize, findings: &mut Findings) {
    if lines > FAULT {
        findings.faults.push(format!(
            "{file} has {lines} lines, {FAULT} are allowed; split it by its ideas"
        ));
    } else if lines > NOTED {
        findings
            .notes
            .push(format!("{file} has {lines} lines; {NOTED} are the aim"));
    }
}

fn is_test(path: &Path) -> bool {
    let in_tests = path
        .components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "fuzz");
    in_tests || path.file_stem().is_some_and(|stem| stem == "tests")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_500_and_700_lines() {
        let mut findings = Findings::default();
        for (name, lines) in [("a.rs", 500), ("b.rs", 501), ("c.rs", 700), ("d.rs", 701)] {
            judge(name, lines, &mut findings);
        }
        assert_eq!(findings.notes.len(), 2);
        assert_eq!(
            findings.faults,
            ["d.rs has 701 lines, 700 are allowed; split it by its ideas"]
        );
    }

    #[test]
    fn tests_are_not_counted() {
        assert!(is_test(Path::new("crates/x/tests/it/main.rs")));
        assert!(is_test(Path::new("crates/x/src/foo/tests.rs")));
        assert!(!is_test(Path::new("crates/x/src/attests.rs")));
    }
}
