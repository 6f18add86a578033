//! Our judgement held against libsolv's, package by package.
//!
//! Small universes are made here; whole repositories come from the folders that
//! `AIRLOCK_REPO_CASES` names (several separated by `:`). A folder with `repodata` is a repository;
//! repositories that lie directly in one folder are checked each for itself and all together.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airlock_repodata::{Limits, MetadataKind};
use airlock_solve::{Installability, PackageId, Pool, PoolBuilder, Settings, Solver, Universe};
use airlock_testkit::programs;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::folder;
use crate::world::{world, xml};

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

/// The pool of some repository folders, filelists included.
fn pool(folders: &[PathBuf]) -> Pool {
    let mut builder = PoolBuilder::new();
    let mut added = Vec::new();
    for folder in folders {
        let label = folder.display().to_string();
        let repository = folder::add_primary(&mut builder, folder, &label);
        added.push((repository, folder.clone()));
    }
    folder::add_filelists(&mut builder, &added);
    builder.finish()
}

/// What is asked about a pool: repositories as files, and for every package that can be installed
/// in a pool of few the transaction that installs it.
fn question(universe: &Universe<'_>, files: &[(PathBuf, PathBuf)], transactions: &Value) -> Value {
    let files = files.iter();
    let repositories: Vec<Value> = files
        .map(|(primary, filelists)| json!({"primary": primary, "filelists": filelists}))
        .collect();
    json!({
        "machine": universe.machine(),
        "installonly": Settings::default().installonly,
        "repositories": repositories,
        "transactions": transactions,
    })
}

/// NEVRA and number of the repository.
fn full_name(pool: &Pool, id: PackageId) -> String {
    let repository = pool.package(id).repository().index();
    format!("{}@{repository}", pool.nevra(id))
}

