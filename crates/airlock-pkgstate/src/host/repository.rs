//! Asking the package manager which versions its repositories offer.

use std::path::Path;

use super::Host;
use crate::inventory::Installed;
use crate::run::Machine;
use crate::run::command::{Command, Manager};
use crate::xml::Document;

/// Finds the package manager of this machine.
pub(super) fn find_manager() -> Manager {
    let there = |path: &str| Path::new(path).exists();
    if there("/usr/bin/zypper") && there("/etc/zypp/zypp.conf") && !there("/usr/bin/dnf") {
        Manager::Zypper
    } else if there("/usr/bin/dnf") || there("/usr/bin/dnf5") {
        Manager::Dnf
    } else if there("/usr/bin/zypper") {
        Manager::Zypper
    } else {
        Manager::Yum
    }
}

impl Host {
    pub(super) fn ask_repositories(&mut self, name: &str) -> Option<Vec<Installed>> {
        if name.starts_with('-') {
            return None;
        }
        let manager = self.manager();
        let command = match manager {
            Manager::Dnf => Command::new(
                "dnf",
                [
                    "-q",
                    "repoquery",
                    "--available",
                    "--latest-limit=1",
                    "--qf",
                    "%{name} %{epoch} %{version} %{release} %{arch}\n",
                    name,
                ],
            ),
            Manager::Yum => Command::new("yum", ["-q", "list", "available", name]),
            Manager::Zypper => Command::new(
                "zypper",
                [
                    "--xmlout",
                    "--non-interactive",
                    "search",
                    "--details",
                    "--match-exact",
                    name,
                ],
            ),
        };
        let ran = self.execute(&command);
        // yum says 1 when it has nothing to list, zypper 104.
        if !matches!(ran.exit, Some(0 | 1 | 104)) {
            return None;
        }
        Some(match manager {
            Manager::Dnf => ran
                .output
                .lines()
                .filter_map(|line| words(line, name))
                .collect(),
            Manager::Yum => ran
                .output
                .lines()
                .filter_map(|line| listed(line, name))
                .collect(),
            Manager::Zypper => solvables(&ran.output, name),
        })
    }
}

/// `NAME EPOCH VERSION RELEASE ARCH`.
fn words(line: &str, name: &str) -> Option<Installed> {
    let mut words = line.split_whitespace();
    if words.next()? != name {
        return None;
    }
    Some(Installed {
        name: name.to_owned(),
        epoch: words.next()?.parse().ok(),
        version: words.next()?.to_owned(),
        release: words.next()?.to_owned(),
        arch: Some(words.next()?.to_owned()),
        ..Installed::default()
    })
}

/// `NAME.ARCH  [EPOCH:]VERSION-RELEASE  REPOSITORY`.
fn listed(line: &str, name: &str) -> Option<Installed> {
    let mut words = line.split_whitespace();
    let (found, arch) = words.next()?.rsplit_once('.')?;
    if found != name {
        return None;
    }
    edition(name, words.next()?, arch)
}

fn edition(name: &str, edition: &str, arch: &str) -> Option<Installed> {
    let (epoch, rest) = match edition.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().ok(), rest),
        None => (None, edition),
    };
    let (version, release) = rest.rsplit_once('-')?;
    Some(Installed {
        name: name.to_owned(),
        epoch,
        version: version.to_owned(),
        release: release.to_owned(),
        arch: Some(arch.to_owned()),
        ..Installed::default()
    })
}

/// zypper's XML: the newest of each architecture.
fn solvables(text: &str, name: &str) -> Vec<Installed> {
    let Ok(document) = Document::parse("zypper", text.trim().as_bytes()) else {
        return Vec::new();
    };
    let mut newest: Vec<Installed> = Vec::new();
    for element in document.root.walk().filter(|one| one.name == "solvable") {
        let of = |attribute: &str| element.attribute(attribute);
        let (Some(found), Some(text), Some(arch)) = (of("name"), of("edition"), of("arch")) else {
            continue;
        };
        if found != name || of("kind") != Some("package") {
            continue;
        }
        let Some(one) = edition(name, text, arch) else {
            continue;
        };
        match newest.iter_mut().find(|known| known.arch == one.arch) {
            Some(known) if crate::decide::is_newer(&one, known) => *known = one,
            Some(_) => {}
            None => newest.push(one),
        }
    }
    newest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_each_manager_are_read() {
        let one = words("alpha 0 2.0 1 noarch", "alpha").unwrap();
        assert_eq!(one.spec(), "alpha-0:2.0-1.noarch");
        assert!(words("Last metadata expiration check", "alpha").is_none());
        let one = listed("alpha.x86_64   1:2.0-1.el7   updates", "alpha").unwrap();
        assert_eq!(one.spec(), "alpha-1:2.0-1.el7.x86_64");
        let xml = "<?xml version='1.0'?><stream><search-result><solvable-list>\
            <solvable status='not-installed' name='alpha' kind='package' edition='1.0-1' arch='noarch' repository='r'/>\
            <solvable status='not-installed' name='alpha' kind='package' edition='2.0-1' arch='noarch' repository='r'/>\
            </solvable-list></search-result></stream>";
        let all = solvables(xml, "alpha");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].version, "2.0");
    }
}
