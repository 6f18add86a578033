//! `airlock clone-by-date` and `airlock plan` as they are run: what is asked of the server, what is printed, how it ends.
//! The server is a fake one here, with a plan made by hand.

mod several;
mod written;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airlock_content::{read_plan, write_plan};
use airlock_model::{ChannelSummary, ErratumReason, Plan, PlanSummary};
use airlock_testkit::process::{airlock_binary, signal};
use airlock_testkit::programs::{Finished, require, run};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake_server::{Answer, Asked, FakeServer, ok, problem, task};

/// A plan for one channel: two errata in range, one package, one surprise.
fn plan() -> Plan {
    let version = |label: &str, version: Option<i64>| json!({ "label": label, "version": version, "digest": version.map(|_| "0".repeat(64)) });
    let erratum = |advisory: &str, kind: &str, reason: Value, beyond: bool| {
        json!({
            "advisory": advisory, "published_as": advisory.replace("RH", "CL-"), "digest": "b".repeat(64), "kind": kind,
            "severity": "Important", "title": "an update", "issued": "2026-03-02T00:00:00Z",
            "updated": "2026-03-05T10:20:30Z", "cves": ["CVE-2026-0001"], "reason": reason, "beyond": beyond
        })
    };
    let package = |nevra: &str, reason: Value| json!({ "nevra": nevra, "checksum": "sha256:ab", "reason": reason });
    let mut libfoo = package(
        "libfoo-2-1.x86_64",
        json!({ "why": "needed", "by": "app-1-1.x86_64", "requires": "libfoo >= 2", "advisory": "RHBA-2026:9" }),
    );
    libfoo["beyond"] = json!("erratum");
    let plan = json!({
        "format": 1,
        "request": { "channels": [{ "source": "el9-base", "destination": "el9-2026q1" }], "to_date": "2026-03-31" },
        "channels": [{
            "source": version("el9-base", Some(7)), "destination": version("el9-2026q1", None),
            "create": { "name": "el9-2026q1", "summary": "s", "description": "d", "parent": null },
            "errata_available": 5, "kept": 0,
            "errata": [
                erratum("RHBA-2026:9", "bugfix", json!({ "why": "needed", "package": "libfoo-2-1.x86_64", "by": "app-1-1.x86_64", "requires": "libfoo >= 2" }), true),
                erratum("RHSA-2026:1", "security", json!({ "why": "date" }), false),
            ],
            "packages": [
                package("app-1-1.x86_64", json!({ "why": "erratum", "advisory": "RHSA-2026:1" })),
                libfoo,
            ],
            "removals": [], "errata_removed": [], "by_hand": [], "open": [], "broken": [], "files": [],
            "naked": { "all": 30, "first_seen": 2, "build_date": 4 }
        }]
    });
    read_plan(plan.to_string().as_bytes()).unwrap()
}

fn summary(plan: &Plan) -> Value {
    let summary = PlanSummary {
        digest: hex::encode(Sha256::digest(write_plan(plan).unwrap())),
        channels: plan.channels.iter().map(ChannelSummary::from).collect(),
    };
    serde_json::to_value(summary).unwrap()
}

