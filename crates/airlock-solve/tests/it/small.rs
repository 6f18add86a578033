//! Small pools written down by hand.

use airlock_solve::{
    DependencyKind as Kind, Draft, Installability, PackageId, Pool, PoolBuilder, Settings, Universe,
};

/// A pool of one repository.
pub fn pool(drafts: &[Draft]) -> Pool {
    let mut builder = PoolBuilder::new();
    let repository = builder.add_repository("r");
    for (key, draft) in drafts.iter().enumerate() {
        builder
            .add_draft(repository, draft, key as u64)
            .expect("a package");
    }
    builder.finish()
}

/// `name-version` or `name-version.arch`, release 1, with dependencies like `requires: a >= 1`.
pub fn draft(nvra: &str, dependencies: &[&str]) -> Draft {
    let (name, rest) = nvra.split_once('-').expect("name-version");
    let (version, arch) = rest.split_once('.').unwrap_or((rest, "x86_64"));
    let evr = match version.contains('-') {
        true => version.to_owned(),
        false => format!("{version}-1"),
    };
    let mut draft = Draft::new(name, &evr, arch);
    for dependency in dependencies {
        let (kind, text) = dependency.split_once(": ").expect("kind: text");
        if kind == "file" {
            draft = draft.with_file(text);
            continue;
        }
        let kind = match kind {
            "provides" => Kind::Provides,
            "requires" => Kind::Requires,
            "conflicts" => Kind::Conflicts,
            "obsoletes" => Kind::Obsoletes,
            "recommends" => Kind::Recommends,
            other => panic!("{other}"),
        };
        draft = draft.with(kind, text);
    }
    draft
}

/// The package with a name and version of a pool.
pub fn find(pool: &Pool, nv: &str) -> PackageId {
    let found = pool
        .packages()
        .map(|(id, _)| id)
        .find(|id| pool.nevra(*id).starts_with(nv));
    found.unwrap_or_else(|| panic!("{nv} is not there"))
}

pub fn broken(pool: &Pool) -> Vec<String> {
    let universe = Universe::new(pool, &Settings::default());
    let found = Installability::check(&universe);
    found.broken().map(|id| pool.name(id).to_owned()).collect()
}

/// True when `x` can be installed beside the others.
fn installs(requires: &str, others: &[Draft]) -> bool {
    let mut drafts = others.to_vec();
    drafts.push(draft("x-1", &[&format!("requires: {requires}")]));
    !broken(&pool(&drafts)).contains(&"x".to_owned())
}

#[test]
fn versions_meet_as_for_rpm() {
    let offers = |provides: &str| [draft("p-9", &[&format!("provides: {provides}")])];
    for (requires, provides, met) in [
        ("c", "c", true),
        ("c", "c = 1", true),
        ("c = 1", "c", true),
        ("c = 1", "c = 1-5", true),
        ("c = 1-5", "c = 1", true),
        ("c = 1-4", "c = 1-5", false),
        ("c < 1-5", "c = 1", true),
        ("c > 1", "c = 1-5", false),
        ("c >= 1", "c = 1-5", true),
        ("c > 1-5", "c = 1", true),
        ("c = 0:1", "c = 1", true),
        ("c = 1:1", "c = 1", false),
        ("c < 1:0", "c = 5", true),
        ("c >= 2", "c < 3", true),
        ("c >= 3", "c < 3", false),
        ("c >= 3", "c <= 3", true),
        ("c > 1", "c > 5", true),
        ("c = 1.0~rc1", "c = 1.0~rc1-1", true),
        ("c >= 1.0", "c = 1.0~rc1-1", false),
        ("c >= 1.0", "c = 1.0^git1-1", true),
        ("c = 1.0", "c = 1_0", true),
        ("d", "c", false),
        ("p = 9", "c", true),
        ("p = 8", "c", false),
        ("rpmlib(X) <= 1", "c", true),
    ] {
        assert_eq!(
            installs(requires, &offers(provides)),
            met,
            "{requires} / {provides}"
        );
    }
}

