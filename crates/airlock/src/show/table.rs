//! Tables of text that fit 100 columns.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::fold::WIDTH;

/// The narrowest a flexible column gets.
const LEAST: usize = 8;

/// A table: flexible columns are cut with `…`, the widest first, when a row would be too wide.
#[derive(Debug)]
pub struct Table {
    heads: Vec<&'static str>,
    right: Vec<bool>,
    flexible: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; a name with `>` in front is of numbers, `~` in front is a flexible column;
    /// the last one is flexible when none is named.
    #[must_use]
    pub fn new(columns: &[&'static str]) -> Self {
        let named = columns.iter().any(|name| name.starts_with('~'));
        let flexible = (1..=columns.len())
            .zip(columns)
            .map(|(number, name)| name.starts_with('~') || !named && number == columns.len())
            .collect();
        Self {
            heads: columns
                .iter()
                .map(|name| name.trim_start_matches(['>', '~']))
                .collect(),
            right: columns.iter().map(|name| name.starts_with('>')).collect(),
            flexible,
            rows: Vec::new(),
        }
    }

    /// Adds a row, with as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<String>) {
        let cells = cells
            .iter()
            .map(|cell| super::plain(cell).replace(['\n', '\t'], " "))
            .collect();
        self.rows.push(cells);
    }

    /// The text, a line a row, without spaces at the ends of lines.
    #[must_use]
    pub fn text(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
        for row in &self.rows {
            for (most, cell) in widths.iter_mut().zip(row) {
                *most = (*most).max(width(cell));
            }
        }
        let all = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
        self.narrow(&mut widths, all.saturating_sub(WIDTH));
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (index, cell) in row.iter().enumerate() {
                let cell = if self.flexible[index] {
                    cut(cell, widths[index])
                } else {
                    cell.clone()
                };
                let gap = " ".repeat(widths[index].saturating_sub(width(&cell)));
                if self.right[index] {
                    line.push_str(&gap);
                    line.push_str(&cell);
                } else {
                    line.push_str(&cell);
                    line.push_str(&gap);
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Table {
    /// Takes `over` columns of text from the widest flexible columns, as far as they can be spared.
    fn narrow(&self, widths: &mut [usize], over: usize) {
        for _ in 0..over {
            let widest = widths
                .iter_mut()
                .zip(&self.heads)
                .zip(&self.flexible)
                .filter(|((most, head), flexible)| **flexible && **most > width(head).max(LEAST))
                .map(|((most, _), _)| most)
                .max();
            match widest {
                Some(most) => *most -= 1,
                None => return,
            }
        }
    }
}

/// Columns of a terminal that the text takes.
fn width(text: &str) -> usize {
    text.width()
}

fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut taken = 0;
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken < most
        })
        .collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_are_cut_first() {
        let mut table = Table::new(&["~LABEL", "~NAME", "~PARENT", ">PACKAGES", "STATE"]);
        table.row(vec![
            "l".repeat(120),
            "n".repeat(20),
            "p".repeat(120),
            "123456789".into(),
            "deleted".into(),
        ]);
        let text = table.text();
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert!(
            text.contains(&"n".repeat(20)) && text.contains("123456789  deleted"),
            "{text}"
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(&["~NAME", "STATE"]);
        table.row(vec!["\u{6f22}".repeat(80), "ok".into()]);
        table.row(vec!["e\u{301}".repeat(30), "ok".into()]);
        let text = table.text();
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        let place = |line: &str| width(&line[..line.find("ok").unwrap()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(place(lines[1]), place(lines[2]), "{text}");
    }

    #[test]
    fn tables_fit_100_columns() {
        let mut table = Table::new(&["LABEL", "~NAME", ">PACKAGES"]);
        table.row(vec!["el9-base".into(), "x".repeat(200), "12".into()]);
        table.row(vec![
            "el9-extra".into(),
            "two\nlines".into(),
            "12345".into(),
        ]);
        let text = table.text();
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert!(
            text.lines().nth(1).unwrap().ends_with("…        12"),
            "{text}"
        );
        assert!(text.contains("two lines"));
        assert!(text.starts_with("LABEL      NAME"));
    }
}