/// The fake server's answers around a plan.
fn answers(plan: &Plan, asked: &Asked) -> Answer {
    let (path, _) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let labels = plan
        .channels
        .iter()
        .map(|channel| &channel.destination.label);
    let cloned: Vec<Value> = labels
        .map(|label| json!({ "channel": label, "from": null, "to": 1 }))
        .collect();
    match (asked.method.as_str(), path) {
        ("POST", "/api/v1/login") => {
            let token = json!({ "id": 77, "name": "clone-by-date", "token": "airl_made", "role": "content-manager", "expires": null });
            (201, token.to_string().into_bytes())
        }
        ("DELETE", "/api/v1/tokens/77") => ok(&json!({})),
        ("POST", "/api/v1/clones/plan") => ok(&task(41, "plan", Some(summary(plan)))),
        ("GET", "/api/v1/tasks/41/plan" | "/api/v1/tasks/42/plan") => {
            (200, write_plan(plan).unwrap())
        }
        ("POST", "/api/v1/clones/apply") => {
            let summary = summary(plan);
            let outcome = json!({ "summary": summary, "channels": cloned });
            ok(&task(42, "clone", Some(outcome)))
        }
        ("GET", "/api/v1/channels/el9-base" | "/api/v1/channels/el9-old") => {
            ok(&json!({ "parent": null }))
        }
        ("GET", "/api/v1/channels/el9-extra") => ok(&json!({ "parent": "el9-base" })),
        ("GET", "/api/v1/channels/el9-base/packages") => {
            let rows: Vec<Value> = asked.path.ends_with("name=late").then(|| json!({
                "name": "late", "epoch": 0, "version": "2", "release": "1", "arch": "noarch", "checksum_type": "sha256",
                "checksum": "ab", "size": 1, "file_name": "late-2-1.noarch.rpm", "location": "", "held": true, "verified": true
            })).into_iter().collect();
            ok(&json!(rows))
        }
        ("GET", "/api/v1/channels/el9-base/errata") => ok(&json!([{
            "advisory": "RHBA-2026:50", "kind": "bugfix", "severity": "", "title": "", "issued": "2026-05-02T00:00:00Z",
            "updated": null, "cves": [], "packages": ["late-2-1.noarch.rpm"]
        }])),
        ("POST", "/api/v1/channels/el9-2026q1/check") => ok(&task(
            43,
            "check",
            Some(json!({
                "channel": "el9-2026q1@1", "with": ["el9-2026q1-extra@1"], "baseline": null, "packages": 3, "broken": [], "newly_broken": 0
            })),
        )),
        ("POST", "/api/v1/channels/el9-2026q1-extra/check") => ok(&task(
            44,
            "check",
            Some(json!({
                "channel": "el9-2026q1-extra@1", "with": ["el9-2026q1@1"], "baseline": null, "packages": 2, "newly_broken": 1,
                "broken": [{ "nevra": "gui-1-1.noarch", "problem": "gui-1-1.noarch requires nowhere\nnothing provides it", "since": 1, "in_baseline": false }]
            })),
        )),
        _ => problem(
            404,
            "not_found",
            &format!("{} is not here", asked.line()),
            "ask for something else",
        ),
    }
}

fn fake() -> FakeServer {
    let plan = plan();
    FakeServer::start(move |asked| answers(&plan, asked))
}

/// The program against a fake server, in a folder.
fn command(server: &FakeServer, folder: &Path) -> Command {
    command_of(&airlock_binary(), server, folder)
}

fn command_of(binary: &Path, server: &FakeServer, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .current_dir(folder)
        .env_remove("AIRLOCK_DATA")
        .env("XDG_CONFIG_HOME", folder)
        .env("AIRLOCK_SERVER", &server.url)
        .env("AIRLOCK_TOKEN", "airl_kept");
    command
}

fn clone(server: &FakeServer, folder: &Path, words: &[&str]) -> Finished {
    run(command(server, folder).arg("clone-by-date").args(words))
}

const CHANNELS: [&str; 5] = ["-l", "el9-base", "el9-2026q1", "-d", "2026-03-31"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    CHANNELS.iter().chain(more).copied().collect()
}

#[test]
fn a_clone_is_planned_shown_and_applied() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let finished = clone(&server, folder.path(), &with(&["-y"])).expect_success();
    insta::assert_snapshot!(finished.stdout, @r"
    These channels do not exist and would be made:
      el9-2026q1  of el9-base
    clone by date: errata up to 2026-03-31 by issue date
    el9-base -> el9-2026q1 (1/5 Errata)
      packages: +2 -0, 1 of selected errata, 1 pulled in by dependencies, 0 stay
      errata: 1 pulled in by dependencies
      surprises: 1 package and 1 erratum newer than 2026-03-31
        RHBA-2026:9: app-1-1.x86_64 requires libfoo >= 2, which its package libfoo-2-1.x86_64 provides;
            its date is later
        libfoo-2-1.x86_64: app-1-1.x86_64 requires libfoo >= 2 (erratum RHBA-2026:9 brings it); every
            erratum that lists it is later
      packages without an erratum: 30; --naked first-seen leaves out 2, build-date 4
    el9-2026q1: +2 -0 packages, +2 errata, version 1
    el9-2026q1:
      surprises: 1 package and 1 erratum newer than 2026-03-31
        RHBA-2026:9: app-1-1.x86_64 requires libfoo >= 2, which its package libfoo-2-1.x86_64 provides;
            its date is later
        libfoo-2-1.x86_64: app-1-1.x86_64 requires libfoo >= 2 (erratum RHBA-2026:9 brings it); every
            erratum that lists it is later
    ");
    assert_eq!(finished.stderr, "");
    assert_eq!(
        server.lines(),
        [
            "POST /api/v1/clones/plan",
            "GET /api/v1/tasks/41/plan",
            "POST /api/v1/clones/apply?rebase=false&task=41"
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[0].token.as_deref(), Some("airl_kept"));
    let wish = asked[0].json();
    assert_eq!(wish["to_date"], "2026-03-31");
    assert_eq!(wish["channels"][0]["destination"], "el9-2026q1");
    let finished = clone(&server, folder.path(), &with(&["-y", "--json"])).expect_success();
    let outcome: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        outcome[0]["channels"][0],
        json!({ "channel": "el9-2026q1", "from": null, "to": 1 })
    );
    let finished = clone(&server, folder.path(), &with(&["-y", "--no-wait"])).expect_success();
    assert_eq!(finished.stdout.lines().last(), Some("42"));
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_begun() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    for words in [with(&[]), with(&["--json"]), with(&["--assumeyes=false"])] {
        let finished = clone(&server, folder.path(), &words);
        assert_eq!(finished.code, 1, "{}", finished.text());
        assert!(
            finished.stderr.contains("hint: -y (--assumeyes)"),
            "{}",
            finished.text()
        );
        assert_eq!(finished.stdout, "");
    }
    assert_eq!(server.lines(), [""; 0]);
}

