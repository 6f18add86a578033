//! Commands against a running server: what they print, how they end.

use std::path::{Path, PathBuf};

use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::keys::SigningKey;
use airlock_testkit::process::{Start, airlock};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

#[test]
fn a_mirror_from_first_sync_to_rollback() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
    ]);
    let line = server.airlock_ok(&["channel", "sync", "el9-base"]);
    assert!(
        line.starts_with("el9-base: +") && line.trim_end().ends_with("version 1"),
        "{line}"
    );
    assert_eq!(
        server.airlock_ok(&["channel", "sync", "--all"]),
        "el9-base: unchanged, version 1\n"
    );
    upstream.next_day();
    let line = server.airlock_ok(&["channel", "sync", "--tree", "el9-base"]);
    assert!(
        line.trim_end().ends_with("version 1 → 2") && line.contains("1 important"),
        "{line}"
    );

    let diff = server.airlock_ok(&["channel", "diff", "el9-base@1"]);
    assert!(
        diff.starts_with("el9-base@1 → el9-base@2\n")
            && diff.contains("  added       hello-1.1-1.noarch\n"),
        "{diff}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&server.airlock_ok(&["channel", "diff", "el9-base@1", "--json"]))
            .unwrap();
    assert_eq!(json[0]["to"], "el9-base@2");
    assert!(
        server
            .airlock_ok(&["channel", "diff", "el9-base@1", "--format", "csv"])
            .starts_with("from,to,change")
    );

    let packages = server.airlock_ok(&["channel", "packages", "el9-base@1", "--name", "hello"]);
    assert!(
        packages.contains("hello-1.0-1.noarch") && !packages.contains("hello-1.1"),
        "{packages}"
    );
    // The longest label, which stands in every list below.
    let long = "l".repeat(128);
    server.airlock_ok(&["channel", "create", &long, "--parent", "el9-base"]);
    for table in [
        &["channel", "packages", "el9-base"][..],
        &["channel", "errata", "el9-base"],
        &["channel", "versions", "el9-base"],
        &["channel", "list"],
        &["task", "list", "--all"],
        &["audit"],
    ] {
        let text = server.airlock_ok(table);
        assert!(
            text.lines().count() > 1 && text.lines().all(|line| line.chars().count() <= 100),
            "{table:?}:\n{text}"
        );
    }

    let settings = ["--description", "D", "--latest", "1", "--exclude", "x*"];
    server.airlock_ok(&[&["channel", "set", &long][..], &settings].concat());
    let shown = server.airlock_ok(&["channel", "show", &long]);
    for line in [
        "description: D",
        "taken:       the newest version of each package; not names x*",
    ] {
        assert!(shown.lines().any(|found| found == line), "{shown}");
    }

    let line = server.airlock_ok(&["channel", "rollback", "el9-base", "1"]);
    assert!(line.contains("version 2 → 3"), "{line}");
    assert_eq!(server.get("/repos/el9-base@3/repodata/repomd.xml").0, 200);
    server.airlock_ok(&["channel", "create", "el9-prod"]);
    server.airlock_ok(&["channel", "promote", "el9-base@2", "el9-prod"]);
    let diff = server.airlock_ok(&["channel", "diff", "el9-base@2", "el9-prod"]);
    assert!(diff.contains("no difference"), "{diff}");
    assert!(
        server
            .airlock_ok(&["fsck", "--deep"])
            .trim_end()
            .ends_with("clean")
    );
    server.stop();
}

#[test]
fn one_failing_channel_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "broken-one",
        "--upstream",
        "file:///nonexistent/repo",
    ]);
    server.airlock_ok(&[
        "channel",
        "create",
        "good-one",
        "--upstream",
        &upstream.url(),
    ]);
    let finished = server.airlock(&["channel", "sync", "broken-one", "nobody-has-it", "good-one"]);
    assert_eq!(finished.code, 1, "{}", finished.text());
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(
        lines[0].starts_with("broken-one: failed: ") && lines[0].contains("/nonexistent/repo"),
        "{}",
        finished.text()
    );
    assert!(
        lines[1].starts_with("nobody-has-it: failed: there is no channel"),
        "{}",
        finished.text()
    );
    assert!(lines[2].starts_with("good-one: +"), "{}", finished.text());
    let tasks: serde_json::Value =
        serde_json::from_str(&server.airlock_ok(&["task", "list", "--all", "--json"])).unwrap();
    assert_eq!(tasks[0]["state"], "failed");
    // The channels tell it, too.
    let list = server.airlock_ok(&["channel", "list"]);
    let state_of = |label: &str| {
        let line = list.lines().find(|line| line.starts_with(label)).unwrap();
        line.contains("sync failed")
    };
    assert!(state_of("broken-one") && !state_of("good-one"), "{list}");
    let show = server.airlock_ok(&["channel", "show", "broken-one"]);
    let last = show.lines().find(|line| line.starts_with("last sync:"));
    assert!(
        last.is_some_and(|line| line.contains("failed") && line.contains("/nonexistent/repo")),
        "{show}"
    );
    let show: serde_json::Value =
        serde_json::from_str(&server.airlock_ok(&["channel", "show", "good-one", "--json"]))
            .unwrap();
    assert_eq!(show["last_sync"]["state"], "published");
    // A sync that finds nothing new is newer than what a row says.
    server.airlock_ok(&["channel", "sync", "good-one"]);
    let show = server.airlock_ok(&["channel", "show", "good-one"]);
    assert!(show.contains("nothing new "), "{show}");
    server.stop();
}

