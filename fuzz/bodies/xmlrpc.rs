//! What the fuzz target `xmlrpc` does with its bytes; the tests of `airlock-xmlrpc` replay it.

use airlock_xmlrpc::{
    Limits, Response, Value, parse_call, parse_response, parse_value, write_call, write_fault,
    write_response, write_value,
};

/// Nothing may panic, errors hold nothing of the message, and what was read is the same when written and read again.
pub fn xmlrpc(bytes: &[u8]) {
    let limits = Limits {
        depth: 20,
        values: 10_000,
        ..Limits::default()
    };
    if let Ok(call) = parse_call(bytes, &limits) {
        let again = parse_call(&write_call(&call), &Limits::default());
        let again = again.expect("a written call can be read");
        assert_eq!(
            again.params,
            call.params.iter().map(legal).collect::<Vec<_>>()
        );
    }
    match parse_response(bytes, &limits) {
        Ok(Response::Value(value)) => {
            let again = parse_response(&write_response(&value), &Limits::default());
            assert_eq!(again, Ok(Response::Value(legal(&value))));
        }
        Ok(Response::Fault(fault)) => {
            assert!(parse_response(&write_fault(&fault), &Limits::default()).is_ok());
        }
        Err(error) => assert!(error.to_string().len() < 120),
    }
    if let Ok(value) = parse_value(bytes, &limits) {
        let mut written = String::new();
        write_value(&mut written, &value);
        let again = parse_value(written.as_bytes(), &Limits::default());
        assert_eq!(again, Ok(legal(&value)));
    }
}

/// The value without characters that XML cannot hold.
fn legal(value: &Value) -> Value {
    let text = |text: &str| -> String {
        text.chars()
            .filter(|&c| {
                matches!(c, '\t' | '\n' | '\r')
                    || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
            })
            .collect()
    };
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::DateTime(string) => Value::DateTime(text(string).trim().to_owned()),
        Value::Array(items) => Value::Array(items.iter().map(legal).collect()),
        Value::Struct(members) => {
            let mut out: Vec<(String, Value)> = Vec::new();
            for (name, value) in members {
                let name = text(name);
                match out.iter_mut().find(|(found, _)| *found == name) {
                    Some(before) => before.1 = legal(value),
                    None => out.push((name, legal(value))),
                }
            }
            Value::Struct(out)
        }
        other => other.clone(),
    }
}
