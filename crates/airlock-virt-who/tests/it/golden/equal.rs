//! Equal: the same JSON, the order of hosts and guests free.

use serde_json::Value;

/// The document in an order of its own.
pub fn ordered(mut document: Value) -> Value {
    if let Some(hosts) = document
        .get_mut("hypervisors")
        .and_then(Value::as_array_mut)
    {
        for host in hosts.iter_mut() {
            for name in ["guestIds", "guests"] {
                if let Some(guests) = host.get_mut(name).and_then(Value::as_array_mut) {
                    guests.sort_by_key(Value::to_string);
                }
            }
        }
        hosts.sort_by_key(Value::to_string);
    }
    document
}

/// `Err` tells the first difference.
pub fn compare(expected: Value, found: Value) -> Result<(), String> {
    let (expected, found) = (ordered(expected), ordered(found));
    match difference("", &expected, &found) {
        None => Ok(()),
        Some(text) => Err(text),
    }
}

fn difference(at: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => one
            .keys()
            .chain(other.keys().filter(|name| !one.contains_key(*name)))
            .find_map(|name| {
                let at = format!("{at}.{name}");
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => difference(&at, one, other),
                    (Some(one), None) => Some(format!("{at}: expected {one}, found nothing")),
                    (None, Some(other)) => Some(format!("{at}: expected nothing, found {other}")),
                    (None, None) => None,
                }
            }),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(number, (one, other))| difference(&format!("{at}[{number}]"), one, other)),
        _ if expected == found => None,
        _ => Some(format!("{at}: expected {expected}, found {found}")),
    }
}
