//! The state that the crash loop starts from, and the commands that it interrupts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Contents, Verb};
use crate::process::{Server, Start};
use crate::rpms::Rpm;
use crate::seeded::Seeded;
use crate::served::{checksums_below, sha256};
use crate::states::Distribution;

/// A prepared data folder, its server stopped, and what can be done to it.
#[derive(Debug)]
pub struct Stage {
    /// The data folder.
    pub data: PathBuf,
    /// The commands: sync, push, edit, promote, rollback, delete, clone, gc.
    pub verbs: Vec<Verb>,
    _upstream: Distribution,
}

/// Prepares channels below `scratch`: a mirror with two versions whose upstream has moved on to a third state, two
/// children of it, a copy of its first version, own packages, and one that is to be deleted.
///
/// # Panics
/// When the server does not do what it is told.
#[must_use]
#[track_caller]
pub fn set_stage(scratch: &Path) -> Stage {
    let mut upstream = Distribution::at(scratch.join("upstream"));
    let folder = scratch.join("upstream");
    let data = scratch.join("prepared");
    let server = Start::new(&data).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "crash-main",
        "--upstream",
        &upstream.url(),
    ]);
    server.airlock_ok(&["channel", "sync", "crash-main"]);
    let first: Contents = Some(checksums_below(&folder));
    upstream.next_day();
    server.airlock_ok(&["channel", "sync", "crash-main"]);
    let second: Contents = Some(checksums_below(&folder));
    for label in ["crash-copy", "crash-gone"] {
        server.airlock_ok(&["channel", "create", label]);
        server.airlock_ok(&["channel", "promote", "crash-main@1", label]);
    }
    let (own, more) = own_packages(&server, &scratch.join("own"));
    let children = children(&server, &scratch.join("children"));
    upstream.next_day();
    let third: Contents = Some(checksums_below(&folder));
    server.stop();

    let stage: BTreeMap<&str, Contents> = BTreeMap::from([
        ("crash-main", second.clone()),
        ("crash-copy", first.clone()),
        ("crash-gone", first.clone()),
        ("crash-own", checksums(&own)),
        ("crash-child-one", children[0].clone()),
        ("crash-child-two", children[1].clone()),
        ("crash-clone", None),
        ("crash-clone-one", None),
        ("crash-clone-two", None),
    ]);
    // Every verb watches every channel: what it does not touch has to stay.
    let verb_of = |name: &str, words: &[&str], changed: &[(&str, Contents)]| {
        stage
            .iter()
            .fold(Verb::new(name, words), |verb, (label, before)| {
                let after = changed.iter().find(|(changed, _)| changed == label);
                let after = after.map_or_else(|| before.clone(), |(_, after)| after.clone());
                verb.watch(label, before.clone(), after)
            })
    };
    let verb = |name: &str, words: &[&str], changed: &str, after: Contents| {
        verb_of(name, words, &[(changed, after)])
    };
    let clone = [
        ("crash-clone", second.clone()),
        ("crash-clone-one", children[0].clone()),
        ("crash-clone-two", children[1].clone()),
    ];
    let mut push = vec!["channel", "push", "crash-own"];
    let files: Vec<String> = more.iter().map(|file| file.display().to_string()).collect();
    push.extend(files.iter().map(String::as_str));
    let everything: Vec<PathBuf> = own.iter().chain(&more).cloned().collect();
    let verbs = vec![
        verb(
            "sync",
            &["channel", "sync", "crash-main"],
            "crash-main",
            third,
        ),
        verb("push", &push, "crash-own", checksums(&everything)).once(),
        verb(
            "edit",
            &["channel", "remove", "crash-own", "own0-1-1.noarch"],
            "crash-own",
            checksums(&own[1..]),
        )
        .once(),
        verb(
            "promote",
            &["channel", "promote", "crash-main", "crash-copy"],
            "crash-copy",
            second,
        )
        .once(),
        verb(
            "rollback",
            &["channel", "rollback", "crash-main", "1"],
            "crash-main",
            first,
        )
        .once(),
        verb(
            "delete",
            &["channel", "delete", "crash-gone", "--yes"],
            "crash-gone",
            None,
        )
        .once(),
        verb_of("clone", CLONE, &clone),
        verb("gc", &["gc", "--grace-seconds", "0"], "", None),
    ];
    Stage {
        data,
        verbs,
        _upstream: upstream,
    }
}

/// A tree of three channels that do not exist yet, planned, applied and published.
const CLONE: &[&str] = &[
    "clone-by-date",
    "-l",
    "crash-main",
    "crash-clone",
    "-l",
    "crash-child-one",
    "crash-clone-one",
    "-l",
    "crash-child-two",
    "crash-clone-two",
    "-d",
    "2030-01-01",
    "-y",
];

/// Makes two children of the mirror, each with a package of its own; gives what they hold.
fn children(server: &Server, folder: &Path) -> [Contents; 2] {
    ["crash-child-one", "crash-child-two"].map(|label| {
        let file = Rpm::new(label, "1", "1").write_to(folder);
        server.airlock_ok(&["channel", "create", label, "--parent", "crash-main"]);
        let path = file.display().to_string();
        server.airlock_ok(&["channel", "push", label, &path]);
        checksums(&[file])
    })
}

/// Pushes two packages of the own channel; gives their files and four more that are not pushed yet.
fn own_packages(server: &Server, folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut source = Seeded::new(1);
    let mut files: Vec<PathBuf> = (0..6)
        .map(|number| {
            Rpm::new(&format!("own{number}"), "1", "1")
                .file("/usr/share/own/data", source.bytes(200_000))
                .file(&format!("/usr/share/own/{number}"), "x")
                .write_to(folder)
        })
        .collect();
    let more = files.split_off(2);
    server.airlock_ok(&["channel", "create", "crash-own"]);
    let mut words = vec![
        "channel".to_owned(),
        "push".to_owned(),
        "crash-own".to_owned(),
    ];
    words.extend(files.iter().map(|file| file.display().to_string()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    server.airlock_ok(&words);
    (files, more)
}

fn checksums(files: &[PathBuf]) -> Contents {
    let read = |file: &PathBuf| sha256(&std::fs::read(file).expect("the package file is readable"));
    Some(files.iter().map(read).collect::<BTreeSet<String>>())
}
