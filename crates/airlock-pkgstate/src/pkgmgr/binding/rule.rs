//! Entries of Rules lists.

use regex::Regex;

use super::{Candidate, Problem, RulesOptions};
use crate::pkgmgr::list::{Client, List};
use crate::xml::{Element, Node};

pub(super) fn candidates<'l>(
    lists: impl Iterator<Item = &'l List>,
    entry: &Element,
    client: &Client,
    options: RulesOptions,
    problems: &mut Vec<Problem>,
) -> Vec<Candidate<'l, &'l Element>> {
    let asked = entry.attribute("name").unwrap_or_default();
    let mut found = Vec::new();
    for list in lists {
        let served: Vec<&Element> = list
            .served(client)
            .into_iter()
            .map(|served| served.element)
            .filter(|rule| rule.name == entry.name)
            .collect();
        let last = |matches: &dyn Fn(&str) -> bool| {
            let name = |rule: &&&Element| rule.attribute("name").is_some_and(matches);
            served.iter().rev().find(name).copied()
        };
        let exact = last(&|name| name == asked);
        // A folder may be named with or without the slash behind it.
        let slashed = || {
            let bare = |name: &str| name.trim_end_matches('/').to_owned();
            let is_path = entry.name == "Path";
            last(&|name| is_path && bare(name) == bare(asked))
        };
        let pattern = || match options.regex {
            true => by_pattern(list, &served, asked, problems),
            false => None,
        };
        if let Some(rule) = exact.or_else(slashed).or_else(pattern) {
            found.push(Candidate { list, found: rule });
        }
    }
    found
}

fn by_pattern<'l>(
    list: &List,
    served: &[&'l Element],
    asked: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'l Element> {
    served.iter().copied().find(|rule| {
        let name = rule.attribute("name").unwrap_or_default();
        match Regex::new(&format!("^(?:{name})$")) {
            Ok(pattern) => pattern.is_match(asked),
            Err(error) => {
                problems.push(Problem::Pattern {
                    list: list.file().to_owned(),
                    line: rule.place.line,
                    tag: rule.name.clone(),
                    name: name.to_owned(),
                    why: error
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .to_owned(),
                });
                false
            }
        }
    })
}

/// The entry with what the rule says and the entry does not.
pub(super) fn apply(mut entry: Element, rule: &Element, options: RulesOptions) -> Element {
    let own = entry.attribute("name").unwrap_or_default().to_owned();
    for (name, value) in &rule.attributes {
        if entry.attribute(name).is_none() && name != "name" {
            let value = match options.replace_name {
                true => value.replace("%{name}", &own),
                false => value.clone(),
            };
            entry.set(name, value);
        }
    }
    let children = rule.elements().cloned();
    entry.children.extend(children.map(Node::Element));
    entry
}
