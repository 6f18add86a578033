//! What the fuzz target `rich` does with its bytes; the tests of `airlock-solve` replay it.

use airlock_solve::{DependencyKind, Draft, Installability, Pool, PoolBuilder, Settings, Universe};

/// Takes a text as requirement and conflict of a package beside two others: nothing may panic, the
/// text that is shown means the same, and what is stored comes back.
pub fn rich(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (pool, shown) = pool_with(&format!("({text}"));
    let universe = Universe::new(&pool, &Settings::default());
    let broken: Vec<_> = Installability::check(&universe).broken().collect();
    for id in &broken {
        assert!(universe.explain(*id, |_| true).is_some());
    }
    // What rpm itself provides is passed over where it stands alone, as rpm writes it, and is a name like others within an
    // expression.
    if pool.malformed().is_empty() && !text.contains("rpmlib(") {
        let (again, shown_again) = pool_with(&shown);
        assert!(again.malformed().is_empty(), "{shown:?} from {text:?}");
        assert_eq!(shown, shown_again);
        let universe = Universe::new(&again, &Settings::default());
        assert_eq!(
            Installability::check(&universe).broken().count(),
            broken.len()
        );
    }
    let stored = pool.write();
    assert_eq!(
        Pool::read(&stored).map(|pool| pool.write()).ok(),
        Some(stored)
    );
    // The same bytes as a stored pool, and as the end of one.
    let _ = Pool::read(bytes);
}

/// A pool with the requirement, and its text as it is shown.
fn pool_with(text: &str) -> (Pool, String) {
    let mut builder = PoolBuilder::new();
    let repository = builder.add_repository("fuzz");
    let drafts = [
        Draft::new("x", "1-1", "noarch")
            .with(DependencyKind::Requires, text)
            .with(DependencyKind::Conflicts, text),
        Draft::new("a", "1-1", "noarch").with(DependencyKind::Provides, "c = 2"),
        Draft::new("b", "2-1", "noarch").with(DependencyKind::Provides, "c = 1"),
    ];
    for draft in &drafts {
        let added = builder.add_draft(repository, draft, 0);
        assert!(added.is_ok(), "{added:?}");
    }
    let pool = builder.finish();
    let x = pool
        .packages()
        .map(|(id, _)| id)
        .find(|id| pool.name(*id) == "x");
    let requires = x.map(|x| pool.list(x, DependencyKind::Requires).to_vec());
    let shown = requires.and_then(|list| list.first().copied());
    let shown = shown.map_or_else(String::new, |id| pool.dependency_text(id));
    (pool, shown)
}
