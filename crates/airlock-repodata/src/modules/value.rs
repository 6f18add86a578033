//! One YAML document as plain values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

use crate::error::Flaw;

/// Nodes that a document may have with its aliases expanded.
const MOST_NODES: usize = 100_000;
/// Nodes that stand in a document themselves; the largest known has about 20,000.
const MOST_WRITTEN: usize = 2_000_000;

/// A value; scalars are always text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Scalar(String),
    Sequence(Vec<Value>),
    Mapping(Vec<(String, Value)>),
}

static NOTHING: Value = Value::Sequence(Vec::new());

impl Value {
    /// The value of a key; nothing when there is none.
    pub(super) fn get(&self, key: &str) -> &Value {
        let found = self.entries().find(|(found, _)| *found == key);
        found.map_or(&NOTHING, |(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub(super) fn at_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        let [key, rest @ ..] = path else {
            return Some(self);
        };
        let Value::Mapping(entries) = self else {
            return None;
        };
        let (_, value) = entries.iter_mut().find(|(found, _)| found == key)?;
        value.at_mut(rest)
    }

    /// Text of a key; empty when there is none.
    pub(super) fn text(&self, key: &str) -> String {
        match self.get(key) {
            Value::Scalar(text) => text.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = match self {
            Value::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn items(&self) -> &[Value] {
        match self {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Texts of a list; a single text is a list of one.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::Scalar(text) => Some(text.clone()),
            _ => None,
        };
        match self {
            Value::Scalar(one) => vec![one.clone()],
            other => other.items().iter().filter_map(text).collect(),
        }
    }

    fn nodes(&self) -> usize {
        1 + match self {
            Value::Scalar(_) => 0,
            Value::Sequence(items) => items.iter().map(Value::nodes).sum(),
            Value::Mapping(entries) => entries.iter().map(|(_, value)| value.nodes() + 1).sum(),
        }
    }
}

/// A collection that is being read.
struct Open {
    anchor: usize,
    items: Vec<Value>,
    mapping: bool,
}

/// Reads one document. `None` when it is empty. Errors come with the line within the document,
/// from 0.
pub(super) fn load(text: &str, max_depth: usize) -> Result<Option<Value>, (u64, Flaw)> {
    let yaml = |line: u64| {
        (
            line,
            Flaw::Syntax {
                why: "it is no YAML",
            },
        )
    };
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (usize, Value)> = HashMap::new();
    let (mut expanded, mut written) = (0_usize, 0_usize);
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|error| yaml((error.marker().line() as u64).saturating_sub(1)))?;
        let line = (span.start.line() as u64).saturating_sub(1);
        written += 1;
        let limit = |what, limit: usize| {
            let limit = limit as u64;
            (line, Flaw::Limit { what, limit })
        };
        if written > MOST_WRITTEN {
            return Err(limit("the number of YAML nodes", MOST_WRITTEN));
        }
        let (anchor, value) = match event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if open.len() >= max_depth {
                    return Err(limit("the depth of YAML", max_depth));
                }
                let mapping = matches!(event, Event::MappingStart(..));
                open.push(Open {
                    anchor,
                    items: Vec::new(),
                    mapping,
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(closed) = open.pop() else {
                    return Err(yaml(line));
                };
                (closed.anchor, close(closed))
            }
            Event::Scalar(text, _, anchor, _) => (anchor, Value::Scalar(text.into_owned())),
            Event::Alias(id) => {
                let Some((nodes, value)) = anchors.get(&id) else {
                    return Err((
                        line,
                        Flaw::Syntax {
                            why: "an alias without its anchor",
                        },
                    ));
                };
                expanded += nodes;
                if expanded > MOST_NODES {
                    return Err(limit("what YAML aliases expand to", MOST_NODES));
                }
                (0, value.clone())
            }
            Event::StreamEnd => break,
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, (value.nodes(), value.clone()));
        }
        match open.last_mut() {
            Some(parent) => parent.items.push(value),
            None => return Ok(Some(value)),
        }
    }
    match open.is_empty() {
        true => Ok(None),
        false => Err(yaml(0)),
    }
}

/// Keys that are no scalars are left out; of equal keys the first one is found.
fn close(open: Open) -> Value {
    if !open.mapping {
        return Value::Sequence(open.items);
    }
    let mut entries = Vec::with_capacity(open.items.len() / 2);
    let mut items = open.items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if let Value::Scalar(key) = key {
            entries.push((key, value));
        }
    }
    Value::Mapping(entries)
}

#[cfg(test)]
mod tests {
    use super::{Value, load};
    use crate::error::Flaw;

    #[test]
    fn versions_stay_text() {
        let value = load(
            "a: 1.10\nb: 99999999999999999999\nc: [0x10, ~, true]\nd: !!int 7\n",
            64,
        )
        .unwrap()
        .unwrap();
        assert_eq!(value.text("a"), "1.10");
        assert_eq!(value.text("b"), "99999999999999999999");
        assert_eq!(value.get("c").texts(), ["0x10", "~", "true"]);
        assert_eq!(value.text("d"), "7");
        assert_eq!(value.get("nothing"), &Value::Sequence(vec![]));
    }

    #[test]
    fn alias_bombs_are_stopped() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let list = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        assert!(matches!(
            load(&bomb, 64),
            Err((_, Flaw::Limit { limit: 100_000, .. }))
        ));
        assert_eq!(
            load("a: &x [1, 2]\nb: *x\n", 64)
                .unwrap()
                .unwrap()
                .get("b")
                .texts(),
            ["1", "2"]
        );
        assert!(load("a: &x [*x]\n", 64).is_err());
        assert!(load("a: *nope\n", 64).is_err());
        assert!(load(&"[".repeat(1000), 64).is_err());
    }
}
