//! Several trees by one command: plans applied together, taken back together, and trees that lack an advisory.

use std::path::Path;

use airlock_content::write_plan;
use airlock_model::Plan;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{answers, clone, plan, summary};
use crate::fake_server::{Answer, Asked, FakeServer, ok, task};

/// The emergency in one frozen tree: its channel was at version 4 and is at 5 afterwards.
fn emergency(destination: &str, has_it: bool) -> Plan {
    let mut plan = plan();
    let channel = &mut plan.channels[0];
    channel.create = None;
    channel.destination.label = destination.parse().unwrap();
    channel.destination.version = Some(4);
    plan.request.channels[0].destination = channel.destination.label.clone();
    plan.request.to_date = None;
    plan.request.errata = vec!["RHSA-2026:1".to_owned()];
    plan.request.errata_where_known = true;
    if !has_it {
        plan.unknown_errata = vec!["RHSA-2026:1".to_owned()];
        plan.channels[0].packages.clear();
        plan.channels[0].errata.clear();
    }
    plan
}

const TREES: [&str; 3] = ["el9-dev", "el9-test", "el9-prod"];

/// A server with three trees; the last one's sources may lack the advisory. Its channels are at the version that
/// `current` says, made by the plan of `made_by`.
fn server(all: bool, current: i64) -> FakeServer {
    FakeServer::start(move |asked: &Asked| -> Answer {
        let plans = TREES.map(|label| emergency(label, all || label != "el9-prod"));
        let of = |text: &str| {
            plans
                .iter()
                .position(|plan| text.contains(plan.channels[0].destination.label.as_str()))
        };
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/api/v1/clones/plan") => {
                let place = of(&String::from_utf8_lossy(&asked.body)).unwrap();
                ok(&task(
                    50 + place as i64,
                    "plan",
                    Some(summary(&plans[place])),
                ))
            }
            ("GET", path) if path.starts_with("/api/v1/tasks/5") => {
                let place = usize::from(path.as_bytes()["/api/v1/tasks/5".len()] - b'0');
                (200, write_plan(&plans[place]).unwrap())
            }
            ("GET", path) if path.ends_with("/versions") => {
                let plan = &plans[of(path).unwrap()];
                let digest = hex::encode(Sha256::digest(write_plan(plan).unwrap()));
                let version = |number: i64| {
                    json!({ "number": number, "instant": "2026-03-02T00:00:00Z", "kind": "clone", "current": number == current,
                        "upstream_revision": null, "principal": "ada", "task": null, "request_id": "", "note": "",
                        "plan_digest": (number == 5).then_some(&digest), "content_digest": "", "packages": 1, "errata": 1,
                        "added": 1, "removed": 0, "held": null })
                };
                ok(&json!([version(4), version(5), version(6)]))
            }
            ("POST", path) if path.ends_with("/rollback") => {
                ok(&task(60, "rollback", Some(json!([]))))
            }
            _ => {
                let place = of(&String::from_utf8_lossy(&asked.body)).unwrap_or_default();
                answers(&plans[place], asked)
            }
        }
    })
}

fn config(folder: &Path) {
    let trees: Vec<Value> = TREES
        .iter()
        .map(|label| json!({ "el9-base": label }))
        .collect();
    let file = json!({ "errata": ["RHSA-2026:1"], "channels": trees });
    std::fs::write(folder.join("three.json"), file.to_string()).unwrap();
}

fn posts(server: &FakeServer, word: &str) -> Vec<String> {
    let lines = server.lines().into_iter();
    lines
        .filter(|line| line.starts_with("POST") && line.contains(word))
        .collect()
}

#[test]
fn an_emergency_goes_into_three_trees_by_one_command_each_way() {
    let (server, folder) = (server(true, 5), tempfile::tempdir().unwrap());
    config(folder.path());
    let planning = ["-c", "three.json", "--plan", "now.json"];
    let _ = clone(&server, folder.path(), &planning).expect_success();
    assert!(posts(&server, "apply").is_empty());
    let asked = server.asked();
    let wish = asked
        .iter()
        .find(|asked| asked.path.ends_with("/plan"))
        .unwrap();
    let wish: Value = serde_json::from_slice(&wish.body).unwrap();
    assert_eq!(wish["errata_where_known"], true);
    // The name stands for its numbered files.
    let applied = clone(&server, folder.path(), &["--apply", "now.json", "-y"]).expect_success();
    for label in TREES {
        assert!(
            applied.stdout.contains(&format!("{label}: +2 -0 packages")),
            "{}",
            applied.text()
        );
    }
    assert_eq!(posts(&server, "apply").len(), 3);
    // And back, the last one first; only what the plans made.
    let files = ["--undo", "now.json.1", "now.json.2", "now.json.3"];
    assert_eq!(clone(&server, folder.path(), &files).code, 1);
    assert!(posts(&server, "rollback").is_empty());
    let undone = clone(&server, folder.path(), &["--undo", "now.json", "-y"]).expect_success();
    assert!(
        undone
            .stdout
            .contains("el9-test: from version 5 back to what 4 held"),
        "{}",
        undone.text()
    );
    let back = TREES.map(|label| format!("POST /api/v1/channels/{label}/rollback"));
    assert_eq!(
        posts(&server, "rollback"),
        [&*back[2], &*back[1], &*back[0]]
    );
    let asked = server.asked();
    let wish: Value = serde_json::from_slice(&asked.last().unwrap().body).unwrap_or_default();
    assert!(wish.is_null() || wish["version"] == "4", "{wish}");
}

#[test]
fn channels_that_have_moved_on_are_not_taken_back() {
    let (server, folder) = (server(true, 6), tempfile::tempdir().unwrap());
    let bytes = write_plan(&emergency("el9-dev", true)).unwrap();
    std::fs::write(folder.path().join("now.json"), bytes).unwrap();
    let undone = clone(&server, folder.path(), &["--undo", "now.json", "-y"]);
    assert_eq!(undone.code, 1);
    assert!(
        undone
            .stderr
            .contains("el9-dev has moved on since now.json was applied: it is at version 6 now"),
        "{}",
        undone.text()
    );
    let other = write_plan(&emergency("el9-dev", false)).unwrap();
    assert_ne!(
        std::fs::read(folder.path().join("now.json")).unwrap(),
        other
    );
    assert!(posts(&server, "rollback").is_empty());
}

#[test]
fn a_tree_whose_sources_lack_the_advisory_is_left_as_it_is() {
    let (server, folder) = (server(false, 5), tempfile::tempdir().unwrap());
    config(folder.path());
    let done = clone(&server, folder.path(), &["-c", "three.json", "-y"]).expect_success();
    assert!(
        done.stderr
            .contains("note: no source of el9-prod has RHSA-2026:1, so that tree is left as it is"),
        "{}",
        done.text()
    );
    assert_eq!(posts(&server, "apply").len(), 2);
    // None of the trees has it.
    let none = FakeServer::start(|asked| answers(&emergency("el9-dev", false), asked));
    let failed = clone(&none, folder.path(), &["-c", "three.json", "-y"]);
    assert_eq!(failed.code, 1);
    assert!(
        failed.stderr.contains("no source channel has RHSA-2026:1"),
        "{}",
        failed.text()
    );
    assert!(posts(&none, "apply").is_empty());
}
