//! Small pieces of XML.

use airlock_rpm::Package;

use crate::text::{push_attribute, push_text};

pub(super) fn push_element(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    if text.is_empty() {
        out.extend_from_slice(b"/>");
        return;
    }
    out.push(b'>');
    push_text(out, text);
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}

pub(super) fn push_number(out: &mut Vec<u8>, before: &str, number: impl ToString) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(number.to_string().as_bytes());
}

pub(super) fn push_version(out: &mut Vec<u8>, package: &Package<'_>) {
    push_number(out, "<version epoch=\"", package.epoch().unwrap_or(0));
    out.extend_from_slice(b"\" ver=\"");
    push_attribute(out, package.version());
    out.extend_from_slice(b"\" rel=\"");
    push_attribute(out, package.release());
    out.extend_from_slice(b"\"/>");
}