#[test]
fn own_packages_and_edits() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = ["alpha", "beta"]
        .iter()
        .map(|name| {
            Rpm::new(name, "1", "1")
                .file("/usr/share/x", name.as_bytes())
                .write_to(folder.path())
                .display()
                .to_string()
        })
        .collect();
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&["channel", "create", "own-tools"]);
    assert_eq!(
        server.airlock_ok(&["push", "-c", "own-tools", &files[0], &files[1]]),
        "own-tools: +2 packages, version 1\n"
    );
    let again = server.airlock_ok(&["channel", "push", "own-tools", &files[0]]);
    assert!(again.contains("already"), "{again}");
    let line = server.airlock_ok(&["channel", "remove", "own-tools", "alpha-1-1.noarch"]);
    assert!(line.contains("-1 packages"), "{line}");
    let finished = server.airlock(&["channel", "remove", "own-tools", "alpha-1-1.noarch"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.starts_with("error: "),
        "{}",
        finished.text()
    );
    // Nothing of the upload is left behind.
    let left = std::fs::read_dir(server.data().join("staging")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
    server.stop();
}

#[test]
fn deletion_asks_and_can_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&["channel", "create", "el9-base"]);
    server.airlock_ok(&["channel", "create", "el9-child", "--parent", "el9-base"]);
    let asked = server.airlock(&["channel", "delete", "el9-child"]);
    assert_eq!(asked.code, 2, "{}", asked.text());
    assert!(asked.stderr.contains("--yes"), "{}", asked.text());
    let refused = server.airlock(&["channel", "delete", "el9-base", "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("el9-child"), "{}", refused.text());
    assert!(!refused.stderr.contains("would go"), "{}", refused.text());
    server.airlock_ok(&["channel", "delete", "el9-child", "--yes"]);
    server.airlock_ok(&["channel", "undelete", "el9-child"]);
    server.airlock_ok(&["channel", "show", "el9-child"]);
    server.stop();
}

#[test]
fn a_value_that_the_server_refuses_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&["channel", "create", "el9-base"]);
    for (words, says) in [
        (
            &["channel", "packages", "el9-base@nonsense"][..],
            "names no version",
        ),
        (
            &["channel", "set", "el9-base", "--schedule", "often"],
            "often",
        ),
        (&["channel", "rollback", "el9-base", ""], "names no version"),
    ] {
        let refused = server.airlock(words);
        assert_eq!(refused.code, 2, "{words:?}: {}", refused.text());
        assert!(refused.stderr.contains(says), "{}", refused.text());
    }
    // What is right and is not there is no wrong usage.
    for words in [
        &["channel", "show", "el9-other"][..],
        &["channel", "rollback", "el9-base", "7"],
    ] {
        assert_eq!(server.airlock(words).code, 1, "{words:?}");
    }
    server.stop();
}

#[test]
fn without_a_server_the_next_step_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let finished = airlock(folder.path(), &["channel", "list"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished
            .stderr
            .contains("error: no airlock server runs over")
            && finished.stderr.contains("hint: start one: airlock serve"),
        "{}",
        finished.text()
    );
}

#[test]
fn tasks_can_be_left_alone_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
    ]);
    let id = server.airlock_ok(&["channel", "sync", "el9-base", "--no-wait"]);
    let text = server.airlock_ok(&["task", "watch", id.trim()]);
    assert!(text.contains("state:    done"), "{text}");
    server.airlock_ok(&["task", "show", id.trim(), "--json"]);
    assert!(
        server
            .airlock_ok(&["task", "cancel", id.trim()])
            .contains("over already")
    );
    server.stop();
}