/// Compares the judgements on one pool.
fn compare(universe: &Universe<'_>, answer: &Value, what: &str, tally: &mut Tally) {
    let pool = universe.pool();
    let found = Installability::check(universe);
    let mut ours: Vec<String> = found.broken().map(|id| full_name(pool, id)).collect();
    ours.sort();
    assert_eq!(answer["checked"], found.checked(), "{what}");
    let theirs: Vec<String> = serde_json::from_value(answer["broken"].clone()).expect("names");
    tally.compared += found.checked();
    for (who, these, those) in [("us", &ours, &theirs), ("libsolv", &theirs, &ours)] {
        for name in these.iter().filter(|name| !those.contains(name)) {
            tally.differ += 1;
            println!("DIFFERENT: broken for {who} only: {name} in {what}");
        }
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

#[test]
fn differential_of_small_universes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runner = TestRunner::deterministic();
    let mut pools = Vec::new();
    for number in 0..400_u32 {
        // Few packages with few names meet each other more often.
        let (packages, names) = ((4 + number % 40) as usize, 3 + number % 12);
        let tree = world(packages, names)
            .new_tree(&mut runner)
            .expect("a world");
        let (primary, filelists) = xml(&tree.current());
        let path = |kind: &str| folder.path().join(format!("{number}-{kind}.xml"));
        let files = (path("primary"), path("filelists"));
        std::fs::write(&files.0, primary).expect("a file");
        std::fs::write(&files.1, filelists).expect("a file");
        let mut builder = PoolBuilder::new();
        let repository = builder.add_repository("small");
        let limits = Limits::default();
        let open = |path: &Path| std::fs::File::open(path).expect("a file");
        builder
            .read_primary(repository, open(&files.0), &limits)
            .expect("primary");
        let wanted = builder.wanted_paths();
        builder
            .read_filelists(repository, &wanted, open(&files.1), &limits)
            .expect("filelists");
        pools.push((builder.finish(), files));
    }
    let settings = Settings {
        machine: Some("x86_64".to_owned()),
        ..Settings::default()
    };
    let universes: Vec<(Universe<'_>, &(PathBuf, PathBuf))> = pools
        .iter()
        .map(|(pool, files)| (Universe::new(pool, &settings), files))
        .collect();
    let questions: Vec<Value> = universes
        .iter()
        .map(|(universe, files)| {
            let transactions = json!(transactions(universe));
            question(universe, std::slice::from_ref(*files), &transactions)
        })
        .collect();
    let answers = ask(&json!(questions));
    let mut tally = Tally::default();
    let (mut valid, mut invalid) = (0, 0);
    for (number, (universe, _)) in universes.iter().enumerate() {
        let answer = &answers[number];
        compare(universe, answer, &format!("universe {number}"), &mut tally);
        for (place, is_valid) in answer["valid"]
            .as_array()
            .expect("a list")
            .iter()
            .enumerate()
        {
            valid += 1;
            if *is_valid != true {
                invalid += 1;
                let packages = &questions[number]["transactions"][place];
                println!("DIFFERENT: libsolv refuses {packages} in universe {number}");
            }
        }
    }
    println!(
        "installability: {} compared, {} differ",
        tally.compared, tally.differ
    );
    println!("transactions: {valid} compared, {invalid} differ");
    assert!(valid > 1000, "too few transactions: {valid}");
    assert_eq!((tally.differ, invalid), (0, 0));
}

/// Repositories of a folder: itself, or the sets of those that lie in it, at any depth.
fn sets(folder: &Path, out: &mut Vec<Vec<PathBuf>>) {
    let mut inner: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    inner.sort();
    if folder.join("repodata/repomd.xml").is_file() {
        out.push(vec![folder.to_owned()]);
        return;
    }
    let repositories: Vec<PathBuf> = inner
        .iter()
        .filter(|path| path.join("repodata/repomd.xml").is_file())
        .cloned()
        .collect();
    for path in &inner {
        sets(path, out);
    }
    if repositories.len() > 1 {
        out.push(repositories);
    }
}

#[test]
fn differential_of_repositories() {
    let cases = std::env::var_os("AIRLOCK_REPO_CASES").unwrap_or_default();
    let mut found = Vec::new();
    for folder in std::env::split_paths(&cases).filter(|path| !path.as_os_str().is_empty()) {
        sets(&folder, &mut found);
    }
    let mut tally = Tally::default();
    for set in &found {
        let pool = pool(set);
        let universe = Universe::new(&pool, &Settings::default());
        let file = |path: &Path, kind| folder::file(path, kind);
        let files: Vec<(PathBuf, PathBuf)> = set
            .iter()
            .map(|path| {
                (
                    file(path, MetadataKind::Primary),
                    file(path, MetadataKind::Filelists),
                )
            })
            .collect();
        let answers = ask(&json!([question(&universe, &files, &json!([]))]));
        compare(&universe, &answers[0], &format!("{set:?}"), &mut tally);
        expected_broken(&universe, set);
        let mut solver = Solver::new(&universe, |_| true);
        for id in Installability::check(&universe).broken() {
            let explanation = solver.explain(id);
            let steps = explanation.map_or(0, |explanation| explanation.steps.len());
            assert!(steps > 0, "{} is broken for no reason", pool.nevra(id));
        }
    }
    println!(
        "installability: {} compared, {} differ",
        tally.compared, tally.differ
    );
    assert_eq!(tally.differ, 0);
}

/// A folder may say which names have to be broken, beside others.
fn expected_broken(universe: &Universe<'_>, set: &[PathBuf]) {
    let found = Installability::check(universe);
    let broken: Vec<&str> = found.broken().map(|id| universe.pool().name(id)).collect();
    for folder in set {
        let Ok(text) = std::fs::read_to_string(folder.join("expected-broken.json")) else {
            continue;
        };
        let expected: Vec<Value> = serde_json::from_str(&text).expect("a list");
        for entry in &expected {
            let name = entry["name"].as_str().expect("a name");
            assert!(broken.contains(&name), "{name} should be broken");
        }
    }
}
