//! The real dnf and zypper against what is served: install, upgrade, one variable that moves the tree, token channels.

use airlock_testkit::dnf::Dnf;
use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::keys::SigningKey;
use airlock_testkit::process::{Server, Start};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;
use airlock_testkit::states::Distribution;
use airlock_testkit::zypper::Zypper;

struct Mirror {
    upstream: Distribution,
    server: Server,
    _folder: tempfile::TempDir,
}

/// A server with the signed distribution's first day synced.
fn mirror(label: &str, more: &[&str]) -> Mirror {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Distribution::signed_at(
        folder.path().join("upstream"),
        SigningKey::rsa("Mirror Test"),
    );
    let server = Start::new(folder.path().join("data")).start();
    let key = folder
        .path()
        .join("upstream/RPM-GPG-KEY")
        .display()
        .to_string();
    let url = upstream.url();
    let mut words = vec![
        "channel",
        "create",
        label,
        "--upstream",
        &url,
        "--gpg-key",
        &key,
    ];
    words.extend_from_slice(more);
    server.airlock_ok(&words);
    server.airlock_ok(&["channel", "sync", label]);
    Mirror {
        upstream,
        server,
        _folder: folder,
    }
}

fn repo_file(server: &Server, label: &str) -> String {
    let (status, body) = server.get(&format!("/repos/{label}.repo"));
    assert_eq!(status, 200);
    String::from_utf8(body).unwrap()
}

fn has(installed: &[String], package: &str) -> bool {
    installed.iter().any(|name| name == package)
}

#[test]
fn dnf_installs_upgrades_and_travels_in_time() {
    let mut mirror = mirror("el9-base", &[]);
    let mut dnf = Dnf::new();
    dnf.repo_file("el9-base", &repo_file(&mirror.server, "el9-base"));
    let _ = dnf.ok(&["install", "hello"]);
    assert!(
        has(&dnf.installed(), "hello-1.0-1.noarch"),
        "{:?}",
        dnf.installed()
    );

    mirror.upstream.next_day();
    mirror.server.airlock_ok(&["channel", "sync", "el9-base"]);
    // Pinned to the first version nothing is new; unset, the upgrade is there.
    dnf.variable("airlock_at", "1");
    let _ = dnf.ok(&["upgrade"]);
    assert!(
        has(&dnf.installed(), "hello-1.0-1.noarch"),
        "{:?}",
        dnf.installed()
    );
    dnf.unset_variable("airlock_at");
    let advisories = dnf.ok(&["updateinfo", "list"]).stdout;
    assert!(advisories.contains("hello-1.1-1"), "{advisories}");
    let _ = dnf.ok(&["upgrade"]);
    assert!(
        has(&dnf.installed(), "hello-1.1-1.noarch"),
        "{:?}",
        dnf.installed()
    );

    // After a rollback the older build is the newest one offered.
    mirror
        .server
        .airlock_ok(&["channel", "rollback", "el9-base", "1"]);
    let _ = dnf.ok(&["downgrade", "hello"]);
    assert!(
        has(&dnf.installed(), "hello-1.0-1.noarch"),
        "{:?}",
        dnf.installed()
    );
    // Promoted, the second version is what another channel serves.
    mirror
        .server
        .airlock_ok(&["channel", "create", "el9-prod", "--signatures", "off"]);
    mirror
        .server
        .airlock_ok(&["channel", "promote", "el9-base@2", "el9-prod"]);
    let mut prod = Dnf::new();
    prod.repo_file("el9-prod", &repo_file(&mirror.server, "el9-prod"));
    let _ = prod.ok(&["install", "hello"]);
    assert!(
        has(&prod.installed(), "hello-1.1-1.noarch"),
        "{:?}",
        prod.installed()
    );
    mirror.server.stop();
}

