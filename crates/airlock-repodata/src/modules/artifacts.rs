//! A stream's document that names fewer artifacts; the rest of it stays as it is, byte by byte.

use super::value::{self, Value};
use super::{FILE, ModuleContent, ModuleDocument, content, place};
use crate::error::{Error, Flaw, Result};
use crate::limits::Limits;

impl ModuleDocument {
    /// The document with only those artifacts that are kept; none when none is left. A document that names none stays,
    /// whatever it is about.
    ///
    /// # Errors
    /// [`Error::BadRepository`] naming the stream when its list is written in a way that cannot be cut.
    pub fn with_artifacts(&self, keep: impl Fn(&str) -> bool) -> Result<Option<Self>> {
        let ModuleContent::Stream(stream) = &self.content else {
            return Ok(Some(self.clone()));
        };
        let kept: Vec<&str> = stream
            .artifacts
            .iter()
            .map(String::as_str)
            .filter(|artifact| keep(artifact))
            .collect();
        if kept.len() == stream.artifacts.len() {
            return Ok(Some(self.clone()));
        }
        if kept.is_empty() {
            return Ok(None);
        }
        self.cut(&kept).map(Some).ok_or_else(|| {
            let stream = stream.nsvca();
            Error::bad(FILE, self.line, Flaw::Artifacts { stream })
        })
    }

    fn cut(&self, kept: &[&str]) -> Option<Self> {
        let list = kept.iter().map(|text| Value::Scalar((*text).to_owned()));
        let mut expected = read(&self.raw)?;
        *expected.at_mut(&place::PATH)? = Value::Sequence(list.collect());
        // A description may hold a line that looks like the key: what comes out is read again and compared.
        let raw = cuts(&self.raw, kept)
            .chain(cut_in_place(&self.raw, kept))
            .find(|raw| read(raw).as_ref() == Some(&expected))?;
        Some(Self {
            raw,
            line: self.line,
            content: content(&expected).ok()?,
        })
    }
}

fn read(raw: &str) -> Option<Value> {
    value::load(raw, Limits::default().max_depth).ok()?
}

/// The text with the list replaced by one in brackets, whatever stands around it. Names are quoted: old readers take no
/// colon in a plain one there.
fn cut_in_place(raw: &str, kept: &[&str]) -> Option<String> {
    let place = place::artifacts(raw)?;
    let key = raw.get(place.key)?;
    let list: Vec<String> = kept.iter().map(|text| quoted(text)).collect();
    let list = list.join(", ");
    let before = raw.get(..place.all.start)?;
    let behind = raw.get(place.all.end..)?;
    Some(format!("{before}{key}: [{list}]{behind}"))
}

/// Blocks that are tried: each one has the document read again. Beyond them the list is found by its place.
const MOST_BLOCKS: usize = 16;

