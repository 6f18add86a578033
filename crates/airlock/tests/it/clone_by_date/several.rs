//! Several trees by one command: plans applied together, taken back together, and trees that lack an advisory.

use std::path::Path;

use airlock_content::write_plan;
use airlock_model::Plan;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{answers, clone, plan, summary};
use crate::fake_server::{Answer, Asked, FakeServer, ok, problem, task};

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

/// What taking these plans back comes to; the trees may have moved on.
fn undo(asked: &Asked, moved_on: bool) -> Answer {
    let wish: Value = serde_json::from_slice(&asked.body).unwrap();
    let plans = wish["plans"].as_array().unwrap();
    let short = |plan: &Value| plan["digest"].as_str().unwrap()[..12].to_owned();
    if moved_on {
        let detail = format!(
            "el9-dev has moved on since plan {}: it is at 6",
            short(&plans[0])
        );
        return problem(409, "conflict", &detail, "airlock channel versions");
    }
    let steps = plans
        .iter()
        .map(|plan| json!({ "channel": plan["channels"][0]["channel"], "from": 5, "to": 4 }));
    let steps: Vec<Value> = steps.collect();
    let channels: Vec<Value> = match wish["dry_run"] == true {
        true => Vec::new(),
        false => steps
            .iter()
            .map(|step| {
                json!({ "channel": step["channel"], "from": 5, "to": 6, "added": 0, "removed": 2,
            "errata_added": 0, "errata_removed": 1 })
            })
            .collect(),
    };
    let note = format!("plan {} was not applied to el9-extra", short(&plans[0]));
    ok(&task(
        60,
        "undo",
        Some(json!({ "steps": steps, "notes": [note], "channels": channels })),
    ))
}

/// A server with three trees; the last one's sources may lack the advisory.
fn server(all: bool, moved_on: bool) -> FakeServer {
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
            ("POST", "/api/v1/clones/undo") => undo(asked, moved_on),
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
    let (server, folder) = (server(true, false), tempfile::tempdir().unwrap());
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
    // And back, by one task.
    let files = ["--undo", "now.json.1", "now.json.2", "now.json.3"];
    assert_eq!(clone(&server, folder.path(), &files).code, 1);
    assert!(posts(&server, "undo").is_empty());
    let undone = clone(&server, folder.path(), &["--undo", "now.json", "-y"]).expect_success();
    let text = undone.text();
    for line in [
        "el9-test: from version 5 back to what 4 held",
        "el9-test: +0 -2 packages, version 5 → 6",
        "note: now.json.1 was not applied to el9-extra",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let bodies: Vec<Value> = server
        .asked()
        .iter()
        .filter(|asked| asked.path == "/api/v1/clones/undo")
        .map(|asked| serde_json::from_slice(&asked.body).unwrap())
        .collect();
    let plans = TREES.map(|label| {
        let digest = hex::encode(Sha256::digest(write_plan(&emergency(label, true)).unwrap()));
        let before = emergency(label, true).channels[0]
            .destination
            .digest
            .clone();
        json!({ "digest": digest, "channels": [{ "channel": label, "before": before }] })
    });
    assert_eq!(bodies, [json!({ "plans": plans, "dry_run": false })]);
}

#[test]
fn channels_that_have_moved_on_are_not_taken_back() {
    let (server, folder) = (server(true, true), tempfile::tempdir().unwrap());
    let bytes = write_plan(&emergency("el9-dev", true)).unwrap();
    std::fs::write(folder.path().join("now.json"), bytes).unwrap();
    let undone = clone(&server, folder.path(), &["--undo", "now.json", "-y"]);
    assert_eq!(undone.code, 1);
    assert!(
        undone
            .stderr
            .contains("el9-dev has moved on since now.json: it is at 6"),
        "{}",
        undone.text()
    );
}

#[test]
fn plans_of_an_earlier_run_are_not_taken_for_a_part_of_a_later_one() {
    let (server, folder) = (server(true, false), tempfile::tempdir().unwrap());
    config(folder.path());
    let at = |name: &str| folder.path().join(name);
    let old = write_plan(&emergency("el9-old", true)).unwrap();
    for name in ["now.json", "now.json.1", "now.json.4"] {
        std::fs::write(at(name), &old).unwrap();
    }
    let planning = ["-c", "three.json", "--plan", "now.json"];
    let both = clone(&server, folder.path(), &["--apply", "now.json", "-y"]);
    assert_eq!(both.code, 1);
    assert!(
        both.stderr
            .contains("both now.json and now.json.1 are there"),
        "{}",
        both.text()
    );
    let _ = clone(&server, folder.path(), &planning).expect_success();
    let there =
        ["now.json", "now.json.1", "now.json.3", "now.json.4"].map(|name| at(name).exists());
    assert_eq!(there, [false, true, true, false]);
    // Anything else is nobody's to take away.
    std::fs::write(at("now.json"), "notes").unwrap();
    let refused = clone(&server, folder.path(), &planning);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("now.json is no plan"),
        "{}",
        refused.text()
    );
    assert_eq!(std::fs::read(at("now.json")).unwrap(), b"notes");
}

#[test]
fn what_was_applied_before_a_plan_was_refused_is_named() {
    let plans = ["el9-dev", "el9-test"].map(|label| emergency(label, true));
    let first = plans[0].clone();
    let server = FakeServer::start(move |asked| {
        let text = String::from_utf8_lossy(&asked.body);
        match asked.path.contains("apply") && text.contains("\"el9-test\"") {
            true => problem(409, "conflict", "el9-test has moved on", "plan again"),
            false => answers(&first, asked),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    for (name, plan) in ["a.json", "b.json"].into_iter().zip(&plans) {
        std::fs::write(folder.path().join(name), write_plan(plan).unwrap()).unwrap();
    }
    let failed = clone(
        &server,
        folder.path(),
        &["--apply", "a.json", "b.json", "-y"],
    );
    assert_eq!(failed.code, 1);
    assert!(
        failed.stderr.contains("1 of 2 plans were applied before; this takes them back: airlock clone-by-date --undo a.json\n"),
        "{}",
        failed.text()
    );
}

#[test]
fn a_tree_whose_sources_lack_the_advisory_is_left_as_it_is() {
    let (server, folder) = (server(false, false), tempfile::tempdir().unwrap());
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
