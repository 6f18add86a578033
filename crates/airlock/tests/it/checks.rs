//! `channel check` and gates by the command line.

use airlock_testkit::process::{Server, Start};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;

/// A base channel that has a library, and a child that needs it in `app` and something that nobody has in `lost`.
fn meadow(folder: &std::path::Path) -> (Server, Repository, Repository) {
    let server = Start::new(folder.join("data")).start();
    let mut base = Repository::at(folder.join("base"));
    base.add(&Rpm::new("library", "2", "1"));
    base.add(&Rpm::new("release", "1", "1"));
    base.publish();
    let mut extra = Repository::at(folder.join("extra"));
    extra.add(&Rpm::new("app", "1", "1").requires("library >= 2"));
    extra.add(&Rpm::new("lost", "1", "1").requires("/opt/nobody/has-it"));
    extra.publish();
    server.airlock_ok(&[
        "channel",
        "create",
        "meadow-base",
        "--upstream",
        &base.url(),
    ]);
    server.airlock_ok(&[
        "channel",
        "create",
        "meadow-extra",
        "--parent",
        "meadow-base",
        "--upstream",
        &extra.url(),
    ]);
    server.airlock_ok(&["channel", "sync", "meadow-base", "meadow-extra"]);
    (server, base, extra)
}

#[test]
fn a_check_says_what_is_broken_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut base, _extra) = meadow(folder.path());
    assert_eq!(
        server.airlock_ok(&["channel", "check", "meadow-base"]),
        "meadow-base@1: 2 packages checked, all can be installed\n"
    );
    let checked = server.airlock(&["channel", "check", "meadow-extra"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (1, ""));
    assert_eq!(
        checked.stdout,
        "lost-1-1.noarch  (since version 1)\n  \
           lost-1-1.noarch needs /opt/nobody/has-it, which nothing provides\n\
         meadow-extra@1: 2 packages checked with meadow-base@1, 1 cannot be installed\n"
    );
    base.remove("library-");
    base.publish();
    let sync = ["channel", "sync", "meadow-base", "--accept-shrink"];
    server.airlock_ok(&sync);
    let json = |arguments: &[&str], code: i32| -> serde_json::Value {
        let finished = server.airlock(arguments);
        assert_eq!(finished.code, code, "{}", finished.text());
        serde_json::from_str(&finished.stdout).unwrap()
    };
    // The base channel comes along as it was at the instant of the version that is named.
    let check = ["channel", "check", "meadow-extra@1", "--json"];
    let report = json(&check, 1);
    assert_eq!(
        (&report["packages"], &report["with"][0]),
        (&2.into(), &"meadow-base@1".into())
    );
    assert_eq!(report["broken"].as_array().unwrap().len(), 1);
    let broken = &report["broken"][0];
    assert_eq!(broken["nevra"], "lost-1-1.noarch");
    assert_eq!(broken["since"], 1);
    assert_eq!(
        broken["problem"],
        "lost-1-1.noarch needs /opt/nobody/has-it, which nothing provides"
    );
    let now = ["channel", "check", "meadow-extra", "--json"];
    assert_eq!(json(&now, 1)["broken"].as_array().unwrap().len(), 2);
    // What was broken already does not count.
    let baseline = [
        "channel",
        "check",
        "meadow-extra@1",
        "--baseline",
        "meadow-extra@1",
    ];
    let compared = server.airlock_ok(&baseline);
    assert!(
        compared.ends_with("1 cannot be installed\ncompared with meadow-extra@1: 0 newly broken\n"),
        "{compared}"
    );
    let baseline = [
        "channel",
        "check",
        "meadow-extra",
        "--baseline",
        "meadow-extra@1",
        "--json",
    ];
    let report = json(&baseline, 1);
    assert_eq!(
        (&report["newly_broken"], &report["baseline"]),
        (&1.into(), &"meadow-extra@1".into())
    );
    let pinned = [
        "channel",
        "check",
        "meadow-extra",
        "--with",
        "meadow-base@1",
    ];
    let text = server.airlock(&pinned).stdout;
    assert!(text.contains("with meadow-base@1, 1 cannot"), "{text}");
    for wrong in [
        &["channel", "check", "meadow-extra@99"][..],
        &[
            "channel",
            "check",
            "meadow-extra",
            "--with",
            "meadow-nowhere",
        ],
        &[
            "channel",
            "check",
            "meadow-extra",
            "--baseline",
            "meadow-extra@99",
        ],
    ] {
        let finished = server.airlock(wrong);
        assert_eq!(finished.code, 1, "{}", finished.text());
        assert!(finished.stderr.contains("\nhint: "), "{}", finished.text());
    }
    assert_eq!(server.airlock(&["channel", "check", "no label"]).code, 2);
    server.stop();
}

#[test]
fn gates_hold_versions_and_name_what_shows_all() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut base, _extra) = meadow(folder.path());
    server.airlock_ok(&["channel", "set", "meadow-base", "--gate", "broken"]);
    for number in 1..=5 {
        base.add(&Rpm::new(&format!("broken{number}"), "1", "1").requires("gone"));
    }
    base.publish();
    let held = server.airlock(&["channel", "sync", "meadow-base"]);
    assert_eq!(held.code, 1, "{}", held.text());
    let line = held.stdout.lines().last().unwrap();
    let task = line
        .strip_prefix("hint: airlock task show ")
        .and_then(|rest| rest.split_once(' '))
        .map(|(task, _)| task)
        .unwrap_or_else(|| panic!("{}", held.text()));
    assert!(
        held.stdout.starts_with(
            "meadow-base is held by its gate: 5 packages cannot be installed; version 1 stays\n  \
             broken1-1-1.noarch needs gone, which nothing provides\n"
        ) && held.stdout.contains("\n  and 2 more\n"),
        "{}",
        held.text()
    );
    let shown = server.airlock_ok(&["task", "show", task]);
    assert!(
        shown.contains("broken5-1-1.noarch needs gone, which nothing provides"),
        "{shown}"
    );
    // Changes by hand fail, and their task names everything, too.
    server.airlock_ok(&["channel", "create", "meadow-own", "--gate", "broken"]);
    let files: Vec<String> = base
        .packages()
        .iter()
        .map(|path| path.display().to_string())
        .filter(|path| path.contains("broken"))
        .collect();
    let mut push = vec!["channel", "push", "meadow-own"];
    push.extend(files.iter().map(String::as_str));
    let refused = server.airlock(&push);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.starts_with(
            "error: meadow-own is held by its gate: 5 packages cannot be installed\n  broken1-1-1"
        ) && refused.stderr.contains("\nhint: airlock task show "),
        "{}",
        refused.text()
    );
    let tasks: serde_json::Value =
        serde_json::from_str(&server.airlock_ok(&["task", "list", "--all", "--json"])).unwrap();
    let id = tasks[0]["id"].to_string();
    let shown = server.airlock_ok(&["task", "show", &id]);
    assert!(shown.contains("broken5-1-1.noarch needs gone"), "{shown}");
    let watched = server.airlock(&["task", "watch", &id]);
    assert_eq!(watched.code, 1, "{}", watched.text());
    let show = server.airlock_ok(&["channel", "show", "meadow-own"]);
    assert!(
        show.contains("none yet") && show.contains("broken"),
        "{show}"
    );
    server.stop();
}
