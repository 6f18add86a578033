//! Our results in the words of the golden files.

use airlock_pkgstate::decide::extra::ExtraPackage;
use airlock_pkgstate::decide::yum::yum_word;
use airlock_pkgstate::decide::{Difference, Examined, InstanceStatus, Verdict, prompt};
use airlock_pkgstate::declared::Entry;
use airlock_pkgstate::evra::Form;
use airlock_pkgstate::inventory::{Installed, Inventory};
use airlock_pkgstate::run::Session;
use airlock_pkgstate::settings::Driver;
use serde_json::{Map, Value, json};

use super::machine::Scratch;

/// `NAME EPOCH:VERSION-RELEASE.ARCH`, sorted.
pub fn installed(inventory: &Inventory) -> Value {
    let none = || "(none)".to_owned();
    let mut lines: Vec<String> = inventory
        .packages()
        .iter()
        .map(|one| {
            format!(
                "{} {}:{}-{}.{}",
                one.name,
                one.epoch.map_or_else(none, |epoch| epoch.to_string()),
                one.version,
                one.release,
                one.arch.clone().unwrap_or_else(none)
            )
        })
        .collect();
    lines.sort();
    json!(lines)
}

/// What is known before anything is done.
pub fn seen(session: &Session<'_>) -> Value {
    let entries = session.configuration.entries.iter().zip(&session.before);
    let inventory = &session.inventory;
    let inventoried: Vec<Value> = entries
        .clone()
        .map(|(entry, examined)| entry_of(entry, examined, session.driver, inventory))
        .collect();
    let spec: Vec<String> = entries
        .filter(|(_, examined)| !examined.good)
        .filter_map(|(entry, examined)| prompt::own(entry, examined, Form::Specification))
        .collect();
    let extra: Vec<String> = session
        .extra
        .iter()
        .map(|extra| extra.element(false).to_xml())
        .collect();
    let instances: Vec<&ExtraPackage> = session
        .before
        .iter()
        .filter_map(|examined| examined.extra.as_ref())
        .collect();
    let texts: Vec<String> = instances
        .iter()
        .map(|extra| extra.element(true).to_xml())
        .collect();
    let instances = match session.driver {
        Driver::Rpm => json!(texts),
        // The old driver kept those of one entry.
        Driver::Yum => match texts.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        },
    };
    json!({
        "after_inventory": inventoried,
        "prompt_2007": spec,
        "extra": extra,
        "extra_instances": instances,
    })
}

/// All members.
pub fn result(session: &Session<'_>, before: Value, seen: Value) -> Value {
    let mut result = seen;
    let label = |at: &usize| session.entry(*at).unwrap().label();
    let to_install: Vec<String> = session.to_install.iter().map(label).collect();
    let to_remove: Vec<String> = session
        .to_remove
        .iter()
        .map(|extra| format!("Package:{}", extra.name))
        .collect();
    let commands: Vec<Value> = match session.driver {
        Driver::Rpm => session
            .commands
            .iter()
            .map(|ran| {
                let mut words = vec![ran.command.program.clone()];
                words.extend(ran.command.arguments.iter().cloned());
                json!({"cmd": words, "rc": ran.exit})
            })
            .collect(),
        // The old driver called a library: the commands here are not those of the cases.
        Driver::Yum => Vec::new(),
    };
    let erasures: Vec<Value> = match session.driver {
        Driver::Rpm => session
            .erasures
            .iter()
            .map(|erasure| {
                let problems = if erasure.failed {
                    vec!["failed"]
                } else {
                    vec![]
                };
                json!({
                    "pkgspecs": erasure.packages,
                    "flags": erasure.flags,
                    "problems": problems,
                })
            })
            .collect(),
        Driver::Yum => Vec::new(),
    };
    let mut modified = session.modified.clone();
    modified.sort();
    let members = result.as_object_mut().unwrap();
    members.insert("installed_before".into(), before);
    members.insert("prompts".into(), json!(session.prompts));
    members.insert("to_install".into(), json!(to_install));
    members.insert("to_remove".into(), json!(to_remove));
    members.insert("commands".into(), json!(commands));
    members.insert("erase_calls".into(), json!(erasures));
    members.insert("modified".into(), json!(modified));
    members.insert("installed_after".into(), installed(&session.inventory));
    result
}

fn entry_of(entry: &Entry, examined: &Examined, driver: Driver, inventory: &Inventory) -> Value {
    let mut members = Map::new();
    members.insert("entry".into(), json!(entry.label()));
    members.insert("state".into(), json!(examined.good));
    if !examined.good
        && let Some(text) = prompt::own(entry, examined, Form::Later)
    {
        members.insert("qtext".into(), json!(text));
    }
    let version = examined
        .version
        .as_deref()
        .or_else(|| entry.attribute("version"));
    if let Some(version) = version {
        members.insert("version".into(), json!(version));
    }
    if let Some(current) = &examined.current_version {
        members.insert("current_version".into(), json!(current));
    }
    if examined.absent {
        members.insert("current_exists".into(), json!("false"));
    }
    let instances: Vec<Value> = examined
        .instances
        .iter()
        .map(|status| instance(entry, status, driver, inventory))
        .collect();
    if !instances.is_empty() {
        members.insert("instances".into(), json!(instances));
    }
    Value::Object(members)
}

