//! Clone by date with the real program and the real dnf: plan, review, apply; install, upgrade, advisories, modules.

use airlock_testkit::dnf::Dnf;
use airlock_testkit::process::{Server, Start};
use airlock_testkit::states::Distribution;

/// A server with the distribution's last day synced.
fn mirrored(folder: &std::path::Path) -> Server {
    let mut upstream = Distribution::at(folder.join("upstream"));
    upstream.next_day();
    upstream.next_day();
    let server = Start::new(folder.join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    server
}

fn client(server: &Server, label: &str) -> Dnf {
    let (status, body) = server.get(&format!("/repos/{label}.repo"));
    assert_eq!(status, 200);
    let mut dnf = Dnf::new();
    let file = String::from_utf8(body).unwrap();
    dnf.repo_file(label, &file.replace("gpgcheck=1", "gpgcheck=0"));
    dnf
}

#[test]
fn a_plan_is_reviewed_and_applied_and_dnf_lives_from_the_clone() {
    let folder = tempfile::tempdir().unwrap();
    let server = mirrored(folder.path());
    let plan = folder.path().join("p.json").display().to_string();
    let pair = ["clone-by-date", "-l", "el9-base", "el9-2026-01"];
    let dated = [&pair[..], &["-d", "2026-01-12", "--plan", &plan]].concat();
    server.airlock_ok(&dated);
    let first = std::fs::read(&plan).unwrap();
    server.airlock_ok(&dated);
    assert_eq!(
        std::fs::read(&plan).unwrap(),
        first,
        "plans are byte-stable"
    );
    let shown = server.airlock_ok(&["plan", "show", &plan]);
    assert!(shown.contains("hello.noarch  1.1-1"), "{shown}");
    server.airlock_ok(&["clone-by-date", "--apply", &plan, "-y"]);
    let mut dnf = client(&server, "el9-2026-01");
    let _ = dnf.ok(&["install", "hello"]);
    let installed = dnf.installed();
    assert!(
        installed.contains(&"hello-1.1-1.noarch".to_owned()),
        "{installed:?}"
    );
    // The next month: the clone moves on, and the machine with it.
    let next = [&pair[..], &["-d", "2026-01-31", "-y"]].concat();
    server.airlock_ok(&next);
    let advisories = dnf.ok(&["updateinfo", "list"]).stdout;
    assert!(advisories.contains("CL-"), "{advisories}");
    let _ = dnf.ok(&["upgrade"]);
    let installed = dnf.installed();
    assert!(
        installed.contains(&"hello-2.0-1.noarch".to_owned()),
        "{installed:?}"
    );
    // Modules are those of the source.
    let mut source = client(&server, "el9-base");
    let streams = |dnf: &mut Dnf| {
        let list = dnf.ok(&["module", "list", "--quiet"]).stdout;
        let mut lines: Vec<String> = list
            .lines()
            .filter(|line| line.starts_with("runtime") || line.starts_with("webapp"))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    let cloned = streams(&mut dnf);
    assert!(!cloned.is_empty());
    assert_eq!(cloned, streams(&mut source));
    let checked = server.airlock(&["channel", "check", "el9-2026-01", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    let of_source = server.airlock(&["channel", "check", "el9-base", "--json"]);
    let of_source: serde_json::Value = serde_json::from_str(&of_source.stdout).unwrap();
    assert_eq!(
        report["broken"].as_array().unwrap().len(),
        of_source["broken"].as_array().unwrap().len()
    );
    server.stop();
}

#[test]
fn a_source_that_moved_on_is_named_and_a_frozen_tree_gets_one_advisory() {
    let folder = tempfile::tempdir().unwrap();
    let server = mirrored(folder.path());
    server.airlock_ok(&[
        "clone-by-date",
        "-l",
        "el9-base",
        "el9-frozen",
        "-d",
        "2026-01-05",
        "-y",
    ]);
    let emergency = ["clone-by-date", "-l", "el9-base", "el9-frozen", "-e"];
    let errata = server.airlock_ok(&["channel", "errata", "el9-base", "--json"]);
    let errata: Vec<serde_json::Value> = serde_json::from_str(&errata).unwrap();
    let late = errata
        .iter()
        .find(|erratum| erratum["packages"].to_string().contains("hello-2.0"))
        .expect("hello 2.0 came by an erratum")["advisory"]
        .as_str()
        .unwrap()
        .to_owned();
    let plan = folder.path().join("p.json").display().to_string();
    server.airlock_ok(&[&emergency[..], &[&late, "--plan", &plan]].concat());
    let before = server.airlock_ok(&["channel", "packages", "el9-frozen"]);
    server.airlock_ok(&[&emergency[..], &[&late, "-y"]].concat());
    let packages = server.airlock_ok(&["channel", "packages", "el9-frozen"]);
    assert!(packages.contains("hello") && packages != before);
    // The plan from before is refused, and made again on request.
    let applied = server.airlock(&["clone-by-date", "--apply", &plan, "-y"]);
    assert_eq!(applied.code, 1, "{}", applied.text());
    assert!(
        applied.stderr.contains("el9-frozen has moved on"),
        "{}",
        applied.stderr
    );
    server.airlock_ok(&["clone-by-date", "--apply", &plan, "--rebase", "-y"]);
    // Undone by one command: the day and the tree, and a plan's file.
    server.airlock_ok(&["channel", "rollback", "el9-frozen", "1", "--tree"]);
    let held = || server.airlock_ok(&["channel", "packages", "el9-frozen"]);
    assert_eq!(held(), before);
    server.airlock_ok(&[&emergency[..], &[&late, "--plan", &plan]].concat());
    let undo = ["clone-by-date", "--undo", &plan, "-y"];
    let early = server.airlock(&undo);
    assert_eq!(early.code, 1, "{}", early.text());
    assert!(early.stderr.contains("nothing of"), "{}", early.text());
    server.airlock_ok(&["clone-by-date", "--apply", &plan, "-y"]);
    assert_ne!(held(), before);
    server.airlock_ok(&undo);
    assert_eq!(held(), before);
    let again = server.airlock(&undo);
    assert_eq!(again.code, 0, "{}", again.text());
    assert!(
        again.stderr.contains("taken back in el9-frozen already"),
        "{}",
        again.text()
    );
    // What somebody did since is not undone with it.
    server.airlock_ok(&["clone-by-date", "--apply", &plan, "-y"]);
    let rows = server.airlock_ok(&["channel", "packages", "el9-frozen", "--json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
    let name = rows[0]["file_name"].as_str().unwrap();
    let versions = server.airlock_ok(&["channel", "versions", "el9-frozen"]);
    server.airlock_ok(&["channel", "remove", "el9-frozen", name]);
    let edited = held();
    let refused = server.airlock(&undo);
    assert_eq!(refused.code, 1, "{}", refused.text());
    assert!(
        refused.stderr.contains("el9-frozen has moved on since"),
        "{}",
        refused.text()
    );
    assert_eq!(held(), edited);
    assert_ne!(
        server.airlock_ok(&["channel", "versions", "el9-frozen"]),
        versions
    );
    server.stop();
}