/// The program at a terminal, whose user types `text` once the server has been asked for the plan.
fn typed(server: &FakeServer, folder: &Path, text: &str) -> Finished {
    typed_with(server, folder, &CHANNELS, text)
}

fn typed_with(server: &FakeServer, folder: &Path, words: &[&str], text: &str) -> Finished {
    let line = format!(
        "exec {} clone-by-date {}",
        airlock_binary().display(),
        words.join(" ")
    );
    let before = server.lines().len();
    let mut command = Command::new(require("script"));
    command
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder)
        .env_remove("AIRLOCK_DATA")
        .env("AIRLOCK_SERVER", &server.url)
        .env("AIRLOCK_TOKEN", "airl_kept")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    while server.lines().len() < before + 2 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it asked"
        );
        std::thread::yield_now();
    }
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, text.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap().into()
}

#[test]
fn at_a_terminal_it_asks() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let applied = || server.lines().iter().any(|line| line.contains("apply"));
    // Ctrl-C is typed as well.
    for text in ["n\n", "y\nperhaps\nn\n", "\u{3}", ""] {
        let finished = typed(&server, folder.path(), text);
        let shown = finished.text();
        assert_eq!(finished.code, 0, "{text:?}: {shown}");
        assert!(shown.contains("el9-2026q1  of el9-base"), "{shown}");
        assert!(shown.contains("Create these channels? [y/n]"), "{shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
        assert_eq!(
            shown.contains("Continue? [y/n]"),
            text.starts_with('y'),
            "{shown}"
        );
        assert!(!applied());
    }
    let finished = typed(&server, folder.path(), "y\nyes\n");
    assert_eq!(finished.code, 0, "{}", finished.text());
    assert!(applied(), "{}", finished.text());
}

