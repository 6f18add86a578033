//! Section "vectors": results of the real functions for uuids, kubevirt's processors, filters.

use airlock_virt_who::filter::{FilterType, Pattern};
use airlock_virt_who::model::uuid;
use serde_json::Value;

use super::{Folder, Outcome, say};

pub fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let Some(vectors) = folder.json("vectors.json") else {
        say("skipped: there is no vectors.json");
        return Vec::new();
    };
    let mut outcomes = Vec::new();
    let list = |name: &str| vectors[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut add = |name: String, expected: Value, found: Value| {
        let expected = folder.deviations.apply(&name, expected);
        let result = if expected == found {
            Ok(())
        } else {
            Err(format!("expected {expected}, found {found}"))
        };
        outcomes.push(Outcome { name, result });
    };
    for entry in list("decode_win_uuid") {
        let guid = text(&entry[0]);
        let found = uuid::of_windows(&guid);
        add(
            format!("vectors/decode_win_uuid {guid}"),
            entry[1].clone(),
            found.into(),
        );
    }
    for entry in list("esx_vm_uuid") {
        // Where the old program broke off, the uuid stays as it is.
        let expected = if entry[2].is_object() {
            entry[0].clone()
        } else {
            entry[2].clone()
        };
        let found = uuid::of_esx_guest(&text(&entry[0]), entry[1].as_str());
        add(
            format!("vectors/esx_vm_uuid {}", entry[1]),
            expected,
            found.into(),
        );
    }
    for entry in list("kubevirt_cpu") {
        let cpu = text(&entry[0]);
        let found = airlock_virt_who::backend::kubevirt::processors(&cpu);
        add(
            format!("vectors/kubevirt_cpu {cpu}"),
            entry[1].clone(),
            found.into(),
        );
    }
    for entry in list("filter") {
        let (pattern, host) = (text(&entry["pattern"]), text(&entry["host"]));
        for (name, kind) in [
            ("wildcards", FilterType::Wildcards),
            ("regex", FilterType::Regex),
            ("unset", FilterType::Either),
        ] {
            let found = Pattern::new(&pattern, kind).0.matches(&host);
            let case = format!("vectors/filter {name} {pattern:?} {host:?}");
            add(case, entry[name].clone(), found.into());
        }
    }
    outcomes
}
