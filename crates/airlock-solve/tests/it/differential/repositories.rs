//! Whole repositories, from the folders that `AIRLOCK_REPO_CASES` names (several separated by `:`).
//!
//! A folder with `repodata` is a repository; repositories that lie directly in one folder are checked each for itself and
//! all together. `expected-broken.json` beside `repodata`, or in the folder that the repositories lie in, is a list of
//! packages (`{"name": …}` or a name) that have to be broken, beside others. Paths that dependencies ask for are looked up
//! in filelists on both sides; module streams are judged in their contexts, too.

use std::path::{Path, PathBuf};

use airlock_repodata::compress::open_path;
use airlock_repodata::modules::{self, ModuleDocument};
use airlock_repodata::{Limits, MetadataKind};
use airlock_solve::{Installability, PoolBuilder, Settings, Solver, Universe};
use airlock_testkit::repos::{Peer, Repository};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;
use serde_json::{Value, json};

use super::{Files, Tally, ask, compare, question, streams};
use crate::folder;

/// Which packages have to be broken.
const EXPECTED: &str = "expected-broken.json";

/// Repositories that are checked together.
struct Set {
    repositories: Vec<PathBuf>,
    /// Where `expected-broken.json` may lie.
    folder: PathBuf,
}

/// Repositories of a folder: itself, or the sets of those that lie in it, at any depth.
fn sets(folder: &Path, out: &mut Vec<Set>) {
    let is_repository = |path: &Path| path.join("repodata/repomd.xml").is_file();
    let set = |repositories: Vec<PathBuf>| Set {
        repositories,
        folder: folder.to_owned(),
    };
    if is_repository(folder) {
        out.push(set(vec![folder.to_owned()]));
        return;
    }
    let mut inner: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    inner.sort();
    let found = out.len();
    for path in &inner {
        sets(path, out);
    }
    inner.retain(|path| is_repository(path));
    if let [only] = inner.as_slice()
        && !only.join(EXPECTED).is_file()
    {
        // One repository that lies in a folder is all that the folder speaks of.
        let own = out.iter_mut().skip(found).find(|set| set.folder == *only);
        if let Some(own) = own {
            folder.clone_into(&mut own.folder);
        }
    }
    if inner.len() > 1 {
        out.push(set(inner));
    }
}

/// A metadata file in a form that libsolv reads: as it is, or opened into the scratch folder.
fn readable(path: PathBuf, scratch: &Path, number: usize) -> PathBuf {
    let name = path.file_name().expect("a name").to_string_lossy();
    if name.ends_with(".gz") || name.ends_with(".xml") {
        return path;
    }
    let opened = scratch.join(format!("{number}-{name}.xml"));
    let mut reader = open_path(&path, &Limits::default()).expect("metadata");
    let mut file = std::fs::File::create(&opened).expect("a file");
    std::io::copy(&mut reader, &mut file).expect("it is opened");
    opened
}

fn documents(repositories: &[PathBuf]) -> Vec<ModuleDocument> {
    let files = repositories
        .iter()
        .filter_map(|path| folder::file_of(path, "modules"));
    let texts = files.map(|path| {
        let opened = open_path(&path, &Limits::default()).expect("modules");
        opened.into_document().expect("modules")
    });
    texts
        .flat_map(|text| modules::parse(&text).expect("module documents"))
        .collect()
}

fn judge(set: &Set, tally: &mut Tally) {
    let mut builder = PoolBuilder::new();
    let mut added = Vec::new();
    for path in &set.repositories {
        let label = path.display().to_string();
        added.push((
            folder::add_primary(&mut builder, path, &label),
            path.clone(),
        ));
    }
    folder::add_filelists(&mut builder, &added);
    let pool = builder.finish();
    let universe = Universe::new(&pool, &Settings::default());
    let contexts = streams::contexts(&universe, &documents(&set.repositories));
    let scratch = tempfile::tempdir().expect("a folder");
    let file = |number, path: &Path, kind: MetadataKind| {
        let found = folder::file_of(path, kind.name());
        found.map(|path| readable(path, scratch.path(), number))
    };
    let files: Vec<Files> = (0..)
        .zip(&set.repositories)
        .map(|(number, path)| Files {
            primary: file(number, path, MetadataKind::Primary).expect("primary"),
            filelists: file(number, path, MetadataKind::Filelists),
        })
        .collect();
    let asked = streams::asked(&universe, &contexts);
    let answers = ask(&json!([question(&universe, &files, &json!([]), &asked)]));
    let what = format!("{:?}", set.repositories);
    compare(&universe, &answers[0], &what, tally);
    streams::compare(&universe, &contexts, &answers[0], &what, tally);
    expected_broken(&universe, set);
    let mut solver = Solver::new(&universe, |_| true);
    for id in Installability::check(&universe).broken() {
        let explanation = solver.explain(id);
        let steps = explanation.map_or(0, |explanation| explanation.steps.len());
        assert!(steps > 0, "{} is broken for no reason", pool.nevra(id));
    }
}

