//! The floors: a crate uses only crates of lower floors.
//!
//! The table is the one of ARCHITECTURE.md. A second table says which outside library belongs to which crate alone.

use crate::Findings;
use crate::metadata::{Kind, Metadata, Package};

/// The floor of every crate of the workspace.
const FLOORS: &[(&str, u8)] = &[
    ("airlock-rpm", 0),
    ("airlock-repodata", 0),
    ("airlock-solve", 0),
    ("airlock-ini", 0),
    ("airlock-xmlrpc", 0),
    ("airlock-model", 1),
    ("airlock-db", 2),
    ("airlock-blob", 2),
    ("airlock-fetch", 2),
    ("airlock-createrepo", 3),
    ("airlock-content", 3),
    ("airlock-fleet", 3),
    ("airlock-pkgstate", 3),
    ("airlock-server", 4),
    ("airlock", 5),
    ("airlock-agent", 5),
    ("airlock-virt-who", 5),
];

/// The uses within one floor that are allowed.
const BESIDE: &[(&str, &str)] = &[
    ("airlock-repodata", "airlock-rpm"),
    ("airlock-solve", "airlock-repodata"),
    ("airlock-solve", "airlock-rpm"),
];

/// Crates that no shipped crate may use; tests may.
pub const TOOLS: &[&str] = &["airlock-testkit", "xtask"];

/// Outside libraries that only these crates may name, and from which floor on others may not be lower.
const OWNERS: &[(&str, &[&str])] = &[
    ("sqlx", &["airlock-db"]),
    ("object_store", &["airlock-blob"]),
    // virt-who and the agent post to servers and hypervisors; airlock-fetch only downloads.
    (
        "reqwest",
        &[
            "airlock-fetch",
            "airlock",
            "airlock-agent",
            "airlock-virt-who",
        ],
    ),
    ("axum", &["airlock-server"]),
    // createrepo has the command line of createrepo_c, pkgstate those of pkgmgr_gen and pkgmgr_update: things of their own.
    (
        "clap",
        &[
            "airlock",
            "airlock-agent",
            "airlock-createrepo",
            "airlock-pkgstate",
            "airlock-virt-who",
        ],
    ),
];

/// Libraries that the two lowest floors do without: they take bytes and give values.
const NOT_BELOW_TWO: &[&str] = &["tokio", "hyper", "futures-util", "tempfile"];

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|entry| entry.0 == name)
        .map(|entry| entry.1)
}

