//! Small pieces of XML.

use std::borrow::Cow;

use airlock_rpm::Package;

use crate::text::{push_attribute, push_text};

/// Old packages hold texts that are no UTF-8, which airlock-rpm reads as ISO-8859-1 (and only those
/// become owned texts). createrepo_c does the same, but leaves out everything from 0x80 to 0xBF:
/// so that both mean the same, it is left out here too.
pub(super) fn as_createrepo(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(text) => Cow::Owned(
            text.chars()
                .filter(|c| !('\u{80}'..='\u{bf}').contains(c))
                .collect(),
        ),
    }
}

/// Element with a text of the header, where there is one.
pub(super) fn push_header_text(out: &mut Vec<u8>, name: &str, text: Option<Cow<'_, str>>) {
    push_element(out, name, &as_createrepo(text.unwrap_or_default()));
}

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
