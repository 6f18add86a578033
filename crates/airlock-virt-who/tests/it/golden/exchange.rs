//! Replay: a server that answers as recorded. A request is matched by method, path and operation, not by bytes and not by
//! the order among different ones; of equal ones each gets the next answer, and the last answer stays.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use airlock_virt_who::xml::Element;
use serde_json::Value;
use tokio_rustls::rustls::ServerConfig;

use crate::server::{Asked, Reply, Server};

/// A recorded conversation.
#[derive(Clone)]
pub struct Exchange(Vec<Value>);

type Key = (String, String, String);

impl Exchange {
    /// The case's own, or the folder's `uuid-exchange.json`.
    pub fn of(folder: &Path, case: &str) -> Option<Self> {
        [case, "uuid"]
            .iter()
            .find_map(|name| super::read_json(&folder.join(format!("{name}-exchange.json"))))
            .map(|document| match document {
                Value::Array(list) => Self(list),
                other => panic!("{case}: an exchange is a list, not {other}"),
            })
    }

    /// A header of the first request that has it.
    pub fn request_header(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|entry| {
            let headers = entry["request"]["headers"].as_object()?;
            headers
                .iter()
                .find(|(found, _)| found.eq_ignore_ascii_case(name))?
                .1
                .as_str()
                .map(str::to_owned)
        })
    }

    /// Starts to answer. Requests that nothing is recorded for are kept.
    pub async fn replay(&self, tls: Option<Arc<ServerConfig>>) -> Replay {
        let (listener, port) = Server::bind().await;
        let mut answers: HashMap<Key, Vec<Reply>> = HashMap::new();
        for entry in &self.0 {
            let (request, answer) = (&entry["request"], &entry["answer"]);
            let text = |value: &Value| {
                let text = value.as_str().unwrap_or("");
                text.replace("@PORT@", &port.to_string())
            };
            let method = text(&request["method"]);
            let path = text(&request["path"]);
            let path = path.split('?').next().unwrap_or("").to_owned();
            let key = (method, path, operation(&text(&request["body"])));
            let headers = answer["headers"].as_object();
            let headers = headers
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect();
            answers.entry(key).or_default().push(Reply::Answer {
                status: answer["status"].as_u64().unwrap_or(200) as u16,
                headers,
                body: text(&answer["body"]).into_bytes(),
            });
        }
        let unknown = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&unknown);
        let given: Mutex<HashMap<Key, usize>> = Mutex::new(HashMap::new());
        let server = Server::run(listener, tls, move |asked: &Asked| {
            let key = (
                asked.method.clone(),
                asked.path.clone(),
                operation(&asked.text()),
            );
            let Some(list) = answers.get(&key) else {
                // The old program left its sessions behind.
                if key.2.starts_with("session.logout") {
                    return Reply::new(404, "text/plain", "");
                }
                told.lock()
                    .unwrap()
                    .push(format!("{} {} {}", key.0, key.1, key.2));
                return Reply::new(404, "text/plain", "nothing is recorded for this request");
            };
            let mut given = given.lock().unwrap();
            let at = given.entry(key).or_default();
            let reply = list[(*at).min(list.len() - 1)].clone();
            *at += 1;
            reply
        });
        Replay { server, unknown }
    }
}

/// A running replay.
pub struct Replay {
    pub server: Server,
    unknown: Arc<Mutex<Vec<String>>>,
}

impl Replay {
    /// Requests that nothing was recorded for.
    pub fn unknown(&self) -> Vec<String> {
        self.unknown.lock().unwrap().clone()
    }
}

/// What a request asks for: the SOAP operation, the WQL query, the context of a pull, the method of XML-RPC with the
/// objects it names, the method of JSON-RPC. Empty for everything that method and path say already.
pub fn operation(body: &str) -> String {
    let trimmed = body.trim_start();
    if trimmed.starts_with('{') {
        let method = serde_json::from_str::<Value>(trimmed)
            .ok()
            .and_then(|value| value.get("method")?.as_str().map(str::to_owned));
        return method.unwrap_or_default();
    }
    let Ok(root) = Element::read(trimmed.as_bytes()) else {
        return String::new();
    };
    match &*root.name {
        "Envelope" => {
            let inner = root.child("Body").and_then(|body| body.children.first());
            let name = inner
                .map_or("", |inner| &inner.name)
                .trim_end_matches("_INPUT");
            let detail = root
                .find("Filter")
                .or_else(|| root.find("EnumerationContext"))
                .map_or("", |found| found.text.trim());
            let space = if name == "Enumerate" {
                root.find("ResourceURI")
                    .map_or("", |found| found.text.trim())
            } else {
                ""
            };
            format!("{name} {space} {detail}")
        }
        "methodCall" => {
            let name = root.text_at(&["methodName"]).unwrap_or("");
            let parameters = root
                .child("params")
                .into_iter()
                .flat_map(|all| &all.children);
            let objects: Vec<_> = parameters
                .skip(1)
                .filter_map(|parameter| {
                    let value = parameter.child("value")?;
                    let text = value
                        .children
                        .first()
                        .map_or(&value.text, |typed| &typed.text);
                    text.starts_with("OpaqueRef:").then(|| text.clone())
                })
                .collect();
            format!(
                "{} {}",
                name.replace("event_from", "event.from"),
                objects.join(" ")
            )
        }
        other => other.to_owned(),
    }
}
