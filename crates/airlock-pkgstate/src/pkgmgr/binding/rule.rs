//! Entries of Rules lists.

use std::borrow::Cow;
use std::collections::HashMap;

use regex::Regex;

use super::{Problem, RulesOptions};
use crate::pkgmgr::list::{Client, List};
use crate::xml::{Element, Node};

/// The rules that one list has for a client.
pub(super) struct Index<'l> {
    pub(super) list: &'l List,
    /// By kind and name; the last one counts.
    exact: HashMap<(&'l str, Cow<'l, str>), &'l Element>,
    /// Paths without the slash behind them.
    bare: HashMap<&'l str, &'l Element>,
    /// In the order of the file, when names are patterns.
    patterns: Vec<(Regex, &'l Element)>,
}

impl<'l> Index<'l> {
    pub(super) fn new(
        list: &'l List,
        client: &Client,
        options: RulesOptions,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut index = Self {
            list,
            exact: HashMap::new(),
            bare: HashMap::new(),
            patterns: Vec::new(),
        };
        for served in list.served(client) {
            let rule = served.element;
            let Some(name) = rule.attribute("name").filter(|name| !name.is_empty()) else {
                // A group of yum may go by the group's name, which is no pattern.
                if let Some(name) = served.called() {
                    index.exact.insert((&rule.name, name.into()), rule);
                }
                continue;
            };
            index.exact.insert((&rule.name, name.into()), rule);
            if rule.name == "Path" {
                index.bare.insert(name.trim_end_matches('/'), rule);
            }
            if options.regex {
                match Regex::new(&format!("^(?:{name})$")) {
                    Ok(pattern) => index.patterns.push((pattern, rule)),
                    Err(error) => problems.push(bad_pattern(list, rule, name, &error)),
                }
            }
        }
        index
    }

    /// What the list has for an entry. A folder may be named with or without the slash behind it.
    pub(super) fn find(&self, entry: &Element) -> Option<&'l Element> {
        let asked = entry.attribute("name").unwrap_or_default();
        let exact = self
            .exact
            .get(&(entry.name.as_str(), asked.into()))
            .copied();
        let bare = || match entry.name == "Path" {
            true => self.bare.get(asked.trim_end_matches('/')).copied(),
            false => None,
        };
        let fits = |(pattern, rule): &&(Regex, &'l Element)| {
            rule.name == entry.name && pattern.is_match(asked)
        };
        let pattern = || self.patterns.iter().find(fits).map(|(_, rule)| *rule);
        exact.or_else(bare).or_else(pattern)
    }
}

fn bad_pattern(list: &List, rule: &Element, name: &str, error: &regex::Error) -> Problem {
    let text = error.to_string();
    Problem::Pattern {
        list: list.file().to_owned(),
        line: rule.place.line,
        tag: rule.name.clone(),
        name: name.to_owned(),
        why: text.lines().last().unwrap_or_default().to_owned(),
    }
}

/// The entry with what the rule says and the entry does not.
pub(super) fn apply(mut entry: Element, rule: &Element, options: RulesOptions) -> Element {
    let own = entry.attribute("name").unwrap_or_default().to_owned();
    if entry.place.line == 0 {
        entry.place = rule.place;
    }
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
