//! A YAML document as JSON values; scalars are texts. Aliases are refused: no kubeconfig has them, and they grow.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

/// How deep a document may be nested.
const DEPTH: usize = 32;
/// How many nodes it may have.
const NODES: usize = 100_000;

/// Reads the first document.
///
/// # Errors
/// The line and what is wrong there.
pub fn read(text: &str) -> Result<Value, String> {
    let mut open: Vec<(bool, Vec<Value>)> = Vec::new();
    let mut nodes = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) =
            next.map_err(|error| format!("line {}: it is no YAML", error.marker().line()))?;
        let line = span.start.line();
        nodes += 1;
        if nodes > NODES {
            return Err(format!("line {line}: it has more than {NODES} nodes"));
        }
        let value = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= DEPTH {
                    return Err(format!(
                        "line {line}: it is nested deeper than {DEPTH} levels"
                    ));
                }
                open.push((matches!(event, Event::MappingStart(..)), Vec::new()));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((true, items)) => mapping(items),
                Some((false, items)) => Value::Array(items),
                None => continue,
            },
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::Alias(_) => return Err(format!("line {line}: aliases are not read")),
            _ => continue,
        };
        match open.last_mut() {
            Some((_, items)) => items.push(value),
            None => return Ok(value),
        }
    }
    Err("it holds nothing".to_owned())
}

/// Keys and values in turn.
fn mapping(items: Vec<Value>) -> Value {
    let mut map = Map::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        let key = match key {
            Value::String(key) => key,
            other => other.to_string(),
        };
        map.insert(key, value);
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read() {
        let found = read("a: 1\nb:\n- c: x\n  d: [y, z]\n").unwrap();
        assert_eq!(
            found,
            serde_json::json!({"a": "1", "b": [{"c": "x", "d": ["y", "z"]}]})
        );
    }

    #[test]
    fn what_is_odd_is_refused_with_its_line() {
        assert!(read("a: &x 1\nb: *x\n").unwrap_err().contains("aliases"));
        assert!(read(&"[".repeat(100)).is_err());
        assert!(read("").is_err());
        assert!(read("a: [\n").is_err());
    }
}
