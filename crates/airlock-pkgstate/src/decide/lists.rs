//! Lists of decisions: which entries may be touched.

use crate::declared::OTHER_ENTRIES;
use crate::pkgmgr::list::{Client, holds, is_condition, odd_negation};
use crate::pkgmgr::words::nearest;
use crate::settings::{DecisionMode, Release};
use crate::xml::{Document, Element, XmlError};

/// One line of a list: tag and name, each perhaps a pattern.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// The tag of entries, `Package` mostly.
    pub tag: String,
    /// Their name.
    pub name: String,
}

/// A list with the way it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionList {
    /// What it does.
    pub mode: DecisionMode,
    /// What it names.
    pub decisions: Vec<Decision>,
    /// Whose patterns hold.
    pub release: Release,
}

impl DecisionList {
    /// Whether the entry may be touched.
    pub fn allows(&self, tag: &str, name: &str) -> bool {
        let named = || {
            self.decisions.iter().any(|decision| {
                matches(&decision.tag, tag, self.release)
                    && matches(&decision.name, name, self.release)
            })
        };
        match self.mode {
            DecisionMode::None => true,
            DecisionMode::Whitelist => named(),
            DecisionMode::Blacklist => !named(),
        }
    }
}

fn matches(pattern: &str, text: &str, release: Release) -> bool {
    if pattern == text || pattern == "*" {
        return true;
    }
    if release.matches_by_pattern() {
        return glob(pattern, text);
    }
    // Up to 1.2 only what stands in front of the first star counts.
    pattern
        .split_once('*')
        .is_some_and(|(start, _)| text.starts_with(start))
}

/// A shell pattern: `*`, `?`, `[a-z]`, `[!x]`. Runs in time proportional to pattern times text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        let step = match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => text.get(read).and_then(|one| class(&pattern[at..], *one)),
            Some(one) if text.get(read) == Some(one) => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                at += length;
                read += 1;
            }
            (None, Some((place, from))) => {
                star = Some((place, from + 1));
                at = place + 1;
                read = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[at.min(pattern.len())..]
        .iter()
        .all(|one| *one == '*')
}

/// How long the class at the start of the pattern is, if the character belongs to it. A `[` without end is itself.
fn class(pattern: &[char], one: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    let end = (first + 1..pattern.len()).find(|at| pattern[*at] == ']');
    let Some(end) = end else {
        return (one == '[').then_some(1);
    };
    let mut inside = false;
    let mut at = first;
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            inside |= (pattern[at]..=pattern[at + 2]).contains(&one);
            at += 3;
        } else {
            inside |= pattern[at] == one;
            at += 1;
        }
    }
    (inside != negated).then_some(end + 1)
}

/// A list that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// No XML, or over a limit.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// No JSON of the right form.
    #[error("{file}: {source}; expected [[\"Package\", \"name*\"], …]")]
    Json {
        /// The file.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another document.
    #[error("{file}:{line}: <{found}> is no list of decisions; it starts with <Decisions>")]
    Root {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// Its first element.
        found: String,
    },
    /// An element that no list of decisions has.
    #[error(
        "{file}:{line}: <{element}> is not known; a list holds <Decision>, <Group> and <Client>"
    )]
    Unknown {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The element.
        element: String,
    },
    /// A type that no entry has.
    #[error(
        "{file}:{line}: no entry has the type {found:?}{}",
        meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_else(|| "; Package is that of packages".to_owned())
    )]
    Type {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What stands there.
        found: String,
        /// The type that is near.
        meant: Option<&'static str>,
    },
    /// A condition that is neither turned round nor not.
    #[error("{file}:{line}: <{element}>: negate={found:?} is neither true nor false")]
    Negate {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// `Group` or `Client`.
        element: String,
        /// What stands there.
        found: String,
    },
    /// A decision without type or name.
    #[error("{file}:{line}: <Decision> needs type='…' and name='…'")]
    Incomplete {
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
}

