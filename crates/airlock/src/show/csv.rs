//! Cells of CSV files.

use super::plain;

/// Quoted where needed; a text that a spreadsheet would run as a formula gets a `'` in front.
#[must_use]
pub fn cell(text: &str) -> String {
    let text = plain(text);
    let text = if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
