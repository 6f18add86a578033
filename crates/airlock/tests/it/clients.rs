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

#[test]
fn dnf_asks_again_after_some_minutes() {
    let mut mirror = mirror("el9-base", &[]);
    let mut dnf = Dnf::new();
    dnf.repo_file("el9-base", &repo_file(&mirror.server, "el9-base"));
    let _ = dnf.ok(&["install", "hello"]);
    mirror.upstream.next_day();
    mirror.server.airlock_ok(&["channel", "sync", "el9-base"]);
    let _ = dnf.run_later(400, &["upgrade"]).expect_success();
    let installed = dnf.installed();
    assert!(has(&installed, "hello-1.1-1.noarch"), "{installed:?}");
    mirror.server.stop();
}

#[test]
fn dnf_and_zypper_check_metadata_that_a_channel_signs_itself() {
    let mut mirror = mirror("el9-base", &[]);
    let key = "/repos/el9-base/gpg/metadata";
    assert_eq!(mirror.server.get(key).0, 404);
    mirror
        .server
        .airlock_ok(&["channel", "set", "el9-base", "--sign-metadata"]);
    mirror.upstream.next_day();
    mirror.server.airlock_ok(&["channel", "sync", "el9-base"]);
    let text = repo_file(&mirror.server, "el9-base");
    assert!(text.contains("repo_gpgcheck=1"), "{text}");
    let mut dnf = Dnf::new();
    dnf.repo_file("el9-base", &text);
    let _ = dnf.ok(&["install", "hello"]);
    assert!(has(&dnf.installed(), "hello-1.1-1.noarch"));
    // A version from before the channel was told to sign is signed as well.
    dnf.variable("airlock_at", "1");
    let _ = dnf.ok(&["downgrade", "hello"]);
    assert!(has(&dnf.installed(), "hello-1.0-1.noarch"));
    // The check is a real one: without the key there is no metadata.
    let mut without = Dnf::new();
    without.repo_file(
        "el9-base",
        &text
            .lines()
            .filter(|line| !line.ends_with("/gpg/metadata"))
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    let _ = without.run(&["makecache"]).expect_failure();
    let mut zypper = Zypper::new();
    zypper.repo_file("el9-base", &text);
    let _ = zypper.ok(&["install", "hello"]);
    let installed = zypper.installed();
    assert!(has(&installed, "hello-1.1-1.noarch"), "{installed:?}");

    // Told to sign no more it has no signature, of no version, and no key; who reads its file anew checks none.
    let asc = |version: &str| format!("/repos/el9-base{version}/repodata/repomd.xml.asc");
    for (word, status) in [("false", 404), ("true", 200)] {
        mirror
            .server
            .airlock_ok(&["channel", "set", "el9-base", "--sign-metadata", word]);
        for path in [asc(""), asc("@1"), asc("@2"), key.to_owned()] {
            assert_eq!(mirror.server.get(&path).0, status, "{path} with {word}");
        }
        let text = repo_file(&mirror.server, "el9-base");
        assert_eq!(text.contains("repo_gpgcheck=1"), word == "true", "{text}");
        let mut dnf = Dnf::new();
        dnf.repo_file("el9-base", &text);
        let _ = dnf.ok(&["makecache"]);
    }

    // The key comes back with a backup, so that clients go on trusting what they trust.
    let served = mirror.server.get(key).1;
    assert!(served.starts_with(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"));
    let backup = mirror._folder.path().join("backup");
    mirror
        .server
        .airlock_ok(&["backup", &backup.display().to_string()]);
    mirror.server.stop();
    let restored = mirror._folder.path().join("restored");
    let _ =
        airlock_testkit::process::airlock(&restored, &["restore", &backup.display().to_string()])
            .expect_success();
    for folder in [&backup, &restored] {
        let found = std::fs::metadata(folder.join("metadata-signing-key.asc")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", folder.display());
    }
    let server = Start::new(&restored).start();
    assert_eq!(server.get(key).1, served);
    server.stop();
}

#[test]
fn zypper_reads_a_token_channel_by_its_own_form_of_the_file() {
    let mirror = mirror("el9-secret", &["--access", "token"]);
    let token = mirror
        .server
        .airlock_ok(&["token", "create", "web", "--channel", "el9-secret"])
        .trim()
        .to_owned();
    let path = "/repos/el9-secret.repo?client=zypper";
    assert_eq!(mirror.server.get(path).0, 401);
    let (status, text) = mirror.server.get_with_token(path, &token);
    assert_eq!(status, 200);
    let mut zypper = Zypper::new();
    zypper.repo_file("el9-secret", &String::from_utf8(text).unwrap());
    let _ = zypper.ok(&["install", "hello"]);
    let installed = zypper.installed();
    assert!(has(&installed, "hello-1.0-1.noarch"), "{installed:?}");
    let (_, text) = mirror
        .server
        .get_with_token("/repos/el9-secret.repo", &token);
    let mut dnf = Dnf::new();
    dnf.repo_file("el9-secret", &String::from_utf8(text).unwrap());
    let _ = dnf.ok(&["install", "hello"]);
    mirror.server.stop();
}
