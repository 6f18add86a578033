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
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

pub use destinations::certificate;
use deviations::Deviations;
pub use exchange::operation as exchange_operation;
use futures_util::FutureExt as _;

/// The sections, in the order they are run.
const SECTIONS: &[&str] = &[
    "fake",
    "mapping",
    "esx daemon",
    "vectors",
    "settings",
    "destinations",
    "status",
];

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

/// Runs one case; whatever it does, it ends no other: a panic is its failure.
pub async fn case(name: String, run: impl Future<Output = Result<(), String>>) -> Outcome {
    let result = AssertUnwindSafe(run)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(words(&*panic)));
    Outcome { name, result }
}

/// Runs what gives several outcomes; a panic is a failure under this name, and what was found before stays.
pub fn guarded(
    name: impl Into<String>,
    outcomes: &mut Vec<Outcome>,
    run: impl FnOnce(&mut Vec<Outcome>),
) {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mut *outcomes)));
    if let Err(panic) = ran {
        outcomes.push(Outcome {
            name: name.into(),
            result: Err(words(&*panic)),
        });
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the case cannot be run: {}", text.unwrap_or("panic"))
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
    let mut outcomes = Vec::new();
    let mut opened = None;
    guarded("the folder of cases", &mut outcomes, |_| {
        opened = Some(Folder::open());
    });
    if let Some(folder) = &opened {
        for section in SECTIONS {
            let found = std::sync::Mutex::new(Vec::new());
            let run = async {
                let outcomes = match *section {
                    "fake" => fake::outcomes(folder).await,
                    "mapping" => mapping::outcomes(folder).await,
                    "esx daemon" => esx_daemon::outcomes(folder).await,
                    "vectors" => vectors::outcomes(folder),
                    "settings" => settings::outcomes(folder),
                    "destinations" => destinations::outcomes(folder).await,
                    _ => status::outcomes(folder).await,
                };
                *found.lock().unwrap() = outcomes;
                Ok(())
            };
            let whole = case(format!("section {section}"), run).await;
            outcomes.append(&mut found.into_inner().unwrap());
            if whole.result.is_err() {
                outcomes.push(whole);
            }
        }
    }
    // The harness may have left its line open.
    say("");
    for outcome in &outcomes {
        if let Err(reason) = &outcome.result {
            say(&format!("failed: {}: {reason}", outcome.name));
        }
    }
    let used = opened.iter().flat_map(|folder| folder.deviations.used());
    for (case, member, reason) in used {
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
    assert!(!outcomes.is_empty(), "there are no cases");
}

/// A case that cannot be run fails by its name, and the others go on.
#[tokio::test]
async fn a_broken_case_ends_no_other() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::create_dir_all(root.join("ahv")).unwrap();
    std::fs::write(root.join("ahv/bad-mapping.json"), "no JSON").unwrap();
    std::fs::write(root.join("ahv/bad.conf"), "[a]\ntype=ahv\n").unwrap();
    std::fs::write(
        root.join("vectors.json"),
        "{\"kubevirt_cpu\": [[3, 4], [\"2\", \"2\"]], \"ini\": [{}]}",
    )
    .unwrap();
    let folder = Folder {
        path: root.to_owned(),
        deviations: Deviations::read(root, root),
    };
    let mut outcomes = mapping::outcomes(&folder).await;
    outcomes.extend(vectors::outcomes(&folder));
    outcomes.extend(settings::outcomes(&folder));
    let found: Vec<(&str, bool)> = outcomes
        .iter()
        .map(|outcome| (outcome.name.as_str(), outcome.result.is_ok()))
        .collect();
    assert_eq!(
        found,
        [
            ("ahv/bad", false),
            ("vectors/kubevirt_cpu 0", false),
            ("vectors/kubevirt_cpu 2", true),
            ("vectors/ini 0", false)
        ]
    );
}