/// A folder may say which packages have to be broken, beside others.
fn expected_broken(universe: &Universe<'_>, set: &Set) {
    let Ok(text) = std::fs::read_to_string(set.folder.join(EXPECTED)) else {
        return;
    };
    let pool = universe.pool();
    let found = Installability::check(universe);
    let broken: Vec<(&str, String)> = found
        .broken()
        .map(|id| (pool.name(id), pool.nevra(id)))
        .collect();
    let expected: Vec<Value> = serde_json::from_str(&text).expect("a list");
    for entry in &expected {
        let said = entry.as_str().or_else(|| entry["name"].as_str());
        let said = said.or_else(|| entry["nevra"].as_str()).expect("a name");
        let is_broken = broken
            .iter()
            .any(|(name, nevra)| *name == said || nevra == said);
        assert!(is_broken, "{said} should be broken in {:?}", set.folder);
    }
}

#[test]
fn differential_folders_with_one_repository_speak_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let repodata = folder.path().join("corpus/base/repodata");
    std::fs::create_dir_all(&repodata).expect("a folder");
    std::fs::write(repodata.join("repomd.xml"), "").expect("a file");
    let corpus = folder.path().join("corpus");
    let of = |wanted: &Path| {
        let mut found = Vec::new();
        sets(folder.path(), &mut found);
        let folders: Vec<PathBuf> = found.into_iter().map(|set| set.folder).collect();
        assert_eq!(folders, [wanted.to_owned()]);
    };
    of(&corpus);
    // Its own list comes first.
    let own = corpus.join("base");
    std::fs::write(own.join(EXPECTED), "[]").expect("a file");
    of(&own);
    // Beside another one the folder's list is about both.
    std::fs::remove_file(own.join(EXPECTED)).expect("a file");
    let other = corpus.join("other/repodata");
    std::fs::create_dir_all(&other).expect("a folder");
    std::fs::write(other.join("repomd.xml"), "").expect("a file");
    let mut found = Vec::new();
    sets(&corpus, &mut found);
    let folders: Vec<PathBuf> = found.into_iter().map(|set| set.folder).collect();
    assert_eq!(folders, [own, corpus.join("other"), corpus]);
}

fn judge_folders(folders: &[PathBuf], what: &str) {
    let mut found = Vec::new();
    for folder in folders {
        let before = found.len();
        sets(folder, &mut found);
        assert!(found.len() > before, "no repository in {folder:?}");
    }
    let mut tally = Tally::default();
    for set in &found {
        judge(set, &mut tally);
    }
    tally.say(what);
}

#[test]
fn differential_of_repositories() {
    let cases = std::env::var_os("AIRLOCK_REPO_CASES").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&cases)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if !folders.is_empty() {
        judge_folders(&folders, "repositories");
    }
}

#[test]
fn differential_of_repositories_made_here() {
    let folder = tempfile::tempdir().expect("a folder");
    // Streams, both widths of a library, kernels, rich dependencies.
    let mut distribution = Distribution::at(folder.path().join("distribution"));
    distribution.next_day();
    distribution.next_day();
    let mut extra = Repository::at(folder.path().join("extra"));
    extra.peer(Peer::Newest).compress("zstd");
    let rpm = |name: &str| Rpm::new(name, "1", "1");
    extra.add(&rpm("table").file("/opt/table/share/data", "x"));
    extra.add(&rpm("reader").requires("/opt/table/share/data"));
    extra.add(&rpm("lost").requires("/opt/table/share/nothing"));
    extra.add(&rpm("rich").requires("(lost or /opt/table/share/data)"));
    extra.add(&rpm("late").requires("hello >= 1:3"));
    extra.add(&rpm("streamed").requires("runtime >= 12"));
    extra.publish();
    let broken = r#"[{"name": "lost", "why": "path"}, "late-1-1.noarch"]"#;
    std::fs::write(folder.path().join("expected-broken.json"), broken).expect("a file");
    judge_folders(&[folder.path().to_owned()], "repositories made here");
}
