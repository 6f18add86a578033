//! Our reading and writing held against createrepo_c's, in meaning.
//!
//! Folders of packages come from the builders here and from `AIRLOCK_RPM_CASES`, folders of
//! repositories from the same builders, the samples and `AIRLOCK_REPO_CASES` (each may name
//! several, separated by `:`; subfolders count).

mod oracle;
mod packages;
mod repositories;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Counts and shows what differs.
#[derive(Default)]
pub struct Tally {
    compared: usize,
    differ: usize,
}

impl Tally {
    /// Compares two values of one thing.
    pub fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: &T, theirs: &T) {
        self.compared += 1;
        if ours != theirs {
            self.differ += 1;
            if self.differ <= 20 {
                let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
                let same = ours
                    .chars()
                    .zip(theirs.chars())
                    .take_while(|(ours, theirs)| ours == theirs)
                    .count();
                let near = |text: &str| {
                    text.chars()
                        .skip(same.saturating_sub(150))
                        .take(400)
                        .collect::<String>()
                };
                println!(
                    "DIFFERENT {what}\n  ours:   {}\n  theirs: {}",
                    near(&ours),
                    near(&theirs)
                );
            }
        }
    }

    /// Prints the counts; fails when something differs or nothing was compared.
    pub fn finish(self, what: &str) {
        // Past the harness, which shows what a test prints only when it fails.
        let mut terminal = std::io::stderr();
        writeln!(
            terminal,
            "{what}: {} compared, {} differ",
            self.compared, self.differ
        )
        .unwrap();
        assert!(self.compared > 0, "nothing was compared");
        assert_eq!(
            self.differ, 0,
            "{} of {} {what} differ",
            self.differ, self.compared
        );
    }
}

/// Folders that an environment variable names.
fn folders(variable: &str) -> Vec<PathBuf> {
    let value = std::env::var_os(variable).unwrap_or_default();
    std::env::split_paths(&value)
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

/// All files below a folder for which `wanted` holds, sorted.
fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
