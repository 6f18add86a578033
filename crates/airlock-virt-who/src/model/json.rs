//! The JSON forms of reports: what `--print` writes and what the fake backend reads, of both generations.
//!
//! Since 2020-09: `{"hypervisors": [{"hypervisorId": {"hypervisorId": ID}, "name", "guestIds": [...], "facts"}]}`; a local
//! list is `{"hypervisors": [{"guestIds": [...]}]}`. From 2015 until then: `{"hypervisors": [{"uuid": ID, "guests": [...],
//! "facts", "name"}]}` and `{"hypervisors": [{"guests": [...]}]}`. Reference: virt-who, section 4.3.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Guest, Hypervisor, LocalGuests, Report, State};

/// Which generation of the JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// `hypervisorId` and `guestIds`.
    #[default]
    New,
    /// `uuid` and `guests`.
    Old,
}

impl Form {
    fn guests(self) -> &'static str {
        match self {
            Self::New => "guestIds",
            Self::Old => "guests",
        }
    }
}

impl Serialize for Guest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Attributes<'a> {
            #[serde(rename = "virtWhoType")]
            kind: &'a str,
            active: u8,
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("guestId", &self.id)?;
        map.serialize_entry("state", &self.state.number())?;
        map.serialize_entry(
            "attributes",
            &Attributes {
                kind: &self.kind,
                active: u8::from(self.state.active()),
            },
        )?;
        map.end()
    }
}

/// A host in one of the forms; name and facts are left out when there are none.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a Hypervisor, pub Form);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(host, form) = *self;
        let mut map = serializer.serialize_map(None)?;
        match form {
            Form::New => map.serialize_entry(
                "hypervisorId",
                &std::collections::BTreeMap::from([("hypervisorId", &host.id)]),
            )?,
            Form::Old => map.serialize_entry("uuid", &host.id)?,
        }
        if let Some(name) = host.name.as_deref().filter(|name| !name.is_empty()) {
            map.serialize_entry("name", name)?;
        }
        map.serialize_entry(form.guests(), &host.guests)?;
        if !host.facts.is_empty() {
            map.serialize_entry("facts", &host.facts)?;
        }
        map.end()
    }
}

/// The local list as an element of `hypervisors`.
struct ShownLocal<'a>(&'a LocalGuests, Form);

impl Serialize for ShownLocal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.1.guests(), &self.0.guests)?;
        map.end()
    }
}

/// The reports of all sources as the one document that `--print` writes.
#[derive(Debug, Clone, Copy)]
pub struct Printed<'a>(pub &'a [Report], pub Form);

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Elements<'a>(&'a [Report], Form);
        impl Serialize for Elements<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(None)?;
                for report in self.0 {
                    match report {
                        Report::Hosts(hosts) => {
                            for host in hosts {
                                list.serialize_element(&Shown(host, self.1))?;
                            }
                        }
                        Report::Local(local) => {
                            list.serialize_element(&ShownLocal(local, self.1))?
                        }
                    }
                }
                list.end()
            }
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("hypervisors", &Elements(self.0, self.1))?;
        map.end()
    }
}

/// Why a document is no report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON.
    #[error("it is no JSON: {0}")]
    Syntax(String),
    /// A member is missing or has another type.
    #[error("{at}: {reason}")]
    Form {
        /// Where, such as `hypervisors[2].guestIds[0]`.
        at: String,
        /// What is wrong there.
        reason: &'static str,
    },
}

fn form(at: impl Into<String>, reason: &'static str) -> Error {
    Error::Form {
        at: at.into(),
        reason,
    }
}

/// Reads a document with hosts; elements of both generations may stand side by side.
///
/// # Errors
/// No JSON, or an element without id or guests.
pub fn read_hosts(bytes: &[u8], default_kind: &str) -> Result<Vec<Hypervisor>, Error> {
    let mut kinds = Kinds::new(default_kind);
    elements(bytes)?
        .into_iter()
        .enumerate()
        .map(|(at, element)| host(&format!("hypervisors[{at}]"), element, &mut kinds))
        .collect()
}

/// Reads a document with the guests of one machine: the first element, which must have no id.
///
/// # Errors
/// No JSON, no element, an element with an id, or one without guests.
pub fn read_local(bytes: &[u8], default_kind: &str) -> Result<LocalGuests, Error> {
    let mut kinds = Kinds::new(default_kind);
    let first = elements(bytes)?
        .into_iter()
        .next()
        .ok_or_else(|| form("hypervisors", "it has no element"))?;
    let at = "hypervisors[0]";
    if first.contains_key("hypervisorId") || first.contains_key("uuid") {
        return Err(form(
            at,
            "it names a host, so the file is one for is_hypervisor=true",
        ));
    }
    Ok(LocalGuests {
        guests: guests(at, &first, &mut kinds)?,
        hypervisor_id: None,
    })
}

fn elements(bytes: &[u8]) -> Result<Vec<Map<String, Value>>, Error> {
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| Error::Syntax(error.to_string()))?;
    let Value::Object(mut document) = document else {
        return Err(form("the document", "it must be an object"));
    };
    let Some(Value::Array(elements)) = document.remove("hypervisors") else {
        return Err(form("hypervisors", "the list is missing"));
    };
    elements
        .into_iter()
        .enumerate()
        .map(|(at, element)| match element {
            Value::Object(element) => Ok(element),
            _ => Err(form(format!("hypervisors[{at}]"), "it must be an object")),
        })
        .collect()
}

