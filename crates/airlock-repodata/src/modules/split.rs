//! A YAML stream cut into its documents, by the marks that only stand at the start of a line.

/// Line (from 1) and text of each document.
pub(super) fn documents(text: &str) -> Vec<(u64, &str)> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut start_line = 1;
    let mut at = 0;
    let mut push = |start: usize, end: usize, line: u64| {
        let raw = text.get(start..end).unwrap_or_default();
        if raw.lines().any(|line| {
            !matches!(
                line.trim_start().as_bytes().first(),
                None | Some(b'#' | b'%')
            )
        }) {
            documents.push((line, raw));
        }
    };
    for (line, piece) in (1..).zip(text.split_inclusive('\n')) {
        let end = at + piece.len();
        let content = piece.trim_end();
        if let Some(behind) = content.strip_prefix("---")
            && (behind.is_empty() || behind.starts_with([' ', '\t']))
        {
            push(start, at, start_line);
            // What stands behind the mark on its line belongs to the document.
            start = match behind.trim().is_empty() || behind.trim().starts_with('#') {
                true => end,
                false => at + 3,
            };
            start_line = line + u64::from(start == end);
        } else if content == "..." {
            push(start, at, start_line);
            start = end;
            start_line = line + 1;
        }
        at = end;
    }
    push(start, text.len(), start_line);
    documents
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn marks_cut_and_nothing_else_does() {
        assert_eq!(documents("a: 1\n"), [(1, "a: 1\n")]);
        assert_eq!(
            documents("---\na: 1\n...\n---\nb: |\n  ---\n  x\n"),
            [(2, "a: 1\n"), (5, "b: |\n  ---\n  x\n")]
        );
        assert_eq!(
            documents("--- {a: 1}\n--- # c\nb\n"),
            [(1, " {a: 1}\n"), (3, "b\n")]
        );
        assert_eq!(documents("# only\n---\n\n...\n"), []);
        assert_eq!(documents("a: ---x\n---x: 1\n"), [(1, "a: ---x\n---x: 1\n")]);
    }
}
