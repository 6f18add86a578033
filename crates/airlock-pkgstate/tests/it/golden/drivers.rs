//! The drivers end to end: a scratch root gets the packages of a case with the real rpm, is tampered with, and one whole run
//! goes over it.
//!
//! Each case runs as Airlock decides by itself, with the differences that `deviations.json` names. The folder in the tree
//! runs a second time with `legacy_quirks`, which has to give what the old drivers did. Of a folder from outside the report
//! also names the failed cases that `legacy_quirks` meets; they failed all the same, unless its `deviations.json` says that
//! they should differ.

mod machine;
mod render;

use std::io::Write as _;
use std::path::Path;

use airlock_pkgstate::decide::lists::{Decision, DecisionList};
use airlock_pkgstate::declared::parse_configuration;
use airlock_pkgstate::evra::Form;
use airlock_pkgstate::run::{Operator, Options, Remove, RunError, Session};
use airlock_pkgstate::safety::Limits;
use airlock_pkgstate::settings::{DecisionMode, Driver, InstallonlyTest, Settings, parse_settings};
use serde_json::Value;

use super::{Folder, Report};
use machine::Scratch;

/// What is compared.
const MEMBERS: [&str; 11] = [
    "installed_before",
    "after_inventory",
    "prompts",
    "prompt_2007",
    "to_install",
    "to_remove",
    "extra",
    "extra_instances",
    "commands",
    "erase_calls",
    "modified",
];

pub fn rpmng(folder: &Folder, report: &mut Report) {
    run_all(folder, "rpmng-cases", Driver::Rpm, false, report);
}

pub fn yumng(folder: &Folder, report: &mut Report) {
    run_all(folder, "yumng-cases", Driver::Yum, false, report);
}

pub fn rpmng_legacy(folder: &Folder, report: &mut Report) {
    run_all(folder, "rpmng-cases", Driver::Rpm, true, report);
}

pub fn yumng_legacy(folder: &Folder, report: &mut Report) {
    run_all(folder, "yumng-cases", Driver::Yum, true, report);
}

fn run_all(folder: &Folder, part: &str, driver: Driver, legacy: bool, report: &mut Report) {
    let outside = std::env::var_os("AIRLOCK_BCFG2_CASES").is_some();
    if legacy && outside {
        return;
    }
    let scratch = Scratch::new(folder, driver);
    let mut only_legacy = Vec::new();
    let only = std::env::var("AIRLOCK_BCFG2_ONLY").ok();
    for file in folder.files(part, ".json") {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            continue;
        }
        let case: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        report.case(&name, |compare| {
            let here = run_case(&scratch, &case, driver, legacy);
            let golden = &case["result"];
            let mut pairs = Vec::new();
            for member in MEMBERS.iter().chain(&["installed_after"]) {
                if golden.get(*member).is_none() {
                    continue;
                }
                let expected = compare.expected(member, golden[*member].clone());
                let comparable = |value: &Value| render::comparable(member, value, &scratch);
                pairs.push((*member, comparable(&expected), comparable(&here[*member])));
            }
            let equal = pairs.iter().all(|(_, expected, here)| expected == here);
            if !equal && outside && !legacy && quirk_gives(&scratch, &case, driver) {
                only_legacy.push(name.clone());
            }
            for (member, expected, found) in pairs {
                if expected != found {
                    keep_difference(part, &name, member, &here[member], &scratch, legacy);
                }
                compare.compare(member, expected, found);
            }
        });
    }
    if !only_legacy.is_empty() {
        report.only_legacy(part, &only_legacy);
    }
}

/// Writes what was found here as a line for `deviations.json`, to be reviewed, when `AIRLOCK_BCFG2_DIFFERENCES` names a file.
fn keep_difference(
    part: &str,
    name: &str,
    member: &str,
    here: &Value,
    scratch: &Scratch,
    legacy: bool,
) {
    let Some(path) = std::env::var_os("AIRLOCK_BCFG2_DIFFERENCES") else {
        return;
    };
    let section = part.trim_end_matches("-cases").to_owned()
        + if legacy { " with legacy_quirks" } else { "" };
    let line = serde_json::json!({
        "case": format!("{section}/{name}"), "member": member, "expected": here, "reason": "number ",
    });
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    writeln!(file, "{}", scratch.to_case(&line.to_string())).unwrap();
}

