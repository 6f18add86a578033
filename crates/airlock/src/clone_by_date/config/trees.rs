//! `channels`: trees of sources and destinations.

use airlock_model::{ChannelLabel, ClonePair, CloneParents};

use super::field::{Mistake, below, flag, list, members, name, parsed};
use super::json::Json;
use super::values::{self, Wrong};

/// The channels of one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// What is cloned, in the order of the file.
    pub pairs: Vec<ClonePair>,
    /// Existing bases, which are not changed.
    pub parents: Option<CloneParents>,
}

impl Tree {
    /// Whether that is a label of one of its destinations, its base included.
    pub fn has_destination(&self, label: &str) -> bool {
        self.pairs
            .iter()
            .map(|pair| &pair.destination)
            .chain(self.parents.iter().map(|parents| &parents.destination))
            .any(|found| found.as_str() == label)
    }
}

/// A pair whose clone, if it is made, is called by its label where nothing else was said.
pub fn pair(
    source: ChannelLabel,
    destination: ChannelLabel,
    texts: [Option<String>; 3],
) -> ClonePair {
    let [name, summary, description] =
        texts.map(|text| Some(text.unwrap_or_else(|| destination.to_string())));
    ClonePair {
        source,
        destination,
        name,
        summary,
        description,
    }
}

const PARENT: &str = "existing-parent-do-not-modify";
const EXAMPLE: &str = "for example [{\"el9-base\": \"el9-2026q1\"}]";

/// All trees: a list of objects, or one object.
pub fn trees(key: &str, value: &Json) -> Result<Vec<Tree>, Mistake> {
    let all: Vec<(String, &Json)> = match value {
        Json::Object(_) => vec![(key.to_owned(), value)],
        Json::List(items) => (0..)
            .zip(items)
            .map(|(index, item): (usize, _)| (format!("{key}[{index}]"), item))
            .collect(),
        other => {
            return Err(Mistake::at(
                key,
                format!("{} is neither a list of trees nor one tree", other.shown()),
                EXAMPLE,
            ));
        }
    };
    if all.is_empty() {
        return Err(Mistake::at(key, "[] is empty", EXAMPLE));
    }
    let mut places: Vec<(ChannelLabel, String)> = Vec::new();
    let mut trees = Vec::new();
    for (key, value) in all {
        trees.push(tree(&key, value, &mut places)?);
    }
    Ok(trees)
}

/// One tree; `places` says where each destination was named first.
fn tree(
    key: &str,
    value: &Json,
    places: &mut Vec<(ChannelLabel, String)>,
) -> Result<Tree, Mistake> {
    let mut tree = Tree {
        pairs: Vec::new(),
        parents: None,
    };
    for (source, value) in members(key, value, "sources with their destinations")? {
        let key = below(key, source);
        let source = values::label(source).map_err(|wrong| Mistake::of(&key, wrong))?;
        let Destination { pair, is_parent } = destination(&key, source, value)?;
        if pair.source == pair.destination {
            return Err(Mistake::at(
                &key,
                format!("\"{}\" would be a clone of itself", pair.source),
                "give the clone a label of its own",
            ));
        }
        if is_parent {
            if let Some(parents) = &tree.parents {
                return Err(Mistake::at(
                    &key,
                    format!(
                        "{PARENT} is true for two channels of one tree: here and for \"{}\"",
                        parents.destination
                    ),
                    "a tree has one base; clone the other channel, or take it out",
                ));
            }
            tree.parents = Some(CloneParents {
                source: Some(pair.source),
                destination: pair.destination,
            });
            continue;
        }
        if let Some((label, first)) = places.iter().find(|(label, _)| *label == pair.destination) {
            return Err(Mistake::at(
                &key,
                format!("the destination \"{label}\" is named twice, first at {first}"),
                "each clone has a label of its own",
            ));
        }
        places.push((pair.destination.clone(), key));
        tree.pairs.push(pair);
    }
    if tree.pairs.is_empty() {
        let why = if tree.parents.is_some() {
            format!("nothing is cloned: {PARENT} is true for the only channel")
        } else {
            format!("{} is empty", value.shown())
        };
        return Err(Mistake::at(key, why, EXAMPLE));
    }
    Ok(tree)
}

/// What a source is cloned to.
struct Destination {
    pair: ClonePair,
    is_parent: bool,
}

fn destination(key: &str, source: ChannelLabel, value: &Json) -> Result<Destination, Mistake> {
    let label =
        |key: &str, text: &str| values::label(text).map_err(|wrong| Mistake::of(key, wrong));
    match value {
        Json::Text(text) => Ok(Destination {
            pair: pair(source, label(key, text)?, [None, None, None]),
            is_parent: false,
        }),
        Json::List(_) => {
            let mut words =
                list(key, value, |text| Ok::<_, Wrong>(text.trim().to_owned()))?.into_iter();
            let first = words.next().unwrap_or_default();
            // Of old, a text that says nothing was none.
            let mut text = || words.next().filter(|text| !text.is_empty());
            let texts = [text(), text(), text()];
            if let Some(more) = words.next() {
                return Err(Mistake::at(
                    key,
                    format!("{} is one too many", values::quoted(&more)),
                    "write [label, name, summary, description]",
                ));
            }
            Ok(Destination {
                pair: pair(source, label(&format!("{key}[0]"), &first)?, texts),
                is_parent: false,
            })
        }
        Json::Object(_) => object(key, source, value),
        other => Err(Mistake::at(
            key,
            format!("{} is no destination", other.shown()),
            "write its label, [label, name, summary, description], or {\"label\": …}",
        )),
    }
}

fn object(key: &str, source: ChannelLabel, value: &Json) -> Result<Destination, Mistake> {
    let (mut found, mut texts, mut is_parent) = (None, [None, None, None], false);
    for (member, value) in members(key, value, "what is known of the destination")? {
        let key = below(key, member);
        // Of old, a text that says nothing was none.
        if value.is_empty() && matches!(member, "name" | "summary" | "description" | PARENT) {
            continue;
        }
        match member {
            "label" => found = parsed(&key, value, values::label)?,
            "name" => texts[0] = name(&key, value)?,
            "summary" => texts[1] = name(&key, value)?,
            "description" => texts[2] = name(&key, value)?,
            PARENT => is_parent = flag(&key, value)?.unwrap_or_default(),
            _ => {
                return Err(Mistake::at(
                    &key,
                    format!("this key is not known (its value is {})", value.shown()),
                    format!("a destination has label, name, summary, description and {PARENT}"),
                ));
            }
        }
    }
    let Some(label) = found else {
        return Err(Mistake::at(
            key,
            format!("{} has no label", value.shown()),
            "add \"label\": \"…\"",
        ));
    };
    Ok(Destination {
        pair: pair(source, label, texts),
        is_parent,
    })
}
