//! `deviations.json`: where Airlock means to differ. A list of objects with `case` (such as `ahv/v3-hostname`), `member`
//! (a path such as `hypervisors[0].facts`, or `mapping` for the whole document), `expected` (the value) and `reason`.
//!
//! With `instead_of` (the whole document as it stands there) an entry of this crate's own list also holds in other folders,
//! for a case with the same document; what the other folder's list says about the case comes first.

use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

struct Deviation {
    case: String,
    member: String,
    expected: Value,
    reason: String,
    instead_of: Option<Value>,
    /// Of this crate's list, in another folder.
    borrowed: bool,
}

impl Deviation {
    fn is_for(&self, case: &str, document: &Value) -> bool {
        if !self.borrowed {
            return self.case == case;
        }
        // Sections are numbered; in another file they may stand elsewhere.
        let numbered = "vectors/sections ";
        let same =
            self.case == case || self.case.starts_with(numbered) && case.starts_with(numbered);
        same && self.instead_of.as_ref() == Some(document)
    }
}

pub struct Deviations {
    all: Vec<Deviation>,
    used: Mutex<Vec<usize>>,
}

impl Deviations {
    /// The folder's list, and this crate's own behind it when the folder is another one.
    pub fn read(folder: &Path, own: &Path) -> Self {
        let mut all = list(folder, false);
        if folder.canonicalize().ok() != own.canonicalize().ok() {
            all.extend(list(own, true));
        }
        Self {
            all,
            used: Mutex::new(Vec::new()),
        }
    }

    /// The document that is expected, with the deliberate differences of the case.
    pub fn apply(&self, case: &str, mut document: Value) -> Value {
        let said = self
            .all
            .iter()
            .any(|found| !found.borrowed && found.case == case);
        for (number, deviation) in self.all.iter().enumerate() {
            if !deviation.is_for(case, &document) || said && deviation.borrowed {
                continue;
            }
            self.used.lock().unwrap().push(number);
            let member = deviation.member.as_str();
            if matches!(member, "" | "mapping" | "*" | "document") {
                document = deviation.expected.clone();
            } else {
                set(&mut document, member, deviation.expected.clone())
                    .unwrap_or_else(|| panic!("deviations.json: {case} has no place {member}"));
            }
        }
        document
    }

    /// Case, member and reason of those that were needed.
    pub fn used(&self) -> Vec<(String, String, String)> {
        let mut used = self.used.lock().unwrap().clone();
        used.sort_unstable();
        used.dedup();
        used.iter()
            .map(|number| {
                let found = &self.all[*number];
                (
                    found.case.clone(),
                    found.member.clone(),
                    found.reason.clone(),
                )
            })
            .collect()
    }
}

/// Sets the value at `a.b[0].c`, or at a JSON pointer; the last name may be new.
fn set(document: &mut Value, member: &str, value: Value) -> Option<()> {
    let mut steps: Vec<String> = if let Some(pointer) = member.strip_prefix('/') {
        pointer.split('/').map(str::to_owned).collect()
    } else {
        member
            .replace('[', ".")
            .replace(']', "")
            .split('.')
            .map(str::to_owned)
            .collect()
    };
    let last = steps.pop()?;
    let mut at = document;
    for step in steps {
        at = match at {
            Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?)?,
            Value::Object(object) => object.get_mut(&step)?,
            _ => return None,
        };
    }
    match at {
        Value::Array(list) => *list.get_mut(last.parse::<usize>().ok()?)? = value,
        Value::Object(object) => {
            object.insert(last, value);
        }
        _ => return None,
    }
    Some(())
}

fn list(folder: &Path, borrowed: bool) -> Vec<Deviation> {
    let entries = match super::read_json(&folder.join("deviations.json")) {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(Value::Object(mut object)) => match object.remove("deviations") {
            Some(Value::Array(list)) => list,
            _ => panic!(
                "deviations.json: it must be a list, or an object with a list \"deviations\""
            ),
        },
        Some(_) => panic!("deviations.json: it must be a list"),
    };
    let text = |entry: &Value, name: &str| {
        let found = entry.get(name).and_then(Value::as_str);
        found.unwrap_or("").to_owned()
    };
    entries
        .iter()
        .map(|entry| Deviation {
            case: text(entry, "case"),
            member: text(entry, "member"),
            expected: ["expected", "expected value", "expected_value", "value"]
                .iter()
                .find_map(|name| entry.get(*name))
                .cloned()
                .unwrap_or_else(|| panic!("deviations.json: {entry} has no expected value")),
            reason: text(entry, "reason"),
            instead_of: entry.get("instead_of").cloned(),
            borrowed,
        })
        .collect()
}
