//! A stream's document that names fewer artifacts; the rest of it stays as it is, byte by byte.

use super::{ModuleContent, ModuleDocument, content, value};
use crate::limits::Limits;

impl ModuleDocument {
    /// The document of a stream with only those artifacts that are kept. None when none is left, or when the list of
    /// artifacts is written in a way that cannot be cut; a document of another kind is none, too.
    #[must_use]
    pub fn with_artifacts(&self, keep: impl Fn(&str) -> bool) -> Option<Self> {
        let ModuleContent::Stream(stream) = &self.content else {
            return None;
        };
        let kept: Vec<&str> = stream
            .artifacts
            .iter()
            .map(String::as_str)
            .filter(|artifact| keep(artifact))
            .collect();
        if kept.is_empty() {
            return None;
        }
        if kept.len() == stream.artifacts.len() {
            return Some(self.clone());
        }
        let mut expected = stream.clone();
        expected.artifacts = kept.iter().map(|artifact| (*artifact).to_owned()).collect();
        let expected = ModuleContent::Stream(expected);
        // A description may hold a line that looks like the key: what comes out is read again and compared.
        cuts(&self.raw, &kept)
            .find(|raw| read(raw).as_ref() == Some(&expected))
            .map(|raw| Self {
                raw,
                line: self.line,
                content: expected,
            })
    }
}

fn read(raw: &str) -> Option<ModuleContent> {
    let value = value::load(raw, Limits::default().max_depth).ok()??;
    content(&value).ok()
}

/// The text with each block that begins with `artifacts:` replaced.
fn cuts<'t>(raw: &'t str, kept: &'t [&'t str]) -> impl Iterator<Item = String> + 't {
    let lines: Vec<&str> = raw.split_inclusive('\n').collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|place| lines[*place].trim_start().starts_with("artifacts:"))
        .collect();
    starts.into_iter().map(move |start| {
        let width = indent(lines[start]);
        let inside = |line: &&&str| {
            let text = line.trim();
            text.is_empty() || text.starts_with('#') || indent(line) > width
        };
        let length = lines[start + 1..].iter().take_while(inside).count();
        let mut out: String = lines[..start].concat();
        let margin = " ".repeat(width);
        out.push_str(&format!("{margin}artifacts:\n{margin}  rpms:\n"));
        for artifact in kept {
            out.push_str(&format!("{margin}  - {}\n", scalar(artifact)));
        }
        out.push_str(&lines[start + 1 + length..].concat());
        out
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A text as a YAML scalar: plain where that is plainly safe.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._+:~^".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins && text.chars().all(plain) && !text.ends_with(':') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, write};

    const STREAM: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: perl\n  stream: \"5.30\"\n  version: 1\n  context: c\n  arch: x86_64\n\
        \x20 summary: Perl\n  description: |-\n    Text\n    artifacts: none\n  license:\n    module: [MIT]\n  artifacts:\n    rpms:\n    - a-0:1-1.x86_64\n\
        \x20   - b-0:1-1.noarch\n    # a comment\n  profiles:\n    common: {rpms: [a]}\n...\n";

    fn cut(yaml: &str, keep: &str) -> Option<String> {
        let documents = parse(yaml.as_bytes()).unwrap();
        let left = documents[0].with_artifacts(|artifact| artifact.starts_with(keep))?;
        let text = String::from_utf8(write([&left])).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap()[0].content, left.content);
        Some(text)
    }

    #[test]
    fn artifacts_that_are_not_kept_go_and_nothing_else_does() {
        assert_eq!(
            cut(STREAM, "b").unwrap(),
            STREAM
                .replace("    - a-0:1-1.x86_64\n", "")
                .replace("    # a comment\n", "")
        );
        assert_eq!(cut(STREAM, "").unwrap(), STREAM);
        assert_eq!(cut(STREAM, "c"), None);
        let flow = STREAM.replace(
            "    rpms:\n    - a-0:1-1.x86_64\n    - b-0:1-1.noarch\n    # a comment\n",
            "    rpms: [a-0:1-1.x86_64, 'b-0:1-1.noarch']\n",
        );
        assert!(
            cut(&flow, "b")
                .unwrap()
                .contains("rpms:\n    - b-0:1-1.noarch\n  profiles:")
        );
    }
}
