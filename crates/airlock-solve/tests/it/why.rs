//! Explanations and transactions as people see them.

use airlock_solve::{Draft, PackageId, Pool, Settings, Solver, Universe, Why};

use crate::small::{draft, find, pool};

fn explained(drafts: &[Draft], name: &str) -> Vec<String> {
    let pool = pool(drafts);
    let universe = Universe::new(&pool, &Settings::default());
    let explanation = universe.explain(find(&pool, name), |_| true);
    explanation.expect("it is broken").lines(&pool)
}

#[test]
fn a_dead_end_is_followed_to_its_cause() {
    let drafts = [
        draft("app-1", &["requires: middle", "requires: there"]),
        draft("middle-1", &["requires: lib >= 3"]),
        draft("middle-2", &["requires: (gone or lost)"]),
        draft("lib-2", &[]),
        draft("there-1", &[]),
    ];
    assert_eq!(
        explained(&drafts, "app"),
        [
            "app-1-1.x86_64 needs middle, provided by middle-2-1.x86_64, middle-1-1.x86_64",
            "middle-2-1.x86_64 needs (gone or lost), which nothing provides",
            "middle-1-1.x86_64 needs lib >= 3, which nothing provides (there is lib-2-1.x86_64)",
        ]
    );
}

#[test]
fn a_contradiction_is_told_without_what_does_not_matter() {
    let mut drafts = vec![
        draft("app-1", &["requires: a", "requires: other", "requires: b"]),
        draft("a-1", &["requires: lib = 1"]),
        draft("b-1", &["requires: lib = 2"]),
        draft("lib-1", &["requires: base"]),
        draft("lib-2", &["requires: base"]),
        draft("base-1", &[]),
        draft("other-1", &["requires: base"]),
    ];
    assert_eq!(
        explained(&drafts, "app"),
        [
            "app-1-1.x86_64 needs a, provided by a-1-1.x86_64",
            "app-1-1.x86_64 needs b, provided by b-1-1.x86_64",
            "a-1-1.x86_64 needs lib = 1, provided by lib-1-1.x86_64",
            "b-1-1.x86_64 needs lib = 2, provided by lib-2-1.x86_64",
            "lib-1-1.x86_64 and lib-2-1.x86_64 cannot be installed side by side",
        ]
    );
    drafts.push(draft("clash-1", &["requires: a", "requires: enemy"]));
    drafts.push(draft("enemy-1", &["conflicts: lib < 2"]));
    drafts.push(draft("heir-1", &["obsoletes: base < 2", "requires: other"]));
    assert_eq!(
        explained(&drafts, "clash"),
        [
            "clash-1-1.x86_64 needs a, provided by a-1-1.x86_64",
            "clash-1-1.x86_64 needs enemy, provided by enemy-1-1.x86_64",
            "a-1-1.x86_64 needs lib = 1, provided by lib-1-1.x86_64",
            "enemy-1-1.x86_64 conflicts with lib < 2, provided by lib-1-1.x86_64",
        ]
    );
    assert_eq!(
        explained(&drafts, "heir"),
        [
            "heir-1-1.x86_64 needs other, provided by other-1-1.x86_64",
            "other-1-1.x86_64 needs base, provided by base-1-1.x86_64",
            "heir-1-1.x86_64 obsoletes base < 2, which is base-1-1.x86_64",
        ]
    );
}

#[test]
fn what_a_broken_package_breaks_is_told_by_its_reasons() {
    let pool = pool(&[
        draft("core-1", &["requires: enemy", "conflicts: enemy"]),
        draft("enemy-1", &[]),
        draft("user-1", &["requires: core"]),
        draft("end-1", &["requires: user", "requires: enemy"]),
    ]);
    let universe = Universe::new(&pool, &Settings::default());
    let mut solver = Solver::new(&universe, |_| true);
    let core = [
        "core-1-1.x86_64 needs enemy, provided by enemy-1-1.x86_64",
        "core-1-1.x86_64 conflicts with enemy, provided by enemy-1-1.x86_64",
    ];
    let mut lines = |name: &str| {
        let explanation = solver.explain(find(&pool, name)).expect("it is broken");
        explanation.lines(&pool)
    };
    let chain = [
        "end-1-1.x86_64 needs user, provided by user-1-1.x86_64",
        "user-1-1.x86_64 needs core, provided by core-1-1.x86_64",
    ];
    assert_eq!(lines("end"), [chain, core].concat());
    assert_eq!(lines("core"), core);
    assert!(solver.explain(find(&pool, "enemy")).is_none());
}