/// Reads a list from a file: `<Decisions><Decision type='Package' name='al*'/></Decisions>`, of which those count that stand
/// in groups and clients of this machine, or the JSON form of what a server sends, `[["Package", "al*"]]`.
///
/// Where no group of the machine is known, what stands in groups touches nothing by mistake: a blacklist takes it all, a
/// whitelist nothing of it; the second part of the answer says so.
///
/// # Errors
/// What [`ListError`] lists.
pub fn parse_decisions(
    file: &str,
    bytes: &[u8],
    client: &Client,
    mode: DecisionMode,
) -> Result<(Vec<Decision>, Vec<String>), ListError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let pairs: Vec<(String, String)> =
            serde_json::from_slice(bytes).map_err(|source| ListError::Json {
                file: file.to_owned(),
                source,
            })?;
        let mut decisions = Vec::new();
        for (tag, name) in pairs {
            if let Some(meant) = unknown_type(&tag) {
                return Err(ListError::Type {
                    file: file.to_owned(),
                    line: line_of(bytes, &tag),
                    found: tag,
                    meant,
                });
            }
            decisions.push(Decision { tag, name });
        }
        return Ok((decisions, Vec::new()));
    }
    let document = Document::parse(file, bytes)?;
    if document.root.name != "Decisions" {
        return Err(ListError::Root {
            file: file.to_owned(),
            line: document.root.place.line,
            found: document.root.name,
        });
    }
    let mut reading = Reading {
        file,
        client,
        mode,
        decisions: Vec::new(),
        unknown: 0,
    };
    reading.collect(&document.root)?;
    let notes = (reading.unknown > 0).then(|| {
        let how = match mode {
            DecisionMode::Blacklist => "nothing that they name is touched",
            _ => "what they name is left out",
        };
        format!("{file}: decisions stand in groups, and no group of this machine is given, so {how}; give -g GROUP")
    });
    Ok((reading.decisions, notes.into_iter().collect()))
}

/// `None` for types of entries and for patterns, else the type that is near.
fn unknown_type(tag: &str) -> Option<Option<&'static str>> {
    let is_known = tag == "Package" || OTHER_ENTRIES.contains(&tag);
    let known = std::iter::once("Package").chain(OTHER_ENTRIES);
    (!is_known && !tag.contains(['*', '?', '['])).then(|| nearest(tag, known))
}

/// The line of a text in JSON: where it first stands.
fn line_of(json: &[u8], text: &str) -> u32 {
    let written = serde_json::Value::from(text).to_string();
    let found = json
        .windows(written.len())
        .position(|part| part == written.as_bytes());
    let before = &json[..found.unwrap_or(0)];
    let ends = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX).saturating_add(1)
}

struct Reading<'r> {
    file: &'r str,
    client: &'r Client,
    mode: DecisionMode,
    decisions: Vec<Decision>,
    /// Groups of which nobody knows whether the machine is in them.
    unknown: usize,
}

