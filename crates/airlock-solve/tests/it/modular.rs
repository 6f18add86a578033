//! Packages of module streams see their own stream, what it requires, and the defaults.

use airlock_repodata::modules;
use airlock_solve::{
    Installability, Modules, PackageId, PackageSet, Pool, Settings, Sight, Universe,
};

use crate::small::{draft, pool};

/// A stream document; `requires` is YAML for one alternative's modules.
fn stream(name: &str, stream: &str, context: &str, requires: &str, artifacts: &[&str]) -> String {
    let artifacts: String = artifacts
        .iter()
        .map(|nvra| format!("    - {nvra}\n"))
        .collect();
    format!(
        "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: \"{stream}\"\n  version: 1\n  \
         context: {context}\n  arch: x86_64\n  summary: s\n  description: d\n  dependencies:\n  - requires: {requires}\n  \
         artifacts:\n    rpms:\n{artifacts}...\n"
    )
}

fn default(name: &str, stream: &str) -> String {
    format!(
        "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: {name}\n  stream: \"{stream}\"\n...\n"
    )
}

fn broken(pool: &Pool, documents: &str) -> Vec<String> {
    let universe = Universe::new(pool, &Settings::default());
    let documents = modules::parse(documents.as_bytes()).expect("documents");
    let found = Installability::check_modular(&universe, &Modules::new(pool, &documents));
    assert_eq!(found.checked(), pool.len());
    found.broken().map(|id| pool.nevra(id)).collect()
}

#[test]
fn streams_are_judged_each_with_what_it_requires() {
    let pool = pool(&[
        draft("perl-526", &["provides: perl(abi) = 26"]),
        draft("perl-530", &["provides: perl(abi) = 30"]),
        draft("dbi-1", &["requires: perl(abi) = 26"]),
        draft("dbi-2", &["requires: perl(abi) = 30"]),
        draft("wrong-1", &["requires: perl(abi) = 26"]),
        draft("plain-1", &["requires: perl(abi) = 26"]),
        draft("late-1", &["requires: perl(abi) = 30"]),
        draft("lost-1", &[]),
        // Outside of modules, and newer than the default stream: hidden by it.
        draft("perl-6", &["provides: perl(abi) = 60"]),
        draft("future-1", &["requires: perl(abi) = 60"]),
    ]);
    let documents = [
        stream(
            "perl",
            "5.26",
            "a",
            "{platform: [el8]}",
            &["perl-0:526-1.x86_64"],
        ),
        stream(
            "perl",
            "5.30",
            "b",
            "{}",
            &["perl-0:530-1.x86_64", "perl-0:530-1.src"],
        ),
        stream("dbi", "1", "c", "{perl: [\"5.26\"]}", &["dbi-0:1-1.x86_64"]),
        stream("dbi", "1", "d", "{perl: [\"5.30\"]}", &["dbi-0:2-1.x86_64"]),
        stream(
            "wrong",
            "1",
            "e",
            "{perl: [\"-5.26\"]}",
            &["wrong-0:1-1.x86_64"],
        ),
        stream("lost", "1", "f", "{gone: []}", &["lost-0:1-1.x86_64"]),
        default("perl", "5.26"),
    ]
    .concat();
    assert_eq!(
        broken(&pool, &documents),
        [
            "future-1-1.x86_64",
            "late-1-1.x86_64",
            "lost-1-1.x86_64",
            "wrong-1-1.x86_64"
        ]
    );
    // Without the documents every package sees every other.
    assert_eq!(broken(&pool, ""), Vec::<String>::new());
}

#[test]
fn what_a_package_cannot_see_does_not_close_it() {
    let pool = pool(&[
        draft("app-1", &["requires: lib"]),
        draft("lib-1", &[]),
        draft("lib-2", &[]),
        draft("plain-1", &["requires: lib"]),
    ]);
    let documents = [
        stream("app", "1", "a", "{runtime: [1]}", &["app-0:1-1.x86_64"]),
        stream("runtime", "1", "a", "{}", &["lib-0:1-1.x86_64"]),
        stream("runtime", "2", "a", "{}", &["lib-0:2-1.x86_64"]),
        default("runtime", "2"),
    ];
    let universe = Universe::new(&pool, &Settings::default());
    let documents = modules::parse(documents.concat().as_bytes()).expect("documents");
    let modules = Modules::new(&pool, &documents);
    let sight = Sight::new(&modules.contexts(&universe));
    let id = |name: &str| {
        let mut ids = pool.packages().map(|(id, _)| id);
        ids.find(|id| pool.nevra(*id) == format!("{name}-1.x86_64"))
            .expect("a package")
    };
    let (app, one, two, plain) = (id("app-1"), id("lib-1"), id("lib-2"), id("plain-1"));
    assert!(sight.sees(app, one) && !sight.sees(app, two));
    assert!(sight.sees(plain, two) && !sight.sees(plain, one));
    let pulled = |sight: Option<&Sight>, there: &[PackageId]| {
        let there: PackageSet = there.iter().copied().collect();
        let closure = universe.close_seen(&[app, plain], &there, sight, |unmet, _| {
            unmet.providers.first().copied()
        });
        assert!(closure.open.is_empty());
        let pulled = closure.pulled.iter();
        pulled
            .map(|pulled| (pulled.package, pulled.needed_by))
            .collect::<Vec<_>>()
    };
    assert_eq!(pulled(None, &[two]), []);
    assert_eq!(pulled(Some(&sight), &[two]), [(one, app)]);
    assert_eq!(pulled(Some(&sight), &[one]), [(two, plain)]);
    assert_eq!(pulled(Some(&sight), &[]), [(one, app), (two, plain)]);
    // What is there may be published with other streams than what could come.
    let here = PackageSet::from_iter([app, two]);
    let seen = Sight::default().with_candidates(&here, &sight);
    assert!(!seen.sees(app, two) && seen.sees(app, one));
}

/// Every way through them has to be tried, and none leads anywhere: a search gives up, and many of them do so early. What
/// is simple is enabled all the same.
#[test]
fn documents_that_are_made_to_take_long_take_nothing_from_others() {
    const MODULES: usize = 12;
    let pool = pool(&[draft("plain-1", &[])]);
    let mut documents = String::new();
    for module in 0..MODULES {
        let name = format!("m{module:02}");
        // The last ones are nowhere.
        let requires = format!("{{m{:02}: [], m{:02}: []}}", module + 1, module + 2);
        for (number, context) in [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")] {
            documents.push_str(&stream(&name, number, context, &requires, &[]));
        }
        documents.push_str(&default(&name, "1"));
    }
    documents.push_str(&stream("z", "1", "a", "{}", &["plain-0:1-1.x86_64"]));
    let universe = Universe::new(&pool, &Settings::default());
    let documents = modules::parse(documents.as_bytes()).expect("documents");
    let contexts = Modules::new(&pool, &documents).contexts(&universe);
    assert_eq!(contexts.len(), 1 + 4 * MODULES + 1);
    let (last, others) = contexts[1..].split_last().expect("contexts");
    assert!(others.iter().all(|context| context.unmet.is_some()));
    assert_eq!((last.stream.as_deref(), &last.unmet), (Some("z:1"), &None));
    assert_eq!(last.build.as_deref(), Some("a"));
}
