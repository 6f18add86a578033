//! Our judgement held against libsolv's, package by package: small universes that are made here, without and with module
//! streams, and whole repositories (see the module inside).

mod repositories;
mod streams;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airlock_repodata::Limits;
use airlock_solve::{Installability, PackageId, Pool, PoolBuilder, Settings, Universe};
use airlock_testkit::programs;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::world::{Made, world, xml};

/// Python with libsolv, as `scripts/install tests` made it.
fn python() -> PathBuf {
    let python = programs::target().join("peers/bin/python");
    assert!(
        python.is_file(),
        "{} is not there: run scripts/install tests",
        python.display()
    );
    python
}

/// What the script beside this file answers.
pub fn ask(question: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/oracle.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(question.to_string().as_bytes())
        .expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "libsolv's judgement failed; run scripts/install tests if the module solv is missing"
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Counts packages whose judgement was compared.
#[derive(Default)]
pub struct Tally {
    pub compared: usize,
    pub differ: usize,
}

/// `primary.xml` and `filelists.xml` of a repository.
struct Files {
    primary: PathBuf,
    filelists: Option<PathBuf>,
}

/// What is asked about a pool: repositories as files, for every package that can be installed in a pool of few the
/// transaction that installs it, and contexts.
fn question(
    universe: &Universe<'_>,
    files: &[Files],
    transactions: &Value,
    contexts: &Value,
) -> Value {
    let files = files.iter();
    let repositories: Vec<Value> = files
        .map(|files| json!({"primary": files.primary, "filelists": files.filelists}))
        .collect();
    json!({
        "machine": universe.machine(),
        "installonly": Settings::default().installonly,
        "repositories": repositories,
        "transactions": transactions,
        "contexts": contexts,
    })
}

/// NEVRA and number of the repository.
fn full_name(pool: &Pool, id: PackageId) -> String {
    let repository = pool.package(id).repository().index();
    format!("{}@{repository}", pool.nevra(id))
}

/// Compares the judgements on one pool.
fn compare(universe: &Universe<'_>, answer: &Value, what: &str, tally: &mut Tally) {
    compare_found(
        universe,
        &Installability::check(universe),
        answer,
        what,
        tally,
    );
}

fn compare_found(
    universe: &Universe<'_>,
    found: &Installability,
    answer: &Value,
    what: &str,
    tally: &mut Tally,
) {
    let pool = universe.pool();
    let mut ours: Vec<String> = found.broken().map(|id| full_name(pool, id)).collect();
    ours.sort();
    assert_eq!(answer["checked"], found.checked(), "{what}");
    let theirs: Vec<String> = serde_json::from_value(answer["broken"].clone()).expect("names");
    tally.compared += found.checked();
    for (who, these, those) in [("us", &ours, &theirs), ("libsolv", &theirs, &ours)] {
        for name in these.iter().filter(|name| !those.contains(name)) {
            tally.differ += 1;
            say(&format!(
                "DIFFERENT: broken for {who} only: {name} in {what}"
            ));
        }
    }
}

/// Prints a line that is seen even when the test passes: the test harness keeps what macros print, and those who run it
/// may keep its output.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

impl Tally {
    /// Prints the counts; fails when something differs or nothing was compared.
    fn say(&self, what: &str) {
        say(&format!(
            "{what}: {} compared, {} differ",
            self.compared, self.differ
        ));
        assert!(self.compared > 0, "{what}: nothing was compared");
        assert_eq!(self.differ, 0, "{what}");
    }
}

/// Transactions for all packages that can be installed.
fn transactions(universe: &Universe<'_>) -> Vec<Vec<String>> {
    let packages = universe.pool().packages();
    let solved = packages.filter_map(|(id, _)| universe.solve(&[vec![id]], |_| true).ok());
    solved
        .map(|found| {
            let packages = found.packages.iter();
            packages
                .map(|(id, _)| full_name(universe.pool(), *id))
                .collect()
        })
        .collect()
}

/// A small universe as files and as a pool.
fn written(folder: &Path, number: u32, packages: &[Made]) -> (Pool, Files) {
    let (primary, filelists) = xml(packages);
    let path = |kind: &str| folder.join(format!("{number}-{kind}.xml"));
    let (primary_path, filelists_path) = (path("primary"), path("filelists"));
    std::fs::write(&primary_path, primary).expect("a file");
    std::fs::write(&filelists_path, filelists).expect("a file");
    let mut builder = PoolBuilder::new();
    let repository = builder.add_repository("small");
    let limits = Limits::default();
    let open = |path: &Path| std::fs::File::open(path).expect("a file");
    builder
        .read_primary(repository, open(&primary_path), &limits)
        .expect("primary");
    let wanted = builder.wanted_paths();
    builder
        .read_filelists(repository, &wanted, open(&filelists_path), &limits)
        .expect("filelists");
    let files = Files {
        primary: primary_path,
        filelists: Some(filelists_path),
    };
    (builder.finish(), files)
}

fn x86_64() -> Settings {
    Settings {
        machine: Some("x86_64".to_owned()),
        ..Settings::default()
    }
}

#[test]
fn differential_of_small_universes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runner = TestRunner::deterministic();
    let pools: Vec<(Pool, Files)> = (0..400_u32)
        .map(|number| {
            // Few packages with few names meet each other more often.
            let (packages, names) = ((4 + number % 40) as usize, 3 + number % 12);
            let tree = world(packages, names)
                .new_tree(&mut runner)
                .expect("a world");
            written(folder.path(), number, &tree.current())
        })
        .collect();
    let settings = x86_64();
    let universes: Vec<(Universe<'_>, &Files)> = pools
        .iter()
        .map(|(pool, files)| (Universe::new(pool, &settings), files))
        .collect();
    let questions: Vec<Value> = universes
        .iter()
        .map(|(universe, files)| {
            let transactions = json!(transactions(universe));
            question(
                universe,
                std::slice::from_ref(*files),
                &transactions,
                &json!([]),
            )
        })
        .collect();
    let answers = ask(&json!(questions));
    let (mut tally, mut transactions) = (Tally::default(), Tally::default());
    for (number, (universe, _)) in universes.iter().enumerate() {
        let answer = &answers[number];
        compare(universe, answer, &format!("universe {number}"), &mut tally);
        let valid = answer["valid"].as_array().expect("a list");
        for (place, is_valid) in valid.iter().enumerate() {
            transactions.compared += 1;
            if *is_valid != true {
                transactions.differ += 1;
                let packages = &questions[number]["transactions"][place];
                say(&format!(
                    "DIFFERENT: libsolv refuses {packages} in universe {number}"
                ));
            }
        }
    }
    assert!(transactions.compared > 1000, "too few transactions");
    tally.say("small universes");
    transactions.say("transactions");
}