/// Whether `legacy_quirks` gives the golden values as they stand.
fn quirk_gives(scratch: &Scratch, case: &Value, driver: Driver) -> bool {
    let here = run_case(scratch, case, driver, true);
    MEMBERS.iter().chain(&["installed_after"]).all(|member| {
        let golden = &case["result"];
        golden.get(*member).is_none()
            || render::comparable(member, &golden[*member], scratch)
                == render::comparable(member, &here[*member], scratch)
    })
}

/// Answers by words that stand in the question.
struct Answers<'c> {
    input: &'c Value,
}

impl Operator for Answers<'_> {
    fn ask(&mut self, question: &str) -> Option<String> {
        if let Some(answers) = self.input["answers"].as_object() {
            for (word, answer) in answers {
                if question.contains(word.as_str()) {
                    return Some(answer.as_str().unwrap().to_owned());
                }
            }
        }
        Some(
            self.input["default_answer"]
                .as_str()
                .unwrap_or("y")
                .to_owned(),
        )
    }
}

fn settings(input: &Value, driver: Driver, legacy: bool) -> Settings {
    let text = input["bcfg2.conf"].as_str().unwrap_or_default();
    let section = match driver {
        Driver::Rpm => "[RPMng]",
        Driver::Yum => "[YUMng]",
    };
    let switch = if legacy { "legacy_quirks = yes\n" } else { "" };
    let text = match text.contains(section) {
        true => text.replacen(section, &format!("{section}\n{switch}"), 1),
        false => format!("{text}\n{section}\n{switch}"),
    };
    let mut settings = parse_settings("bcfg2.conf", text.as_bytes()).unwrap();
    if input["installonly_test"] == "name" {
        settings.rpm.installonly_test = InstallonlyTest::Name;
    }
    settings
}

fn options(input: &Value) -> Options {
    let given = &input["options"];
    let is = |name: &str| given[name] == true;
    let mode = given["decision"].as_str().unwrap_or_default();
    let decisions = given["decision_list"].as_array().into_iter().flatten();
    Options {
        interactive: is("interactive"),
        dry_run: is("dryrun"),
        kevlar: is("kevlar"),
        quick: is("quick"),
        remove: match given["remove"].as_str() {
            Some("all" | "packages") => Remove::Packages,
            Some("Packages") => Remove::CapitalPackages,
            _ => Remove::Nothing,
        },
        decisions: DecisionList {
            mode: DecisionMode::from_word(mode).unwrap(),
            decisions: decisions
                .map(|pair| Decision {
                    tag: pair[0].as_str().unwrap().to_owned(),
                    name: pair[1].as_str().unwrap().to_owned(),
                })
                .collect(),
            ..DecisionList::default()
        },
        form: Form::Later,
        foreign: true,
        // The cases say what they want.
        limits: Limits {
            force: true,
            max_remove: usize::MAX,
        },
        ..Options::default()
    }
}

/// One whole run; the members of the result as the golden files have them.
fn run_case(scratch: &Scratch, case: &Value, driver: Driver, legacy: bool) -> Value {
    let input = &case["input"];
    let root = scratch.root(&input["state"]);
    let settings = settings(input, driver, legacy);
    let options = options(input);
    let text = scratch.to_here(input["configuration"].as_str().unwrap());
    let configuration = parse_configuration("case", text.as_bytes()).unwrap();
    let mut host = scratch.host(&root, legacy);
    let mut session = Session::look(
        &configuration,
        settings.driver(driver),
        driver,
        &options,
        &mut host,
    )
    .unwrap();
    let before = render::installed(&session.inventory);
    let seen = render::seen(&session);
    let mut operator = Answers { input };
    match session.carry_out(&mut host, &mut operator) {
        Ok(()) => {}
        Err(RunError::Refused(refusals)) => panic!("refused: {refusals:?}"),
        Err(other) => panic!("{other}"),
    }
    if std::env::var_os("AIRLOCK_BCFG2_ONLY").is_some() {
        eprintln!(
            "{:#?}\n{:#?}\n{:#?}",
            session.notes, session.commands, session.erasures_ran
        );
    }
    render::result(&session, before, seen)
}

/// A path as text.
fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
