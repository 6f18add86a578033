//! Section "vectors": results of the real functions for uuids, kubevirt's processors, filters.

use airlock_virt_who::filter::{FilterType, Pattern};
use airlock_virt_who::inventory::Inventory;
use airlock_virt_who::model::{Guest, Hypervisor, State, uuid};
use serde_json::{Value, json};

use super::{Folder, Outcome, guarded, say};

pub fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let Some(vectors) = folder.json("vectors.json") else {
        say("skipped: there is no vectors.json");
        return Vec::new();
    };
    let mut outcomes = Vec::new();
    each(&vectors, "decode_win_uuid", &mut outcomes, |entry, out| {
        let guid = entry[0].as_str().unwrap();
        let found = uuid::of_windows(guid);
        let name = format!("vectors/decode_win_uuid {guid}");
        judge(folder, name, entry[1].clone(), &found.into(), out);
    });
    each(&vectors, "esx_vm_uuid", &mut outcomes, |entry, out| {
        let name = format!("vectors/esx_vm_uuid {}", entry[1]);
        let mut expected = folder.deviations.apply(&name, entry[2].clone());
        if expected.is_object() {
            expected = entry[0].clone();
            say(&format!(
                "deliberate difference: {name}: the old program broke off at such a config.version; here the uuid stays as it is"
            ));
        }
        let found = uuid::of_esx_guest(entry[0].as_str().unwrap(), entry[1].as_str());
        compare(name, &expected, &found.into(), out);
    });
    each(&vectors, "kubevirt_cpu", &mut outcomes, |entry, out| {
        let cpu = entry[0].as_str().unwrap();
        let found = airlock_virt_who::backend::kubevirt::processors(cpu);
        let name = format!("vectors/kubevirt_cpu {cpu}");
        judge(folder, name, entry[1].clone(), &found.into(), out);
    });
    each(&vectors, "filter", &mut outcomes, |entry, out| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (pattern, host) = (text(&entry["pattern"]), text(&entry["host"]));
        for (name, kind) in [
            ("wildcards", FilterType::Wildcards),
            ("regex", FilterType::Regex),
            ("unset", FilterType::Either),
        ] {
            let found = Pattern::new(&pattern, kind).0.matches(&host);
            let case = format!("vectors/filter {name} {pattern:?} {host:?}");
            judge(folder, case, entry[name].clone(), &found.into(), out);
        }
    });
    if vectors["report_hash"].is_object() {
        guarded("vectors/report_hash", &mut outcomes, |out| {
            out.push(Outcome {
                name: "vectors/report_hash".to_owned(),
                result: hashes(&vectors["report_hash"]),
            });
        });
    }
    if vectors["domain_list_hash"].is_object() {
        say(
            "skipped: vectors/domain_list_hash: it has no list to be read; the hash never left virt-who's process, here digests decide",
        );
    }
    outcomes
}

/// Runs the entries of a list, each by itself.
fn each(
    vectors: &Value,
    list: &str,
    outcomes: &mut Vec<Outcome>,
    one: impl Fn(&Value, &mut Vec<Outcome>),
) {
    for (number, entry) in vectors[list].as_array().into_iter().flatten().enumerate() {
        guarded(format!("vectors/{list} {number}"), outcomes, |out| {
            one(entry, out);
        });
    }
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

/// virt-who's hash decides whether a report has changed; here digests do. Both have to find the same: another order is no
/// change, and everything that the hash covers is one.
fn hashes(vector: &Value) -> Result<(), String> {
    let digest = |document: &Value| -> Result<String, String> {
        let mut hosts = Vec::new();
        for host in document["hypervisors"].as_array().ok_or("no hypervisors")? {
            let mut read = Hypervisor::new(host["hypervisorId"]["hypervisorId"].as_str().unwrap());
            read.name = host["name"].as_str().map(Into::into);
            for (name, value) in host["facts"].as_object().into_iter().flatten() {
                read.fact(name, value.as_str().unwrap());
            }
            for guest in host["guestIds"].as_array().into_iter().flatten() {
                let kind = guest["attributes"]["virtWhoType"].as_str().unwrap().into();
                let state = State::of_number(guest["state"].as_i64().unwrap());
                read.guests
                    .push(Guest::new(guest["guestId"].as_str().unwrap(), state, &kind));
            }
            hosts.push(read);
        }
        Ok(Inventory::of_hosts(hosts).whole().hex())
    };
    let document = &vector["serialized"];
    let before = digest(document)?;
    let mut turned = document.clone();
    let hosts = turned["hypervisors"].as_array_mut().unwrap();
    hosts.reverse();
    for host in hosts {
        host["guestIds"].as_array_mut().unwrap().reverse();
    }
    if digest(&turned)? != before {
        return Err("another order is taken for a change".to_owned());
    }
    let full = document["hypervisors"]
        .as_array()
        .into_iter()
        .flatten()
        .position(|host| host["guestIds"][0].is_object())
        .ok_or("no host has a guest")?;
    for (place, value) in [
        ("/name", json!("other")),
        ("/facts/x", json!("other")),
        ("/guestIds/0/state", json!(7)),
        ("/guestIds/0/guestId", json!("other")),
        ("/guestIds/0/attributes/virtWhoType", json!("other")),
        ("/hypervisorId/hypervisorId", json!("other")),
    ] {
        let mut changed = document.clone();
        if let Some(found) = changed["hypervisors"][full].pointer_mut(place) {
            *found = value;
            if digest(&changed)? == before {
                return Err(format!("a change at {place} is not found"));
            }
        }
    }
    Ok(())
}