#[test]
fn a_backup_made_while_serving_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    let backup = folder.path().join("backup").display().to_string();
    server.airlock_ok(&["backup", &backup]);
    // A folder with something else in it is left as it is.
    let foreign = folder.path().join("foreign");
    std::fs::create_dir_all(foreign.join("tmp")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&foreign, open).unwrap();
    let refused = server.airlock(&["backup", &foreign.display().to_string()]);
    assert_eq!(refused.code, 1, "{}", refused.text());
    let found = std::fs::metadata(&foreign).unwrap().permissions();
    let mode = std::os::unix::fs::PermissionsExt::mode(&found);
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);
    upstream.next_day();
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    let again: serde_json::Value =
        serde_json::from_str(&server.airlock_ok(&["backup", &backup, "--json"])).unwrap();
    assert!(
        again["copied"].as_u64().unwrap() < again["blobs"].as_u64().unwrap(),
        "{again}"
    );
    let served = server.get("/repos/el9-base/repodata/repomd.xml").1;
    // A copy with one changed byte, one cut short, one of something that the server has no more.
    let copies = files_below(Path::new(&format!("{backup}/blobs")));
    let mut changed = std::fs::read(&copies[0]).unwrap();
    changed[0] ^= 1;
    std::fs::write(&copies[0], changed).unwrap();
    std::fs::write(&copies[1], b"").unwrap();
    let gone = format!("{backup}/blobs/00/{}", "0".repeat(62));
    std::fs::create_dir_all(format!("{backup}/blobs/00")).unwrap();
    std::fs::write(&gone, b"x").unwrap();
    let mended = server.airlock_ok(&["backup", &backup]);
    assert!(
        mended.contains(
            "verified, 2 damaged copies replaced, 1 damaged and not needed any more removed"
        ),
        "{mended}"
    );
    assert!(!Path::new(&gone).exists());
    let third = server.airlock_ok(&["backup", &backup]);
    assert!(third.trim_end().ends_with("verified"), "{third}");
    server.stop();

    let restored = folder.path().join("restored");
    let finished = airlock(&restored, &["restore", &backup]).expect_success();
    assert!(
        finished.stdout.contains("start it: airlock serve"),
        "{}",
        finished.text()
    );
    let twice = airlock(&restored, &["restore", &backup]);
    assert_eq!(twice.code, 1, "{}", twice.text());
    // Where the audit log ended comes along, so that its end cannot be cut off on the way.
    assert!(restored.join("audit-head").is_file());
    let server = Start::new(&restored).start();
    assert_eq!(server.get("/repos/el9-base/repodata/repomd.xml").1, served);
    assert_eq!(server.get("/repos/el9-base@1/repodata/repomd.xml").0, 200);
    assert!(
        server
            .airlock_ok(&["fsck", "--deep"])
            .trim_end()
            .ends_with("clean")
    );
    server.stop();
}

#[test]
fn a_command_whose_server_is_killed_ends_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let http = HttpServer::serve(folder.path().join("upstream"));
    // The sync hangs for as long as anybody waits for it.
    http.fault("/repodata/repomd.xml", Fault::Stall);
    drop(upstream);
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&["channel", "create", "el9-base", "--upstream", &http.url()]);
    let mut command = std::process::Command::new(airlock_testkit::process::airlock_binary())
        .args(["channel", "sync", "el9-base"])
        .env("AIRLOCK_DATA", server.data())
        .env_remove("AIRLOCK_SERVER")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while http.total() == 0 {
        std::thread::yield_now();
    }
    server.kill();
    let mut text = String::new();
    std::io::Read::read_to_string(command.stderr.as_mut().unwrap(), &mut text).unwrap();
    assert_eq!(command.wait().unwrap().code(), Some(1), "{text}");
    assert!(
        text.contains("error: the server went away while task")
            && text.contains("hint: nothing half-done is visible"),
        "{text}"
    );
}

#[test]
fn keys_upstreams_and_excludes_of_a_channel_are_taken_away_by_the_empty_word() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let key = folder.path().join("key.asc");
    SigningKey::ed25519("maker").write_public_key(&key);
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
        "--gpg-key",
        &key.display().to_string(),
        "--signatures",
        "off",
        "--exclude-arch",
        "i686",
        "--exclude-module",
        "runtime:*",
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    let packages = server.airlock_ok(&["channel", "packages", "el9-base"]);
    assert!(
        packages.contains(".x86_64") && !packages.contains(".i686"),
        "{packages}"
    );
    assert!(
        packages.contains("webapp-") && !packages.contains("runtime-"),
        "{packages}"
    );
    let set = |words: &[&str]| -> serde_json::Value {
        server.airlock_ok(&[&["channel", "set", "el9-base"], words].concat());
        let shown = server.airlock_ok(&["channel", "show", "el9-base", "--json"]);
        serde_json::from_str(&shown).unwrap()
    };
    let channel = set(&["--gpg-key", "", "--signatures", "default"]);
    assert_eq!(channel["keys"], serde_json::json!([]));
    assert_eq!(channel["signatures"], serde_json::Value::Null);
    assert_eq!(
        channel["filter"]["exclude_modules"],
        serde_json::json!(["runtime:*"])
    );
    let channel = set(&["--upstream", "", "--exclude-module", ""]);
    assert_eq!(channel["upstreams"], serde_json::json!([]));
    assert_eq!(
        channel["filter"]["exclude_arches"],
        serde_json::json!(["i686"])
    );
    assert_eq!(
        channel["filter"]["exclude_modules"],
        serde_json::Value::Null
    );
}