#[test]
fn a_dry_run_and_a_plan_change_nothing() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let dry = clone(&server, folder.path(), &with(&["-j"])).expect_success();
    assert!(
        dry.stdout.contains("el9-base -> el9-2026q1 (1/5 Errata)"),
        "{}",
        dry.text()
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    // All of it, and in short.
    let lines: Vec<&str> = dry.stdout.lines().collect();
    let whole = lines
        .iter()
        .position(|line| line.contains("libfoo.x86_64  2-1  because"));
    let short = lines
        .iter()
        .position(|line| line.contains("packages: +2 -0"));
    assert!(whole.is_some() && whole < short, "{}", dry.text());
    let json = clone(&server, folder.path(), &with(&["-j", "--json"])).expect_success();
    let summaries: Vec<PlanSummary> = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(summaries[0].channels[0].packages_beyond, 1);
    let written = clone(&server, folder.path(), &with(&["--plan", "q1.json"])).expect_success();
    assert!(
        written
            .stdout
            .contains("airlock clone-by-date --apply q1.json"),
        "{}",
        written.text()
    );
    let bytes = std::fs::read(folder.path().join("q1.json")).unwrap();
    assert_eq!(bytes, write_plan(&plan()).unwrap());
    assert!(!server.lines().iter().any(|line| line.contains("apply")));
    let failed = clone(
        &server,
        folder.path(),
        &with(&["--plan", "no/such/folder.json"]),
    );
    assert_eq!(failed.code, 1);

    // What was written is applied as it is, also when planning again would give the same.
    for more in [&["-y"][..], &["-y", "--rebase"]] {
        let words: Vec<&str> = ["--apply", "q1.json"].iter().chain(more).copied().collect();
        let applied = clone(&server, folder.path(), &words).expect_success();
        assert!(
            applied
                .stdout
                .contains("el9-2026q1: +2 -0 packages, +2 errata, version 1\n"),
            "{}",
            applied.text()
        );
        let asked = server.asked();
        let asked = asked
            .iter()
            .rev()
            .find(|asked| asked.method == "POST")
            .unwrap();
        assert_eq!(asked.path, "/api/v1/clones/apply?rebase=false");
        assert_eq!(asked.body, bytes);
    }
    assert!(!folder.path().join("q1.rebased.json").exists());
    let finished = clone(&server, folder.path(), &["--apply", "q1.json"]);
    assert_eq!(finished.code, 1, "{}", finished.text());
    std::fs::write(folder.path().join("q1.json"), "{\"format\": 1}").unwrap();
    let finished = clone(&server, folder.path(), &["--apply", "q1.json", "-y"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .starts_with("error: q1.json: this is no plan"),
        "{}",
        finished.text()
    );
}

#[test]
fn several_trees_are_planned_before_one_is_applied() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let file = json!({ "to_date": "2026-03-31", "channels": [{ "el9-base": "el9-2026q1" }, { "el8-base": "el8-2026q1" }] });
    std::fs::write(folder.path().join("clone.json"), file.to_string()).unwrap();
    let _ = clone(
        &server,
        folder.path(),
        &["-c", "clone.json", "--plan", "q1.json"],
    )
    .expect_success();
    assert!(folder.path().join("q1.json.1").exists() && folder.path().join("q1.json.2").exists());
    assert!(!folder.path().join("q1.json").exists());
    let before = server.lines().len();
    let _ = clone(&server, folder.path(), &["-c", "clone.json", "-y"]).expect_success();
    let lines: Vec<String> = server.lines()[before..]
        .iter()
        .map(|line| line.split('?').next().unwrap().to_owned())
        .collect();
    let (plan, get, apply) = (
        "POST /api/v1/clones/plan",
        "GET /api/v1/tasks/41/plan",
        "POST /api/v1/clones/apply",
    );
    assert_eq!(lines, [plan, get, plan, get, apply, apply]);
}

#[test]
fn parents_that_are_children_are_refused() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let finished = clone(
        &server,
        folder.path(),
        &with(&["-a", "el9-extra", "el9-old", "-y"]),
    );
    assert_eq!(finished.code, 2, "{}", finished.text());
    assert!(
        finished.stderr.contains("el9-extra is a child of el9-base"),
        "{}",
        finished.text()
    );
    let _ = clone(&server, folder.path(), &with(&["-a", "el9-old", "-y"])).expect_success();
}

#[test]
fn a_plan_that_changes_nothing_is_not_applied() {
    let folder = tempfile::tempdir().unwrap();
    let mut empty = plan();
    let channel = &mut empty.channels[0];
    channel.create = None;
    channel.destination.version = Some(4);
    channel.errata.clear();
    channel.packages.clear();
    let server = FakeServer::start(move |asked| answers(&empty, asked));
    let finished = clone(&server, folder.path(), &with(&["-y"])).expect_success();
    assert!(
        finished.stdout.ends_with("  nothing changes\n"),
        "{}",
        finished.text()
    );
    let finished = clone(&server, folder.path(), &with(&["-y", "--json"])).expect_success();
    let outcome: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        outcome[0]["channels"][0],
        json!({ "channel": "el9-2026q1", "from": 4, "to": 4 })
    );
    assert!(!server.lines().iter().any(|line| line.contains("apply")));
}

