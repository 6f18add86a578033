//! Answers of `WaitForUpdatesEx`, read as they come: object by object into the inventory.

use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use tokio::io::AsyncBufRead;

use super::inventory::Inventory;
use super::soap::Fault;
use crate::backend::Result;
use crate::http::Http;
use crate::stream::{self, Bounded, Failure};
use crate::xml::entity;

/// The longest text that is kept.
const TEXT: usize = 64 << 10;
/// How many references one property may hold.
const REFERENCES: usize = 1 << 20;

/// Changes of one object in one answer; a host has a dozen properties that were asked for.
const CHANGES: usize = 10_000;

/// Hosts, guests and clusters of one vCenter: some twenty times what a vCenter can manage.
const OBJECTS: usize = 1_000_000;

/// How deep an answer may be nested.
const DEPTH: usize = 64;

/// What an answer was.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing has changed.
    Nothing,
    /// Changes, all of them applied.
    Set(Set),
    /// The server failed.
    Fault(Fault),
}

/// What a set says beside its objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// To be named in the next call.
    pub version: String,
    /// More follows at once.
    pub truncated: bool,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Happened {
    /// It came, or properties of it have changed.
    #[default]
    Present,
    /// It is gone.
    Left,
}

/// What happened to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// It has this value now.
    #[default]
    Assign,
    /// This was added to its values.
    Add,
    /// It has no value now.
    Remove,
}

/// A property's new value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub operation: Operation,
    /// The text, or the id of a single reference.
    pub text: String,
    /// The type of a single reference.
    pub kind: Option<String>,
    /// The ids of an array of references.
    pub references: Vec<Box<str>>,
}

/// What an `objectSet` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub happened: Happened,
    pub kind: String,
    pub id: String,
    pub changes: Vec<Change>,
}

/// Where an answer comes from, for its errors.
pub struct Source<'a> {
    pub http: &'a Http,
    pub operation: &'a str,
    /// Each part of the body has to come within this time.
    pub within: Duration,
}

impl Source<'_> {
    /// Reads the body and applies every object that is whole.
    pub async fn apply(
        &self,
        response: reqwest::Response,
        inventory: &mut Inventory,
    ) -> Result<Answer> {
        let reader = stream::body(response, self.within);
        read(reader, inventory)
            .await
            .map_err(|failure| failure.told(self.http, self.operation, self.within))
    }
}

