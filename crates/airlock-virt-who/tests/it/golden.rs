//! The golden cases: what the real virt-who made of an inventory, and what is made of it here.
//!
//! `cargo test -p airlock-virt-who golden` runs all of them and prints `N passed, M failed` and the names that failed.
//! `AIRLOCK_VIRTWHO_CASES` names another folder of the same layout (tests/data/virt-who/README.md has it). Equal means the
//! same JSON, the order of hosts and guests free. Deliberate differences stand in `deviations.json` of the folder.

mod destinations;
mod deviations;
mod equal;
mod esx_daemon;
mod exchange;
mod fake;
mod mapping;
mod settings;
mod status;
mod vectors;

use std::io::Write;
use std::path::{Path, PathBuf};

use deviations::Deviations;
pub use exchange::operation as exchange_operation;

/// A folder of cases.
pub struct Folder {
    pub path: PathBuf,
    pub deviations: Deviations,
}

/// What came of one case.
pub struct Outcome {
    /// Such as `esx/uuid`.
    pub name: String,
    pub result: Result<(), String>,
}

impl Folder {
    fn open() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/virt-who");
        let path =
            std::env::var_os("AIRLOCK_VIRTWHO_CASES").map_or_else(|| own.clone(), PathBuf::from);
        // Tests run in the crate's folder; a path may be meant from the workspace's.
        let from_root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(&path);
        let path = [&path, &from_root]
            .into_iter()
            .find_map(|path| path.canonicalize().ok())
            .unwrap_or_else(|| panic!("there is no folder {}", path.display()));
        Self {
            deviations: Deviations::read(&path, &own),
            path,
        }
    }

    /// A folder inside; `None`, told by name, when it is absent.
    pub fn inside(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.join(name);
        if path.is_dir() {
            return Some(path);
        }
        say(&format!(
            "skipped: there is no {name} in {}",
            self.path.display()
        ));
        None
    }

    /// A JSON file inside; `None` when it is absent.
    pub fn json(&self, name: &str) -> Option<serde_json::Value> {
        read_json(&self.path.join(name))
    }
}

pub fn read_json(path: &Path) -> Option<serde_json::Value> {
    let bytes = std::fs::read(path).ok()?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Some(value),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Prints past the test harness, which keeps what passing tests print to itself.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn golden_cases_are_equal() {
    let folder = Folder::open();
    let mut outcomes = Vec::new();
    outcomes.extend(fake::outcomes(&folder).await);
    outcomes.extend(mapping::outcomes(&folder).await);
    outcomes.extend(esx_daemon::outcomes(&folder).await);
    outcomes.extend(vectors::outcomes(&folder));
    outcomes.extend(settings::outcomes(&folder));
    outcomes.extend(destinations::outcomes(&folder).await);
    outcomes.extend(status::outcomes(&folder).await);
    // The harness may have left its line open.
    say("");
    for outcome in &outcomes {
        if let Err(reason) = &outcome.result {
            say(&format!("failed: {}: {reason}", outcome.name));
        }
    }
    for (case, member, reason) in folder.deviations.used() {
        say(&format!(
            "deliberate difference: {case}, {member}: {reason}"
        ));
    }
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.name.as_str())
        .collect();
    say(&format!(
        "golden: {} passed, {} failed{}{}",
        outcomes.len() - failed.len(),
        failed.len(),
        if failed.is_empty() { "" } else { ": " },
        failed.join(", ")
    ));
    assert!(
        failed.is_empty(),
        "golden cases failed: {}",
        failed.join(", ")
    );
    assert!(
        !outcomes.is_empty(),
        "there are no cases in {}",
        folder.path.display()
    );
}
