//! Licences, sources and versions of everything that a plain build links.
//!
//! `deny.toml` says the same for cargo-deny; a test below holds the two together. Dev-dependencies are not shipped and
//! their licences only noted.

use std::collections::BTreeMap;

use crate::Findings;
use crate::metadata::{Metadata, Package};
use crate::spdx::Expression;

/// Licences that may be linked. GPL and LGPL are left out on purpose.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
    "bzip2-1.0.6",
];

/// The only place that crates come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that are refused below a version, with the reason.
const DENIED_BELOW: &[(&str, (u64, u64), &str)] = &[(
    "quick-xml",
    (0, 41),
    "denial of service, RUSTSEC-2026-0194 and 0195",
)];

/// Checks every package of the graph; reports crates that come in several versions.
pub fn check(metadata: &Metadata) -> Findings {
    let mut findings = Findings::default();
    let shipped = metadata.shipped();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, package) in &metadata.packages {
        if package.member {
            continue;
        }
        if package.source.as_deref() != Some(REGISTRY) {
            let source = package
                .source
                .as_deref()
                .unwrap_or("a path outside the workspace");
            findings.faults.push(format!(
                "{} {} comes from {source}, not from the registry",
                package.name, package.version
            ));
        }
        findings.faults.extend(denied(package));
        let fault = licence_fault(package);
        if shipped.contains(id.as_str()) {
            versions
                .entry(&package.name)
                .or_default()
                .push(&package.version);
            findings.faults.extend(fault);
        } else {
            findings
                .notes
                .extend(fault.map(|fault| format!("tests only: {fault}")));
        }
    }
    let count = versions.values().map(Vec::len).sum::<usize>();
    let several: Vec<String> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} {}", versions.join("+")))
        .collect();
    findings.notes.push(format!(
        "{count} crates are linked; {} in several versions",
        several.len()
    ));
    if !several.is_empty() {
        findings
            .notes
            .push(format!("several versions: {}", several.join(", ")));
    }
    findings
}

fn licence_fault(package: &Package) -> Option<String> {
    let Package { name, version, .. } = package;
    let Some(text) = &package.license else {
        return Some(format!("{name} {version} names no licence"));
    };
    match Expression::parse(text) {
        Err(error) => Some(format!("{name} {version}: {error}")),
        Ok(expression) => (!expression.met_by(&|licence| ALLOWED.contains(&licence)))
            .then(|| format!("{name} {version} is under {text}, which is not allowed")),
    }
}

fn denied(package: &Package) -> Option<String> {
    let mut numbers = package
        .version
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    DENIED_BELOW
        .iter()
        .find(|(name, below, _)| *name == package.name && found < *below)
        .map(|(name, below, why)| {
            format!(
                "{name} {} is refused, {}.{} or later is needed: {why}",
                package.version, below.0, below.1
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Kind;
    use crate::metadata::tests::graph;

    #[test]
    fn a_copyleft_crate_in_the_build_is_a_fault_and_in_tests_a_note() {
        let findings = check(&graph(&[
            (
                "airlock",
                "1",
                "Apache-2.0",
                &[("linked", Kind::Normal), ("oracle", Kind::Dev)],
            ),
            ("linked", "2.0.0", "LGPL-2.1-or-later", &[]),
            ("oracle", "3.0.0", "GPL-3.0-only", &[]),
        ]));
        assert_eq!(
            findings.faults,
            ["linked 2.0.0 is under LGPL-2.1-or-later, which is not allowed"]
        );
        assert_eq!(
            findings.notes[0],
            "tests only: oracle 3.0.0 is under GPL-3.0-only, which is not allowed"
        );
    }

    #[test]
    fn a_choice_with_an_allowed_licence_passes() {
        let findings = check(&graph(&[
            ("airlock", "1", "Apache-2.0", &[("r-efi", Kind::Normal)]),
            (
                "r-efi",
                "5.0.0",
                "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
                &[],
            ),
        ]));
        assert_eq!(findings.faults, Vec::<String>::new());
    }

    #[test]
    fn other_sources_missing_licences_and_bad_versions_are_faults() {
        let mut metadata = graph(&[
            (
                "airlock",
                "1",
                "Apache-2.0",
                &[("forked", Kind::Normal), ("quick-xml", Kind::Normal)],
            ),
            ("forked", "1.0.0", "", &[]),
            ("quick-xml", "0.40.3", "MIT", &[]),
        ]);
        metadata.packages.get_mut("forked 1.0.0").unwrap().source =
            Some("git+https://example.com/forked".to_owned());
        let faults = check(&metadata).faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("not from the registry"));
        assert!(faults[1].contains("names no licence"));
        assert!(faults[2].starts_with("quick-xml 0.40.3 is refused, 0.41 or later is needed"));
    }

    #[test]
    fn several_versions_are_reported() {
        let mut metadata = graph(&[
            ("airlock", "1", "Apache-2.0", &[("sha2", Kind::Normal)]),
            ("sha2", "0.10.9", "MIT", &[]),
        ]);
        let mut newer = metadata.packages["sha2 0.10.9"].clone();
        newer.version = "0.11.0".to_owned();
        metadata.packages.insert("sha2 0.11.0".to_owned(), newer);
        let edge = (
            "sha2 0.11.0".to_owned(),
            std::collections::BTreeSet::from([Kind::Normal]),
        );
        metadata
            .packages
            .get_mut("airlock 1")
            .unwrap()
            .uses
            .push(edge);
        let notes = check(&metadata).notes;
        assert_eq!(
            notes,
            [
                "2 crates are linked; 1 in several versions",
                "several versions: sha2 0.10.9+0.11.0"
            ]
        );
    }

    #[test]
    fn deny_toml_allows_the_same_licences() {
        let text = std::fs::read_to_string(crate::workspace().join("deny.toml")).unwrap();
        let list = text
            .split("allow = [")
            .nth(1)
            .and_then(|rest| rest.split(']').next())
            .unwrap();
        let named: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(named, ALLOWED);
    }
}