fn names(pool: &Pool, packages: &[(PackageId, Why)]) -> Vec<String> {
    packages.iter().map(|(id, _)| pool.nevra(*id)).collect()
}

#[test]
fn a_client_gets_the_best_and_what_it_needs() {
    let pool = pool(&[
        draft("app-1", &["requires: lib = 1"]),
        draft(
            "app-2",
            &[
                "requires: lib",
                "requires: cap",
                "recommends: extra",
                "recommends: nowhere",
            ],
        ),
        draft("lib-1", &[]),
        draft("lib-2", &["requires: /usr/bin/tool"]),
        draft("lib-2.i686", &[]),
        draft("tool-1.noarch", &["file: /usr/bin/tool"]),
        draft("aaa-1", &["provides: cap"]),
        draft("cap-1", &[]),
        draft("extra-1", &[]),
        draft("old-1", &["requires: lib < 2"]),
    ]);
    let universe = Universe::new(&pool, &Settings::default());
    let ask = |names: &[&str]| {
        let requests: Vec<_> = names.iter().map(|name| universe.candidates(name)).collect();
        universe.solve(&requests, |_| true)
    };
    let found = ask(&["app"]).expect("it can be installed");
    assert_eq!(
        names(&pool, &found.packages),
        [
            "app-2-1.x86_64",
            "lib-2-1.x86_64",
            "cap-1-1.x86_64",
            "tool-1-1.noarch"
        ]
    );
    let chain = found.why(find(&pool, "tool"));
    assert_eq!(
        names(&pool, &chain),
        ["app-2-1.x86_64", "lib-2-1.x86_64", "tool-1-1.noarch"]
    );
    let recommended: Vec<String> = found
        .recommended
        .iter()
        .map(|entry| pool.dependency_text(entry.dependency))
        .collect();
    assert_eq!(recommended, ["extra"]);
    // Together with something that needs an older library.
    let found = ask(&["app", "old"]).expect("they can be installed");
    assert!(names(&pool, &found.packages).contains(&"lib-1-1.x86_64".to_owned()));
    let refused = ask(&["app", "nothing"]).expect_err("there is no such package");
    assert_eq!(refused.lines(&pool), ["request 2 names no package"]);
    let exact = universe.candidates("app-1-1.x86_64");
    assert_eq!(exact, [find(&pool, "app-1")]);
}

#[test]
fn recommendations_are_judged_like_requirements_and_counted_apart() {
    let pool = pool(&[
        draft("a-1", &["recommends: there", "recommends: gone"]),
        draft("b-1", &["recommends: (gone or there)"]),
        draft("c-1", &["recommends: (gone and there)"]),
        draft("d-1", &["recommends: (gone if there)"]),
        draft("e-1", &["recommends: (gone if lost)"]),
        draft("f-1", &["recommends: (gone if lost else away)"]),
        draft("g-1", &["recommends: (gone if there else away)"]),
        draft("h-1", &["recommends: (there if lost else away)"]),
        draft("i-1", &["recommends: away"]),
        draft("there-1", &[]),
        draft("away-1", &[]),
    ]);
    let universe = Universe::new(&pool, &Settings::default());
    let all = pool.packages().map(|(id, _)| id);
    let there = all
        .filter(|id| pool.nevra(*id) != "away-1-1.x86_64")
        .collect();
    let ids = pool.packages().map(|(id, _)| id);
    let told: Vec<String> = universe
        .unmet_recommendations(ids, &there)
        .iter()
        .map(|one| {
            let others: Vec<String> = one.providers.iter().map(|id| pool.nevra(*id)).collect();
            let what = pool.dependency_text(one.dependency);
            format!("{} {what} [{}]", &pool.nevra(one.by)[..1], others.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "a gone []",
            "c (gone and there) []",
            "d (gone if there) []",
            "f (gone if lost else away) []",
            "g (gone if there else away) []",
            "h (there if lost else away) []",
            "i away [away-1-1.x86_64]",
        ]
    );
}
