//! What is in a group, as `dnf group info` and `yum groupinfo` say it.

use super::Host;
use crate::run::Machine as _;
use crate::run::command::{Command, Manager, WHOLE_ANSWER};
use crate::run::groups::Group;

impl Host {
    pub(super) fn ask_group(&mut self, name: &str) -> Result<Group, String> {
        let manager = self.manager();
        if manager == Manager::Zypper {
            return Err("zypper has no groups; declare the packages one by one".to_owned());
        }
        // The manager would take it for an option or a pattern, and answer about other groups.
        if name.starts_with('-') || name.contains(['*', '?', '[', ']']) {
            return Err(format!("{name:?} is no name of a group"));
        }
        let program = manager.to_string();
        // yum of EL 5 and 6 has one word for it.
        let words: &[&str] = match manager {
            Manager::Yum => &[WHOLE_ANSWER, "-q", "groupinfo"],
            _ => &[WHOLE_ANSWER, "-q", "group", "info"],
        };
        let command = Command::new(&program, words.iter().copied()).and([name]);
        let answer = self
            .answer(&command, &[0])
            .map_err(|why| format!("{program} does not say what is in the group: {why}"))?;
        match parse(&answer).as_slice() {
            [] => Err(format!("{program} knows no group {name}")),
            [group] => Ok(group.clone()),
            several => Err(format!(
                "{program} knows {} groups of the name {name}; give the id of one",
                several.len()
            )),
        }
    }
}

/// The groups of an answer. dnf 4 and yum write a line `Group: NAME`, `Mandatory Packages:` and a line for each package, with
/// yum's mark of what it would do with it; dnf 5 writes two columns, `Mandatory packages   : NAME` and `: NAME` below it.
fn parse(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut part: Option<&str> = None;
    for line in text.lines() {
        let (head, value) = match line.split_once(':') {
            Some((head, value)) => (head.trim(), value.trim()),
            None => ("", line.trim()),
        };
        let lower = head.to_ascii_lowercase();
        if matches!(lower.as_str(), "group" | "id") {
            groups.push(Group::default());
            part = None;
            continue;
        }
        match lower.strip_suffix(" packages") {
            Some("mandatory") => part = Some("mandatory"),
            Some("default") => part = Some("default"),
            Some("optional") => part = Some("optional"),
            Some(_) => part = None,
            None if !head.is_empty() => {
                part = None;
                continue;
            }
            None => {}
        }
        let name = value.trim_start_matches(['+', '-', '=', ' ']);
        let (Some(part), Some(group)) = (part, groups.last_mut()) else {
            continue;
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            continue;
        }
        let list = match part {
            "mandatory" => &mut group.mandatory,
            "default" => &mut group.default,
            _ => &mut group.optional,
        };
        list.push(name.to_owned());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_dnf_4_yum_and_dnf_5_are_read() {
        let dnf = "Group: Web Things\n Description: d\n Mandatory Packages:\n   alpha\n Default Packages:\n   beta\n   b2\n \
            Optional Packages:\n   gamma\n Conditional Packages:\n   kmodx\n";
        let yum = "\nGroup: Web Things\n Group-Id: web\n Description: d: and more\n Mandatory Packages:\n   =alpha\n \
            Default Packages:\n   +beta\n   -b2\n Optional Packages:\n    gamma\n";
        let dnf5 = "Id                   : web\nName                 : Web Things\nDescription          : d\n\
            Repositories         : r\nMandatory packages   : alpha\nDefault packages     : beta\n                     : b2\n\
            Optional packages    : gamma\nConditional packages : kmodx\n";
        let expected = Group {
            mandatory: vec!["alpha".to_owned()],
            default: vec!["beta".to_owned(), "b2".to_owned()],
            optional: vec!["gamma".to_owned()],
        };
        for text in [dnf, yum, dnf5] {
            assert_eq!(parse(text), std::slice::from_ref(&expected), "{text}");
        }
        assert_eq!(parse(&format!("{dnf}{dnf}")).len(), 2);
        assert_eq!(parse("Warning: Group nothere does not exist."), []);
    }
}