#[test]
fn reasons_are_told_of_what_is_there_and_of_what_is_not() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let explain = |name: &str| clone(&server, folder.path(), &with(&["--explain", name]));
    let finished = explain("libfoo").expect_success();
    assert_eq!(
        finished.stdout,
        "libfoo-2-1.x86_64 is there in el9-2026q1 because app-1-1.x86_64 requires libfoo >= 2; erratum\n    \
         RHBA-2026:9 brings it\n  app-1-1.x86_64 is there because erratum RHSA-2026:1 is in range\n  \
         it is newer than 2026-03-31: every erratum that lists it is later\n"
    );
    let finished = explain("late-2-1.noarch").expect_success();
    assert_eq!(
        finished.stdout,
        "late-2-1.noarch does not come into el9-2026q1, and nothing there needs it\n  \
         of its errata, RHBA-2026:50 does not come in: it was issued 2026-05-02, after 2026-03-31\n"
    );
    let finished = clone(
        &server,
        folder.path(),
        &with(&[
            "--explain",
            "CL-SA-2026:1",
            "--explain",
            "no-such",
            "--json",
        ]),
    );
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("nothing is known of no-such"),
        "{}",
        finished.text()
    );
    let found: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        (&found[0]["known"], &found[1]["known"]),
        (&json!(true), &json!(false))
    );
    // The same from a file, without a server.
    std::fs::write(folder.path().join("q1.json"), write_plan(&plan()).unwrap()).unwrap();
    let alone = |words: &[&str]| {
        run(Command::new(airlock_binary())
            .current_dir(folder.path())
            .arg("plan")
            .args(words)
            .env("HOME", "/nonexistent"))
    };
    assert_eq!(
        alone(&["explain", "q1.json", "libfoo"])
            .expect_success()
            .stdout,
        explain("libfoo").stdout
    );
    let late = alone(&["explain", "q1.json", "late"]);
    assert_eq!(late.code, 1);
    for said in [
        "the plan says nothing of late: it neither comes in nor goes",
        "airlock clone-by-date -l el9-base el9-2026q1 -d 2026-03-31 --explain 'late'",
    ] {
        assert!(late.stderr.contains(said), "{}", late.text());
    }
    let shown = alone(&["show", "q1.json"]).expect_success();
    assert!(shown.stdout.contains("CVE-2026-0001"), "{}", shown.text());
    for (format, begin) in [
        ("html", "<!DOCTYPE html>"),
        ("csv", "channel,change,"),
        ("text", "clone by date: "),
    ] {
        let shown = alone(&["show", "q1.json", "--format", format]).expect_success();
        assert!(shown.stdout.starts_with(begin), "{}", shown.text());
    }
    let shown = alone(&["show", "q1.json", "--json"]).expect_success();
    let summary: PlanSummary = serde_json::from_str(&shown.stdout).unwrap();
    let hashed = run(Command::new(require("sha256sum"))
        .current_dir(folder.path())
        .arg("q1.json"))
    .expect_success();
    assert_eq!(
        hashed.stdout.split(' ').next(),
        Some(summary.digest.as_str())
    );
    assert_eq!(
        alone(&["show", "q1.json", "--json", "--format", "csv"]).code,
        2
    );
    assert_eq!(alone(&["show", "no-such.json"]).code, 1);
}

#[test]
fn destinations_are_checked_with_each_other() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let words = with(&["-l", "el9-extra", "el9-2026q1-extra", "-v"]);
    let finished = clone(&server, folder.path(), &words);
    assert_eq!(finished.code, 1);
    assert_eq!(
        finished.stdout,
        "el9-2026q1@1: 3 packages, 0 cannot be installed\nel9-2026q1-extra@1: 2 packages, 1 cannot be installed\n  \
         gui-1-1.noarch\n    gui-1-1.noarch requires nowhere\n    nothing provides it\n"
    );
    assert_eq!(server.asked()[1].json(), json!({ "with": ["el9-2026q1"] }));
    let finished = clone(&server, folder.path(), &with(&["-v", "--json"])).expect_success();
    let reports: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(reports[0]["packages"], 3);
}

