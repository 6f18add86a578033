//! Asking the package manager which versions its repositories offer.

use std::path::Path;

use super::Host;
use crate::inventory::Installed;
use crate::run::Machine;
use crate::run::command::{Command, Manager, WHOLE_ANSWER};
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

/// So many names are asked about at once: more may be too long for a command line.
const MOST_NAMES: usize = 500;

impl Host {
    /// Finds out what repositories offer of these names, where that is not known yet: one question for all of them, since each
    /// makes the manager read its metadata.
    pub(super) fn ask_repositories(&mut self, names: Vec<String>) {
        let mut unknown: Vec<String> = Vec::new();
        for name in names {
            if !self.offers.contains_key(&name) && !unknown.contains(&name) {
                // What the manager would take for an option or a pattern has no newest version.
                match name.starts_with('-') || name.contains(['*', '?', '[', ' ']) {
                    true => {
                        self.offers.insert(name, None);
                    }
                    false => unknown.push(name),
                }
            }
        }
        for names in unknown.chunks(MOST_NAMES) {
            let offered = self.ask_about_names(names);
            for name in names {
                let of_name = offered.as_ref().map(|all| {
                    let named = all.iter().filter(|one| one.name == *name);
                    named.cloned().collect()
                });
                self.offers.insert(name.clone(), of_name);
            }
        }
    }

    fn ask_about_names(&mut self, names: &[String]) -> Option<Vec<Installed>> {
        let manager = self.manager();
        let command = match manager {
            Manager::Dnf => Command::new(
                "dnf",
                [
                    WHOLE_ANSWER,
                    "-q",
                    "repoquery",
                    "--available",
                    "--latest-limit=1",
                    "--qf",
                    "%{name} %{epoch} %{version} %{release} %{arch}\n",
                ],
            ),
            Manager::Yum => Command::new("yum", [WHOLE_ANSWER, "-q", "list", "available"]),
            Manager::Zypper => Command::new(
                "zypper",
                [
                    "--xmlout",
                    "--non-interactive",
                    "search",
                    "--details",
                    "--match-exact",
                ],
            ),
        };
        let command = command.and(names.iter().cloned());
        match manager {
            Manager::Dnf => {
                let answer = self.answer(&command, &[0]).ok()?;
                Some(answer.lines().filter_map(words).collect())
            }
            Manager::Yum => match self.answer(&command, &[0]) {
                Ok(answer) => Some(rows(&answer).iter().filter_map(|row| listed(row)).collect()),
                // That it has nothing to list it says with the exit status of faults.
                Err(why) if why.contains("No matching Packages") => Some(Vec::new()),
                Err(_) => None,
            },
            // 104: nothing is found.
            Manager::Zypper => solvables(&self.answer(&command, &[0, 104]).ok()?),
        }
    }
}

/// yum breaks rows that are too long for its columns: what begins with blanks goes on from the line before.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for line in text.lines() {
        match rows.last_mut() {
            Some(row) if line.starts_with(' ') => row.push_str(line),
            _ => rows.push(line.to_owned()),
        }
    }
    rows
}

/// `NAME EPOCH VERSION RELEASE ARCH`.
fn words(line: &str) -> Option<Installed> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, epoch, version, release, arch] = words.as_slice() else {
        return None;
    };
    Some(Installed {
        name: (*name).to_owned(),
        epoch: Some(epoch.parse().ok()?),
        version: (*version).to_owned(),
        release: (*release).to_owned(),
        arch: Some((*arch).to_owned()),
        ..Installed::default()
    })
}

/// `NAME.ARCH  [EPOCH:]VERSION-RELEASE  REPOSITORY`.
fn listed(line: &str) -> Option<Installed> {
    let mut words = line.split_whitespace();
    let (name, arch) = words.next()?.rsplit_once('.')?;
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

/// zypper's XML: the newest of each name and architecture.
fn solvables(text: &str) -> Option<Vec<Installed>> {
    let document = Document::parse("zypper", text.trim().as_bytes()).ok()?;
    let mut newest: Vec<Installed> = Vec::new();
    for element in document.root.walk().filter(|one| one.name == "solvable") {
        let of = |attribute: &str| element.attribute(attribute);
        let (Some(found), Some(text), Some(arch)) = (of("name"), of("edition"), of("arch")) else {
            continue;
        };
        if of("kind") != Some("package") {
            continue;
        }
        let Some(one) = edition(found, text, arch) else {
            continue;
        };
        let same = |known: &&mut Installed| known.name == one.name && known.arch == one.arch;
        match newest.iter_mut().find(same) {
            Some(known) if crate::decide::is_newer(&one, known) => *known = one,
            Some(_) => {}
            None => newest.push(one),
        }
    }
    Some(newest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_each_manager_are_read() {
        let one = words("alpha 0 2.0 1 noarch").unwrap();
        assert_eq!(one.spec(), "alpha-0:2.0-1.noarch");
        assert!(words("Last metadata expiration check: now").is_none());
        let one = listed("alpha.x86_64   1:2.0-1.el7   updates").unwrap();
        assert_eq!(one.spec(), "alpha-1:2.0-1.el7.x86_64");
        let broken = "Available Packages\na-very-long-name-indeed.x86_64\n                 2.0-1.el7      updates\nb.noarch  1-1 r\n";
        let rows = rows(broken);
        let found: Vec<String> = rows
            .iter()
            .filter_map(|row| listed(row))
            .map(|one| one.spec())
            .collect();
        assert_eq!(
            found,
            ["a-very-long-name-indeed-2.0-1.el7.x86_64", "b-1-1.noarch"]
        );
        let xml = "<?xml version='1.0'?><stream><search-result><solvable-list>\
            <solvable status='not-installed' name='alpha' kind='package' edition='1.0-1' arch='noarch' repository='r'/>\
            <solvable status='not-installed' name='alpha' kind='package' edition='2.0-1' arch='noarch' repository='r'/>\
            </solvable-list></search-result></stream>";
        let all = solvables(xml).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].version, "2.0");
    }
}