/// Reads an envelope and applies every object that is whole.
pub async fn read<Body: AsyncBufRead + Unpin>(
    body: Body,
    inventory: &mut Inventory,
) -> std::result::Result<Answer, Failure> {
    let mut reader = Reader::from_reader(Bounded::new(body));
    let mut buffer = Vec::new();
    let mut state = Reading::default();
    loop {
        buffer.clear();
        reader.get_mut().ended();
        let event = reader.read_event_into_async(&mut buffer).await;
        match event.map_err(|error| stream::failed(error, state.way.last().map(String::as_str)))? {
            Event::Start(start) => state.start(&start)?,
            Event::Empty(start) => {
                state.start(&start)?;
                state.end(inventory)?;
            }
            Event::End(_) => state.end(inventory)?,
            Event::Text(text) => state.text(&text)?,
            Event::CData(data) => state.text(&data)?,
            Event::GeneralRef(name) => match entity(&name) {
                Some(letter) => state.text(letter.encode_utf8(&mut [0; 4]))?,
                None => return Err(Failure::Form(format!("unknown entity &{};", &*name))),
            },
            Event::DocType(_) => {
                return Err(Failure::Form(
                    "it has a document type declaration".to_owned(),
                ));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => return state.finish(),
        }
    }
}

/// Where in an answer the reader is.
#[derive(Debug, Default)]
struct Reading {
    way: Vec<String>,
    text: String,
    kind: Option<String>,
    set: Option<Set>,
    update: Update,
    change: Change,
    fault: Option<Fault>,
    answered: bool,
    ended: bool,
}

impl Reading {
    fn start(&mut self, start: &BytesStart<'_>) -> std::result::Result<(), Failure> {
        if self.ended {
            return Err(Failure::Form("a second root element".to_owned()));
        }
        if self.way.len() >= DEPTH {
            return Err(Failure::TooMuch {
                limit: DEPTH,
                what: "levels of elements",
            });
        }
        let name = start.local_name();
        let name: &str = name.as_ref();
        self.text.clear();
        match (self.way.len(), name) {
            (2, "Fault") => self.fault = Some(Fault::default()),
            (2, "WaitForUpdatesExResponse") => self.answered = true,
            (3, "returnval") if self.answered => self.set = Some(Set::default()),
            (5, "objectSet") => self.update = Update::default(),
            (6, "obj") => self.kind = attribute(start, false)?,
            (6, "changeSet") => self.change = Change::default(),
            (7, "val") => self.kind = attribute(start, false)?,
            (4, _) if self.in_detail() => {
                let kind = attribute(start, true)?;
                if let Some(fault) = &mut self.fault {
                    fault.details.push(name.to_owned());
                    fault.details.extend(kind);
                }
            }
            _ => {}
        }
        self.way.push(name.to_owned());
        Ok(())
    }

    fn in_detail(&self) -> bool {
        self.fault.is_some() && self.way.last().is_some_and(|name| name == "detail")
    }

    fn text(&mut self, text: &str) -> std::result::Result<(), Failure> {
        if self.text.len() + text.len() > TEXT {
            return Err(Failure::TooMuch {
                limit: TEXT,
                what: "bytes in one text",
            });
        }
        self.text.push_str(text);
        Ok(())
    }

    fn end(&mut self, inventory: &mut Inventory) -> std::result::Result<(), Failure> {
        let Some(name) = self.way.pop() else {
            return Ok(());
        };
        self.ended = self.way.is_empty();
        let inside = self.way.last().map_or("", String::as_str);
        match (self.way.len(), inside, name.as_str()) {
            (3, "Fault", "faultstring") => {
                if let Some(fault) = &mut self.fault {
                    fault.text = self.text.trim().to_owned();
                }
            }
            (4, "returnval", "version") => {
                if let Some(set) = &mut self.set {
                    set.version = self.text.trim().to_owned();
                }
            }
            (4, "returnval", "truncated") => {
                if let Some(set) = &mut self.set {
                    set.truncated = matches!(self.text.trim(), "true" | "1");
                }
            }
            (6, "objectSet", "kind") => {
                self.update.happened = match self.text.trim() {
                    "leave" => Happened::Left,
                    _ => Happened::Present,
                };
            }
            (6, "objectSet", "obj") => {
                self.update.id = self.text.trim().to_owned();
                self.update.kind = self.kind.take().unwrap_or_default();
            }
            (7, "changeSet", "name") => self.change.name = self.text.trim().to_owned(),
            (7, "changeSet", "op") => {
                self.change.operation = match self.text.trim() {
                    "add" => Operation::Add,
                    "remove" | "indirectRemove" => Operation::Remove,
                    _ => Operation::Assign,
                };
            }
            (8, "val", _) => {
                if self.change.references.len() >= REFERENCES {
                    return Err(Failure::TooMuch {
                        limit: REFERENCES,
                        what: "references in one property",
                    });
                }
                self.change.references.push(self.text.trim().into());
            }
            (7, "changeSet", "val") => {
                self.change.text = std::mem::take(&mut self.text);
                self.change.kind = self.kind.take();
            }
            (6, "objectSet", "changeSet") => {
                if self.update.changes.len() >= CHANGES {
                    return Err(Failure::TooMuch {
                        limit: CHANGES,
                        what: "changes of one object",
                    });
                }
                self.update.changes.push(std::mem::take(&mut self.change));
            }
            (5, "filterSet", "objectSet") => {
                inventory.apply(std::mem::take(&mut self.update));
                if inventory.objects() > OBJECTS {
                    return Err(Failure::TooMuch {
                        limit: OBJECTS,
                        what: "hosts, guests and clusters",
                    });
                }
            }
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    fn finish(self) -> std::result::Result<Answer, Failure> {
        if let Some(open) = self.way.last() {
            return Err(Failure::Unfinished(open.clone()));
        }
        match (self.fault, self.set, self.answered) {
            (Some(fault), ..) => Ok(Answer::Fault(fault)),
            (None, Some(set), _) => Ok(Answer::Set(set)),
            (None, None, true) => Ok(Answer::Nothing),
            (None, None, false) => Err(Failure::Form(
                "it holds no answer to WaitForUpdatesEx".to_owned(),
            )),
        }
    }
}

/// The attribute `type`: the one of the XML schema (`xsi:type`) or the plain one (a reference's).
fn attribute(start: &BytesStart<'_>, schema: bool) -> std::result::Result<Option<String>, Failure> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| Failure::Form(error.to_string()))?;
        let key: &str = attribute.key.as_ref();
        let wanted = match key.rsplit_once(':') {
            Some((_, local)) => schema && local == "type",
            None => !schema && key == "type",
        };
        if wanted {
            return Ok(Some(attribute.value.to_string()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::EVENT;

    async fn of(text: &str) -> std::result::Result<Answer, Failure> {
        read(text.as_bytes(), &mut Inventory::default()).await
    }

    #[tokio::test]
    async fn an_endless_tag_comment_or_text_ends_at_a_limit() {
        let much = "<>".repeat(EVENT);
        for text in [
            format!("<a {much}"),
            format!("<a><!-- {much}"),
            format!("<a><![CDATA[{much}"),
            format!("<a>{}", ">".repeat(2 * EVENT)),
        ] {
            let failure = of(&text).await.unwrap_err();
            assert!(
                matches!(failure, Failure::TooMuch { .. } | Failure::Form(_)),
                "{failure:?}"
            );
        }
        // A long document of short parts is none of that.
        let many = "<b/>".repeat(EVENT);
        let failure = of(&format!("<a>{many}</a>")).await.unwrap_err();
        assert!(matches!(failure, Failure::Form(_)), "{failure:?}");
    }
}
