//! Lines that fit a terminal: what is longer goes on below, a little further in.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns of a line.
pub const WIDTH: usize = 100;
/// How much further in a line goes on.
const HANG: usize = 4;

/// The text as one or more lines, each with its end; the spaces in front of it count as its place. Control characters
/// are made visible.
#[must_use]
pub fn fold(text: &str) -> String {
    let text = super::plain(text).replace(['\n', '\t'], " ");
    let begin = text.len() - text.trim_start().len();
    let mut out = text[..begin].to_owned();
    let hang = " ".repeat(begin + HANG);
    let mut used = begin;
    let mut empty = true;
    let mut gap = 0;
    for word in text[begin..].split(' ') {
        if word.is_empty() {
            gap += 1;
            continue;
        }
        if !empty && used + gap + word.width() > WIDTH {
            out.push('\n');
            out.push_str(&hang);
            used = hang.len();
            gap = 0;
        }
        out.push_str(&" ".repeat(gap));
        used += gap;
        for c in word.chars() {
            let c_wide = c.width().unwrap_or(0);
            if used + c_wide > WIDTH {
                out.push('\n');
                out.push_str(&hang);
                used = hang.len();
            }
            out.push(c);
            used += c_wide;
        }
        empty = false;
        gap = 1;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_below() {
        assert_eq!(fold("  a  b c "), "  a  b c\n");
        assert_eq!(fold(""), "\n");
        assert_eq!(fold("a\u{1b}b\nc"), "a\u{fffd}b c\n");
        let text = fold(&format!("  {}", "word ".repeat(50)));
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(
            text.starts_with("  word") && text.contains("\n      word"),
            "{text}"
        );
        assert_eq!(text.split_whitespace().count(), 50);
        let text = fold(&"\u{6f22}".repeat(120));
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert_eq!(text.matches('\u{6f22}').count(), 120);
    }
}
