//! Server-side binding of abstract entries.
//!
//! Bound entries are compared as trees, attributes in any order. `priority` and `negate` of the lists never stand on a
//! bound entry here (section 8, number 13), so they are taken off the golden entry before it is compared.

use airlock_pkgstate::pkgmgr::binding::{self, BindError, Bound, Problem};
use airlock_pkgstate::pkgmgr::list::{Client, List};
use airlock_pkgstate::xml::{Document, Element};
use serde_json::{Value, json};

use super::{Folder, Report};

pub fn run(folder: &Folder, report: &mut Report) {
    let cases = folder.json("binding.json");
    for (number, case) in cases.as_array().unwrap().iter().enumerate() {
        report.case(&number.to_string(), |compare| {
            let mut lists = Vec::new();
            for (name, text) in case["files"].as_object().unwrap() {
                lists.push(List::parse(name, text.as_str().unwrap().as_bytes()).unwrap());
            }
            let texts = |value: &Value| -> Vec<String> {
                let list = value.as_array().unwrap();
                list.iter()
                    .map(|text| text.as_str().unwrap().to_owned())
                    .collect()
            };
            let client = Client::new(case["hostname"].as_str().unwrap(), texts(&case["groups"]));
            let entry = element(case["entry"].as_str().unwrap());
            let bound = binding::bind(&lists, &entry, &client, Default::default());
            let golden = compare.expected("bound", case["bound"].clone());
            let golden = golden.as_str().unwrap();
            compare.compare("bound", tree_or_text(golden), outcome(&bound));
            // The old server said this for every file when it read it, we say it when an entry is bound.
            let conflicts = |text: &String| !text.starts_with("Failed to match pkg");
            let said: Vec<String> = texts(&case["errors"])
                .into_iter()
                .filter(conflicts)
                .collect();
            compare.member("errors", said, log_of(&bound));
            if golden.ends_with("\"g\"/>") {
                let problems = &bound.as_ref().unwrap().problems;
                assert!(
                    matches!(&problems[..], [Problem::FileName { .. }]),
                    "{problems:?}"
                );
            }
        });
    }
}

fn element(text: &str) -> Element {
    Document::parse("entry", text.as_bytes()).unwrap().root
}

/// The golden entry as a tree; failures (`!! …`) as text.
fn tree_or_text(golden: &str) -> Value {
    match golden.strip_prefix("!! ") {
        Some(failure) => json!(failure),
        None => {
            let mut entry = element(golden);
            entry.remove("priority");
            entry.remove("negate");
            tree(&entry)
        }
    }
}

fn tree(element: &Element) -> Value {
    let attributes: serde_json::Map<String, Value> = element
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let children: Vec<Value> = element.elements().map(tree).collect();
    json!({"name": element.name, "attributes": attributes, "children": children})
}

fn outcome(bound: &Result<Bound, BindError>) -> Value {
    match bound {
        Ok(bound) => tree(&bound.entry),
        Err(BindError::NoSource { tag, name, .. }) => json!(format!(
            "PluginExecutionError No matching source for entry when retrieving attributes for {tag}({name})"
        )),
        Err(BindError::Conflict { .. }) => json!("PluginExecutionError "),
        Err(other) => json!(other.to_string()),
    }
}

/// What the old server logged about conflicts.
fn log_of(bound: &Result<Bound, BindError>) -> Vec<String> {
    let Err(BindError::Conflict {
        tag,
        name,
        hostname,
        files,
        priority,
    }) = bound
    else {
        return Vec::new();
    };
    let tag = tag.to_lowercase();
    let files: Vec<String> = files.iter().map(|file| format!("'{file}'")).collect();
    vec![
        format!("Found conflicting sources with same priority for {hostname}, {tag} {name}"),
        format!("[{}]", files.join(", ")),
        format!("Priority was {priority}"),
    ]
}
