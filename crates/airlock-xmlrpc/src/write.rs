//! The writer, in the form of Python's `xmlrpc.client`.

use base64::Engine;

use crate::{Call, Fault, Value};

const DECLARATION: &str = "<?xml version='1.0'?>\n";

/// Bytes in a line of base64 (76 characters).
const LINE: usize = 57;

/// A call.
#[must_use]
pub fn write_call(call: &Call) -> Vec<u8> {
    let mut out = format!("{DECLARATION}<methodCall>\n<methodName>");
    text(&mut out, &call.method);
    out.push_str("</methodName>\n<params>\n");
    for value in &call.params {
        param(&mut out, value);
    }
    out.push_str("</params>\n</methodCall>\n");
    out.into_bytes()
}

/// An answer with a value.
#[must_use]
pub fn write_response(value: &Value) -> Vec<u8> {
    let mut out = format!("{DECLARATION}<methodResponse>\n<params>\n");
    param(&mut out, value);
    out.push_str("</params>\n</methodResponse>\n");
    out.into_bytes()
}

/// An answer that is a fault.
#[must_use]
pub fn write_fault(fault: &Fault) -> Vec<u8> {
    let members = Value::members([
        ("faultCode", Value::Int(fault.code)),
        ("faultString", Value::String(fault.text.clone())),
    ]);
    let mut out = format!("{DECLARATION}<methodResponse>\n<fault>\n");
    write_value(&mut out, &members);
    out.push_str("</fault>\n</methodResponse>\n");
    out.into_bytes()
}

fn param(out: &mut String, value: &Value) {
    out.push_str("<param>\n");
    write_value(out, value);
    out.push_str("</param>\n");
}

/// Appends `<value>…</value>` and the end of its line.
pub fn write_value(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Int(number) => scalar(out, "int", &number.to_string()),
        Value::Bool(truth) => scalar(out, "boolean", if *truth { "1" } else { "0" }),
        Value::Double(number) => scalar(out, "double", &format!("{number:?}")),
        Value::String(string) => scalar(out, "string", string),
        Value::DateTime(instant) => scalar(out, "dateTime.iso8601", instant),
        Value::Nil => out.push_str("<nil/>"),
        Value::Base64(bytes) => {
            out.push_str("<base64>\n");
            for line in bytes.chunks(LINE) {
                base64::engine::general_purpose::STANDARD.encode_string(line, out);
                out.push('\n');
            }
            out.push_str("</base64>");
        }
        Value::Array(items) => {
            out.push_str("<array><data>\n");
            for item in items {
                write_value(out, item);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>\n");
            for (name, value) in members {
                out.push_str("<member>\n<name>");
                text(out, name);
                out.push_str("</name>\n");
                write_value(out, value);
                out.push_str("</member>\n");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>\n");
}

fn scalar(out: &mut String, kind: &str, content: &str) {
    out.push('<');
    out.push_str(kind);
    out.push('>');
    text(out, content);
    out.push_str("</");
    out.push_str(kind);
    out.push('>');
}

/// Text with the three characters escaped that have to be. A carriage return would be read as a line feed, so it goes as a
/// reference; characters that XML cannot hold are left out.
fn text(out: &mut String, content: &str) {
    for character in content.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(character),
        }
    }
}