fn host(at: &str, mut element: Map<String, Value>, kinds: &mut Kinds) -> Result<Hypervisor, Error> {
    let id = match element.get("hypervisorId") {
        Some(Value::Object(id)) => id.get("hypervisorId"),
        Some(text @ Value::String(_)) => Some(text),
        Some(_) => None,
        None => element.get("uuid"),
    };
    let id = id
        .and_then(Value::as_str)
        .ok_or_else(|| form(at, "hypervisorId (or uuid) is missing or no text"))?;
    let mut host = Hypervisor::new(id);
    host.guests = guests(at, &element, kinds)?;
    host.name = match element.get("name") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str().into()),
        Some(_) => return Err(form(at, "name is no text")),
    };
    match element.remove("facts") {
        None | Some(Value::Null) => host.no_facts = true,
        Some(Value::Object(facts)) => {
            host.facts = facts
                .into_iter()
                .map(|(name, value)| (name.into_boxed_str(), value))
                .collect();
        }
        Some(_) => return Err(form(at, "facts is no object")),
    }
    Ok(host)
}

fn guests(at: &str, element: &Map<String, Value>, kinds: &mut Kinds) -> Result<Vec<Guest>, Error> {
    let (name, list) = ["guestIds", "guests"]
        .into_iter()
        .find_map(|name| Some((name, element.get(name)?)))
        .ok_or_else(|| form(at, "guestIds (or guests) is missing"))?;
    let Value::Array(list) = list else {
        return Err(form(format!("{at}.{name}"), "it must be a list"));
    };
    list.iter()
        .enumerate()
        .map(|(number, value)| {
            let place = || format!("{at}.{name}[{number}]");
            let id = value.get("guestId").and_then(Value::as_str);
            let id = id.ok_or_else(|| form(place(), "guestId is missing or no text"))?;
            let state = value.get("state").and_then(Value::as_i64);
            let state = state.ok_or_else(|| form(place(), "state is missing or no number"))?;
            let kind = value
                .get("attributes")
                .and_then(|attributes| attributes.get("virtWhoType"))
                .and_then(Value::as_str);
            Ok(Guest::new(id, State::of_number(state), &kinds.of(kind)))
        })
        .collect()
}

/// Kinds are few and guests many: each kind is one allocation.
struct Kinds {
    default: Arc<str>,
    seen: Vec<Arc<str>>,
}

impl Kinds {
    fn new(default: &str) -> Self {
        Self {
            default: default.into(),
            seen: Vec::new(),
        }
    }

    fn of(&mut self, kind: Option<&str>) -> Arc<str> {
        let Some(kind) = kind else {
            return Arc::clone(&self.default);
        };
        if let Some(seen) = self.seen.iter().find(|seen| seen.as_ref() == kind) {
            return Arc::clone(seen);
        }
        let new: Arc<str> = kind.into();
        self.seen.push(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = r#"{"hypervisors":[{"hypervisorId":{"hypervisorId":"h"},"name":"n","guestIds":[{"guestId":"g","state":3,"attributes":{"virtWhoType":"esx","active":1}}],"facts":{"a":"b"}}]}"#;
    const OLD: &str = r#"{"hypervisors":[{"uuid":"h","name":"n","guests":[{"guestId":"g","state":3,"attributes":{"virtWhoType":"esx","active":1}}],"facts":{"a":"b"}}]}"#;

    fn printed(reports: &[Report], form: Form) -> String {
        serde_json::to_string(&Printed(reports, form)).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        let new = read_hosts(NEW.as_bytes(), "fake").unwrap();
        let old = read_hosts(OLD.as_bytes(), "fake").unwrap();
        assert_eq!(new, old);
        let report = [Report::Hosts(new)];
        assert_eq!(printed(&report, Form::New), NEW);
        assert_eq!(printed(&report, Form::Old), OLD);
    }

    #[test]
    fn the_local_list_has_no_id() {
        let text = r#"{"hypervisors":[{"guests":[{"guestId":"g","state":99}]}]}"#;
        let local = read_local(text.as_bytes(), "fake").unwrap();
        assert_eq!(
            printed(&[Report::Local(local)], Form::New),
            r#"{"hypervisors":[{"guestIds":[{"guestId":"g","state":0,"attributes":{"virtWhoType":"fake","active":0}}]}]}"#
        );
        let error = read_local(NEW.as_bytes(), "fake").unwrap_err();
        assert!(error.to_string().contains("is_hypervisor=true"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_located() {
        let error = |text: &str| read_hosts(text.as_bytes(), "fake").unwrap_err().to_string();
        assert_eq!(
            error(r#"{"hypervisors":[{"uuid":"h","guests":[{"state":1}]}]}"#),
            "hypervisors[0].guests[0]: guestId is missing or no text"
        );
        assert_eq!(
            error(r#"{"hypervisors":[{"guests":[]}]}"#),
            "hypervisors[0]: hypervisorId (or uuid) is missing or no text"
        );
        assert_eq!(error("[]"), "the document: it must be an object");
        assert!(error("{").starts_with("it is no JSON"));
    }
}