#[test]
fn dnf_installs_what_comes_on_demand_from_an_upstream_that_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut repository = Repository::at(folder.path().join("upstream"));
    let payload = Seeded::new(7).bytes(2_000_000);
    repository.add(&Rpm::new("big", "1.0", "1").file("/usr/share/big", payload));
    repository.add(&Rpm::new("small", "1.0", "1").requires("big"));
    repository.publish();
    let upstream = HttpServer::serve(repository.folder());
    let big = "/Packages/b/big-1.0-1.noarch.rpm";
    upstream.fault_at(big, 1, Fault::CutAfter(700_000));
    let server = Start::new(folder.path().join("data")).start();
    let url = upstream.url();
    server.airlock_ok(&[
        "channel",
        "create",
        "el9-base",
        "--upstream",
        &url,
        "--policy",
        "on-demand",
        "--signatures",
        "off",
    ]);
    server.airlock_ok(&["channel", "sync", "el9-base"]);
    assert_eq!(upstream.count(big), 0);
    for first in [true, false] {
        let mut dnf = Dnf::new();
        dnf.repo_file("el9-base", &repo_file(&server, "el9-base"));
        let _ = dnf.ok(&["install", "small"]);
        let installed = dnf.installed();
        assert!(has(&installed, "big-1.0-1.noarch"), "{installed:?}");
        assert!(has(&installed, "small-1.0-1.noarch"), "{installed:?}");
        assert_eq!(upstream.count(big), 2, "first: {first}");
    }
    server.stop();
}

#[test]
fn zypper_installs_and_travels_in_time() {
    let mut mirror = mirror("el9-base", &[]);
    let mut zypper = Zypper::new();
    zypper.repo_file("el9-base", &repo_file(&mirror.server, "el9-base"));
    let _ = zypper.ok(&["install", "hello"]);
    assert!(
        has(&zypper.installed(), "hello-1.0-1.noarch"),
        "{:?}",
        zypper.installed()
    );
    mirror.upstream.next_day();
    mirror.server.airlock_ok(&["channel", "sync", "el9-base"]);
    zypper.variable("airlock_at", "1");
    let _ = zypper.ok(&["refresh", "--force"]);
    let _ = zypper.ok(&["update", "hello"]);
    assert!(
        has(&zypper.installed(), "hello-1.0-1.noarch"),
        "{:?}",
        zypper.installed()
    );
    mirror.server.stop();
}

#[test]
fn dnf_reads_a_token_channel_with_its_token_only() {
    let mirror = mirror("el9-secret", &["--access", "token"]);
    assert_eq!(mirror.server.get("/repos/el9-secret.repo").0, 401);
    for form in [
        "el9-secret",
        "el9-secret@1",
        "el9-secret@current",
        "el9-secret@$airlock_at",
        "el9-secret@%24airlock_at",
        "el9-secret@7",
        "el9-secret@2000-01-01",
        "el9-secret@2099-01-01",
    ] {
        let (status, body) = mirror
            .server
            .get(&format!("/repos/{form}/repodata/repomd.xml"));
        assert_eq!(status, 401, "{form}: {}", String::from_utf8_lossy(&body));
    }
    let token = mirror
        .server
        .airlock_ok(&["token", "create", "web", "--channel", "el9-secret"])
        .trim()
        .to_owned();
    let url = mirror.server.url();
    let text = format!(
        "[el9-secret]\nname=x\nbaseurl={url}/repos/el9-secret/\ngpgcheck=1\ngpgkey=file://{}\nusername=token\npassword={token}\n",
        mirror
            .upstream
            .url()
            .trim_start_matches("file://")
            .to_owned()
            + "/RPM-GPG-KEY"
    );
    let mut dnf = Dnf::new();
    dnf.repo_file("el9-secret", &text);
    let _ = dnf.ok(&["install", "hello"]);
    mirror.server.airlock_ok(&["token", "revoke", "1"]);
    dnf.forget();
    let _ = dnf.run(&["makecache"]).expect_failure();
    mirror.server.stop();
}