/// Finds upward and sideways uses, crates without a floor, and libraries used by a crate that does not own them.
pub fn check(metadata: &Metadata) -> Findings {
    let mut findings = Findings::default();
    for package in metadata
        .members()
        .filter(|package| !TOOLS.contains(&package.name.as_str()))
    {
        let Some(own) = floor(&package.name) else {
            findings.faults.push(format!(
                "{} has no floor; add it to FLOORS in xtask/src/floors.rs and to ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        for (id, kinds) in &package.uses {
            let Some(used) = metadata.packages.get(id) else {
                continue;
            };
            let only_tests = kinds.iter().all(|kind| *kind == Kind::Dev);
            let fault = if used.member {
                inside(package, own, used, only_tests)
            } else {
                outside(package, own, used, only_tests)
            };
            findings.faults.extend(fault);
        }
    }
    findings
}

fn inside(package: &Package, own: u8, used: &Package, only_tests: bool) -> Option<String> {
    if TOOLS.contains(&used.name.as_str()) {
        return (!only_tests).then(|| {
            format!(
                "{} -> {}: a tool may be used by tests only (dev-dependencies)",
                package.name, used.name
            )
        });
    }
    // A crate without a floor is reported where it is looked at itself.
    let other = floor(&used.name)?;
    let beside = BESIDE.contains(&(package.name.as_str(), used.name.as_str()));
    (other >= own && !beside).then(|| {
        let direction = if other > own { "up" } else { "sideways" };
        format!(
            "{} (floor {own}) -> {} (floor {other}) goes {direction}",
            package.name, used.name
        )
    })
}

fn outside(package: &Package, own: u8, used: &Package, only_tests: bool) -> Option<String> {
    if only_tests {
        return None;
    }
    if let Some((library, owners)) = OWNERS.iter().find(|entry| entry.0 == used.name) {
        return (!owners.contains(&package.name.as_str())).then(|| {
            format!(
                "{} -> {library}: only {} may use it",
                package.name,
                owners.join(", ")
            )
        });
    }
    (own < 2 && NOT_BELOW_TWO.contains(&used.name.as_str())).then(|| {
        format!(
            "{} (floor {own}) -> {}: floors 0 and 1 do no input or output",
            package.name, used.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::{Described, graph};

    fn faults(packages: &[Described]) -> Vec<String> {
        check(&graph(packages)).faults
    }

    #[test]
    fn downward_uses_pass() {
        let found = faults(&[
            (
                "airlock-db",
                "1",
                "",
                &[("airlock-model", Kind::Normal), ("sqlx", Kind::Normal)],
            ),
            ("airlock-model", "1", "", &[]),
            (
                "airlock-repodata",
                "1",
                "",
                &[("airlock-rpm", Kind::Normal)],
            ),
            ("airlock-rpm", "1", "", &[("airlock-testkit", Kind::Dev)]),
            ("airlock-testkit", "1", "", &[("tempfile", Kind::Normal)]),
            ("sqlx", "1", "", &[]),
            ("tempfile", "1", "", &[]),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_upward_use_is_named() {
        let found = faults(&[
            ("airlock-model", "1", "", &[("airlock-db", Kind::Normal)]),
            ("airlock-db", "1", "", &[]),
        ]);
        assert_eq!(
            found,
            ["airlock-model (floor 1) -> airlock-db (floor 2) goes up"]
        );
    }

    #[test]
    fn a_test_may_not_go_up_either() {
        let found = faults(&[
            ("airlock-model", "1", "", &[("airlock-server", Kind::Dev)]),
            ("airlock-server", "1", "", &[]),
        ]);
        assert_eq!(
            found,
            ["airlock-model (floor 1) -> airlock-server (floor 4) goes up"]
        );
    }

    #[test]
    fn a_sideways_use_is_named() {
        let found = faults(&[
            ("airlock-blob", "1", "", &[("airlock-db", Kind::Normal)]),
            ("airlock-db", "1", "", &[]),
        ]);
        assert_eq!(
            found,
            ["airlock-blob (floor 2) -> airlock-db (floor 2) goes sideways"]
        );
    }

    #[test]
    fn the_kit_is_for_tests_only() {
        let found = faults(&[
            (
                "airlock-fetch",
                "1",
                "",
                &[("airlock-testkit", Kind::Normal)],
            ),
            ("airlock-testkit", "1", "", &[]),
        ]);
        assert_eq!(
            found,
            [
                "airlock-fetch -> airlock-testkit: a tool may be used by tests only (dev-dependencies)"
            ]
        );
    }

    #[test]
    fn a_crate_without_a_floor_is_named() {
        let found = faults(&[("airlock-new", "1", "", &[])]);
        assert!(
            found[0].starts_with("airlock-new has no floor"),
            "{found:?}"
        );
    }

    #[test]
    fn outside_libraries_have_owners() {
        let found = faults(&[
            ("airlock-content", "1", "", &[("sqlx", Kind::Normal)]),
            (
                "airlock-rpm",
                "1",
                "",
                &[("tokio", Kind::Normal), ("tempfile", Kind::Dev)],
            ),
            ("sqlx", "1", "", &[]),
            ("tokio", "1", "", &[]),
            ("tempfile", "1", "", &[]),
        ]);
        assert_eq!(
            found,
            [
                "airlock-content -> sqlx: only airlock-db may use it",
                "airlock-rpm (floor 0) -> tokio: floors 0 and 1 do no input or output"
            ]
        );
    }
}
