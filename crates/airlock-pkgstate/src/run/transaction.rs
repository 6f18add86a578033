//! What a package manager would do for a request, asked before anything is done: what it adds and what it takes away.

use super::action::{Action, ActionKind};
use super::command::{Command, Manager, Ran};
use super::further::epoch;
use crate::xml::{Document, Node};

/// One package of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: ActionKind,
    pub(super) name: String,
    /// `[EPOCH:]VERSION[-RELEASE]`.
    pub(super) evr: String,
    pub(super) arch: String,
}

impl Change {
    /// The action that it is, with its reason.
    pub(super) fn action(&self, reason: String) -> Action {
        let entry = format!("Package:{}", self.name);
        let mut action = Action::new(self.kind, entry, &self.name, reason);
        let (epoch, rest) = match self.evr.split_once(':') {
            Some((epoch, rest)) => (Some(epoch), rest),
            None => (None, self.evr.as_str()),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        action.epoch = epoch.map(str::to_owned);
        action.version = Some(version.to_owned());
        action.release = release.map(str::to_owned);
        action.arch = Some(self.arch.clone()).filter(|arch| !arch.is_empty());
        action
    }

    /// What was asked for by one of the actions.
    pub(super) fn is_one_of(&self, actions: &[Action]) -> bool {
        let removes = self.kind == ActionKind::Remove;
        let own = self.action(String::new());
        let version = |action: &Action| {
            action.version.is_none()
                || (action.version == own.version
                    && action.release == own.release
                    && epoch(action) == epoch(&own))
        };
        actions.iter().any(|action| {
            action.name == self.name
                && action.is_removal() == removes
                && action.arch.as_ref().is_none_or(|arch| *arch == self.arch)
                // Another version of what goes, of a kernel say, was not asked for.
                && (!removes || version(action))
        })
    }
}

/// The question: the command of a request, made to change nothing.
pub(super) fn question(manager: Manager, request: &Command) -> Command {
    let mut arguments = Vec::new();
    match manager {
        Manager::Dnf | Manager::Yum => {
            let words = request.arguments.iter();
            arguments.extend(words.map(|word| match word.as_str() {
                "-y" => "--assumeno".to_owned(),
                _ => word.clone(),
            }));
        }
        Manager::Zypper => {
            arguments.push("--xmlout".to_owned());
            for word in &request.arguments {
                arguments.push(word.clone());
                if word == "install" {
                    arguments.push("--dry-run".to_owned());
                }
            }
        }
    }
    Command::new(&request.program, arguments)
}

/// Reads the answer; `None` when there is none: the request cannot be met, or the answer is not understood.
pub(super) fn read(manager: Manager, ran: &Ran) -> Option<Vec<Change>> {
    if ran.omitted > 0 {
        return None;
    }
    match manager {
        Manager::Dnf | Manager::Yum => table(&ran.output),
        Manager::Zypper if ran.exit == Some(0) => summary(&ran.output),
        Manager::Zypper => None,
    }
}

/// Why there is no answer, in the manager's words.
pub(super) fn refusal(ran: &Ran) -> String {
    if ran.command.program == "zypper" {
        return messages(&ran.output).unwrap_or_else(|| format!("exit status {:?}", ran.exit));
    }
    let lines = || {
        ran.output
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    // dnf explains below its error, until it gives advice in parentheses.
    let explained = lines()
        .skip_while(|line| !line.starts_with("Error:"))
        .take_while(|line| !line.starts_with('('));
    let explained: Vec<&str> = explained.take(MOST_LINES).collect();
    if !explained.is_empty() {
        return explained.join(" ");
    }
    let lines = lines();
    let telling = |line: &&str| {
        let lower = line.to_lowercase();
        ["error", "problem", "no match", "not found", "nothing"]
            .iter()
            .any(|word| lower.contains(word))
    };
    let found: Vec<&str> = lines.filter(telling).take(3).collect();
    match found.is_empty() {
        true => format!("exit status {:?}", ran.exit),
        false => found.join(" "),
    }
}

/// So many lines of an explanation are shown.
const MOST_LINES: usize = 8;

/// What zypper says in so many words, errors first.
fn messages(text: &str) -> Option<String> {
    let document = stream(text)?;
    let said = |kinds: &[&str]| -> Vec<String> {
        let elements = document.root.walk();
        let wanted = elements.filter(|one| {
            one.name == "description"
                || (one.name == "message"
                    && one
                        .attribute("type")
                        .is_some_and(|kind| kinds.contains(&kind)))
        });
        let texts = wanted.map(|one| {
            let texts = one.children.iter().filter_map(|child| match child {
                Node::Text(text) => Some(text.trim()),
                _ => None,
            });
            texts.collect::<String>()
        });
        texts
            .filter(|text| !text.is_empty())
            .take(MOST_LINES)
            .collect()
    };
    [&["error"][..], &["warning"], &["info"]]
        .into_iter()
        .map(said)
        .find(|found| !found.is_empty())
        .map(|found| found.join(" "))
}

/// zypper's document.
fn stream(text: &str) -> Option<Document> {
    // What it writes to standard error stands around.
    const END: &str = "</stream>";
    let start = text.find("<?xml").unwrap_or(0);
    let text = text.get(start..)?;
    let end = text.rfind(END).map_or(text.len(), |at| at + END.len());
    Document::parse("zypper", text.get(..end)?.trim().as_bytes()).ok()
}

/// The table of dnf and yum.
fn table(text: &str) -> Option<Vec<Change>> {
    // Nothing to do is an answer too.
    if text.contains("Nothing to do") {
        return Some(Vec::new());
    }
    if !text.contains("Transaction Summary") {
        return None;
    }
    let mut changes = Vec::new();
    let mut kind = None;
    let mut words: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Transaction Summary") {
            return Some(changes);
        }
        if !line.starts_with(' ') {
            words.clear();
            kind = section(line);
            continue;
        }
        let Some(kind) = kind else {
            continue;
        };
        let mut parts = line.split_whitespace();
        // Long names push the rest of their row into the next line.
        if line.starts_with("  ") && words.is_empty() {
            if parts.next() == Some("replacing") {
                // dnf 5 says of upgrades too what they replace.
                let last = changes.last().map(|change: &Change| change.name.clone());
                let other = replaced(parts).filter(|gone| last.as_ref() != Some(&gone.name));
                changes.extend(other);
            }
            continue;
        }
        words.extend(parts);
        if let [name, arch, evr, _, ..] = words[..] {
            changes.push(Change {
                kind,
                name: name.to_owned(),
                evr: evr.to_owned(),
                arch: arch.to_owned(),
            });
            words.clear();
        }
    }
    None
}

