//! What `cargo metadata` says, cut down to what the checks need.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::floors::TOOLS;

/// The kinds of an edge between two packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

/// One package of the resolved graph.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SPDX expression of its manifest.
    pub license: Option<String>,
    /// Where it comes from; `None` for a path.
    pub source: Option<String>,
    /// Whether it belongs to the workspace.
    pub member: bool,
    /// Ids of what it uses, with the kinds of use.
    pub uses: Vec<(String, BTreeSet<Kind>)>,
}

/// The resolved graph by package id.
#[derive(Debug, Default)]
pub struct Metadata {
    /// Package id → package.
    pub packages: BTreeMap<String, Package>,
}

impl Metadata {
    /// Asks cargo, with the default features and for Linux on x86_64, which is what a plain build links.
    pub fn load(root: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .current_dir(root)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(Self::from_json(&serde_json::from_slice(&output.stdout)?))
    }

    /// Reads the document that `cargo metadata --format-version 1` prints.
    pub fn from_json(document: &Value) -> Self {
        let members: BTreeSet<&str> = strings(&document["workspace_members"]).collect();
        let mut packages = BTreeMap::new();
        for package in array(&document["packages"]) {
            let id = text(&package["id"]);
            let entry = Package {
                name: text(&package["name"]).to_owned(),
                version: text(&package["version"]).to_owned(),
                license: package["license"].as_str().map(str::to_owned),
                source: package["source"].as_str().map(str::to_owned),
                member: members.contains(id),
                uses: Vec::new(),
            };
            packages.insert(id.to_owned(), entry);
        }
        for node in array(&document["resolve"]["nodes"]) {
            let uses = array(&node["deps"]).map(|edge| {
                let kinds = array(&edge["dep_kinds"]).map(|kind| match kind["kind"].as_str() {
                    Some("dev") => Kind::Dev,
                    Some("build") => Kind::Build,
                    _ => Kind::Normal,
                });
                (text(&edge["pkg"]).to_owned(), kinds.collect())
            });
            if let Some(package) = packages.get_mut(text(&node["id"])) {
                package.uses = uses.collect();
            }
        }
        Self { packages }
    }

    /// The packages of the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.member)
    }

    /// Every package that the programs and libraries of the workspace link or run to be built: reached without
    /// dev-dependencies and without the tools.
    pub fn shipped(&self) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting: VecDeque<&str> = self
            .packages
            .iter()
            .filter(|(_, package)| package.member && !TOOLS.contains(&package.name.as_str()))
            .map(|(id, _)| id.as_str())
            .collect();
        while let Some(id) = waiting.pop_front() {
            if !reached.insert(id) {
                continue;
            }
            let uses = self
                .packages
                .get(id)
                .map(|package| package.uses.as_slice())
                .unwrap_or_default();
            for (used, kinds) in uses {
                if kinds.iter().any(|kind| *kind != Kind::Dev) {
                    waiting.push_back(used);
                }
            }
        }
        reached
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    array(value).filter_map(Value::as_str)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Name, version, licence, uses.
    pub type Described<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, Kind)]);

    /// A graph out of `(name, version, licence, [(used name, kind)])`; names that start with `airlock` or are `xtask`
    /// are members.
    pub fn graph(packages: &[Described]) -> Metadata {
        let id = |name: &str| {
            let found = packages
                .iter()
                .find(|package| package.0 == name)
                .expect("a used package is described");
            format!("{name} {}", found.1)
        };
        let described = packages.iter().map(|(name, version, license, uses)| {
            let member = name.starts_with("airlock") || *name == "xtask";
            let registry = "registry+https://github.com/rust-lang/crates.io-index".to_owned();
            let package = Package {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                license: (!license.is_empty()).then(|| (*license).to_owned()),
                source: (!member).then_some(registry),
                member,
                uses: uses
                    .iter()
                    .map(|(used, kind)| (id(used), BTreeSet::from([*kind])))
                    .collect(),
            };
            (format!("{name} {version}"), package)
        });
        Metadata {
            packages: described.collect(),
        }
    }

    #[test]
    fn the_document_of_cargo_is_read() {
        let document = serde_json::json!({
            "workspace_members": ["path+file:///w/airlock#0.1.0"],
            "packages": [
                {"id": "path+file:///w/airlock#0.1.0", "name": "airlock", "version": "0.1.0", "license": "Apache-2.0", "source": null},
                {"id": "registry+x#hex@0.4.3", "name": "hex", "version": "0.4.3", "license": "MIT OR Apache-2.0", "source": "registry+x"}
            ],
            "resolve": {"nodes": [
                {"id": "path+file:///w/airlock#0.1.0", "deps": [{"pkg": "registry+x#hex@0.4.3", "dep_kinds": [{"kind": null}, {"kind": "dev"}]}]}
            ]}
        });
        let metadata = Metadata::from_json(&document);
        assert_eq!(metadata.members().count(), 1);
        let airlock = metadata.members().next().unwrap();
        assert_eq!(airlock.uses[0].1, BTreeSet::from([Kind::Normal, Kind::Dev]));
        assert!(metadata.shipped().contains("registry+x#hex@0.4.3"));
    }

    #[test]
    fn what_only_tests_use_is_not_shipped() {
        let metadata = graph(&[
            (
                "airlock",
                "1",
                "MIT",
                &[("insta", Kind::Dev), ("cc", Kind::Build)],
            ),
            ("insta", "1", "MIT", &[("console", Kind::Normal)]),
            ("console", "1", "MIT", &[]),
            ("cc", "1", "MIT", &[]),
        ]);
        assert_eq!(metadata.shipped(), BTreeSet::from(["airlock 1", "cc 1"]));
    }
}