impl Reading<'_> {
    /// Whether a condition counts as fulfilled.
    fn counts(&mut self, condition: &Element) -> bool {
        if condition.name == "Group"
            && self.client.groups.is_empty()
            && self.mode != DecisionMode::None
        {
            self.unknown += 1;
            return self.mode == DecisionMode::Blacklist;
        }
        holds(condition, self.client)
    }

    fn collect(&mut self, around: &Element) -> Result<(), ListError> {
        for element in around.elements() {
            let place = || (self.file.to_owned(), element.place.line);
            if is_condition(element) {
                if let Some(found) = odd_negation(element) {
                    let (file, line) = place();
                    return Err(ListError::Negate {
                        file,
                        line,
                        element: element.name.clone(),
                        found: found.to_owned(),
                    });
                }
                if self.counts(element) {
                    self.collect(element)?;
                }
                continue;
            }
            if element.name != "Decision" {
                let (file, line) = place();
                return Err(ListError::Unknown {
                    file,
                    line,
                    element: element.name.clone(),
                });
            }
            let (Some(tag), Some(name)) = (element.attribute("type"), element.attribute("name"))
            else {
                let (file, line) = place();
                return Err(ListError::Incomplete { file, line });
            };
            if let Some(meant) = unknown_type(tag) {
                let (file, line) = place();
                return Err(ListError::Type {
                    file,
                    line,
                    found: tag.to_owned(),
                    meant,
                });
            }
            self.decisions.push(Decision {
                tag: tag.to_owned(),
                name: name.to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("al*", "alpha", true),
            ("*pha", "alpha", true),
            ("a?pha", "alpha", true),
            ("a*a*a", "alphabeta", true),
            ("[a-c]lpha", "alpha", true),
            ("[!a]lpha", "alpha", false),
            ("[", "[", true),
            ("", "", true),
            ("*", "", true),
            ("alpha?", "alpha", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn old_lists_match_by_what_stands_before_the_star() {
        let list = |release| DecisionList {
            mode: DecisionMode::Whitelist,
            decisions: vec![Decision {
                tag: "Package".into(),
                name: "al*x".into(),
            }],
            release,
        };
        assert!(list(Release::Old).allows("Package", "alpha"));
        assert!(!list(Release::V1_3).allows("Package", "alpha"));
        assert!(list(Release::V1_3).allows("Package", "alphax"));
        assert!(!list(Release::Old).allows("Path", "alpha"));
    }

    #[test]
    fn lists_are_read_in_both_forms() {
        let xml =
            b"<Decisions><Group name='g'><Decision type='Package' name='al*'/></Group></Decisions>";
        let json = b" [[\"Package\", \"al*\"]]";
        let here = Client::new("host", ["g"]);
        assert_eq!(
            parse_decisions("d.xml", xml, &here, DecisionMode::Blacklist).unwrap(),
            parse_decisions("d.json", json, &here, DecisionMode::Blacklist).unwrap()
        );
        for text in ["<Decision name='x'/>", "<Decison type='Package' name='x'/>"] {
            let text = format!("<Decisions>\n{text}</Decisions>");
            let error =
                parse_decisions("d.xml", text.as_bytes(), &here, DecisionMode::None).unwrap_err();
            assert!(error.to_string().starts_with("d.xml:2: "), "{error}");
        }
    }

    #[test]
    fn a_type_that_no_entry_has_is_refused_with_its_line() {
        let client = Client::default();
        let read = |file: &str, text: &str| {
            let read = parse_decisions(file, text.as_bytes(), &client, DecisionMode::Blacklist);
            read.map(|_| ()).map_err(|error| error.to_string())
        };
        let xml = |kind: &str| {
            format!(
                "<Decisions>\n<Decision type='Path' name='x'/>\n<Decision type='{kind}' name='x'/></Decisions>"
            )
        };
        let json = |kind: &str| format!("[[\"Path\", \"x\"],\n\n[\"{kind}\", \"x\"]]");
        for (kind, meant) in [
            ("Packge", "did you mean Package?"),
            ("package", "did you mean Package?"),
            ("Servcie", "did you mean Service?"),
            ("Gadget", "Package is that of packages"),
            ("", "Package is that of packages"),
        ] {
            let said = |file| Err(format!("{file}:3: no entry has the type {kind:?}; {meant}"));
            assert_eq!(read("d.xml", &xml(kind)), said("d.xml"));
            assert_eq!(read("d.json", &json(kind)), said("d.json"));
        }
        for kind in ["Package", "Pa*", "*", "P?th", "[PS]ackage", "SEModule"] {
            assert_eq!(read("d.xml", &xml(kind)), Ok(()), "{kind}");
            assert_eq!(read("d.json", &json(kind)), Ok(()), "{kind}");
        }
        assert_eq!(
            read(
                "d.xml",
                "<Decisions>\n<Group name='g' negate='treu'/></Decisions>"
            ),
            Err("d.xml:2: <Group>: negate=\"treu\" is neither true nor false".to_owned())
        );
    }

    #[test]
    fn decisions_count_in_the_groups_and_clients_of_the_machine() {
        let xml = b"<Decisions><Decision type='Package' name='all'/>\
            <Group name='web'><Decision type='Package' name='web'/>\
              <Client name='host' negate='true'><Decision type='Package' name='other-web'/></Client></Group>\
            <Group name='db' negate='true'><Decision type='Package' name='no-db'/></Group>\
            <Client name='host'><Decision type='Package' name='host'/></Client></Decisions>";
        let names = |client: &Client| {
            let (all, notes) =
                parse_decisions("d.xml", xml, client, DecisionMode::Whitelist).unwrap();
            assert!(notes.is_empty(), "{notes:?}");
            all.into_iter()
                .map(|one| one.name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names(&Client::new("host", ["web"])), "all web no-db host");
        assert_eq!(
            names(&Client::new("other", ["web", "db"])),
            "all web other-web"
        );
        assert_eq!(names(&Client::new("other", ["db"])), "all");
    }

    #[test]
    fn groups_that_nobody_knows_leave_packages_alone_in_both_modes() {
        let xml = b"<Decisions><Decision type='Package' name='all'/>\
            <Group name='web'><Decision type='Package' name='web'/></Group>\
            <Group name='db' negate='true'><Decision type='Package' name='no-db'/></Group></Decisions>";
        let client = Client::new("host", Vec::<String>::new());
        let names = |mode| {
            let (all, notes) = parse_decisions("d.xml", xml, &client, mode).unwrap();
            let names: Vec<String> = all.into_iter().map(|one| one.name).collect();
            (names.join(" "), notes)
        };
        let (blacklist, notes) = names(DecisionMode::Blacklist);
        assert_eq!(blacklist, "all web no-db");
        assert!(
            notes[0].contains("nothing that they name is touched; give -g GROUP"),
            "{notes:?}"
        );
        let (whitelist, notes) = names(DecisionMode::Whitelist);
        assert_eq!(whitelist, "all");
        assert!(notes[0].contains("left out"), "{notes:?}");
    }
}