#[test]
fn a_schedule_is_set_for_every_channel_that_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    let url = upstream.url();
    let create = |label: &str, more: &[&str]| {
        let mut words = vec!["channel", "create", label];
        words.extend_from_slice(more);
        server.airlock_ok(&words);
    };
    create("el9-base", &["--upstream", &url]);
    create("el9-extras", &["--upstream", &url, "--parent", "el9-base"]);
    create("own-tools", &["--parent", "el9-base"]);
    create("el8-base", &["--upstream", &url]);
    let schedules = || -> Vec<(String, Option<String>)> {
        let list: serde_json::Value =
            serde_json::from_str(&server.airlock_ok(&["channel", "list", "--json"])).unwrap();
        let mut list: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|channel| {
                let text = |name: &str| channel[name].as_str().map(str::to_owned);
                (text("label").unwrap(), text("schedule"))
            })
            .collect();
        list.sort();
        list
    };
    let expected = |of: [Option<&str>; 4]| -> Vec<(String, Option<String>)> {
        ["el8-base", "el9-base", "el9-extras", "own-tools"]
            .into_iter()
            .zip(of)
            .map(|(label, schedule)| (label.to_owned(), schedule.map(str::to_owned)))
            .collect()
    };
    let daily = Some("daily 02:00");
    server.airlock_ok(&[
        "channel",
        "sync",
        "--tree",
        "el9-extras",
        "--schedule",
        "daily 02:00",
    ]);
    assert_eq!(schedules(), expected([None, daily, daily, None]));
    let hourly = Some("hourly");
    server.airlock_ok(&["channel", "sync", "--all", "--schedule", "hourly"]);
    assert_eq!(schedules(), expected([hourly, hourly, hourly, None]));
    // What cannot be scheduled is said, and the others are.
    let named = [
        "channel",
        "sync",
        "own-tools",
        "el8-base",
        "--schedule",
        "daily 02:00",
    ];
    let finished = server.airlock(&named);
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("own-tools has no upstream"),
        "{}",
        finished.text()
    );
    assert!(
        finished.stdout.contains("el8-base: unchanged"),
        "{}",
        finished.text()
    );
    assert_eq!(schedules(), expected([daily, hourly, hourly, None]));
    server.stop();
}

#[test]
fn a_fetch_names_what_cannot_be_had_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::at(folder.path().join("upstream"));
    let server = Start::new(folder.path().join("data")).start();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &upstream.url(),
        "--policy",
        "on-demand",
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    let files = airlock_testkit::repos::packages_below(&folder.path().join("upstream"));
    let hello = files
        .iter()
        .find(|path| path.ends_with("hello-1.0-1.noarch.rpm"))
        .unwrap();
    let kept = std::fs::read(hello).unwrap();
    std::fs::remove_file(hello).unwrap();
    let finished = server.airlock(&["channel", "fetch", "el9-base"]);
    assert_eq!(finished.code, 1, "{}", finished.text());
    assert!(
        finished
            .stderr
            .contains("el9-base: not had: hello-1.0-1.noarch.rpm: ")
            && finished.stderr.contains("the file is not there")
            && finished.stdout.contains("1 cannot be had"),
        "{}",
        finished.text()
    );
    // What could be had came; the rest comes when it is there again.
    std::fs::write(hello, kept).unwrap();
    let line = server.airlock_ok(&["channel", "fetch", "el9-base@1"]);
    assert!(
        line.starts_with("el9-base: 1 packages brought here"),
        "{line}"
    );
    server.stop();
}

#[test]
fn a_short_password_in_the_environment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let finished = airlock_testkit::programs::run(
        std::process::Command::new(airlock_testkit::process::airlock_binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env("AIRLOCK_ADMIN_PASSWORD", "short"),
    );
    assert_eq!(finished.code, 1, "{}", finished.text());
    assert!(
        finished.stderr.contains(
            "AIRLOCK_ADMIN_PASSWORD: the password has 5 characters; at least 12 are needed"
        ) && finished.stderr.contains("hint: give another one"),
        "{}",
        finished.text()
    );
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}
