//! What a watch tells: one JSON document a line, `{"type": ..., "object": ...}`.
//!
//! Most events are about things that are not reported (a guest's network, its conditions), so each is compared with what was
//! read: only another node or another uuid is a change.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::text;

/// A line longer than any object that etcd takes.
const LONGEST_LINE: usize = 8 << 20;

/// What was read of the guests, as far as events are compared with it: hashes, so that it stays small.
#[derive(Debug, Default)]
pub(super) struct Known {
    guests: HashMap<u64, u64>,
    /// Where a watch goes on from; none when the server named no version, or has forgotten it.
    pub mark: Option<String>,
}

/// What an event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing that is reported.
    Same,
    /// Something that is reported has changed, or nobody knows.
    Changed,
    /// The version is too old: the lists have to be read again.
    TooOld,
}

fn hash(parts: [Option<&str>; 2]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn key(guest: &Value) -> u64 {
    hash([
        text(guest, &["metadata", "namespace"]),
        text(guest, &["metadata", "name"]),
    ])
}

fn reported(guest: &Value) -> u64 {
    hash([
        text(guest, &["status", "nodeName"]),
        text(guest, &["spec", "domain", "firmware", "uuid"]),
    ])
}

impl Known {
    /// Remembers a guest that was listed.
    pub(super) fn listed(&mut self, guest: &Value) {
        self.guests.insert(key(guest), reported(guest));
    }

    /// What a line of a watch means.
    pub(super) fn judge(&mut self, line: &[u8]) -> Meaning {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            return Meaning::Changed;
        };
        let (Some(kind), Some(object)) = (text(&event, &["type"]), event.get("object")) else {
            return Meaning::Changed;
        };
        let known = self.guests.get(&key(object)).copied();
        let meaning = match kind {
            "BOOKMARK" => Meaning::Same,
            "ERROR" => return Meaning::TooOld,
            "ADDED" | "MODIFIED" if known == Some(reported(object)) => Meaning::Same,
            // Not scheduled: such a guest is not reported.
            "ADDED" if known.is_none() && text(object, &["status", "nodeName"]).is_none() => {
                self.listed(object);
                Meaning::Same
            }
            "DELETED" if known.is_none() => Meaning::Same,
            _ => Meaning::Changed,
        };
        if meaning == Meaning::Same
            && let Some(mark) = text(object, &["metadata", "resourceVersion"])
        {
            self.mark = Some(mark.to_owned());
        }
        meaning
    }
}

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that are complete with these bytes; `None` when one is longer than any real one.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if self.rest.len() > LONGEST_LINE {
                return None;
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                if line.len() > 1 {
                    lines.push(line);
                }
            }
        }
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn guest(name: &str, node: &str, phase: &str) -> Value {
        json!({"metadata": {"name": name, "resourceVersion": phase}, "status": {"nodeName": node, "phase": phase},
            "spec": {"domain": {"firmware": {"uuid": name}}}})
    }

    fn line(kind: &str, object: Value) -> Vec<u8> {
        json!({"type": kind, "object": object})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn only_what_is_reported_is_a_change() {
        let mut known = Known::default();
        known.listed(&guest("a", "n1", "1"));
        let judged = |known: &mut Known, kind: &str, object| known.judge(&line(kind, object));
        assert_eq!(
            judged(&mut known, "MODIFIED", guest("a", "n1", "2")),
            Meaning::Same
        );
        assert_eq!(known.mark.as_deref(), Some("2"));
        assert_eq!(
            judged(&mut known, "ADDED", guest("b", "", "3")),
            Meaning::Same
        );
        for (kind, object) in [
            ("MODIFIED", guest("b", "n1", "4")),
            ("MODIFIED", guest("a", "n2", "4")),
            ("ADDED", guest("c", "n1", "4")),
            ("DELETED", guest("a", "n1", "4")),
            ("MODIFIED", json!(null)),
        ] {
            assert_eq!(judged(&mut known, kind, object), Meaning::Changed, "{kind}");
        }
        assert_eq!(
            judged(&mut known, "ERROR", json!({"code": 410})),
            Meaning::TooOld
        );
        assert_eq!(known.judge(b"nonsense"), Meaning::Changed);
        assert_eq!(known.mark.as_deref(), Some("3"));
    }

    #[test]
    fn lines_come_in_pieces_and_have_an_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"{\"a\"").unwrap(), Vec::<Vec<u8>>::new());
        assert_eq!(lines.push(b":1}\n\n{}").unwrap(), [b"{\"a\":1}\n".to_vec()]);
        assert_eq!(lines.push(b"\n").unwrap(), [b"{}\n".to_vec()]);
        assert!(lines.push(&vec![b'x'; LONGEST_LINE + 1]).is_none());
    }
}