#[test]
fn paths_are_provided_by_their_owners() {
    let others = [draft("a-1", &["file: /usr/share/x", "provides: /by/name"])];
    assert!(installs("/usr/share/x", &others));
    assert!(installs("/by/name", &others));
    assert!(!installs("/usr/share/y", &others));
    assert!(installs("(/nothing or /usr/share/x)", &others));
}

#[test]
fn rich_requirements_mean_what_rpm_says() {
    let others = [
        draft("a-1", &["provides: both", "provides: v = 1"]),
        draft(
            "b-1",
            &["provides: both", "provides: v = 5", "provides: extra"],
        ),
        draft("needsa-1", &["requires: a"]),
        draft("nota-1", &["conflicts: a"]),
    ];
    for (requires, met) in [
        ("(a and b)", true),
        ("(a and missing)", false),
        ("(missing or b)", true),
        ("(missing or gone)", false),
        ("(missing if a)", true),
        ("((missing if a) and a)", false),
        ("((b if a) and needsa)", true),
        ("(a if missing else b)", true),
        ("(a if missing else gone)", false),
        ("(missing if b else a)", true),
        ("(a unless b)", true),
        ("((a unless b) and b)", false),
        ("(missing unless b)", false),
        ("(missing unless a else b)", true),
        ("(missing unless a else gone)", false),
        ("(missing unless a else a)", true),
        ("(both with extra)", true),
        ("(a with extra)", false),
        ("(both without extra)", true),
        ("(b without extra)", false),
        ("(v >= 1 with v < 3)", true),
        ("(v > 1 with v < 3)", false),
        ("(a and nota)", false),
        ("((a or missing) with both)", true),
        ("(a or", false),
    ] {
        assert_eq!(installs(requires, &others), met, "{requires}");
    }
}

#[test]
fn a_malformed_dependency_is_reported() {
    let pool = pool(&[draft("x-1", &["requires: (a or b", "conflicts: (c"])]);
    let texts: Vec<String> = pool
        .malformed()
        .iter()
        .map(|entry| pool.dependency_text(entry.dependency))
        .collect();
    assert_eq!(texts, ["(a or b", "(c"]);
    let universe = Universe::new(&pool, &Settings::default());
    let explanation = universe
        .explain(find(&pool, "x"), |_| true)
        .expect("broken");
    assert_eq!(
        explanation.lines(&pool),
        ["x-1-1.x86_64 needs (a or b, which cannot be understood: it ends too early"]
    );
}

#[test]
fn exclusions_are_seen() {
    let found = broken(&pool(&[
        draft("a-1", &["conflicts: b"]),
        draft("b-1", &[]),
        draft("both-1", &["requires: a", "requires: b"]),
        draft("self-1", &["conflicts: self"]),
        draft("old-1", &[]),
        draft("new-1", &["obsoletes: old < 2"]),
        draft("oldnew-1", &["requires: old = 1", "requires: new"]),
        draft("cap-1", &["provides: old = 0"]),
        draft("capnew-1", &["requires: cap", "requires: new"]),
        draft("m-1", &[]),
        draft("m-2", &[]),
        draft("two-1", &["requires: m = 1", "requires: m = 2"]),
        draft("n-1.x86_64", &[]),
        draft("n-1.i686", &["provides: n32"]),
        draft("n-2.noarch", &["provides: n2"]),
        draft("multi-1", &["requires: n = 1", "requires: n32"]),
        draft("mixed-1", &["requires: n32", "requires: n2"]),
        draft("kernel-1", &[]),
        draft("kernel-2", &[]),
        draft(
            "kernels-1",
            &["requires: kernel = 1", "requires: kernel = 2"],
        ),
        draft("foreign-1.aarch64", &["provides: far"]),
        draft("far-1", &["requires: far < 1"]),
        draft("r-1", &["conflicts: (a and m)"]),
        draft("ra-1", &["requires: r", "requires: a"]),
        draft("ram-1", &["requires: ra", "requires: m"]),
    ]));
    assert_eq!(found, ["both", "far", "mixed", "oldnew", "ram", "two"]);
}