#[test]
fn the_old_options_log_in_for_one_run() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let url = format!("{}/rpc/api/", server.url);
    // The environment names another server and another token.
    let go = |words: &[&str]| {
        run(command(&server, folder.path())
            .env("AIRLOCK_SERVER", "http://127.0.0.1:9")
            .arg("clone-by-date")
            .args(with(&["-y"]))
            .args(words))
    };
    let finished = go(&["-s", &url, "-u", "ada", "-p", "correct horse battery"]).expect_success();
    assert!(!finished.text().contains("correct horse"));
    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /api/v1/login");
    assert_eq!(
        asked[0].json(),
        json!({ "login": "ada", "password": "correct horse battery", "name": "clone-by-date", "days": 1 })
    );
    assert_eq!(asked[0].token, None);
    assert_eq!(asked[1].token.as_deref(), Some("airl_made"));
    assert_eq!(asked.last().unwrap().line(), "DELETE /api/v1/tokens/77");
    for (words, said) in [
        (&["-s", &url, "-u", "ada"][..], "hint: -p PASSWORD"),
        (&["-s", &url, "-p", "x"], "hint: -u LOGIN"),
    ] {
        let before = server.asked().len();
        let finished = go(words);
        assert!(finished.stderr.contains(said), "{}", finished.text());
        assert_eq!(
            finished.code,
            if words.contains(&"-u") { 1 } else { 2 },
            "{}",
            finished.text()
        );
        assert_eq!(server.asked().len(), before);
    }
    // The same from the config file, whose URL wins over the environment's too.
    let file = json!({
        "server": url, "username": "bob", "password": "battery", "assumeyes": true, "to_date": "2026-03-31",
        "channels": { "el9-base": "el9-2026q1" }
    });
    let path = folder.path().join("clone.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let before = server.asked().len();
    let finished = run(command(&server, folder.path())
        .env("AIRLOCK_SERVER", "http://127.0.0.1:9")
        .env("AIRLOCK_DATA", "/nonexistent")
        .args(["clone-by-date", "-c", "clone.json"]))
    .expect_success();
    assert_eq!(server.asked()[before].json()["login"], "bob");
    assert!(
        finished
            .stderr
            .contains("note: clone.json holds a password and can be read by others"),
        "{}",
        finished.text()
    );
    assert!(!finished.text().contains("battery"));
}

#[test]
fn a_real_server_is_asked_over_its_socket_and_logged_in_to_over_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let server = airlock_testkit::process::Start::new(folder.path().join("data")).start();
    let words = |more: &[&'static str]| -> Vec<&'static str> {
        let all = ["clone-by-date", "-l", "no-such-one", "el9-2026q1", "-y"];
        all.iter().chain(more).copied().collect()
    };
    let refused = "no-such-one";
    // On the socket nobody has to say who he is.
    let finished = server.airlock(&words(&["-u", "nobody", "-p", "nothing"]));
    assert_eq!(finished.code, 1, "{}", finished.text());
    assert!(
        finished
            .stderr
            .contains("note: on the local socket user and password are not needed"),
        "{}",
        finished.text()
    );
    assert!(finished.stderr.contains(refused), "{}", finished.text());
    // Over the network with the old URL, whatever the environment says.
    let url = format!("{}/rpc/api", server.url());
    let over_network = |password: &str| {
        run(Command::new(airlock_binary())
            .args(words(&["-d", "2026-03-31"]))
            .args(["-s", &url, "-u", "admin", "-p", password])
            .env("AIRLOCK_DATA", "/nonexistent")
            .env("AIRLOCK_TOKEN", "airl_wrong")
            .env("XDG_CONFIG_HOME", folder.path()))
    };
    let finished = over_network("test-password");
    assert_eq!(finished.code, 1, "{}", finished.text());
    assert!(finished.stderr.contains(refused), "{}", finished.text());
    let finished = over_network("wrong-password");
    assert_eq!(finished.code, 1);
    assert!(!finished.stderr.contains(refused), "{}", finished.text());
    let list = server.airlock_ok(&["token", "list", "--json"]);
    let tokens: Value = serde_json::from_str(&list).unwrap();
    let tokens = tokens.as_array().unwrap();
    assert_eq!(tokens.len(), 1, "{list}");
    assert_eq!(tokens[0]["name"], "clone-by-date");
    assert!(tokens[0]["revoked"].is_string(), "{list}");
    server.stop();
}

