//! Plans from files: made again before anything is asked, and shown without being applied.

use airlock_content::write_plan;
use airlock_model::{Plan, PlanSummary};
use serde_json::Value;

use super::{answers, clone, plan, typed_with};
use crate::fake_server::{FakeServer, ok, task};

/// The plan as it was made when the source had less.
fn earlier() -> Plan {
    let mut plan = plan();
    let channel = &mut plan.channels[0];
    channel.source.version = Some(6);
    channel.source.digest = Some("1".repeat(64));
    channel.packages.truncate(1);
    channel.packages[0].nevra = "old-1-1.x86_64".to_owned();
    channel.errata.truncate(0);
    plan
}

fn applied(server: &FakeServer) -> Vec<Vec<u8>> {
    let asked = server.asked().into_iter();
    let applied = asked.filter(|asked| asked.path.starts_with("/api/v1/clones/apply"));
    applied.map(|asked| asked.body).collect()
}

#[test]
fn a_plan_that_channels_have_left_behind_is_made_again_shown_applied_and_kept() {
    let now = plan();
    let server = FakeServer::start(move |asked| match asked.path.as_str() {
        "/api/v1/clones/undo" => {
            let nothing = serde_json::json!({ "steps": [], "notes": [], "channels": [] });
            ok(&task(45, "undo", Some(nothing)))
        }
        _ => answers(&now, asked),
    });
    let folder = tempfile::tempdir().unwrap();
    let (file, made) = (
        folder.path().join("q.json"),
        folder.path().join("q.rebased.json"),
    );
    std::fs::write(&file, write_plan(&earlier()).unwrap()).unwrap();
    let bytes = write_plan(&plan()).unwrap();
    // The question is about the new plan, and after "no" there is nothing.
    let words = ["--apply", "q.json", "--rebase"];
    let shown = typed_with(&server, folder.path(), &words, "n\n");
    let text = shown.text();
    let (summary, question) = (
        text.find("packages: +2 -0").unwrap(),
        text.find("Continue?").unwrap(),
    );
    assert!(summary < question, "{text}");
    assert!(!text.contains("packages: +1 -0"), "{text}");
    assert!(applied(&server).is_empty() && !made.exists());
    let done = clone(
        &server,
        folder.path(),
        &["--apply", "q.json", "--rebase", "-y"],
    );
    let done = done.expect_success();
    assert_eq!(applied(&server), std::slice::from_ref(&bytes));
    assert_eq!(std::fs::read(&made).unwrap(), bytes);
    for said in [
        "channels have moved on since q.json was made",
        "airlock clone-by-date --undo q.rebased.json takes it back",
    ] {
        assert!(done.stderr.contains(said), "{}", done.text());
    }
    // It is known by the digest of that file.
    let _ = clone(&server, folder.path(), &["--undo", "q.rebased.json", "-y"]).expect_success();
    let asked = server.asked();
    let undo = asked
        .iter()
        .rev()
        .find(|asked| asked.path.ends_with("undo"));
    let undo: Value = serde_json::from_slice(&undo.unwrap().body).unwrap();
    assert_eq!(
        undo["plans"][0]["digest"],
        super::summary(&plan())["digest"]
    );
}

#[test]
fn a_written_plan_is_shown_whole_and_not_applied() {
    let now = plan();
    let server = FakeServer::start(move |asked| match asked.path.as_str() {
        "/api/v1/channels/el9-2026q1" => ok(&serde_json::json!({ "parent": null })),
        _ => answers(&now, asked),
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("q.json"),
        write_plan(&earlier()).unwrap(),
    )
    .unwrap();
    let shown = clone(&server, folder.path(), &["--apply", "q.json", "-j"]).expect_success();
    for said in ["old.x86_64  1-1  because", "packages: +1 -0"] {
        assert!(shown.stdout.contains(said), "{}", shown.text());
    }
    // It is there by now, so it would not be made.
    assert!(!shown.stdout.contains("would be made"), "{}", shown.text());
    assert!(shown.stderr.contains("channel el9-2026q1 is there already"));
    let words = ["--apply", "q.json", "--rebase", "-j"];
    let shown = clone(&server, folder.path(), &words).expect_success();
    assert!(
        shown.stdout.contains("libfoo.x86_64  2-1"),
        "{}",
        shown.text()
    );
    assert!(!folder.path().join("q.rebased.json").exists());
    let json = clone(
        &server,
        folder.path(),
        &["--apply", "q.json", "-j", "--json"],
    );
    let summaries: Vec<PlanSummary> = serde_json::from_str(&json.expect_success().stdout).unwrap();
    assert_eq!(summaries[0].channels[0].packages, 1);
    assert!(applied(&server).is_empty());
}

#[test]
fn a_plan_that_was_changed_by_hand_is_not_applied() {
    let server = FakeServer::start(move |asked| answers(&plan(), asked));
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(write_plan(&plan()).unwrap()).unwrap();
    let (bare, _) = text.rsplit_once(",\n \"digest\"").unwrap();
    for (text, said) in [
        (
            text.replace("libfoo-2", "libfoo-3"),
            "the plan is not as it was made",
        ),
        (format!("{bare}\n}}\n"), "the plan has no digest"),
    ] {
        std::fs::write(folder.path().join("q.json"), text).unwrap();
        for words in [
            &["--apply", "q.json", "-y"][..],
            &["--apply", "q.json", "--rebase", "-y"],
        ] {
            let failed = clone(&server, folder.path(), words);
            assert_eq!(failed.code, 1, "{}", failed.text());
            assert!(failed.stderr.contains(said), "{}", failed.text());
            assert!(failed.stderr.contains("plan again"), "{}", failed.text());
        }
    }
    assert!(server.lines().is_empty());
}