fn section(line: &str) -> Option<ActionKind> {
    let first = line.split_whitespace().next()?.trim_end_matches(':');
    if !line.trim_end().ends_with(':') {
        return None;
    }
    Some(match first {
        "Installing" => ActionKind::Install,
        "Upgrading" | "Updating" => ActionKind::Upgrade,
        "Downgrading" => ActionKind::Downgrade,
        "Reinstalling" => ActionKind::Reinstall,
        "Removing" => ActionKind::Remove,
        _ => return None,
    })
}

/// dnf 4 and yum: `NAME.ARCH [EPOCH:]VERSION-RELEASE`; dnf 5: `NAME ARCH EVR …`.
fn replaced<'t>(mut words: impl Iterator<Item = &'t str>) -> Option<Change> {
    let (first, second) = (words.next()?, words.next()?);
    let third = words.next();
    let (name, arch, evr) = match (first.rsplit_once('.'), third) {
        (_, Some(evr)) => (first, second, evr),
        (Some((name, arch)), None) => (name, arch, second),
        (None, None) => return None,
    };
    Some(Change {
        kind: ActionKind::Remove,
        name: name.to_owned(),
        evr: evr.to_owned(),
        arch: arch.to_owned(),
    })
}

/// The summary of zypper.
fn summary(text: &str) -> Option<Vec<Change>> {
    let document = stream(text)?;
    let mut changes = Vec::new();
    let mut walk = document.root.walk();
    let Some(summary) = walk.find(|one| one.name == "install-summary") else {
        return Some(changes);
    };
    for part in summary.elements() {
        let kind = match part.name.as_str() {
            "to-install" => ActionKind::Install,
            "to-upgrade" | "to-change-arch" | "to-change-vendor" => ActionKind::Upgrade,
            "to-downgrade" => ActionKind::Downgrade,
            "to-reinstall" => ActionKind::Reinstall,
            "to-remove" => ActionKind::Remove,
            _ => continue,
        };
        for solvable in part.all("solvable") {
            let of = |name: &str| solvable.attribute(name).unwrap_or_default().to_owned();
            if of("type") == "package" {
                changes.push(Change {
                    kind,
                    name: of("name"),
                    evr: of("edition"),
                    arch: of("arch"),
                });
            }
        }
    }
    Some(changes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn change(kind: ActionKind, name: &str, evr: &str, arch: &str) -> Change {
        Change {
            kind,
            name: name.to_owned(),
            evr: evr.to_owned(),
            arch: arch.to_owned(),
        }
    }

    #[test]
    fn the_table_of_dnf_is_read_with_long_names_and_what_is_replaced() {
        let text = "Dependencies resolved.\n=====\n Package  Architecture Version Repository Size\n=====\n\
            Installing:\n needs   noarch  1.0-1  r  6.1 k\n     replacing  vital.noarch 1-1\n\
            Installing dependencies:\n a-package-with-a-name-that-is-longer-than-its-column\n         x86_64  2:1.0-1  r  1.0 M\n\
            Removing dependent packages:\n old  i686  3-4  @System  0\n\nTransaction Summary\n=====\nInstall  2 Packages\n";
        let found = table(text).unwrap();
        assert_eq!(
            found,
            [
                change(ActionKind::Install, "needs", "1.0-1", "noarch"),
                change(ActionKind::Remove, "vital", "1-1", "noarch"),
                change(
                    ActionKind::Install,
                    "a-package-with-a-name-that-is-longer-than-its-column",
                    "2:1.0-1",
                    "x86_64"
                ),
                change(ActionKind::Remove, "old", "3-4", "i686"),
            ]
        );
        let five = "Package   Arch   Version Repository  Size\nUpgrading:\n alpha    noarch 0:1.1-1 r   6 KiB\n   replacing alpha noarch 0:1.0-1 @System 6 KiB\n\
            Installing:\n taker   noarch 0:1-1 r   6 KiB\n   replacing vital noarch 0:1-1 @System 6 KiB\n\nTransaction Summary:\n Installing: 1 package\n";
        assert_eq!(
            table(five).unwrap(),
            [
                change(ActionKind::Upgrade, "alpha", "0:1.1-1", "noarch"),
                change(ActionKind::Install, "taker", "0:1-1", "noarch"),
                change(ActionKind::Remove, "vital", "0:1-1", "noarch"),
            ]
        );
        let action = found[2].action(String::new());
        assert!(action.spec().ends_with("-2:1.0-1.x86_64"));
        assert_eq!(table("Error: \n Problem: conflicting requests\n"), None);
        assert_eq!(table("Nothing to do.\n"), Some(Vec::new()));
    }

    #[test]
    fn only_the_version_that_an_action_removes_was_asked_for() {
        let mut asked = change(ActionKind::Remove, "kernel", "5-1", "x86_64").action(String::new());
        let goes = |evr: &str, asked: &Action| {
            change(ActionKind::Remove, "kernel", evr, "x86_64")
                .is_one_of(std::slice::from_ref(asked))
        };
        assert!(goes("5-1", &asked));
        assert!(goes("0:5-1", &asked), "no epoch is 0");
        for other in ["6-1", "5-2", "1:5-1"] {
            assert!(!goes(other, &asked), "{other}");
        }
        asked.version = None;
        assert!(goes("6-1", &asked));
        let comes = change(ActionKind::Upgrade, "kernel", "7-1", "x86_64");
        let declared = change(ActionKind::Install, "kernel", "6-1", "x86_64").action(String::new());
        assert!(
            comes.is_one_of(&[declared]),
            "which version comes in is the manager's choice"
        );
    }

    #[test]
    fn the_summary_of_zypper_is_read() {
        let text = "<?xml version='1.0'?><stream><message type=\"info\">x</message><install-summary packages-to-change=\"2\">\
            <to-install><solvable type=\"package\" name=\"newvital\" edition=\"1-1\" arch=\"noarch\"/></to-install>\
            <to-remove><solvable type=\"package\" name=\"vital\" edition=\"1-1\" arch=\"noarch\"/>\
            <solvable type=\"pattern\" name=\"base\" edition=\"1-1\" arch=\"noarch\"/></to-remove></install-summary></stream>";
        assert_eq!(
            summary(text).unwrap(),
            [
                change(ActionKind::Install, "newvital", "1-1", "noarch"),
                change(ActionKind::Remove, "vital", "1-1", "noarch"),
            ]
        );
        let around = format!("warning: one\n{text}\nwarning: a plug-in failed\n");
        assert_eq!(summary(&around).map(|all| all.len()), Some(2));
        assert_eq!(summary("<stream/>"), Some(Vec::new()));
        assert_eq!(summary("no XML"), None);
    }
}
