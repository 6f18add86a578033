//! Where the list of artifacts stands in the text of a stream's document.

use std::ops::Range;

use saphyr_parser::{Event, Parser, Span};

/// Keys down to the list.
pub(super) const PATH: [&str; 3] = ["data", "artifacts", "rpms"];

/// Byte ranges of the list's key, and of key and list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub key: Range<usize>,
    pub all: Range<usize>,
}

/// A collection that is being read.
struct Open {
    mapping: bool,
    /// How many keys of the path lead here; none beside the path.
    level: Option<usize>,
    /// The key that stands before the next value.
    key: Option<(String, Span)>,
    /// It is a key itself.
    is_key: bool,
}

/// Finds the list. Ranges are of use only when what is made by them is read again: nothing here knows every way in which
/// a list can be written.
pub(super) fn artifacts(text: &str) -> Option<Place> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    // Set while the list is read: its key, its depth, the end of its last item.
    let mut list: Option<(Span, usize, usize)> = None;
    while let Some(Ok((event, span))) = parser.next_event() {
        let (starts, mapping) = match event {
            Event::MappingStart(..) => (true, true),
            Event::SequenceStart(..) => (true, false),
            Event::Scalar(..) | Event::Alias(_) => (false, false),
            Event::MappingEnd | Event::SequenceEnd => {
                let closed = open.pop()?;
                if let Some((key, depth, last)) = &list
                    && open.len() == *depth
                {
                    let bracket = span.start.index();
                    let end = match text.chars().nth(bracket) {
                        Some(']') => bracket + 1,
                        _ => *last,
                    };
                    return place(text, *key, end);
                }
                if let Some(parent) = open.last_mut().filter(|_| closed.is_key) {
                    parent.key = Some((String::new(), span));
                }
                continue;
            }
            _ => continue,
        };
        if let Some((_, _, last)) = &mut list {
            *last = span.end.index();
        }
        let mut level = open.is_empty().then_some(0);
        let mut is_key = false;
        if let Some(parent) = open.last_mut().filter(|parent| parent.mapping) {
            match parent.key.take() {
                None => is_key = true,
                Some((key, at)) => {
                    let here = parent
                        .level
                        .filter(|level| PATH.get(*level) == Some(&&*key));
                    level = here.map(|level| level + 1);
                    if level == Some(PATH.len()) && list.is_none() {
                        if !starts {
                            return place(text, at, span.end.index());
                        }
                        list = Some((at, open.len(), span.start.index()));
                    }
                }
            }
        }
        if starts {
            open.push(Open {
                mapping,
                level,
                key: None,
                is_key,
            });
        } else if is_key && let Some(parent) = open.last_mut() {
            let name = match event {
                Event::Scalar(name, ..) => name.into_owned(),
                _ => String::new(),
            };
            parent.key = Some((name, span));
        }
    }
    None
}

fn place(text: &str, key: Span, end: usize) -> Option<Place> {
    let (start, behind_key) = (byte(text, key.start.index())?, byte(text, key.end.index())?);
    Some(Place {
        key: start..behind_key,
        all: start..byte(text, end)?,
    })
}

/// The byte at which a character begins; the parser counts characters.
fn byte(text: &str, character: usize) -> Option<usize> {
    let mut places = text.char_indices().map(|(at, _)| at);
    places.nth(character).or_else(|| {
        let all = text.chars().count();
        (all == character).then_some(text.len())
    })
}

#[cfg(test)]
mod tests {
    use super::artifacts;

    #[test]
    fn the_list_is_found_below_its_keys_only() {
        for (text, all) in [
            ("data: {artifacts: {rpms: [a, b]}}", Some("rpms: [a, b]")),
            (
                "data:\n artifacts:\n  x: é\n  rpms:\n  - a\n  - [b, c]\n  - d\n y: 1\n",
                Some("rpms:\n  - a\n  - [b, c]\n  - d"),
            ),
            ("data: {artifacts: {rpms: a}}", Some("rpms: a")),
            (
                "data: {? {artifacts: {rpms: x}} : y, ? [data] : z, artifacts: {rpms: a}}",
                Some("rpms: a"),
            ),
            ("data: {api: {rpms: [a]}, artifacts: {other: [a]}}", None),
            ("data: [{artifacts: {rpms: [a]}}]", None),
            ("artifacts: {rpms: [a]}", None),
            ("data: {artifacts: {rpms: [a", None),
        ] {
            let found = artifacts(text);
            assert_eq!(found.map(|place| &text[place.all]), all, "{text}");
        }
    }
}
