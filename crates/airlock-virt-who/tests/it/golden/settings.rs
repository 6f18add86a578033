//! Sections "ini", "parse_list", "str_to_bool" and "sections" of `vectors.json`, and `password/vectors.json`.

use std::collections::BTreeMap;

use airlock_ini::{Dialect, Warning, parse};
use airlock_virt_who::config::explain::word;
use airlock_virt_who::config::words::list;
use airlock_virt_who::config::{
    CommandLine, Environment, Origin, Paths, RawSection, Source, Told, load,
};
use airlock_virt_who::password::Key;
use airlock_virt_who::settings::boolean;
use serde_json::{Value, json};

use super::{Folder, Outcome, guarded, say};

pub fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    match folder.json("vectors.json") {
        None => say("skipped: there is no vectors.json"),
        Some(vectors) => {
            words(folder, &vectors, &mut outcomes);
            ini(folder, &vectors, &mut outcomes);
            sections(folder, &vectors, &mut outcomes);
        }
    }
    if folder.inside("password").is_some() {
        guarded("password/vectors", &mut outcomes, |outcomes| {
            passwords(folder, outcomes);
        });
    }
    outcomes
}

fn judge(
    folder: &Folder,
    name: String,
    expected: Value,
    found: &Value,
    outcomes: &mut Vec<Outcome>,
) {
    let expected = folder.deviations.apply(&name, expected);
    compare(name, &expected, found, outcomes);
}

fn compare(name: String, expected: &Value, found: &Value, outcomes: &mut Vec<Outcome>) {
    let result = if expected == found {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {found}"))
    };
    outcomes.push(Outcome { name, result });
}

/// A failure is one whatever the old program called it.
fn failure(value: &Value) -> Value {
    if value.get("error").is_some() {
        json!("error")
    } else {
        value.clone()
    }
}

fn words(folder: &Folder, vectors: &Value, outcomes: &mut Vec<Outcome>) {
    for (number, entry) in vectors["parse_list"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(
            format!("vectors/parse_list {number}"),
            outcomes,
            |outcomes| {
                let text = entry[0].as_str().unwrap();
                let found = list(text).map_or(json!("error"), |items| json!(items));
                let name = format!("vectors/parse_list {text}");
                judge(folder, name, failure(&entry[1]), &found, outcomes);
            },
        );
    }
    for (number, entry) in vectors["str_to_bool"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(
            format!("vectors/str_to_bool {number}"),
            outcomes,
            |outcomes| {
                let text = entry[0].as_str().unwrap();
                let found = boolean(text).map_or(json!("error"), |truth| json!(truth));
                let name = format!("vectors/str_to_bool {text}");
                judge(folder, name, failure(&entry[1]), &found, outcomes);
            },
        );
    }
}

fn ini(folder: &Folder, vectors: &Value, outcomes: &mut Vec<Outcome>) {
    for (number, entry) in vectors["ini"].as_array().into_iter().flatten().enumerate() {
        guarded(format!("vectors/ini {number}"), outcomes, |outcomes| {
            let case = entry["case"].as_str().unwrap();
            let text = entry["text"].as_str().unwrap();
            let name = format!("vectors/ini {case}");
            let mut expected = folder.deviations.apply(&name, entry["sections"].clone());
            let found = match parse("case.conf", text.as_bytes(), &Dialect::virt_who()) {
                Err(_) => json!({}),
                Ok(file) => {
                    let percent = file.warnings.iter().any(|warning| {
                        matches!(
                            warning,
                            Warning::LonePercent { .. }
                                | Warning::UnknownReference { .. }
                                | Warning::EndlessReference { .. }
                        )
                    });
                    let sections: BTreeMap<String, BTreeMap<String, Option<String>>> = file
                        .sections
                        .into_iter()
                        .map(|section| {
                            let entries = section.entries.into_iter();
                            (
                                section.name,
                                entries.map(|entry| (entry.name, entry.value)).collect(),
                            )
                        })
                        .collect();
                    let sections = json!(sections);
                    if percent && expected == json!({}) {
                        // The old program skips the whole file for a lone percent sign; here it is a character like others.
                        say(&format!(
                            "deliberate difference: {name}: a lone % is taken literally"
                        ));
                        expected = sections.clone();
                    }
                    sections
                }
            };
            compare(name, &expected, &found, outcomes);
        });
    }
}