/// The text with each block that begins with `artifacts:` replaced.
fn cuts<'t>(raw: &'t str, kept: &'t [&'t str]) -> impl Iterator<Item = String> + 't {
    let lines: Vec<&str> = raw.split_inclusive('\n').collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|place| lines[*place].trim_start().starts_with("artifacts:"))
        .collect();
    starts.into_iter().take(MOST_BLOCKS).map(move |start| {
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
        false => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::{parse, write};
    use crate::error::Result;

    const STREAM: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: perl\n  stream: \"5.30\"\n  version: 1\n  context: c\n  arch: x86_64\n\
        \x20 summary: Perl\n  description: |-\n    Text\n    artifacts: none\n  license:\n    module: [MIT]\n  artifacts:\n    rpms:\n    - a-0:1-1.x86_64\n\
        \x20   - b-0:1-1.noarch\n    # a comment\n  profiles:\n    common: {rpms: [a]}\n...\n";

    fn try_cut(yaml: &str, keep: &str) -> Result<Option<String>> {
        let documents = parse(yaml.as_bytes()).unwrap();
        let left = documents[0].with_artifacts(|artifact| artifact.starts_with(keep))?;
        Ok(left.map(|left| {
            let text = String::from_utf8(write([&left])).unwrap();
            assert_eq!(parse(text.as_bytes()).unwrap()[0].content, left.content);
            text
        }))
    }

    fn cut(yaml: &str, keep: &str) -> Option<String> {
        try_cut(yaml, keep).unwrap()
    }

    const LIST: &str = "    rpms:\n    - a-0:1-1.x86_64\n    - b-0:1-1.noarch\n    # a comment\n";

    #[test]
    fn a_text_that_is_full_of_the_word_is_not_read_again_for_each() {
        let many = "    artifacts: none\n".repeat(20_000);
        let full = STREAM.replace("    artifacts: none\n", &many);
        let left = cut(&full, "b").unwrap();
        assert!(left.contains(&many) && !left.contains("a-0:1-1.x86_64"));
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
        let flow = STREAM.replace(LIST, "    rpms: [a-0:1-1.x86_64, 'b-0:1-1.noarch']\n");
        assert!(
            cut(&flow, "b")
                .unwrap()
                .contains("rpms:\n    - b-0:1-1.noarch\n  profiles:")
        );
    }

    #[test]
    fn a_document_without_artifacts_stays() {
        let without = STREAM.replace(&format!("  artifacts:\n{LIST}"), "");
        assert_eq!(cut(&without, "c").unwrap(), without);
        let empty = STREAM.replace(LIST, "    rpms: []\n");
        assert_eq!(cut(&empty, "c").unwrap(), empty);
        let defaults =
            "---\ndocument: modulemd-defaults\nversion: 1\ndata: {module: perl, stream: x}\n...\n";
        assert_eq!(cut(defaults, "c").unwrap(), defaults);
    }

    #[test]
    fn lists_are_cut_however_they_are_written() {
        for (list, left) in [
            // Something beside the list stays, too.
            (
                "    rpms:\n    - a-0:1-1.x86_64\n    - b-0:1-1.noarch # größer\n    rpm-map: {é: x}\n",
                "    rpms: ['b-0:1-1.noarch'] # größer\n    rpm-map: {é: x}\n",
            ),
            (
                "    rpm-map: {é: x}\n    rpms:\n      - b-0:1-1.noarch\n      - a-0:1-1.x86_64\n",
                "    rpm-map: {é: x}\n    rpms: ['b-0:1-1.noarch']\n",
            ),
            (
                "    x: é # é\n    \"rpms\": [ a-0:1-1.x86_64, # größer\n      b-0:1-1.noarch,\n     ]\n",
                "    x: é # é\n    \"rpms\": ['b-0:1-1.noarch']\n",
            ),
        ] {
            let yaml = STREAM.replace(LIST, list);
            assert_eq!(cut(&yaml, "b").unwrap(), STREAM.replace(LIST, left));
        }
        let other = STREAM.replace("data:\n", "y: &rest [b-0:1-1.noarch, a-0:1-1]\ndata:\n");
        let other = other.replace(LIST, "    x: 1\n    rpms: *rest\n");
        let left = cut(&other, "b").unwrap();
        assert_eq!(left, other.replace("*rest", "['b-0:1-1.noarch']"));
        let json = "--- {\"document\": \"modulemd\", \"version\": 2, \"data\": {\"name\": \"perl\", \"summary\": \"größer\", \
            \"stream\": \"1\", \"artifacts\": {\"rpms\": [\"a-0:1-1.x86_64\", \"b-0:1-1.noarch\"]}, \"api\": {\"rpms\": [\"a\"]}}}\n...\n";
        let left = cut(json, "b").unwrap();
        assert_eq!(
            left,
            json.replace("--- ", "---\n ")
                .replace("\"a-0:1-1.x86_64\", \"b-0:1-1.noarch\"", "'b-0:1-1.noarch'")
        );
    }

    #[test]
    fn a_list_that_cannot_be_cut_is_an_error_that_names_the_stream() {
        // The other one would be cut, too.
        let anchored = STREAM.replace(
            LIST,
            "    rpms: &list [a-0:1-1.x86_64, b-0:1-1.noarch]\n    again: *list\n",
        );
        let error = try_cut(&anchored, "b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "bad repository metadata: modules.yaml, line 2: the list of artifacts of perl:5.30:1:c:x86_64 is written in a way that cannot be cut"
        );
    }
}