#[test]
fn under_its_old_name_it_behaves_as_of_old() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let link = folder.path().join("spacewalk-clone-by-date");
    std::os::unix::fs::symlink(airlock_binary(), &link).unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let go = |words: &[&str]| run(command_of(&link, &server, &work).args(words));
    let finished = go(&with(&["-j", "-y", "-g"])).expect_success();
    assert!(
        finished
            .stderr
            .contains("note: -g (--background) has no effect"),
        "{}",
        finished.text()
    );
    let files: Vec<String> = std::fs::read_dir(&work)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), 1);
    let shape: String = files[0]
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert_eq!(shape, "el9-base_to_el9-9999q9_9999-99-99-99:99");
    // What dependencies bring was never in it.
    assert_eq!(
        std::fs::read_to_string(work.join(&files[0])).unwrap(),
        "RHSA-2026:1|Security Advisory|2026-03-02 00:00:00|2026-03-05 10:20:30|an update|\n"
    );
    for words in [
        &[][..],
        &["-d", "never"],
        &["-l", "el9-base"],
        &["-c", "/nonexistent"],
    ] {
        let finished = go(words);
        assert_eq!(finished.code, 255, "{words:?}: {}", finished.text());
        assert!(
            finished.stderr.starts_with("error: "),
            "{}",
            finished.text()
        );
    }
    assert_eq!(go(&with(&["-d", "never"])).code, 255);
    assert_eq!(go(&with(&[])).code, 255, "nobody is there to be asked");
    // Its own parser ended so.
    assert_eq!(go(&["--no-such-option"]).code, 2);
    let sample = go(&["-m"]).expect_success();
    std::fs::write(work.join("sample.json"), sample.stdout).unwrap();
    let _ = go(&["--help"]).expect_success();
}

#[test]
fn the_sample_goes_through() {
    let (server, folder) = (fake(), tempfile::tempdir().unwrap());
    let sample = run(Command::new(airlock_binary()).args(["clone-by-date", "--sample-config"]))
        .expect_success();
    std::fs::write(folder.path().join("sample.json"), &sample.stdout).unwrap();
    let words = ["-c", "sample.json", "-j", "-s", &server.url];
    let finished = clone(&server, folder.path(), &words);
    // Its second tree has a parent that this server does not know.
    assert_eq!(finished.code, 1, "{}", finished.text());
    assert!(
        finished
            .stderr
            .contains("GET /api/v1/channels/el8-base is not here"),
        "{}",
        finished.text()
    );
    let wrong = sample.stdout.replace("\"2026-03-31\"", "\"31.3.2026\"");
    std::fs::write(folder.path().join("wrong.json"), wrong).unwrap();
    let finished = clone(&server, folder.path(), &["-c", "wrong.json", "-j"]);
    assert_eq!(finished.code, 2, "{}", finished.text());
    assert!(
        finished.stderr.contains(
            "error: wrong.json: to_date: \"31.3.2026\" is no date\nhint: write it as YYYY-MM-DD"
        ),
        "{}",
        finished.text()
    );
}

#[test]
fn who_ends_it_has_not_failed() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&watched);
    let plan = plan();
    let server = FakeServer::start(move |asked| match asked.line().as_str() {
        "POST /api/v1/clones/plan" => ok(&task(41, "plan", None)),
        "POST /api/v1/tasks/41/cancel" => ok(&task(41, "plan", None)),
        line if line.starts_with("GET /api/v1/tasks/41?wait=") => {
            seen.store(true, Ordering::SeqCst);
            ok(&task(41, "plan", None))
        }
        _ => answers(&plan, asked),
    });
    let child = command(&server, folder.path())
        .arg("clone-by-date")
        .args(with(&["-y"]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !watched.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    signal(child.id(), "INT");
    let finished: Finished = child.wait_with_output().unwrap().into();
    assert_eq!(finished.code, 0, "{}", finished.text());
    assert!(
        finished.stderr.contains("nothing was changed"),
        "{}",
        finished.text()
    );
    assert_eq!(
        server.lines().last().unwrap(),
        "POST /api/v1/tasks/41/cancel"
    );
}

#[test]
fn what_the_server_refuses_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan();
    let server = FakeServer::start(move |asked| match asked.path.as_str() {
        "/api/v1/clones/plan" => problem(
            404,
            "not_found",
            "there is no channel el9-base",
            "airlock channel list",
        ),
        _ => answers(&plan, asked),
    });
    let finished = clone(&server, folder.path(), &with(&["-y"]));
    assert_eq!(finished.code, 1);
    assert_eq!(
        finished.stderr,
        "error: there is no channel el9-base\nhint: airlock channel list\n"
    );
}

#[test]
fn the_plan_made_by_hand_is_one() {
    let plan = plan();
    assert!(plan.changes_anything());
    assert!(matches!(
        plan.channels[0].errata[1].reason,
        ErratumReason::Date
    ));
}