fn sections(folder: &Folder, vectors: &Value, outcomes: &mut Vec<Outcome>) {
    for (number, entry) in vectors["sections"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(format!("vectors/sections {number}"), outcomes, |outcomes| {
            let class = entry["class"].as_str().unwrap_or_default();
            let name = format!("vectors/sections {number} {class}");
            let Some(input) = entry["in"].as_object() else {
                say(&format!("skipped: {name} has no input"));
                return;
            };
            let mut section = RawSection::new("sec", Origin::BuiltIn);
            for (option, value) in input {
                section.set(option, value.as_str().unwrap_or_default(), Origin::BuiltIn);
            }
            let line = CommandLine {
                section: Some(section),
                ..CommandLine::default()
            };
            let configuration = load(&Paths::default(), &line, &Environment::new());
            let (source, told, valid) = match configuration.source("sec") {
                Some(source) => {
                    let told: Vec<&Told> = configuration
                        .told
                        .iter()
                        .filter(|told| told.section.is_some())
                        .collect();
                    (Some(source), told, true)
                }
                None => {
                    let dropped = &configuration.dropped[0];
                    (
                        dropped.source.as_ref(),
                        dropped.told.iter().collect(),
                        false,
                    )
                }
            };
            let mut messages: Vec<Value> = told
                .iter()
                .map(|told| json!([word(told.level), told.text]))
                .collect();
            messages.sort_by_key(Value::to_string);
            let wanted = &entry["values"];
            let found = json!({
                "valid": valid,
                "messages": messages,
                "values": values(source, input, wanted),
            });
            let mut messages = entry["messages"].as_array().cloned().unwrap_or_default();
            messages.sort_by_key(Value::to_string);
            let expected =
                json!({ "valid": entry["valid"], "messages": messages, "values": wanted });
            judge(folder, name, expected, &found, outcomes);
        });
    }
}

/// The values that the old program kept, under its names.
fn values(
    source: Option<&Source>,
    input: &serde_json::Map<String, Value>,
    wanted: &Value,
) -> Value {
    let mut out = serde_json::Map::new();
    for name in wanted
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        let Some(source) = source else {
            out.insert(
                name.clone(),
                input.get(name).cloned().unwrap_or(Value::Null),
            );
            continue;
        };
        let settings = &source.settings;
        let value = match name.as_str() {
            "type" => json!(source.kind),
            "sm_type" => json!(source.manager),
            "owner" => json!(source.owner),
            "username" => json!(settings.username),
            "password" => json!(settings.password.as_ref().map(|password| password.reveal())),
            "url" => json!(settings.server),
            "server" if matches!(source.kind, "hyperv" | "ahv") => json!(source.server_as_written),
            "server" => json!(settings.server),
            // A word that is refused stays as it was written.
            "hypervisor_id" => match input.get(name) {
                Some(word) => word.clone(),
                None => json!(settings.hypervisor_id.word()),
            },
            "filter_type" => json!(source.filters.filter_type),
            "filter_hosts" => json!(source.filters.filter_hosts),
            "exclude_hosts" => json!(source.filters.exclude_hosts),
            "filter_host_parents" => json!(source.filters.filter_host_parents),
            "exclude_host_parents" => json!(source.filters.exclude_host_parents),
            "simplified_vim" | "is_hypervisor" => json!(settings.flag(name, true)),
            "prism_central" | "ahv_internal_debug" => json!(settings.flag(name, false)),
            "insecure" => json!(settings.insecure || settings.flag(name, false)),
            "kubeversion" => json!(settings.option(name).unwrap_or("")),
            "file" | "kubeconfig" => json!(settings.option(name)),
            other => input.get(other).cloned().unwrap_or(Value::Null),
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

fn passwords(folder: &Folder, outcomes: &mut Vec<Outcome>) {
    let Some(vectors) = folder.json("password/vectors.json") else {
        say("skipped: there is no password/vectors.json");
        return;
    };
    let key = Key::parse(vectors["key_file"].as_str().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut encrypted = String::new();
    for (number, entry) in vectors["vectors"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(format!("password/vector {number}"), outcomes, |outcomes| {
            let (plain, hex) = (text(&entry["plain"]), text(&entry["encrypted_hex"]));
            let found = json!([
                key.encrypt(&plain),
                key.decrypt(&hex)
                    .map(|secret| secret.reveal().to_owned())
                    .ok()
            ]);
            let name = format!("password/vector {plain}");
            judge(folder, name, json!([hex, plain]), &found, outcomes);
            if plain == "password" {
                encrypted = hex;
            }
        });
    }
    for (number, entry) in vectors["undecryptable"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(
            format!("password/undecryptable {number}"),
            outcomes,
            |outcomes| {
                let hex = text(&entry["encrypted_hex"]);
                let result = text(&entry["result"]);
                let expected = if result.starts_with("error") {
                    json!("error")
                } else {
                    json!(result.trim_matches('\''))
                };
                let found = key
                    .decrypt(&hex)
                    .map_or(json!("error"), |secret| json!(secret.reveal()));
                judge(
                    folder,
                    format!("password/undecryptable {hex}"),
                    expected,
                    &found,
                    outcomes,
                );
            },
        );
    }
    for (number, entry) in vectors["key_file_cases"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        guarded(
            format!("password/key file {number}"),
            outcomes,
            |outcomes| {
                let result = text(&entry["result"]);
                let expected = if result.starts_with("error") {
                    json!("error")
                } else {
                    json!(result)
                };
                let found = match Key::parse(&text(&entry["file"])) {
                    Err(_) => json!("error"),
                    Ok(key) => key
                        .decrypt(&encrypted)
                        .map_or(json!("error"), |secret| json!(secret.reveal())),
                };
                let name = format!("password/key file {}", text(&entry["case"]));
                judge(folder, name, expected, &found, outcomes);
            },
        );
    }
}
