//! Blacklist and removelist: regular expressions over package names, matched from the start of the name to its end.

use std::collections::BTreeMap;

use airlock_model::ChannelLabel;
use regex::Regex;

use crate::{Error, Result};

/// The key whose expressions hold for every destination.
const EVERYWHERE: &str = "ALL";
/// Longest expression taken, and largest compiled one, in bytes.
const LONGEST: usize = 4_096;
const LARGEST: usize = 1 << 20;

/// The expressions of one destination.
#[derive(Debug, Default)]
pub(super) struct NameRules(Vec<(String, Regex)>);

impl NameRules {
    /// Compiles what a list says for a destination.
    ///
    /// # Errors
    /// Names the list, the key and the expression that cannot be read.
    pub(super) fn new(
        list: &str,
        rules: &BTreeMap<String, Vec<String>>,
        destination: &ChannelLabel,
    ) -> Result<Self> {
        let keys = [EVERYWHERE, destination.as_str()];
        let named = keys
            .iter()
            .filter_map(|key| rules.get(*key).map(|items| (*key, items)));
        let mut compiled = Vec::new();
        for (key, items) in named {
            for item in items {
                compiled.push((item.clone(), compile(list, key, item)?));
            }
        }
        Ok(Self(compiled))
    }

    /// The first expression that a name matches.
    pub(super) fn matching(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(_, regex)| regex.is_match(name));
        found.map(|(item, _)| item.as_str())
    }
}

/// Checks every expression of a list, also those of keys that are no destination.
///
/// # Errors
/// As [`NameRules::new`]; a key that is neither `ALL` nor a destination is an error, too.
pub(super) fn check(
    list: &str,
    rules: &BTreeMap<String, Vec<String>>,
    destinations: &[&ChannelLabel],
) -> Result<()> {
    for (key, items) in rules {
        if key != EVERYWHERE && !destinations.iter().any(|label| label.as_str() == key) {
            return Err(Error::invalid(
                format!("{list}: \"{key}\" is no destination of this run"),
                "the keys are destination labels, or ALL for every destination",
            ));
        }
        for item in items {
            compile(list, key, item)?;
        }
    }
    Ok(())
}

/// An expression as the old tool understood it: closed with `$`, so that of `a|b` only the last branch has to reach
/// the end of the name (reference clone-by-date, section 7).
fn compile(list: &str, key: &str, item: &str) -> Result<Regex> {
    let wrong = |why: String| {
        Error::invalid(
            format!("{list}: {key}: \"{item}\" is no regular expression: {why}"),
            "look-around and back references do not exist here; libstdc++ is written libstdc\\+\\+",
        )
    };
    if item.is_empty() || item.len() > LONGEST {
        return Err(wrong(format!("it has to have 1 to {LONGEST} characters")));
    }
    // By itself first: an unclosed parenthesis must not close over what stands around it.
    let build = |text: &str| {
        regex::RegexBuilder::new(text)
            .size_limit(LARGEST)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                wrong(text.lines().last().unwrap_or_default().trim().to_owned())
            })
    };
    build(item)?;
    build(&format!("^(?:{item}$)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(items: &[&str]) -> Result<NameRules> {
        let label = ChannelLabel::new("clone-a").unwrap();
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        NameRules::new("blacklist", &[("ALL".to_owned(), items)].into(), &label)
    }

    #[test]
    fn names_match_from_start_to_end_as_of_old() {
        for (item, name, matches) in [
            ("foo", "foo", true),
            ("foo", "foo-devel", false),
            ("foo", "libfoo", false),
            ("foo.*", "foo-devel", true),
            ("a|b", "abc", true),
            ("a|b", "bc", false),
            ("libstdc\\+\\+", "libstdc++", true),
        ] {
            let found = rules(&[item]).unwrap().matching(name).is_some();
            assert_eq!(found, matches, "{item} {name}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_named() {
        for (item, said) in [
            (
                "(",
                "blacklist: ALL: \"(\" is no regular expression: error: unclosed group",
            ),
            (
                ")|(",
                "blacklist: ALL: \")|(\" is no regular expression: error: unopened group",
            ),
            (
                "(?=a)",
                "blacklist: ALL: \"(?=a)\" is no regular expression: error: look-around",
            ),
            (
                "",
                "blacklist: ALL: \"\" is no regular expression: it has to have",
            ),
            (
                "(a{1000}){1000}",
                "blacklist: ALL: \"(a{1000}){1000}\" is no regular expression:",
            ),
        ] {
            let error = rules(&[item]).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn a_key_that_is_no_destination_is_named() {
        let label = ChannelLabel::new("clone-a").unwrap();
        let rules = [("clone-b".to_owned(), vec!["x".to_owned()])].into();
        let error = check("removelist", &rules, &[&label]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "removelist: \"clone-b\" is no destination of this run"
        );
    }
}
