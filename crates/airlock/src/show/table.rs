//! Tables of text that fit 100 columns.

/// The widest a table gets.
const WIDTH: usize = 100;

/// A table: one flexible column is cut with `…` when a row would be too wide.
#[derive(Debug)]
pub struct Table {
    heads: Vec<&'static str>,
    right: Vec<bool>,
    flexible: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; a name with `>` in front is of numbers, `~` in front is the flexible column.
    #[must_use]
    pub fn new(columns: &[&'static str]) -> Self {
        let flexible = columns
            .iter()
            .position(|name| name.starts_with('~'))
            .unwrap_or(columns.len() - 1);
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
        if all > WIDTH {
            let least = width(&heads[self.flexible]).max(8);
            widths[self.flexible] = widths[self.flexible].saturating_sub(all - WIDTH).max(least);
        }
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (index, cell) in row.iter().enumerate() {
                let cell = if index == self.flexible {
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

fn width(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most - 1)
        .chain(std::iter::once('…'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
