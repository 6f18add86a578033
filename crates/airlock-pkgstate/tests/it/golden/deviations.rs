//! Where we differ on purpose.

use serde_json::Value;

use super::Folder;

/// One member of one case that is to be different.
pub struct Deviation {
    /// The name of the case, with or without its section.
    case: String,
    /// The member of its result; parts of it behind `/` (names of members, numbers in lists).
    member: String,
    expected: Value,
    used: bool,
}

/// All of them.
#[derive(Default)]
pub struct Deviations(Vec<Deviation>);

impl Deviations {
    /// Reads `deviations.json`; a folder without one has none.
    pub fn read(folder: &Folder) -> Self {
        if !folder.path("deviations.json").exists() {
            return Self::default();
        }
        let list = folder.json("deviations.json");
        let list = list.as_array().expect("deviations.json is a list");
        let read = |one: &Value| {
            let text = |name: &str| {
                let found = one[name].as_str();
                found
                    .unwrap_or_else(|| panic!("{name} lacks in a deviation: {one}"))
                    .to_owned()
            };
            let reason = text("reason");
            assert!(
                reason.bytes().any(|byte| byte.is_ascii_digit()),
                "the reason names no number of section 8: {one}"
            );
            let expected = ["expected", "expected_value", "value"];
            Deviation {
                case: text("case"),
                member: text("member"),
                expected: expected
                    .iter()
                    .find_map(|name| one.get(*name))
                    .unwrap_or_else(|| panic!("a deviation expects nothing: {one}"))
                    .clone(),
                used: false,
            }
        };
        Self(list.iter().map(read).collect())
    }

    /// What is expected of a member: the golden value, or what the deviations make of it.
    pub fn apply(&mut self, section: &str, case: &str, member: &str, golden: Value) -> Value {
        let mut expected = golden;
        let full = format!("{section}/{case}");
        for one in &mut self.0 {
            let is_case = one.case == full
                || one.case == case
                || case
                    .rsplit_once('/')
                    .is_some_and(|(_, last)| one.case == last);
            if !is_case && !is_named_so(&one.case, section, case) {
                continue;
            }
            if one.member == member {
                expected = one.expected.clone();
                one.used = true;
            } else if let Some(inner) = one.member.strip_prefix(member)
                && inner.starts_with('/')
            {
                let place = expected
                    .pointer_mut(inner)
                    .unwrap_or_else(|| panic!("{full} has no {}", one.member));
                *place = one.expected.clone();
                one.used = true;
            }
        }
        expected
    }

    /// Those that fitted nothing.
    pub fn unused(&self) -> Vec<String> {
        let unused = self.0.iter().filter(|one| !one.used);
        unused
            .map(|one| format!("{} {}", one.case, one.member))
            .collect()
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Cases of drivers are files `NN-NAME.json` in `SECTION-cases`; a deviation may leave out folder, number and ending.
fn is_named_so(named: &str, section: &str, case: &str) -> bool {
    let (folder, name) = match named.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, named),
    };
    let bare = |name: &str| {
        let name = name.strip_suffix(".json").unwrap_or(name).to_owned();
        match name.split_once('-') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                (Some(number.to_owned()), rest.to_owned())
            }
            _ => (None, name),
        }
    };
    let ((one_number, one), (number, name)) = (bare(name), bare(case));
    let same_folder =
        folder.is_none_or(|folder| folder == section || folder == format!("{section}-cases"));
    same_folder && one == name && (one_number.is_none() || one_number == number)
}