fn instance(
    entry: &Entry,
    status: &InstanceStatus,
    driver: Driver,
    inventory: &Inventory,
) -> Value {
    let (name, verify) = match driver {
        Driver::Rpm => (
            status.instance.evra().shown(Form::Later),
            status.verdicts.as_ref().map_or(Value::Null, |verdicts| {
                let each = verdicts
                    .iter()
                    .map(|verdict| rpm_verdict(verdict, inventory));
                each.collect()
            }),
        ),
        Driver::Yum => (yum_name(entry, status), yum_verdict(status)),
    };
    json!({
        "instance": name,
        "tag": status.instance.element.name,
        "installed": status.installed,
        "version_fail": status.version_fail,
        "verify_fail": status.verify_fail,
        "verify": verify,
    })
}

fn rpm_verdict(verdict: &Verdict, inventory: &Inventory) -> Value {
    let package: &Installed = inventory
        .packages()
        .iter()
        .find(|one| one.spec() == verdict.package)
        .unwrap_or_else(|| panic!("{} is not installed", verdict.package));
    let mut members = Map::new();
    members.insert(
        "nevra".into(),
        json!([
            package.name,
            package.epoch,
            package.version,
            package.release,
            package.arch
        ]),
    );
    if !verdict.dependencies.is_empty() {
        let unmet: Vec<Value> = verdict
            .dependencies
            .iter()
            .map(|unmet| {
                json!([
                    [package.name, package.version, package.release],
                    [unmet.name, unmet.version],
                    unmet.flags,
                    null,
                    0
                ])
            })
            .collect();
        members.insert("deps".into(), json!(unmet));
    }
    if !verdict.files.is_empty() {
        let files: Vec<Value> = verdict
            .files
            .iter()
            .map(|file| {
                let mut words: Vec<String> = file.differs.iter().map(rpm_word).collect();
                words.push(file.kind.to_string());
                words.push(file.path.clone());
                json!(words)
            })
            .collect();
        members.insert("files".into(), json!(files));
    }
    Value::Object(members)
}

fn rpm_word(difference: &Difference) -> String {
    let word = match difference {
        Difference::Missing => "LSTATFAIL",
        Difference::Digest => "MD5",
        Difference::Unreadable => "READFAIL",
        Difference::Link => "LINKTO",
        Difference::UnreadableLink => "READLINKFAIL",
        Difference::Size => "FILESIZE",
        Difference::Mode => "MODE",
        Difference::Device => "RDEV",
        Difference::Mtime => "MTIME",
        Difference::User => "USER",
        Difference::Group => "GROUP",
        Difference::Capabilities => "CAPS",
    };
    format!("RPMVERIFY_{word}")
}

fn yum_name(entry: &Entry, status: &InstanceStatus) -> String {
    let part = |name: &str| {
        status
            .instance
            .attribute(name)
            .filter(|value| *value != "any")
    };
    let mut name = String::new();
    if let Some(epoch) = part("epoch") {
        name.push_str(epoch);
        name.push(':');
    }
    name.push_str(entry.name());
    match status.instance.attribute("version") {
        Some("any") => {}
        version => {
            name.push('-');
            name.push_str(version.unwrap_or("None"));
        }
    }
    if let Some(release) = part("release") {
        name.push('-');
        name.push_str(release);
    }
    if let Some(arch) = part("arch") {
        name.push('.');
        name.push_str(arch);
    }
    name
}

fn yum_verdict(status: &InstanceStatus) -> Value {
    let mut files = Map::new();
    for verdict in status.verdicts.iter().flatten() {
        for file in &verdict.files {
            let problems: Vec<Value> = file
                .differs
                .iter()
                .filter_map(|difference| yum_word(*difference))
                .map(|word| match word {
                    "missing" => json!([word, "file is missing"]),
                    word => json!([word, format!("{word} does not match")]),
                })
                .collect();
            files.insert(file.path.clone(), json!(problems));
        }
    }
    Value::Object(files)
}

/// The words that a shell makes of a line; quotes and backslashes hold blanks together.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[test]
fn arguments_with_blanks_are_one_argument() {
    assert_eq!(
        shell_words("rpm --import '/srv/my rpms/KEY' a\\ b \"c 'd'\" ''"),
        ["rpm", "--import", "/srv/my rpms/KEY", "a b", "c 'd'", ""]
    );
}

/// A member in the form in which it is compared: commands as argument vectors, problems of removals as whether there were
/// any, the packages' folder under its name in the cases.
pub fn comparable(member: &str, value: &Value, scratch: &Scratch) -> Value {
    let list = || value.as_array().into_iter().flatten();
    match member {
        "commands" => list()
            .map(|command| {
                let words: Vec<String> = match &command["cmd"] {
                    // What is run here is a vector already; the old driver's line went to a shell.
                    Value::Array(words) => words
                        .iter()
                        .map(|word| scratch.to_case(word.as_str().unwrap()))
                        .collect(),
                    line => shell_words(&scratch.to_case(line.as_str().unwrap())),
                };
                json!({"arguments": words, "succeeded": command["rc"] == 0})
            })
            .collect(),
        "erase_calls" => list()
            .map(|call| {
                let failed = call["problems"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty());
                let packages: Vec<Value> = call["pkgspecs"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| {
                        // The old driver had epochs as text.
                        let epoch = match &one["epoch"] {
                            Value::Number(number) => json!(number.to_string()),
                            other => other.clone(),
                        };
                        json!([
                            one["name"],
                            epoch,
                            one["version"],
                            one["release"],
                            one["arch"]
                        ])
                    })
                    .collect();
                json!({"packages": packages, "flags": call["flags"], "failed": failed})
            })
            .collect(),
        "modified" => {
            let mut labels: Vec<&str> = list().filter_map(Value::as_str).collect();
            labels.sort_unstable();
            json!(labels)
        }
        _ => value.clone(),
    }
}
