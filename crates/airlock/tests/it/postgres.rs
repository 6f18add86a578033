//! The whole server on PostgreSQL, as its users run it.

use airlock_testkit::dnf::Dnf;
use airlock_testkit::keys::SigningKey;
use airlock_testkit::process::Start;
use airlock_testkit::states::Distribution;

#[test]
fn a_server_on_postgresql_mirrors_installs_rolls_back_and_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Distribution::signed_at(
        folder.path().join("upstream"),
        SigningKey::rsa("Mirror Test"),
    );
    let key = folder
        .path()
        .join("upstream/RPM-GPG-KEY")
        .display()
        .to_string();
    let data = folder.path().join("data");
    let database = airlock_testkit::postgres::fresh_database();
    let start = Start::new(&data).variable("AIRLOCK_DATABASE_URL", &database);
    let server = start.start();
    let url = upstream.url();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &url,
        "--gpg-key",
        &key,
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    assert!(
        !data.join("airlock.db").exists(),
        "the embedded database is not used"
    );
    let mut dnf = Dnf::new();
    let (status, body) = server.get("/repos/el9-base.repo");
    assert_eq!(status, 200);
    dnf.repo_file("el9-base", &String::from_utf8(body).unwrap());
    let has = |dnf: &Dnf, package: &str| dnf.installed().iter().any(|name| name == package);
    let _ = dnf.ok(&["install", "hello"]);
    assert!(has(&dnf, "hello-1.0-1.noarch"), "{:?}", dnf.installed());

    upstream.next_day();
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    let _ = dnf.ok(&["upgrade"]);
    assert!(has(&dnf, "hello-1.1-1.noarch"), "{:?}", dnf.installed());
    let line = server.airlock_ok(&["channel", "sync", "el9-base"]);
    assert!(line.contains("unchanged"), "{line}");

    server.airlock_ok(&["channel", "rollback", "el9-base", "1"]);
    let _ = dnf.ok(&["downgrade", "hello"]);
    assert!(has(&dnf, "hello-1.0-1.noarch"), "{:?}", dnf.installed());
    server.airlock_ok(&["channel", "create", "el9-prod", "--signatures", "off"]);
    server.airlock_ok(&["channel", "promote", "el9-base@2", "el9-prod"]);
    server.airlock_ok(&["org", "create", "research"]);
    let clean = |text: String| assert!(text.trim_end().ends_with("clean"), "{text}");
    clean(server.airlock_ok(&["fsck", "--deep"]));
    server.airlock_ok(&["gc"]);
    let backup = folder.path().join("backup").display().to_string();
    let refused = server.airlock(&["backup", &backup]);
    assert_eq!(refused.code, 1, "{}", refused.text());
    assert!(refused.stderr.contains("pg_dump"), "{}", refused.text());
    assert!(!std::path::Path::new(&backup).exists());
    let served = server.get("/repos/el9-base/repodata/repomd.xml").1;

    // The steps of docs/operations.md: dump, copy, and the way back into another database and folder.
    let run = |command: &mut std::process::Command| {
        let _ = airlock_testkit::programs::run(command).expect_success();
    };
    let dump = folder.path().join("airlock.dump");
    run(std::process::Command::new("pg_dump")
        .args(["--format=custom", "--file"])
        .arg(&dump)
        .arg(&database));
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    run(std::process::Command::new("cp")
        .arg("-au")
        .args([data.join("blobs"), copy.clone()]));
    let other = airlock_testkit::postgres::fresh_database();
    run(std::process::Command::new("pg_restore")
        .arg("--no-owner")
        .arg(format!("--dbname={other}"))
        .arg(&dump));
    let restored = Start::new(&copy)
        .variable("AIRLOCK_DATABASE_URL", &other)
        .start();
    assert_eq!(
        restored.get("/repos/el9-base/repodata/repomd.xml").1,
        served
    );
    clean(restored.airlock_ok(&["fsck", "--deep"]));
    restored.stop();
    server.kill();

    // Another process over the same database and folder serves the same.
    let server = start.start();
    assert_eq!(server.get("/repos/el9-base/repodata/repomd.xml").1, served);
    clean(server.airlock_ok(&["fsck", "--deep"]));
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    server.stop();
}
